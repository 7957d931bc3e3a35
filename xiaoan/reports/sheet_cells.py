"""Rows of a workbook in which every text is text, whatever it begins with."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xiaoan.printable import printable

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

Cell = str | int | float | None
"""What one cell takes; None leaves it empty."""

PERCENT_FORMAT = "0.0%"
"""The number format of a share from 0 to 1."""

_POINTS_FORMAT = "0.##"
_CELL_LIMIT = 32_767
"""Longest text of a cell, in the units of UTF-16."""
_FORMULA_STARTS = ("=", "+", "-", "@")
"""What a spreadsheet program would take for a formula when the cell is edited."""
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
"""What a spreadsheet program would read as an escape for a character."""


def append_row(sheet: "Worksheet", values: Sequence[Cell], row: int | None = None) -> None:
    """Write one row, behind the others unless `row` says where; texts stay texts, also after an edit.

    What nobody can see is left out of a text, and what no cell holds is cut.
    """
    from openpyxl.styles import Alignment

    row = row if row is not None else (sheet.max_row + 1 if sheet.max_row > 1 or sheet["A1"].value else 1)
    wrapped = Alignment(vertical="top", wrap_text=True)
    for column, value in enumerate(values, start=1):
        cell = sheet.cell(row, column)
        cell.alignment = wrapped
        if isinstance(value, str):
            text = _fitting(printable(value, newlines=True, joiners=True))
            if text:
                cell.value = _LOOKS_ESCAPED.sub("_x005F_", text)
                cell.data_type = "s"
                cell.number_format = "@"
                cell.quotePrefix = text.startswith(_FORMULA_STARTS)
        elif value is not None:
            cell.value = value
            cell.number_format = _POINTS_FORMAT if isinstance(value, float) else "General"


def _fitting(text: str) -> str:
    """The text, cut where a cell would overflow; a character beyond the basic plane counts twice."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _CELL_LIMIT:
        return text
    return units[: 2 * (_CELL_LIMIT - 1)].decode("utf-16-le", errors="ignore") + "…"


def bold_row(sheet: "Worksheet", row: int, *, columns: int) -> None:
    """Make the first cells of a row a heading."""
    from openpyxl.styles import Font, PatternFill

    for column in range(1, columns + 1):
        sheet.cell(row, column).font = Font(bold=True)
        sheet.cell(row, column).fill = PatternFill("solid", fgColor="E8EFF3")


def set_up_printing(sheet: "Worksheet") -> None:
    """A4 across, as many pages down as it takes, one page wide."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
