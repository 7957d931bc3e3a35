"""The SQLite file itself: opened safely, written in transactions, its errors said so that a person can act on them."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from xiaoan.errors import StorageError
from xiaoan.question_bank.records.network_folders import lies_on_network, takes_log
from xiaoan.question_bank.records.schema import (
    APPLICATION_ID,
    MIGRATIONS,
    Migration,
    migrate,
    stored_version,
)

BUSY_TIMEOUT_S = 10.0
_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_LOG_SUFFIX = "-wal"
_JOURNAL_SUFFIX = "-journal"
_NO_LOG = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL)
"""What SQLite says where the memory that goes with a write-ahead log cannot be shared."""


class UnusableFileError(StorageError):
    """A file that is no progress of ours, or no longer a whole one."""


class Database:
    """An open file of progress. Every method may raise StorageError."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path | None, *, identity: tuple[int, int] | None = None
    ) -> None:
        """Take over the connection; `path` is None where it is in memory.

        Before anything is written, `path` has to be that of the file `identity`; None where that cannot be told.
        """
        self._connection = connection
        self.path = path
        self._identity = identity

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        read_only: bool = False,
        migrations: Sequence[Migration] = MIGRATIONS,
        on_network: Callable[[Path], bool] = lies_on_network,
        has_log: Callable[[Path], bool] = takes_log,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> Self:
        """Return the database of `path`, made or brought to today's version where needed; None: in memory.

        With `read_only` nothing that is kept changes: a missing file is an empty database, an older one is brought
        up in memory. Where another has the file locked, everything waits for `busy_timeout_s`.

        Raises:
            StorageError: newer (its bytes are left alone), not a database, not ours, damaged, locked, not writable.
        """
        if path is None or (read_only and not path.exists()):
            return cls(_in_memory(migrations), None)
        network = on_network(path.parent)
        with saying(path):
            check_header(path, len(migrations))
            _check_log(path, len(migrations))
            connection = _connect_to_read(path) if read_only else _connect(path, busy_timeout_s)
            with _closing_on_error(connection):
                _check_version(connection, path, len(migrations))
                if read_only and stored_version(connection) < len(migrations):
                    connection = _brought_up_in_memory(connection, migrations)
                elif not read_only:
                    migrate(connection, migrations)
                    _settle_journal(connection, path.parent, "delete" if network else "wal", has_log)
                    _try_writing(connection)
        # A network folder may number its files anew at any time.
        return cls(connection, path, identity=None if network else _identity(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for queries that all see the same state; values that nothing makes sense of are damage."""
        with saying(self.path), _taking_nonsense_for_damage(self.path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                _roll_back(self._connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within one transaction: what is done in the block is kept whole, or not at all.

        As in `reading`, what the block cannot make sense of is damage of the file.
        """
        self._check_still_there()
        with saying(self.path), _taking_nonsense_for_damage(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                _roll_back(self._connection)

    def copy_to(self, target: sqlite3.Connection, target_path: Path) -> None:
        """Write everything into `target`, which keeps nothing of its own; others may go on writing here meanwhile."""
        try:
            self._connection.backup(target)
        except sqlite3.Error as error:
            at_target = _primary_code(error) in (
                sqlite3.SQLITE_FULL,
                sqlite3.SQLITE_READONLY,
                sqlite3.SQLITE_IOERR,
            )
            with saying(target_path if at_target else self.path):
                raise

    def replace_with(self, source: "Database") -> None:
        """Take everything from `source` in one transaction, in place: whoever else has the file open sees it too."""
        with saying(self.path):
            source._connection.backup(self._connection)
            migrate(self._connection, MIGRATIONS)

    def faults(self) -> list[str]:
        """Return what a full check of the file finds, the first few; nothing for a sound one.

        A trigger or a view is a fault: there are none of ours, and it could change what is written.
        """
        with saying(self.path):
            found = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(5)")]
            orphans = self._connection.execute("PRAGMA foreign_key_check").fetchmany(5)
            strange = self._connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')"
            ).fetchmany(5)
        return [
            *(text for text in found if text != "ok"),
            *(f"{row[0]}: {row[2]}" for row in orphans),
            *(str(row[0]) for row in strange),
        ]

    def _check_still_there(self) -> None:
        """Raise if the file was moved or replaced: what SQLite would write now, nobody would find again."""
        if self._identity is not None and self.path is not None and _identity(self.path) != self._identity:
            raise StorageError(
                f"进度文件 {self.path} 在使用中被移走、删除或换掉了，没有再写进去。"
                "请放回原处，或退出后重新打开小安。"
            )


def check_header(path: Path, version: int) -> None:
    """Raise StorageError unless `path` is missing, empty, or a file of ours that is not newer than `version`.

    Reads a hundred bytes and nothing else, so that a file which is not for us stays as it is. A file whose last
    transaction was cut short is left to SQLite, which puts it right when it opens it.
    """
    if not path.exists() or _has_bytes(_beside(path, _JOURNAL_SUFFIX)):
        return
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError as error:
        raise StorageError(_unopenable(path, error.strerror or str(error))) from error
    if not header:
        return
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise UnusableFileError(_NO_DATABASE.format(path=path))
    found, kind = int.from_bytes(header[60:64], "big"), int.from_bytes(header[68:72], "big")
    if kind != APPLICATION_ID:
        raise UnusableFileError(_NOT_OURS.format(path=path))
    if found > version:
        raise StorageError(_newer(path, found, version))


def connect_plainly(path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """Return a connection to a file that only we use, such as a copy that is being made."""
    return sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)


@contextlib.contextmanager
def saying(path: Path | None) -> Iterator[None]:
    """Turn what SQLite raises in the block into StorageError about `path`; None: the database in memory."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        kind = UnusableFileError if _primary_code(error) in _DAMAGE else StorageError
        raise kind(_in_chinese(error, path)) from error


@contextlib.contextmanager
def _taking_nonsense_for_damage(path: Path | None) -> Iterator[None]:
    """Turn what rows raise that nothing of ours wrote (a day that is none, a number too large) into UnusableFileError."""
    try:
        yield
    except (ArithmeticError, TypeError, ValueError) as error:
        place = "（内存）" if path is None else str(path)
        raise UnusableFileError(_DAMAGED.format(place=place, reason=error)) from error


def file_and_companions(path: Path) -> list[Path]:
    """Return the file and those beside it that SQLite reads with it, where they are."""
    return [
        each for each in (path, _beside(path, _LOG_SUFFIX), _beside(path, _JOURNAL_SUFFIX)) if each.exists()
    ]


def _in_memory(migrations: Sequence[Migration]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, migrations)
    return connection


def _connect(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(_unopenable(path, error.strerror or str(error))) from error
    connection = connect_plainly(path, busy_timeout_s)
    try:
        stored_version(connection)
    except sqlite3.Error as error:
        connection.close()
        if _primary_code(error) not in _NO_LOG:
            raise
        _leave_log(path, busy_timeout_s)
        connection = connect_plainly(path, busy_timeout_s)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing; on a medium that cannot be written to, one that needs no lock either."""
    connection = _connect_uri(path, "mode=ro")
    try:
        stored_version(connection)
    except sqlite3.OperationalError:
        connection.close()
        if _has_bytes(_beside(path, _LOG_SUFFIX)):
            raise
        if _has_bytes(_beside(path, _JOURNAL_SUFFIX)):
            # Somebody was cut off in a transaction: only who may write can take back what was half done.
            with contextlib.closing(connect_plainly(path)) as writer:
                stored_version(writer)
            return _connect_uri(path, "mode=ro")
        # Nobody can be writing where nothing can be written.
        return _connect_uri(path, "immutable=1")
    return connection


def _connect_uri(path: Path, query: str) -> sqlite3.Connection:
    name = path.absolute().as_posix()
    lead = "//" if name.startswith("//") else "" if name.startswith("/") else "/"
    return sqlite3.connect(
        f"file:{quote(lead + name)}?{query}", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )


def _brought_up_in_memory(
    connection: sqlite3.Connection, migrations: Sequence[Migration]
) -> sqlite3.Connection:
    """A copy in memory at today's version; the file's connection is closed."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    copy.execute("PRAGMA foreign_keys = ON")
    migrate(copy, migrations)
    return copy


def _check_log(path: Path, version: int) -> None:
    """Check the version by a connection that writes nothing, where the newest header may still be in the log."""
    if _has_bytes(path) and _has_bytes(_beside(path, _LOG_SUFFIX)):
        with contextlib.closing(_connect_to_read(path)) as connection:
            _check_version(connection, path, version)


def _check_version(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Check again what the header said: the newest page may have been in the log."""
    found = stored_version(connection)
    if found > version:
        raise StorageError(_newer(path, found, version))
    empty = connection.execute("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    if kind != APPLICATION_ID and not empty:
        raise UnusableFileError(_NOT_OURS.format(path=path))


def _settle_journal(
    connection: sqlite3.Connection, folder: Path, wanted: str, has_log: Callable[[Path], bool]
) -> None:
    """Use the journal `wanted`: a write-ahead log (`wal`), or what goes with every folder (`delete`).

    The latter too where the folder refuses the log.
    """
    used = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if used == wanted or (used == "delete" and not has_log(folder)):
        return
    # The change needs the file alone, and SQLite does not wait for that by itself.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            settled = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            break
    if settled != wanted:
        connection.execute("PRAGMA journal_mode = delete")


def _leave_log(path: Path, busy_timeout_s: float) -> None:
    """Give up the log of a file that came to a folder where none can be: whoever has it alone can still read it."""
    with contextlib.closing(connect_plainly(path, busy_timeout_s)) as alone:
        alone.execute("PRAGMA locking_mode = exclusive")
        alone.execute("PRAGMA journal_mode = delete")


def _try_writing(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.Error now, not at the first answer, where the file cannot be written to."""
    connection.execute("BEGIN IMMEDIATE")
    _roll_back(connection)


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@contextlib.contextmanager
def _closing_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _has_bytes(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _primary_code(error: sqlite3.Error) -> int:
    """SQLite's code without the detail; 0 where Python raised it itself, for text that is no text."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


_NO_DATABASE = "{path} 不是小安的进度文件（不是 SQLite 数据库），没有动它。请把它移到别处，再打开小安。"
_NOT_OURS = "{path} 是别的程序的数据库，不是小安的进度文件，没有动它。请把它移到别处，再打开小安。"
_DAMAGED = (
    "进度文件 {place} 坏了（{reason}），没有动它。请用 xiaoan progress restore 加备份文件恢复；"
    "没有备份就把它改名，小安会重新开始记。"
)
_MESSAGES = {
    sqlite3.SQLITE_READONLY: "进度文件 {place} 只能读，写不进去（{reason}）。请检查文件和文件夹的权限，"
    "或用 XIAOAN_HOME 另指定一个能写的文件夹。",
    sqlite3.SQLITE_FULL: "进度没有写进 {place}：磁盘满了（{reason}）。请腾出空间再试；以前的记录都还在。",
    sqlite3.SQLITE_IOERR: "进度没有写进 {place}：读写出错（{reason}）。请检查磁盘是否满了、是否还连着，然后再试；"
    "以前的记录都还在。",
    sqlite3.SQLITE_BUSY: "进度文件 {place} 被别的程序占用了 10 秒以上（{reason}）。请关掉别的窗口里的小安，"
    "或等它备份完，再试。",
    sqlite3.SQLITE_CANTOPEN: "进度文件 {place} 打不开（{reason}）。请检查路径和权限，"
    "或用 XIAOAN_HOME 另指定一个能写的文件夹。",
}
_DAMAGE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, 0)
_MESSAGES |= {
    **dict.fromkeys(_DAMAGE, _DAMAGED),
    sqlite3.SQLITE_LOCKED: _MESSAGES[sqlite3.SQLITE_BUSY],
    sqlite3.SQLITE_PERM: _MESSAGES[sqlite3.SQLITE_READONLY],
    sqlite3.SQLITE_AUTH: _MESSAGES[sqlite3.SQLITE_CANTOPEN],
}
_OTHERWISE = "读写进度文件 {place} 时出错：{reason}。请检查磁盘空间和权限后再试。"


def _in_chinese(error: sqlite3.Error, path: Path | None) -> str:
    place = "（内存）" if path is None else str(path)
    return _MESSAGES.get(_primary_code(error), _OTHERWISE).format(place=place, reason=error)


def _unopenable(path: Path, reason: str) -> str:
    return _MESSAGES[sqlite3.SQLITE_CANTOPEN].format(place=path, reason=reason)


def _newer(path: Path, found: int, version: int) -> str:
    return (
        f"进度文件 {path} 是更新版本的小安写的（第 {found} 版，这个小安只认得到第 {version} 版），没有动它。"
        "请升级小安，或用 XIAOAN_HOME 另指定一个文件夹。"
    )
