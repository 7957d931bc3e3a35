"""Lines as a terminal of some width shows them."""

import io
from collections.abc import Iterable

from xiaoan.terminal.console import make_console
from xiaoan.terminal.screen import Screen
from xiaoan.terminal.verdict import Line
from xiaoan.terminal.wrapping import cell_width


def shown(lines: Iterable[Line], width: int, *, plain: bool = False) -> str:
    """Return what stands on the screen; fails if any line is wider than it."""
    out = io.StringIO()
    Screen(make_console(out, width=width), plain=plain).lines(lines)
    rows = out.getvalue().split("\n")
    assert all(cell_width(row) <= width for row in rows), rows
    return out.getvalue()
