"""Points, counts and the words an answer is shown in."""

import json
import random

import pytest

from tests.question_bank.factory import fill, judge, multiple
from tests.question_bank.papers import BOOTS, CLOTHES, EXAM, FENCE, ORDERS, STEPS, paper
from xiaoan.question_bank.drawing.paper import Paper
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.grading import PartialCredit
from xiaoan.question_bank.question import Question
from xiaoan.question_bank.results import PaperResult, Tally, given_letters, given_lines
from xiaoan.question_bank.session import QuizSession


def result_of(drawn: Paper, *answers: str) -> PaperResult:
    quiz = QuizSession(drawn)
    for place, answer in enumerate(answers):
        quiz = quiz.go_to(place).spend(10)
        quiz = quiz.answer(answer) if answer else quiz
    return quiz.hand_in().result()


def test_points_are_added_up_by_question_profession_and_type() -> None:
    drawn = paper(BOOTS, CLOTHES, FENCE, EXAM, points=(1, 2, 1, 4), pass_percent=60)
    result = result_of(drawn, "B", "AC", "B", "B")
    assert (result.earned, result.points, result.percent, result.passed) == (6, 8, 75, True)
    assert {name: (one.earned, one.points) for name, one in result.by_profession.items()} == {
        "变电": (2, 2),
        "配电": (4, 6),
    }
    assert list(result.by_type) == ["单选题", "多选题", "判断题"]
    assert result.by_type["单选题"] == Tally(count=2, right=2, earned=5, points=5)


def test_mistakes_are_what_is_wrong_partly_right_or_missing() -> None:
    drawn = paper(partial_credit=PartialCredit.HALF)
    result = result_of(drawn, "B", "AC", "对", "", "拒绝执行", "B")
    assert [(item.number, item.outcome) for item in result.mistakes] == [
        (2, "partly"),
        (3, "wrong"),
        (4, "unanswered"),
    ]


def test_a_short_answer_earns_an_estimate_that_is_said() -> None:
    result = result_of(paper(BOOTS, ORDERS, points=(1, 4)), "B", "拒绝执行")
    assert (result.earned, result.estimated) == (3, 2)
    assert result.notes == ("简答题 1 道按答到的要点估分：2 分（满分 4 分），以人工评阅为准。",)
    assert result.total == Tally(count=2, right=1, open=1, earned=3, points=5)
    assert result.total.accuracy == 1
    assert result.mistakes == ()


def test_thirds_of_points_add_up_to_the_pass_mark() -> None:
    names = ("停电", "验电", "接地")
    asked = [multiple(f"第{place}处要做的有（ ）。", names, names) for place in "一二三"]
    drawn = paper(*asked, partial_credit=PartialCredit.SHARE, pass_percent=100 / 3)
    result = result_of(drawn, "A", "A", "A")
    assert (result.earned, result.percent, result.passed) == (1, 33.333333, True)
    drawn = paper(*asked, points=(0.1, 0.1, 0.1), pass_percent=100)
    assert result_of(drawn, "ABC", "ABC", "ABC").passed is True


def test_a_pass_mark_is_reached_before_points_are_rounded() -> None:
    third = [judge(f"第{place}组可以单独留在高压室。", "错误") for place in "一二三四五六七八九十"]
    drawn = paper(*third, points=[1 / 3] * 10, pass_percent=10)
    result = result_of(drawn, "错", *["对"] * 9)
    assert (result.earned, result.percent, result.passed) == (0.333333, 10, True)


@pytest.mark.parametrize(("right", "passed"), [(3, False), (4, True), (5, True)])
def test_the_pass_mark_itself_passes(right: int, passed: bool) -> None:
    drawn = paper(
        *[judge(f"第{place}组可以单独留在高压室。", "错误") for place in "一二三四五"], pass_percent=80
    )
    assert result_of(drawn, *["错"] * right).passed is passed


def test_nothing_is_passed_where_there_is_no_pass_mark() -> None:
    assert result_of(paper(BOOTS), "B").passed is None


def test_nothing_answered_has_no_accuracy_and_no_points() -> None:
    result = result_of(paper(BOOTS, FENCE))
    assert (result.earned, result.percent, result.total.accuracy) == (0, 0, None)
    assert result.total.unanswered == len(result.mistakes) == 2


@pytest.mark.parametrize(
    ("question", "given", "letters", "lines"),
    [
        (BOOTS, "ｂ", ("B",), ("B. 绝缘靴",)),
        (BOOTS, "绝缘靴", ("B",), ("B. 绝缘靴",)),
        (CLOTHES, "d a", ("A", "D"), ("A. 安全帽", "D. 绝缘鞋")),
        (FENCE, "×", ("B",), ("错误",)),
        (FENCE, "a", ("A",), ("正确",)),
        (STEPS, "停电；验电", (), ("停电", "验电")),
        (STEPS, "；验电", (), ("（空着）", "验电")),
        (fill("每（ ）考一次。", ["年"]), " 年 ", (), ("年",)),
        (ORDERS, "拒绝执行\n\n 报告上级", (), ("拒绝执行", "报告上级")),
        (BOOTS, "看不懂", (), ("看不懂",)),
        (FENCE, "看不懂", (), ("看不懂",)),
    ],
)
def test_an_answer_is_shown_in_the_words_of_its_question(
    question: Question, given: str, letters: tuple[str, ...], lines: tuple[str, ...]
) -> None:
    shown = ShownQuestion.as_stored(question)
    assert given_letters(given, shown) == letters
    assert given_lines(given, shown) == lines


def test_an_answer_is_shown_with_the_letters_the_person_saw() -> None:
    shown = ShownQuestion(BOOTS, (3, 1, 2, 0))
    assert given_lines("A", shown) == ("A. 皮鞋",)
    assert given_lines("雨靴", shown) == ("D. 雨靴",)


def test_a_result_is_a_document_with_everything_shown() -> None:
    drawn = paper(shuffled_by=random.Random(3), pass_percent=80)
    result = result_of(drawn, "A", "", "B", "停电；接地", "拒绝执行")
    document = json.loads(json.dumps(result.to_document()))
    assert document["passed"] is False
    assert document["total"]["count"] == len(document["items"]) == 6
    boots, clothes, _, steps, orders, _ = document["items"]
    assert boots["answer"] == list(drawn.items[0].shown.answer_lines)
    assert boots["given_lines"] == [boots["options"][0]]
    assert (clothes["given"], clothes["verdict"], clothes["estimated"]) == ("", "unanswered", False)
    assert (steps["verdict"], steps["earned"], steps["seconds"]) == ("partly", 0.5, 10)
    assert (orders["verdict"], orders["estimated"], orders["explanation"]) == (
        "open",
        True,
        "作业人员有权不干",
    )
