"""The names of the layouts in which banks come, told by the words of their headings."""

from enum import StrEnum

from xiaoan.question_bank.rows.columns import Columns, Field


class Layout(StrEnum):
    """How the columns of a sheet are laid out, as `--json` names it."""

    CANONICAL = "canonical"
    GRID_EXPORT = "grid-export"
    JOB_KINDS = "job-kinds"
    LETTER_COLUMNS = "letter-columns"
    OPTION_COLUMNS = "option-columns"
    NUMBERED_OPTIONS = "numbered-options"
    TYPE_SHEETS = "type-sheets"
    OPTIONS_IN_CELL = "options-in-cell"
    STEM_AND_ANSWER = "stem-and-answer"
    NO_HEADER = "no-header"
    EMPTY = "empty"
    NOTES = "notes"
    LISTS = "lists"


_GRID_WORDS = frozenset(["一级纲要", "二级纲要", "试题编码"])
_JOB_WORDS = frozenset(["作业种类", "试题类型"])
_BARE_LETTERS = frozenset("ABCDEFGHIJKL")


def layout_of(columns: Columns, *, typed_by_sheet: bool) -> Layout:
    """Return the layout of a sheet with these headings; `typed_by_sheet`: its name says the 题型."""
    words = frozenset(columns.words)
    if columns.words[: len(Field)] == tuple(field.value for field in Field):
        return Layout.CANONICAL
    if typed_by_sheet and Field.TYPE not in columns.fields:
        return Layout.TYPE_SHEETS
    if _GRID_WORDS & words:
        return Layout.GRID_EXPORT
    if columns.numbered:
        return Layout.NUMBERED_OPTIONS
    if columns.options:
        return Layout.LETTER_COLUMNS if _BARE_LETTERS & words else Layout.OPTION_COLUMNS
    if _JOB_WORDS & words:
        return Layout.JOB_KINDS
    if Field.OPTIONS in columns.fields:
        return Layout.OPTIONS_IN_CELL
    return Layout.STEM_AND_ANSWER
