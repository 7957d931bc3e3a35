"""The one Console and the one theme."""

import errno
from typing import TextIO

from rich.console import Console
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
    """A console that leaves a closed pipe to the program, which knows the right exit code."""

    def on_broken_pipe(self) -> None:
        """Raise the `BrokenPipeError` anew; rich itself would end the process with exit code 1."""
        raise BrokenPipeError(errno.EPIPE, "closed pipe")


def make_console(file: TextIO, *, width: int | None = None) -> Console:
    """Return a console that writes to `file`; colours only if `file` is a terminal.

    Markup, highlighting and emoji codes are off: text from banks and models is never an instruction to the
    terminal.
    """
    return _Console(file=file, width=width, theme=THEME, markup=False, highlight=False, emoji=False)
