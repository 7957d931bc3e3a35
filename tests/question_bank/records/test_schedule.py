from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.question_bank.records.made_progress import BEIJING, MORNING, attempt
from xiaoan.question_bank.records.entries import ReviewRules
from xiaoan.question_bank.records.schedule import (
    AGAIN,
    GOOD,
    HARD,
    Card,
    after_answer,
    due_at,
    from_microseconds,
    rating_of,
    review,
    to_microseconds,
)

RULES = ReviewRules(slow_s=60)


@pytest.mark.parametrize(
    ("verdict", "seconds", "marked", "rating"),
    [
        ("wrong", 1, False, AGAIN),
        ("wrong", 99, True, AGAIN),
        ("partly", 1, False, AGAIN),
        ("right", 60, False, GOOD),
        ("right", 60.1, False, HARD),
        ("right", 1, True, HARD),
    ],
)
def test_how_well_a_question_was_known(verdict: str, seconds: float, marked: bool, rating: int) -> None:
    assert rating_of(attempt(verdict, seconds=seconds, marked=marked), RULES) == rating


def test_a_review_is_what_fsrs_itself_says_without_chance() -> None:
    import fsrs

    scheduler = fsrs.Scheduler(enable_fuzzing=False)
    theirs = fsrs.Card(card_id=1, due=MORNING.astimezone(UTC))
    ours: Card | None = None
    at = MORNING.astimezone(UTC)
    for rating in (AGAIN, GOOD, GOOD, HARD, GOOD, AGAIN, GOOD, GOOD):
        theirs, _ = scheduler.review_card(theirs, fsrs.Rating(rating), at)
        ours = review(ours, rating, at)
        assert (ours.due, ours.stability, ours.difficulty) == (
            theirs.due,
            theirs.stability,
            theirs.difficulty,
        )
        assert (ours.phase, ours.step, ours.reviewed_at) == (theirs.state, theirs.step, theirs.last_review)
        at = ours.due + timedelta(hours=5)


def test_any_time_zone_gives_the_same_card() -> None:
    assert review(None, GOOD, MORNING) == review(None, GOOD, MORNING.astimezone(UTC))
    assert review(None, GOOD, MORNING).due.tzinfo is UTC


def test_better_known_is_due_later() -> None:
    again, hard, good = (review(None, rating, MORNING).due for rating in (AGAIN, HARD, GOOD))
    assert MORNING < again < hard < good


def test_a_review_before_the_last_one_is_no_error() -> None:
    card = review(review(None, GOOD, MORNING), GOOD, MORNING + timedelta(days=400))
    back = review(card, AGAIN, MORNING)
    assert (back.reviewed_at, back.due) == (MORNING, MORNING + timedelta(minutes=10))


def test_a_question_answered_in_the_future_is_due_now() -> None:
    future = MORNING + timedelta(days=400)
    assert due_at(future + timedelta(days=9), future, MORNING) == MORNING
    assert due_at(MORNING + timedelta(days=9), MORNING, MORNING) == MORNING + timedelta(days=9)


def test_a_streak_counts_right_answers_since_the_last_other_one() -> None:
    state = None
    for place, right in enumerate([True, False, True, True]):
        at = MORNING + timedelta(days=place)
        state = after_answer(state, right=right, rating=GOOD if right else AGAIN, at=at, day=at.date())
    assert state is not None
    assert (state.attempts, state.not_right, state.streak) == (4, 1, 2)
    assert (state.last_at, state.last_day) == (at, at.date())


@pytest.mark.parametrize("time", [MORNING, datetime(2026, 10, 25, 0, 59, 59, 999_999, tzinfo=BEIJING)])
def test_a_time_comes_back_to_the_microsecond(time: datetime) -> None:
    assert from_microseconds(to_microseconds(time)) == time


@pytest.mark.parametrize(
    "wrong",
    [
        {"phase": 0},
        {"phase": 2},
        {"step": None},
        {"step": -1},
        {"stability": 0.0},
        {"stability": float("nan")},
        {"difficulty": 0.5},
    ],
)
def test_a_card_that_fsrs_never_made_is_refused(wrong: dict[str, Any]) -> None:
    card = review(None, GOOD, MORNING)
    with pytest.raises(ValueError, match="no card"):
        replace(card, **wrong)
