"""The one Console and the one theme."""

import errno
import os
from typing import TextIO

from rich.console import Console, ConsoleDimensions
from rich.theme import Theme

THEME = Theme(
    {
        "xiaoan.title": "bold cyan",
        "xiaoan.label": "cyan",
        "xiaoan.agrees": "bold green",
        "xiaoan.differs": "bold red",
        "xiaoan.unknown": "bold yellow",
        "xiaoan.quiet": "dim",
        "xiaoan.error": "bold red",
        "xiaoan.found": "bold yellow",
    },
    inherit=False,
)


class _Console(Console):
    """A console with two habits of rich changed: whose width it has, and what a closed pipe does."""

    @property
    def size(self) -> ConsoleDimensions:
        """How many columns and rows the terminal that is written to has at this moment.

        rich asks other streams first, and takes `TERM=dumb`, which says that the cursor cannot be moved, for 80
        columns. `COLUMNS` counts as it does there.
        """
        if self._width is None and self.is_terminal and not self._environ.get("COLUMNS", "").isdigit():
            try:
                columns, rows = os.get_terminal_size(self.file.fileno())
            except (OSError, ValueError):
                return super().size
            if columns and rows:
                return ConsoleDimensions(columns - self.legacy_windows, rows)
        return super().size

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size

    def on_broken_pipe(self) -> None:
        """Raise the `BrokenPipeError` anew; rich itself would end the process with exit code 1."""
        raise BrokenPipeError(errno.EPIPE, "closed pipe")


def make_console(file: TextIO, *, width: int | None = None) -> Console:
    """Return a console that writes to `file`; colours only if `file` is a terminal.

    Markup, highlighting and emoji codes are off: text from banks and models is never an instruction to the
    terminal.
    """
    return _Console(file=file, width=width, theme=THEME, markup=False, highlight=False, emoji=False)
