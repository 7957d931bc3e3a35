import pytest

from xiaoan.errors import BankError
from xiaoan.question_bank.cells.csv_cells import decode_text, read_csv

TEXT = "题干,选项,答案\n先（ ）后接地,A-停电|B-验电,B\n"
ROWS = [["题干", "选项", "答案"], ["先（ ）后接地", "A-停电|B-验电", "B"]]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
def test_the_character_set_is_found(encoding: str) -> None:
    assert read_csv(TEXT.encode(encoding)).rows == ROWS


def test_rare_characters_of_gb18030_are_read() -> None:
    text = "题干,答案\n测试㐀𠀀用①℃,甲\n"
    assert read_csv(text.encode("gb18030")).rows[1] == ["测试㐀𠀀用①℃", "甲"]


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_separator_is_found(separator: str, line_end: str) -> None:
    text = line_end.join(separator.join(row) for row in ROWS)
    assert read_csv(text.encode()).rows == ROWS
    assert read_csv(f"sep={separator}{line_end}{text}".encode()).rows[1:] == ROWS


def test_commas_in_a_text_split_by_tabs_are_text() -> None:
    assert read_csv("题干\t答案\n停电,验电,接地\tA,B\n".encode()).rows[1] == ["停电,验电,接地", "A,B"]


def test_quoted_fields_hold_separators_line_ends_and_quotes() -> None:
    data = '题干,选项,答案\r\n"先,后","A-停\r\nB-验","说""停"""\r\n,"",x\r\n'.encode()
    assert read_csv(data).rows[1:] == [["先,后", "A-停\nB-验", '说"停"'], ["", "", "x"]]


def test_quotes_that_quote_no_field_are_text() -> None:
    data = '题干,答案\n"五防"功能,A\n5"管,B\n"没有配对,C\n'.encode()
    assert read_csv(data).rows[1:] == [['"五防"功能', "A"], ['5"管', "B"], ['"没有配对', "C"]]


def test_ragged_rows_are_padded_and_blank_lines_keep_their_number() -> None:
    data = "题库\n题干,A,B,答案\n甲,1,2,A\n\n乙,1,2\n丙,1,2,B,多\n".encode()
    sheet = read_csv(data)
    assert [len(row) for row in sheet.rows] == [5] * 6
    assert sheet.rows[4] == ["乙", "1", "2", "", ""]
    assert sheet.rows[3] == [""] * 5


def test_values_stay_texts_and_the_guarding_apostrophe_comes_off() -> None:
    data = "题干,答案\n'=1+1,'-2\n'@x,'+5\n'引用',0.50\nNA,null\n'',007\n".encode()
    assert read_csv(data).rows[1:] == [
        ["=1+1", "-2"],
        ["@x", "+5"],
        ["'引用'", "0.50"],
        ["NA", "null"],
        ["''", "007"],
    ]


def test_odd_characters_pass_as_they_are() -> None:
    data = "题干,答案\n甲\u2028乙\x85丙\x0b丁\x1b[31m\u202e,\x00A\n".encode()
    assert read_csv(data).rows[1] == ["甲\u2028乙\x85丙\x0b丁\x1b[31m\u202e", "\x00A"]


@pytest.mark.parametrize("zeros", [1, 2])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_zeros_in_a_text_do_not_make_another_character_set_of_it(encoding: str, zeros: int) -> None:
    for place in range(3, 20):
        text = TEXT[:place] + "\0" * zeros + TEXT[place:]
        assert decode_text(text.encode(encoding)) == text
    broken = TEXT.replace("后", "\0后").encode(encoding)[:-5] + b"\xe5\xff\xff,B\n"
    with pytest.raises(BankError) as caught:
        decode_text(broken)
    assert "UTF-16" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "不是工作簿",
        "在电气设备上工作，应有保证安全的措施。\n第一，停电。\n第二，验电。\n",
        "\n\n",
        "a\nb\nc\n",
        "{}",
    ],
)
def test_a_text_that_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(BankError, match="不是能读的工作簿：内容是文本，但不是用逗号、制表符或分号分隔的表格"):
        read_csv(text.encode())


def test_binary_data_is_refused() -> None:
    for data in (bytes(range(256)) * 8, b"\x00" * 1000, b"\x01,\x02\n" * 100, b"\xff\xfe\xff" + b"\xd8" * 9):
        with pytest.raises(BankError, match="不是能读的工作簿"):
            read_csv(data)


def test_a_text_that_breaks_off_or_is_broken_is_refused_with_the_line() -> None:
    whole = ("题干,答案\n" + "在电气设备上工作应验电,A\n" * 30).encode()
    for data in (whole[:-4], whole[:200] + b"\xff" + whole[200:], TEXT.encode("gb18030") + b"\x81"):
        with pytest.raises(BankError, match=r"第 \d+ 行有坏字节"):
            read_csv(data)


def test_text_of_any_kind_is_decoded_whole() -> None:
    assert decode_text(b"a,b\n1,2\n") == "a,b\n1,2\n"
    assert decode_text("a\tb\n".encode("utf-16-le")) == "a\tb\n"


def test_fields_without_end_are_read_in_linear_time() -> None:
    for data in (b'a,b\n"' * 30_000, b'a,"b""' * 30_000, b'"",' * 30_000 + b'\n"",""\n'):
        rows = read_csv(b"a,b\n" * 9 + data).rows
        assert rows[0][:2] == ["a", "b"]
