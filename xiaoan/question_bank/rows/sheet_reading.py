"""What one sheet holds, every row accounted for: a question, refused, or skipped with a reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xiaoan.question_bank.question import Question
from xiaoan.question_bank.rows.faults import Fault, FaultCode, Severity

BLANK_ROW = "空行"
HEADING_LENGTH = 12


@dataclass(frozen=True)
class Skipped:
    """Rows (from 1) that are no data rows, and why."""

    rows: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class SheetReading:
    """What one sheet holds.

    `header_row` counts from 1 (the first header; None without one), `columns` are letters by field name.
    `questions` are one per question row, duplicates included, in row order. `warned` counts questions with a
    warning, `hidden` the data rows that are hidden in the workbook, with a hidden sheet all of them.
    """

    sheet: str
    layout: str
    header_row: int | None
    columns: Mapping[str, str]
    questions: tuple[Question, ...] = ()
    refused: int = 0
    warned: int = 0
    hidden: int = 0
    skipped: tuple[Skipped, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def rows(self) -> int:
        """How many data rows there are: questions and refused ones."""
        return len(self.questions) + self.refused


def no_question_fault(sheets: Iterable[SheetReading], file: str) -> Fault | None:
    """Return the fault of a file in which no row is a question; None if one is, or if it is a form to fill in."""
    below_header = False
    for sheet in sheets:
        if sheet.rows or (
            sheet.header_row is not None and not any(one.why != BLANK_ROW for one in sheet.skipped)
        ):
            return None
        below_header = below_header or sheet.header_row is not None
    found = "找到了表头，下面却没有一行是题目" if below_header else "没有找到题目"
    message = f"整个文件{found}；请核对是不是拿错了文件，或者给题目加一行写着“题目内容”“正确答案”的表头"
    return Fault(file, "", None, None, Severity.WARNING, FaultCode.NO_QUESTIONS, "", message)


def skipped_rows(rows: Mapping[str, Sequence[int]]) -> tuple[Skipped, ...]:
    """Return row numbers by reason as they are reported, without reasons that no row has."""
    return tuple(Skipped(tuple(numbers), why) for why, numbers in rows.items() if numbers)


def is_filled(row: Sequence[str]) -> bool:
    """Return whether anything stands in `row`."""
    return any(row) and not "".join(row).isspace()
