"""Where the lines of a study mode come from, and how reading one can end otherwise."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from xiaoan.repl.study.words import Mode


class Signal(Enum):
    """How reading ended when no line came."""

    CLOSED = auto()
    """Ctrl-D on an empty line, or the end of the input."""
    CLEARED = auto()
    """Ctrl-C with something typed, which is gone."""
    INTERRUPTED = auto()
    """Ctrl-C on an empty line."""
    TIME_UP = auto()
    """`tick` said so."""


Tick = Callable[[], bool]
"""Called about once a second while the person thinks; true ends the reading."""

Toolbar = Callable[[int], str]
"""Returns the line at the bottom for so many columns."""


class Reader(Protocol):
    """Reads one line after another from a person or a pipe."""

    @property
    def patient(self) -> bool:
        """Whether a person reads along, so that nothing goes on before Enter."""
        ...

    @property
    def keyboard(self) -> int | None:
        """The descriptor that keys come from, None where there is none."""
        ...

    def read(self, prompt: str, *, mode: Mode, toolbar: Toolbar, tick: Tick) -> str | Signal:
        """Return one line as typed (a pasted text may hold line ends), or how reading ended."""
        ...


class Lines(Protocol):
    """What lines are read from: every text stream, or one that decodes in its own way."""

    def readline(self) -> str:
        """Return the next line with its end; '' at the end of all."""
        ...

    def fileno(self) -> int:
        """Return the descriptor; raises OSError or ValueError where there is none."""
        ...


class LineReader:
    """Lines of a stream: a pipe, or a terminal without toolbar for a screen reader."""

    def __init__(self, stream: Lines, *, show_prompt: Callable[[str], None] | None = None) -> None:
        """Take the stream, and what writes a prompt where a person types; None for a pipe or a file."""
        self._stream = stream
        self._show_prompt = show_prompt

    @property
    def patient(self) -> bool:
        """Whether a person types."""
        return self._show_prompt is not None

    @property
    def keyboard(self) -> int | None:
        """The stream's descriptor, None where it has none."""
        try:
            return self._stream.fileno()
        except (OSError, ValueError):
            return None

    def read(self, prompt: str, *, mode: Mode, toolbar: Toolbar, tick: Tick) -> str | Signal:  # noqa: ARG002
        """Return the next line without its end; time is looked at before and after it."""
        if tick():
            return Signal.TIME_UP
        if self._show_prompt is not None:
            self._show_prompt(prompt)
        try:
            line = self._stream.readline()
        except KeyboardInterrupt:
            self._end_line()
            return Signal.INTERRUPTED
        if not line:
            self._end_line()
        if tick():
            return Signal.TIME_UP
        return line.rstrip("\r\n") if line else Signal.CLOSED

    def _end_line(self) -> None:
        """Leave the line with the prompt, which no Enter has ended."""
        if self._show_prompt is not None:
            self._show_prompt("\n")
