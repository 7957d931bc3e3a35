"""Answers into the tables, with everything that follows from them kept in step in the same transaction."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from xiaoan.question_bank.records.entries import Attempt
from xiaoan.question_bank.records.schedule import (
    Card,
    QuestionState,
    after_answer,
    from_microseconds,
    to_microseconds,
)

_STATE_FIELDS = (
    "attempts, not_right, streak, last_at, last_day, phase, step, stability, difficulty, due, reviewed_at"
)
_ATTEMPT_FIELDS = (
    "uid, user_id, question_id, profession, question_type, mode, given, verdict, credit, seconds, marked, at, "
    "day, rating"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An attempt with what was settled when it was given: the person's own day, and how well it was known."""

    attempt: Attempt
    day: date
    rating: int


def user_id(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of a person, who is written down where new."""
    connection.execute("INSERT INTO users (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    return int(connection.execute("SELECT id FROM users WHERE name = ?", (name,)).fetchone()[0])


def known_user_id(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of a person; of one with nothing kept -1, which nobody has."""
    row = connection.execute("SELECT id FROM users WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else -1


def storable(text: str) -> str:
    """Return text as UTF-8 can hold it: halves of characters, from a broken pipe or locale, become `?`."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def record(connection: sqlite3.Connection, user: int, entries: Iterable[Recorded]) -> int:
    """Write the attempts, with states and day counts; return how many were new."""
    new = 0
    for entry in entries:
        first_that_day = not _answered_on(connection, user, entry)
        if insert(connection, user, entry):
            new += 1
            state = _state(connection, user, entry.attempt.question_id)
            _write_state(connection, user, entry.attempt, _next_state(state, entry))
            _count_day(connection, user, entry, first_that_day=first_that_day)
    return new


def insert(connection: sqlite3.Connection, user: int, entry: Recorded) -> bool:
    """Write one attempt and nothing else; return False where this person has it already."""
    attempt = entry.attempt
    values = (
        attempt.uid,
        user,
        attempt.question_id,
        storable(attempt.profession),
        storable(attempt.question_type),
        attempt.mode,
        storable(attempt.given),
        attempt.verdict,
        attempt.credit,
        attempt.seconds,
        attempt.marked,
        to_microseconds(attempt.at),
        entry.day.isoformat(),
        entry.rating,
    )
    places = ", ".join("?" * len(values))
    done = connection.execute(
        f"INSERT INTO attempts ({_ATTEMPT_FIELDS}) VALUES ({places}) ON CONFLICT DO NOTHING", values
    )
    return done.rowcount > 0


def set_pin(
    connection: sqlite3.Connection, user: int, question_id: str, *, pinned: bool, at: datetime
) -> None:
    """Pin a question or let it go; counts as the latest change even where the clock was set back."""
    connection.execute(
        "INSERT INTO pins (user_id, question_id, pinned, changed_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (user_id, question_id) DO UPDATE SET pinned = excluded.pinned,"
        " changed_at = max(excluded.changed_at, changed_at + 1) WHERE pinned <> excluded.pinned",
        (user, question_id, pinned, to_microseconds(at)),
    )


def merge_pin(
    connection: sqlite3.Connection, user: int, question_id: str, *, pinned: bool, at: datetime
) -> bool:
    """Take over a change made elsewhere, unless a later one is known here; return whether anything changed."""
    done = connection.execute(
        "INSERT INTO pins (user_id, question_id, pinned, changed_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (user_id, question_id) DO UPDATE SET pinned = excluded.pinned,"
        " changed_at = excluded.changed_at WHERE changed_at < excluded.changed_at",
        (user, question_id, pinned, to_microseconds(at)),
    )
    return done.rowcount > 0


def rebuild_states(connection: sqlite3.Connection, user: int, question_ids: Iterable[str]) -> None:
    """Work the states of these questions out anew from all their attempts, in the order of their times."""
    for question_id in question_ids:
        state: QuestionState | None = None
        last: Recorded | None = None
        for entry in attempts_of(connection, user, question_id):
            state, last = _next_state(state, entry), entry
        if state is not None and last is not None:
            _write_state(connection, user, last.attempt, state)


def rebuild_days(connection: sqlite3.Connection, user: int) -> None:
    """Count the days of one person anew; a question whose 专业 is written in two ways is one question of its day."""
    connection.execute("DELETE FROM days WHERE user_id = ?", (user,))
    connection.execute(
        "INSERT INTO days (user_id, day, profession, question_type, attempts, right, questions, seconds)"
        " SELECT user_id, day, profession, question_type, count(*), sum(verdict = 'right'),"
        " sum(place = 1), sum(seconds)"
        " FROM (SELECT *, row_number() OVER (PARTITION BY question_id, day ORDER BY id) AS place"
        " FROM attempts WHERE user_id = ?) GROUP BY day, profession, question_type",
        (user,),
    )


def attempts_of(
    connection: sqlite3.Connection, user: int, question_id: str | None = None
) -> Iterator[Recorded]:
    """Yield a person's attempts (at one question), oldest first."""
    where, values = "user_id = ?", (user,) if question_id is None else (user, question_id)
    if question_id is not None:
        where += " AND question_id = ?"
    rows = connection.execute(f"SELECT {_ATTEMPT_FIELDS} FROM attempts WHERE {where} ORDER BY at, id", values)
    for row in rows:
        yield Recorded(
            Attempt(
                question_id=row[2],
                profession=row[3],
                question_type=row[4],
                mode=row[5],
                given=row[6],
                verdict=row[7],
                credit=row[8],
                seconds=row[9],
                marked=bool(row[10]),
                at=from_microseconds(row[11]),
                uid=row[0],
            ),
            date.fromisoformat(row[12]),
            row[13],
        )


def _answered_on(connection: sqlite3.Connection, user: int, entry: Recorded) -> bool:
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM attempts WHERE user_id = ? AND question_id = ? AND day = ?)",
        (user, entry.attempt.question_id, entry.day.isoformat()),
    )
    return bool(found.fetchone()[0])


def _next_state(state: QuestionState | None, entry: Recorded) -> QuestionState:
    right = entry.attempt.verdict == "right"
    return after_answer(state, right=right, rating=entry.rating, at=entry.attempt.at, day=entry.day)


def _state(connection: sqlite3.Connection, user: int, question_id: str) -> QuestionState | None:
    row = connection.execute(
        f"SELECT {_STATE_FIELDS} FROM states WHERE user_id = ? AND question_id = ?", (user, question_id)
    ).fetchone()
    if row is None:
        return None
    attempts, not_right, streak, last_at, last_day, phase, step, stability, difficulty, due, reviewed_at = row
    card = Card(phase, step, stability, difficulty, from_microseconds(due), from_microseconds(reviewed_at))
    return QuestionState(
        attempts, not_right, streak, from_microseconds(last_at), date.fromisoformat(last_day), card
    )


def _write_state(connection: sqlite3.Connection, user: int, attempt: Attempt, state: QuestionState) -> None:
    card = state.card
    values = (
        user,
        attempt.question_id,
        storable(attempt.profession),
        storable(attempt.question_type),
        state.attempts,
        state.not_right,
        state.streak,
        to_microseconds(state.last_at),
        state.last_day.isoformat(),
        card.phase,
        card.step,
        card.stability,
        card.difficulty,
        to_microseconds(card.due),
        to_microseconds(card.reviewed_at),
    )
    connection.execute(
        "INSERT OR REPLACE INTO states (user_id, question_id, profession, question_type, "
        f"{_STATE_FIELDS}) VALUES ({', '.join('?' * len(values))})",
        values,
    )


def _count_day(connection: sqlite3.Connection, user: int, entry: Recorded, *, first_that_day: bool) -> None:
    attempt = entry.attempt
    connection.execute(
        "INSERT INTO days (user_id, day, profession, question_type, attempts, right, questions, seconds)"
        " VALUES (?, ?, ?, ?, 1, ?, ?, ?)"
        " ON CONFLICT (user_id, day, profession, question_type) DO UPDATE SET attempts = attempts + 1,"
        " right = right + excluded.right, questions = questions + excluded.questions,"
        " seconds = seconds + excluded.seconds",
        (
            user,
            entry.day.isoformat(),
            storable(attempt.profession),
            storable(attempt.question_type),
            attempt.verdict == "right",
            first_that_day,
            attempt.seconds,
        ),
    )
