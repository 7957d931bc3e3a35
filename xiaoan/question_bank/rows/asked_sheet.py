"""One sheet into questions to be asked, with or without a column of answers, with or without a header."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from xiaoan.question_bank.cells.sheets import Sheet
from xiaoan.question_bank.option_labels import half_width
from xiaoan.question_bank.question import Source
from xiaoan.question_bank.rows.asked_rows import AskedRow, read_asked_cells, read_asked_text
from xiaoan.question_bank.rows.columns import Columns, Field, HeaderRow, headers
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.inferred_columns import infer_asked_columns, infer_columns
from xiaoan.question_bank.rows.pasted_questions import is_option_line, part_pasted
from xiaoan.question_bank.rows.sheet_reading import BLANK_ROW, Skipped, is_filled, skipped_rows
from xiaoan.question_bank.rows.sheet_walk import SheetWalk, with_type_column

_LEFT_ALONE = "看不出题目，整张表没有问"
_ABOVE_TEXT = "标题"
_FIRST_ROWS, _LONGEST_HEADING = 10, 20


@dataclass(frozen=True)
class AskedSheet:
    """The questions of one sheet, in its order; every other filled row is in `skipped`, with a reason.

    `notices` are for the person: what was inferred, where to look.
    """

    sheet: str
    rows: tuple[AskedRow, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[str, ...] = ()


def read_asked_sheet(sheet: Sheet, file: str, *, alone: bool) -> AskedSheet:
    """Return the questions of `sheet`; `file` is the name to report.

    `alone`: no other sheet of the file holds anything, so that this one holds questions, whatever it looks like.
    """
    found = list(headers(sheet.rows)) or _headers_of_stems(sheet)
    below = found[0].row + found[0].height if found else 0
    text_column = _text_column(sheet.rows[below:], found, alone=alone)
    if text_column is not None:
        return _read_text(sheet, file, text_column, below)
    if found:
        columns = with_type_column(found[0].columns, sheet.rows[below:])
        found[0] = replace(found[0], columns=columns)
        return _walk(sheet, file, columns, found)
    inferred = infer_columns(sheet.rows, sheet.name)
    asking = infer_asked_columns(sheet.rows, trusted=alone)
    if inferred is None or (asking is not None and asking.options and not _has_options(inferred)):
        # What looks like an answer in words is the first of several options.
        inferred = asking
    if inferred is not None:
        return _walk(sheet, file, inferred, [])
    filled = [number for number, row in enumerate(sheet.rows, start=1) if is_filled(row)]
    return AskedSheet(sheet.name, skipped=skipped_rows({_LEFT_ALONE: filled}))


def read_asked_lines(lines: Sequence[str], name: str, file: str, *, first: int = 1) -> AskedSheet:
    """Return the questions of a plain text; line `first` is the first of `lines`."""
    questions, titles = part_pasted(lines)
    rows = [
        read_asked_text(one.text, Source(file, name, one.line + first - 1), one.told, one.answer)
        for one in questions
    ]
    skipped = skipped_rows({_ABOVE_TEXT: [line + first - 1 for line in titles]})
    return AskedSheet(name, tuple(rows), skipped)


def _walk(sheet: Sheet, file: str, columns: Columns, found: Sequence[HeaderRow]) -> AskedSheet:
    walked = SheetWalk(sheet, file, columns, found, read_asked_cells).walk()
    rows = walked.found
    if sheet.hidden or sheet.hidden_rows:
        rows = tuple(
            replace(row, notes=(*row.notes, "这一行在表里是隐藏的"))
            if sheet.hidden or row.source.row in sheet.hidden_rows
            else row
            for row in rows
        )
    notices = tuple(fault.message for fault in walked.faults if fault.code is FaultCode.HEADER_INFERRED)
    skipped = tuple(one for one in walked.skipped if one.why != BLANK_ROW)
    return AskedSheet(sheet.name, rows, skipped, notices)


def _headers_of_stems(sheet: Sheet) -> list[HeaderRow]:
    """Headers that name no more than the stem: near the top, and of short words, or a cell that says 问题 would be one."""
    found = list(headers(sheet.rows, stem_alone=True))
    if not found or found[0].row >= _FIRST_ROWS:
        return []
    return found if all(len(cell) <= _LONGEST_HEADING for cell in sheet.rows[found[0].row]) else []


def _has_options(columns: Columns) -> bool:
    return bool(columns.options) or Field.OPTIONS in columns.fields


def _text_column(rows: Sequence[Sequence[str]], found: Sequence[HeaderRow], *, alone: bool) -> int | None:
    """The column whose cells are lines of a text, its options in rows of their own; None if there is none."""
    if found:
        columns = found[0].columns
        stem = columns.fields[Field.STEM]
        return None if _has_options(columns) or not _lists_options(rows, stem) else stem
    filled = {place for row in rows for place, cell in enumerate(row) if cell and not cell.isspace()}
    return filled.pop() if alone and len(filled) == 1 else None


def _lists_options(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether an option stands in a row of its own, with nothing beside it, and another below it."""
    lines = [
        is_option_line(half_width(row[column]))
        and all(not cell.strip() for place, cell in enumerate(row) if place != column)
        for row in rows
        if row[column].strip()
    ]
    return any(first and second for first, second in pairwise(lines))


def _read_text(sheet: Sheet, file: str, column: int, below: int) -> AskedSheet:
    """The rows below the header as lines; a line end within a cell is none of the text's."""
    cells = [row[column] for row in sheet.rows[below:]]
    if not any("\n" in cell for cell in cells):
        return read_asked_lines(cells, sheet.name, file, first=below + 1)
    rows: list[AskedRow] = []
    for number, cell in enumerate(cells, start=below + 1):
        for row in read_asked_lines(cell.split("\n"), sheet.name, file, first=number).rows:
            rows.append(replace(row, source=Source(file, sheet.name, number)))
    return AskedSheet(sheet.name, tuple(rows))
