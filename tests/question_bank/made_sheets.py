"""Sheets made of rows of texts, and what the reader says about them."""

from collections.abc import Mapping, Sequence

from xiaoan.question_bank.cells.sheets import MergedRange, Remark, Sheet
from xiaoan.question_bank.question import Question
from xiaoan.question_bank.rows.faults import FaultCode, Severity
from xiaoan.question_bank.rows.sheet_reader import read_sheet
from xiaoan.question_bank.rows.sheet_reading import SheetReading

HEADER = ["专业", "题型", "题干", "题目依据", "选项", "答案"]


def sheet_of(
    rows: Sequence[Sequence[str]],
    name: str = "Sheet1",
    *,
    hidden_rows: Sequence[int] = (),
    merged: Sequence[MergedRange] = (),
    remarks: Mapping[tuple[int, int], Remark] | None = None,
) -> Sheet:
    """Return a sheet whose rows are filled up to the same length."""
    width = max(map(len, rows), default=0)
    filled = [[*row, *[""] * (width - len(row))] for row in rows]
    return Sheet(name, filled, False, frozenset(hidden_rows), tuple(merged), remarks or {})


def read_rows(
    rows: Sequence[Sequence[str]],
    name: str = "Sheet1",
    *,
    hidden_rows: Sequence[int] = (),
    merged: Sequence[MergedRange] = (),
    remarks: Mapping[tuple[int, int], Remark] | None = None,
) -> SheetReading:
    """Return the reading of a sheet with these rows."""
    sheet = sheet_of(rows, name, hidden_rows=hidden_rows, merged=merged, remarks=remarks)
    return read_sheet(sheet, "题库.xlsx")


def row(**changed: str) -> list[str]:
    """Return a clean row under `HEADER`, some cells changed."""
    cells = {
        "专业": "变电",
        "题型": "单选题",
        "题干": "在停电的设备上工作，验电之后应（ ）。",
        "依据": "变电安规 7.4",
        "选项": "A-装设接地线|B-开始工作|C-填写工作票",
        "答案": "A",
    }
    return list((cells | changed).values())


def read_one(**changed: str) -> SheetReading:
    """Return the reading of a sheet with one row."""
    return read_rows([HEADER, row(**changed)])


def question(**changed: str) -> Question:
    """Return the question of one row; it must be one."""
    reading = read_one(**changed)
    assert reading.refused == 0, reading.faults
    return reading.questions[0]


def warnings(reading: SheetReading) -> set[FaultCode]:
    """Return the codes of all warnings."""
    return {fault.code for fault in reading.faults if fault.severity is Severity.WARNING}


def refusal(**changed: str) -> FaultCode:
    """Return why the one row was refused; it must be."""
    reading = read_one(**changed)
    (fault,) = [fault for fault in reading.faults if fault.severity is Severity.REFUSED]
    assert (reading.rows, reading.refused, fault.row) == (1, 1, 2)
    return fault.code
