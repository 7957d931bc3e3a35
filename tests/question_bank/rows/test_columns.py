import pytest

from tests.question_bank.made_sheets import sheet_of
from xiaoan.question_bank.rows.columns import (
    Columns,
    Field,
    headers,
    heading,
    read_columns,
    text_columns,
)
from xiaoan.question_bank.rows.inferred_columns import find_type_column, infer_columns

GRID = [
    "序号",
    "一级纲要",
    "二级纲要",
    "题目分类",
    "题型",
    "题干",
    "选项",
    "答案",
    "题目依据",
    "试题编码",
    "备注",
]


def columns_of(row: list[str]) -> Columns:
    found = read_columns(row)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("题目（必填）：", "题目"),
        ("*题干", "题干"),
        ("题\n干", "题干"),
        ("选项E\n(勿删)", "选项E"),
        ("答 案", "答案"),
        ("答案（单选填一个字母）", "答案"),
        ("题目选项（用##隔开）", "题目选项"),
        ("选项，多个选项用|隔开", "选项"),
        ("正确答案:", "正确答案"),
        ("", ""),
        ("字" * 61, ""),
    ],
)
def test_a_heading_is_told_by_its_word_alone(cell: str, word: str) -> None:
    assert heading(cell) == word


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["专业", "一级纲要", "作业种类"], Field.PROFESSION),
        (["题型", "题目类型", "试题类型", "类型"], Field.TYPE),
        (["题干", "题目", "题目内容", "试题内容"], Field.STEM),
        (["题目依据", "题目依据条款", "依据"], Field.CLAUSE),
        (["选项", "题目选项"], Field.OPTIONS),
        (["答案", "正确答案（必填）", "题目答案", "参考答案"], Field.ANSWER),
    ],
)
def test_every_field_goes_by_several_words(words: list[str], field: Field) -> None:
    for word in words:
        row = ["题干" if field is not Field.STEM else "", "答案" if field is not Field.ANSWER else "", word]
        assert columns_of(row).fields[field] == 2


def test_columns_that_are_known_but_of_no_use_are_no_fields() -> None:
    columns = columns_of(GRID)
    assert columns.names() == {
        "profession": "B",
        "question_type": "E",
        "stem": "F",
        "clause": "I",
        "options": "G",
        "answer": "H",
    }
    row = ["题目编号", "题目分类", "章节", "难度", "试题分数", "考核点", "题目", "答案"]
    assert columns_of(row).names() == {"stem": "G", "answer": "H"}


def test_explanations_are_found_under_all_their_words() -> None:
    columns = columns_of(["题干", "答案", "试题解析：", "说明", "判断题解析"])
    assert columns.explanations == (2, 4, 3)
    assert columns.names()["explanation"] == "C"


@pytest.mark.parametrize(
    ("headings", "numbered"),
    [
        (["A", "B", "C"], False),
        (["选项A", "选项B", "选项C"], False),
        (["选项A（必填）", "选项B（必填）", "选项C"], False),
        (["A选项", "B选项", "C选项"], False),
        (["选项（A）", "选项（B）", "选项（C）"], False),
        (["选项(A)", "选项 (B) ", "选项(C)(必填)"], False),
        (["选项【A】", "选项【B】", "选项【C】"], False),
        (["（A）选项", "（B）选项", "（C）选项"], False),
        (["选项A内容", "选项B内容", "选项C内容"], False),
        (["A选项内容", "B选项内容", "C选项内容"], False),
        (["A项", "B项", "C项"], False),
        (["选项A：", "选项B：", "选项C："], False),
        (["备选项A", "备选项B", "备选项C"], False),
        (["选项（1）", "选项（2）", "选项（3）"], True),
        (["选项1", "选项2", "选项3"], True),
        (["选项一", "选项二", "选项三"], True),
    ],
)
def test_one_column_per_option(headings: list[str], numbered: bool) -> None:
    columns = columns_of(["题干", *headings, "答案"])
    assert [place for _, place in columns.options] == [1, 2, 3]
    assert columns.numbered is numbered
    assert columns.options[0][0] == ("1" if numbered else "A")


def test_twelve_options_and_twelve_answers_are_told_apart() -> None:
    letters = "ABCDEFGHIJKL"
    options = columns_of(["题目", *(f"选项{letter}" for letter in letters), "正确答案"])
    assert (len(options.options), options.answers) == (12, ())
    answers = columns_of(["题目", *(f"答案{letter}" for letter in letters), "填空顺序"])
    assert (answers.options, len(answers.answers), answers.blank_order) == ((), 12, 13)


def test_answers_beside_a_right_answer_are_options() -> None:
    columns = columns_of(["题目", "答案A", "答案B", "答案C", "正确答案"])
    assert [label for label, _ in columns.options] == ["A", "B", "C"]


@pytest.mark.parametrize(
    "row",
    [
        [],
        ["题干"],
        ["题干", "题型"],
        ["答案", "选项"],
        ["红色删除", "黄色修改"],
        ["任务", "题目数量", "答案"],
    ],
)
def test_a_row_that_names_no_stem_or_no_answer_is_no_header(row: list[str]) -> None:
    assert read_columns(row) is None


def test_headers_are_found_wherever_they_stand() -> None:
    line = ["1", "应先验电。", "正确"]
    rows = [["安规题库"], ["说明"], ["序号", "题干", "答案"], line, ["序号", "题目", "正确答案"], line]
    found = [(header.row, header.columns.fields[Field.STEM]) for header in headers(sheet_of(rows).rows)]
    assert found == [(2, 1), (4, 1)]


def test_columns_whose_numbers_matter_are_stem_options_and_answers() -> None:
    line = ["1", "变电", "", "", "单选题", "应（ ）。", "A-停电|B-验电", "A", "", "", ""]
    assert text_columns(sheet_of([["题库"], GRID, line])) == {5, 6, 7}
    assert text_columns(sheet_of([["题干", "A", "B", "答案", "解析", "分数"]])) == {0, 1, 2, 3}
    assert text_columns(sheet_of([["应先验电。", "T"]])) == {0, 1}
    assert text_columns(sheet_of([])) == frozenset()


def test_a_type_under_an_unknown_heading_is_found_by_its_cells() -> None:
    columns = columns_of(["题目分类", "题干", "答案"])
    rows = [["单选题", "应（ ）。", "A"], ["判断", "应先验电。", "对"], ["", "应先停电。", "错"]]
    assert find_type_column(columns, rows) == 0
    assert find_type_column(columns, [*rows, ["安规", "应先停电。", "错"]]) is None


def test_columns_are_inferred_from_what_the_cells_look_like() -> None:
    rows = [
        [
            "1",
            "单选题",
            "A",
            "验电时应使用相应电压等级的（ ）。",
            "A.验电器 B.试电笔",
            "因为要相应电压等级的、合格的接触式验电器才能可靠指示",
        ],
        [
            "2",
            "多选题",
            "AB",
            "保证安全的技术措施有（ ）。",
            "A.停电 B.验电 C.送电",
            "因为这些措施都是保证安全的技术措施，缺一不可，次序也不能乱",
        ],
    ]
    found = infer_columns(rows, "Sheet1")
    assert found is not None
    assert found.fields == {Field.TYPE: 1, Field.OPTIONS: 4, Field.ANSWER: 2, Field.STEM: 3}


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([["变电专业题库的单选题由甲校核完毕", "是"], ["线路专业题库的多选题由乙校核完毕", "否"]], "Sheet2"),
        ([["验电时应使用相应电压等级的验电器。", "√"], ["可以不验电，直接装设接地线。", "×"]], "任务分配"),
        ([["甲", "A"], ["乙", "B"]], "Sheet1"),
        ([["完成变电站安全工器具检查工作", "A"], ["完成输电线路巡视检查的工作", "B"]], "Sheet1"),
        ([["红色删除/黄色修改"]], "Sheet1"),
        ([], "Sheet1"),
    ],
)
def test_a_list_of_other_things_is_not_taken_for_questions(rows: list[list[str]], name: str) -> None:
    assert infer_columns(rows, name) is None
