"""The page of an exam: right or wrong by 题型 and form, what else answered, how sure the bot was, every wrong answer."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xiaoan.figures import duration_text, interval_text, percent_text
from xiaoan.reports.environment import render
from xiaoan.reports.reliability_plot import reliability_plot

if TYPE_CHECKING:
    from xiaoan.evaluation.comparing import Paired
    from xiaoan.evaluation.exam_results import Compared, ExamResult
    from xiaoan.evaluation.scores import Accuracy, LetterBias
    from xiaoan.evaluation.sitting import Sitting

LEVEL_NAMES = {"high": "高", "middle": "中", "low": "低"}
STATUS_WORDS = {
    "match": "与题库一致",
    "mismatch": "与题库不一致，以题库为准",
    "not_found": "题库里没有这道题",
    "ambiguous": "题库里有几道这样的题",
    None: "没有核对",
}
DECODE_WORDS = {"content": "按选项内容选", "free": "自由生成"}
_CERTAIN = 0.05
"""Below this p-value a difference is called one."""


def exam_page(result: "ExamResult") -> str:
    """Return the whole page."""
    biases = list(_letter_biases(result))
    return render(
        "exam.html",
        result=result,
        figures=result.figures,
        verdict=_verdict(result),
        facts=list(_facts(result)),
        warnings=list(_warnings(result)),
        kinds=result.question_types,
        against="、".join(map(result.title_of, result.others_forms)),
        plot=_plot(result),
        contestants=list(_contestants(result)),
        biases=biases,
        letters=sorted({letter for _, bias in biases for letter in bias.recall}),
        level_names=LEVEL_NAMES,
        speed=_speed(result),
        compared=[] if result.comparison is None else list(_compared_rows(result.comparison, result)),
        judgements=[] if result.comparison is None else list(_judgements(result.comparison)),
        wrong=[(sitting, _question_lines(sitting)) for sitting in result.wrong],
        status_words=STATUS_WORDS,
        interval=interval_text,
        points=points_text,
        p_text=p_text,
    )


def points_text(share: float) -> str:
    """Return a difference of shares in percentage points, with its sign: `+1.2`, `0.0`."""
    shown = f"{100 * share:+.1f}"
    return "0.0" if shown in ("+0.0", "-0.0") else shown


def p_text(p_value: float) -> str:
    """Return a p-value with two figures: `0.034`, `<0.001`."""
    return "<0.001" if p_value < 0.001 else f"{p_value:.2g}"


def _verdict(result: "ExamResult") -> str:
    overall = result.figures.accuracy.overall
    if not overall.asked:
        return "没有一道题能问"
    return f"模型自己答对 {percent_text(overall.value)}（{interval_text(overall.low, overall.high)}）"


def _facts(result: "ExamResult") -> Iterator[tuple[str, str]]:
    model = result.model
    yield "题目", result.questions
    yield "对照题库", result.bank or "没有"
    yield "题数", f"{len({one.id for one in result.sittings})} 题，问了 {len(result.sittings)} 次"
    yield "问法", "、".join(f"{result.title_of(form)}（{form}）" for form in result.figures.accuracy.by_form)
    yield "模型", model.name + ("（演示模型）" if model.demo else "")
    yield "前缀", model.prefix or "没有"
    if model.lora:
        yield "适配器", model.lora
    yield "运行", f"{model.device}，{model.dtype}，{DECODE_WORDS.get(model.decode, model.decode)}"
    yield "种子", str(result.seed)
    yield "时间", result.date.strftime("%Y-%m-%d %H:%M")


def _warnings(result: "ExamResult") -> Iterator[str]:
    if wrong := result.figures.wrongly_verified:
        yield f"有 {wrong} 次答错了，屏幕上却显示“与题库一致”。一次也不该有，请把错题发给我们。"
    if result.model.demo:
        yield "这是演示模型的成绩：它只会示例题库上的内容，这里的数说明考试和作答的办法管不管用，不说明 ChatGLM-6B 会考多少分。"
    if result.unasked:
        yield f"有 {len(result.unasked)} 次没法问（题太长，或选项太多），没有算进任何一个数。"
    if result.comparison is not None and result.comparison.asked_otherwise:
        yield f"对照的两次考试里，有 {result.comparison.asked_otherwise} 次问的文字不一样，只能粗略地比。"


def _contestants(result: "ExamResult") -> "Iterator[tuple[str, Accuracy]]":
    if result.beside_others is not None:
        yield "小安", result.beside_others.accuracy
    for one in result.others:
        if one.figures is not None:
            yield one.name, one.figures.accuracy


def _letter_biases(result: "ExamResult") -> "Iterator[tuple[str, LetterBias]]":
    """How well the models answered 单选题 with options, under which letter."""
    runs = [("小安", result.beside_others or result.figures)]
    runs += [(one.name, one.figures) for one in result.others if one.figures and one.by_model]
    for name, figures in runs:
        if figures.letter_bias is not None:
            yield name, figures.letter_bias


def _plot(result: "ExamResult") -> str:
    found = result.figures.calibration
    return "" if found is None else reliability_plot("reliability", "把握和实际答对的比例", found)


def _speed(result: "ExamResult") -> str:
    each = result.figures.speed.seconds_per_question
    if not each:
        return "没有记时间。"
    took = duration_text(each) if each >= 60 else f"{each:.3g} 秒"
    tokens = result.figures.speed.tokens_per_second
    written = f"；自由生成的，每秒 {tokens:,.0f} 个词元" if tokens else ""
    return f"每题 {took}，每秒 {1 / each:.3g} 题{written}。许多题一起答，所以比一题一题问快得多。"


def _compared_rows(compared: "Compared", result: "ExamResult") -> "Iterator[tuple[str, str, Paired]]":
    for form, found in compared.by_form.items():
        yield result.title_of(form), "全部", found.overall
        for kind, one in found.by_type.items():
            yield result.title_of(form), kind, one
    if len(compared.by_form) > 1:
        yield "合计", "全部", compared.overall
    yield "屏幕上先看到的", "全部", compared.shown_first


def _judgements(compared: "Compared") -> Iterator[str]:
    """What the test allows to be said of B against A."""
    for name, one in (("模型自己的回答", compared.overall), ("屏幕上先看到的", compared.shown_first)):
        if one.p_value >= _CERTAIN:
            yield f"{name}：看不出差别（不等于没有差别，题少时尤其如此）"
        else:
            yield f"{name}：B {'更好' if one.difference > 0 else '更差'}，不像碰巧"


def _question_lines(sitting: "Sitting") -> list[str]:
    """What was asked, one option a line where it was asked in a row."""
    return [line for line in sitting.asked.split("\n") if line.strip()]
