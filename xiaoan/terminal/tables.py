"""Small tables as aligned lines, by terminal cells."""

from collections.abc import Sequence

from xiaoan.terminal.wrapping import cell_width

_GAP = "  "


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return header and rows as lines: the first column to the left, figures to the right.

    Raises:
        ValueError: a row has not as many cells as the header.
    """
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(cell_width, column)) for column in columns]
    return [_line(row, widths).rstrip() for row in (header, *rows)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        (cell, " " * (width - cell_width(cell))) for cell, width in zip(cells, widths, strict=True)
    )
    return _GAP.join([first[0] + first[1], *(space + cell for cell, space in others)])
