"""The sheets of a bank file, of whichever kind it is, with every cell as a person saw it."""

import datetime
import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from xiaoan.question_bank.cells.cell_values import Grid, ShownCell, StoredSheet, number_shown
from xiaoan.question_bank.cells.csv_cells import read_csv
from xiaoan.question_bank.cells.file_guard import (
    MAX_SHEETS,
    Archive,
    FileKind,
    damaged,
    file_kind,
    printable,
    protected,
)
from xiaoan.question_bank.cells.number_formats import general
from xiaoan.question_bank.cells.ods_cells import read_ods
from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind, Sheet
from xiaoan.question_bank.cells.xls_cells import read_xls
from xiaoan.question_bank.cells.xlsx_cells import SheetMarks, XlsxParts

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

NeedsFormats = Callable[[Sheet], frozenset[int]]

_VISIBLE = "SheetVisibleEnum.Visible"
_PICTURE_FORMULAS = ("=DISPIMG(", "=_xlfn.DISPIMG(", "DISPIMG(")


def read_sheets(data: bytes, *, needs_formats: NeedsFormats) -> list[Sheet]:
    """Return all sheets of one file in its order, hidden ones too; the bytes tell what kind of file it is.

    `needs_formats` gets a sheet with stored values as texts and returns the columns (indices from 0) whose
    numbers and dates are to be rendered as they were shown. Raises BankError, whose message leaves the file's
    name to the caller, for anything that is no readable bank. Nothing is evaluated, nothing is fetched.
    """
    sheets = [_rendered(stored, needs_formats) for stored in _stored_sheets(data)]
    if not sheets:
        raise damaged("里面没有工作表")
    return sheets


def _stored_sheets(data: bytes) -> Iterator[StoredSheet]:
    kind = file_kind(data)
    if kind is FileKind.XLSX:
        return _read_xlsx(data)
    if kind is FileKind.XLS:
        return read_xls(data)
    if kind is FileKind.ODS:
        return read_ods(Archive(data))
    return iter([StoredSheet(read_csv(data), frozenset(), lambda _: iter(()))])


def _rendered(stored: StoredSheet, needs_formats: NeedsFormats) -> Sheet:
    sheet = stored.sheet
    # The usual case: to tell the columns apart takes longer than to read them.
    if not stored.formatted_columns:
        return sheet
    columns = needs_formats(sheet) & stored.formatted_columns
    if not columns:
        return sheet
    remarks = dict(sheet.remarks)
    for cell in stored.as_shown(columns):
        if cell.row > len(sheet.rows) or cell.column > len(sheet.rows[cell.row - 1]):
            continue
        sheet.rows[cell.row - 1][cell.column - 1] = cell.text
        remarks.pop((cell.row, cell.column), None)
        if cell.remark is not None:
            remarks[cell.row, cell.column] = cell.remark
    return Sheet(sheet.name, sheet.rows, sheet.hidden, sheet.hidden_rows, sheet.merged, remarks)


def _read_xlsx(data: bytes) -> Iterator[StoredSheet]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

    parts = XlsxParts(Archive(data))
    where = "工作簿的内部结构"
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        if len(workbook.sheets_metadata) > MAX_SHEETS:
            raise damaged(f"工作表超过 {MAX_SHEETS} 张")
        for known in workbook.sheets_metadata:
            if known.typ == SheetTypeEnum.WorkSheet:
                where = f"工作表“{printable(known.name)}”的内容"
                yield _xlsx_sheet(workbook, parts, known.name, hidden=str(known.visible) != _VISIBLE)
    except PasswordError as error:
        raise protected() from error
    except CalamineError as error:
        raise damaged(_what_broke(error, where, parts)) from error
    except BaseException as error:
        # A panic inside the reader arrives as an exception outside the Exception family, of a class with no
        # importable name. It says that the file is broken, not that this program is to end.
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise damaged(_what_broke(error, where, parts)) from error


def _what_broke(error: BaseException, where: str, parts: XlsxParts) -> str:
    """What to tell of a failure inside the reader of values, whose own words are English and about its insides."""
    if "shared strings" in str(error):
        return f"{where}指向共享文字表里没有的文字"
    broken = parts.broken_part()
    return f"{broken} 不完整或写坏了" if broken else f"{where}不完整或写坏了"


def _xlsx_sheet(workbook: "CalamineWorkbook", parts: XlsxParts, name: str, *, hidden: bool) -> StoredSheet:
    marks = parts.marks(name)  # before the reader sees the sheet: it sets memory aside for the whole range
    stored = workbook.get_sheet_by_name(name)
    remarks: dict[tuple[int, int], Remark] = {}
    numeric: set[int] = set()
    grid = Grid()
    for number, values in enumerate(stored.to_python(skip_empty_area=False), start=1):
        texts = [value if value.__class__ is str else _text(value) for value in values]
        for column in [place for place, value in enumerate(values) if value.__class__ is not str]:
            _note_value(values[column], texts[column], (number, column + 1), numeric, remarks)
        together = "".join(texts)
        if "\r" in together or "DISPIMG(" in together:
            for column in range(len(texts)):
                _note_text(texts, number, column, remarks)
        grid.rows.append(texts)
    _apply_marks(marks, grid, remarks)
    merged = tuple(
        MergedRange(top + 1, left + 1, bottom + 1, right + 1)
        for (top, left), (bottom, right) in stored.merged_cell_ranges or ()
    )
    hidden_rows = frozenset(row for row in marks.hidden_rows if row <= len(grid.rows))
    sheet = Sheet(name, grid.rows, hidden, hidden_rows, merged, remarks)
    formatted = frozenset(cell.column - 1 for cell in parts.numbers(name, frozenset(numeric)))
    return StoredSheet(sheet, formatted, partial(_xlsx_as_shown, parts, name))


def _text(value: object) -> str:
    """A stored value as text; dates as ISO writes them."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return general(value)
    if isinstance(value, datetime.datetime):
        value = value.replace(microsecond=0)
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep=" ")
    return str(value)


def _note_value(
    value: object,
    text: str,
    place: tuple[int, int],
    numeric: set[int],
    remarks: dict[tuple[int, int], Remark],
) -> None:
    if isinstance(value, bool):
        return
    numeric.add(place[1] - 1)
    if not isinstance(value, int | float):
        remarks[place] = Remark(RemarkKind.DATE, text)


def _note_text(texts: list[str], row: int, column: int, remarks: dict[tuple[int, int], Remark]) -> None:
    """Line ends become newlines; the formula by which WPS puts a picture into a cell is no text."""
    text = texts[column].replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith(_PICTURE_FORMULAS):
        remarks[row, column + 1] = Remark(RemarkKind.PICTURE, text)
        text = ""
    texts[column] = text


def _apply_marks(marks: SheetMarks, grid: Grid, remarks: dict[tuple[int, int], Remark]) -> None:
    """Errors and formulas without a value are cells even where the reader saw none; a picture needs one."""
    for place in [*marks.errors, *marks.without_value]:
        grid.reach(*place)
    for (row, column), word in marks.errors.items():
        grid.rows[row - 1][column - 1] = word
        remarks[row, column] = Remark(RemarkKind.ERROR, word)
    for row, column in marks.without_value:
        if not grid.rows[row - 1][column - 1]:
            remarks.setdefault((row, column), Remark(RemarkKind.NO_VALUE))
    for row, column in marks.pictures:
        if row <= len(grid.rows) and column <= len(grid.rows[row - 1]):
            remarks.setdefault((row, column), Remark(RemarkKind.PICTURE))


def _xlsx_as_shown(parts: XlsxParts, name: str, columns: frozenset[int]) -> Iterator[ShownCell]:
    for cell in parts.numbers(name, columns):
        text, remark = number_shown(cell.value, cell.code, epoch_1904=parts.epoch_1904)
        yield ShownCell(cell.row, cell.column, text, remark)
