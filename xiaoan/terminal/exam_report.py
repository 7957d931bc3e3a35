"""An exam on the screen: accuracy with intervals, what else answered, how sure the bot was, and what it got wrong."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from xiaoan.figures import Share, duration_text, interval_text, percent_text
from xiaoan.terminal.tables import fitted_table
from xiaoan.terminal.verdict import AGREES, DIFFERS, PLAIN, QUIET, UNKNOWN, Line

if TYPE_CHECKING:
    from xiaoan.evaluation.comparing import Paired
    from xiaoan.evaluation.exam_results import Compared, ExamResult, Figures
    from xiaoan.evaluation.sitting import Sitting

_TITLE = "xiaoan.title"
_ALL = "全部"
_SHOWN_WRONG = 20
_SHOWN_UNASKED = 3
_LEVEL_NAMES = {"high": "高", "middle": "中", "low": "低"}
_STATUS_WORDS = {
    "match": "与题库一致",
    "mismatch": "与题库不一致",
    "not_found": "题库没有",
    "ambiguous": "题库有几道相同的",
}
_SHOWN_FIRST = "先看到的"
_CERTAIN = 0.05
"""Below this p-value a difference is called one."""


def exam_lines(result: "ExamResult", *, width: int = 80, plain: bool = False) -> Iterator[Line]:
    """Yield the whole report of an exam.

    Args:
        result: the exam.
        width: in cells; a table that is wider becomes sentences.
        plain: words in place of symbols and tables.
    """
    yield from _head(result)
    yield Line("")
    yield from _accuracy_lines(result, width=width, plain=plain)
    yield from _shown_lines(result.figures)
    yield from _other_lines(result, width=width, plain=plain)
    yield from _confidence_lines(result.figures, width=width, plain=plain)
    yield from _habit_lines(result, width=width, plain=plain)
    yield from _speed_lines(result.figures)
    yield from _unasked_lines(result)
    yield from _wrong_lines(result, width=width)


def comparison_lines(
    compared: "Compared", result: "ExamResult", *, width: int, plain: bool
) -> Iterator[Line]:
    """Yield the paired difference of two runs, form by form; with one form by 题型 too."""
    yield Line("两次考试对照（同一道题、同一种问法两两相比）", _TITLE)
    yield Line(compared.a, PLAIN, "A：")
    yield Line(compared.b, PLAIN, "B：")
    rows = [
        [
            name,
            str(one.n),
            percent_text((one.both + one.only_a) / one.n),
            percent_text((one.both + one.only_b) / one.n),
            points_text(one.difference, one.low, one.high),
            f"{one.only_a}/{one.only_b}",
            p_text(one.p_value),
        ]
        for name, one in _compared_rows(compared, result)
    ]
    header = ["问法", "次数", "A", "B", "B 减 A", "只A对/只B对", "p"]
    yield from fitted_table(header, rows, width=width, plain=plain)
    yield Line("差是百分点，括号里是 95% 区间；p 是 McNemar 精确检验，只看两边不同的题。", QUIET)
    yield Line(f"“{_SHOWN_FIRST}”比的是屏幕先给的答案（题库有的以题库为准），别的行比模型自己的回答。", QUIET)
    whole = compared.overall
    yield judgement_line("模型自己的回答", whole.difference, whole.p_value)
    shown = compared.shown_first
    yield judgement_line("屏幕上先看到的", shown.difference, shown.p_value)
    if len(rows) > 2:
        yield Line("比得越多，越容易碰巧有一个 p 小于 0.05。", QUIET)
    if whole.unpaired_a or whole.unpaired_b:
        yield Line(f"只有一边答过、没有算进来的：A {whole.unpaired_a} 次，B {whole.unpaired_b} 次。", UNKNOWN)
    if compared.asked_otherwise:
        yield Line(
            f"有 {compared.asked_otherwise} 次两边问的文字不一样（种子或题库不同），只能粗略地比。", UNKNOWN
        )


def _compared_rows(compared: "Compared", result: "ExamResult") -> "Iterator[tuple[str, Paired]]":
    """What has a row: with several forms each form and all of them, with one form each 题型 too."""
    for form, found in compared.by_form.items():
        yield result.title_of(form), found.overall
        if len(compared.by_form) == 1:
            yield from found.by_type.items()
    if len(compared.by_form) > 1:
        yield "合计", compared.overall
    yield _SHOWN_FIRST, compared.shown_first


def judgement_line(name: str, difference: float, p_value: float) -> Line:
    """Return what the test allows to be said of B against A."""
    if p_value >= _CERTAIN:
        return Line(f"{name}：看不出差别（不等于没有差别，题少时尤其如此）。", UNKNOWN)
    if difference > 0:
        return Line(f"{name}：B 更好，不像碰巧。", AGREES)
    return Line(f"{name}：B 更差，不像碰巧。", DIFFERS)


def share_text(share: Share) -> str:
    """Return a share with its interval: `98.4%（97–100）`; `—` of nothing."""
    if not share.asked:
        return "—"
    return f"{percent_text(share.value)}（{interval_text(share.low, share.high).removesuffix('%')}）"


def points_text(difference: float, low: float, high: float) -> str:
    """Return a difference of shares in percentage points with its interval: `-12.3（-15.1到-9.4）`."""
    return f"{_signed(difference)}（{_signed(low)}到{_signed(high)}）"


def p_text(p_value: float) -> str:
    """Return a p-value with two figures: `0.034`, `<0.001`."""
    return "<0.001" if p_value < 0.001 else f"{p_value:.2g}"


def _signed(share: float) -> str:
    shown = f"{100 * share:+.1f}"
    return "0.0" if shown in ("+0.0", "-0.0") else shown


def _head(result: "ExamResult") -> Iterator[Line]:
    model = result.model
    with_what = [f"前缀 {model.prefix}"] if model.prefix else []
    with_what += [f"适配器 {model.lora}"] if model.lora else []
    decode = "按内容选" if model.decode == "content" else "自由生成"
    demo = "（演示模型）" if model.demo else ""
    asked = len({sitting.id for sitting in result.sittings})
    yield Line(f"考试：{result.questions}", _TITLE)
    yield Line(
        f"{model.name}{demo}，{'、'.join(with_what) or '没有前缀'}，{model.device}，{model.dtype}，{decode}"
    )
    bank = f"对照题库：{result.bank}" if result.bank else "没有对照题库"
    yield Line(f"{asked} 题，问了 {len(result.sittings)} 次；{bank}；种子 {result.seed}", QUIET)


def _accuracy_lines(result: "ExamResult", *, width: int, plain: bool) -> Iterator[Line]:
    found = result.figures.accuracy
    kinds = result.question_types
    nothing = Share(0, 0)
    rows = [
        [
            result.title_of(form),
            share_text(own.overall),
            *(share_text(own.by_type.get(kind, nothing)) for kind in kinds),
        ]
        for form, own in found.by_form.items()
    ]
    if len(rows) > 1:
        rows.append(["合计", share_text(found.overall), *(share_text(found.by_type[kind]) for kind in kinds)])
    yield Line("模型自己答对的（题库不帮忙）", _TITLE)
    yield from fitted_table(["问法", _ALL, *kinds], rows, width=width, plain=plain)
    yield Line("括号里是 95% 置信区间；合计的区间按不同的题数算。", QUIET)
    if len(found.by_profession) > 1:
        yield Line("")
        professions = [
            [name, str(share.asked), share_text(share)] for name, share in found.by_profession.items()
        ]
        yield from fitted_table(["专业", "次数", "答对"], professions, width=width, plain=plain)
    yield Line("")


def _shown_lines(figures: "Figures") -> Iterator[Line]:
    first = figures.shown_first
    yield Line(f"屏幕上先看到的就是对的：{share_text(first)}（题库有的以题库为准）")
    wrong = figures.wrongly_verified
    style = DIFFERS if wrong else AGREES
    yield Line(f"答错却显示为“与题库一致”：{wrong} 次", style)
    yield Line(f"少选给分的平均得分：{percent_text(figures.partial_credit)}", QUIET)


def _other_lines(result: "ExamResult", *, width: int, plain: bool) -> Iterator[Line]:
    """What the bot is measured against, in the forms that the others were asked in."""
    if not result.others:
        return
    kinds = result.question_types
    rows = [] if result.beside_others is None else [_other_row("小安", result.beside_others, None, kinds)]
    rows += [_other_row(one.name, one.figures, one.paired, kinds) for one in result.others if one.figures]
    yield Line("")
    yield Line(f"和别的办法比（{'、'.join(map(result.title_of, result.others_forms))}）", _TITLE)
    yield from fitted_table(["办法", _ALL, *kinds, "比小安"], rows, width=width, plain=plain)
    yield Line("“比小安”是百分点和 95% 区间，同样的题两两相比。", QUIET)
    yield from (Line(f"{one.name}：{one.note}", QUIET) for one in result.others if one.note)


def _other_row(name: str, figures: "Figures", against: "Paired | None", kinds: Sequence[str]) -> list[str]:
    """A row without intervals but that of the difference: there is no room for more."""
    found = figures.accuracy
    by_type = [percent_text(found.by_type[kind].value) if kind in found.by_type else "—" for kind in kinds]
    difference = "—" if against is None else points_text(against.difference, against.low, against.high)
    return [name, percent_text(found.overall.value), *by_type, difference]


def _confidence_lines(figures: "Figures", *, width: int, plain: bool) -> Iterator[Line]:
    yield Line("")
    if figures.levels is None or figures.calibration is None:
        yield Line("没有把握可看：这个前缀没有校准过（xiaoan calibrate）。", QUIET)
        return
    rows = [
        [
            _LEVEL_NAMES.get(name, name),
            str(level.right.asked),
            percent_text(level.of_all.value),
            share_text(level.right),
        ]
        for name, level in figures.levels.items()
    ]
    yield from fitted_table(["把握", "次数", "占全部", "其中答对"], rows, width=width, plain=plain)
    found = figures.calibration
    yield Line(
        f"把握和实际平均差 {percent_text(found.ece)}（ECE），Brier {found.brier:.3f}；都是越小越好。", QUIET
    )


def _habit_lines(result: "ExamResult", *, width: int, plain: bool) -> Iterator[Line]:
    """Letters, rotations and 判断题: where an answer depends on something else than the question."""
    figures = result.figures
    if figures.letter_bias is not None or figures.circular is not None or figures.confusion:
        yield Line("")
    if figures.letter_bias is not None:
        recall = "，".join(
            f"{letter} {percent_text(share.value)}" for letter, share in figures.letter_bias.recall.items()
        )
        spread = percent_text(figures.letter_bias.spread)
        yield Line(f"单选题按正确选项的字母：{recall}；相差 {spread}")
    if figures.circular is not None:
        every, alike = figures.circular.right_in_every, figures.circular.consistent
        yield Line(f"选项轮换：每一轮都对 {share_text(every)}；每一轮答得一样 {share_text(alike)}")
    if figures.confusion:
        rows = [[f"应为{official}", given, str(n)] for (official, given), n in figures.confusion.items()]
        yield from fitted_table(["判断题", "小安答", "次数"], rows, width=width, plain=plain)


def _speed_lines(figures: "Figures") -> Iterator[Line]:
    speed = figures.speed
    tokens = f"，每秒 {speed.tokens_per_second:,.0f} 个词元" if speed.tokens_per_second else ""
    if speed.seconds_per_question:
        yield Line("")
        each = speed.seconds_per_question
        took = duration_text(each) if each >= 60 else f"{each:.3g} 秒"
        yield Line(f"每题 {took}，每秒 {1 / each:.3g} 题{tokens}（许多题一起答）", QUIET)


def _unasked_lines(result: "ExamResult") -> Iterator[Line]:
    if not result.unasked:
        return
    yield Line(f"有 {len(result.unasked)} 次没法问（题太长，或选项太多），没有计入：", UNKNOWN)
    for stem, form in islice(result.unasked, _SHOWN_UNASKED):
        yield Line(f"[{result.title_of(form)}] {stem[:60]}", QUIET, "· ", 2)


def _wrong_lines(result: "ExamResult", *, width: int) -> Iterator[Line]:
    wrong = result.wrong
    yield Line("")
    if not wrong:
        yield Line("没有答错的。", AGREES)
        return
    shown = wrong[:_SHOWN_WRONG]
    more = (
        f"，这里是前 {len(shown)} 次；全部在 --html、--xlsx 或 --json 里" if len(wrong) > len(shown) else ""
    )
    yield Line(f"答错 {len(wrong)} 次{more}", _TITLE)
    indent = 3 if width >= 40 else 0
    for number, sitting in enumerate(shown, 1):
        yield from _wrong_answer(number, sitting, result.title_of(sitting.form), indent)


def _wrong_answer(number: int, sitting: "Sitting", title: str, indent: int) -> Iterator[Line]:
    asked = "　".join(sitting.asked.splitlines())
    yield Line(f"[{title}] {asked}", PLAIN, f"{number}. ")
    yield Line(
        sitting.answer or "（没有回答）", DIFFERS if sitting.wrongly_verified else PLAIN, "小安答：", indent
    )
    yield Line("；".join(sitting.official), AGREES, "应为：", indent)
    facts = [f"依据 {sitting.clause}"] if sitting.clause else []
    if sitting.confidence is not None:
        facts.append(f"把握 {percent_text(sitting.confidence)}")
    if sitting.status is not None:
        facts.append(_STATUS_WORDS.get(sitting.status, sitting.status))
    if facts:
        yield Line("，".join(facts), QUIET, indent=indent)
