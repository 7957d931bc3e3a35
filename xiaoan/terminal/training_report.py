"""What a finished training run came to: before and after by 题型, forgetting, where things lie, what to type next."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.figures import Share, duration_text, interval_text, percent_text
from xiaoan.terminal.tables import fitted_table
from xiaoan.terminal.verdict import AGREES, PLAIN, QUIET, UNKNOWN, Line
from xiaoan.terminal.wrapping import cell_width

if TYPE_CHECKING:
    from xiaoan.training.run_card import Accuracy, GeneralScore, RunCard

_TITLE = "xiaoan.title"
_ALL = "全部"
_LEARNT = "学过的"
_HELD_OUT = "没学过的"
_METHODS = {"ptuning": "P-Tuning v2", "lora": "LoRA", "full": "全量微调"}


def training_lines(
    card: "RunCard",
    output: Path,
    *,
    model: str | None = None,
    bank: Sequence[str] = (),
    plain: bool = False,
    width: int = 80,
) -> Iterator[Line]:
    """Yield the summary of a finished run.

    Args:
        card: of the run.
        output: its folder.
        model: as it was given on the command line; None for the one that is used without saying so.
        bank: files as they were given there.
        plain: words in place of symbols and tables.
        width: in cells; a table that is wider becomes sentences.
    """
    ending = "提前结束（已经学会，或不再进步）" if card.ending == "early" else "完成"
    yield Line(f"训练{ending}：{_METHODS.get(card.method, card.method)}", _TITLE)
    yield Line(f"{card.step} 步，用时 {duration_text(card.training_s)}，取第 {card.best_step} 步的结果")
    yield from _exam_lines(card.before.accuracy, card.after.accuracy, plain=plain, width=width)
    yield from _exact_lines(card)
    yield from _forgetting_lines(card.before.general, card.after.general, plain=plain)
    yield Line("")
    command = next_command(card.method, output, model=model, bank=bank)
    yield from _labelled("结果在：", str(output), PLAIN, width)
    yield from _labelled("曲线和报告：", str(output / "report.html"), PLAIN, width)
    yield from _labelled("接着试试：", command, AGREES, width)
    if bank:
        exam = next_command(card.method, output, "exam", model=model, bank=bank)
        yield from _labelled("各种问法都考一遍：", exam, PLAIN, width)


def _labelled(label: str, text: str, style: str, width: int) -> Iterator[Line]:
    """What may be copied, from the left edge on if it would be broken behind its label."""
    if cell_width(label + text) <= width:
        yield Line(text, style, label)
    else:
        yield from (Line(label), Line(text, style))


def next_command(
    method: str, output: Path, command: str = "", *, model: str | None = None, bank: Sequence[str] = ()
) -> str:
    """Return the command line that starts the program, or one of its commands, with what was trained."""
    option = {"full": "--model", "lora": "--lora"}.get(method, "--prefix")
    words = ["xiaoan", *([command] if command else [])]
    words += ["--model", model] if model and method != "full" else []
    words += [option, str(output)]
    for name in bank:
        words += ["--bank", name]
    return shlex.join(words)


def _exam_lines(
    before: "Accuracy | None", after: "Accuracy | None", *, plain: bool, width: int
) -> Iterator[Line]:
    if after is None:
        yield Line("没有考试，所以不知道训练前后答对多少。", QUIET)
        return
    # What was held out has a row of its own and is not in the total.
    total = _ALL if not any(name.startswith(_HELD_OUT) for name in after.by_type) else _LEARNT
    earlier: dict[str, Share] = {} if before is None else {total: before.overall, **before.by_type}
    rows = [
        [name, str(share.asked), _share_text(earlier.get(name)), _share_text(share)]
        for name, share in {total: after.overall, **after.by_type}.items()
    ]
    yield Line("")
    yield from fitted_table(["题型", "题数", "训练前", "训练后"], rows, width=width, plain=plain)
    yield Line("括号里是 95% 置信区间：题少时很宽。", QUIET)
    if before is not None and before.overall.asked and after.overall.asked:
        yield _judgement(before.overall, after.overall)


def _judgement(before: Share, after: Share) -> Line:
    """Say plainly whether training helped, and no more than the two intervals allow."""
    if before.value == after.value == 1:
        return Line("训练前就全部答对了，看不出训练有没有用。", UNKNOWN)
    if after.high < before.low:
        return Line(
            "训练后反而答得更差，不要用这个结果。看看报告里的曲线；可以换 --preset 或降低学习率。", UNKNOWN
        )
    if after.value < before.value:
        return Line("答对的少了，但两个区间还重叠：说不准是不是变差了，至少没有变好。", UNKNOWN)
    if after.value == before.value:
        return Line(
            "训练没有帮上忙：答对的和训练前一样多。可以多训练几步，或换 --preset、调学习率。", UNKNOWN
        )
    if after.low <= before.high:
        return Line("答对的多了，但两个区间还重叠：题太少或提高太小，说不准是不是真的有用。", UNKNOWN)
    return Line("训练有用：两个区间不重叠，不是碰巧。", AGREES)


def _share_text(share: Share | None) -> str:
    if share is None or not share.asked:
        return "没有测"
    return f"{percent_text(share.value)}（{interval_text(share.low, share.high)}）"


def _exact_lines(card: "RunCard") -> Iterator[Line]:
    held_out = ""
    if card.exact_held_out is not None:
        held_out = f"，{_held_out_name(card)} {percent_text(card.exact_held_out)}"
    style = PLAIN if card.exact_train >= 1 else UNKNOWN
    yield Line(f"逐字答对：学过的 {percent_text(card.exact_train)}{held_out}", style)


def _held_out_name(card: "RunCard") -> str:
    if card.data.get("split"):
        return "没学过的题"
    return "换个问法" if card.data.get("recipe") else "没学过的数据"


def _forgetting_lines(
    before: "GeneralScore | None", after: "GeneralScore | None", *, plain: bool
) -> Iterator[Line]:
    if before is None or after is None:
        yield Line("没有测遗忘（用 --general 文件 给一份通用问答就会测）。", QUIET)
        return
    arrow = "变为" if plain else " → "
    exact = f"{percent_text(before.exact.value)}{arrow}{percent_text(after.exact.value)}"
    loss = f"{before.loss:.3f}{arrow}{after.loss:.3f}"
    worse = after.exact.value < before.exact.value or after.loss > before.loss
    yield Line(
        f"遗忘：通用问答 {after.exact.asked} 条，逐字答对 {exact}，损失 {loss}", UNKNOWN if worse else PLAIN
    )
