from dataclasses import replace

import pytest

from tests.question_bank.factory import fill, judge, multiple, single
from xiaoan.question_bank.conflicts import find_conflicts
from xiaoan.question_bank.question import Question, QuestionBank, Source

OPTIONS = ["绝缘靴", "雨靴", "布鞋"]


def at(row: int, question: Question) -> Question:
    return replace(question, sources=(Source("题库.xlsx", "题库", row),))


def test_two_answers_to_one_question_are_a_conflict_that_names_both_rows() -> None:
    right = at(2, single("雷雨天气巡视应穿（ ）。", OPTIONS, "绝缘靴"))
    wrong = at(9, single("雷雨天气巡视应穿( )", OPTIONS[::-1], "雨靴"))
    (conflict,) = find_conflicts([right, at(3, judge("应先验电。")), wrong])
    assert (conflict.stem, conflict.profession) == ("雷雨天气巡视应穿（ ）。", "变电")
    assert [(row.source.row, row.answer) for row in conflict.rows] == [(2, ("绝缘靴",)), (9, ("雨靴",))]


def test_the_same_question_in_another_profession_is_another_question() -> None:
    questions = [single("应穿（ ）", OPTIONS, answer, profession) for answer, profession in
                 [("绝缘靴", "变电"), ("雨靴", "配电")]]  # fmt: skip
    assert find_conflicts(questions) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (judge("应先验电。", "正确"), judge("应先验电", "错误")),
        (fill("应为（ ）m", ["4"]), fill("应为（ ）m", ["5"])),
        (fill("先（ ）后（ ）", ["停电", "验电"]), fill("先（ ）后（ ）", ["验电", "停电"])),
        (multiple("应穿（ ）", OPTIONS, OPTIONS[:2]), multiple("应穿（ ）", OPTIONS, OPTIONS[1:])),
        (single("应穿（ ）", OPTIONS, "绝缘靴"), multiple("应穿（ ）", OPTIONS, OPTIONS[:2])),
    ],
)
def test_every_kind_of_question_can_contradict_itself(one: Question, other: Question) -> None:
    assert len(find_conflicts([one, other])) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (fill("应为（ ）", ["4m"]), fill("应为（ ）", ["4米"])),
        (multiple("应穿（ ）", OPTIONS, OPTIONS[:2]), multiple("应穿（ ）", OPTIONS, OPTIONS[1::-1])),
        (single("应穿（ ）", OPTIONS, "雨靴"), single("应穿（ ）", [*OPTIONS, "凉鞋"], "绝缘靴")),
        (single("应穿（ ）", OPTIONS, "雨靴"), multiple("应穿（ ）", OPTIONS, ["雨靴"])),
        (judge("应为150%。"), judge("应为125%。", "错误")),
    ],
)
def test_what_agrees_or_asks_another_thing_is_no_conflict(one: Question, other: Question) -> None:
    assert find_conflicts([one, other]) == []


def test_blanks_in_any_order_agree_in_any_order() -> None:
    one = replace(fill("应（ ）和（ ）", ["停电", "验电"]), any_order=True)
    other = replace(fill("应（ ）和（ ）", ["验电", "停电"]), any_order=True)
    assert find_conflicts([one, other]) == []


def test_exact_duplicates_are_counted_and_are_no_conflict() -> None:
    questions = [at(row, judge("应先验电。")) for row in (2, 3, 4)] + [at(5, judge("应先停电。"))]
    assert len(questions) - len(QuestionBank(questions)) == 2
    assert find_conflicts(questions) == []


def test_a_blank_to_fill_does_not_contradict_a_choice() -> None:
    assert find_conflicts([fill("应先（ ）", ["停电"]), single("应先（ ）", ["停电", "验电"], "验电")]) == []
