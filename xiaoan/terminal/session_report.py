"""What a paper or a round of practice came to: score, tables by 专业 and 题型, mistakes, and what is due next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xiaoan.figures import duration_text, number_text, percent_text
from xiaoan.terminal.question_view import answer_lines, labelled_lines
from xiaoan.terminal.tables import fitted_table
from xiaoan.terminal.verdict import AGREES, DIFFERS, PLAIN, QUIET, UNKNOWN, Line

if TYPE_CHECKING:
    from xiaoan.question_bank.results import ItemResult, PaperResult, Tally

_TITLE = "xiaoan.title"
_LABEL = "xiaoan.label"
_NO_PROFESSION = "没有写专业"


def result_lines(result: "PaperResult", *, plain: bool, width: int = 80) -> Iterator[Line]:
    """Yield the result of a paper handed in: score, passed or not, tables, and every mistake with its clause.

    `width` in cells: tables that are wider become sentences, as they are with `plain`.
    """
    yield Line(f"{result.title}：成绩", _TITLE)
    earned = f"{number_text(result.earned)} 分，满分 {number_text(result.points)} 分"
    yield Line(f"{earned}，得分率 {percent_text(result.percent / 100)}")
    if result.passed is not None:
        yield _pass_line(result, plain=plain)
    yield Line(_counted(result.total))
    yield from _side_by_side(
        [f"用时 {duration_text(result.elapsed_s)}", f"卷号 {result.seed}"], QUIET, plain=plain
    )
    yield from (Line(note, QUIET) for note in result.notes)
    yield from _tables(result, plain=plain, width=width)
    yield Line("")
    if not result.mistakes:
        yield Line("没有错题。", AGREES, "" if plain else "✓ ")
        return
    unanswered = result.total.unanswered
    wrong = len(result.mistakes) - unanswered
    counts = [f"错题 {wrong} 道"] if wrong else []
    counts += [f"未答 {unanswered} 道"] if unanswered else []
    yield Line("，".join(counts), _TITLE)
    for item in result.mistakes:
        yield from _mistake_lines(item, plain=plain)
    yield Line("")
    yield _closing_line(result, earned, plain=plain)


def practice_summary_lines(
    result: "PaperResult",
    *,
    plain: bool,
    width: int = 80,
    title: str = "这次练习",
    revealed: int = 0,
    skipped: int = 0,
) -> Iterator[Line]:
    """Yield what a round of practice or review came to, its accuracy counting only what was answered.

    `revealed` and `skipped` are how many questions were looked up, and left out.
    """
    total = result.total
    yield Line(title, _TITLE)
    others = [f"看了答案 {revealed} 题"] if revealed else []
    others += [f"跳过 {skipped} 题"] if skipped else []
    if not total.answered:
        yield Line("，".join(["没有作答", *others]))
        return
    yield Line("，".join([f"答了 {total.answered} 题", _counted(replace(total, unanswered=0))]))
    if others:
        yield Line("，".join(others))
    parts = [f"正确率 {percent_text(total.accuracy)}"] if total.accuracy is not None else []
    yield from _side_by_side([*parts, f"用时 {duration_text(result.elapsed_s)}"], plain=plain)
    for title, tallies in _groups(result):
        rows = [
            [name, str(tally.answered), str(tally.right), percent_text(tally.right / tally.answered)]
            for name, tally in tallies.items()
            if tally.answered
        ]
        if len(rows) > 1:
            yield Line("")
            yield from fitted_table([title, "答题", "答对", "占"], rows, width=width, plain=plain)


def due_lines(due: Mapping[str, int], *, plain: bool, reviewed: bool = False) -> Iterator[Line]:
    """Yield how many questions are due for review today, in all and for each 专业.

    `reviewed`: what is left after a review.
    """
    counts = {name or _NO_PROFESSION: count for name, count in due.items() if count}
    if not counts:
        yield Line("今天要复习的都复习过了。" if reviewed else "今天没有要复习的题。")
        return
    texts = [f"{name} {count} 题" for name, count in counts.items()]
    yield Line(f"今天{'还' if reviewed else ''}要复习 {sum(counts.values())} 题", _TITLE)
    yield from _side_by_side(texts, plain=plain)


def tally_line(person: "Tally", bot: "Tally", *, plain: bool) -> Line:
    """Return the person's tally beside the bot's, of what each has answered."""
    sides = [("你", person.right, person.answered), ("小安", bot.right, bot.answered)]
    if plain:
        return Line("；".join(f"{name}答了 {of} 题，对 {right} 题" for name, right, of in sides))
    return Line("　".join(f"{name} {right}/{of}" for name, right, of in sides), QUIET, "对题：")


def _pass_line(result: "PaperResult", *, plain: bool) -> Line:
    needed = f"（{percent_text((result.pass_percent or 0) / 100)} 及格）"
    if result.passed:
        return Line(f"及格{needed}", AGREES, "" if plain else "✓ ")
    return Line(f"不及格{needed}", DIFFERS, "" if plain else "✗ ")


def _closing_line(result: "PaperResult", earned: str, *, plain: bool) -> Line:
    """The score again below the mistakes, which may have pushed it out of the window."""
    if result.passed is None:
        return Line(f"成绩：{earned}", _TITLE)
    sign, word, style = ("✓ ", "及格", AGREES) if result.passed else ("✗ ", "不及格", DIFFERS)
    return Line(f"{earned}，{word}", style, "" if plain else sign)


def _counted(tally: "Tally") -> str:
    """`对 60 题，部分对 2 题，错 20 题，未答 3 题`; what there is none of is left out, but for the right ones."""
    others = {
        "部分对": tally.partly,
        "错": tally.wrong,
        "未答": tally.unanswered,
        "没有评判": tally.open,
    }
    parts = [f"对 {tally.right} 题", *(f"{name} {count} 题" for name, count in others.items() if count)]
    return "，".join(parts)


def _side_by_side(texts: Sequence[str], style: str = PLAIN, *, plain: bool) -> Iterator[Line]:
    yield from (Line(text, style) for text in (texts if plain else ["　".join(texts)]))


def _groups(result: "PaperResult") -> "Iterator[tuple[str, Mapping[str, Tally]]]":
    yield "专业", {name or _NO_PROFESSION: tally for name, tally in result.by_profession.items()}
    yield "题型", result.by_type


def _tables(result: "PaperResult", *, plain: bool, width: int) -> Iterator[Line]:
    for title, tallies in _groups(result):
        rows = [[name, *_figures(tally)] for name, tally in tallies.items()]
        if rows:
            yield Line("")
            yield from fitted_table([title, "题数", "对", "未答", "得分"], rows, width=width, plain=plain)


def _figures(tally: "Tally") -> list[str]:
    score = f"{number_text(tally.earned)}/{number_text(tally.points)}"
    return [str(tally.count), str(tally.right), str(tally.unanswered), score]


def _mistake_lines(item: "ItemResult", *, plain: bool) -> Iterator[Line]:
    question = item.shown.question
    parts = [f"第 {item.number} 题", str(question.question_type), question.profession]
    parts += ["已标记"] if item.marked else []
    yield Line("")
    yield Line(("，" if plain else "　").join(part for part in parts if part), _LABEL)
    indent = 0 if plain else 2
    yield Line(question.stem, PLAIN, indent=indent)
    if item.grade is None:
        yield Line("未答", UNKNOWN, indent=indent)
    else:
        style = UNKNOWN if item.outcome == "partly" else DIFFERS
        yield from labelled_lines("你的答案：", item.given_lines, style, plain=plain)
    yield from answer_lines(item.shown, plain=plain)
