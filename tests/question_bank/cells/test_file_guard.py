import io
import struct
import zipfile
import zlib

import pytest

from tests.question_bank.workbooks import archive, ods, ods_cell, ods_table, text_cell, worksheet, xlsx
from xiaoan.errors import BankError
from xiaoan.question_bank.cells.file_guard import (
    MAX_CELLS,
    Archive,
    FileKind,
    cell_name,
    check_range,
    file_kind,
)
from xiaoan.question_bank.cells.workbook_cells import read_sheets

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NO_WORKBOOK = "不是能读的工作簿"


def read(data: bytes) -> list[list[str]]:
    return read_sheets(data, needs_formats=lambda _: frozenset())[0].rows


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 字节"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "图片"),
        (b"\xff\xd8\xff\xe0", "图片"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>", "HTML"),
        ("<table><tr><td>题干</td></tr></table>".encode(), "HTML"),
        ("<html>".encode("utf-16"), "HTML"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
            "XML 表格 2003",
        ),
        (archive({"word/document.xml": "", "_rels/.rels": ""}), "Word"),
        (archive({"ppt/presentation.xml": "", "_rels/.rels": ""}), "PowerPoint"),
        (archive({"题库.xlsx": b"", "说明.txt": b""}), "请先解压"),
        (archive({"a.txt": b"x"}), "压缩包"),
        (archive({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}), "不是表格"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "打开密码"),
        (OLE + bytes(600), "里面没有工作簿"),
        (b"PK\x03\x04" + bytes(100), "压缩结构不完整"),
    ],
)
def test_what_is_no_workbook_is_named(data: bytes, words: str) -> None:
    with pytest.raises(BankError, match=words) as caught:
        file_kind(data)
    assert NO_WORKBOOK in str(caught.value) or words in ("0 字节", "打开密码")


def test_bytes_are_told_apart() -> None:
    assert file_kind(xlsx(worksheet(""))) is FileKind.XLSX
    assert file_kind(ods(ods_table(""))) is FileKind.ODS
    assert file_kind("题干,答案\n".encode("gbk")) is FileKind.TEXT
    directory = (
        OLE.ljust(512, b"\0") + "Workbook".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<H", 18)
    )
    assert file_kind(directory.ljust(1024, b"\0")) is FileKind.XLS


def test_a_truncated_workbook_is_said_to_be_incomplete() -> None:
    whole = xlsx(worksheet(f'<row r="1">{text_cell("A1", "题干")}</row>'))
    for size in (4, 30, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        with pytest.raises(BankError, match=NO_WORKBOOK):
            read(whole[:size])


def test_a_small_workbook_with_far_apart_cells_is_refused_with_their_names() -> None:
    data = xlsx(
        worksheet(
            f'<row r="1">{text_cell("A1", "x")}</row><row r="1048576">{text_cell("GR1048576", "y")}</row>'
        )
    )
    assert len(data) < 5_000
    with pytest.raises(BankError, match=r"A1 一直散到 GR1048576.*删除") as caught:
        read(data)
    assert "“题库”" in str(caught.value)


@pytest.mark.parametrize("prefix", ["", "x:"])
@pytest.mark.parametrize("cell", ['<c r="GR1048576"><v>1</v></c>', "<c s='1' r='GR1048576'><v>1</v></c>"])
def test_far_cells_are_found_however_they_are_written(prefix: str, cell: str) -> None:
    filler = '<row r="2"><c r="A2"/></row>' * 40_000  # the cells stand in different pieces of the stream
    sheet = worksheet(f'<row r="1">{text_cell("A1", "x")}</row>{filler}<row r="1048576">{cell}</row>')
    if prefix:
        sheet = (
            sheet.replace("<", f"<{prefix}")
            .replace(f"<{prefix}/", f"</{prefix}")
            .replace("xmlns=", "xmlns:x=")
        )
    with pytest.raises(BankError, match="GR1048576"):
        read(xlsx(sheet))


def test_far_cells_without_numbers_are_counted() -> None:
    rows = (
        "<row><c><v>1</v></c>"
        + "<c/>" * 199
        + "<c><v>1</v></c></row>"
        + "<row/>" * 100_000
        + "<row><c><v>1</v></c></row>"
    )
    with pytest.raises(BankError, match="A1 一直散到 GS100002"):
        read(xlsx(worksheet(rows)))


def test_empty_styled_cells_far_away_do_no_harm() -> None:
    far = '<row r="1048576"><c r="XFD1048576" s="1"/><c r="XFC1048576"></c></row>'
    assert read(xlsx(worksheet(f'<row r="1">{text_cell("A1", "x")}</row>{far}'))) == [["x"]]


def test_the_largest_bank_is_within_the_range() -> None:
    check_range("题库", (1, 1), (217_000, 13), 217_000 * 13)
    with pytest.raises(BankError, match=f"最多 {MAX_CELLS} 格"):
        check_range("题库", (1, 1), (1_048_576, 200), 2)
    assert [cell_name(1, 1), cell_name(1_048_576, 200), cell_name(3, 16_384)] == ["A1", "GR1048576", "XFD3"]


def bomb(size: int, *, told: int | None = None) -> bytes:
    """A workbook whose sheet unpacks to `size` MiB of blanks, with a header that may lie about it."""
    data = bytearray(xlsx(worksheet("", after=" " * size * 2**20)))
    if told is not None:
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as opened:
            entry = opened.getinfo("xl/worksheets/sheet1.xml")
        check = struct.pack("<L", zlib.crc32(b""))
        for place in (entry.header_offset + 14, data.rindex(b"xl/worksheets/sheet1.xml") - 46 + 16):
            data[place : place + 4] = check
            data[place + 8 : place + 12] = struct.pack("<L", told)
    return bytes(data)


def test_an_archive_that_unpacks_to_far_more_than_it_weighs_is_refused() -> None:
    with pytest.raises(BankError, match="解压后超过"):
        read(bomb(70))


def test_a_header_that_tells_a_small_size_does_not_help_a_bomb() -> None:
    with pytest.raises(BankError, match="解压后超过"):
        read(bomb(70, told=0))
    with pytest.raises(BankError, match="大小或校验不符"):
        read(bomb(1, told=100))


def test_too_many_entries_double_names_and_locked_entries_are_refused() -> None:
    with pytest.raises(BankError, match="20001 个文件"):
        Archive(archive({str(number): b"" for number in range(20_001)}))
    with pytest.raises(BankError, match="重名"):
        Archive(archive({"xl/workbook.xml": b"", "XL/Workbook.xml": b""}))
    data = bytearray(archive({"a.xml": b"<a/>"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BankError, match="打开密码"):
        Archive(bytes(data)).read("a.xml")


def test_entities_are_refused_even_on_a_chunks_border() -> None:
    for filler in (0, 2**20 - 5, 2**20):
        sheet = " " * filler + '<!DOCTYPE w [<!ENTITY a "aa">]>' + worksheet("")
        with pytest.raises(BankError, match="DOCTYPE"):
            read(xlsx(sheet))


# python-calamine takes the last of two numbers and lets large ones overflow, then sets memory aside for the range.
@pytest.mark.parametrize(
    "cell",
    [
        '<c r="A2"r="GR1048576"><v>1</v></c>',
        '<c r="A2" r="GR1048576"><v>1</v></c>',
        '<c r="A1999999999999999999994"><v>1</v></c>',
        '<c r="A2" x=">" r="GR1048576"><v>1</v></c>',
        '<c r="A2" x="<row " r="GR1048576"><v>1</v></c>',
    ],
)
def test_a_cell_whose_place_can_be_read_in_two_ways_is_refused(cell: str) -> None:
    sheet = worksheet(f'<row r="1">{text_cell("A1", "x")}</row><row r="2">{cell}</row>')
    with pytest.raises(BankError, match=r"编号不对|不完整的标记|写坏了的标记"):
        read(xlsx(sheet))


def test_sheets_that_could_be_taken_for_each_other_are_refused() -> None:
    names = (
        'xmlns:r="r"><sheets><sheet name="S" r:id="rId1"/><sheet name="S" r:id="rId2"/></sheets></workbook>'
    )
    with pytest.raises(BankError, match="两张叫“S”的工作表"):
        read(xlsx(worksheet(""), more={"xl/workbook.xml": f"<workbook {names}"}))
    with pytest.raises(BankError, match="不是 UTF-8"):
        read(xlsx(f'<?xml version="1.0" encoding="UTF-16"?>{worksheet("")}'.encode("utf-16")))


@pytest.mark.parametrize(
    "counts", ['count="1" uniqueCount="4294967295"', 'count="4294967295"', 'uniqueCount="-1"']
)
def test_a_table_of_strings_that_claims_to_be_huge_is_refused(counts: str) -> None:
    # python-calamine sets aside memory for uniqueCount strings and aborts the process where there is too little.
    with pytest.raises(BankError, match="共享文字表自称"):
        read(xlsx(worksheet(""), strings=f"<sst {counts}><si><t>a</t></si></sst>"))


@pytest.mark.parametrize(
    "row",
    [
        '<table:table-row table:number-rows-repeated="1048576">{}</table:table-row>',
        "<table:table-row>{}</table:table-row>" * 600,
    ],
)
def test_an_ods_that_repeats_filled_cells_without_end_is_refused(row: str) -> None:
    cell = (
        '<table:table-cell table:number-columns-repeated="16384" office:value-type="string"><text:p>x</text:p>'
        "</table:table-cell>"
    )
    with pytest.raises(BankError, match="散到 XFD"):
        read(ods(ods_table(row.replace("{}", cell))))


REPEATED = ods_cell("应验电")
WIDE = REPEATED.replace(" ", ' table:number-columns-repeated="{}" ', 1)
SPACES = '<table:table-cell office:value-type="string"><text:p>验<text:s text:c="{}"/>电</text:p></table:table-cell>'


@pytest.mark.parametrize("count", ["2000000000", "20000000", "-5", "0", "", "三"])
@pytest.mark.parametrize(
    "row",
    [
        f'<table:table-row table:number-rows-repeated="{{}}">{REPEATED}</table:table-row>',
        f"<table:table-row>{WIDE}</table:table-row>",
        f"<table:table-row>{SPACES}</table:table-row>",
    ],
)
def test_an_ods_with_counts_that_cannot_be_is_refused_and_not_read_otherwise(row: str, count: str) -> None:
    data = ods(ods_table(f"<table:table-row>{REPEATED}</table:table-row>{row.format(count)}"))
    with pytest.raises(BankError, match=f"工作表“题库”第 2 行的重复次数“{count}”不对"):
        read(data)


def test_rows_with_content_may_be_repeated_only_so_often() -> None:
    row = '<table:table-row table:number-rows-repeated="{}">{}</table:table-row>'
    assert (
        len(read(ods(ods_table(row.format(10_001, REPEATED) + row.format(1_000_000, "<table:table-cell/>")))))
        == 10_001
    )
    for rows in (row.format(1, REPEATED) + row.format(10_002, REPEATED), row.format(5_000, REPEATED) * 3):
        with pytest.raises(BankError, match=r"“题库”第 (?:2|10001) 行起，有内容的行照样重复.*最多 10000 次"):
            read(ods(ods_table(rows)))


def test_an_ods_with_entities_is_refused() -> None:
    data = archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        }
    )
    with pytest.raises(BankError, match="DOCTYPE"):
        read(data)
