"""Sessions that are not at their end: kept whole, and each held by at most one living process."""

import json
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.errors import StorageError
from xiaoan.question_bank.records.entries import Finished, Mode, Unfinished
from xiaoan.question_bank.records.recording import storable
from xiaoan.question_bank.records.schedule import from_microseconds, to_microseconds

if TYPE_CHECKING:
    from filelock import BaseFileLock

FINISHED_KEPT = 20
_WAIT_S = 0.25
_LOOK_S = 0.02


@dataclass(frozen=True)
class Head:
    """What of a session stays the same from its beginning to its end. `paper` is as it is stored."""

    session_id: str
    mode: Mode
    title: str
    started_at: datetime
    total: int
    paper: bytes


def new_session_id() -> str:
    """Return sixteen hexadecimal digits that no other session has."""
    return secrets.token_hex(8)


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """Return a document as it is stored; whatever text it has comes back to the letter."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", errors="surrogatepass")


def from_bytes(stored: bytes) -> dict[str, Any]:
    """Return the document of `to_bytes`. Raises StorageError for what is none, whatever the table had there."""
    try:
        if not isinstance(stored, bytes):
            raise TypeError(f"bytes were expected, not {stored!r:.40}")
        document = json.loads(stored.decode("utf-8", errors="surrogatepass"))
    except (TypeError, ValueError, RecursionError) as error:
        raise StorageError(_SPOILED) from error
    if not isinstance(document, dict):
        raise StorageError(_SPOILED)
    return document


def write(
    connection: sqlite3.Connection,
    user: int,
    head: Head,
    *,
    state: bytes,
    answered: int,
    elapsed_s: float,
    now: datetime,
) -> bool:
    """Keep where a session is; return whether the file had it already.

    One that is no longer in the file, which was replaced meanwhile, is written anew. It is the one last worked on
    from then on, even where the clock was set back.
    """
    latest = connection.execute(
        "SELECT max(saved_at) FROM sessions WHERE user_id = ? AND id <> ?", (user, head.session_id)
    ).fetchone()[0]
    saved_at = to_microseconds(now)
    moving = (saved_at if latest is None else max(saved_at, latest + 1), answered, elapsed_s, state)
    done = connection.execute(
        "UPDATE sessions SET saved_at = ?, answered = ?, elapsed_s = ?, state = ? WHERE id = ? AND user_id = ?",
        (*moving, head.session_id, user),
    )
    was_there = done.rowcount > 0
    if not was_there:
        connection.execute(
            "INSERT INTO sessions (saved_at, answered, elapsed_s, state, id, user_id, mode, title, started_at,"
            " total, paper) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *moving,
                head.session_id,
                user,
                head.mode,
                storable(head.title),
                to_microseconds(head.started_at),
                head.total,
                head.paper,
            ),
        )
    return was_there


def remove(connection: sqlite3.Connection, user: int, session_id: str) -> bool:
    """Forget a session; return whether the file had it."""
    done = connection.execute("DELETE FROM sessions WHERE id = ? AND user_id = ?", (session_id, user))
    return done.rowcount > 0


def keep_finished(
    connection: sqlite3.Connection, user: int, head: Head, *, state: bytes, now: datetime
) -> None:
    """Keep how a session ended, once; of one person and mode only the last `FINISHED_KEPT` stay."""
    connection.execute(
        "INSERT INTO finished (session_id, user_id, mode, title, started_at, finished_at, state, paper)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            head.session_id,
            user,
            head.mode,
            storable(head.title),
            to_microseconds(head.started_at),
            to_microseconds(now),
            state,
            head.paper,
        ),
    )
    connection.execute(
        "DELETE FROM finished WHERE user_id = ?1 AND mode = ?2 AND id NOT IN"
        " (SELECT id FROM finished WHERE user_id = ?1 AND mode = ?2 ORDER BY id DESC LIMIT ?3)",
        (user, head.mode, FINISHED_KEPT),
    )


def last_finished(connection: sqlite3.Connection, user: int, mode: Mode) -> Finished | None:
    """Return the session of this mode that a person finished last. Raises StorageError for spoiled documents."""
    row = connection.execute(
        "SELECT session_id, title, started_at, finished_at, paper, state FROM finished"
        " WHERE user_id = ? AND mode = ? ORDER BY id DESC LIMIT 1",
        (user, mode),
    ).fetchone()
    if row is None:
        return None
    session_id, title, started_at, finished_at, paper, state = row
    return Finished(
        session_id,
        mode,
        title,
        from_microseconds(started_at),
        from_microseconds(finished_at),
        from_bytes(paper),
        from_bytes(state),
    )


def read(connection: sqlite3.Connection, user: int, session_id: str) -> tuple[Head, dict[str, Any]]:
    """Return the session and its last state. Raises StorageError where this person has none of that id."""
    row = connection.execute(
        "SELECT mode, title, started_at, total, paper, state FROM sessions WHERE id = ? AND user_id = ?",
        (session_id, user),
    ).fetchone()
    if row is None:
        raise StorageError("这次练习或测验已经结束，或不在这份进度里了；请重新开始一次。")
    mode, title, started_at, total, paper, state = row
    return Head(session_id, mode, title, from_microseconds(started_at), total, paper), from_bytes(state)


def listing(connection: sqlite3.Connection, user: int, mode: Mode | None) -> list[Unfinished]:
    """Return a person's sessions (of one mode), the one last worked on first; who holds them is not in the tables."""
    rows = connection.execute(
        "SELECT id, mode, title, started_at, answered, total, elapsed_s FROM sessions"
        " WHERE user_id = ? AND (?2 IS NULL OR mode = ?2) ORDER BY saved_at DESC, rowid DESC",
        (user, mode),
    )
    return [
        Unfinished(session_id, kind, title, from_microseconds(started_at), answered, total, elapsed_s)
        for session_id, kind, title, started_at, answered, total, elapsed_s in rows
    ]


class Holds:
    """The sessions that this process has open; others see it by a lock that ends with the process, however it ends."""

    def __init__(self, folder: Path | None) -> None:
        """Keep the locks in `folder`; None where nobody else can see the sessions anyway."""
        self._folder = folder
        self._locks: dict[str, BaseFileLock | None] = {}

    def take(self, session_id: str) -> bool:
        """Hold a session; return False where another process does, for longer than it takes to look."""
        if session_id in self._locks:
            return True
        if self._folder is None:
            self._locks[session_id] = None
            return True
        from filelock import Timeout

        lock = self._lock(self._folder, session_id)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=_WAIT_S)
        except Timeout:
            return False
        except OSError:
            # A folder without locks, or that cannot be written to: what is written there fails by itself.
            self._locks[session_id] = None
        else:
            self._locks[session_id] = lock
        return True

    def is_held(self, session_id: str) -> bool:
        """Return whether a living process, this one too, holds the session."""
        if session_id in self._locks:
            return True
        if self._folder is None or not self._path(self._folder, session_id).exists():
            return False
        from filelock import Timeout

        lock = self._lock(self._folder, session_id)
        try:
            # Another that only looks, as we do, has it for less than a thousandth of a second.
            lock.acquire(timeout=_LOOK_S, poll_interval=_LOOK_S / 10)
        except Timeout:
            return True
        except OSError:
            return False
        lock.release()
        return False

    def drop(self, session_id: str, *, for_good: bool = False) -> None:
        """Let go of one session; `for_good`: it is over, so that the lock's file goes too."""
        lock = self._locks.pop(session_id, None)
        if for_good and self._folder is not None:
            # Before letting go: who waits for the lock then sees that its file is gone. Windows refuses, and
            # removes it by itself.
            with suppress(OSError):
                self._path(self._folder, session_id).unlink(missing_ok=True)
        if lock is not None:
            lock.release()

    def drop_all(self) -> None:
        """Let go of all sessions."""
        for session_id in tuple(self._locks):
            self.drop(session_id)

    @staticmethod
    def _path(folder: Path, session_id: str) -> Path:
        return folder / f"{session_id}.lock"

    @classmethod
    def _lock(cls, folder: Path, session_id: str) -> "BaseFileLock":
        """A lock of the system's own: one made of a file alone would outlive a process that is killed."""
        from filelock import FileLock

        return FileLock(cls._path(folder, session_id), thread_local=False, fallback_to_soft=False)


_SPOILED = "这次练习或测验存下的内容坏了，不能接着做；请重新开始一次，以前的答题记录都还在。"
