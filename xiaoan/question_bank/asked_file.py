"""A file of questions to be asked: a workbook or CSV in any layout of a bank, with answers or without, or plain text."""

import csv
import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xiaoan.errors import BankError
from xiaoan.question_bank.cells.csv_cells import decode_text
from xiaoan.question_bank.cells.reading_process import SheetReader, read_bytes
from xiaoan.question_bank.cells.sheets import Sheet
from xiaoan.question_bank.rows.asked_rows import AskedRow
from xiaoan.question_bank.rows.asked_sheet import AskedSheet, read_asked_lines, read_asked_sheet
from xiaoan.question_bank.rows.columns import read_columns
from xiaoan.question_bank.rows.sheet_reading import is_filled

_WORKBOOK_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_TABLE_SUFFIXES = (".csv", ".tsv")
_WORD_HINT = "；Word 里的题请另存为纯文本 .txt"
_TEXT_NAME = "文本"
_LINE_END = re.compile(r"\r\n?|\n")
_NO_QUESTIONS = "里没有找到题目；需要一行至少写着“题目”的表头，或者一行一题的文本"
_QUIET = ("重复的表头", "新的表头，下面按它读", "表头的第二行", "表头上方的标题或说明", "标题或说明", "标题")
"""Reasons to skip a row that a person need not be told."""


@dataclass(frozen=True)
class AskedFile:
    """The questions of a file, sheet by sheet; `sha256` is of its bytes."""

    path: Path
    sha256: str
    sheets: tuple[AskedSheet, ...]

    @property
    def rows(self) -> tuple[AskedRow, ...]:
        """All questions, in the file's order."""
        return tuple(row for sheet in self.sheets for row in sheet.rows)

    def notices(self) -> list[str]:
        """Return what was inferred, and which filled rows are not asked, one line each."""
        found = []
        for sheet in self.sheets:
            found += [f"工作表“{sheet.sheet}”：{notice}" for notice in sheet.notices]
            for skipped in sheet.skipped:
                if skipped.why not in _QUIET and skipped.rows:
                    found.append(f"工作表“{sheet.sheet}”：{_places(skipped.rows)}{skipped.why}")
        return found


def read_asked_file(path: Path) -> AskedFile:
    """Return the questions in the file at `path`: told by its bytes, not by its name.

    Raises:
        BankError: it cannot be read at all, or there is no question in it.
    """
    try:
        data = read_bytes(path)
        sheets = tuple(_read(path, data))
    except BankError as error:
        hint = _WORD_HINT if "Word" in error.message else ""
        raise BankError(error.message.replace("题库", "题目文件", 1) + hint) from error
    found = AskedFile(path, hashlib.sha256(data).hexdigest(), sheets)
    if not found.rows:
        raise BankError(f"题目文件 {path} {_NO_QUESTIONS}")
    return found


def _read(path: Path, data: bytes) -> Iterable[AskedSheet]:
    if data.startswith(_WORKBOOK_STARTS):
        return _sheets(path, data)
    if path.suffix.lower() in _TABLE_SUFFIXES:
        try:
            return _sheets(path, data)
        except BankError:
            # One column is no table to the reader of banks; here it is a list of questions.
            return [_one_column(path, data)]
    if path.suffix.lower() == ".txt":
        return _sheets(path, data) if _has_header(path, data) else [_text(path, data)]
    return _sheets(path, data)


def _sheets(path: Path, data: bytes) -> list[AskedSheet]:
    with SheetReader() as reader:
        sheets = reader.read_data(path, data)
    filled = [sheet for sheet in sheets if _is_used(sheet)]
    return [read_asked_sheet(sheet, path.name, alone=len(filled) == 1) for sheet in filled]


def _is_used(sheet: Sheet) -> bool:
    return any(map(is_filled, sheet.rows))


def _text(path: Path, data: bytes) -> AskedSheet:
    return read_asked_lines(_LINE_END.split(_decoded(path, data)), _TEXT_NAME, path.name)


def _one_column(path: Path, data: bytes) -> AskedSheet:
    cells = [",".join(record) for record in csv.reader(io.StringIO(_decoded(path, data), newline=""))]
    return read_asked_sheet(Sheet(_TEXT_NAME, [[cell] for cell in cells]), path.name, alone=True)


def _has_header(path: Path, data: bytes) -> bool:
    """Whether a text begins with the header of a table: headings parted by tabs or commas."""
    first = next((line for line in _LINE_END.split(_decoded(path, data)) if line.strip()), "")
    return any(
        len(cells := first.split(mark)) > 1 and read_columns(cells, stem_alone=True) is not None
        for mark in "\t,"
    )


def _decoded(path: Path, data: bytes) -> str:
    try:
        return decode_text(data)
    except BankError as error:
        raise BankError(f"题库 {path} {error.message}") from error


def _places(rows: tuple[int, ...]) -> str:
    shown = "、".join(map(str, rows[:5]))
    return f"第 {shown} 行{f'等 {len(rows)} 行' if len(rows) > 5 else ''}："
