"""What the tables say about one person: questions seen, the wrong-question book, counts."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from xiaoan.question_bank.records.entries import BookEntry, Count, LearningStatistics
from xiaoan.question_bank.records.schedule import due_at, from_microseconds

CountRow = tuple[str, str, str, int, int, int, float]
"""Day, 专业, 题型, attempts, right ones, questions, seconds."""


def seen(connection: sqlite3.Connection, user: int) -> dict[str, datetime]:
    """Return when each question was last answered."""
    rows = connection.execute("SELECT question_id, last_at FROM states WHERE user_id = ?", (user,))
    return {question_id: from_microseconds(last_at) for question_id, last_at in rows}


def book(
    connection: sqlite3.Connection,
    user: int,
    *,
    leave_after: int,
    now: datetime,
    question_id: str | None = None,
) -> list[BookEntry]:
    """Return the questions that were once not right and not `leave_after` times right since, and pinned ones.

    Of `question_id` only, where one is named.
    """
    rows = connection.execute(
        "SELECT question_id, profession, question_type, due, reviewed_at, streak, coalesce(pinned, 0), not_right"
        " FROM states LEFT JOIN pins USING (user_id, question_id)"
        " WHERE user_id = ? AND (pinned OR (not_right AND streak < ?))"
        + (" AND question_id = ?" if question_id is not None else ""),
        (user, leave_after) if question_id is None else (user, leave_after, question_id),
    )
    entries = [
        BookEntry(
            each,
            profession,
            question_type,
            due=due_at(from_microseconds(due), from_microseconds(reviewed_at), now),
            streak=streak,
            pinned=bool(pinned),
            wrong=not_right,
        )
        for each, profession, question_type, due, reviewed_at, streak, pinned, not_right in _checked(
            rows, (str, str, str, int, int, int, int, int)
        )
    ]
    # Whatever is due was due before whatever is not yet.
    return sorted(entries, key=lambda entry: (entry.due, entry.question_id))


def is_pinned(connection: sqlite3.Connection, user: int, question_id: str) -> bool:
    """Return whether the question is pinned."""
    row = connection.execute(
        "SELECT pinned FROM pins WHERE user_id = ? AND question_id = ?", (user, question_id)
    ).fetchone()
    return bool(row and row[0])


def pins(connection: sqlite3.Connection, user: int) -> Iterable[tuple[str, int, int]]:
    """Return question, whether pinned, and when that changed; those let go again too."""
    return connection.execute("SELECT question_id, pinned, changed_at FROM pins WHERE user_id = ?", (user,))


def cards(connection: sqlite3.Connection, user: int) -> Iterable[tuple[str, int, float, float, int]]:
    """Return question, right answers in a row, stability in days, difficulty, and when it is due."""
    return connection.execute(
        "SELECT question_id, streak, stability, difficulty, due FROM states WHERE user_id = ?", (user,)
    )


def users(connection: sqlite3.Connection) -> list[str]:
    """Return everybody's name, sorted."""
    return [row[0] for row in connection.execute("SELECT name FROM users ORDER BY name")]


def due_before(entries: Iterable[BookEntry], end: datetime) -> dict[str, int]:
    """Return how many of the book's questions are due before `end`, per 专业, most first."""
    return dict(Counter(entry.profession for entry in entries if entry.due < end).most_common())


def end_of_day(now: datetime) -> datetime:
    """Return the midnight that ends the day of `now`, in its own time zone."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return midnight + timedelta(days=1)


def statistics(connection: sqlite3.Connection, user: int, first_day: date | None) -> LearningStatistics:
    """Return the counts from `first_day` on; None: of all time."""
    since = first_day.isoformat() if first_day else ""
    counted = connection.execute(
        "SELECT day, profession, question_type, attempts, right, questions, seconds FROM days"
        " WHERE user_id = ? AND day >= ?",
        (user, since),
    )
    rows: list[CountRow] = list(_checked(counted, (str, str, str, int, int, int, float)))
    # A question last answered since then was answered since then; one of several days is one question here.
    found = connection.execute(
        "SELECT profession, question_type, count(*) FROM states WHERE user_id = ? AND last_day >= ?"
        " GROUP BY profession, question_type",
        (user, since),
    )
    different: list[tuple[str, str, int]] = list(_checked(found, (str, str, int)))
    total = _count(rows, sum(count for *_, count in different))
    return LearningStatistics(
        total.attempts,
        total.right,
        total.questions,
        total.seconds,
        by_profession=_split(rows, different, lambda row: row[-2]),
        by_type=_split(rows, different, lambda row: row[-1]),
        by_day=_by_day(rows),
    )


def _checked(rows: Iterable[tuple[Any, ...]], kinds: tuple[type, ...]) -> Iterator[Any]:
    """Yield the rows; raises TypeError where a column holds what it was not made for, as any in SQLite can."""
    for row in rows:
        if not all(map(isinstance, row, kinds)):
            raise TypeError(f"{row!r:.200}")
        yield row


def _by_day(rows: Iterable[CountRow]) -> tuple[tuple[date, Count], ...]:
    days: defaultdict[str, list[CountRow]] = defaultdict(list)
    for row in rows:
        days[row[0]].append(row)
    return tuple(
        (date.fromisoformat(day), _count(days[day], sum(row[5] for row in days[day]))) for day in sorted(days)
    )


def _split(
    rows: Iterable[CountRow],
    different: Iterable[tuple[str, str, int]],
    name_of: Callable[[tuple[str, str]], str],
) -> dict[str, Count]:
    """The counts by 专业 or 题型, whichever `name_of` takes of the two; most attempts first."""
    groups: defaultdict[str, list[CountRow]] = defaultdict(list)
    questions = Counter[str]()
    for row in rows:
        groups[name_of((row[1], row[2]))].append(row)
    for profession, question_type, count in different:
        questions[name_of((profession, question_type))] += count
    counts = {name: _count(group, questions[name]) for name, group in groups.items()}
    return dict(sorted(counts.items(), key=lambda item: (-item[1].attempts, item[0])))


def _count(rows: Iterable[CountRow], questions: int) -> Count:
    attempts, right, seconds = 0, 0, 0.0
    for row in rows:
        attempts, right, seconds = attempts + row[3], right + row[4], seconds + row[6]
    return Count(attempts, right, questions, seconds)
