"""When a question is due again: FSRS after each answer, and what a person's record of one question becomes."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from xiaoan.question_bank.records.entries import Attempt, ReviewRules

if TYPE_CHECKING:
    from fsrs import Scheduler

AGAIN: Final = 1
HARD: Final = 2
GOOD: Final = 3
RATINGS: Final = {"again": AGAIN, "hard": HARD, "good": GOOD}

_LEARNING, _REVIEW, _RELEARNING = 1, 2, 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(time: datetime) -> int:
    """Return an aware time as whole microseconds since 1970 in UTC."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(stored: int) -> datetime:
    """Return the time of `to_microseconds`, in UTC."""
    return _EPOCH + timedelta(microseconds=stored)


@dataclass(frozen=True, slots=True)
class Card:
    """What FSRS keeps of one question; `phase` is its learning, review or relearning state.

    Raises ValueError for what FSRS never says, TypeError for what is no number.
    """

    phase: int
    step: int | None
    stability: float
    difficulty: float
    due: datetime
    reviewed_at: datetime

    def __post_init__(self) -> None:
        has_step = self.step is not None and self.step >= 0
        if self.phase not in (_LEARNING, _REVIEW, _RELEARNING) or has_step == (self.phase == _REVIEW):
            raise ValueError(f"no card: phase {self.phase!r}, step {self.step!r}")
        if not (0 < self.stability < math.inf and 1 <= self.difficulty <= 10):
            raise ValueError(f"no card: stability {self.stability!r}, difficulty {self.difficulty!r}")


@dataclass(frozen=True, slots=True)
class QuestionState:
    """What all answers to one question come to. `not_right` counts wrong and partly right ones."""

    attempts: int
    not_right: int
    streak: int
    last_at: datetime
    last_day: date
    card: Card


def rating_of(attempt: Attempt, rules: ReviewRules) -> int:
    """Return how well the question was known: again (not right), hard (right, but marked or slow) or good."""
    if attempt.verdict != "right":
        return AGAIN
    return HARD if attempt.marked or attempt.seconds > rules.slow_s else GOOD


def after_answer(
    state: QuestionState | None, *, right: bool, rating: int, at: datetime, day: date
) -> QuestionState:
    """Return the state after one more answer; None is a question never answered.

    Answers count in the order they are given to this function, whatever a clock that was set back says.
    """
    card = review(state.card if state else None, rating, at)
    if state is None:
        return QuestionState(1, int(not right), int(right), at, day, card)
    return QuestionState(
        attempts=state.attempts + 1,
        not_right=state.not_right + (not right),
        streak=state.streak + 1 if right else 0,
        last_at=max(state.last_at, at),
        last_day=max(state.last_day, day),
        card=card,
    )


def review(card: Card | None, rating: int, at: datetime) -> Card:
    """Return the card after one review at `at`; None is a question never reviewed. Nothing is left to chance."""
    import fsrs

    # The id only seeds what is switched off here; leaving it out would make fsrs wait for the next millisecond.
    known = fsrs.Card(card_id=0, due=at.astimezone(UTC))
    if card is not None:
        known = fsrs.Card(
            card_id=0,
            state=fsrs.State(card.phase),
            step=card.step,
            stability=card.stability,
            difficulty=card.difficulty,
            due=card.due,
            last_review=card.reviewed_at,
        )
    seen, _ = _scheduler().review_card(known, fsrs.Rating(rating), at.astimezone(UTC))
    assert seen.stability is not None
    assert seen.difficulty is not None
    assert seen.last_review is not None
    return Card(int(seen.state), seen.step, seen.stability, seen.difficulty, seen.due, seen.last_review)


def due_at(due: datetime, reviewed_at: datetime, now: datetime) -> datetime:
    """Return when a question is due: at once where it was answered in what is now the future.

    That answer was given while the clock was wrong; a question must not hide for years because of it.
    """
    return min(due, now) if reviewed_at > now else due


@cache
def _scheduler() -> "Scheduler":
    import fsrs

    return fsrs.Scheduler(enable_fuzzing=False)
