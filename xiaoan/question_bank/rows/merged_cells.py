"""Cells that a sheet shows as one, by the rows that they reach into."""

from dataclasses import dataclass, field

from xiaoan.question_bank.cells.sheets import MergedRange, Sheet


@dataclass(slots=True)
class Merges:
    """The merged ranges of a sheet, by row from 1: cells to be filled from above, and titles across."""

    filled: dict[int, dict[int, int]] = field(default_factory=dict)
    """Row → column (from 0) → row of the text."""
    across: dict[int, list[MergedRange]] = field(default_factory=dict)
    downwards: dict[tuple[int, int], int] = field(default_factory=dict)
    """First row and column (from 0) → last row."""


def merges_of(sheet: Sheet) -> Merges:
    """Return the merged ranges of `sheet`, none that lies outside it."""
    merges = Merges()
    # Ranges that overlap are damaged; they must not cost more than the cells.
    budget = sum(map(len, sheet.rows))
    for merged in sheet.merged:
        last = min(merged.last_row, len(sheet.rows))
        budget -= max(last - merged.first_row, 0) + 1
        if budget < 0 or merged.first_row < 1:
            break
        if merged.first_column != merged.last_column:
            for row in range(merged.first_row, last + 1):
                merges.across.setdefault(row, []).append(merged)
        elif last > merged.first_row:
            column = merged.first_column - 1
            merges.downwards[merged.first_row, column] = last
            for row in range(merged.first_row + 1, last + 1):
                merges.filled.setdefault(row, {})[column] = merged.first_row
    return merges
