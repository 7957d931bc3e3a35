import io
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from tests.reports.page_reading import HOSTILE
from tests.reports.papers import BOOTS, WHEN, paper_of, result_of, small_result, with_texts
from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.paper import Paper
from xiaoan.question_bank.results import PaperResult
from xiaoan.reports.result_workbook import write_result_workbook


def written(result: PaperResult, folder: Path, user: str = "张三") -> Workbook:
    path = folder / "成绩.xlsx"
    write_result_workbook(result, path, when=WHEN, user=user, bank="安规题库", force=True)
    return load_workbook(io.BytesIO(path.read_bytes()))


def test_three_sheets_hold_the_score_the_answers_and_the_mistakes(tmp_path: Path) -> None:
    workbook = written(small_result(), tmp_path)
    assert workbook.sheetnames == ["成绩", "答题明细", "错题"]
    facts = {row[0]: row[1] for row in workbook["成绩"].iter_rows(max_col=2, values_only=True)}
    assert (facts["得分"], facts["满分"], facts["及格线（%）"], facts["结果"]) == (1.5, 5, 80, "不及格")
    assert (facts["姓名"], facts["卷号"], facts["交卷时间"]) == ("张三", "20260305", "2026-03-05 14:30")
    assert [workbook["答题明细"].max_row, workbook["错题"].max_row] == [6, 5]


def test_a_row_tells_all_about_a_question(tmp_path: Path) -> None:
    sheet = written(small_result(), tmp_path)["答题明细"]
    head, _, second, *_ = sheet.iter_rows(values_only=True)
    row = dict(zip(head, second, strict=True))
    assert row["选项"] == "A. 护目镜\nB. 绝缘手套\nC. 雨衣"
    assert (row["作答"], row["正确答案"]) == ("A. 护目镜\nC. 雨衣", "A. 护目镜\nB. 绝缘手套")
    assert (row["结果"], row["得分"], row["满分"], row["用时（秒）"]) == ("错", 0, 1, 10)


def test_counts_by_profession_and_type_stand_below_the_facts(tmp_path: Path) -> None:
    rows = list(written(small_result(), tmp_path)["成绩"].iter_rows(values_only=True))
    by_name = {row[0]: row for row in rows}
    assert by_name["变电"][:8] == ("变电", 4, 1, 1, 1, 0, 1, 1.5)
    assert by_name["全部"][1] == 5
    assert by_name["全部"][9] == 0.25


def test_columns_are_wide_enough_and_the_heading_stays(tmp_path: Path) -> None:
    sheet = written(small_result(), tmp_path)["错题"]
    assert sheet.freeze_panes == "B2"
    assert sheet.column_dimensions["D"].width == 60
    assert sheet.print_title_rows == "$1:$1"


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "#N/A", "\t=1", "00123", "2026-01-01"])
def test_a_text_stays_text_whatever_it_begins_with(tmp_path: Path, start: str) -> None:
    result = result_of(paper_of(with_texts(BOOTS, stem=start, profession=start)), "A")
    workbook = written(result, tmp_path, user=start)
    cells = [
        cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value == start.strip()
    ]
    assert len(cells) >= 4 or start.startswith("\t")
    assert {cell.data_type for sheet in workbook for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert all(cell.quotePrefix or not start.startswith(tuple("=+-@")) for cell in cells)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_of_a_bank_can_be_written(tmp_path: Path, text: str) -> None:
    question = with_texts(BOOTS, stem=f"题{text}", profession=text, clause=text, explanation=text)
    paper = Paper(text, paper_of(question).items, 7, notes=(text,))
    sheet = written(result_of(paper, "A"), tmp_path, user=text)["错题"]
    assert str(sheet["D2"].value).startswith("题")


def test_a_text_that_no_cell_holds_is_cut(tmp_path: Path) -> None:
    question = with_texts(BOOTS, explanation="𠮷" * 20_000)
    value = str(written(result_of(paper_of(question), "A"), tmp_path)["错题"]["N2"].value)
    assert len(value.encode("utf-16-le")) // 2 <= 32_767
    assert value.endswith("𠮷…")


def test_what_looks_like_an_escape_is_written_so_that_it_is_read_to_the_letter(tmp_path: Path) -> None:
    written(result_of(paper_of(with_texts(BOOTS, stem="_x0007_")), "A"), tmp_path)
    with zipfile.ZipFile(tmp_path / "成绩.xlsx") as archive:
        assert "_x005F_x0007_" in archive.read("xl/worksheets/sheet3.xml").decode()


def test_a_workbook_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "成绩.xlsx"
    path.write_bytes(b"old")
    with pytest.raises(UsageError, match="已经有了"):
        write_result_workbook(small_result(), path, when=WHEN, user="", bank="")
    assert path.read_bytes() == b"old"
