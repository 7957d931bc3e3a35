"""What a fitted calibration comes to: on each kind of questions, how many answers get which 把握, and how many are right."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xiaoan.figures import Share, percent_text
from xiaoan.terminal.tables import fitted_table
from xiaoan.terminal.verdict import PLAIN, QUIET, UNKNOWN, Line

if TYPE_CHECKING:
    from xiaoan.evaluation.calibrating import Calibrated

_HEADER = ("题组", "答了", "答对", "把握高", "把握中", "把握低")
_LEARNT_AT_LEAST = 0.5


def calibration_lines(calibrated: "Calibrated", *, width: int, plain: bool) -> Iterator[Line]:
    """Yield the table of 把握 by kind of questions, and what should make a person wonder.

    `width` in cells; a table that is wider, or `plain`, becomes sentences.
    """
    rows = [
        [one.name, str(one.right.asked), percent_text(one.right.value), *map(_of_level, one.levels.values())]
        for one in calibrated.sets
    ]
    yield from fitted_table(_HEADER, rows, width=width, plain=plain)
    yield Line("每道题问两遍：只有题干，带选项。括号里是其中答对的。", QUIET)
    yield from _doubts(calibrated)


def headline(calibrated: "Calibrated") -> str:
    """Return in one line what matters of it: learnt and right is shown high, strange is not."""
    learnt = calibrated.learnt
    parts = [f"学过的题答对的有 {percent_text(learnt.high_of_right.value)} 显示把握高"]
    if calibrated.outside is not None:
        parts.append(f"题外题有 {percent_text(calibrated.outside.high_of_all.value)}")
    return "，".join(parts)


def _of_level(share: Share) -> str:
    return f"{share.asked}（{share.right}）" if share.asked else "0"


def _doubts(calibrated: "Calibrated") -> Iterator[Line]:
    learnt = calibrated.learnt
    if learnt.right.value < _LEARNT_AT_LEAST:
        yield Line(
            f"这份题库的题只答对 {percent_text(learnt.right.value)}，像是没有学过。"
            "把握是按“学过哪些题”量的，请用 --bank 指定训练时的题库。",
            UNKNOWN,
        )
    if calibrated.outside is None:
        yield Line("没有题外题，说不准遇到没学过的题会不会也显示把握高。", UNKNOWN)
    yield Line(headline(calibrated) + "。", PLAIN)
