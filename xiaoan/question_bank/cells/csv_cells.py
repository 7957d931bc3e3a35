"""A text file of separated values as a sheet: its character set, its separator, its fields."""

import codecs
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from xiaoan.errors import BankError
from xiaoan.question_bank.cells.file_guard import MAX_CELLS, not_a_workbook
from xiaoan.question_bank.cells.sheets import Sheet

SHEET_NAME = "CSV"

_SEPARATORS = ",\t;"
_SAMPLE_ROWS = 200
_TABLE_SHARE = 0.6
"""The share of rows with more than one field from which a text counts as a table."""
_EVEN_SHARE = 0.25
"""The share of rows that have the commonest number of fields; unquoted commas in stems make rows uneven."""
_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
FORMULA_STARTS = ("=", "+", "-", "@")
"""What a spreadsheet program takes for the start of a formula; a ' in front keeps it text."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_GARBAGE_SHARE = 0.02
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_USUAL = re.compile("[\t\r\n -~\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_USUAL_SHARE = 0.8
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])\Z", re.IGNORECASE)


def read_csv(data: bytes) -> Sheet:
    """Return the text file as one sheet; all its cells are texts, as they stand there.

    Raises BankError for bytes that are no text in UTF-8, GB18030 or UTF-16, and for a text that is no table.
    """
    text = decode_text(data)
    separator = _separator(text)
    if text.count(separator) + text.count("\n") > MAX_CELLS:
        raise BankError(f"有 {len(text)} 个字符，超过 {MAX_CELLS} 格，太大了；请拆成几个文件后再试")
    rows = _rows(text, separator)
    width = max((len(row) for row in rows), default=0)
    if width * len(rows) > MAX_CELLS:
        raise BankError(
            f"有 {len(rows)} 行，最宽的一行有 {width} 格，太大了；请检查引号是否成对，或删去空行空列"
        )
    for row in rows:
        row.extend([""] * (width - len(row)))
    return Sheet(SHEET_NAME, rows)


def decode_text(data: bytes) -> str:
    """Return the text of a file in UTF-8, GB18030 or UTF-16, its byte order mark taken off.

    Raises BankError with the line where a text breaks off or is broken, or for bytes that are no text.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding)
    if b"\0" in data:
        wide = _wide_encoding(data)
        if wide is not None:
            return _decoded(data, wide)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _is_broken_utf8(data, error):
            raise _broken(data[: error.start], "utf-8") from error
        text = _decoded(data, "gb18030")
    if len(_CONTROLS.findall(text)) > _GARBAGE_SHARE * len(text) + 2:
        raise not_a_workbook("认不出的二进制数据")
    return text


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        sound = data[: error.start].decode(encoding)
        chinese = len(_CHINESE.findall(sound))
        if encoding == "gb18030" and (
            chinese < 4 or len(_CONTROLS.findall(sound)) > _GARBAGE_SHARE * len(sound)
        ):
            raise not_a_workbook("认不出的二进制数据") from error
        raise _broken(data[: error.start], encoding) from error


def _broken(sound: bytes, encoding: str) -> BankError:
    line = len(_LINE_END.findall(sound.decode(encoding, "replace"))) + 1
    return BankError(
        f"不是能读的工作簿：文本第 {line} 行有坏字节（按 {encoding.upper()} 读），文件可能被截断；"
        "请重新导出为 UTF-8 的 .csv 或 .xlsx"
    )


def _is_broken_utf8(data: bytes, error: UnicodeDecodeError) -> bool:
    """Whether it is UTF-8 all the same: cut off within a character, or nearly all its characters are sound."""
    if error.start >= len(data) - 3 and error.start > 0 and "unexpected end" in error.reason:
        return any(byte >= 0x80 for byte in data[: error.start])
    text = data.decode("utf-8", "replace")
    return len(_CHINESE.findall(text)) > 20 * text.count("\ufffd")


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without a mark: the zeros of its separators and digits stand at every other byte only.

    Chinese text in UTF-16 is no valid UTF-8, and Latin text in it is half zeros; a valid text with fewer of
    them is one with stray zeros. What makes no sense as UTF-16 is another text, damaged by zeros.
    """
    if data.count(0) < len(data) // 4 and _is_utf8(data):
        return None
    even, odd = data[0::2].count(0), data[1::2].count(0)
    for zeros, others, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros > 20 * others and zeros >= len(data) // 200 and _makes_sense(data, encoding):
            return encoding
    return None


def _makes_sense(data: bytes, encoding: str) -> bool:
    text = data.decode(encoding, "replace")
    return len(_USUAL.findall(text)) > _USUAL_SHARE * len(text)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _separator(text: str) -> str:
    """The separator that splits most rows evenly. Raises BankError where none makes a table of the text."""
    told = _SEPARATOR_LINE.match(_LINE_END.split(text, maxsplit=1)[0])
    if told:
        return told[1]
    best, most = "", 0.0
    for separator in _SEPARATORS:
        counts = [len(row) for row in islice(_sample(text, separator), _SAMPLE_ROWS)]
        split = [count for count in counts if count > 1]
        if not split or len(split) < _TABLE_SHARE * len(counts):
            continue
        even = Counter(split).most_common(1)[0][1] / len(counts)
        if even >= _EVEN_SHARE and even > most:
            best, most = separator, even
    if not best:
        raise BankError(
            "不是能读的工作簿：内容是文本，但不是用逗号、制表符或分号分隔的表格；"
            "请用表格软件打开，每列一项，另存为 .xlsx 后再试"
        )
    return best


def _sample(text: str, separator: str) -> Sequence[list[str]]:
    end = min(len(text), _SAMPLE_ROWS * 4_000)
    return [row for row in _rows(text[:end], separator) if any(cell.strip() for cell in row)]


def _rows(text: str, separator: str) -> list[list[str]]:
    """All records; a quoted field may hold separators and line ends.

    A quote that does not close right before a separator or line end is part of the text: stems such as
    `"五防"功能` are written without care for quoting.
    """
    if '"' not in text:
        lines = _LINE_END.split(text)
        rows = [line.split(separator) for line in lines[:-1]]
        if lines[-1]:
            rows.append(lines[-1].split(separator))
    else:
        rows = _quoted_rows(text, separator)
    return [[_unprotected(cell) for cell in row] for row in rows]


def _quoted_rows(text: str, separator: str) -> list[list[str]]:
    mark = re.escape(separator)
    field = re.compile(
        rf'(?:"(?P<quoted>(?:[^"]++|"")*+)"(?=[{mark}\r\n]|\Z)|(?P<plain>[^{mark}\r\n]*+))'
        rf"(?P<end>[{mark}]|\r\n|\r|\n|\Z)"
    )
    rows: list[list[str]] = []
    row: list[str] = []
    place, size = 0, len(text)
    while place < size:
        match = field.match(text, place)
        assert match is not None  # the plain form matches anywhere
        quoted, end = match["quoted"], match["end"]
        row.append(match["plain"] if quoted is None else _LINE_END.sub("\n", quoted.replace('""', '"')))
        place = match.end()
        if end == separator:
            if place == size:
                row.append("")
            else:
                continue
        rows.append(row)
        row = []
    return rows


def _unprotected(cell: str) -> str:
    """Without the apostrophe that keeps `=…` a text in spreadsheet programs."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell
