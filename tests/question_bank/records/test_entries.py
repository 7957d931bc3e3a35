import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.question_bank.records.made_progress import BEIJING, attempt
from xiaoan.question_bank.records.entries import Count, ReviewRules, clean_user


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": datetime(2026, 3, 2)},
        {"at": datetime(9999, 12, 31, tzinfo=UTC)},
        {"at": datetime(1900, 1, 1, tzinfo=BEIJING)},  # still 1899 where it is kept
        {"question_id": ""},
        {"mode": "exam"},
        {"verdict": "open"},
        {"credit": 1.1},
        {"credit": math.nan},
        {"seconds": -0.1},
        {"seconds": math.inf},
        {"uid": 1 << 63},
    ],
)
def test_an_attempt_that_nothing_graded_can_have_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="attempt"):
        replace(attempt(), **wrong)


def test_attempts_of_the_same_words_are_equal_but_not_the_same() -> None:
    assert attempt() == attempt()
    assert attempt().uid != attempt().uid


def test_accuracy_is_the_share_of_right_answers() -> None:
    assert Count(attempts=8, right=6).accuracy == 0.75


@pytest.mark.parametrize("wrong", [{"leave_after": 0}, {"slow_s": 0}])
def test_rules_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rules"):
        ReviewRules(**wrong)


def test_the_longest_name_is_a_name() -> None:
    assert clean_user(" " + "安" * 64 + " ") == "安" * 64
