"""The values that progress is made of: an answer given, a line of the wrong-question book, a session left open, counts."""

import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from xiaoan.errors import UsageError

Mode = Literal["practice", "quiz", "review"]

MODES: tuple[Mode, ...] = ("practice", "quiz", "review")
VERDICTS = ("right", "partly", "wrong")
LONGEST_NAME = 64
YEARS = range(1900, 2200)
"""Whatever a clock says in good faith; what is due some decades later can still be written."""


def _new_uid() -> int:
    return secrets.randbits(63)


@dataclass(frozen=True)
class Attempt:
    """One graded answer of one person. Raises ValueError for values that nothing graded can have.

    `given` is what was typed, `credit` the share of the points from 0 to 1, `marked` whether the question was
    marked as doubtful, `at` an aware time. `uid` tells the answer from all others, on every machine: the same
    attempt may be recorded again (a write that was tried twice, a file imported twice) and counts once.
    """

    question_id: str
    profession: str
    question_type: str
    mode: Mode
    given: str
    verdict: str
    credit: float
    seconds: float
    marked: bool
    at: datetime
    uid: int = field(default_factory=_new_uid, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"an attempt needs an aware time, not {self.at!r}")
        if self.at.year not in YEARS or self.at.astimezone(UTC).year not in YEARS:
            raise ValueError(f"no attempt: {self.at!r}")
        if not self.question_id or self.mode not in MODES or self.verdict not in VERDICTS:
            raise ValueError(f"no attempt: {self.question_id!r}, {self.mode!r}, {self.verdict!r}")
        if not (0 <= self.credit <= 1 and 0 <= self.seconds < 1e9 and 0 <= self.uid < 1 << 63):
            raise ValueError(
                f"no attempt: credit {self.credit!r}, seconds {self.seconds!r}, uid {self.uid!r}"
            )


@dataclass(frozen=True)
class BookEntry:
    """One question of the wrong-question book. `streak`: right answers in a row, `wrong`: times it was not right."""

    question_id: str
    profession: str
    question_type: str
    due: datetime
    streak: int
    pinned: bool
    wrong: int


@dataclass(frozen=True)
class Unfinished:
    """A session that was left before its end. `held`: a living process has it open, so it cannot be resumed."""

    session_id: str
    mode: Mode
    title: str
    started_at: datetime
    answered: int
    total: int
    elapsed_s: float
    held: bool = False


@dataclass(frozen=True)
class Finished:
    """A session that was brought to its end: paper and state as `Paper.to_document` and `to_state` wrote them."""

    session_id: str
    mode: Mode
    title: str
    started_at: datetime
    finished_at: datetime
    paper: Mapping[str, Any]
    state: Mapping[str, Any]


@dataclass(frozen=True)
class Count:
    """How many answers were given and how many were right, over how many different questions, in how many seconds."""

    attempts: int = 0
    right: int = 0
    questions: int = 0
    seconds: float = 0.0

    @property
    def accuracy(self) -> float | None:
        """The share of right answers from 0 to 1; None where there are none."""
        return self.right / self.attempts if self.attempts else None


@dataclass(frozen=True)
class LearningStatistics(Count):
    """The counts of one person, whole and split; 专业 and 题型 most attempts first, days in order.

    A question answered on two days is counted in both days and once in everything else. Days without an answer
    are not listed.
    """

    by_profession: Mapping[str, Count] = field(default_factory=dict)
    by_type: Mapping[str, Count] = field(default_factory=dict)
    by_day: tuple[tuple[date, Count], ...] = ()


@dataclass(frozen=True)
class ReviewRules:
    """When a question leaves the book (right answers in a row), and from how many seconds on an answer is slow."""

    leave_after: int = 3
    slow_s: float = 60

    def __post_init__(self) -> None:
        if self.leave_after < 1 or self.slow_s <= 0:
            raise ValueError(f"no rules: {self.leave_after!r} answers, {self.slow_s!r} s")


DEFAULT_RULES = ReviewRules()


def clean_user(name: str) -> str:
    """Return a person's name in its one spelling: composed, runs of spaces as one, none around it.

    Raises UsageError for a name that is empty, longer than 64 characters or not printable.
    """
    cleaned = " ".join(unicodedata.normalize("NFC", name).split())
    if not cleaned:
        raise UsageError("用户名是空的；请写一个名字，如 --user 张三")
    if len(cleaned) > LONGEST_NAME:
        raise UsageError(f"用户名有 {len(cleaned)} 个字，最多 {LONGEST_NAME} 个；请写短一点的名字")
    if not cleaned.isprintable():
        raise UsageError("用户名里有看不见的控制字符；请只用文字、数字和空格")
    return cleaned
