import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from xiaoan.terminal.console import make_console
from xiaoan.terminal.screen import Screen
from xiaoan.terminal.verdict import Line

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")


@contextmanager
def terminal(columns: int) -> Iterator[tuple[TextIO, int]]:
    """A terminal of so many columns: what a program writes to, and the descriptor that a person reads."""
    import pty
    import termios

    reader, writer = pty.openpty()
    termios.tcsetwinsize(writer, (24, columns))
    with os.fdopen(writer, "w", encoding="utf-8") as file:
        try:
            yield file, reader
        finally:
            os.close(reader)


def seen(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What a red line and a bold one look like in a terminal with these variables."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", **environ}.items():
        monkeypatch.setenv(name, value)
    with terminal(40) as (file, reader):
        screen = Screen(make_console(file))
        screen.lines([Line("坏了", "xiaoan.error", "✗ "), Line("绝" * 30)])
        file.flush()
        assert screen.width == 40
        shown = b""
        while shown.count(b"\n") < ROWS.count("\n"):  # a terminal hands over as much as it likes
            shown += os.read(reader, 4096)
        return shown.decode()


ROWS = f"✗ 坏了\r\n{'绝' * 20}\r\n{'绝' * 10}\r\n"


def test_a_terminal_shows_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[1;31m✗ 坏了" in seen({}, monkeypatch).replace("\x1b[0m\x1b[1;31m", "")


def test_no_color_leaves_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    text = seen({"NO_COLOR": "1"}, monkeypatch)
    assert "\x1b[3" not in text
    assert text.replace("\x1b[1m", "").replace("\x1b[0m", "") == ROWS


def test_a_dumb_terminal_gets_text_alone_at_its_own_width(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen({"TERM": "dumb"}, monkeypatch) == ROWS
