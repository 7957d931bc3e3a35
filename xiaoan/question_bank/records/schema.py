"""The tables, as the steps by which an older file becomes today's."""

import sqlite3
from collections.abc import Sequence

APPLICATION_ID = 0x5841_4F41
"""`XAOA` in the file's header: by it a file of ours is told from any other SQLite database."""

Migration = Sequence[str]
"""Statements that turn one version into the next."""

MIGRATIONS: tuple[Migration, ...] = (
    (
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        # Times are microseconds since 1970 in UTC, `day` is the person's own day when it was.
        """CREATE TABLE attempts (
            id INTEGER PRIMARY KEY,
            uid INTEGER NOT NULL,
            user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
            question_id TEXT NOT NULL,
            profession TEXT NOT NULL,
            question_type TEXT NOT NULL,
            mode TEXT NOT NULL CHECK (mode IN ('practice', 'quiz', 'review')),
            given TEXT NOT NULL,
            verdict TEXT NOT NULL CHECK (verdict IN ('right', 'partly', 'wrong')),
            credit REAL NOT NULL,
            seconds REAL NOT NULL,
            marked INTEGER NOT NULL,
            at INTEGER NOT NULL,
            day TEXT NOT NULL,
            rating INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 3),
            UNIQUE (user_id, uid)
        )""",
        "CREATE INDEX attempts_of_question ON attempts (user_id, question_id, day)",
        # What follows from the attempts, kept in step so that nothing has to be counted.
        """CREATE TABLE states (
            user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
            question_id TEXT NOT NULL,
            profession TEXT NOT NULL,
            question_type TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            not_right INTEGER NOT NULL,
            streak INTEGER NOT NULL,
            last_at INTEGER NOT NULL,
            last_day TEXT NOT NULL,
            phase INTEGER NOT NULL,
            step INTEGER,
            stability REAL NOT NULL,
            difficulty REAL NOT NULL,
            due INTEGER NOT NULL,
            reviewed_at INTEGER NOT NULL,
            PRIMARY KEY (user_id, question_id)
        ) WITHOUT ROWID""",
        """CREATE TABLE days (
            user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
            day TEXT NOT NULL,
            profession TEXT NOT NULL,
            question_type TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            right INTEGER NOT NULL,
            questions INTEGER NOT NULL,
            seconds REAL NOT NULL,
            PRIMARY KEY (user_id, day, profession, question_type)
        ) WITHOUT ROWID""",
        # A pin that was taken off stays with its time: the later change wins where two files are merged.
        """CREATE TABLE pins (
            user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
            question_id TEXT NOT NULL,
            pinned INTEGER NOT NULL,
            changed_at INTEGER NOT NULL,
            PRIMARY KEY (user_id, question_id)
        ) WITHOUT ROWID""",
        """CREATE TABLE sessions (
            id TEXT PRIMARY KEY,
            user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
            mode TEXT NOT NULL,
            title TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            saved_at INTEGER NOT NULL,
            answered INTEGER NOT NULL,
            total INTEGER NOT NULL,
            elapsed_s REAL NOT NULL,
            state BLOB NOT NULL,
            paper BLOB NOT NULL
        )""",
        "CREATE INDEX sessions_of_user ON sessions (user_id, mode)",
    ),
    (
        # Papers that were handed in, the newest few; `id` grows, whatever the clock says.
        """CREATE TABLE finished (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            session_id TEXT NOT NULL UNIQUE,
            user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
            mode TEXT NOT NULL,
            title TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            finished_at INTEGER NOT NULL,
            state BLOB NOT NULL,
            paper BLOB NOT NULL
        )""",
        "CREATE INDEX finished_of_user ON finished (user_id, mode)",
    ),
)


def stored_version(connection: sqlite3.Connection) -> int:
    """Return how many migrations the open database has had."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Bring the database to the last version in one transaction; several processes may try at once.

    Raises sqlite3.Error, with the file as it was.
    """
    if stored_version(connection) >= len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for migration in migrations[stored_version(connection) :]:
            for statement in migration:
                connection.execute(statement)
        if stored_version(connection) < len(migrations):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
