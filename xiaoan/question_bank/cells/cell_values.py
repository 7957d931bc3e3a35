"""Stored values as the texts and remarks of cells, the same for every kind of workbook."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from xiaoan.question_bank.cells.number_formats import general, is_date_format, is_plain, iso_date, shown
from xiaoan.question_bank.cells.sheets import Remark, RemarkKind, Sheet


@dataclass(frozen=True, slots=True)
class ShownCell:
    """What a person saw in one cell; row and column are counted from 1."""

    row: int
    column: int
    text: str
    remark: Remark | None


@dataclass(frozen=True, slots=True)
class StoredSheet:
    """A sheet with its stored values as texts, and the way to the texts that were shown.

    `formatted_columns` are the indices from 0 of the columns that hold numbers or dates with a format of their
    own, so that they may have been shown otherwise; `as_shown` yields these cells of some of the columns.
    """

    sheet: Sheet
    formatted_columns: frozenset[int]
    as_shown: Callable[[frozenset[int]], Iterator[ShownCell]]


@dataclass(slots=True)
class Grid:
    """Texts that grow row by row into a rectangle."""

    rows: list[list[str]] = field(default_factory=list)

    def reach(self, row: int, column: int) -> None:
        """Grow until the cell in `row` and `column`, counted from 1, is there."""
        width = max(len(self.rows[0]) if self.rows else 0, column)
        if self.rows and width > len(self.rows[0]):
            for texts in self.rows:
                texts.extend([""] * (width - len(texts)))
        self.rows.extend([""] * width for _ in range(row - len(self.rows)))


@lru_cache(maxsize=2**14)
def number_shown(value: float, code: str, *, epoch_1904: bool) -> tuple[str, Remark | None]:
    """Return the text of a number under its format, and what is to be said about it."""
    if is_plain(code):
        return general(value), None
    text = shown(value, code, epoch_1904=epoch_1904)
    stored = iso_date(value, epoch_1904=epoch_1904) if is_date_format(code) else None
    if text is None:
        return stored or general(value), Remark(RemarkKind.UNKNOWN_FORMAT, code)
    if stored is not None:
        return text, Remark(RemarkKind.DATE, stored)
    raw = general(value)
    return text, None if text == raw else Remark(RemarkKind.NUMBER_AS_SHOWN, raw)


def number_stored(value: float, code: str, *, epoch_1904: bool) -> tuple[str, Remark | None]:
    """Return a number as its stored value says, a date as ISO writes it, and the remark on a date."""
    stored = iso_date(value, epoch_1904=epoch_1904) if is_date_format(code) else None
    if stored is None:
        return general(value), None
    return stored, Remark(RemarkKind.DATE, stored)
