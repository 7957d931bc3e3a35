"""What kind of file some bytes are, and whether an archive among them is safe to unpack."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from enum import StrEnum

from xiaoan.errors import BankError
from xiaoan.question_bank.letters import place_letters

MAX_FILE_BYTES = 200 * 2**20
"""Larger files are no bank: 217,000 questions take about 40 MiB."""
MAX_CELLS = 8_000_000
"""Cells in the rectangle that holds all filled cells of a sheet: 217,000 rows of 36 columns."""
MAX_SHEETS = 500

_MAX_ENTRIES = 20_000
_MAX_UNPACKED = 2**30
_MAX_RATIO = 300
_RATIO_COUNTS_FROM = 64 * 2**20
_CHUNK = 2**20
_NAME_LENGTH = 60
_OVERLAP = 16
"""Bytes kept from chunk to chunk while looking for words, so that none hides on a border."""

_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_NEEDED = "需要 .xlsx、.xls、.et、.ods 或 .csv"

_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF 文档"),
    (b"{\\rtf", "RTF 文档"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"GIF8", "图片"),
    (b"II*\x00", "图片"),
    (b"MM\x00*", "图片"),
    (b"7z\xbc\xaf\x27\x1c", "7z 压缩包"),
    (b"Rar!", "RAR 压缩包"),
    (b"\x1f\x8b", "gzip 压缩包"),
    (b"BZh", "bzip2 压缩包"),
    (b"\xfd7zXZ", "xz 压缩包"),
    (b"SQLite format 3", "SQLite 数据库"),
    (b"\x7fELF", "程序"),
    (b"MIME-Version:", "网页（MHT）"),
)
_PAGES: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "网页（HTML）"),
    (b"<html", "网页（HTML）"),
    (b"<head", "网页（HTML）"),
    (b"<meta", "网页（HTML）"),
    (b"<body", "网页（HTML）"),
    (b"<style", "网页（HTML）"),
    (b"<div", "网页（HTML）"),
    (b"<table", "网页（HTML）"),
    (b"<svg", "图片"),
    (b"<?xml", "XML 文件"),
)
_ARCHIVES: tuple[tuple[str, str], ...] = (
    ("word/document.xml", "Word 文档"),
    ("ppt/presentation.xml", "PowerPoint 文档"),
    ("xl/workbook.bin", "二进制工作簿（.xlsb）"),
    ("OFD.xml", "OFD 文档"),
    ("Index/Document.iwa", "Numbers 文档"),
)
_OLE_STREAMS: tuple[tuple[str, str], ...] = (
    ("WordDocument", "Word 文档"),
    ("PowerPoint Document", "PowerPoint 文档"),
    ("__properties_version1.0", "Outlook 邮件"),
)


class FileKind(StrEnum):
    """The kinds of files that can hold a bank."""

    XLSX = "xlsx"
    XLS = "xls"
    ODS = "ods"
    TEXT = "text"


def file_kind(data: bytes) -> FileKind:
    """Return what the bytes are, whatever the file's name says.

    Raises BankError for 0 bytes, a protected file, a broken archive, and what is neither workbook nor text.
    """
    if not data:
        raise BankError("是空文件（0 字节）；请重新导出或下载")
    if data.startswith(_ZIP_MAGICS):
        return _archive_kind(Archive(data))
    if data.startswith(_OLE_MAGIC):
        return _ole_kind(data)
    for magic, what in _MAGICS:
        if data.startswith(magic):
            raise not_a_workbook(what)
    if data[:4] == b"RIFF" and data[8:12] in (b"WEBP", b"AVI ", b"WAVE"):
        raise not_a_workbook("图片或音像")
    if (data[:2] == b"BM" and b"\0\0" in data[:16]) or data[4:8] == b"ftyp":
        raise not_a_workbook("图片或音像")
    if data[:2] == b"MZ" and b"\0" in data[:64]:
        raise not_a_workbook("程序")
    start = data[:512].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    for magic, what in _PAGES:
        if start.startswith(magic):
            raise not_a_workbook(_page_name(what, data))
    return FileKind.TEXT


def not_a_workbook(what: str) -> BankError:
    """Return the refusal of a file that is `what` and no bank."""
    return BankError(f"不是能读的工作簿：内容是{what}；{_NEEDED}，请用表格软件另存为 .xlsx 后再试")


def damaged(why: str) -> BankError:
    """Return the refusal of a workbook that is broken."""
    return BankError(
        f"不是能读的工作簿：{why}；文件可能损坏、没有下载完整或正在保存，请重新导出，或用表格软件打开后另存为 .xlsx"
    )


def protected() -> BankError:
    """Return the refusal of a workbook with a password."""
    return BankError("有打开密码，读不了；请在表格软件里去掉密码，另存后再试")


def check_range(sheet: str, first: tuple[int, int], last: tuple[int, int], filled: int) -> None:
    """Return if the rectangle from A1 to the last filled cell can be held in memory.

    `first` and `last` are the rectangle's corners as (row, column) from 1, `filled` its cells that hold
    something. Raises BankError with the cells' names.
    """
    cells = last[0] * last[1]
    if cells <= MAX_CELLS:
        return
    raise BankError(
        f"工作表“{printable(sheet)}”的范围太大：有内容的格子只有 {filled} 个，却从 {cell_name(*first)} 一直散到"
        f" {cell_name(*last)}，共 {cells} 格（最多 {MAX_CELLS} 格）；请删除题目以外的空行、空列和远处的格子，另存后再试"
    )


def printable(name: str) -> str:
    """Return a name out of a file, fit for a message: short, and without control characters."""
    shown = "".join(character if character.isprintable() else "?" for character in name[:_NAME_LENGTH])
    return shown + ("…" if len(name) > _NAME_LENGTH else "")


def cell_name(row: int, column: int) -> str:
    """Return the name of a cell, row and column counted from 1: A1, GR1048576."""
    return f"{place_letters(column - 1)}{row}"


class Archive:
    """A ZIP archive that is unpacked piece by piece, never further than its limits allow."""

    def __init__(self, data: bytes) -> None:
        """Raises BankError for an archive that is broken, encrypted or holds more than any workbook does."""
        self._data = data
        self._unpacked: dict[str, int] = {}
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                entries = archive.infolist()
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            ValueError,
            LookupError,
            EOFError,
            struct.error,
            OSError,
        ) as error:
            raise damaged("压缩结构不完整") from error
        if len(entries) > _MAX_ENTRIES:
            raise BankError(f"压缩包里有 {len(entries)} 个文件（最多 {_MAX_ENTRIES}），不像工作簿，没有打开")
        self.entries = {entry.filename: entry for entry in entries}
        self._by_folded_name = {name.replace("\\", "/").lower(): name for name in self.entries}
        if len(self._by_folded_name) < len(entries):
            raise damaged("压缩包里有重名的文件")
        _check_size(sum(entry.file_size for entry in entries), len(data))

    def find(self, path: str) -> str | None:
        """Return the entry's own name for `path`, upper and lower case aside; None if there is none."""
        return self._by_folded_name.get(path.replace("\\", "/").removeprefix("/").lower())

    def read(self, name: str) -> bytes:
        """Return a whole entry of XML. Raises BankError as `chunks` does."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield an entry of XML in pieces of about 1 MiB.

        Raises BankError for damage, for more bytes than the limits allow, whatever sizes the headers tell, and
        for XML that declares entities or is not written in UTF-8.
        """
        tail = b""
        for chunk in self._unpack(self.entries[name]):
            if _DOCTYPE.search(tail + chunk):
                raise BankError(
                    f"{printable(name)} 里有 DOCTYPE 或实体声明，正常的工作簿没有，为安全起见没有打开"
                )
            if b"\0" in chunk:  # UTF-16, which the reader of values takes for an empty sheet
                raise damaged(f"{printable(name)} 不是 UTF-8 的 XML")
            tail = chunk[-_OVERLAP:]
            yield chunk

    def _unpack(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        size = check = 0
        for chunk in _inflated(self._packed(entry), entry):
            size += len(chunk)
            check = zlib.crc32(chunk, check)
            self._unpacked[entry.filename] = size
            _check_size(sum(self._unpacked.values()), len(self._data))
            yield chunk
        self._unpacked.setdefault(entry.filename, 0)
        if size != entry.file_size or check != entry.CRC:
            raise damaged(f"{printable(entry.filename)} 的内容与记录的大小或校验不符")

    def _packed(self, entry: zipfile.ZipInfo) -> bytes:
        if entry.flag_bits & 1:
            raise protected()
        if entry.compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
            raise damaged(f"{printable(entry.filename)} 的压缩方式不常见")
        start = entry.header_offset
        header = self._data[start : start + _LOCAL_HEADER.size]
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise damaged(f"{printable(entry.filename)} 不完整")
        *_, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        start += _LOCAL_HEADER.size + name_length + extra_length
        packed = self._data[start : start + entry.compress_size]
        if len(packed) < entry.compress_size:
            raise damaged(f"{printable(entry.filename)} 不完整")
        return packed


def _inflated(packed: bytes, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    if entry.compress_type == zipfile.ZIP_STORED:
        yield from (packed[start : start + _CHUNK] for start in range(0, len(packed), _CHUNK))
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflate.eof:
        try:
            chunk = inflate.decompress(packed, _CHUNK)
        except zlib.error as error:
            raise damaged(f"{printable(entry.filename)} 解压不了") from error
        packed = inflate.unconsumed_tail
        if not chunk and not packed:
            raise damaged(f"{printable(entry.filename)} 不完整")
        yield chunk


def _check_size(unpacked: int, packed: int) -> None:
    ratio = unpacked / max(packed, 1)
    if unpacked <= _RATIO_COUNTS_FROM or (unpacked <= _MAX_UNPACKED and ratio <= _MAX_RATIO):
        return
    raise BankError(
        f"解压后超过 {unpacked // 2**20} MiB，是文件本身的 {ratio:.0f} 倍，不像正常的工作簿，没有打开；"
        "请用表格软件打开后删去空行、图片等，另存后再试"
    )


def _archive_kind(archive: Archive) -> FileKind:
    if archive.find("EncryptedPackage"):
        raise protected()
    mimetype = archive.find("mimetype")
    if mimetype and archive.find("content.xml"):
        return _open_document_kind(archive, mimetype)
    for path, what in _ARCHIVES:
        if archive.find(path):
            raise not_a_workbook(what)
    if archive.find("xl/workbook.xml") or archive.find("_rels/.rels"):
        return FileKind.XLSX
    inside = [
        name for name in archive.entries if name.lower().endswith((".xlsx", ".xls", ".et", ".csv", ".ods"))
    ]
    if inside:
        raise not_a_workbook(f"压缩包，里面有“{printable(inside[0])}”，请先解压")
    raise not_a_workbook("压缩包")


def _open_document_kind(archive: Archive, mimetype: str) -> FileKind:
    kind = archive.read(mimetype).strip()
    if not kind.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        raise not_a_workbook("OpenDocument 文档，但不是表格")
    manifest = archive.find("META-INF/manifest.xml")
    if manifest and b"encryption-data" in archive.read(manifest):
        raise protected()
    return FileKind.ODS


def _ole_kind(data: bytes) -> FileKind:
    if _has_stream(data, "Workbook") or _has_stream(data, "Book"):
        return FileKind.XLS
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise protected()
    for stream, what in _OLE_STREAMS:
        if _has_stream(data, stream):
            raise not_a_workbook(what)
    raise damaged("里面没有工作簿")


def _has_stream(data: bytes, name: str) -> bool:
    """Whether the OLE file's directory, entries of 128 bytes that begin with their name, has this one."""
    word = name.encode("utf-16-le") + b"\0\0"
    place = data.find(word)
    while place >= 0:
        if place % 128 == 0 and data[place + 64 : place + 66] == struct.pack("<H", len(word)):
            return True
        place = data.find(word, place + 1)
    return False


def _page_name(what: str, data: bytes) -> str:
    head = data[:4096].replace(b"\0", b"")
    if b"urn:schemas-microsoft-com:office:spreadsheet" in head:
        return "XML 表格 2003"
    return "网页（HTML）" if b"<html" in head.lower() else what
