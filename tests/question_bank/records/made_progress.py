"""Answers and a calendar for tests of what is kept, and a look at all tables at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from xiaoan.question_bank.progress import Progress
from xiaoan.question_bank.records import recording
from xiaoan.question_bank.records.database import Database
from xiaoan.question_bank.records.entries import DEFAULT_RULES, Attempt, Mode, ReviewRules

BEIJING = timezone(timedelta(hours=8))
MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=BEIJING)

BOOTS = "0123456789abcdef"
KEYS = "fedcba9876543210"
TOOLS = "00000000000000aa"


@dataclass
class Calendar:
    """A clock on the wall that moves only when told."""

    time: datetime = MORNING

    def __call__(self) -> datetime:
        return self.time

    def wait(self, **spans: float) -> None:
        self.time += timedelta(**spans)


@dataclass
class Learner:
    """Somebody who answers at the calendar's time, each answer a second after the one before."""

    progress: Progress
    calendar: Calendar = field(default_factory=Calendar)

    def answer(self, verdict: str, question_id: str = BOOTS, **more: Any) -> Attempt:
        made = attempt(verdict, question_id, at=self.calendar.time, **more)
        self.progress.record([made])
        self.calendar.wait(seconds=1)
        return made

    def in_book(self) -> list[str]:
        return [entry.question_id for entry in self.progress.book()]


def attempt(
    verdict: str = "wrong",
    question_id: str = BOOTS,
    *,
    at: datetime = MORNING,
    mode: Mode = "practice",
    given: str = "B",
    profession: str = "变电",
    question_type: str = "单选题",
    seconds: float = 4.0,
    marked: bool = False,
) -> Attempt:
    credit = {"right": 1.0, "partly": 0.5, "wrong": 0.0}[verdict]
    return Attempt(question_id, profession, question_type, mode, given, verdict, credit, seconds, marked, at)


def learner(
    path: Path | None = None,
    user: str = "张三",
    *,
    time: datetime = MORNING,
    rules: ReviewRules = DEFAULT_RULES,
    read_only: bool = False,
) -> Learner:
    calendar = Calendar(time)
    return Learner(Progress.open(path, user, now=calendar, rules=rules, read_only=read_only), calendar)


def derived(path: Path) -> list[list[tuple[Any, ...]]]:
    """All rows that follow from the attempts."""
    with Database.open(path, read_only=True) as database, database.reading() as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4").fetchall()
            for table in ("states", "days")
        ]


def worked_out_anew(path: Path, question_ids: Sequence[str]) -> list[list[tuple[Any, ...]]]:
    """The same rows after they were thrown away and made from the attempts."""
    with Database.open(path) as database, database.writing() as connection:
        connection.execute("DELETE FROM states")
        for (user,) in connection.execute("SELECT id FROM users").fetchall():
            recording.rebuild_states(connection, user, question_ids)
            recording.rebuild_days(connection, user)
    return derived(path)
