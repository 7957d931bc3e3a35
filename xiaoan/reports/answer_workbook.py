"""The answers to a file of questions as a workbook: what the bank contradicts, and what is doubtful, in colour."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xiaoan.reports.answer_table import COLUMNS, AnsweredRow, answer_cells
from xiaoan.reports.sheet_cells import append_row, bold_row, set_up_printing

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_TITLE = "答案"
_WIDTHS = {
    "题型": 10,
    "题目": 50,
    "选项": 36,
    "小安的答案": 30,
    "把握": 12,
    "核对": 16,
    "题库答案": 30,
    "依据条款": 24,
    "题型来源": 18,
    "说明": 40,
    "原表答案": 16,
    "位置": 18,
}
_NARROW = 6
_GOOD, _BAD, _DOUBTFUL = "E3F1E3", "F8DDDA", "FBF0CF"
_STATUS_COLOURS = {"match": _GOOD, "mismatch": _BAD, "ambiguous": _DOUBTFUL, "not_found": _DOUBTFUL}


def answer_workbook(rows: Sequence[AnsweredRow], *, has_bank: bool) -> bytes:
    """Return the workbook with one sheet, a row a question under `COLUMNS`; every text in it is text."""
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.properties.creator = "xiaoan"
    workbook.remove(workbook.active)
    sheet = workbook.create_sheet(_TITLE)
    append_row(sheet, COLUMNS, 1)
    bold_row(sheet, 1, columns=len(COLUMNS))
    for number, row in enumerate(rows, start=2):
        append_row(sheet, answer_cells(row, has_bank=has_bank), number)
        _colour(sheet, number, row, has_bank=has_bank)
    for column, name in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[sheet.cell(1, column).column_letter].width = _WIDTHS.get(name, _NARROW)
    sheet.freeze_panes = "D2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.print_title_rows = "1:1"
    set_up_printing(sheet)
    data = io.BytesIO()
    workbook.save(data)
    return data.getvalue()


def _colour(sheet: "Worksheet", number: int, row: AnsweredRow, *, has_bank: bool) -> None:
    from openpyxl.styles import PatternFill

    colours = {}
    if row.document is None:
        colours["核对"] = _BAD
    elif has_bank:
        colours["核对"] = _STATUS_COLOURS[row.status]
    if row.document is not None and row.document["shown_from"] == "none":
        colours["小安的答案"] = colours["把握"] = _DOUBTFUL
    for name, colour in colours.items():
        sheet.cell(number, COLUMNS.index(name) + 1).fill = PatternFill("solid", fgColor=colour)
