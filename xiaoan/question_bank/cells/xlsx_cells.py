"""What the XML of an .xlsx tells beyond its values: ranges, errors, hidden rows, formats, pictures."""

import html
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate

from xiaoan.question_bank.cells.file_guard import Archive, damaged, printable
from xiaoan.question_bank.cells.number_formats import BUILT_IN, GENERAL
from xiaoan.question_bank.cells.xlsx_order import Frame, Numbering, Reach
from xiaoan.question_bank.cells.xlsx_tags import PREFIX, ROOT, attributes_of, place_of, split_reference
from xiaoan.question_bank.letters import place_letters

_MAX_SEGMENT = 64 * 2**20
_MAX_STRINGS = 16_000_000
_HIDDEN_ROW = re.compile(rb"<" + PREFIX + rb"""row(?=\s)([^<>]*\shidden\s*=\s*["'](?:1|true)["'][^<>]*)>""")
_ERROR_CELL = re.compile(
    rb"<" + PREFIX + rb"""c(?=\s)([^<>]*\st\s*=\s*["']e["'][^<>]*)(?<!/)>"""
    rb"(?:(?!<" + PREFIX + rb"v[\s/>]|</" + PREFIX + rb"c>)<[^<>]*>[^<]*)*+"
    rb"(?:<" + PREFIX + rb"v(?:\s[^<>]*)?>([^<]*))?"
)
_FORMULA_ONLY = re.compile(
    rb"<" + PREFIX + rb"c(?=\s)([^<>]*)(?<!/)>\s*"
    rb"<" + PREFIX + rb"f(?:\s[^<>]*)?(?:/>|>[^<]*</" + PREFIX + rb"f>)\s*"
    rb"(?P<empty><" + PREFIX + rb"v(?:\s*/>|(?:\s[^<>]*)?>\s*</" + PREFIX + rb"v>)\s*)?</" + PREFIX + rb"c>"
)
_NUMBER_CELL = re.compile(
    rb"<" + PREFIX + rb"""c(?=\s)(?![^<>]*\st\s*=\s*["'](?!n["']))([^<>]*)(?<!/)>\s*"""
    rb"(?:<" + PREFIX + rb"f(?:\s[^<>]*)?(?:/>|>[^<]*</" + PREFIX + rb"f>)\s*)?"
    rb"<" + PREFIX + rb"v(?:\s[^<>]*)?>([^<]*)</"
)
_USUAL_TAG = re.compile(rb' r="([A-Z]{1,3})([0-9]{1,7})"(?: s="([0-9]+)")?(?: t="n")?\s*\Z')
_SST = re.compile(rb"<" + PREFIX + rb"sst(?=\s)([^<>]*)>")
_XF = re.compile(rb"<" + PREFIX + rb"xf(?=[\s/>])([^<>]*)>")
_CELL_XFS = re.compile(rb"<" + PREFIX + rb"cellXfs(?:\s[^<>]*)?>(.*?)</" + PREFIX + rb"cellXfs>", re.DOTALL)
_NUMBER_FORMAT = re.compile(rb"<" + PREFIX + rb"numFmt(?=\s)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_SHEET = re.compile(rb"<" + PREFIX + rb"sheet(?=\s)([^<>]*)>")
_PROPERTIES = re.compile(rb"<" + PREFIX + rb"workbookPr(?=\s)([^<>]*)>")
_RELATION = re.compile(rb"<" + PREFIX + rb"Relationship(?=\s)([^<>]*)>")
_ANCHOR_NAME = PREFIX + rb"(?:twoCellAnchor|oneCellAnchor)"
_ANCHOR = re.compile(rb"<" + _ANCHOR_NAME + rb"(?=[\s>])(.*?)</" + _ANCHOR_NAME + rb">", re.DOTALL)
_FROM = re.compile(
    rb"<"
    + PREFIX
    + rb"from>.*?<"
    + PREFIX
    + rb"col>\s*(\d{1,6})\s*<.*?<"
    + PREFIX
    + rb"row>\s*(\d{1,8})\s*<",
    re.DOTALL,
)
# Here and nowhere else, as with the strings and styles, the reader of values looks.
_WORKBOOK = "xl/workbook.xml"
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
        flags = attributes_of(properties[1]) if properties else {}
        self.epoch_1904 = flags.get("date1904", "0") in ("1", "true")
        relations = self._relations(_WORKBOOK)
        self._sheets: dict[str, str] = {}
        for words in map(attributes_of, _SHEET.findall(workbook)):
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
        reach = Reach()
        frame = Frame()
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
        wanted = {place_letters(column).encode(): column + 1 for column in columns}
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
        for words in map(attributes_of, _RELATION.findall(self._archive.read(entry))):
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
                words = attributes_of(tag)
                told = max(words.get(name, "0") for name in ("count", "uniqueCount"))
                if any(_too_many(words.get(name, "0")) for name in ("count", "uniqueCount")):
                    raise damaged(f"共享文字表自称有 {printable(told)} 条")
            tail = chunk[-1024:]

    def _segments(self, part: str) -> Iterator[bytes]:
        """The sheet's XML in pieces that each hold whole rows, every row and cell with its number."""
        rest = b""
        row_start = None
        numbering = Numbering()
        for chunk in self._archive.chunks(part):
            rest += chunk
            if row_start is None:
                root = ROOT.search(rest)
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
        for words in map(attributes_of, _NUMBER_FORMAT.findall(styles)):
            number = words.get("numFmtId", "")
            if number.isdecimal() and len(number) < 7:
                codes[int(number)] = words.get("formatCode", "")
        section = _CELL_XFS.search(styles)
        numbers = (
            [attributes_of(tag).get("numFmtId", "0") for tag in _XF.findall(section[1])] if section else []
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


def _note_marks(segment: bytes, marks: SheetMarks, rich: bool) -> None:
    """Only what the segment may hold is searched for: most hold nothing of the kind."""
    if b"hidden" in segment:
        for tag in _HIDDEN_ROW.findall(segment):
            row = attributes_of(tag).get("r", "")
            if row.isdecimal() and len(row) < 9:
                marks.hidden_rows.add(int(row))
    if b't="e"' in segment or b"t='e'" in segment:
        for tag, text in _ERROR_CELL.findall(segment):
            words = attributes_of(tag)
            place = place_of(words)
            if place and rich and "vm" in words:
                marks.pictures.add(place)
            elif place:
                marks.errors[place] = html.unescape(text.decode("utf-8", "replace")).strip() or "#N/A"
    if b"<f" in segment or b":f" in segment:
        for match in _FORMULA_ONLY.finditer(segment):
            words = attributes_of(match[1])
            place = place_of(words)
            if place and not (words.get("t") == "str" and match["empty"]):
                marks.without_value.add(place)


def _usual_tag(tag: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Column, row and style of a tag in the usual order of attributes; quick."""
    match = _USUAL_TAG.match(tag)
    return (match[1], match[2], match[3] or b"0") if match else None


def _any_tag(tag: bytes) -> tuple[bytes, bytes, bytes]:
    words = attributes_of(tag)
    place = split_reference(words.get("r", "")) or ("", 0)
    return place[0].encode(), str(place[1]).encode(), words.get("s", "0").encode()


def _too_many(told: str) -> bool:
    return not told.isdecimal() or len(told) > 9 or int(told) > _MAX_STRINGS
