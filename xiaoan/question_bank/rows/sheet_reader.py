"""One sheet into questions, row by row below each header."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from xiaoan.question_bank.cells.sheets import Remark, Sheet
from xiaoan.question_bank.question import Question, Source
from xiaoan.question_bank.rows.columns import Columns, HeaderRow, headers
from xiaoan.question_bank.rows.inferred_columns import infer_columns
from xiaoan.question_bank.rows.layouts import Layout, layout_of
from xiaoan.question_bank.rows.left_alone import leave_alone
from xiaoan.question_bank.rows.row_cells import Habits, Problem
from xiaoan.question_bank.rows.row_reading import read_cells
from xiaoan.question_bank.rows.sheet_reading import SheetReading
from xiaoan.question_bank.rows.sheet_walk import SheetWalk, with_type_column
from xiaoan.question_bank.rows.type_words import read_type


def read_sheet(sheet: Sheet, file: str) -> SheetReading:
    """Return the questions of `sheet` and what became of each other row; `file` is the name to report."""
    found = list(headers(sheet.rows))
    if found:
        columns = with_type_column(found[0].columns, sheet.rows[found[0].row + found[0].height :])
        found[0] = replace(found[0], columns=columns)
        typed_by_sheet = read_type(sheet.name).type is not None
        layout = layout_of(columns, typed_by_sheet=typed_by_sheet)
        return _read(sheet, file, columns, found, layout)
    inferred = infer_columns(sheet.rows, sheet.name)
    if inferred is not None:
        return _read(sheet, file, inferred, [], Layout.NO_HEADER)
    return leave_alone(sheet, file)


def _read(
    sheet: Sheet, file: str, columns: Columns, found: Sequence[HeaderRow], layout: Layout
) -> SheetReading:
    walked = SheetWalk(sheet, file, columns, found, _read_row).walk()
    return SheetReading(
        sheet.name,
        layout,
        found[0].row + 1 if found else None,
        walked.columns,
        walked.found,
        walked.refused,
        walked.warned,
        walked.hidden,
        walked.skipped,
        walked.faults,
    )


def _read_row(
    columns: Columns,
    texts: Sequence[str],
    source: Source,
    *,
    habits: Habits,
    remarks: Mapping[int, Remark],
    filled: frozenset[int],
    above_header: bool,  # noqa: ARG001 - without an answer a title is no question anyway
) -> tuple[Question | None, tuple[Problem, ...]]:
    reading = read_cells(columns, texts, source, habits=habits, remarks=remarks, filled=filled)
    return reading.question, reading.problems
