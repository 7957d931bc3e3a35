"""How much room a text takes on a page, and what of it fits there."""

import unicodedata

from xiaoan.printable import printable


def one_line(text: str, length: int | None = None) -> str:
    """Return the visible text on one line, cut after `length` characters with an ellipsis."""
    line = " ".join(printable(text, joiners=True).split())
    return line if length is None or len(line) <= length else f"{line[:length]}…"


def cell_width(text: str) -> int:
    """Return how many columns of half-width characters `text` takes: two for a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def cut_to_width(text: str, width: int) -> str:
    """Return `text` on one line, at most `width` columns wide, with an ellipsis where it was cut."""
    line = one_line(text, width)
    if cell_width(line) <= width:
        return line
    while line and cell_width(line) > width - 1:
        line = line[:-1]
    return f"{line}…"
