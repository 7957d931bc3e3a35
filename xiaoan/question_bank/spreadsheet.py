"""Banks from files: every sheet of every file into questions, with all that is to be said about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from xiaoan.question_bank.cells.reading_process import SheetReader
from xiaoan.question_bank.question import Question, QuestionBank
from xiaoan.question_bank.rows.faults import Fault
from xiaoan.question_bank.rows.sheet_reader import read_sheet
from xiaoan.question_bank.rows.sheet_reading import SheetReading, no_question_fault


@dataclass(frozen=True)
class FileReading:
    """What was read from one file, sheet by sheet."""

    path: Path
    sheets: tuple[SheetReading, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """One question for each row that became one, duplicates included, in the file's order."""
        return tuple(question for sheet in self.sheets for question in sheet.questions)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults of all sheets, in the file's order, and that of a file without a question."""
        empty = no_question_fault(self.sheets, self.path.name)
        of_sheets = tuple(fault for sheet in self.sheets for fault in sheet.faults)
        return of_sheets if empty is None else (empty, *of_sheets)


@dataclass(frozen=True)
class BankReading:
    """What was read from several files, in the order named."""

    files: tuple[FileReading, ...]

    @cached_property
    def bank(self) -> QuestionBank:
        """All questions; exact duplicates are one question that keeps all its places."""
        return QuestionBank(question for file in self.files for question in file.questions)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults of all files."""
        return tuple(fault for file in self.files for fault in file.faults)


def read_bank(paths: Sequence[Path]) -> BankReading:
    """Return the questions in the files at `paths`, and what was wrong with which row.

    Every sheet is read, hidden rows too; what is no question is a fault or is skipped with a reason.

    Raises:
        BankError: a file cannot be read at all (missing, empty, locked, protected by a password, no table,
            or unsafe to open); nothing of the others is returned then.
    """
    with SheetReader() as reader:
        return BankReading(tuple(read_file(path, reader) for path in paths))


def read_file(path: Path, reader: SheetReader) -> FileReading:
    """Return what the file at `path` holds, its cells read by `reader`; raises as `read_bank`."""
    return FileReading(path, tuple(read_sheet(sheet, path.name) for sheet in reader.read(path)))
