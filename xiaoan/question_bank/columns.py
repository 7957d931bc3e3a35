"""Which column of a sheet holds what, told by the words of its header row wherever that stands."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from xiaoan.question_bank.normalization import normalize_text


class Field(StrEnum):
    """What a column may hold, by the canonical workbook's headings, in its order."""

    PROFESSION = "专业"
    TYPE = "题型"
    STEM = "题目内容"
    CLAUSE = "题目依据条款"
    OPTIONS = "选项"
    ANSWER = "正确答案"


HEADER_WORDS: Mapping[Field, tuple[str, ...]] = {
    Field.PROFESSION: ("专业", "一级纲要", "作业种类", "专业类别"),
    Field.TYPE: ("题型", "题目类型", "试题类型", "类型"),
    Field.STEM: ("题目内容", "题干", "题目", "试题内容", "试题"),
    Field.CLAUSE: ("题目依据条款", "题目依据", "依据条款", "依据", "条款"),
    Field.OPTIONS: ("选项", "题目选项", "备选项", "答案选项"),
    Field.ANSWER: ("正确答案", "答案", "题目答案", "参考答案", "标准答案"),
}
"""The words of headings, best first: where two columns bear words of one field, the better word counts."""

_HEADER_WITHIN_ROWS = 20
_NOT_A_WORD = re.compile(r"\(.*?\)|[^\w]")


@dataclass(frozen=True, slots=True)
class Header:
    """A header row (index from 0 within the sheet) and the columns found (indices from 0)."""

    row: int
    columns: Mapping[Field, int]


def find_header(rows: Sequence[Sequence[str]]) -> Header | None:
    """Return the first of the leading rows whose words name at least the stem's and the answer's column."""
    for number, row in enumerate(rows[:_HEADER_WITHIN_ROWS]):
        columns = read_header(row)
        if Field.STEM in columns and Field.ANSWER in columns:
            return Header(number, columns)
    return None


def read_header(row: Sequence[str]) -> dict[Field, int]:
    """Return the fields that the cells of `row` name; a heading stands alone in its cell."""
    words = [_NOT_A_WORD.sub("", normalize_text(cell)) for cell in row]
    columns: dict[Field, int] = {}
    for field, names in HEADER_WORDS.items():
        found = next((words.index(name) for name in names if name in words), None)
        if found is not None:
            columns[field] = found
    return columns


def column_letter(index: int) -> str:
    """Return the letters of the column at `index` from 0: A, …, Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
