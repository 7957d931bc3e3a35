"""A sheet as a person sees it: texts in rows, and what is to be known about single cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RemarkKind(StrEnum):
    """Why a cell's text is not all there is to say about the cell."""

    ERROR = "error"
    """The cell shows an error value; its text is that word (`#N/A`)."""
    NO_VALUE = "no-value"
    """A formula whose result was never stored; the text is empty. Formulas are never evaluated."""
    NUMBER_AS_SHOWN = "number-as-shown"
    """A number whose format made another text of it (0.75 shown as 75%); the text is what was shown."""
    UNKNOWN_FORMAT = "unknown-format"
    """A number or date under a format that is not rendered here; the text is the stored value."""
    DATE = "date"
    """A date or time; the text is what was shown."""
    PICTURE = "picture"
    """A picture lies on the cell."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know about a cell; `detail` is its number format or stored value, '' if neither."""

    kind: RemarkKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MergedRange:
    """Cells shown as one, rows and columns counted from 1, both ends within; its text is the first cell's."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of one sheet: `rows[0]` is row 1, `rows[0][0]` is cell A1; all rows have the same length.

    Line ends inside a cell are newlines. Remarks are keyed by (row, column), hidden rows are row numbers, all
    counted from 1.
    """

    name: str
    rows: list[list[str]]
    hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    merged: tuple[MergedRange, ...] = ()
    remarks: Mapping[tuple[int, int], Remark] = field(default_factory=dict)
