"""The sheets of an old binary workbook (.xls, .et), by way of xlrd."""

import io
import struct
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from xiaoan.question_bank.cells.cell_values import ShownCell, StoredSheet, number_shown, number_stored
from xiaoan.question_bank.cells.file_guard import check_range, damaged, printable, protected
from xiaoan.question_bank.cells.number_formats import BUILT_IN, GENERAL, is_plain
from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind, Sheet

if TYPE_CHECKING:
    from xlrd.book import Book
    from xlrd.sheet import Sheet as XlsSheet

_TEXT, _NUMBER, _DATE, _BOOLEAN, _ERROR = 1, 2, 3, 4, 5
_FILLED = frozenset({_TEXT, _NUMBER, _DATE, _BOOLEAN, _ERROR})
_LOCAL_FORMATS = frozenset({14, *range(15, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Formats that mean something else in the Chinese edition than the American wording that xlrd fills in."""

# What xlrd, made for sound files, raises over broken ones.
_BROKEN = (
    *(LookupError, ValueError, ArithmeticError, AssertionError, AttributeError, TypeError),
    *(struct.error, MemoryError, RecursionError, NotImplementedError, EOFError),
)


def read_xls(data: bytes) -> Iterator[StoredSheet]:
    """Yield the worksheets of the workbook in its order. Raises BankError for a broken or protected one."""
    book = _open(data)
    for sheet in book.sheets():
        try:
            yield _stored(book, sheet)
        except _BROKEN as error:
            raise damaged(f"工作表“{printable(sheet.name)}”的内容坏了") from error


def _open(data: bytes) -> "Book":
    """Open with formats, or without them where only these are broken."""
    import xlrd
    from xlrd.compdoc import CompDocError

    failure: BaseException | None = None
    for with_formats in (True, False):
        try:
            return xlrd.open_workbook(
                file_contents=data, formatting_info=with_formats, ragged_rows=True, logfile=io.StringIO()
            )
        except xlrd.XLRDError as error:
            if "encrypted" in str(error):
                raise protected() from error
            failure = error
        except (CompDocError, *_BROKEN) as error:
            failure = error
    why = "文件内部的目录坏了" if isinstance(failure, CompDocError) else "工作簿的内容坏了"
    raise damaged(why) from failure


def _stored(book: "Book", sheet: "XlsSheet") -> StoredSheet:
    last_row, last_column, filled, first = 0, 0, 0, None
    for row in range(sheet.nrows):
        places = [column for column, kind in enumerate(sheet.row_types(row), start=1) if kind in _FILLED]
        if places:
            first = first or (row + 1, places[0])
            last_row, last_column = row + 1, max(last_column, places[-1])
            filled += len(places)
    check_range(sheet.name, first or (1, 1), (last_row, last_column), filled)
    rows: list[list[str]] = []
    remarks: dict[tuple[int, int], Remark] = {}
    formatted: set[int] = set()
    for row in range(last_row):
        texts = [""] * last_column
        for column, (kind, value) in enumerate(zip(sheet.row_types(row), sheet.row_values(row), strict=True)):
            if kind not in _FILLED:
                continue
            texts[column], remark = _text(book, sheet, row, column, kind, value)
            if remark is not None:
                remarks[row + 1, column + 1] = remark
            if column not in formatted and _has_own_format(book, sheet, row, column, kind):
                formatted.add(column)
        rows.append(texts)
    seen = Sheet(
        sheet.name,
        rows,
        hidden=sheet.visibility != 0,
        hidden_rows=frozenset(row + 1 for row, info in sheet.rowinfo_map.items() if info.hidden),
        merged=tuple(
            MergedRange(top + 1, left + 1, bottom, right) for top, bottom, left, right in sheet.merged_cells
        ),
        remarks=remarks,
    )
    return StoredSheet(seen, frozenset(formatted), partial(_as_shown, book, sheet))


def _text(
    book: "Book", sheet: "XlsSheet", row: int, column: int, kind: int, value: object
) -> tuple[str, Remark | None]:
    if kind == _TEXT:
        return str(value).replace("\r\n", "\n").replace("\r", "\n"), None
    if kind == _BOOLEAN:
        return "TRUE" if value else "FALSE", None
    if kind == _ERROR:
        from xlrd.biffh import error_text_from_code

        assert isinstance(value, int)
        word = str(error_text_from_code.get(value, "#N/A"))
        return word, Remark(RemarkKind.ERROR, word)
    assert isinstance(value, float)
    code = _format(book, sheet, row, column) if kind == _DATE else GENERAL
    return number_stored(value, code, epoch_1904=book.datemode == 1)


def _as_shown(book: "Book", sheet: "XlsSheet", columns: frozenset[int]) -> Iterator[ShownCell]:
    for row in range(sheet.nrows):
        kinds, values = sheet.row_types(row), sheet.row_values(row)
        for column in sorted(columns):
            if column < len(kinds) and kinds[column] in (_NUMBER, _DATE):
                code = _format(book, sheet, row, column)
                text, remark = number_shown(values[column], code, epoch_1904=book.datemode == 1)
                yield ShownCell(row + 1, column + 1, text, remark)


def _has_own_format(book: "Book", sheet: "XlsSheet", row: int, column: int, kind: int) -> bool:
    return kind == _DATE or (kind == _NUMBER and not is_plain(_format(book, sheet, row, column)))


def _format(book: "Book", sheet: "XlsSheet", row: int, column: int) -> str:
    """The wording of the cell's number format; General where the file does not tell."""
    if not book.formatting_info:
        return "yyyy-mm-dd" if sheet.cell_type(row, column) == _DATE else GENERAL
    key = book.xf_list[sheet.cell_xf_index(row, column)].format_key
    if key in _LOCAL_FORMATS and key in BUILT_IN:
        return BUILT_IN[key]
    stored = book.format_map.get(key)
    return str(stored.format_str) if stored is not None else BUILT_IN.get(key, GENERAL)
