"""How far a long piece of work is: one line that stays in place on a terminal, nothing elsewhere."""

import math
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from xiaoan.figures import duration_text
from xiaoan.printable import printable
from xiaoan.terminal.screen import Screen
from xiaoan.terminal.wrapping import cell_width

_REFRESH_S = 0.25
_LINE_EVERY_S = 10.0
_WIDEST_BAR, _SHORTEST_BAR = 40, 8
_GAP = "  "


class ProgressBar:
    """Shows what is done of how many; to be used as a context, which gives the terminal back.

    On a terminal one line is rewritten in place, at most four times a second; with `plain`, and on a terminal that
    cannot move its cursor, there is a whole line every ten seconds. On a pipe or in a file nothing is written.
    """

    def __init__(
        self,
        console: Console,
        title: str,
        *,
        clock: Callable[[], float],
        plain: bool = False,
        unit: str = "题",
    ) -> None:
        """Take the console, what is being done, a clock (s), and what one of the things done is called."""
        self._console = console
        self._title, self._unit = title, unit
        self._clock = clock
        self._screen = Screen(console, plain=plain)
        self._moves = console.is_terminal and not console.is_dumb_terminal and not plain
        self._live: Live | None = None
        self._done, self._total = 0, 0
        self._begun_with: int | None = None
        self._started = clock()
        self._shown_at = -math.inf if self._moves else self._started

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away; the cursor is shown again."""
        if self._live is not None:
            self._live.update(Text(""), refresh=True)
            self._live.stop()
            self._live = None

    def show(self, done: int, total: int) -> None:
        """So many of so many are done; those of the first call were done before and say nothing about the speed."""
        if self._begun_with is None:
            self._begun_with, self._started = done, self._clock()
        self._done, self._total = done, total
        if not self._console.is_terminal:
            return
        now = self._clock()
        if self._moves and now - self._shown_at >= _REFRESH_S:
            self._put(self.line(self._console.width))
            self._shown_at = now
        elif not self._moves and now - self._shown_at >= _LINE_EVERY_S:
            self._screen.notice(self.line(self._console.width, bar=False))
            self._shown_at = now

    def tell(self, stage: str) -> None:
        """Show in the line's place what is done before anything can be counted."""
        if self._console.is_terminal and self._moves:
            self._put(f"{self._title}{_GAP}{stage}")

    def line(self, width: int, *, bar: bool = True) -> str:
        """Return the line, at most `width` cells wide as far as title, count and time leave a choice."""
        head = f"{self._title}{_GAP}{self._done}/{self._total} {self._unit}"
        left = self._remaining_s()
        tail = f"{_GAP}还要约 {duration_text(left)}" if left is not None else ""
        if cell_width(head + tail) > width:
            tail = ""
        room = min(width - cell_width(head + tail) - len(_GAP), _WIDEST_BAR)
        if not bar or room < _SHORTEST_BAR:
            return head + tail
        full = round(room * self._done / max(self._total, 1))
        return f"{head}{_GAP}{'━' * full}{'─' * (room - full)}{tail}"

    def _remaining_s(self) -> float | None:
        made, passed = self._done - (self._begun_with or 0), self._clock() - self._started
        if made <= 0 or passed <= 0 or self._done >= self._total:
            return None
        return passed / made * (self._total - self._done)

    def _put(self, text: str) -> None:
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        line = Text(printable(text), no_wrap=True, overflow="crop", style="xiaoan.quiet")
        self._live.update(line, refresh=True)
