"""The sheets of an OpenDocument workbook (.ods), whose XML carries values and shown texts side by side."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from xiaoan.errors import BankError
from xiaoan.question_bank.cells.cell_values import ShownCell, StoredSheet
from xiaoan.question_bank.cells.file_guard import MAX_SHEETS, Archive, check_range, damaged, printable
from xiaoan.question_bank.cells.number_formats import general
from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind, Sheet

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_ERROR_TYPES = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_TABLE_TAG, _ROW_TAG, _STYLE_TAG = f"{_TABLE}table", f"{_TABLE}table-row", f"{_STYLE}style"
_FRAME_TAGS = frozenset({_TABLE_TAG, _ROW_TAG, _STYLE_TAG})
_VALUE_TYPE = f"{_OFFICE}value-type"
_FORMULA = f"{_TABLE}formula"
_PARAGRAPH = f"{_TEXT}p"
_COLUMNS_REPEATED = f"{_TABLE}number-columns-repeated"
_ROWS_REPEATED = f"{_TABLE}number-rows-repeated"
_COLUMNS_SPANNED = f"{_TABLE}number-columns-spanned"
_ROWS_SPANNED = f"{_TABLE}number-rows-spanned"
_NUMBERS = frozenset({"float", "percentage", "currency"})
_MOMENTS = frozenset({"date", "time"})
_PICTURES = (f"{_DRAW}image", f"{_DRAW}frame")
_DURATION = re.compile(r"PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S\Z")
_ERROR_WORD = re.compile(r"#[A-Z/0!?]+[!?]?\Z|Err:\d+\Z")
_MOST_REPEATS = 2**24
_MOST_FILLED_REPEATS = 10_000
"""How often rows with content may be repeated in a sheet: a few bytes else make a million copies of a question."""
_MOST_SPACES = 32_767
_MOST_COLUMNS = 2**14


@dataclass(slots=True)
class _Cell:
    """One cell that holds something; `shown` is what a number or date looked like."""

    text: str
    shown: str | None = None
    remark: Remark | None = None


@dataclass(slots=True)
class _Table:
    """A sheet while it is read: rows as (first row from 1, repeats, cells by column from 1)."""

    name: str
    hidden: bool
    rows: list[tuple[int, int, dict[int, _Cell]]] = field(default_factory=list)
    hidden_rows: list[range] = field(default_factory=list)
    merged: list[MergedRange] = field(default_factory=list)
    height: int = 0
    first: tuple[int, int] | None = None
    last_row: int = 0
    last_column: int = 0
    filled: int = 0
    repeated: int = 0


def read_ods(archive: Archive) -> Iterator[StoredSheet]:
    """Yield the sheets of the workbook in its order.

    Raises BankError for broken XML, and for filled cells too far apart or repeated too often to be held in memory.
    """
    name = archive.find("content.xml")
    if name is None:
        raise damaged("缺少 content.xml")
    try:
        for table in _tables(archive, name):
            yield _stored(table)
    except (ParseError, UnicodeError) as error:
        raise damaged("content.xml 不完整") from error


def _tables(archive: Archive, name: str) -> Iterator[_Table]:
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    hidden_styles: set[str] = set()
    table: _Table | None = None
    depth = seen = 0
    for chunk in archive.chunks(name):
        parser.feed(chunk)
        for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
            tag = element.tag
            if tag not in _FRAME_TAGS:  # most are cells and paragraphs
                continue
            if event == "start":
                if tag == _TABLE_TAG:
                    depth += 1
                    if depth == 1:
                        seen += 1
                        table = _opened(element, hidden_styles)
            elif tag == _STYLE_TAG:
                hidden_styles |= _hidden_style(element)
            elif tag == _ROW_TAG and depth == 1 and table is not None:
                _add_row(table, element)
                element.clear()
            elif tag == _TABLE_TAG:
                depth -= 1
                if depth == 0 and table is not None:
                    yield table
                    element.clear()
        if seen > MAX_SHEETS:
            raise damaged(f"工作表超过 {MAX_SHEETS} 张")
    parser.close()


def _opened(element: Element, hidden_styles: set[str]) -> _Table:
    style = element.get(f"{_TABLE}style-name", "")
    return _Table(element.get(f"{_TABLE}name", ""), style in hidden_styles)


def _hidden_style(style: Element) -> set[str]:
    properties = style.find(f"{_STYLE}table-properties")
    hidden = properties is not None and properties.get(f"{_TABLE}display") == "false"
    return {style.get(f"{_STYLE}name", "")} if hidden else set()


def _add_row(table: _Table, element: Element) -> None:
    """Add the cells of a row that hold something; repeats are counted before anything is copied."""
    first = table.height + 1
    repeats = _repeats(table, first, element.get(_ROWS_REPEATED))
    table.height += repeats
    cells: dict[int, _Cell] = {}
    column = 0
    for child in element:
        if child.tag not in _CELLS:
            continue
        attributes = child.attrib
        times = _repeats(table, first, attributes.get(_COLUMNS_REPEATED))
        try:
            cell = _plain_cell(child) or _read_cell(child) if attributes or len(child) else None
        except ValueError as error:
            raise _wrong_count(table, first, str(error)) from error
        if cell is not None and child.tag == _CELLS[0]:
            _reach(table, first, first + repeats - 1, column + 1, column + times)
            for place in range(column + 1, column + times + 1):
                cells[place] = cell
        if _ROWS_SPANNED in attributes or _COLUMNS_SPANNED in attributes:
            _note_span(table, child, first, column + 1)
        column += times
    if element.get(f"{_TABLE}visibility", "visible") != "visible":
        table.hidden_rows.append(range(first, first + repeats))
    if cells:
        table.repeated += repeats - 1
        if table.repeated > _MOST_FILLED_REPEATS:
            raise BankError(
                f"工作表“{printable(table.name)}”第 {first} 行起，有内容的行照样重复，共 {table.repeated} 次"
                f"（最多 {_MOST_FILLED_REPEATS} 次）；请删除重复的行，另存后再试"
            )
        table.rows.append((first, repeats, cells))


def _reach(table: _Table, first_row: int, last_row: int, first_column: int, last_column: int) -> None:
    if last_column > _MOST_COLUMNS:
        raise damaged(f"工作表“{printable(table.name)}”里有表格之外的格子")
    table.filled += (last_row - first_row + 1) * (last_column - first_column + 1)
    if last_row <= table.last_row and last_column <= table.last_column:
        return
    table.first = table.first or (first_row, first_column)
    table.last_row = max(table.last_row, last_row)
    table.last_column = max(table.last_column, last_column)
    check_range(table.name, table.first, (table.last_row, table.last_column), table.filled)


def _note_span(table: _Table, cell: Element, row: int, column: int) -> None:
    down = _span(cell.get(_ROWS_SPANNED))
    right = _span(cell.get(_COLUMNS_SPANNED))
    if down > 1 or right > 1:
        table.merged.append(MergedRange(row, column, row + down - 1, column + right - 1))


def _span(text: str | None) -> int:
    """How many cells are shown as one; 1 where nothing sensible is said, as no text hangs on it."""
    return (_count(text, _MOST_REPEATS) if text else 1) or 1


def _count(text: str, most: int) -> int | None:
    """A count from an attribute, None for one that cannot be."""
    number = int(text) if text.isdecimal() and len(text) < 10 else 0
    return number if 0 < number <= most else None


def _repeats(table: _Table, row: int, text: str | None) -> int:
    number = 1 if text is None else _count(text, _MOST_REPEATS)
    if number is None:
        raise _wrong_count(table, row, text or "")
    return number


def _wrong_count(table: _Table, row: int, text: str) -> BankError:
    place = f"工作表“{printable(table.name)}”第 {row} 行"
    return damaged(f"{place}的重复次数“{printable(text)}”不对")


def _plain_cell(element: Element) -> _Cell | None:
    """A cell with one paragraph of nothing but text, as most cells are; None for all others."""
    if len(element) != 1 or element.attrib.get(_VALUE_TYPE) != "string" or len(element.attrib) > 3:
        return None
    paragraph = element[0]
    if paragraph.tag != _PARAGRAPH or len(paragraph) or _FORMULA in element.attrib or not paragraph.text:
        return None
    return (
        None
        if _ERROR_TYPES in element.attrib and element.attrib[_ERROR_TYPES] == "error"
        else _Cell(paragraph.text)
    )


def _read_cell(element: Element) -> _Cell | None:
    kind = element.get(_VALUE_TYPE, "")
    paragraphs = [_paragraph(child) for child in element if child.tag == _PARAGRAPH]
    shown = "\n".join(paragraphs)
    if element.get(_ERROR_TYPES) == "error" or (kind and _ERROR_WORD.match(shown) and _has_formula(element)):
        return _Cell(shown or "#N/A", remark=Remark(RemarkKind.ERROR, shown or "#N/A"))
    if kind in _NUMBERS:
        return _number_cell(element, shown)
    if kind in _MOMENTS:
        stored = _moment_text(element, kind) or shown
        return _Cell(stored, shown or None, Remark(RemarkKind.DATE, stored))
    if kind == "boolean":
        return _Cell("TRUE" if element.get(f"{_OFFICE}boolean-value") == "true" else "FALSE")
    if any(child.tag in _PICTURES for child in element.iter()):
        return _Cell(shown, remark=Remark(RemarkKind.PICTURE))
    text = element.get(f"{_OFFICE}string-value") if not paragraphs else shown
    if text:
        return _Cell(text)
    if _has_formula(element) and not kind:
        return _Cell("", remark=Remark(RemarkKind.NO_VALUE))
    return None


def _has_formula(element: Element) -> bool:
    return element.get(_FORMULA) is not None


def _number_cell(element: Element, shown: str) -> _Cell | None:
    try:
        stored = general(float(element.get(f"{_OFFICE}value", "")))
    except ValueError:
        return _Cell(shown) if shown else None
    return _Cell(stored, shown.strip() or None)


def _moment_text(element: Element, kind: str) -> str:
    if kind == "time":
        match = _DURATION.match(element.get(f"{_OFFICE}time-value", ""))
        return ":".join(f"{int(part):02d}" for part in match.groups()) if match else ""
    text = element.get(f"{_OFFICE}date-value", "").replace("T", " ")
    return text.removesuffix(" 00:00:00")


def _paragraph(element: Element) -> str:
    """The text of a paragraph: spaces are counted, tabs and line ends are elements, comments stay out."""
    parts = [element.text or ""]
    for child in element:
        if child.tag == f"{_TEXT}s":
            told = child.get(f"{_TEXT}c", "1")
            spaces = _count(told, _MOST_SPACES)
            if spaces is None:
                raise ValueError(told)
            parts.append(" " * spaces)
        elif child.tag == f"{_TEXT}tab":
            parts.append("\t")
        elif child.tag == f"{_TEXT}line-break":
            parts.append("\n")
        elif child.tag in (f"{_TEXT}span", f"{_TEXT}a"):
            parts.append(_paragraph(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _stored(table: _Table) -> StoredSheet:
    rows: list[list[str]] = []
    remarks: dict[tuple[int, int], Remark] = {}
    formatted: set[int] = set()
    for first, repeats, cells in table.rows:
        rows.extend([""] * table.last_column for _ in range(first - 1 - len(rows)))
        for row in range(first, first + repeats):
            texts = [""] * table.last_column
            for column, cell in cells.items():
                texts[column - 1] = cell.text
                if cell.remark is not None:
                    remarks[row, column] = cell.remark
            rows.append(texts)
        formatted.update(column - 1 for column, cell in cells.items() if cell.shown not in (None, cell.text))
    hidden_rows = frozenset(
        row for span in table.hidden_rows for row in span[: max(len(rows) + 1 - span.start, 0)]
    )
    sheet = Sheet(table.name, rows, table.hidden, hidden_rows, tuple(table.merged), remarks)
    return StoredSheet(sheet, frozenset(formatted), partial(_as_shown, table))


def _as_shown(table: _Table, columns: frozenset[int]) -> Iterator[ShownCell]:
    for first, repeats, cells in table.rows:
        for column, cell in cells.items():
            if cell.shown is None or column - 1 not in columns:
                continue
            remark = cell.remark
            if remark is None and cell.shown != cell.text:
                remark = Remark(RemarkKind.NUMBER_AS_SHOWN, cell.text)
            for row in range(first, first + repeats):
                yield ShownCell(row, column, cell.shown, remark)
