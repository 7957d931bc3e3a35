import random

import pytest

from tests.question_bank.made_sheets import question, read_one, read_rows, refusal, warnings
from xiaoan.question_bank.drawing.shuffling import shuffle_options
from xiaoan.question_bank.grading import same_answer
from xiaoan.question_bank.question import QuestionType, Source
from xiaoan.question_bank.rows.columns import Columns, Field
from xiaoan.question_bank.rows.faults import FaultCode, Severity
from xiaoan.question_bank.rows.row_reading import read_cells, read_row
from xiaoan.question_bank.rows.stem_cells import asks, has_blank, leaked_letters, take_type_hint
from xiaoan.question_bank.rows.type_words import read_type, section_type

SOURCE = Source("题库.xlsx", "题库", 2)


def test_a_row_of_the_canonical_workbook_is_read_by_its_fields() -> None:
    texts = {
        Field.TYPE: "多选题",
        Field.STEM: "1. 措施有（ ）。",
        Field.OPTIONS: "A. 停电,B. 验电,C. 送电",
        Field.ANSWER: "A. 停电,B. 验电",
    }
    reading = read_row(texts, SOURCE)
    assert reading.problems == ()
    assert reading.question is not None
    assert (reading.question.stem, reading.question.answer) == ("措施有（ ）。", ("停电", "验电"))
    assert reading.question.sources == (SOURCE,)


def test_a_problem_names_the_column_that_it_lies_in() -> None:
    columns = Columns({Field.STEM: 3, Field.ANSWER: 1}, options=(("A", 0), ("B", 2)))
    reading = read_cells(columns, ["停电", "c", "验电", "应（ ）。"], SOURCE)
    assert reading.question is None
    assert [(problem.column, problem.code) for problem in reading.problems][-1] == (1, FaultCode.BAD_ANSWER)


@pytest.mark.parametrize(
    ("options", "answer"),
    [("A-AB|B-A|C-B|D-都不是", "A"), ("2|4|6|8", "2"), ("A-B|B-A", "AB")],
)
def test_an_answer_that_is_a_label_and_another_options_text_is_refused(options: str, answer: str) -> None:
    if answer == "AB":
        assert question(题型="多选题", 选项=options, 答案=answer).answer == ("B", "A")
    else:
        assert refusal(选项=options, 答案=answer) == FaultCode.BAD_ANSWER


def test_an_answer_that_is_label_and_text_of_the_same_option_is_read() -> None:
    assert question(选项="A-A相|B-B相|C-C相", 答案="B").answer == ("B相",)
    assert question(选项="1|2|3|4", 答案="2").answer == ("2",)


def test_a_choice_with_one_option_is_refused() -> None:
    assert refusal(选项="A-停电") == FaultCode.NO_OPTIONS
    assert refusal(选项="停电") == FaultCode.NO_OPTIONS
    assert refusal(选项="\\") == FaultCode.NO_OPTIONS


def test_control_characters_never_come_through() -> None:
    read = question(题干="应\u202e先\u200b（ ）\x1b[31m。", 选项="A-停\x00电|B-验\u200b电", 答案="\ufeffA")
    assert (read.stem, read.options, read.answer) == ("应先（ ）。", ("停电", "验电"), ("停电",))


def test_the_words_na_and_null_are_text() -> None:
    read = question(选项="A-NA|B-null|C-None", 答案="B")
    assert read.answer == ("null",)
    assert question(题型="填空题", 选项="", 答案="None").answer == ("None",)


@pytest.mark.parametrize("cell", ["", "\\", "/", " "])
def test_a_clause_that_says_nothing_is_empty(cell: str) -> None:
    assert question(依据=cell, 专业=cell).clause == ""
    assert question(依据=cell, 专业=cell).profession == ""


def test_a_stem_without_words_is_refused() -> None:
    for stem in ("", "（ ）", "\u200b", "。", "…"):
        assert refusal(题干=stem) == FaultCode.NO_STEM


def test_only_a_picture_for_a_stem_is_refused_and_one_beside_words_is_said() -> None:
    assert refusal(题干='=DISPIMG("ID_1",1)') == FaultCode.PICTURE_ONLY
    assert warnings(read_one(题干="[图片]图中的标示牌应（ ）。")) == {FaultCode.PICTURE}


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("应先验电。（ ）", False),
        ("应先验电（ ）", True),
        ("接地之前应（ ）。", True),
        ("下列说法正确的是", True),
        ("应由几人进行？", True),
        ("应先验电。", False),
        ("严禁跨越遮栏", False),
    ],
)
def test_a_statement_is_told_from_what_may_ask(stem: str, expected: bool) -> None:
    assert asks(stem) is expected


def test_blanks_within_a_stem() -> None:
    assert has_blank("先（ ）后验电。")
    assert not has_blank("应先验电。（ ）")


@pytest.mark.parametrize(
    ("stem", "letters"),
    [
        ("接地前应为（B）。", "B"),
        ("措施有（A、C）", "AC"),
        ("延伸率（A）应合格", None),
        ("噪声不超过85dB(A)", None),
        ("接地前应为（F）。", None),
        ("应为（B），并（ ）", None),
        ("应为（A），后为（B）", None),
    ],
)
def test_letters_that_stand_for_a_blank(stem: str, letters: str | None) -> None:
    leak = leaked_letters(stem, frozenset("ABCD"))
    assert (leak.answer if leak else None) == letters


def test_a_word_in_brackets_is_only_a_type_if_it_says_one() -> None:
    assert take_type_hint("【多选】措施有（ ）。") == ("多选", "措施有（ ）。")
    assert question(题干="（变电）接地前应（ ）。").stem == "（变电）接地前应（ ）。"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("单选题", QuestionType.SINGLE),
        ("变电单选", QuestionType.SINGLE),
        ("判断题(20题)", QuestionType.JUDGE),
        ("不定项选择题", QuestionType.MULTIPLE),
        ("论述题", QuestionType.SHORT),
        ("单选题和多选题", None),
        ("Sheet1", None),
    ],
)
def test_types_are_told_by_their_words(word: str, expected: QuestionType | None) -> None:
    assert read_type(word).type is expected


def test_a_choice_without_a_number_is_known_as_a_choice() -> None:
    assert read_type("数字类选择题").choice
    assert not read_type("单选题和多选题").choice


@pytest.mark.parametrize(
    ("text", "heads"),
    [
        ("一、单选题（每题1分，共50题）", True),
        ("第二部分 多选题", True),
        ("第三章 高压设备", True),
        ("判断题填写要求", False),
        ("在停电的设备上工作应先验电", False),
        ("单选题的选项应有四个", False),
    ],
)
def test_headings_between_rows(text: str, heads: bool) -> None:
    assert (section_type(text) is not None) is heads


def test_a_judgement_marked_as_a_choice_without_options() -> None:
    changed = {"题型": "单选题", "题干": "应先验电。", "选项": "", "答案": "√"}
    assert question(**changed).question_type is QuestionType.JUDGE
    assert warnings(read_one(**changed)) == {FaultCode.TYPE_CHANGED}


@pytest.mark.parametrize(
    ("word", "answer", "expected"),
    [
        ("单选题", "装设接地线", ("装设接地线",)),
        ("多选题", "停电；验电", ("停电", "验电")),
        ("多选题", "A. 停电；B. 验电", ("停电", "验电")),
    ],
)
def test_a_choice_in_a_sheet_without_options_is_answered_by_its_text(
    word: str, answer: str, expected: tuple[str, ...]
) -> None:
    reading = read_rows([["题型", "题干", "答案"], [word, "工作之前应（ ）。", answer]])
    (read,) = reading.questions
    assert (read.options, read.answer, read.answer_letters) == ((), expected, ())
    assert same_answer("；".join(expected), read)
    assert not same_answer("拆除接地线", read)
    assert read_rows([["题型", "题干", "答案"], [word, "工作之前应（ ）。", "AB"]]).refused == 1


@pytest.mark.parametrize(("word", "answer"), [("单选题", "装设接地线"), ("多选题", "停电；验电")])
@pytest.mark.parametrize("empty", ["", "/", "无"])
def test_a_choice_without_options_is_read_where_others_have_some_if_its_answer_is_in_words(
    word: str, answer: str, empty: str
) -> None:
    reading = read_one(题型=word, 选项=empty, 答案=answer)
    (fault,) = reading.faults
    assert (reading.questions[0].options, "；".join(reading.questions[0].answer)) == ((), answer)
    assert (fault.code, fault.severity, fault.column) == (FaultCode.NO_OPTIONS, Severity.WARNING, "E")
    assert refusal(题型=word, 选项=empty, 答案="A") == FaultCode.NO_OPTIONS
    assert refusal(题型=word, 选项=empty, 答案="A. 停电") == FaultCode.NO_OPTIONS
    assert refusal(题型=word, 选项="停电", 答案=answer) == FaultCode.NO_OPTIONS


@pytest.mark.parametrize("blanks", [0, 1, 2, 3])
def test_dollars_part_the_answers_however_many_blanks_there_are(blanks: int) -> None:
    changed = {
        "题型": "填空题",
        "题干": "工作前应" + "（ ）、" * blanks + "再工作",
        "选项": "",
        "答案": "停电$;$验电",
    }
    assert question(**changed).answer == ("停电", "验电")
    expected = set() if blanks in (0, 2) else {FaultCode.BLANK_COUNT}
    assert warnings(read_one(**changed)) == expected


def test_letters_of_an_explanation_are_those_of_the_sheet_where_it_left_an_option_empty() -> None:
    header = ["题型", "题干", "选项A", "选项B", "选项C", "选项D", "答案", "解析"]
    row = ["单选题", "巡视时应穿（ ）。", "雨靴", "", "绝缘靴", "布鞋", "C", "C项正确。"]
    (read,) = read_rows([header, row]).questions
    assert (read.options, read.answer) == (("雨靴", "绝缘靴", "布鞋"), ("绝缘靴",))
    assert read.explanation == "（解析里的字母按原表：A、C、D。）\nC项正确。"
    assert {shuffle_options(read, random.Random(seed)).order for seed in range(20)} == {(0, 1, 2)}
    assert read_rows([header, [*row[:-1], "见规程。"]]).questions[0].explanation == "见规程。"
