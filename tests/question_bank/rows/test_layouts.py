"""One test for each layout in which banks come. A clean row of a layout has no warning."""

import pytest

from tests.question_bank.made_sheets import read_rows, warnings
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.layouts import Layout
from xiaoan.question_bank.rows.sheet_reading import SheetReading


def types(reading: SheetReading) -> list[QuestionType]:
    return [question.question_type for question in reading.questions]


def assert_clean(reading: SheetReading, layout: Layout, rows: int) -> None:
    assert reading.faults == ()
    assert (reading.layout, reading.rows, reading.refused, reading.warned) == (layout, rows, 0, 0)


def test_the_grid_companys_export() -> None:
    header = ["序号", "一级纲要", "二级纲要", "题目分类", "题型", "题干", "选项", "答案", "题目依据"]
    header += ["试题分数", "试题编码", "备注", "说明", "判断题解析"]
    rows = [
        ["1", "变电", "安全措施", "安规", "单选题", "验电应使用（ ）。", "A-验电器|B-试电笔|C-万用表", "A"],
        ["2", "变电", "安全措施", "安规", "多选题", "应（ ）。", "A-停电|B-验电|C-接地|D-送电", "ABC"],
        ["3", "线路", "安全措施", "安规", "判断题", "接地线可用缠绕的方法接地。（ ）", "A-正确|B-错误", "B"],
    ]
    beside = ["变电安规 7.3", "0.5", "BD-001", "\\", "", "应使用专用的线夹"]
    reading = read_rows([header, *([*row, *beside] for row in rows)], "题库格式")
    assert_clean(reading, Layout.GRID_EXPORT, 3)
    assert reading.columns["profession"] == "B"
    assert reading.columns["clause"] == "I"
    assert [question.answer for question in reading.questions] == [
        ("验电器",),
        ("停电", "验电", "接地"),
        ("错误",),
    ]
    assert reading.questions[2].profession == "线路"
    assert reading.questions[2].explanation == "应使用专用的线夹"


@pytest.mark.parametrize(
    ("heading", "options"),
    [
        ("题目选项", "**A.停电**B.验电"),
        ("题目选项", "A.停电##B.验电"),
        ("题目选项（用##隔开）", "A.停电**B.验电"),
        ("题目选项##", "**A.停电**B.验电**"),
    ],
)
def test_job_kinds_with_options_between_marks(heading: str, options: str) -> None:
    header = ["", "作业种类", "章节", "试题类型", "题目内容", "图片", heading, "题目答案"]
    reading = read_rows([header, ["", "变电运维", "第一章", "单选题", "接地之前应（ ）。", "", options, "B"]])
    assert_clean(reading, Layout.JOB_KINDS, 1)
    assert reading.questions[0].options == ("停电", "验电")
    assert reading.questions[0].answer == ("验电",)
    assert reading.questions[0].profession == "变电运维"


def test_job_kinds_without_a_column_of_options() -> None:
    header = ["作业种类", "试题类型", "题目内容", "题目答案"]
    rows = [
        ["配电", "单选题", "接地之前应（ ）。", "验电"],
        ["配电", "多选题", "安全措施有（ ）。", "停电；验电"],
        ["配电", "判断题", "应先验电。", "正确"],
    ]
    reading = read_rows([header, *rows])
    assert_clean(reading, Layout.JOB_KINDS, 3)
    assert [question.answer for question in reading.questions] == [("验电",), ("停电", "验电"), ("正确",)]
    letter = read_rows([header, ["配电", "单选题", "接地之前应（ ）。", "B"]])
    assert (letter.refused, letter.faults[0].code) == (1, FaultCode.NO_OPTIONS)


def test_one_column_per_option_under_letters() -> None:
    header = ["序号", "题目", "A", "B", "C", "D", "答案", "题型", "解析"]
    rows = [
        ["1", "验电应使用（ ）。", "验电器", "试电笔", "万用表", "", "A", "单选", "验电器须合格"],
        ["2", "措施有（ ）。", "停电", "验电", "接地", "送电", "ABC", "多选", ""],
        ["3", "可以不验电。", "正确", "错误", "", "", "B", "判断", ""],
    ]
    reading = read_rows([header, *rows])
    assert_clean(reading, Layout.LETTER_COLUMNS, 3)
    assert types(reading) == [QuestionType.SINGLE, QuestionType.MULTIPLE, QuestionType.JUDGE]
    assert reading.columns["option_D"] == "F"
    assert reading.questions[0].options == ("验电器", "试电笔", "万用表")
    assert reading.questions[0].explanation == "验电器须合格"


def test_one_sheet_per_type_says_the_type_by_its_name() -> None:
    header = ["题目（必填）：", "考核点", "难度：", "试题解析：", "正确答案（必填）"]
    options = ["选项A（必填）", "选项B（必填）", *(f"选项{letter}" for letter in "CDEFGHIJKL")]
    line = ["验电应使用（ ）。", "", "易", "验电器须合格", "A", "验电器", "试电笔", "万用表"]
    single = read_rows([[*header, *options], line], "单选题", hidden_rows=[2])
    assert_clean(single, Layout.TYPE_SHEETS, 1)
    assert (types(single), single.hidden) == ([QuestionType.SINGLE], 1)
    assert single.questions[0].explanation == "验电器须合格"
    judge = read_rows([header, ["可以不验电。", "", "", "", "错误"]], "判断题")
    assert_clean(judge, Layout.TYPE_SHEETS, 1)
    assert judge.questions[0].answer == ("错误",)
    essay = read_rows([header, ["为何要验电？", "", "", "", "确认没有电压；以便接地"]], "问答题")
    assert_clean(essay, Layout.TYPE_SHEETS, 1)
    assert types(essay) == [QuestionType.SHORT]


def test_answers_per_blank_may_be_filled_in_any_order_if_the_sheet_says_so() -> None:
    header = ["题目（必填）：", "难度：", *(f"答案{letter}" for letter in "ABCDEFGHIJKL"), "填空顺序"]
    blanks = ["停电后应（ ）并（ ）。", "", "验电", "接地", *[""] * 10]
    reading = read_rows([header, [*blanks, "无序"], [*blanks, "有序"]], "填空题")
    assert_clean(reading, Layout.TYPE_SHEETS, 2)
    assert [question.answer for question in reading.questions] == [("验电", "接地")] * 2
    assert [question.any_order for question in reading.questions] == [True, False]
    assert reading.columns["answer_L"] == "N"
    assert reading.columns["blank_order"] == "O"


def test_option_columns_with_line_breaks_in_the_headings() -> None:
    header = ["类型", "题目", *(f"选项{letter}" for letter in "ABCD"), "选项E\n(勿删)", "答案"]
    rows = [["多选题", "措施有（ ）。", "停电", "验电", "接地", "送电", "挂牌", "ABCE"]]
    reading = read_rows([header, *rows])
    assert_clean(reading, Layout.OPTION_COLUMNS, 1)
    assert reading.columns["option_E"] == "G"
    assert reading.questions[0].answer == ("停电", "验电", "接地", "挂牌")


def test_stem_and_answer_only() -> None:
    rows = [["验电应使用（ ）。", "验电器"], ["为何要验电？", "确认没有电压"], ["可以不验电。", "×"]]
    reading = read_rows([["题目", "答案"], *rows])
    assert (reading.layout, reading.rows, reading.refused) == (Layout.STEM_AND_ANSWER, 3, 0)
    assert types(reading) == [QuestionType.BLANK, QuestionType.SHORT, QuestionType.JUDGE]
    assert warnings(reading) == {FaultCode.TYPE_INFERRED}


def test_the_canonical_six_columns() -> None:
    header = ["专业", "题型", "题目内容", "题目依据条款", "选项", "正确答案"]
    cell = "A. 停电,B. 验电,C. 接地,D. 送电"
    rows = [
        ["变电", "多选题", "措施有（ ）。", "变电安规 7", cell, "A. 停电,D. 送电"],
        ["变电", "判断题", "可以不验电。", "变电安规 7", "A. 正确,B. 错误", "B. 错误"],
    ]
    reading = read_rows([header, *rows])
    assert_clean(reading, Layout.CANONICAL, 2)
    assert [question.answer for question in reading.questions] == [("停电", "送电"), ("错误",)]


def test_four_columns_with_options_in_one_cell() -> None:
    rows = [
        ["多选题", "措施有（ ）。", "A-停电|B-验电|C-送电", "AB"],
        ["简答题", "为何要验电？", "", "确认没有电压"],
    ]
    reading = read_rows([["题型", "题干", "选项", "答案"], *rows])
    assert_clean(reading, Layout.OPTIONS_IN_CELL, 2)
    assert types(reading) == [QuestionType.MULTIPLE, QuestionType.SHORT]


@pytest.mark.parametrize("options", [["停电", "送电", "验电"], ["停电$|$送电$|$验电", "", ""]])
def test_numbered_options_and_answers(options: list[str]) -> None:
    header = ["题目类型", "题目内容", "选项1", "选项2", "选项3", "参考答案", "考核知识点"]
    reading = read_rows([header, ["多选题", "措施有（ ）。", *options, "1、3", "安全措施"]])
    assert_clean(reading, Layout.NUMBERED_OPTIONS, 1)
    assert reading.columns["option_1"] == "C"
    assert reading.questions[0].answer == ("停电", "验电")


def test_titles_above_a_header_that_is_repeated_within_the_data() -> None:
    header = ["序号", "题干", "选项", "答案", "题型"]
    again = ["序号", "题目", "选项", "正确答案", "题型"]
    line = ["1", "验电应使用（ ）。", "A-验电器|B-试电笔", "A", "单选题"]
    rows = [["二〇二六年安规题库"], ["填表说明：选项用竖线隔开"], header, line, again, line, [], header, line]
    reading = read_rows(rows)
    assert (reading.rows, reading.header_row, reading.faults) == (3, 3, ())
    assert [(skipped.rows, skipped.why) for skipped in reading.skipped] == [
        ((1, 2), "表头上方的标题或说明"),
        ((5, 8), "重复的表头"),
        ((7,), "空行"),
    ]


def test_a_header_that_changes_within_the_sheet_holds_for_the_rows_below_it() -> None:
    rows = [
        ["题型", "题干", "选项", "答案"],
        ["单选题", "验电应使用（ ）。", "A-验电器|B-试电笔", "A"],
        ["题干", "A", "B", "答案", "题型"],
        ["接地之前应（ ）。", "停电", "验电", "B", "单选题"],
    ]
    reading = read_rows(rows)
    assert [question.answer for question in reading.questions] == [("验电器",), ("验电",)]
    assert reading.skipped[0].rows == (3,)


def test_a_header_of_two_rows_names_the_options_in_the_second() -> None:
    rows = [
        ["序号", "题目", "选项", "", "答案", "题型"],
        ["", "", "A", "B", "", ""],
        ["1", "接地之前应（ ）。", "停电", "验电", "B", "单选题"],
    ]
    reading = read_rows(rows)
    assert reading.questions[0].options == ("停电", "验电")
    assert [(skipped.rows, skipped.why) for skipped in reading.skipped] == [((2,), "表头的第二行")]


def test_without_a_header_the_columns_are_inferred_and_it_is_said() -> None:
    rows = [
        [
            "1",
            "变电",
            "单选题",
            "验电时应使用相应电压等级的（ ）。",
            "A-验电器|B-试电笔",
            "A",
            "变电安规 7.3",
        ],
        ["2", "线路", "判断题", "装设接地线可以不验电。", "A-正确|B-错误", "B", "线路安规 6.4"],
        ["3", "变电", "多选题", "保证安全的技术措施有（ ）。", "A-停电|B-验电|C-送电", "AB", "变电安规 7.1"],
    ]
    reading = read_rows(rows)
    assert (reading.layout, reading.header_row, reading.rows) == (Layout.NO_HEADER, None, 3)
    assert warnings(reading) == {FaultCode.HEADER_INFERRED}
    assert (reading.columns["stem"], reading.columns["profession"], reading.columns["clause"]) == (
        "D",
        "B",
        "G",
    )
    assert [question.answer for question in reading.questions] == [("验电器",), ("错误",), ("停电", "验电")]


def test_a_csv_without_a_header_of_statements_and_t_or_f() -> None:
    rows = [
        ["装设接地线之前必须先验电，并确认没有电压。", "T"],
        ["验电时可以不戴绝缘手套，也不用监护。", "F"],
    ]
    reading = read_rows(rows, "题库")
    assert reading.layout == Layout.NO_HEADER
    assert [question.answer for question in reading.questions] == [("正确",), ("错误",)]
    assert warnings(reading) == {FaultCode.HEADER_INFERRED, FaultCode.TYPE_INFERRED}


def test_a_csv_without_a_header_with_a_column_per_option() -> None:
    rows = [
        ["验电时应使用相应电压等级的（ ）。", "验电器", "试电笔", "万用表", "A"],
        ["保证安全的技术措施有（ ）。", "停电", "验电", "送电", "AB"],
    ]
    reading = read_rows(rows, "题库")
    assert [question.answer for question in reading.questions] == [("验电器",), ("停电", "验电")]
    assert types(reading) == [QuestionType.SINGLE, QuestionType.MULTIPLE]


@pytest.mark.parametrize(
    ("name", "rows", "layout", "code"),
    [
        ("Sheet2", [], Layout.EMPTY, FaultCode.EMPTY_SHEET),
        ("Sheet3", [["", " "], ["", ""]], Layout.EMPTY, FaultCode.EMPTY_SHEET),
        ("Sheet1", [["红色删除/黄色修改"]], Layout.NOTES, FaultCode.NO_HEADER),
        (
            "任务分配",
            [["姓名", "任务", "完成"], ["甲", "校核变电专业的单选题和多选题", "是"]],
            Layout.NOTES,
            FaultCode.NO_HEADER,
        ),
        ("下拉", [["单选题", "变电"], ["多选题", "线路"], ["判断题", ""]], Layout.LISTS, FaultCode.NO_HEADER),
    ],
)
def test_sheets_without_questions_are_left_alone_and_it_is_said(
    name: str, rows: list[list[str]], layout: Layout, code: FaultCode
) -> None:
    reading = read_rows(rows, name)
    assert (reading.layout, reading.rows, reading.header_row) == (layout, 0, None)
    assert [fault.code for fault in reading.faults] == [code]
    assert sum(len(skipped.rows) for skipped in reading.skipped) == len(rows)


@pytest.mark.parametrize("name", ["说明", "填写说明", "导入须知", "封面"])
def test_a_sheet_of_notes_by_its_name_is_skipped_without_a_fault(name: str) -> None:
    reading = read_rows([["红色删除/黄色修改"], [""]], name)
    assert (reading.layout, reading.faults) == (Layout.NOTES, ())
    assert [skipped.why for skipped in reading.skipped] == ["说明，不是题目的工作表", "空行"]


def test_the_six_columns_without_a_header_and_with_labelled_answers_are_read() -> None:
    rows = [
        ["变电", "单选题", "验电前应（ ）。", "", "A. 停电,B. 送电", "A. 停电"],
        ["变电", "多选题", "技术措施有（ ）。", "变电安规 7", "A. 停电,B. 验电,C. 送电", "A. 停电,B. 验电"],
        ["线路", "判断题", "装设接地线可以不验电。", "线路安规 6", "", "错误"],
        ["线路", "填空题", "接地前应____设备。", "", "", "验电"],
    ]
    reading = read_rows(rows)
    assert (reading.layout, reading.rows, reading.refused) == (Layout.NO_HEADER, 4, 0)
    assert [len(question.options) for question in reading.questions] == [2, 3, 0, 0]
    assert list(reading.columns.values()) == ["B", "A", "E", "C", "F", "D"]


@pytest.mark.parametrize("statements", [1, 3, 6, 7, 9])
def test_statements_and_blanks_mixed_without_a_header_have_no_cliff(statements: int) -> None:
    judged = [[f"在第{number}号杆上工作前必须先验电。", "对"] for number in range(statements)]
    blanks = [[f"第{number}种工作票应由____签发。", "工作票签发人"] for number in range(10 - statements)]
    reading = read_rows([*judged, *blanks])
    assert (reading.refused, len(reading.questions)) == (0, 10)
    assert types(reading) == [QuestionType.JUDGE] * statements + [QuestionType.BLANK] * (10 - statements)


def test_a_column_of_marks_alike_in_all_rows_is_no_answer() -> None:
    rows = [["装设接地线之前必须先验电。", "对", "1"], ["验电可以不戴绝缘手套。", "错", "1"]]
    assert [question.answer for question in read_rows(rows).questions] == [("正确",), ("错误",)]


def test_rows_that_look_like_questions_are_refused_if_the_columns_cannot_be_told() -> None:
    rows = [
        ["哪种工作须填用第一种工作票？", ""],
        ["验电之前应先做哪件事？", "检查验电器"],
        ["谁来签发工作票？签发人有何责任？", "签发人"],
        ["装设接地线应由几人进行？", "两人"],
        ["合计"],
    ]
    reading = read_rows(rows)
    assert (reading.rows, reading.refused, len(reading.questions)) == (3, 3, 0)
    assert {fault.code for fault in reading.faults} == {FaultCode.COLUMNS_UNKNOWN}
    assert [skipped.rows for skipped in reading.skipped] == [(1, 5)]
    assert "有 3 行像题目" in reading.faults[0].message
