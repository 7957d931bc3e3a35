"""Sheets of a bank file that hold no questions, or none that can be told: nothing of them is lost unsaid."""

import re
from collections.abc import Sequence

from xiaoan.question_bank.cells.sheets import Sheet
from xiaoan.question_bank.rows.faults import Fault, FaultCode, Severity
from xiaoan.question_bank.rows.inferred_columns import seem_questions
from xiaoan.question_bank.rows.layouts import Layout
from xiaoan.question_bank.rows.sheet_reading import (
    BLANK_ROW,
    HEADING_LENGTH,
    SheetReading,
    is_filled,
    skipped_rows,
)
from xiaoan.question_bank.rows.type_words import read_type

_LEFT_ALONE = "不是题目的工作表"
_NOTES = "说明，不是题目的工作表"
_NOTES_NAME = re.compile(r"说明|须知|封面|指南|注意事项|readme", re.IGNORECASE)
_LONGEST_WORD = 20


def leave_alone(sheet: Sheet, file: str) -> SheetReading:
    """Return the reading of a sheet without questions: nothing in it, notes, lists behind drop-downs.

    Rows that look like questions are refused.
    """
    blank: list[int] = []
    filled: list[int] = []
    for number, row in enumerate(sheet.rows, start=1):
        (filled if is_filled(row) else blank).append(number)
    unread = [place + 1 for place in seem_questions(sheet.rows)]
    if unread:
        return _columns_unknown(sheet, file, unread, sorted(set(filled) - set(unread)), blank)
    why, faults = _LEFT_ALONE, []
    if not filled:
        layout, code, message = Layout.EMPTY, FaultCode.EMPTY_SHEET, "空工作表，已跳过"
    else:
        layout = Layout.LISTS if _is_list_of_types(sheet, filled) else Layout.NOTES
        found = "像是下拉选项的清单" if layout is Layout.LISTS else "没有找到表头，也看不出题目"
        code = FaultCode.NO_HEADER
        message = f"{found}，已跳过；若有题目，需要一行至少写着“题目内容”和“正确答案”的表头"
    if layout is Layout.NOTES and _NOTES_NAME.search(sheet.name):
        why = _NOTES
    else:
        faults = [Fault(file, sheet.name, None, None, Severity.WARNING, code, "", message)]
    skipped = skipped_rows({why: filled, BLANK_ROW: blank})
    return SheetReading(sheet.name, layout, None, {}, skipped=skipped, faults=tuple(faults))


def _columns_unknown(
    sheet: Sheet, file: str, unread: Sequence[int], others: Sequence[int], blank: Sequence[int]
) -> SheetReading:
    """Rows that look like questions are refused one by one: they are not to be lost without notice."""
    message = (
        f"有 {len(unread)} 行像题目，却没有认识的表头，也分不清哪一列是题干、哪一列是答案；"
        "请加一行写着“题目内容”“正确答案”的表头"
    )
    faults = [
        Fault(file, sheet.name, row, None, Severity.REFUSED, FaultCode.COLUMNS_UNKNOWN, "", message)
        for row in unread
    ]
    return SheetReading(
        sheet.name,
        Layout.NO_HEADER,
        None,
        {},
        refused=len(unread),
        hidden=len(unread) if sheet.hidden else len(sheet.hidden_rows.intersection(unread)),
        skipped=skipped_rows({_LEFT_ALONE: others, BLANK_ROW: blank}),
        faults=tuple(faults),
    )


def _is_list_of_types(sheet: Sheet, filled: Sequence[int]) -> bool:
    """Whether all cells are words, and two or more of them those of a 题型."""
    words = 0
    for number in filled:
        for cell in sheet.rows[number - 1]:
            if len(cell) > _LONGEST_WORD and len(cell.strip()) > _LONGEST_WORD:
                return False
            words += 2 <= len(cell) <= HEADING_LENGTH and read_type(cell).type is not None
    return words >= 2
