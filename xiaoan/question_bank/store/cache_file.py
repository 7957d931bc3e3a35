"""One SQLite file that may be gone, locked, foreign or damaged at any time, and costs nobody more than time."""

import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NOT_DAMAGE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_INTERRUPT,
}
"""Primary result codes that say nothing against the file's content; after any other it is thrown away."""

_GIVE_UP = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
"""Primary result codes after which trying again would only make the person wait again."""


class DamagedError(Exception):
    """What stands in the file is not what was written; raised and caught within `CacheFile.tolerant`."""


class CacheFile:
    """The file at `path`, written by one `version` of its writer with `tables`; None for no file at all.

    May be used from several threads. Everything is done within `tolerant`, which ends quietly on failure: a
    damaged file, and one of another version, is deleted, to be made anew by the next transaction.
    """

    def __init__(self, path: Path | None, *, version: str, tables: str, timeout_s: float) -> None:
        self._path = path if version else None
        self._version = version
        self._tables = tables
        self._timeout_s = timeout_s
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._known_to_be_ours = False

    @property
    def usable(self) -> bool:
        """Whether it is worth trying."""
        return self._path is not None

    @contextmanager
    def tolerant(self, *, patient: bool = True) -> Iterator[None]:
        """End the block quietly where the file fails; what the block was to find is then not found.

        Without `patient` a lock of another process is not waited for, and no reason to do without the file.
        """
        try:
            with self._lock:
                self._wait_for_locks(self._timeout_s if patient else 0)
                yield
        except sqlite3.Error as error:
            # Failures that Python itself finds (text that is not UTF-8) carry no code: damage.
            code = getattr(error, "sqlite_errorcode", None)
            if code is None or code & 0xFF not in _NOT_DAMAGE:
                self._discard()
            elif code & 0xFF in _GIVE_UP and patient:
                self._give_up()
        except (DamagedError, UnicodeError):
            # SQLite quotes a damaged file in its own messages, which Python then cannot decode.
            self._discard()
        except OSError:
            self._give_up()

    def ask(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows that answer `query`; none where there is no file, or an empty one."""
        if self._path is None or (self._connection is None and not self._path.exists()):
            return []
        connection = self._connected(self._path)
        return connection.execute(query, values).fetchall() if self._is_ours(connection) else []

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection: all that the block changes is kept, or nothing of it."""
        if self._path is None:
            raise OSError("there is no file")
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = self._connected(self._path)
        if not self._is_ours(connection):
            # So that the space of deleted rows can be given back; must come before the first table.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not self._is_ours(connection):
                self._make_tables(connection)
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _connected(self, path: Path) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(
                path, timeout=self._timeout_s, isolation_level=None, check_same_thread=False
            )
            self._connection = connection
            weakref.finalize(self, connection.close)
            # No view or trigger that someone put there is trusted.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
        return self._connection

    def _wait_for_locks(self, seconds: float) -> None:
        if self._connection is not None:
            self._connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        """Whether the tables are there; False for an empty file, which another process may be about to fill.

        Raises DamagedError for a file of another version.
        """
        if not self._known_to_be_ours:
            if not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                return False
            if connection.execute("SELECT version FROM writer").fetchall() != [(self._version,)]:
                raise DamagedError
            self._known_to_be_ours = True
        return True

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        for statement in ("CREATE TABLE writer (version TEXT)", *self._tables.strip().split(";")):
            connection.execute(statement)
        connection.execute("INSERT INTO writer VALUES (?)", (self._version,))

    def _discard(self) -> None:
        """Delete the file; where that cannot be done, do without one."""
        with self._lock:
            self._close()
            if self._path is None:
                return
            try:
                # The journal first: it must not be taken for that of the next file.
                for suffix in ("-journal", "-wal", "-shm", ""):
                    self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            except OSError:
                self._path = None

    def _give_up(self) -> None:
        with self._lock:
            self._close()
            self._path = None

    def _close(self) -> None:
        self._known_to_be_ours = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None
