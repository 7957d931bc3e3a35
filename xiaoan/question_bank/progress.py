"""One person's progress: answers as they are given, the wrong-question book, sessions left open, statistics."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xiaoan.errors import StorageError
from xiaoan.question_bank.records import open_sessions, recording, views
from xiaoan.question_bank.records.database import Database
from xiaoan.question_bank.records.entries import (
    DEFAULT_RULES,
    Attempt,
    BookEntry,
    Count,
    Finished,
    LearningStatistics,
    Mode,
    ReviewRules,
    Unfinished,
    clean_user,
)
from xiaoan.question_bank.records.open_sessions import Head, Holds
from xiaoan.question_bank.records.recording import Recorded
from xiaoan.question_bank.records.schedule import rating_of

__all__ = [
    "DEFAULT_RULES",
    "Attempt",
    "BookEntry",
    "Count",
    "Finished",
    "LearningStatistics",
    "Mode",
    "Progress",
    "ReviewRules",
    "Unfinished",
    "clean_user",
]

_LOCKS = "locks"


class Progress:
    """One person's view of the database; a context manager. Every method may raise StorageError.

    Whatever a method writes is on the disk when it returns, or not there at all. To be used by one thread.
    """

    def __init__(
        self,
        database: Database,
        user: str,
        *,
        now: Callable[[], datetime],
        rules: ReviewRules = DEFAULT_RULES,
    ) -> None:
        """Take over an open database; `now` returns an aware time in the person's own zone."""
        self.user = clean_user(user)
        self._database = database
        self._now = now
        self._rules = rules
        self._heads: dict[str, Head] = {}
        # What was answered here in each session: all of it goes along where an older file took the place of ours.
        self._given: dict[str, list[Recorded]] = {}
        self._holds = Holds(database.path.parent / _LOCKS if database.path else None)

    @classmethod
    def open(
        cls,
        path: Path | None,
        user: str,
        *,
        now: Callable[[], datetime],
        rules: ReviewRules = DEFAULT_RULES,
        read_only: bool = False,
    ) -> Self:
        """Return the progress of `user` in the file `path` (made where there is none); None: in memory, nothing is kept.

        `read_only` changes nothing on the disk; a file that is not there is an empty one.

        Raises:
            UsageError: the name is none.
            StorageError: the file cannot be used; says why and what to do.
        """
        name = clean_user(user)
        return cls(Database.open(path, read_only=read_only), name, now=now, rules=rules)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the sessions and the file; may be called twice."""
        self.release()
        self._database.close()

    def record(self, attempts: Iterable[Attempt]) -> None:
        """Keep the attempts, all or none. An attempt already kept (same `uid`) is not counted again."""
        entries = self._settled(attempts)
        if entries:
            with self._database.writing() as connection:
                recording.record(connection, recording.user_id(connection, self.user), entries)

    def seen(self) -> dict[str, datetime]:
        """Return when each question was last answered."""
        with self._database.reading() as connection:
            return views.seen(connection, recording.known_user_id(connection, self.user))

    def book(self) -> list[BookEntry]:
        """Return the wrong-question book: due ones first, longest due first; then the others by due time."""
        with self._database.reading() as connection:
            user = recording.known_user_id(connection, self.user)
            return views.book(connection, user, leave_after=self._rules.leave_after, now=self._now())

    def book_entry(self, question_id: str) -> BookEntry | None:
        """Return the question's line of the book, None where it is not in it; quicker than the whole book."""
        with self._database.reading() as connection:
            user = recording.known_user_id(connection, self.user)
            found = views.book(
                connection,
                user,
                leave_after=self._rules.leave_after,
                now=self._now(),
                question_id=question_id,
            )
        return found[0] if found else None

    def due_today(self) -> dict[str, int]:
        """Return how many questions of the book are due before the local day ends, per 专业, most first."""
        return views.due_before(self.book(), views.end_of_day(self._now()))

    def is_pinned(self, question_id: str) -> bool:
        """Return whether the question stays in the book whatever is answered."""
        with self._database.reading() as connection:
            return views.is_pinned(connection, recording.known_user_id(connection, self.user), question_id)

    def pin(self, question_id: str, on: bool) -> None:
        """Pin a question or let it go. One never answered shows in the book from its first answer on."""
        with self._database.writing() as connection:
            user = recording.user_id(connection, self.user)
            recording.set_pin(connection, user, question_id, pinned=on, at=self._now())

    def begin(
        self,
        mode: Mode,
        title: str,
        paper: Mapping[str, Any],
        state: Mapping[str, Any],
        total: int,
        *,
        answered: int = 0,
        elapsed_s: float = 0.0,
        attempts: Iterable[Attempt] = (),
    ) -> str:
        """Keep a new session and hold it; return its id. `paper` and `state` are what JSON can write.

        One that could not be kept at its beginning brings what was `answered` until now, and the attempts.
        """
        session_id = open_sessions.new_session_id()
        head = Head(session_id, mode, title, self._now(), total, open_sessions.to_bytes(paper))
        self._holds.take(session_id)
        self._heads[session_id] = head
        try:
            self.save(session_id, state, answered, elapsed_s, attempts)
        except StorageError:
            self._forget(session_id)
            raise
        return session_id

    def save(
        self,
        session_id: str,
        state: Mapping[str, Any],
        answered: int,
        elapsed_s: float,
        attempts: Iterable[Attempt] = (),
    ) -> None:
        """Keep where a session of ours is, and the attempts that led there, in one transaction.

        Raises KeyError for a session that was neither begun nor resumed here.
        """
        head = self._heads[session_id]
        entries, stored = self._settled(attempts), open_sessions.to_bytes(state)
        given = self._given.setdefault(session_id, [])
        with self._database.writing() as connection:
            user = recording.user_id(connection, self.user)
            was_there = open_sessions.write(
                connection, user, head, state=stored, answered=answered, elapsed_s=elapsed_s, now=self._now()
            )
            recording.record(connection, user, entries if was_there else [*given, *entries])
        given.extend(entries)

    def finish(
        self, session_id: str, attempts: Iterable[Attempt] = (), state: Mapping[str, Any] | None = None
    ) -> None:
        """Keep the attempts and close the session in one transaction; lets go of the hold. May be called again.

        With its last `state` the paper stays for `last_finished`; without, nothing of the session does.
        """
        entries = self._settled(attempts)
        head, last = self._heads.get(session_id), open_sessions.to_bytes(state or {})
        with self._database.writing() as connection:
            user = recording.user_id(connection, self.user)
            was_there = open_sessions.remove(connection, user, session_id)
            given = self._given.get(session_id, [])
            recording.record(connection, user, entries if was_there else [*given, *entries])
            if state is not None and head is not None:
                open_sessions.keep_finished(connection, user, head, state=last, now=self._now())
        self._forget(session_id)

    def last_finished(self, mode: Mode) -> Finished | None:
        """Return the session of this mode that was finished last, None where none is kept; the last 20 are."""
        with self._database.reading() as connection:
            user = recording.known_user_id(connection, self.user)
            return open_sessions.last_finished(connection, user, mode)

    def unfinished(self, mode: Mode | None = None) -> list[Unfinished]:
        """Return this person's open sessions, last worked on first; `held` are those of a living process, this one too."""
        with self._database.reading() as connection:
            user = recording.known_user_id(connection, self.user)
            found = open_sessions.listing(connection, user, mode)
        return [replace(each, held=self._holds.is_held(each.session_id)) for each in found]

    def resume(self, session_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return paper and state as they were saved last, and hold the session.

        Raises StorageError where another process holds it or it is no longer there.
        """
        self._stored(session_id)
        if not self._holds.take(session_id):
            raise StorageError("这次练习或测验正在另一个窗口里进行；请在那里接着做，或先关掉那个窗口。")
        try:
            # Once more: it may have gone on, or ended, before we held it.
            head, state = self._stored(session_id)
            paper = open_sessions.from_bytes(head.paper)
        except StorageError:
            self._holds.drop(session_id)
            raise
        self._heads[session_id] = head
        return paper, state

    def release(self) -> None:
        """Let go of the sessions held; they stay open for a later `resume`."""
        self._heads.clear()
        self._given.clear()
        self._holds.drop_all()

    def statistics(self, days: int | None = None) -> LearningStatistics:
        """Return the counts of all time, or of the last `days` local days, today included."""
        first = None if days is None else self._now().date() - timedelta(days=days - 1)
        with self._database.reading() as connection:
            return views.statistics(connection, recording.known_user_id(connection, self.user), first)

    def users(self) -> list[str]:
        """Return the names of everybody with something kept, sorted."""
        with self._database.reading() as connection:
            return views.users(connection)

    def _stored(self, session_id: str) -> tuple[Head, dict[str, Any]]:
        with self._database.reading() as connection:
            user = recording.known_user_id(connection, self.user)
            return open_sessions.read(connection, user, session_id)

    def _settled(self, attempts: Iterable[Attempt]) -> list[Recorded]:
        """The attempts with the person's own day, and how well each was known by the rules of now."""
        zone = self._now().tzinfo
        return [
            Recorded(attempt, attempt.at.astimezone(zone).date(), rating_of(attempt, self._rules))
            for attempt in attempts
        ]

    def _forget(self, session_id: str) -> None:
        self._heads.pop(session_id, None)
        self._given.pop(session_id, None)
        self._holds.drop(session_id, for_good=True)
