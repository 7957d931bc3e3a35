"""The line at the bottom of a study mode, made to fit."""

from collections.abc import Sequence

from xiaoan.terminal.wrapping import cell_width

_NARROWEST_BANK = 8
_BETWEEN = " · "


def toolbar_text(mode: str, bank: str, facts: Sequence[str], columns: int) -> str:
    """Return mode, bank and `facts` in one line of less than `columns` cells.

    Where there is no room for all: the bank's title is cut short, then the first fact goes, then the title,
    then further facts from the front; the last one (the time) matters most.
    """
    room = columns - 2
    for kept in (facts, facts[1:]):
        left = room - cell_width(_BETWEEN.join([mode, "", *kept]))
        if left >= min(_NARROWEST_BANK, cell_width(bank)):
            return " " + _BETWEEN.join([mode, clipped(bank, left), *kept])
    shown = [mode, *facts]
    while len(shown) > 2 and cell_width(_BETWEEN.join(shown)) > room:
        shown.pop(1)
    return clipped(" " + _BETWEEN.join(shown), max(columns - 1, 1))


def clock_text(seconds: float) -> str:
    """Return seconds as a clock shows them: `03:20`, `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def clipped(text: str, width: int) -> str:
    """Return `text`, cut to `width` cells with … at its end if it is wider."""
    if cell_width(text) <= width:
        return text
    short = ""
    for character in text:
        if cell_width(short + character) > width - 1:
            break
        short += character
    return short + "…"
