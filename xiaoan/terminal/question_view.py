"""A question as it is put to a person, what became of an answer to it, and the bank's answer with its clause."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from xiaoan.figures import number_text
from xiaoan.terminal.verdict import AGREES, DIFFERS, PLAIN, QUIET, UNKNOWN, Line
from xiaoan.terminal.wrapping import cell_width

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.shuffling import ShownQuestion
    from xiaoan.question_bank.grading import Grade

_LABEL = "xiaoan.label"
_OPTION_INDENT = 3
_INDENT = 2


def question_lines(
    item: "ShownQuestion",
    number: int,
    total: int,
    *,
    plain: bool,
    answered: str = "",
    marked: bool = False,
    points: float | None = None,
) -> Iterator[Line]:
    """Yield `第 2/5 题` with kind and 专业, the stem, the options, and what is noted of it so far.

    `number` counts from 1; `answered` is the answer already given, '' for none; `points` are what it is worth
    in a paper.
    """
    question = item.question
    parts = [f"第 {number}/{total} 题", str(question.question_type), question.profession]
    parts += [f"{number_text(points)} 分"] if points is not None else []
    parts += ["已标记"] if marked else []
    yield Line(("，" if plain else "　").join(part for part in parts if part), _LABEL)
    yield Line(question.stem)
    indent = 0 if plain else _OPTION_INDENT
    for option in item.options:
        yield Line(option.text, PLAIN, f"{option.label}. ", indent)
    if answered:
        yield Line(answered, QUIET, "你的答案：")


def verdict_lines_of(
    grade: "Grade", shown: "ShownQuestion", given_lines: Sequence[str], *, plain: bool
) -> Iterator[Line]:
    """Yield the verdict, what was given where that is not the answer, and the lines of `answer_lines`.

    `given_lines` is the answer as the person saw its options, one line each (`B. 绝缘靴`).
    """
    verdict = str(grade.verdict)
    sign, word, style = _VERDICTS[verdict]
    detail = _detail(grade, shown)
    yield Line(f"{word}：{detail}" if detail else f"{word}。", style, "" if plain else sign)
    if verdict != "right":
        yield from labelled_lines("你的答案：", given_lines, style, plain=plain)
    yield from answer_lines(shown, plain=plain)


def answer_lines(shown: "ShownQuestion", *, plain: bool) -> Iterator[Line]:
    """Yield the bank's answer with the letters that the person sees, its clause, and the explanation."""
    yield from labelled_lines("正确答案：", shown.answer_lines, AGREES, plain=plain)
    if shown.question.clause:
        yield from labelled_lines("依据：", [shown.question.clause], plain=plain)
    if shown.explanation:
        yield from labelled_lines("解析：", [shown.explanation], plain=plain)


def labelled_lines(
    label: str, texts: Iterable[str], style: str = PLAIN, *, plain: bool, indent: int = _INDENT
) -> Iterator[Line]:
    """Yield one line a text, the first behind `label`, the others below its text; for listeners one line of all."""
    rows = list(texts)
    if plain and rows:
        rows, indent = ["；".join(rows)], 0
    for place, text in enumerate(rows):
        yield Line(text, style, label if place == 0 else " " * cell_width(label), indent)


_VERDICTS = {
    "right": ("✓ ", "对", AGREES),
    "partly": ("! ", "部分对", UNKNOWN),
    "wrong": ("✗ ", "错", DIFFERS),
    "unreadable": ("? ", "没有看懂这个答案", UNKNOWN),
    "open": ("? ", "请自己对照", UNKNOWN),
}
"""Sign, word and style of each verdict of a grade."""


def _detail(grade: "Grade", shown: "ShownQuestion") -> str:
    """What exactly is amiss, in a few words; '' where the verdict says it all."""
    verdict = str(grade.verdict)
    if verdict in ("right", "unreadable"):
        return ""
    if verdict == "open":
        return _open_detail(grade)
    if len(grade.blanks) > 1:
        wrong = "、".join(str(place) for place, right in enumerate(grade.blanks, 1) if not right)
        detail = f"第 {wrong} 空不对"
    elif shown.options and len(shown.answer_letters) > 1:
        missing, extra = _letters(shown, grade.missing), _letters(shown, grade.extra)
        detail = "，".join(
            [*([f"少选了 {missing}"] if missing else []), *([f"多选了 {extra}"] if extra else [])]
        )
    else:
        detail = ""
    if verdict == "partly":
        share = f"得这题的 {grade.credit:.0%}"
        return f"{detail}，{share}" if detail else share
    return detail


def _open_detail(grade: "Grade") -> str:
    count = len(grade.found) + len(grade.missing)
    if not count:
        return "简答题由你自己判断"
    found = f"{count} 个要点里提到 {len(grade.found)} 个"
    return f"{found}，没有提到：{'、'.join(grade.missing)}" if grade.missing else found


def _letters(shown: "ShownQuestion", texts: Sequence[str]) -> str:
    """The shown letters of the options with these texts; a text that is no option's stays as it is."""
    labels = {option.text: str(option.label) for option in shown.options}
    return "、".join(sorted(labels.get(text, text) for text in texts))
