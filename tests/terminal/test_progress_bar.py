"""How far a long piece of work is, on a terminal and elsewhere."""

import io

import pytest

from tests.fakes import FakeClock
from xiaoan.terminal.console import make_console
from xiaoan.terminal.progress_bar import ProgressBar
from xiaoan.terminal.wrapping import cell_width


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def bar_on(stream: io.StringIO, clock: FakeClock, *, plain: bool = False) -> ProgressBar:
    return ProgressBar(make_console(stream, width=60), "小安", clock=clock, plain=plain)


def test_the_line_says_what_is_done_and_how_long_it_will_take() -> None:
    clock = FakeClock()
    with bar_on(io.StringIO(), clock) as bar:
        bar.show(100, 200)  # from an earlier run
        clock.now_s = 10
        bar.show(150, 200)
        assert bar.line(60) == "小安  150/200 题  ━━━━━━━━━━━━━━━━━━━━━───────  还要约 10 秒"
        bar.show(200, 200)
        assert bar.line(30) == "小安  200/200 题  ━━━━━━━━━━━━"


@pytest.mark.parametrize("width", range(12, 100, 8))
def test_the_line_fits_and_gives_up_what_has_no_room(width: int) -> None:
    clock = FakeClock()
    with bar_on(io.StringIO(), clock) as bar:
        bar.show(0, 99)
        clock.now_s = 3_000
        bar.show(44, 99)
        assert cell_width(bar.line(width)) <= max(width, cell_width("小安  44/99 题"))


def test_on_a_terminal_one_line_is_rewritten_and_taken_away() -> None:
    stream, clock = Terminal(), FakeClock()
    with bar_on(stream, clock) as bar:
        for done in range(5):
            bar.show(done, 4)
            clock.now_s += 0.1
    assert "0/4 题" in stream.getvalue()
    assert "3/4 题" in stream.getvalue()
    assert "1/4 题" not in stream.getvalue(), "not more than four times a second"
    assert stream.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K"), "the cursor is back, the line gone"


def test_with_plain_there_is_a_whole_line_now_and_then() -> None:
    stream, clock = Terminal(), FakeClock()
    with bar_on(stream, clock, plain=True) as bar:
        for done in range(5):
            bar.show(done, 4)
            clock.now_s += 6
    assert [line for line in stream.getvalue().split("\n") if line] == [
        "小安  2/4 题  还要约 12 秒",
        "小安  4/4 题",
    ]
    assert "\x1b" not in stream.getvalue()


def test_a_pipe_gets_nothing() -> None:
    stream, clock = io.StringIO(), FakeClock()
    with bar_on(stream, clock) as bar:
        bar.show(1, 2)
        clock.now_s = 100
        bar.show(2, 2)
    assert stream.getvalue() == ""
