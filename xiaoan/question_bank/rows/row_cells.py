"""One row's cells while it is read: what is known about them, and what has been found wrong so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xiaoan.question_bank.cells.sheets import Remark, RemarkKind
from xiaoan.question_bank.rows.columns import Columns, Field
from xiaoan.question_bank.rows.faults import FaultCode, Severity
from xiaoan.question_bank.rows.figure_answers import Figures
from xiaoan.question_bank.rows.option_mending import Repair
from xiaoan.question_bank.rows.type_words import NO_TYPE, TypeWord

NO_REMARKS: Mapping[int, Remark] = {}


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a row and the column (from 0) that it lies in; None where no single column can be named."""

    column: int | None
    severity: Severity
    code: FaultCode
    message: str


@dataclass(frozen=True, slots=True)
class Habits:
    """What the rest of a sheet tells about one row.

    `told` is the 题型 that the sheet's name or a heading between the rows says. `pair_judges`: its answers
    are all 1 and 0, or 是 and 否; `words_judge`: those of its statements are. `letters_unclear`: in
    some 判断题 of this sheet A is 错误. `figures` is what figures mean as the answers of its choices.
    """

    told: TypeWord = NO_TYPE
    pair_judges: bool = False
    words_judge: bool = False
    letters_unclear: bool = False
    figures: Figures = Figures.UNKNOWN


NO_HABITS = Habits()


class Refusal(Exception):  # noqa: N818 - ends the reading of one row; `read_cells` turns it into a problem
    """The row is no question, and why."""

    def __init__(self, column: int | None, code: FaultCode, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(column, Severity.REFUSED, code, message)


class Row:
    """One row while it is read: its cells by column, what is known about them, and the warnings so far."""

    __slots__ = ("columns", "habits", "remarks", "texts", "warnings")

    def __init__(
        self, columns: Columns, texts: Sequence[str], habits: Habits, remarks: Mapping[int, Remark]
    ) -> None:
        self.columns = columns
        self.texts = texts
        self.habits = habits
        self.remarks = remarks
        self.warnings: list[Problem] = []

    def column(self, field: Field) -> int | None:
        """Return the column of `field`, None where the sheet has none."""
        return self.columns.fields.get(field)

    def text(self, field: Field) -> str:
        """Return the text in the column of `field`, '' where the sheet has none."""
        column = self.columns.fields.get(field)
        return "" if column is None else self.texts[column]

    def warn(self, column: int | None, code: FaultCode, message: str) -> None:
        """Note that something was repaired or is to be looked at."""
        self.warnings.append(Problem(column, Severity.WARNING, code, message))

    def warn_all(self, column: int | None, repairs: Sequence[Repair]) -> None:
        """Note each repair."""
        for repair in repairs:
            self.warn(column, repair.code, repair.message)

    @property
    def option_column(self) -> int | None:
        """The column to name for a fault of the options."""
        column = self.columns.fields.get(Field.OPTIONS)
        return column if column is not None or not self.columns.options else self.columns.options[0][1]

    @property
    def answer_column(self) -> int | None:
        """The column to name for a fault of the answer."""
        column = self.columns.fields.get(Field.ANSWER)
        return column if column is not None or not self.columns.answers else self.columns.answers[0]

    @property
    def has_option_columns(self) -> bool:
        """Whether options have a place of their own in this sheet."""
        return bool(self.columns.options) or Field.OPTIONS in self.columns.fields


def heed_remarks(row: Row) -> None:
    """Refuse a row whose question cannot be seen; warn of what may have been meant otherwise."""
    question = row.columns.texts()
    for column, remark in sorted(row.remarks.items()):
        if remark.kind is RemarkKind.PICTURE:
            row.warn(column, FaultCode.PICTURE, "这里有图片，程序看不到图；请核对文字是否完整")
        elif remark.kind is RemarkKind.ERROR:
            message = f"单元格是错误值 {row.texts[column]}；请改正公式，或直接写上文字"
            _heed_missing(row, column, FaultCode.CELL_ERROR, message)
        elif remark.kind is RemarkKind.NO_VALUE:
            message = "单元格是公式，没有存下结果；请在表格软件里打开并保存，或直接写上文字"
            _heed_missing(row, column, FaultCode.NO_STORED_VALUE, message)
        elif column in question and remark.kind is RemarkKind.DATE:
            message = f"单元格是日期，按显示的“{row.texts[column]}”读；请核对原意"
            row.warn(column, FaultCode.DATE_CELL, message)
        elif column in question and remark.kind is RemarkKind.UNKNOWN_FORMAT:
            message = f"不认识显示格式“{remark.detail}”，按存储的值“{row.texts[column]}”读；请核对"
            row.warn(column, FaultCode.UNKNOWN_FORMAT, message)


def heed_merges(row: Row, filled: frozenset[int]) -> None:
    """专业, 题型 and 依据 are often merged downwards; a merged answer or option is worth a look."""
    for column in sorted(filled & row.columns.texts()):
        row.warn(column, FaultCode.MERGED_CELLS, "这一格与上面合并，已用合并格的内容；请核对")


def _heed_missing(row: Row, column: int, code: FaultCode, message: str) -> None:
    """A cell without a value: no question if it belongs to it, as good as empty if it stands beside."""
    if column in row.columns.texts():
        raise Refusal(column, code, message)
    if column in {*row.columns.fields.values(), *row.columns.explanations, row.columns.blank_order}:
        row.warn(column, code, f"{message}（这一格当作空的）")
        row.texts = ["" if place == column else text for place, text in enumerate(row.texts)]
