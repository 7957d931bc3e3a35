import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.question_bank.factory import fill, judge, multiple, single
from xiaoan.errors import BankError, StorageError
from xiaoan.question_bank.canonical import write_canonical, write_template
from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.question_bank.spreadsheet import read_bank

HEADER = ["专业", "题型", "题目内容", "题目依据条款", "选项", "正确答案"]
QUESTIONS = [
    single("10kV安全距离是（ ）", ["0.7m", "1.0m", "1,5m"], "0.7m"),
    multiple("措施有（ ）。", ["停电。", "验电（直接）", "见图B.1", "1、2号"], ["停电。", "1、2号"]),
    judge("应先验电。", "错误"),
    fill("先（ ），后（ ）", ["停电", "验电"]),
    single("=1+1 等于（ ）", ["-2", "+2", "@2"], "+2"),
    multiple(
        "-5℃及@处（ ）", ["挂牌/设遮栏", "停电；验电", '"五防"', "装设\n接地线"], ['"五防"', "停电；验电"]
    ),
    fill("分别为（ ）、（ ）", ["停电;验电", "装设接地线"]),
    fill("是（ ）", ["=A1"]),
    single("#1主变停电应断开（ ）", ["#1开关", "2#刀闸", "*"], "*"),
    single("以下符号是（ ）", ["A|B", "C|D", "B. 验电"], "B. 验电"),
    fill("应先（ ）", ["停电", "验电"]),
    fill("应先停电", ["停电；", "验电,接地"]),
    Question("工作前应（ ）", (), ("装设接地线",), "", "", QuestionType.SINGLE),
    Question("措施有（ ）", (), ("停电", "验电"), "", "", QuestionType.MULTIPLE),
    Question("简述安全措施", (), ("停电;验电、装设接地线",), "", "", QuestionType.SHORT),
]
FORMULA_STARTS = ("=", "+", "-", "@")


def read(path: Path) -> Sequence[Question]:
    return read_bank([path]).files[0].questions


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".CSV"])
def test_written_questions_are_read_back_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "新建" / f"题库{suffix}"
    write_canonical(QUESTIONS, path, read_back=read)
    for found, written in zip(read(path), QUESTIONS, strict=True):
        assert found.id == written.id
        assert (found.stem, found.options, found.answer_letters) == (
            written.stem, tuple(text.replace("\n", "") for text in written.options), written.answer_letters,
        )  # fmt: skip
        assert (found.clause, found.profession) == (written.clause, written.profession)
    assert [question.sources[0].row for question in read(path)] == [*range(2, 2 + len(QUESTIONS))]


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_the_same_questions_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    write_canonical(QUESTIONS, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    write_canonical(iter(QUESTIONS), tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


def test_no_clock_is_in_the_workbook(tmp_path: Path) -> None:
    write_canonical(QUESTIONS, tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {2025}


def test_the_canonical_workbook_is_made_for_people(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    write_canonical(QUESTIONS[:5], tmp_path / "a.xlsx")
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert [cell.value for cell in sheet[1]] == HEADER
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:F6")
    assert all(cell.number_format == "@" for cells in sheet.iter_rows() for cell in cells)
    assert sheet["E2"].value == "A. 0.7m,B. 1.0m,C. 1,5m"
    assert sheet["F3"].value == "A. 停电。,D. 1、2号"
    assert sheet["C6"].data_type == "s"
    assert sheet["C6"].quotePrefix


def test_no_cell_of_the_csv_is_a_formula_to_a_spreadsheet_program(tmp_path: Path) -> None:
    import csv

    write_canonical(QUESTIONS, tmp_path / "a.csv")
    data = (tmp_path / "a.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines(keepends=True)))
    assert rows[0] == HEADER
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA_STARTS)]
    assert rows[5][2] == "'=1+1 等于（ ）"


def test_blanks_in_any_order_say_so_and_are_read_back_so(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    question = replace(fill("应（ ）和（ ）", ["停电", "验电"]), any_order=True)
    write_canonical([question], tmp_path / "a.xlsx")
    assert load_workbook(tmp_path / "a.xlsx").active["F2"].value == "停电;验电（无序）"
    assert read(tmp_path / "a.xlsx")[0].any_order


def test_what_would_not_be_read_back_is_refused_with_its_name(tmp_path: Path) -> None:
    odd = single("应先（ ）", ["A. 停电 B. 验电", ";"], ";")
    with pytest.raises(BankError, match="应先"):
        write_canonical([odd, judge("应先验电。")], tmp_path / "a.xlsx")
    assert not (tmp_path / "a.xlsx").exists()
    left_out: list[str] = []
    write_canonical(
        [odd, judge("应先验电。")], tmp_path / "a.xlsx", read_back=read, leave_out=left_out.append
    )
    assert len(read(tmp_path / "a.xlsx")) == len(left_out) == 1


def test_a_file_that_reads_back_otherwise_never_takes_its_name(tmp_path: Path) -> None:
    for wrong in (QUESTIONS[1:], [*QUESTIONS[:-1], judge("应先停电。")]):
        with pytest.raises(BankError, match="没有写"):
            write_canonical(QUESTIONS, tmp_path / "a.xlsx", read_back=lambda _, wrong=wrong: wrong)  # type: ignore[misc]
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_a_cell_is_refused_when_writing(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="一格最多"):
        write_canonical([judge("长" * 40_000)], tmp_path / "b.xlsx")
    assert not (tmp_path / "b.xlsx").exists()


def test_a_place_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StorageError, match="写不了"):
        write_canonical(QUESTIONS, tmp_path / "file" / "b.xlsx")
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises(StorageError, match="写不了"):
        write_canonical(QUESTIONS, tmp_path / "folder.xlsx")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder.xlsx"}


def test_the_template_has_drop_downs_and_instructions_and_no_questions(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    write_template(tmp_path / "模板.xlsx")
    book = load_workbook(tmp_path / "模板.xlsx")
    (choices,) = book["题库"].data_validations.dataValidation
    assert choices.formula1 == '"单选题,多选题,判断题,填空题,简答题"'
    assert "B2" in choices.sqref
    assert [cell.value for cell in book["题库"][1]] == HEADER
    assert len(list(book["说明"].iter_rows())) >= 8
    reading = read_bank([tmp_path / "模板.xlsx"])
    assert (len(reading.bank), reading.faults) == (0, ())
