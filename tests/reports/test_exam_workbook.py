"""The workbook of an exam: its sheets, its numbers as numbers, and its texts as texts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.exams import BOOTS, WRONG, result_of, sittings_of, with_comparison, with_others
from tests.reports.page_reading import HOSTILE
from xiaoan.errors import UsageError
from xiaoan.evaluation.exam_results import ExamResult
from xiaoan.reports.exam_workbook import check_workbook_place, write_exam_workbook


def written(result: ExamResult, folder: Path) -> Any:
    write_exam_workbook(result, folder / "考试.xlsx")
    return load_workbook(folder / "考试.xlsx")


def by_name(sheet: Any) -> dict[Any, tuple[Any, ...]]:
    return {row[0]: row for row in sheet.iter_rows(values_only=True)}


def test_sheets_are_there_as_far_as_there_is_something_in_them(tmp_path: Path) -> None:
    assert written(result_of(), tmp_path).sheetnames == ["成绩", "错题", "全部作答"]
    folder = tmp_path / "全"
    folder.mkdir()
    result = with_comparison(with_others(result_of()), sittings_of(5, 5))
    assert written(result, folder).sheetnames == ["成绩", "对照", "别的办法", "错题", "全部作答"]


def test_shares_are_numbers_shown_as_percents(tmp_path: Path) -> None:
    sheet = written(result_of(), tmp_path)["成绩"]
    row = by_name(sheet)["单选题"]
    assert row[:4] == ("单选题", 20, 18, 0.9)
    cells = [cell for cells in sheet.iter_rows() for cell in cells if cell.value == 0.9]
    assert {cell.number_format for cell in cells} == {"0.0%"}
    assert by_name(sheet)["答错却显示与题库一致（次）"][1] == 0
    assert by_name(sheet)["带选项　判断题"][1] == 4


def test_every_answer_has_a_row_and_every_wrong_one_another(tmp_path: Path) -> None:
    workbook = written(result_of(), tmp_path)
    header, *rows = workbook["全部作答"].iter_rows(values_only=True)
    assert len(rows) == 28
    assert len(list(workbook["错题"].iter_rows())) == 1 + 4
    wrong = dict(zip(header, next(row for row in rows if row[8] == "错"), strict=True))
    assert (wrong["小安的答案"], wrong["正确答案"], wrong["把握"]) == ("A. 绝缘鞋", "绝缘靴", 0.35)
    assert (wrong["核对"], wrong["屏幕先看到"]) == ("与题库不一致，以题库为准", "题库")
    assert workbook["全部作答"].auto_filter.ref == workbook["全部作答"].dimensions


def test_others_and_comparison_have_their_differences(tmp_path: Path) -> None:
    workbook = written(with_comparison(with_others(result_of()), sittings_of(5, 5)), tmp_path)
    others = by_name(workbook["别的办法"])
    assert others["总选最长的选项"][1] == 0
    assert others["总选最长的选项"][6] == pytest.approx(-12 / 14)
    assert others["TF-IDF + 逻辑回归"][-1] == "还缺程序库"
    rows = list(workbook["对照"].iter_rows(values_only=True))
    assert ("带选项", "单选题", 10, 0.5, 0.9) in [row[:5] for row in rows]


def test_without_sittings_there_is_still_a_workbook(tmp_path: Path) -> None:
    assert by_name(written(result_of([]), tmp_path)["成绩"])["全部"][1] == 0


@pytest.mark.parametrize("text", [*HOSTILE.values(), "=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_text_stays_text_whatever_it_begins_with(tmp_path: Path, text: str) -> None:
    sitting = replace(
        BOOTS, **{**WRONG, "answer": text}, stem=text, asked=text, official=(text,), profession=text
    )
    workbook = written(result_of([sitting], questions=text, bank=text), tmp_path)
    cells = [
        cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None
    ]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert all(cell.quotePrefix for cell in cells if str(cell.value)[0] in "=+@" and cell.data_type == "s")


def test_another_suffix_and_a_file_that_is_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="结尾"):
        check_workbook_place(tmp_path / "考试.csv")
    path = tmp_path / "考试.xlsx"
    path.write_bytes(b"old")
    with pytest.raises(UsageError, match="已经有了"):
        write_exam_workbook(result_of(), path)
    assert path.read_bytes() == b"old"
