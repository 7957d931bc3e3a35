"""A sheet as questions to be asked: every layout, with its answers and without them."""

import random
from collections.abc import Callable, Sequence

import pytest

from tests.question_bank.made_sheets import sheet_of
from tests.question_bank.rows.test_fuzz_cells import any_sheet, mutated_rows, random_rows
from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.rows.asked_rows import AskedRow
from xiaoan.question_bank.rows.asked_sheet import AskedSheet, read_asked_lines, read_asked_sheet
from xiaoan.question_bank.rows.columns import headers
from xiaoan.question_bank.rows.sheet_reader import read_sheet

S = "雷雨天气巡视室外高压设备应穿（ ）。"
M = "保证安全的技术措施有（ ）。"
J = "单人操作时可以登杆。"

# Each layout of the survey: its name, the sheet's name, the header, rows, and which columns hold answers.
LAYOUTS: list[tuple[str, str, list[list[str]], set[int]]] = [
    (
        "grid-export",
        "题库格式",
        [
            [
                "序号",
                "一级纲要",
                "二级纲要",
                "题目分类",
                "题型",
                "题干",
                "选项",
                "答案",
                "题目依据",
                "试题分数",
            ],
            ["1", "变电", "措施", "安规", "单选题", S, "A-绝缘鞋|B-绝缘靴", "B", "变电安规 5", "1.0"],
            ["2", "变电", "措施", "安规", "判断题", J + "（ ）", "A-正确|B-错误", "B", "变电安规 5", "1.0"],
        ],
        {7},
    ),
    (
        "job-kinds",
        "Sheet1",
        [
            ["", "作业种类", "章节", "试题类型", "题目内容", "题目选项##", "题目答案"],
            ["", "变电", "一", "单选题", S, "**A.绝缘鞋**B.绝缘靴", "B"],
            ["", "变电", "一", "判断题", J, "", "F"],
        ],
        {6},
    ),
    (
        "letter-columns",
        "Sheet1",
        [
            ["序号", "题目", "A", "B", "C", "D", "答案", "题型", "解析"],
            ["1", S, "绝缘鞋", "绝缘靴", "", "", "B", "单选", "因为"],
            ["2", J, "", "", "", "", "×", "判断", ""],
        ],
        {6},
    ),
    (
        "type-sheets",
        "单选题",
        [
            [
                "题目（必填）：",
                "考核点",
                "难度：",
                "试题解析：",
                "正确答案（必填）",
                "选项A（必填）",
                "选项B",
            ],
            [S, "", "", "", "B", "绝缘鞋", "绝缘靴"],
        ],
        {4},
    ),
    (
        "option-columns",
        "Sheet1",
        [
            ["类型", "题目", "选项A", "选项B", "选项E\n(勿删)", "答案"],
            ["单选", S, "绝缘鞋", "绝缘靴", "", "B"],
            ["判断", J, "", "", "", "错"],
        ],
        {5},
    ),
    ("stem-and-answer", "Sheet1", [["题目", "答案"], [S, "绝缘靴"], [J, "错误"]], {1}),
    (
        "canonical",
        "题库",
        [
            ["专业", "题型", "题目内容", "题目依据条款", "选项", "正确答案"],
            ["变电", "单选题", S, "变电安规 5", "A. 绝缘鞋,B. 绝缘靴", "B. 绝缘靴"],
        ],
        {5},
    ),
    (
        "numbered-options",
        "Sheet1",
        [
            ["题目类型", "题目内容", "选项1", "选项2", "参考答案", "考核知识点"],
            ["单选题", S, "绝缘鞋", "绝缘靴", "2", "x"],
        ],
        {4},
    ),
    (
        "options-in-cell",
        "Sheet1",
        [
            ["题型", "题干", "选项", "答案"],
            ["单选题", S, "绝缘鞋$|$绝缘靴", "2"],
            ["判断题", J, "对,错", "对"],
        ],
        {3},
    ),
    (
        "no-header",
        "Sheet1",
        [
            ["1", S, "绝缘鞋", "绝缘靴", "雨靴", "B"],
            ["2", "接地线的截面不得小于（ ）mm²。", "16", "25", "35", "B"],
        ],
        {5},
    ),
]


def asked(rows: Sequence[Sequence[str]], name: str = "Sheet1", *, alone: bool = True) -> AskedSheet:
    return read_asked_sheet(sheet_of(rows, name), "题.xlsx", alone=alone)


def one(*cells: str, header: Sequence[str] = ("题型", "题干", "选项", "答案")) -> AskedRow:
    (row,) = asked([header, cells]).rows
    return row


def options(row: AskedRow) -> list[tuple[str, str]]:
    assert row.asked is not None, row.refusal
    return [(option.label, option.text) for option in row.asked.options]


def without(rows: Sequence[Sequence[str]], columns: set[int]) -> list[list[str]]:
    return [[cell for place, cell in enumerate(row) if place not in columns] for row in rows]


@pytest.mark.parametrize(("layout", "name", "rows", "answers"), LAYOUTS, ids=[case[0] for case in LAYOUTS])
def test_a_layout_asks_the_same_with_and_without_its_answers(
    layout: str, name: str, rows: list[list[str]], answers: set[int]
) -> None:
    full, bare = asked(rows, name), asked(without(rows, answers), name)
    assert [row.asked for row in full.rows] == [row.asked for row in bare.rows]
    assert all(row.asked and not row.refusal for row in full.rows)
    assert [row.source.row for row in full.rows] == list(
        range(1 if layout == "no-header" else 2, len(rows) + 1)
    )
    assert all(row.answer_text for row in full.rows)
    assert not any(row.answer_text for row in bare.rows)
    if layout != "stem-and-answer":
        assert [text for _, text in options(full.rows[0])][:2] == ["绝缘鞋", "绝缘靴"]


def test_type_and_profession_are_as_the_sheet_says() -> None:
    rows = asked(LAYOUTS[0][2], "题库格式").rows
    assert [row.type_text for row in rows] == ["单选题", "判断题"]
    assert [row.asked and row.asked.question_type for row in rows] == [
        QuestionType.SINGLE,
        QuestionType.JUDGE,
    ]
    assert [row.asked and row.asked.profession for row in rows] == ["变电", "变电"]
    assert options(rows[1]) == [("A", "正确"), ("B", "错误")]


def test_a_sheets_name_and_a_heading_say_the_type() -> None:
    (judged,) = asked([["题目", "考核点"], [J, ""]], "判断题").rows
    assert (judged.type_text, judged.asked and judged.asked.question_type) == ("判断题", QuestionType.JUDGE)
    headed = asked([["题目", "选项"], ["二、判断题（每题1分）", ""], [J, ""]])
    assert [row.asked and row.asked.question_type for row in headed.rows] == [QuestionType.JUDGE]


def test_titles_above_the_header_and_repeated_headers_are_not_asked() -> None:
    rows = [["安规考试", ""], ["题目", "选项"], [S, "A、绝缘鞋 B、绝缘靴"], ["题目", "选项"], [J, ""]]
    sheet = sheet_of(rows, merged=[MergedRange(1, 1, 1, 2)])
    reading = read_asked_sheet(sheet, "题.xlsx", alone=True)
    assert [row.source.row for row in reading.rows] == [3, 5]


@pytest.mark.parametrize(
    "kind", [RemarkKind.NO_VALUE, RemarkKind.ERROR, RemarkKind.PICTURE], ids=["formula", "error", "picture"]
)
def test_a_row_whose_stem_cannot_be_seen_is_kept_with_its_reason(kind: RemarkKind) -> None:
    text = "#N/A" if kind is RemarkKind.ERROR else ""
    sheet = sheet_of(
        [["题型", "题干", "选项"], ["单选题", text, "A-甲|B-乙"], ["判断题", J, ""]],
        remarks={(2, 2): Remark(kind)},
    )
    first, second = read_asked_sheet(sheet, "题.xlsx", alone=True).rows
    assert first.asked is None
    assert first.refusal
    assert second.asked is not None


@pytest.mark.parametrize("kind", [RemarkKind.NO_VALUE, RemarkKind.ERROR])
def test_an_answer_that_is_a_formula_without_value_stops_no_question(kind: RemarkKind) -> None:
    sheet = sheet_of([["题干", "选项", "答案"], [S, "A-甲|B-乙", ""]], remarks={(2, 3): Remark(kind)})
    (row,) = read_asked_sheet(sheet, "题.xlsx", alone=True).rows
    assert row.asked is not None


def test_an_answer_given_away_in_the_stem_is_not_told() -> None:
    for answer in ("B", ""):
        row = one("单选题", "巡视室外高压设备应穿（B）。", "A-绝缘鞋|B-绝缘靴", answer)
        assert row.asked is not None
        assert "B）" not in row.asked.text
        assert any("改成空格" in note for note in row.notes)
        assert row.stem_text == "巡视室外高压设备应穿（B）。"
    judged = one("判断题", "单人操作时可以登杆。（×）", "", "")
    assert judged.asked is not None
    assert "×" not in judged.asked.text


def test_a_symbol_in_brackets_stays() -> None:
    row = one("单选题", "噪声的单位dB(A)表示（ ）。", "A-声级|B-声强", "A")
    assert row.asked is not None
    assert "dB(A)" in row.asked.stem


def test_options_in_the_stems_own_cell_are_parted_from_it() -> None:
    row = one(f"{S}\nA. 绝缘鞋\nB. 绝缘靴", "备注", header=("题目", "备注"))
    assert options(row) == [("A", "绝缘鞋"), ("B", "绝缘靴")]
    assert (row.stem_text, row.options_text) == (S, "A. 绝缘鞋\nB. 绝缘靴")


def test_options_that_cannot_be_told_apart_are_not_asked() -> None:
    assert "分不清" in one("单选题", S, "A-停电|B-验电|B-接地|D-挂牌", "").refusal


def test_a_statement_with_the_options_of_another_row() -> None:
    stated = one("判断题", J, "A-停电|B-验电", "错")
    assert options(stated) == []
    assert any("别的选项" in note for note in stated.notes)
    asking = one("判断题", S, "A-绝缘鞋|B-绝缘靴", "")
    assert asking.asked is not None
    assert asking.asked.question_type is None
    assert len(options(asking)) == 2


def test_columns_of_answers_are_options_of_a_choice_and_answers_of_blanks() -> None:
    header = ("题型", "题目", "答案A", "答案B")
    choice = one("单选题", S, "绝缘鞋", "绝缘靴", header=header)
    assert [text for _, text in options(choice)] == ["绝缘鞋", "绝缘靴"]
    blanks = one("填空题", "验电后应____，再____。", "接地", "挂牌", header=header)
    assert (options(blanks), blanks.answer_text) == ([], "接地\n挂牌")


def test_a_hidden_row_is_asked_and_says_so() -> None:
    sheet = sheet_of([["题目", "选项"], [S, "A-甲|B-乙"], [J, ""]], hidden_rows=[3])
    first, second = read_asked_sheet(sheet, "题.xlsx", alone=True).rows
    assert (first.notes, second.notes) == ((), ("这一行在表里是隐藏的",))


def test_a_sheet_beside_others_that_shows_no_question_is_left_alone() -> None:
    tasks = [["姓名", "部门"], ["张三", "运维班"], ["李四", "检修班"]]
    reading = asked(tasks, "任务分配", alone=False)
    assert reading.rows == ()
    assert reading.skipped[0].rows == (1, 2, 3)


def test_two_columns_without_a_header_are_no_options() -> None:
    rows = [[S, "绝缘靴", "见安规"], [M, "停电、验电", "见安规"], ["接地线由（ ）装设。", "两人", "见安规"]]
    assert all(options(row) == [] for row in asked(rows).rows)


def test_one_column_of_lines_is_a_text() -> None:
    lines = [[S], ["A. 绝缘鞋"], ["B. 绝缘靴"], [J]]
    for rows in (lines, [["题目"], *lines]):
        first, second = asked(rows).rows
        assert options(first) == [("A", "绝缘鞋"), ("B", "绝缘靴")]
        assert second.asked is not None
        assert second.source.row == len(rows)


def test_options_in_rows_below_their_question() -> None:
    rows = [["序号", "题目"], ["1", S], ["", "A. 绝缘鞋"], ["", "B. 绝缘靴"], ["2", J]]
    first, second = asked(rows).rows
    assert options(first) == [("A", "绝缘鞋"), ("B", "绝缘靴")]
    assert (second.source.row, options(second)) == (5, [])


@pytest.mark.parametrize("make", [random_rows, mutated_rows])
def test_no_cell_breaks_the_reader_and_every_row_has_a_question_or_a_reason(
    make: Callable[[random.Random], list[list[str]]],
) -> None:
    for seed in range(150):
        sheet = any_sheet(make, seed)
        rows = {row.source.row: row for row in read_asked_sheet(sheet, "题.xlsx", alone=True).rows}
        for row in rows.values():
            assert (row.asked is None) == bool(row.refusal)
            assert row.asked is None or any(map(str.isalnum, row.asked.stem))
        if not list(headers(sheet.rows)):
            continue
        for question in read_sheet(sheet, "题.xlsx").questions:
            asking = rows[question.sources[0].row].asked
            if asking is not None and question.options:
                assert tuple(option.text for option in asking.options) == question.options


@pytest.mark.parametrize("piece", ["A.", "（", "A、", "\n", "(A)"])
def test_the_longest_cell_is_read_at_once(piece: str) -> None:
    long = (piece * 32_767)[:32_767]
    for cells in (("单选题", long, "A-甲|B-乙", "A"), ("单选题", S, long, long)):
        one(*cells)
    read_asked_lines(long.split("\n"), "文本", "题.txt")
