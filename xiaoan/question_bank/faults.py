"""What is wrong with a row of a bank, and where: said so that the person can mend it in the workbook."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether the row became a question all the same."""

    WARNING = "warning"
    REFUSED = "refused"
    ERROR = "error"


class FaultCode(StrEnum):
    """The kinds of faults, as `--json` names them."""

    EMPTY_SHEET = "empty-sheet"
    NO_HEADER = "no-header"
    NO_STEM = "no-stem"
    NO_ANSWER = "no-answer"
    NO_OPTIONS = "no-options"
    BAD_ANSWER = "bad-answer"
    ANSWER_COUNT = "answer-count"
    ONE_OPTION_ONLY = "one-option-only"
    TYPE_INFERRED = "type-inferred"
    OPTIONS_IGNORED = "options-ignored"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `row` counts from 1 and `column` is its letter; None where a whole sheet is meant."""

    file: str
    sheet: str
    row: int | None
    column: str | None
    severity: Severity
    code: FaultCode
    value: str
    message: str

    def __str__(self) -> str:
        place = f"第 {self.row} 行" if self.row is not None else ""
        place += f" {self.column} 列" if self.column else ""
        return f"{self.file} 工作表“{self.sheet}”{' ' + place if place else ''}：{self.message}"
