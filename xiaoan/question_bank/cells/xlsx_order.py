"""Whether the rows and cells of a sheet's XML stand where every reader of it finds them."""

import re

from xiaoan.question_bank.cells.file_guard import check_range, damaged, printable
from xiaoan.question_bank.cells.xlsx_tags import (
    ATTRIBUTE,
    PREFIX,
    ROOT,
    attributes_of,
    column_number,
    split_reference,
)
from xiaoan.question_bank.letters import place_letters

_MAX_ROW = 1_048_576
_MAX_COLUMN = 16_384
_ROWS_TAG = re.compile(rb"<(/?)" + PREFIX + rb"sheetData(?:\s[^<>]*?)?(/?)>")
_LAST_TAG = rb"(?:</" + PREFIX + rb"worksheet\s*|<" + PREFIX + rb"worksheet(?:\s[^<>]*)?/)>"
_SHEET_END = re.compile(_LAST_TAG + rb"(?:\s|<!--.*?-->|<\?.*?\?>)*\Z", re.DOTALL)
_FRAME_END = 2**12
_REF = rb"""\sr\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']"""
_FILLED = re.compile(rb"<" + PREFIX + rb"c(?=\s)[^<>]*?" + _REF + rb"[^<>]*(?<!/)>(?!</)")
_ODD_CELL = re.compile(
    rb'<c(?! r="[A-Z]{1,3}[0-9]{1,7}"(?: s="\w*"(?: t="\w*")?+| t="\w*"(?: s="\w*")?+)?+ ?/?>|[a-zA-Z])'
)
_ODD_ROW = re.compile(rb'<row(?! r="|[a-zA-Z])')
_USUAL_FILLED = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"[^<>]*(?<!/)>(?!</)')
_ROW_NUMBER = re.compile(rb"<" + PREFIX + rb"""row(?=\s)[^<>]*?\sr\s*=\s*["'](\d{1,8})["']""")
_UNNUMBERED = re.compile(rb"<" + PREFIX + rb"(?:row|c)(?![^<>]*\sr\s*=)(?=[\s/>])")
_ROW_FORM = re.compile(rb"[0-9]{1,7}\Z")
_CELL_FORM = re.compile(rb"[A-Za-z]{1,3}[0-9]{1,7}\Z")
_TAG_START = re.compile(rb"<" + PREFIX + rb"(?:row|c)(?=[\s/>])")
_TAG = re.compile(rb"<" + PREFIX + rb"(row|c)(?=[\s/>])([^<>]*)>")
_CELL_OR_ROW = re.compile(rb"<(/?)(" + PREFIX + rb")(row|c)(?=[\s/>])([^<>]*)>")


class Reach:
    """The corners of the rectangle of filled cells, and how many these are."""

    def __init__(self) -> None:
        self._letters: set[bytes] = set()
        self._first_row = self._last_row = self._filled = 0

    def add(self, segment: bytes) -> None:
        """Look at the next piece, which holds whole rows."""
        found = (_USUAL_FILLED if _is_usual(segment) else _FILLED).findall(segment)
        if not found:
            return
        letters, rows = zip(*found, strict=True)
        numbers = [int(row) for row in set(rows)]
        self._letters.update(letters)
        self._filled += len(found)
        self._last_row = max(self._last_row, *numbers)
        self._first_row = min(self._first_row or self._last_row, *numbers)

    def check(self, sheet: str) -> None:
        """Raise BankError where the cells lie too far apart to be held in memory."""
        columns = [column_number(letters.decode()) for letters in self._letters] or [1]
        if self._last_row > _MAX_ROW or max(columns) > _MAX_COLUMN:
            raise damaged(f"工作表“{printable(sheet)}”里有表格之外的格子")
        check_range(sheet, (self._first_row or 1, min(columns)), (self._last_row, max(columns)), self._filled)


class Frame:
    """Whether a sheet's rows and its XML come to their end; the reader of values takes much else for an empty sheet."""

    def __init__(self) -> None:
        self._row: re.Pattern[bytes] | None = None
        self._begun = self._inside = self._wrong = False
        self._end = b""

    def add(self, segment: bytes) -> None:
        """Look at the next piece, which holds whole tags."""
        if self._row is None:
            root = ROOT.search(segment)
            self._row = re.compile(rb"<" + re.escape(root[1] or b"" if root else b"") + rb"row(?=[\s/>])")
        place = 0
        for tag in _ROWS_TAG.finditer(segment) if b"sheetData" in segment else ():
            self._note_rows(self._row, segment, place, tag.start())
            closing, alone = tag.groups()
            self._wrong |= not self._inside if closing else self._begun
            self._inside = not closing and not alone
            self._begun = True
            place = tag.end()
        self._note_rows(self._row, segment, place, len(segment))
        self._end = (self._end + segment[-_FRAME_END:])[-_FRAME_END:]

    def check(self, sheet: str) -> None:
        """Raise BankError for a sheet without its end, and for rows outside the part that holds them."""
        if self._wrong or self._inside or not _SHEET_END.search(self._end):
            raise damaged(f"工作表“{printable(sheet)}”的内容不完整或写坏了")

    def _note_rows(self, row: re.Pattern[bytes], segment: bytes, start: int, end: int) -> None:
        self._wrong |= not self._inside and row.search(segment, start, end) is not None


class Numbering:
    """Numbers for rows and cells that some programs write without any."""

    def __init__(self) -> None:
        self._row = self._column = 0
        self._counting = False
        self._before = b""

    def numbered(self, segment: bytes) -> bytes:
        """Return the piece with a number on every row and cell. Raises BankError where places are in doubt."""
        if not _is_usual(segment):
            _check_tags(segment)
            if not self._counting and _UNNUMBERED.search(segment):
                self._counting = True
                rows = _ROW_NUMBER.findall(self._before)
                self._row = int(rows[-1]) if rows else 0
        self._before = segment
        return _CELL_OR_ROW.sub(self._number, segment) if self._counting else segment

    def _number(self, match: re.Match[bytes]) -> bytes:
        closing, prefix, name, attributes = match.groups()
        if closing:
            return match[0]
        own = attributes_of(attributes).get("r")
        if name == b"row":
            self._row = int(own) if own and own.isdecimal() and len(own) < 9 else self._row + 1
            self._column = 0
            return match[0] if own else b'<%srow r="%d"%s>' % (prefix, self._row, attributes)
        place = split_reference(own or "")
        if place is not None:
            self._column = column_number(place[0])
            return match[0]
        self._column += 1
        reference = f"{place_letters(self._column - 1)}{self._row}".encode()
        return b'<%sc r="%s"%s>' % (prefix, reference, attributes)


def _is_usual(segment: bytes) -> bool:
    """Whether every row and cell begins with its number, as nearly all programs write them: quick to tell."""
    return not (
        b":c" in segment or b":row" in segment or _ODD_CELL.search(segment) or _ODD_ROW.search(segment)
    )


def _check_tags(segment: bytes) -> None:
    """Refuse cells whose place could be read in two ways, as by the reader of values and by this file.

    That reader takes the last of two numbers, lets large ones overflow, and then sets memory aside for it.
    """
    tags = _TAG.findall(segment)
    if len(tags) < len(_TAG_START.findall(segment)):
        raise damaged("工作表里有不完整的标记")
    for name, tag in tags:
        attributes = ATTRIBUTE.findall(tag)
        if len({word for word, _, _ in attributes}) < len(attributes):
            raise damaged("工作表里有写坏了的标记")
        numbers = [double or single for word, double, single in attributes if word == b"r"]
        form = _ROW_FORM if name == b"row" else _CELL_FORM
        if not all(map(form.match, numbers)) or ATTRIBUTE.sub(b"", tag).strip(b" \t\r\n/"):
            raise damaged("工作表里有格子或行的编号不对")
