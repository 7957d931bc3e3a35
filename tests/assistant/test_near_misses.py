"""The most that an answer is worth where the question is almost one of the bank's."""

import pytest

from tests.fakes import ALONE, BOOTS, KEYS, PLAIN_INFO, question, small_bank
from xiaoan.assistant.answering import read_question
from xiaoan.assistant.approach import approach
from xiaoan.assistant.near_misses import DOUBTFUL, UNPROVEN, most_confident
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.question import QuestionBank, QuestionType

NUMBERED = question(
    "断线落地时，巡线员应把行人拦在8 m以外，并将情况上报。", "正确", question_type=QuestionType.JUDGE, row=8
)
MATCHER = Matcher(QuestionBank([*small_bank(), NUMBERED]))


def most(typed: str, matcher: Matcher | None = MATCHER) -> float:
    asked = read_question(typed)
    way = approach(asked, matcher.match(asked) if matcher else None, PLAIN_INFO, "auto")
    return most_confident(asked, way.match, way.question_type)


@pytest.mark.parametrize(
    "typed",
    [
        KEYS.stem,
        ALONE.stem,
        "断线落地时，巡线员应将情况上报。",
        "雨天检修有什么规定",
        "断线落地，巡员应把行人拦在8 m以外，将情况上报。",
    ],
)
def test_the_banks_own_questions_their_slips_and_quite_other_ones_are_worth_what_the_model_says(
    typed: str,
) -> None:
    assert most(typed) == 1


@pytest.mark.parametrize(
    "typed",
    [
        "断线落地时，巡线员应把行人拦在4 m以外，并将情况上报。",
        "断线落地时，巡线员不应把行人拦在8 m以外，并将情况上报。",
        "断线落地时，作业员应把行人拦在8 m以外，并将情况上报，对吗？",
        "高压室的钥匙至少应有4把。",
        "雷雨天气巡视室外高压设备应穿绝缘鞋。",
        "雷雨天气巡视室外高压设备不应穿（ ）。",
        "停用防误闭锁装置应经（ ）批准。",
    ],
)
def test_another_number_a_denial_another_word_in_a_statement_make_a_guess_of_it(typed: str) -> None:
    assert most(typed) == DOUBTFUL


def test_a_question_with_another_harmless_word_is_not_proven() -> None:
    assert most("雷雨天气巡检室外高压设备应穿（ ）。") == UNPROVEN


@pytest.mark.parametrize(
    "typed",
    [
        f"（线路专业）{BOOTS.stem}",
        f"（多选题）{BOOTS.stem}",
        f"{BOOTS.stem}\nA. 绝缘靴\nB. 皮鞋\nC. 布鞋",
    ],
)
def test_the_same_words_asked_otherwise_are_another_question(typed: str) -> None:
    assert most(typed) == UNPROVEN


def test_without_a_bank_nothing_is_known_of_near_misses() -> None:
    assert most("雷雨天气巡视室外高压设备不应穿（ ）。", None) == 1
