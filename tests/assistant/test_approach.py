"""How a question is put to the model, and of which 题型 it is."""

import pytest

from tests.fakes import ALONE, BOOTS, INFO, KEYS, PLAIN_INFO, TOOLS
from xiaoan.assistant.answering import read_question
from xiaoan.assistant.approach import Approach, approach
from xiaoan.question_bank.matching import Match, MatchKind
from xiaoan.question_bank.question import QuestionType

NOTHING = Match(MatchKind.NONE)


def to(typed: str, match: Match = NOTHING, *, decode: str = "auto", card: bool = True) -> Approach:
    return approach(read_question(typed), match, PLAIN_INFO if card else INFO, decode)


@pytest.mark.parametrize(
    ("typed", "decided"),
    [("应穿（ ）。A. 雨靴 B. 布鞋", True), ("单人操作可以登杆。", True), ("应穿（ ）。", False)],
)
def test_options_and_verdicts_are_decided_and_the_rest_is_written(typed: str, *, decided: bool) -> None:
    assert (to(typed).decided is not None) is decided
    assert (to(typed, decode="content", card=False).decided is not None) is decided
    assert to(typed, decode="free").decided is None
    assert to(typed, card=False).decided is None


def test_a_published_prefix_is_asked_what_was_typed() -> None:
    assert (
        to("1. 应穿（　　）。\nA. 雨靴\nB. 布鞋", card=False).query == "1. 应穿（　　）。\nA. 雨靴\nB. 布鞋"
    )


@pytest.mark.parametrize(
    ("typed", "match", "expected"),
    [
        (
            "（单选题）单人操作可以登杆。",
            Match(MatchKind.EQUIVALENT, (ALONE,)),
            (QuestionType.SINGLE, "said"),
        ),
        ("应登杆。A. 对 B. 错", Match(MatchKind.EQUIVALENT, (BOOTS,)), (QuestionType.JUDGE, "text")),
        ("登杆有哪些要求", Match(MatchKind.EQUIVALENT, (ALONE,)), (QuestionType.JUDGE, "bank")),
        ("应穿什么", Match(MatchKind.AMBIGUOUS, (KEYS, BOOTS)), (QuestionType.SINGLE, "bank")),
        ("应穿什么", Match(MatchKind.AMBIGUOUS, (KEYS, TOOLS)), (None, None)),
        ("登杆有哪些要求", Match(MatchKind.SIMILAR, (), (ALONE,)), (QuestionType.MULTIPLE, "text")),
    ],
)
def test_what_is_said_or_shown_outranks_the_bank_and_the_bank_a_guess(
    typed: str, match: Match, expected: tuple[QuestionType | None, str | None]
) -> None:
    found = to(typed, match)
    assert (found.question_type, found.type_source) == expected


@pytest.mark.parametrize(
    ("typed", "only_one"),
    [
        ("应穿（ ）。A. 雨靴 B. 布鞋", False),
        ("（单选题）应穿（ ）。A. 雨靴 B. 布鞋", True),
        ("（多选题）至少应有（ ）把。A. 2 B. 3", False),
        ("至少应有（ ）把。A. 2 B. 3", True),
        ("（判断题）应登杆。A. 能 B. 绝不", True),
        ("（多选题）应登杆。A. 对 B. 错", False),
    ],
)
def test_one_option_is_right_where_the_question_says_so(typed: str, *, only_one: bool) -> None:
    decided = to(typed).decided
    assert decided is not None
    assert decided.only_one is only_one


def test_options_come_back_in_the_order_shown() -> None:
    shown = to("应穿（ ）。A. 雨靴 B. 布鞋 C. 草鞋")
    assert [option.label for option in shown.chosen((2, 0))] == ["A", "C"]
