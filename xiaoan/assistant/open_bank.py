"""A bank that is open: its questions, what was wrong in its files, and the matcher over it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.question import QuestionBank

if TYPE_CHECKING:
    from xiaoan.question_bank.spreadsheet import Fault


@dataclass(frozen=True)
class OpenBank:
    """The bank read from `paths`, ready to be matched against."""

    paths: tuple[Path, ...]
    bank: QuestionBank
    faults: "tuple[Fault, ...]"
    matcher: Matcher

    @property
    def title(self) -> str:
        """The file names and the number of questions, for one line."""
        names = "、".join(path.name for path in self.paths)
        return f"{names}（{len(self.bank)} 题）"

    def counts(self) -> list[tuple[str, int]]:
        """Return the number of questions by 题型, then by 专业."""
        types = Counter(str(question.question_type) for question in self.bank)
        professions = Counter(question.profession for question in self.bank if question.profession)
        return [*types.most_common(), *professions.most_common()]


def open_bank(paths: Sequence[Path]) -> OpenBank | None:
    """Return the bank read from `paths`, None if there are none.

    Raises:
        BankError: a file cannot be read at all.
    """
    if not paths:
        return None
    from xiaoan.question_bank.spreadsheet import read_bank

    reading = read_bank(paths)
    return OpenBank(tuple(paths), reading.bank, tuple(reading.faults), Matcher(reading.bank))
