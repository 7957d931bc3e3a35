import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest

from xiaoan.errors import BankError
from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.question_bank.rows.faults import FaultCode, Severity
from xiaoan.question_bank.spreadsheet import read_bank

HEADER = ["专业", "题型", "题目内容", "题目依据条款", "选项", "正确答案"]


def workbook(path: Path, rows: Sequence[Sequence[object]], title: str = "题库") -> Path:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def row(**changed: object) -> list[object]:
    cells: dict[str, object] = {
        "专业": "变电",
        "题型": "单选题",
        "题目内容": "应先（ ）",
        "题目依据条款": "变电安规 7.2",
        "选项": "A. 停电,B. 验电",
        "正确答案": "A. 停电",
    }
    return list((cells | changed).values())


def read_one(path: Path, **changed: object) -> Question:
    reading = read_bank([workbook(path / "b.xlsx", [HEADER, row(**changed)])])
    assert len(reading.bank) == 1, reading.faults
    return reading.bank.questions[0]


@pytest.mark.parametrize("answer", ["A", "a", "Ａ", " A\n", "A. 停电", "停电", "A、", "（A）"])
def test_an_answer_may_be_letter_or_text(tmp_path: Path, answer: str) -> None:
    assert read_one(tmp_path, 正确答案=answer).answer == ("停电",)


@pytest.mark.parametrize(
    "options", ["A-停电|B-验电", "A、停电\nB、验电", "**A.停电**B.验电", "停电|验电", "（A）停电（B）验电"]
)
def test_options_may_be_labelled_in_many_ways(tmp_path: Path, options: str) -> None:
    assert read_one(tmp_path, 选项=options).options == ("停电", "验电")


@pytest.mark.parametrize(
    ("options", "answer", "verdict"),
    [
        ("", "√", "正确"),
        ("A-正确|B-错误", "B", "错误"),
        ("", "B", "错误"),
        ("A. 错,B. 对", "A", "错误"),
        ("", 1, "正确"),
    ],
)
def test_judgements_are_settled_to_one_word(
    tmp_path: Path, options: str, answer: object, verdict: str
) -> None:
    question = read_one(tmp_path, 题型="判断", 选项=options, 正确答案=answer)
    assert (question.options, question.answer) == ((), (verdict,))


def test_numbers_and_question_numbers_in_cells_are_read_as_seen(tmp_path: Path) -> None:
    question = read_one(tmp_path, 题型="填空题", 题目内容="56\t应为（ ）m\t", 选项=None, 正确答案=4.0)
    assert (question.stem, question.answer) == ("应为（ ）m", ("4",))


@pytest.mark.parametrize(
    ("changed", "code", "column"),
    [
        ({"题目内容": " "}, FaultCode.NO_STEM, "C"),
        ({"正确答案": "\\"}, FaultCode.NO_ANSWER, "F"),
        ({"正确答案": "C"}, FaultCode.BAD_ANSWER, "F"),
        ({"正确答案": "A. 验电"}, FaultCode.BAD_ANSWER, "F"),
        ({"选项": ""}, FaultCode.NO_OPTIONS, "E"),
        ({"正确答案": "AB"}, FaultCode.ANSWER_COUNT, "F"),
        ({"题型": "判断题", "选项": "", "正确答案": "也许"}, FaultCode.BAD_ANSWER, "F"),
    ],
)
def test_a_row_that_is_no_question_is_refused_with_its_place(
    tmp_path: Path, changed: dict[str, object], code: FaultCode, column: str
) -> None:
    path = workbook(tmp_path / "坏.xlsx", [HEADER, row(), row(**changed)])
    reading = read_bank([path])
    assert len(reading.bank) == 1
    (fault,) = reading.faults
    assert (fault.severity, fault.code, fault.row, fault.column) == (Severity.REFUSED, code, 3, column)
    assert str(fault).startswith(f"坏.xlsx 工作表“题库” 第 3 行 {column} 列：")


def test_an_unknown_type_is_inferred_and_said_so(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [*HEADER],
        row(题型=""),
        row(题型="数字类选择题", 题目内容="x（ ）", 正确答案="AB"),
        row(题型="?", 选项="", 正确答案="对"),
    ]
    reading = read_bank([workbook(tmp_path / "b.xlsx", rows)])
    assert [question.question_type for question in reading.bank] == [
        QuestionType.SINGLE,
        QuestionType.MULTIPLE,
        QuestionType.JUDGE,
    ]
    assert {fault.code for fault in reading.faults} == {FaultCode.TYPE_INFERRED}


def test_the_header_is_found_by_its_words_below_a_title_and_repeated(tmp_path: Path) -> None:
    header = ["序号", "题干", "答案（必填）", "选项", "题型：", "题目依据", "一级纲要"]
    line = [1, "应先（ ）", "B", "A-停电|B-验电", "单选", "7.2", "变电"]
    other = [2, "应后（ ）", "A", "A-停电|B-验电", "单选", "7.2", "变电"]
    path = workbook(tmp_path / "b.xlsx", [["二〇二五年题库"], [], header, line, [], header, other])
    reading = read_bank([path])
    assert reading.faults == ()
    assert [(question.answer, question.sources[0].row) for question in reading.bank] == [
        (("验电",), 4),
        (("停电",), 7),
    ]
    assert reading.bank.questions[0].profession == "变电"


def test_sheets_without_questions_are_named_and_left_alone(tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", [["红色删除"], ["黄色修改"]], "修改")
    reading = read_bank([path, workbook(tmp_path / "c.xlsx", [])])
    assert len(reading.bank) == 0
    assert [fault.code for fault in reading.faults] == [
        *(FaultCode.NO_QUESTIONS, FaultCode.NO_HEADER),
        *(FaultCode.NO_QUESTIONS, FaultCode.EMPTY_SHEET),
    ]


def test_several_files_are_one_bank_without_duplicates(tmp_path: Path) -> None:
    paths = [workbook(tmp_path / name, [HEADER, row()]) for name in ("a.xlsx", "b.xlsx")]
    reading = read_bank(paths)
    assert [str(source) for source in reading.bank.questions[0].sources] == ["a.xlsx:题库:2", "b.xlsx:题库:2"]


def test_a_workbook_is_known_by_its_bytes(tmp_path: Path) -> None:
    workbook(tmp_path / "b.xlsx", [HEADER, row()]).rename(tmp_path / "b.xls")
    assert len(read_bank([tmp_path / "b.xls"]).bank) == 1


def _truncated(path: Path) -> bytes:
    return workbook(path / "whole.xlsx", [HEADER, row()]).read_bytes()[:2000]


def _foreign_archive() -> bytes:
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.txt", "a")
    return data.getvalue()


def test_a_file_that_is_no_workbook_is_refused_with_a_reason(tmp_path: Path) -> None:
    cases = {
        "空": (b"", "0 字节"),
        "文": ("不是工作簿".encode(), "不是能读的工作簿"),
        "PDF": (b"%PDF-1.7 x", "不是能读的工作簿"),
        "断": (_truncated(tmp_path), "不是能读的工作簿"),
        "包": (_foreign_archive(), "不是能读的工作簿"),
        "锁": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "打开密码"),
    }
    for name, (data, reason) in cases.items():
        path = tmp_path / f"{name}.xlsx"
        path.write_bytes(data)
        with pytest.raises(BankError, match=reason):
            read_bank([path])


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="没有找到"):
        read_bank([tmp_path / "无.xlsx"])
    with pytest.raises(BankError, match="文件夹"):
        read_bank([tmp_path])


def test_control_characters_in_cells_never_come_through(tmp_path: Path) -> None:
    assert read_one(tmp_path, 题目内容="应\u202e先\u200b（ ）").stem == "应先（ ）"
