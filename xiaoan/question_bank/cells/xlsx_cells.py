"""What the XML of an .xlsx tells beyond its values: ranges, errors, hidden rows, formats, pictures."""

import html
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate

from xiaoan.question_bank.cells.file_guard import Archive, check_range, damaged, printable
from xiaoan.question_bank.cells.number_formats import BUILT_IN, GENERAL
from xiaoan.question_bank.cells.sheets import column_letter

_MAX_SEGMENT = 64 * 2**20
_MAX_STRINGS = 16_000_000
_MAX_ROW, _MAX_COLUMN = 1_048_576, 16_384

# Tags end at the next < or >, which attribute values do not hold in files of spreadsheet programs; that keeps
# every search linear. A prefix such as x: may stand before each name.
_P = rb"(?:[^\s<>/:!?=\"']+:)?"
_ATTRIBUTE = re.compile(rb"""([^\s=<>"'/]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_ROOT = re.compile(rb"<([^\s<>/:!?=\"']+:)?worksheet[\s>]")
_ROWS_TAG = re.compile(rb"<(/?)" + _P + rb"sheetData(?:\s[^<>]*?)?(/?)>")
_SHEET_END = re.compile(
    rb"(?:</" + _P + rb"worksheet\s*|<" + _P + rb"worksheet(?:\s[^<>]*)?/)>(?:\s|<!--.*?-->|<\?.*?\?>)*\Z",
    re.DOTALL,
)
_FRAME_END = 2**12
_REF = rb"""\sr\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']"""
_FILLED = re.compile(rb"<" + _P + rb"c(?=\s)[^<>]*?" + _REF + rb"[^<>]*(?<!/)>(?!</)")
_ODD_CELL = re.compile(
    rb'<c(?! r="[A-Z]{1,3}[0-9]{1,7}"(?: s="\w*"(?: t="\w*")?+| t="\w*"(?: s="\w*")?+)?+ ?/?>|[a-zA-Z])'
)
_ODD_ROW = re.compile(rb'<row(?! r="|[a-zA-Z])')
_USUAL_FILLED = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"[^<>]*(?<!/)>(?!</)')
_ROW_NUMBER = re.compile(rb"<" + _P + rb"""row(?=\s)[^<>]*?\sr\s*=\s*["'](\d{1,8})["']""")
_UNNUMBERED = re.compile(rb"<" + _P + rb"(?:row|c)(?![^<>]*\sr\s*=)(?=[\s/>])")
_ROW_FORM = re.compile(rb"[0-9]{1,7}\Z")
_CELL_FORM = re.compile(rb"[A-Za-z]{1,3}[0-9]{1,7}\Z")
_TAG_START = re.compile(rb"<" + _P + rb"(?:row|c)(?=[\s/>])")
_TAG = re.compile(rb"<" + _P + rb"(row|c)(?=[\s/>])([^<>]*)>")
_CELL_OR_ROW = re.compile(rb"<(/?)(" + _P + rb")(row|c)(?=[\s/>])([^<>]*)>")
_HIDDEN_ROW = re.compile(rb"<" + _P + rb"""row(?=\s)([^<>]*\shidden\s*=\s*["'](?:1|true)["'][^<>]*)>""")
_ERROR_CELL = re.compile(
    rb"<" + _P + rb"""c(?=\s)([^<>]*\st\s*=\s*["']e["'][^<>]*)(?<!/)>"""
    rb"(?:(?!<" + _P + rb"v[\s/>]|</" + _P + rb"c>)<[^<>]*>[^<]*)*+"
    rb"(?:<" + _P + rb"v(?:\s[^<>]*)?>([^<]*))?"
)
_FORMULA_ONLY = re.compile(
    rb"<" + _P + rb"c(?=\s)([^<>]*)(?<!/)>\s*"
    rb"<" + _P + rb"f(?:\s[^<>]*)?(?:/>|>[^<]*</" + _P + rb"f>)\s*"
    rb"(?P<empty><" + _P + rb"v(?:\s*/>|(?:\s[^<>]*)?>\s*</" + _P + rb"v>)\s*)?</" + _P + rb"c>"
)
_NUMBER_CELL = re.compile(
    rb"<" + _P + rb"""c(?=\s)(?![^<>]*\st\s*=\s*["'](?!n["']))([^<>]*)(?<!/)>\s*"""
    rb"(?:<" + _P + rb"f(?:\s[^<>]*)?(?:/>|>[^<]*</" + _P + rb"f>)\s*)?"
    rb"<" + _P + rb"v(?:\s[^<>]*)?>([^<]*)</"
)
_USUAL_TAG = re.compile(rb' r="([A-Z]{1,3})([0-9]{1,7})"(?: s="([0-9]+)")?(?: t="n")?\s*\Z')
_SST = re.compile(rb"<" + _P + rb"sst(?=\s)([^<>]*)>")
_XF = re.compile(rb"<" + _P + rb"xf(?=[\s/>])([^<>]*)>")
_CELL_XFS = re.compile(rb"<" + _P + rb"cellXfs(?:\s[^<>]*)?>(.*?)</" + _P + rb"cellXfs>", re.DOTALL)
_NUMBER_FORMAT = re.compile(rb"<" + _P + rb"numFmt(?=\s)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_SHEET = re.compile(rb"<" + _P + rb"sheet(?=\s)([^<>]*)>")
_PROPERTIES = re.compile(rb"<" + _P + rb"workbookPr(?=\s)([^<>]*)>")
_RELATION = re.compile(rb"<" + _P + rb"Relationship(?=\s)([^<>]*)>")
_ANCHOR = re.compile(
    rb"<"
    + _P
    + rb"(?:twoCellAnchor|oneCellAnchor)(?=[\s>])(.*?)</"
    + _P
    + rb"(?:twoCellAnchor|oneCellAnchor)>",
    re.DOTALL,
)
_FROM = re.compile(
    rb"<" + _P + rb"from>.*?<" + _P + rb"col>\s*(\d{1,6})\s*<.*?<" + _P + rb"row>\s*(\d{1,8})\s*<", re.DOTALL
)
_WORKBOOK = (
    "xl/workbook.xml"  # here and nowhere else, as with the strings and styles, the reader of values looks
)
_COMMON_PARTS = (_WORKBOOK, "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml", "xl/styles.xml")
_RICH_PICTURES = "xl/richdata/richvaluerel.xml"


@dataclass(frozen=True, slots=True)
class NumberCell:
    """A stored number; row and column are counted from 1, `code` is its number format."""

    row: int
    column: int
    value: float
    code: str


@dataclass(slots=True)
class SheetMarks:
    """What is to be known about a sheet's cells, (row, column) counted from 1."""

    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    without_value: set[tuple[int, int]] = field(default_factory=set)
    pictures: set[tuple[int, int]] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)


class XlsxParts:
    """The parts of one .xlsx, each read as a stream and no further than the archive's limits allow."""

    def __init__(self, archive: Archive) -> None:
        """Raises BankError for a workbook whose parts cannot be found or are not safe to load."""
        self._archive = archive
        workbook = archive.read(self._entry(_WORKBOOK))
        broken = self.broken_part(_COMMON_PARTS[:2])  # a sheet could be missing from their remains
        if broken:
            raise damaged(f"{broken} 不完整或写坏了")
        properties = _PROPERTIES.search(workbook)
        flags = _attributes(properties[1]) if properties else {}
        self.epoch_1904 = flags.get("date1904", "0") in ("1", "true")
        relations = self._relations(_WORKBOOK)
        self._sheets: dict[str, str] = {}
        for words in map(_attributes, _SHEET.findall(workbook)):
            name, identifiers = words.get("name", ""), [key for key in words if key.endswith(":id")]
            if name in self._sheets or len(identifiers) > 1:
                raise damaged(f"有两张叫“{printable(name)}”的工作表")
            self._sheets[name] = relations.get(words[identifiers[0]] if identifiers else "", ("", ""))[1]
        self._check_strings()
        self._codes: Sequence[str] | None = None

    def marks(self, sheet: str) -> SheetMarks:
        """Return what the named sheet's XML tells beside the values.

        Raises BankError where its filled cells lie too far apart to be held in memory.
        """
        marks = SheetMarks()
        part = self._part(sheet)
        reach = _Reach()
        frame = _Frame()
        rich = self._archive.find(_RICH_PICTURES) is not None
        for segment in self._segments(part):
            frame.add(segment)
            reach.add(segment)
            _note_marks(segment, marks, rich)
        frame.check(sheet)
        reach.check(sheet)
        marks.pictures |= self._drawn_pictures(part)
        return marks

    def numbers(self, sheet: str, columns: frozenset[int]) -> Iterator[NumberCell]:
        """Yield the numbers in the columns (indices from 0) of the named sheet whose format is not General."""
        if self._codes is None:
            self._codes = self._number_formats()
        if not columns or set(self._codes) <= {GENERAL}:
            return
        wanted = {column_letter(column).encode(): column + 1 for column in columns}
        for segment in self._segments(self._part(sheet)):
            for tag, text in _NUMBER_CELL.findall(segment):
                letters, row, style = _usual_tag(tag) or _any_tag(tag)
                column = wanted.get(letters)
                code = self._code(style)
                if column is None or code == GENERAL:
                    continue
                try:
                    value = float(text)
                except ValueError:
                    continue
                yield NumberCell(int(row), column, value, code)

    def broken_part(self, paths: Sequence[str] = _COMMON_PARTS) -> str | None:
        """Return the first of the parts that is no whole XML, of those beside the sheets; None where all are."""
        for path in paths:
            part = self._archive.find(path)
            parser = ParserCreate()
            try:
                for chunk in self._archive.chunks(part) if part else ():
                    parser.Parse(chunk)
                parser.Parse(b"", bool(part))
            except ExpatError:
                return printable(path)
        return None

    def _code(self, style: bytes) -> str:
        assert self._codes is not None
        number = int(style) if style.isdigit() and len(style) < 7 else 0
        return self._codes[number] if number < len(self._codes) else GENERAL

    def _entry(self, path: str) -> str:
        name = self._archive.find(path)
        if name is None:
            raise damaged(f"缺少 {printable(path)}")
        return name

    def _part(self, sheet: str) -> str:
        path = self._sheets.get(sheet)
        if not path:
            raise damaged(f"找不到工作表“{printable(sheet)}”的内容")
        return self._entry(path)

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """(type, path) of what a part refers to inside the archive; what lies outside is never looked at."""
        folder, name = posixpath.split(part)
        entry = self._archive.find(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, tuple[str, str]] = {}
        if entry is None:
            return found
        for words in map(_attributes, _RELATION.findall(self._archive.read(entry))):
            if words.get("TargetMode", "").lower() != "external":
                path = posixpath.normpath(posixpath.join("/", folder, words.get("Target", ""))).lstrip("/")
                if words.get("Id", "") in found:
                    raise damaged(f"{printable(entry)} 里有重复的编号")
                found[words.get("Id", "")] = (words.get("Type", ""), path)
        return found

    def _check_strings(self) -> None:
        """The reader of values sets memory aside for as many strings as the part says it has."""
        part = self._archive.find("xl/sharedStrings.xml")
        if part is None:
            return
        tail = b""
        for chunk in self._archive.chunks(part):
            for tag in _SST.findall(tail + chunk):
                words = _attributes(tag)
                told = max(words.get(name, "0") for name in ("count", "uniqueCount"))
                if any(_too_many(words.get(name, "0")) for name in ("count", "uniqueCount")):
                    raise damaged(f"共享文字表自称有 {printable(told)} 条")
            tail = chunk[-1024:]

    def _segments(self, part: str) -> Iterator[bytes]:
        """The sheet's XML in pieces that each hold whole rows, every row and cell with its number."""
        rest = b""
        row_start = None
        numbering = _Numbering()
        for chunk in self._archive.chunks(part):
            rest += chunk
            if row_start is None:
                root = _ROOT.search(rest)
                if root is None and len(rest) < 2**16:
                    continue
                row_start = b"<" + (root[1] or b"" if root else b"") + b"row"
            cut = rest.rfind(row_start)
            if cut > 0:
                yield numbering.numbered(rest[:cut])
                rest = rest[cut:]
            elif len(rest) > _MAX_SEGMENT:
                raise damaged(f"{printable(part)} 里有一行超过 {_MAX_SEGMENT // 2**20} MiB")
        yield numbering.numbered(rest)

    def _number_formats(self) -> list[str]:
        """The number format of each style of a cell; General for those that cannot be told."""
        part = self._archive.find("xl/styles.xml")
        if part is None:
            return []
        styles = self._archive.read(part)
        codes = dict(BUILT_IN)
        for words in map(_attributes, _NUMBER_FORMAT.findall(styles)):
            number = words.get("numFmtId", "")
            if number.isdecimal() and len(number) < 7:
                codes[int(number)] = words.get("formatCode", "")
        section = _CELL_XFS.search(styles)
        numbers = (
            [_attributes(tag).get("numFmtId", "0") for tag in _XF.findall(section[1])] if section else []
        )
        return [codes.get(int(n), GENERAL) if n.isdecimal() and len(n) < 7 else GENERAL for n in numbers]

    def _drawn_pictures(self, part: str) -> set[tuple[int, int]]:
        found: set[tuple[int, int]] = set()
        for kind, path in self._relations(part).values():
            entry = self._archive.find(path) if kind.endswith("/drawing") else None
            if entry is None:
                continue
            for anchor in _ANCHOR.findall(self._archive.read(entry)):
                place = _FROM.search(anchor)
                if place and (b":pic>" in anchor or b"<pic>" in anchor or b":pic " in anchor):
                    found.add((int(place[2]) + 1, int(place[1]) + 1))
        return found


class _Reach:
    """The corners of the rectangle of filled cells, and how many these are."""

    def __init__(self) -> None:
        self._letters: set[bytes] = set()
        self._first_row = self._last_row = self._filled = 0

    def add(self, segment: bytes) -> None:
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
        columns = [_column(letters.decode()) for letters in self._letters] or [1]
        if self._last_row > _MAX_ROW or max(columns) > _MAX_COLUMN:
            raise damaged(f"工作表“{printable(sheet)}”里有表格之外的格子")
        check_range(sheet, (self._first_row or 1, min(columns)), (self._last_row, max(columns)), self._filled)


class _Frame:
    """Whether a sheet's rows and its XML come to their end; the reader of values takes much else for an empty sheet."""

    def __init__(self) -> None:
        self._row: re.Pattern[bytes] | None = None
        self._begun = self._inside = self._wrong = False
        self._end = b""

    def add(self, segment: bytes) -> None:
        """Look at the next piece, which holds whole tags."""
        if self._row is None:
            root = _ROOT.search(segment)
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
        """Raises BankError for a sheet without its end, and for rows outside the part that holds them."""
        if self._wrong or self._inside or not _SHEET_END.search(self._end):
            raise damaged(f"工作表“{printable(sheet)}”的内容不完整或写坏了")

    def _note_rows(self, row: re.Pattern[bytes], segment: bytes, start: int, end: int) -> None:
        self._wrong |= not self._inside and row.search(segment, start, end) is not None


class _Numbering:
    """Numbers for rows and cells that some programs write without any."""

    def __init__(self) -> None:
        self._row = self._column = 0
        self._counting = False
        self._before = b""

    def numbered(self, segment: bytes) -> bytes:
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
        own = _attributes(attributes).get("r")
        if name == b"row":
            self._row = int(own) if own and own.isdecimal() and len(own) < 9 else self._row + 1
            self._column = 0
            return match[0] if own else b'<%srow r="%d"%s>' % (prefix, self._row, attributes)
        place = _split_reference(own or "")
        if place is not None:
            self._column = _column(place[0])
            return match[0]
        self._column += 1
        reference = f"{column_letter(self._column - 1)}{self._row}".encode()
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
        attributes = _ATTRIBUTE.findall(tag)
        if len({word for word, _, _ in attributes}) < len(attributes):
            raise damaged("工作表里有写坏了的标记")
        numbers = [double or single for word, double, single in attributes if word == b"r"]
        form = _ROW_FORM if name == b"row" else _CELL_FORM
        if not all(map(form.match, numbers)) or _ATTRIBUTE.sub(b"", tag).strip(b" \t\r\n/"):
            raise damaged("工作表里有格子或行的编号不对")


def _note_marks(segment: bytes, marks: SheetMarks, rich: bool) -> None:
    """Only what the segment may hold is searched for: most hold nothing of the kind."""
    if b"hidden" in segment:
        for tag in _HIDDEN_ROW.findall(segment):
            row = _attributes(tag).get("r", "")
            if row.isdecimal() and len(row) < 9:
                marks.hidden_rows.add(int(row))
    if b't="e"' in segment or b"t='e'" in segment:
        for tag, text in _ERROR_CELL.findall(segment):
            words = _attributes(tag)
            place = _place(words)
            if place and rich and "vm" in words:
                marks.pictures.add(place)
            elif place:
                marks.errors[place] = html.unescape(text.decode("utf-8", "replace")).strip() or "#N/A"
    if b"<f" in segment or b":f" in segment:
        for match in _FORMULA_ONLY.finditer(segment):
            words = _attributes(match[1])
            place = _place(words)
            if place and not (words.get("t") == "str" and match["empty"]):
                marks.without_value.add(place)


def _usual_tag(tag: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Column, row and style of a tag in the usual order of attributes; quick."""
    match = _USUAL_TAG.match(tag)
    return (match[1], match[2], match[3] or b"0") if match else None


def _any_tag(tag: bytes) -> tuple[bytes, bytes, bytes]:
    words = _attributes(tag)
    place = _split_reference(words.get("r", "")) or ("", 0)
    return place[0].encode(), str(place[1]).encode(), words.get("s", "0").encode()


def _attributes(tag: bytes) -> dict[str, str]:
    return {
        name.decode("utf-8", "replace"): html.unescape((double or single).decode("utf-8", "replace"))
        for name, double, single in _ATTRIBUTE.findall(tag)
    }


def _place(words: Mapping[str, str]) -> tuple[int, int] | None:
    place = _split_reference(words.get("r", ""))
    return None if place is None else (place[1], _column(place[0]))


_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})\Z")


def _split_reference(reference: str) -> tuple[str, int] | None:
    match = _REFERENCE.match(reference)
    return (match[1].upper(), int(match[2])) if match else None


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _too_many(told: str) -> bool:
    return not told.isdecimal() or len(told) > 9 or int(told) > _MAX_STRINGS
