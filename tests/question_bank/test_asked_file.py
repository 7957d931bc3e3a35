"""Files of questions to be asked: told by their bytes, read with or without answers."""

from pathlib import Path

import pytest

from tests.question_bank.workbooks import write_sheets, write_xlsx
from xiaoan.errors import BankError
from xiaoan.question_bank.asked_file import AskedFile, read_asked_file

KEYS = "高压室的钥匙至少应有（ ）把。"
ALONE = "单人操作时可以登杆。"


def written(path: Path, text: str, encoding: str = "utf-8") -> AskedFile:
    path.write_bytes(text.encode(encoding))
    return read_asked_file(path)


def stems(found: AskedFile) -> list[str]:
    return [row.asked.stem for row in found.rows if row.asked is not None]


def test_a_workbook_of_several_sheets_leaves_lists_alone_and_says_so(tmp_path: Path) -> None:
    path = write_sheets(
        tmp_path / "题.xlsx",
        {
            "单选题": [["题目", "选项A", "选项B"], [KEYS, 2, 3]],
            "判断题": [["题目", "备注"], [ALONE, ""]],
            "任务分配": [["姓名", "部门"], ["张三", "运维班"]],
        },
    )
    found = read_asked_file(path)
    assert stems(found) == [KEYS, ALONE]
    assert found.notices() == ["工作表“任务分配”：第 1、2 行：看不出题目，整张表没有问"]


def test_a_formula_without_value_is_a_row_with_a_reason(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "题.xlsx",
        [["题目", "选项", "答案"], ['="高压"&"室"', "A-2|B-3", "A"], [KEYS, "A-2|B-3", "=A1"]],
    )
    first, second = read_asked_file(path).rows
    assert (first.asked, "公式" in first.refusal) == (None, True)
    assert second.asked is not None


def test_a_csv_of_an_office_program(tmp_path: Path) -> None:
    found = written(
        tmp_path / "题.csv", f"题型,题目,A,B,答案\r\n单选,{KEYS},2,3,B\r\n判断,{ALONE},,,F\r\n", "gb18030"
    )
    assert stems(found) == [KEYS, ALONE]
    assert [row.answer_text for row in found.rows] == ["B", "F"]


def test_a_csv_of_one_column_is_a_list_of_questions(tmp_path: Path) -> None:
    assert stems(written(tmp_path / "题.csv", f'题目\r\n{KEYS}\r\n"{ALONE}"\r\n', "gb18030")) == [KEYS, ALONE]
    assert stems(written(tmp_path / "无.csv", f"{KEYS}\n{ALONE}\n")) == [KEYS, ALONE]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_text_with_questions_and_options_pasted_into_it(tmp_path: Path, encoding: str) -> None:
    found = written(tmp_path / "题.txt", f"1. {KEYS}\r\nA. 2\r\nB. 3\r\n\r\n2. {ALONE}\r\n", encoding)
    assert stems(found) == [KEYS, ALONE]
    assert [row.source.row for row in found.rows] == [1, 5]
    first = found.rows[0].asked
    assert first is not None
    assert [option.text for option in first.options] == ["2", "3"]


def test_a_table_called_txt_is_a_table(tmp_path: Path) -> None:
    found = written(tmp_path / "题.txt", f"题型\t题目\tA\tB\n单选\t{KEYS}\t2\t3\n")
    assert [row.options_text for row in found.rows] == ["A. 2\nB. 3"]


def test_a_workbook_called_txt_is_a_workbook(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "题.xlsx", [["题目", "选项"], [KEYS, "A-2|B-3"]]).rename(tmp_path / "题.txt")
    assert stems(read_asked_file(path)) == [KEYS]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("没有.xlsx", None, "没有找到题目文件"),
        ("空.txt", b"", "空文件"),
        ("白.txt", b"\n  \n", "没有找到题目"),
        ("表头.csv", "题目,选项\n".encode(), "没有找到题目"),
        ("乱.txt", b"\x00\x01\x02\xff\xfe\xfd" * 200, "题目文件"),
        ("页.xls", b"<html><body>x</body></html>", "网页"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BankError, match=said) as caught:
        read_asked_file(path)
    assert "题库 " not in caught.value.message
