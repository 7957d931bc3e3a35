"""Answers that are figures: the place of an option, what it says, or neither where nobody can tell."""

import pytest

from tests.question_bank.made_sheets import HEADER, read_one, read_rows, refusal, row, warnings
from xiaoan.question_bank.rows.faults import FaultCode, Severity

PLACES = [row(选项="停电|验电|接地|挂牌", 答案="3"), row(题型="多选题", 选项="停电|验电|接地", 答案="1、3")]
TEXTS = [row(选项="10|20|30", 答案=answer) for answer in ("10", "20", "30")]
LETTERS = [row(), row()]
METRES = "2 m$|$4 m$|$6 m$|$8 m"


def last_answer(*before: list[str], **changed: str) -> tuple[str, ...] | None:
    """The answer of a row below other rows; None where it is refused, which must be a bad answer."""
    reading = read_rows([HEADER, *before, row(**changed)])
    number = len(before) + 2
    refused = {fault.row: fault.code for fault in reading.faults if fault.severity is Severity.REFUSED}
    if number in refused:
        assert refused[number] is FaultCode.BAD_ANSWER
        return None
    return reading.questions[-1].answer


@pytest.mark.parametrize(
    ("cell", "answer", "expected"),
    [
        (METRES, "4", ("8 m",)),
        ("A-2 m|B-4 m|C-6 m|D-8 m", "4", ("8 m",)),
        ("4|0.35|0.3|1000", "4", ("1000",)),
        ("4|0.35|0.3|1000", "1000", ("1000",)),
        ("2 s|3 s|4 s|5 s", "3", ("4 s",)),
        (METRES, "6", None),
        (METRES, "5", None),
        ("A-停电|B-验电|D-接地", "3", None),
        ("B-停电|A-验电|C-接地", "1", None),
    ],
)
def test_in_a_sheet_whose_answers_are_places_a_figure_is_a_place(
    cell: str, answer: str, expected: tuple[str, ...] | None
) -> None:
    assert last_answer(*PLACES * 5, 选项=cell, 答案=answer) == expected


def test_several_places_and_the_letters_of_other_rows_are_no_trouble() -> None:
    changed = {"题型": "多选题", "选项": "A-停电|B-验电|C-接地|D-挂牌"}
    assert last_answer(*PLACES, **changed, 答案="1、4") == ("停电", "挂牌")
    assert last_answer(*PLACES, **changed, 答案="134") == ("停电", "接地", "挂牌")
    assert last_answer(*PLACES, **changed, 答案="BD") == ("验电", "挂牌")


@pytest.mark.parametrize("cell", [METRES, "A-2 m|B-4 m|C-6 m|D-8 m", "4|0.35|0.3|1000"])
def test_a_figure_that_is_a_place_and_another_options_number_is_refused_where_nothing_tells(
    cell: str,
) -> None:
    assert refusal(选项=cell, 答案="4") is FaultCode.BAD_ANSWER


@pytest.mark.parametrize(
    ("before", "cell", "expected"),
    [
        (TEXTS, METRES, ("4 m",)),
        (LETTERS, "A-2 m|B-4 m|C-6 m|D-8 m", ("4 m",)),
        (LETTERS, METRES, None),
        ([], "1 m|2 m|3 m|4 m", ("4 m",)),
        ([], "停电|验电|接地|挂牌", ("挂牌",)),
        ([], "A-停电|B-验电|C-接地|D-挂牌", None),
    ],
)
def test_other_answers_tell_what_a_figure_means(
    before: list[list[str]], cell: str, expected: tuple[str, ...] | None
) -> None:
    assert last_answer(*before, 选项=cell, 答案="4") == expected


def test_a_number_with_a_point_is_no_list_of_places() -> None:
    read = read_one(选项="1.5 m|2 m|3 m|4 m|5 m", 答案="1.5")
    assert read.questions[0].answer == ("1.5 m",)
    assert warnings(read) == {FaultCode.ANSWER_AS_TEXT}


@pytest.mark.parametrize(("answer", "expected"), [("②", "验电"), ("2", "验电"), ("B", "验电"), ("③", "接地")])
def test_options_called_by_signs_are_answered_by_signs(answer: str, expected: str) -> None:
    assert read_one(选项="①停电②验电③接地", 答案=answer).questions[0].answer == (expected,)
    assert read_one(选项="A-①②|B-②③", 答案="①②").questions[0].answer == ("①②",)


NUMBERED = ["题型", "题干", "选项1", "选项2", "选项3", "选项4", "选项5", "参考答案"]


@pytest.mark.parametrize(
    ("answer", "expected"), [("A", "停电"), ("C", "接地"), ("3", "接地"), ("D", "挂牌"), ("4", "挂牌")]
)
def test_letters_and_figures_count_the_columns_and_not_the_filled_ones(answer: str, expected: str) -> None:
    line = ["单选题", "验电之后应（ ）。", "停电", "", "接地", "挂牌", "", answer]
    assert read_rows([NUMBERED, line]).questions[0].answer == (expected,)


@pytest.mark.parametrize("answer", ["B", "2", "E", "5"])
def test_an_empty_column_is_no_answer(answer: str) -> None:
    line = ["单选题", "验电之后应（ ）。", "停电", "", "接地", "挂牌", "", answer]
    reading = read_rows([NUMBERED, line])
    assert [fault.code for fault in reading.faults if fault.severity is Severity.REFUSED] == [
        FaultCode.BAD_ANSWER
    ]


def test_1_for_a_judgement_whose_first_option_is_wrong_is_refused() -> None:
    judge = {"题型": "判断题", "题干": "装设接地线之前必须验电。"}
    assert refusal(**judge, 选项="错误|正确", 答案="1") is FaultCode.OPTIONS_UNCLEAR
    assert read_one(**judge, 选项="正确|错误", 答案="1").questions[0].answer == ("正确",)
