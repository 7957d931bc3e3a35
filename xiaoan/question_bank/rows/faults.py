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

    # Of a whole file or sheet.
    UNREADABLE_FILE = "unreadable-file"
    EMPTY_SHEET = "empty-sheet"
    NO_HEADER = "no-header"
    HEADER_INFERRED = "header-inferred"
    NO_QUESTIONS = "no-questions"

    # The row was refused.
    COLUMNS_UNKNOWN = "columns-unknown"
    NO_STEM = "no-stem"
    NO_ANSWER = "no-answer"
    NO_OPTIONS = "no-options"
    BAD_ANSWER = "bad-answer"
    ANSWER_COUNT = "answer-count"
    TYPE_CONFLICT = "type-conflict"
    OPTIONS_UNCLEAR = "options-unclear"
    PICTURE_ONLY = "picture-only"
    CELL_ERROR = "cell-error"
    NO_STORED_VALUE = "no-stored-value"

    # The row became a question, and this was repaired or is to be looked at.
    TYPE_INFERRED = "type-inferred"
    TYPE_CHANGED = "type-changed"
    TYPE_IN_STEM = "type-in-stem"
    OPTION_LABEL = "option-label"
    OPTION_SEPARATOR = "option-separator"
    OPTION_TORN = "option-torn"
    OPTION_TWICE = "option-twice"
    OPTION_EMPTY = "option-empty"
    OPTIONS_IGNORED = "options-ignored"
    OPTIONS_IN_STEM = "options-in-stem"
    LETTER_CASE = "letter-case"
    LETTER_TWICE = "letter-twice"
    LETTER_ORDER = "letter-order"
    ANSWER_AS_TEXT = "answer-as-text"
    ANSWER_NOTE = "answer-note"
    ANSWER_IN_STEM = "answer-in-stem"
    ONE_OPTION_ONLY = "one-option-only"
    BLANK_COUNT = "blank-count"
    MARKUP = "markup"
    MERGED_CELLS = "merged-cells"
    DATE_CELL = "date-cell"
    UNKNOWN_FORMAT = "unknown-format"
    PICTURE = "picture"
    ABOVE_HEADER = "above-header"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `row` counts from 1 and `column` is its letter; None where a whole sheet is meant.

    `sheet` is '' where a whole file is meant.
    """

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
        sheet = f" 工作表“{self.sheet}”" if self.sheet else ""
        return f"{self.file}{sheet}{' ' + place if place else ''}：{self.message}"
