import datetime
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.question_bank.workbooks import (
    ods,
    ods_cell,
    ods_table,
    relations,
    text_cell,
    worksheet,
    write_csv,
    write_ods,
    write_sheets,
    write_xls,
    write_xlsx,
    xlsx,
)
from xiaoan.errors import BankError
from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind, Sheet
from xiaoan.question_bank.cells.workbook_cells import read_sheets

ROWS = [["题干", "选项", "答案"], ["先（ ），后接地。", "A-停电|B-验电", "B"], ["间距为（ ）m", "", "NA"]]


def every_column(sheet: Sheet) -> frozenset[int]:
    return frozenset(range(len(sheet.rows[0]) if sheet.rows else 0))


def no_column(sheet: Sheet) -> frozenset[int]:
    return frozenset()


def one_sheet(data: bytes, needs: Callable[[Sheet], frozenset[int]] = every_column) -> Sheet:
    (sheet,) = read_sheets(data, needs_formats=needs)
    return sheet


def cells(rows: str, **more: object) -> Sheet:
    return one_sheet(xlsx(worksheet(rows), **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "write",
    [
        write_xlsx,
        write_xls,
        write_ods,
        write_csv,
        lambda path, rows: write_csv(path, rows, encoding="gb18030"),
        lambda path, rows: write_csv(path, rows, encoding="utf-8-sig", separator="\t"),
    ],
)
def test_the_bytes_tell_the_kind_of_file_and_not_its_name(
    tmp_path: Path, write: Callable[[Path, list[list[str]]], Path]
) -> None:
    path = write(tmp_path / "题库.et", ROWS)
    assert one_sheet(path.read_bytes()).rows == ROWS


def test_sheets_keep_their_order_and_hidden_ones_are_read(tmp_path: Path) -> None:
    path = write_sheets(
        tmp_path / "a.xlsx", {"单选": ROWS, "旧题": ROWS[:1], "空": []}, hidden_sheets=["旧题"]
    )
    sheets = read_sheets(path.read_bytes(), needs_formats=no_column)
    assert [(sheet.name, sheet.hidden, len(sheet.rows)) for sheet in sheets] == [
        ("单选", False, 3),
        ("旧题", True, 1),
        ("空", False, 0),
    ]


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_numbers_and_dates_are_read_as_they_were_shown(tmp_path: Path, kind: str) -> None:
    day = datetime.datetime(2009, 5, 1)
    row = [0.75, 0.1607, day, 1234.5, 3, 0.1 + 0.2, 0.5, True]
    codes = ["0%", "0.00%", 'yyyy"年"m"月"d"日"', "#,##0.00", '0"米"', "General", "# ?/?", "General"]
    if kind == "xlsx":
        named = {f"{chr(65 + place)}1": code for place, code in enumerate(codes)}
        path = write_xlsx(tmp_path / "a.xlsx", [row], formats=named)
    else:
        path = write_xls(tmp_path / "a.xls", [row], formats={(1, n): code for n, code in enumerate(codes, 1)})
    sheet = one_sheet(path.read_bytes())
    assert sheet.rows == [["75%", "16.07%", "2009年5月1日", "1,234.50", "3米", "0.3", "0.5", "TRUE"]]
    assert sheet.remarks[1, 1] == Remark(RemarkKind.NUMBER_AS_SHOWN, "0.75")
    assert sheet.remarks[1, 3] == Remark(RemarkKind.DATE, "2009-05-01")
    assert sheet.remarks[1, 7] == Remark(RemarkKind.UNKNOWN_FORMAT, "# ?/?")
    assert set(sheet.remarks) == {(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 7)}


def test_columns_that_need_no_formats_keep_stored_values(tmp_path: Path) -> None:
    row = [0.75, datetime.datetime(2009, 5, 1), 40.0]
    path = write_xlsx(tmp_path / "a.xlsx", [row], formats={"A1": "0%"})
    sheet = one_sheet(path.read_bytes(), no_column)
    assert sheet.rows == [["0.75", "2009-05-01", "40"]]
    assert sheet.remarks == {(1, 2): Remark(RemarkKind.DATE, "2009-05-01")}
    assert one_sheet(path.read_bytes(), lambda _: frozenset({0})).rows == [["75%", "2009-05-01", "40"]]


def test_a_workbook_may_count_its_days_from_1904() -> None:
    row = '<row r="1"><c r="A1" s="1"><v>1000</v></c></row>'
    for flag, day in (("1", "1906-09-27"), ("0", "1902-09-26")):
        sheet = cells(row, formats=["yyyy-mm-dd"], workbook=f'<workbookPr date1904="{flag}"/>')
        assert sheet.rows == [[day]]


def test_texts_that_look_like_nothing_stay_texts() -> None:
    words = ["NA", "null", "None", "#N/A", "nan", "0.50", "=1+1", " 有空格 "]
    row = "".join(text_cell(f"{chr(65 + place)}1", word) for place, word in enumerate(words))
    sheet = cells(f'<row r="1">{row}</row>')
    assert sheet.rows == [words]
    assert sheet.remarks == {}


def test_errors_and_formulas_without_a_stored_value_are_remarked() -> None:
    sheet = cells(
        '<row r="1"><c r="A1" t="e"><f>VLOOKUP(1,B:C,2)</f><v>#N/A</v></c><c r="B1"><f>ROW()-1</f></c>'
        '<c r="C1"><f>1+1</f><v/></c><c r="D1"><f>1+1</f><v>2</v></c>'
        '<c r="E1" t="str"><f>""</f><v></v></c><c r="F1" t="e"><v>#REF!</v></c></row>'
    )
    assert sheet.rows == [["#N/A", "", "", "2", "", "#REF!"]]
    kinds = {place[1]: remark.kind for place, remark in sheet.remarks.items()}
    no_value, error = RemarkKind.NO_VALUE, RemarkKind.ERROR
    assert kinds == {1: error, 2: no_value, 3: no_value, 6: error}


def test_a_formula_without_value_beyond_the_last_value_is_a_cell_all_the_same() -> None:
    sheet = cells(f'<row r="1">{text_cell("A1", "题干")}</row><row r="3"><c r="B3"><f>A1</f></c></row>')
    assert sheet.rows == [["题干", ""], ["", ""], ["", ""]]
    assert sheet.remarks == {(3, 2): Remark(RemarkKind.NO_VALUE)}


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_hidden_rows_are_read_and_known(tmp_path: Path, kind: str) -> None:
    write = write_xlsx if kind == "xlsx" else write_xls
    sheet = one_sheet(write(tmp_path / "a", ROWS, hidden_rows=[2, 3]).read_bytes())
    assert sheet.rows == ROWS
    assert sheet.hidden_rows == {2, 3}


def test_merged_cells_are_known(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [["说明：红色为删除", None, None], *ROWS], merged=["A1:C1"])
    assert one_sheet(path.read_bytes()).merged == (MergedRange(1, 1, 1, 3),)


def test_a_declared_range_far_larger_than_the_data_does_no_harm() -> None:
    sheet = worksheet(
        f'<row r="1">{text_cell("A1", "题干")}</row>', before='<dimension ref="A1:XFD1048576"/>'
    )
    assert one_sheet(xlsx(sheet)).rows == [["题干"]]


def test_rows_and_cells_without_numbers_are_counted() -> None:
    sheet = cells(
        '<row><c t="inlineStr"><is><t>a</t></is></c><c/><c t="e"><v>#N/A</v></c></row>'
        '<row hidden="1"/><row><c s="1"><v>0.5</v></c></row>',
        formats=["0%"],
    )
    assert sheet.rows == [["a", "", "#N/A"], ["", "", ""], ["50%", "", ""]]
    assert sheet.hidden_rows == {2}
    assert sheet.remarks[1, 3].kind is RemarkKind.ERROR


def test_a_sheet_may_be_written_with_prefixes_and_single_quotes() -> None:
    plain = worksheet(f'<row r="1" hidden="1">{text_cell("A1", "题")}<c s="1" r="B1"><v>0.5</v></c></row>')
    odd = plain.replace("<", "<x:").replace("<x:/", "</x:").replace("xmlns=", "xmlns:x=").replace('"', "'")
    sheet = one_sheet(xlsx(odd, formats=["0%"]))
    assert (sheet.rows, sheet.hidden_rows) == ([["题", "50%"]], frozenset({1}))


def test_line_ends_escapes_and_control_characters_pass_as_they_are() -> None:
    strings = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>A_x000D_\nB</t></si></sst>'
    row = f'<row r="1"><c r="A1" t="s"><v>0</v></c>{text_cell("B1", chr(0x202E) + "x")}<c r="C1" t="str"><v>&#27;[31m</v></c></row>'
    assert cells(row, strings=strings).rows == [["A\nB", "\u202ex", "\x1b[31m"]]


def test_cells_of_the_greatest_length_are_whole() -> None:
    long = "安" * 32_767
    assert cells(f'<row r="1">{text_cell("A1", long)}</row>').rows == [[long]]


def test_pictures_on_cells_are_remarked_whether_drawn_or_by_formula() -> None:
    anchor = (
        "<xdr:twoCellAnchor><xdr:from><xdr:col>1</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>0</xdr:row></xdr:from>"
        "<xdr:pic><xdr:nvPicPr/></xdr:pic></xdr:twoCellAnchor>"
    )
    more = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(("drawing", "../drawings/drawing1.xml")),
        "xl/drawings/drawing1.xml": f"<xdr:wsDr>{anchor}</xdr:wsDr>",
    }
    formula = '<c r="C1" t="str"><f>_xlfn.DISPIMG("ID_1",1)</f><v>=DISPIMG("ID_1",1)</v></c>'
    sheet = cells(f'<row r="1">{text_cell("A1", "题")}{formula}</row>', more=more)
    assert sheet.rows == [["题", "", ""]]
    assert {place for place, remark in sheet.remarks.items() if remark.kind is RemarkKind.PICTURE} == {
        (1, 2),
        (1, 3),
    }


def test_external_links_are_not_followed() -> None:
    more = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(
            ("drawing", "file:///etc/passwd"), ("x", "http://a/b")
        )
    }
    row = '<row r="1"><c r="A1"><f>[1]Sheet1!A1</f><v>4</v></c><c r="B1" t="str"><f>WEBSERVICE("http://a")</f><v>x</v></c></row>'
    assert cells(row, more=more).rows == [["4", "x"]]


def test_an_ods_gives_shown_texts_repeats_spaces_and_hidden_rows() -> None:
    table = ods_table(
        f'<table:table-row>{ods_cell(0.75, "75%")}<table:table-cell table:number-columns-repeated="2" '
        'office:value-type="string"><text:p>甲<text:s text:c="2"/>乙<text:line-break/>丙</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="16381"/></table:table-row>'
        f'<table:table-row table:visibility="filter" table:number-rows-repeated="2">{ods_cell("x")}</table:table-row>'
        '<table:table-row table:number-rows-repeated="1048573"><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row>"
    )
    sheet = one_sheet(ods(table))
    assert sheet.rows == [["75%", "甲  乙\n丙", "甲  乙\n丙"], ["x", "", ""], ["x", "", ""]]
    assert sheet.hidden_rows == {2, 3}
    assert sheet.remarks == {(1, 1): Remark(RemarkKind.NUMBER_AS_SHOWN, "0.75")}
    assert one_sheet(ods(table), no_column).rows[0][0] == "0.75"


def test_an_ods_tells_dates_errors_spans_and_hidden_sheets() -> None:
    row = (
        '<table:table-cell office:value-type="date" office:date-value="2009-05-01"><text:p>2009年5月1日</text:p></table:table-cell>'
        '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
        'calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
        '<table:table-cell table:formula="of:=[.A1]"/>'
        '<table:table-cell table:number-columns-spanned="2"><office:annotation><text:p>批注</text:p></office:annotation>'
        "<text:p>合</text:p></table:table-cell><table:covered-table-cell/>"
    )
    style = '<style:style style:name="ta1"><style:table-properties table:display="false"/></style:style>'
    sheet = one_sheet(ods(ods_table(f"<table:table-row>{row}</table:table-row>", style="ta1"), styles=style))
    assert sheet.rows == [["2009年5月1日", "#DIV/0!", "", "合"]]
    assert [sheet.remarks[1, column].kind.value for column in (1, 2, 3)] == ["date", "error", "no-value"]
    assert (sheet.hidden, sheet.merged) == (True, (MergedRange(1, 4, 1, 5),))


def test_broken_styles_cost_the_formats_and_not_the_values() -> None:
    row = '<row r="1"><c r="A1" s="7"><v>0.75</v></c><c r="B1" s="-1"><v>2</v></c></row>'
    assert cells(row, formats=["0%"]).rows == [["0.75", "2"]]


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ('<row r="1"><c r="A1" t="s"><v>99</v></c></row>', "不是能读的工作簿"),
        ('<row r="1"><c r="A0"><v>1</v></c></row>', "不是能读的工作簿"),
        ('<row r="1"><c r="A1"><v>1</v></c></row', "不是能读的工作簿"),
    ],
)
def test_a_broken_sheet_is_refused_and_not_half_read(rows: str, word: str) -> None:
    with pytest.raises(BankError, match=word):
        cells(rows)


@pytest.mark.parametrize(
    "sheet",
    [
        "<a>" * 50_000,
        worksheet(f'<row r="1">{text_cell("A1", "题干")}</row>').removesuffix("</worksheet>"),
        worksheet(f'<row r="1">{text_cell("A1", "题干")}</row>').replace("<sheetData>", "<sheetDate>"),
        worksheet(f'</sheetData><row r="1">{text_cell("A1", "题干")}</row><sheetData>'),
        worksheet(f'</sheetData><sheetData><row r="1">{text_cell("A1", "题干")}</row>'),
        worksheet("").replace("</sheetData>", ""),
    ],
)
def test_a_sheet_without_its_end_or_with_rows_in_the_wrong_place_is_not_taken_for_an_empty_one(
    sheet: str,
) -> None:
    with pytest.raises(BankError, match="工作表“题库”的内容不完整或写坏了"):
        one_sheet(xlsx(sheet))


@pytest.mark.parametrize("tail", ["", "\n<!-- 完 -->\n", "<?x y?> "])
def test_a_sheet_with_nothing_in_it_is_an_empty_one_however_it_is_written(tail: str) -> None:
    whole = worksheet(
        "", after='<rowBreaks count="1"><brk id="3"/></rowBreaks><controls><xdr:row>3</xdr:row></controls>'
    )
    bare = whole.partition("<sheetData>")[0]
    for sheet in (whole, f"{bare}<sheetData/></worksheet>", f"{bare}</worksheet>", bare[:-1] + "/>"):
        assert one_sheet(xlsx(sheet + tail)).rows == []


SST = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>题</t></si>'
STRING_CELL = '<row r="1"><c r="A1" t="s"><v>{}</v></c></row>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (xlsx(worksheet(STRING_CELL.format(0)), strings=SST), "xl/sharedStrings.xml 不完整或写坏了"),
        (
            xlsx(worksheet(STRING_CELL.format(7)), strings=SST + "</sst>"),
            "“题库”的内容指向共享文字表里没有的文字",
        ),
        (
            xlsx(worksheet(""), more={"xl/styles.xml": "<styleSheet><cellXfs>"}),
            "xl/styles.xml 不完整或写坏了",
        ),
        (
            xlsx(worksheet(""), more={"xl/workbook.xml": "<workbook><a></sheets>"}),
            "xl/workbook.xml 不完整或写坏了",
        ),
        (
            xlsx(worksheet('<row r="1"><c r="A1" t="inl2" t="str"><v>1</v></c></row>')),
            "工作表里有写坏了的标记",
        ),
        (xlsx(worksheet('<row r="1"><c r="A1"><v>1</v></d></row>')), "工作表“题库”的内容不完整或写坏了"),
        (xlsx(worksheet(""))[:-40], "压缩结构不完整；"),
        (ods(ods_table("<table:table-row>")), "content.xml 不完整"),
    ],
)
def test_what_is_broken_is_said_in_chinese_and_not_in_the_words_of_a_library(data: bytes, words: str) -> None:
    with pytest.raises(BankError, match=words) as caught:
        one_sheet(data)
    said = re.sub(r"(?:xl/)?\w*\.(?:xml|xlsx)", "", caught.value.message)
    assert not re.search("[A-Za-z]", said)


def test_a_workbook_without_any_sheet_is_refused() -> None:
    for data in (xlsx(worksheet(""), more={"xl/workbook.xml": "<workbook><sheets/></workbook>"}), ods("")):
        with pytest.raises(BankError, match="里面没有工作表"):
            read_sheets(data, needs_formats=no_column)


def test_a_broken_old_workbook_is_said_in_chinese(tmp_path: Path) -> None:
    sound = write_xls(tmp_path / "a.xls", [[f"第{n}题" * 20, n] for n in range(99)]).read_bytes()
    rng = random.Random(1)
    said: set[str] = set()
    for _ in range(60):
        data = bytearray(sound)
        for _ in range(40):
            data[rng.randrange(512, len(data))] = rng.randrange(256)
        try:
            one_sheet(bytes(data))
        except BankError as error:
            said.add(error.message)
    assert len(said) > 2
    assert not re.search("[A-Za-z]", "".join(said).replace(".xlsx", ""))


def test_the_columns_are_not_told_apart_where_no_number_has_a_format_of_its_own(tmp_path: Path) -> None:
    def never(sheet: Sheet) -> frozenset[int]:
        raise AssertionError

    rows: list[list[object]] = [["序号", "题干"], [1, "先验电"], [2.5, "后接地"]]
    for write in (write_xlsx, write_xls, write_ods):
        assert one_sheet(write(tmp_path / "a", rows).read_bytes(), never).rows[2] == ["2.5", "后接地"]


def test_an_old_workbook_with_a_password_is_told_from_a_broken_one(tmp_path: Path) -> None:
    data = bytearray(write_xls(tmp_path / "a.xls", [[f"第{n}题" * 20, n] for n in range(99)]).read_bytes())
    place = data.index(b"\x09\x08\x10\x00\x00\x06\x05\x00") + 20  # the record after the workbook's beginning
    data[place : place + 2] = b"\x2f\x00"  # now says that what follows is encrypted
    with pytest.raises(BankError, match="打开密码"):
        one_sheet(bytes(data))
    with pytest.raises(BankError, match="不是能读的工作簿"):
        one_sheet(bytes(data[:2048]))
