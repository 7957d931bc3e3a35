from pathlib import Path

import pytest

from tests.question_bank.made_sheets import HEADER, read_rows, row, warnings
from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind
from xiaoan.question_bank.rows.faults import FaultCode, Severity
from xiaoan.question_bank.rows.layouts import Layout
from xiaoan.question_bank.rows.sheet_reading import no_question_fault

DOCS = Path(__file__).parents[3] / "docs" / "bank.md"


def test_every_row_is_read_refused_or_skipped() -> None:
    rows = [["题库"], HEADER, row(), [], row(答案=""), HEADER, row(答案="b"), ["7"]]
    reading = read_rows(rows)
    assert (reading.rows, len(reading.questions), reading.refused, reading.warned) == (3, 2, 1, 1)
    skipped = {number: skipped.why for skipped in reading.skipped for number in skipped.rows}
    assert skipped == {1: "表头上方的标题或说明", 4: "空行", 6: "重复的表头", 8: "只有序号，没有题目"}
    assert (reading.header_row, reading.layout) == (2, Layout.OPTIONS_IN_CELL)


def test_a_question_knows_its_file_sheet_and_row() -> None:
    reading = read_rows([HEADER, row()], "变电")
    assert str(reading.questions[0].sources[0]) == "题库.xlsx:变电:2"


def test_a_fault_shows_the_cell_as_it_stands() -> None:
    reading = read_rows([HEADER, row(答案=" z\n")])
    (fault,) = reading.faults
    assert (fault.value, fault.column, fault.severity) == (" z\n", "F", Severity.REFUSED)
    assert str(fault).startswith("题库.xlsx 工作表“Sheet1” 第 2 行 F 列：")


def test_a_title_merged_across_is_a_title_wherever_it_stands() -> None:
    rows = [HEADER, row(), ["", "", "变电部分"], row()]
    reading = read_rows(rows, merged=[MergedRange(3, 1, 3, 6)])
    assert (reading.rows, [skipped.rows for skipped in reading.skipped]) == (2, [(3,)])
    apart = read_rows([HEADER, row(), ["", "", "验电之后应（ ）。"], row()])
    assert (apart.rows, apart.refused, apart.faults[0].code) == (3, 1, FaultCode.NO_ANSWER)


@pytest.mark.parametrize(
    "heading", ["第二章 高压设备工作", "二、单选题（共20题，每题1分）", "第三部分 判断题"]
)
def test_a_heading_between_the_rows_is_a_title(heading: str) -> None:
    for place in (0, 2):
        cells = [""] * place + [heading]
        reading = read_rows([HEADER, row(), cells, row()])
        assert (reading.rows, reading.faults) == (2, ())
        assert [(skipped.rows, skipped.why) for skipped in reading.skipped] == [((3,), "标题或说明")]


def test_rows_above_the_header_that_are_questions_are_read_and_said() -> None:
    reading = read_rows([row(), HEADER, row()])
    assert (reading.rows, reading.header_row, reading.warned) == (2, 2, 1)
    assert warnings(reading) == {FaultCode.ABOVE_HEADER}


def test_a_row_whose_stem_is_an_error_is_refused_though_it_looks_empty() -> None:
    reading = read_rows([HEADER, ["", "", ""]], remarks={(2, 3): Remark(RemarkKind.NO_VALUE)})
    assert [(fault.row, fault.code) for fault in reading.faults] == [(2, FaultCode.NO_STORED_VALUE)]


def test_a_header_in_unknown_words_is_no_question() -> None:
    rows = [
        ["编号", "内容", "备选", "结果"],
        ["1", "验电时应使用相应电压等级的（ ）。", "A-验电器|B-试电笔", "A"],
        ["2", "装设接地线应由几人进行（ ）。", "A-一人|B-两人", "B"],
    ]
    reading = read_rows(rows)
    assert (reading.layout, reading.rows, reading.refused) == (Layout.NO_HEADER, 2, 0)
    assert [(skipped.rows, skipped.why) for skipped in reading.skipped] == [((1,), "像表头，但文字不认识")]
    assert "B 列是题目内容" in reading.faults[0].message


def test_figures_judge_where_all_answers_are_one_or_nought() -> None:
    rows = [["题目", "答案"], ["接地之前应先验电。", "1"], ["可以不验电。", "0"]]
    assert [question.answer for question in read_rows(rows).questions] == [("正确",), ("错误",)]
    numbers = read_rows([*rows[:2], ["至少几人一起工作？", "1"], ["至少几人监护？", "2"]])
    assert [question.answer for question in numbers.questions] == [("1",), ("1",), ("2",)]


@pytest.mark.parametrize(
    ("yes", "no"), [("是", "否"), ("Y", "N"), ("1", "0"), ("√", "X"), ("TRUE", "否"), ("y", "✗")]
)
def test_statements_without_a_type_are_judged_beside_choices_and_blanks(yes: str, no: str) -> None:
    rows = [
        ["题干", "A", "B", "答案"],
        ["验电前应（ ）。", "停电", "送电", "A"],
        ["接地之前应先验电。", "", "", yes],
        ["可以不验电。", "", "", no],
        ["一张票至少填____人。", "", "", "1"],
        ["接地前应____。", "", "", "验电"],
        ["监护人可以兼做别的工作吗？", "", "", "否"],
    ]
    answers = [question.answer[0] for question in read_rows(rows).questions]
    assert answers == ["停电", "正确", "错误", "1", "验电", "否"]


def test_a_file_without_a_question_says_so_unless_it_is_a_form_to_fill_in() -> None:
    notes, titles, form = read_rows([["红色删除"]]), read_rows([HEADER, ["变电部分"]]), read_rows([HEADER])
    for sheets in ([notes], [titles], []):
        fault = no_question_fault(sheets, "甲.xlsx")
        assert fault is not None
        assert (fault.code, fault.severity, fault.sheet) == (FaultCode.NO_QUESTIONS, Severity.WARNING, "")
        assert str(fault).startswith("甲.xlsx：整个文件")
    assert no_question_fault([notes, form], "甲.xlsx") is None
    assert no_question_fault([notes, read_rows([HEADER, row(答案="")])], "甲.xlsx") is None


def test_ranges_that_reach_beyond_the_sheet_do_no_harm() -> None:
    merged = [MergedRange(1, 1, 1_048_576, 16_384), MergedRange(2, 2, 1_048_576, 2), MergedRange(9, 9, 12, 9)]
    reading = read_rows([HEADER, row(), row()], merged=merged)
    assert reading.rows == 2


def test_every_layout_and_every_fault_code_is_in_the_documentation() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [name.value for name in (*FaultCode, *Layout) if f"`{name}`" not in text] == []


def test_a_message_does_not_quote_a_cell_of_thousands_of_characters() -> None:
    reading = read_rows([HEADER, row(题型="判断题", 答案="不" * 30_000)])
    (fault,) = reading.faults
    assert (fault.value, len(fault.message) < 400) == ("判断题", True)
    assert fault.message.startswith("题型是判断题")
    assert fault.message.endswith("或把选项改为正确和错误")
