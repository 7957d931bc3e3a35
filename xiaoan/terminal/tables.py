"""Small tables as aligned lines, by terminal cells, or row by row in words where they have no room."""

from collections.abc import Iterator, Sequence

from xiaoan.terminal.verdict import Line
from xiaoan.terminal.wrapping import cell_width

_GAP = "  "
_LABEL = "xiaoan.label"


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return header and rows as lines: the first column to the left, figures to the right.

    Raises:
        ValueError: a row has not as many cells as the header.
    """
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(cell_width, column)) for column in columns]
    return [_line(row, widths).rstrip() for row in (header, *rows)]


def fitted_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, width: int, plain: bool
) -> Iterator[Line]:
    """Yield the table of `table_lines`; where it is wider than `width` cells, or `plain`, a sentence for each row.

    A sentence names each figure (`变电：题数 40，答对 30`), for people who listen and for narrow terminals.

    Raises:
        ValueError: a row has not as many cells as the header.
    """
    first, *others = table_lines(header, rows)
    if not plain and max(map(cell_width, [first, *others])) <= width:
        yield Line(first, _LABEL)
        yield from map(Line, others)
        return
    yield Line(f"{header[0]}：" if plain else header[0], _LABEL)
    for name, *figures in rows:
        named = zip(header[1:], figures, strict=True)
        yield Line(f"{name}：" + "，".join(f"{column} {figure}" for column, figure in named))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        (cell, " " * (width - cell_width(cell))) for cell, width in zip(cells, widths, strict=True)
    )
    return _GAP.join([first[0] + first[1], *(space + cell for cell, space in others)])
