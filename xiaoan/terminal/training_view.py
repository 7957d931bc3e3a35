"""A training run while it goes on: a few lines that stay in place on a terminal, a line now and then elsewhere."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from xiaoan.figures import duration_text, percent_text
from xiaoan.terminal.screen import Screen
from xiaoan.terminal.verdict import Line
from xiaoan.terminal.wrapping import cell_width, wrap

if TYPE_CHECKING:
    from xiaoan.training.running.loop import EvaluationReport, StepReport

_REFRESH_S = 0.25
_LINE_EVERY_S = 10.0
_SHORTEST_BAR = 8
_GAP = "　"


class TrainingView:
    """A `TrainingListener` that shows how far a run is; to be used as a context, which gives the terminal back.

    On a terminal one block is rewritten in place, at most four times a second. On a pipe, with `plain` and on a
    terminal that cannot move its cursor there are whole lines: the first step, the last, each measurement, and one
    every ten seconds.
    """

    def __init__(
        self,
        console: Console,
        *,
        clock: Callable[[], float],
        plain: bool = False,
        wraps: bool = True,
        line_every_s: float = _LINE_EVERY_S,
    ) -> None:
        """Take the console, a clock (s), and how lines are written: in words (`plain`), broken at the width (`wraps`)."""
        self._console = console
        self._clock = clock
        self._plain = plain
        self._screen = Screen(console, wraps=wraps, plain=plain)
        self._every_s = line_every_s
        self._live: Live | None = None
        self._moves = console.is_terminal and not console.is_dumb_terminal and not plain
        self._step: StepReport | None = None
        self._evaluation: EvaluationReport | None = None
        self._saved: int | None = None
        self._shown_at = -math.inf

    def __enter__(self) -> "TrainingView":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last block where it stands; the cursor is shown again."""
        self.close()

    def close(self) -> None:
        """Leave the last block where it stands and end it; the next step would begin another one."""
        if self._live is not None:
            self._live.update(self._block(), refresh=True)
            self._live.stop()
            self._live = None

    def on_step(self, report: "StepReport") -> None:
        """Show the step, unless the last one was shown a moment ago."""
        first = self._step is None
        self._step = report
        if self._moves:
            self._redraw(now=first or report.step >= report.steps)
            return
        due = self._clock() - self._shown_at >= self._every_s
        if first or due or report.step >= report.steps:
            self._say()

    def on_evaluation(self, report: "EvaluationReport") -> None:
        """Show what was measured."""
        self._evaluation = report
        if self._moves:
            self._redraw(now=True)
        elif self._step is None or self._step.step < self._step.steps:
            self._say()
        else:
            self._screen.notice(self._joined(measured_items(report)))

    def on_save(self, step: int, path: Path) -> None:  # noqa: ARG002 - the listener's signature
        """Remember up to which step everything is on disk; shown with the next step."""
        self._saved = step

    def on_notice(self, text: str) -> None:
        """Show a remark: above the block while steps are being made, below it after the last one."""
        if self._step is not None and self._step.step >= self._step.steps:
            self.close()
        self._screen.notice(text)

    def _redraw(self, *, now: bool) -> None:
        if not now and self._clock() - self._shown_at < _REFRESH_S:
            return
        self._shown_at = self._clock()
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        self._live.update(self._block(), refresh=True)

    def _block(self) -> Text:
        lines = block_lines(self._step, self._evaluation, self._saved, width=self._console.width)
        return Text("\n", no_wrap=True).join(Text(line.text, style=line.style) for line in lines)

    def _say(self) -> None:
        self._shown_at = self._clock()
        items = [] if self._step is None else [_count(self._step), *step_items(self._step)]
        items += measured_items(self._evaluation)
        if self._saved is not None:
            items.append(f"已保存到第 {self._saved} 步")
        self._screen.notice(self._joined(items))

    def _joined(self, items: Sequence[str]) -> str:
        return ("，" if self._plain else _GAP).join(items)


def block_lines(
    step: "StepReport | None", evaluation: "EvaluationReport | None", saved: int | None, *, width: int
) -> list[Line]:
    """Return the block of a run: how far it is, its figures, and what was measured last.

    No line is wider than `width` cells; figures that belong together stay together.
    """
    if step is None:
        return [Line(row) for row in _flow(measured_items(evaluation), width)]
    share = step.step / step.steps if step.steps else 0.0
    head, tail = _count(step), f"{int(100 * share):3}%"
    room = width - cell_width(head) - cell_width(tail) - 4
    bar = f"  {_bar(share, min(room, 40))}  " if room >= _SHORTEST_BAR else _GAP
    lines = [Line(row, "xiaoan.title") for row in wrap(head + bar + tail, width)]
    lines += [Line(row) for row in _flow(step_items(step), width)]
    lines += [Line(row, "xiaoan.agrees") for row in _flow(measured_items(evaluation), width)]
    if saved is not None:
        advice = "；Ctrl-C 可以停下" if step.step < step.steps else ""
        lines += [Line(row, "xiaoan.quiet") for row in wrap(f"已保存到第 {saved} 步{advice}", width)]
    return lines


def step_items(step: "StepReport") -> list[str]:
    """Return the figures of a step as short texts: loss, speed, memory, times."""
    items = [f"损失 {_loss_text(step.loss)}", f"学习率 {step.learning_rate:.3g}"]
    if step.tokens_per_s:
        items.append(f"{step.tokens_per_s:,.0f} 词元/秒")
    if step.peak_memory:
        items.append(f"内存 {memory_text(step.peak_memory)}")
    items.append(f"已用 {duration_text(step.elapsed_s)}")
    if step.remaining_s is not None and math.isfinite(step.remaining_s) and step.step < step.steps:
        items.append(f"还要约 {duration_text(step.remaining_s)}")
    return items


def measured_items(evaluation: "EvaluationReport | None") -> list[str]:
    """Return what was measured as short texts; nothing if nothing was."""
    if evaluation is None:
        return []
    items = [f"第 {evaluation.step} 步测得逐字答对：学过的 {percent_text(evaluation.exact_train)}"]
    if evaluation.exact_held_out is not None:
        items.append(f"留出的 {percent_text(evaluation.exact_held_out)}")
    return items


def memory_text(size: float) -> str:
    """Return bytes as people say them, in units of 1000: `850 MB`, `13.8 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _count(step: "StepReport") -> str:
    return f"第 {step.step}/{step.steps} 步"


def _loss_text(loss: float) -> str:
    return f"{loss:.4f}" if math.isfinite(loss) else "不是数"


def _bar(share: float, width: int) -> str:
    full = round(width * min(max(share, 0.0), 1.0))
    return "━" * full + "─" * (width - full)


def _flow(items: Sequence[str], width: int) -> Iterator[str]:
    """The items on as few lines as they fit on, none broken unless it is wider than a whole line."""
    row = ""
    for item in items:
        longer = f"{row}{_GAP}{item}" if row else item
        if row and cell_width(longer) > width:
            yield row
            longer = item
        *full, row = wrap(longer, width)
        yield from full
    if row:
        yield row
