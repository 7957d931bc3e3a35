import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.question_bank.records.made_progress import (
    KEYS,
    Calendar,
    attempt,
    derived,
    learner,
    worked_out_anew,
)
from xiaoan.errors import StorageError
from xiaoan.question_bank.progress import Progress
from xiaoan.question_bank.records.database import Database, UnusableFileError
from xiaoan.question_bank.records.schema import APPLICATION_ID, MIGRATIONS, stored_version

TOO_NEW = len(MIGRATIONS) + 1
NEXT = (*MIGRATIONS, ("ALTER TABLE users ADD COLUMN team TEXT NOT NULL DEFAULT '运维一班'",))
BROKEN = (*MIGRATIONS, ("CREATE TABLE teams (name TEXT)", "INSERT INTO nowhere VALUES (1)"))

PREAMBLE = """
import itertools, os, sys
from datetime import datetime, timezone
from pathlib import Path
from xiaoan.errors import StorageError
from xiaoan.question_bank.progress import Attempt, Progress
import fsrs

def now():
    return datetime.now(timezone.utc)

def attempt(question_id):
    return Attempt(question_id, "变电", "单选题", "practice", "B", "wrong", 0.0, 1.0, False, now())

path = Path(sys.argv[1])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.sqlite"


@pytest.fixture
def filled(path: Path) -> Path:
    with learner(path).progress as progress:
        progress.record([attempt("wrong"), attempt("right", KEYS)])
    return path


def child(body: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PREAMBLE + body, *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )


def output_of(body: str, *arguments: object) -> str:
    with child(body, *arguments) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out


def attempts_in(path: Path) -> int:
    with learner(path, read_only=True).progress as progress:
        return progress.statistics().attempts


def faults_of(path: Path) -> list[str]:
    with Database.open(path) as database:
        return database.faults()


def test_a_new_file_is_ours_at_the_last_version_and_keeps_its_log(path: Path) -> None:
    with Database.open(path) as database, database.reading() as connection:
        assert stored_version(connection) == len(MIGRATIONS)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] in ("wal", "delete")
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_transaction_that_sqlite_refuses_leaves_nothing(filled: Path) -> None:
    def spoil() -> None:
        with database.writing() as connection:
            connection.execute("DELETE FROM states")
            connection.execute("INSERT INTO pins VALUES (99, 'x', 1, 0)")

    with Database.open(filled) as database, pytest.raises(StorageError, match="出错"):
        spoil()
    assert len(derived(filled)[0]) == 2


def test_a_transaction_that_is_interrupted_leaves_nothing(filled: Path) -> None:
    def stop() -> None:
        with database.writing() as connection:
            connection.execute("DELETE FROM states")
            raise KeyboardInterrupt

    with Database.open(filled) as database, pytest.raises(KeyboardInterrupt):
        stop()
    assert len(derived(filled)[0]) == 2


@pytest.mark.parametrize(("network", "journal"), [(True, "delete"), (False, "wal")])
@pytest.mark.parametrize("before", [True, False])
def test_the_journal_goes_with_the_folder_and_changes_with_it(
    filled: Path, before: bool, network: bool, journal: str
) -> None:
    Database.open(filled, on_network=lambda folder: before).close()
    moved = Database.open(filled, on_network=lambda folder: network)
    with moved as database, database.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (journal,)
    assert attempts_in(filled) == 2


def test_a_folder_that_refuses_the_log_gets_the_other_journal(path: Path) -> None:
    for _ in range(2):
        refused = Database.open(path, has_log=lambda folder: False)
        with refused as database, database.reading() as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes links for few people only")
def test_a_file_with_a_log_opens_where_none_can_be_shared(filled: Path) -> None:
    shared = filled.with_name(filled.name + "-shm")
    shared.unlink(missing_ok=True)
    shared.symlink_to(filled.parent / "没有" / "没有")  # SQLite opens none that is a link
    moved = Database.open(filled, has_log=lambda folder: False)
    with moved as database, database.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert len(connection.execute("SELECT * FROM attempts").fetchall()) == 2


@pytest.mark.parametrize(
    "nonsense",
    [
        "UPDATE states SET due = 9223372036854775807",
        "UPDATE states SET due = 'morgen', stability = 'viel'",
        "UPDATE states SET stability = 0",
        "UPDATE states SET phase = 7",
        "UPDATE states SET last_day = 'gestern'",
        "UPDATE states SET streak = 'x', attempts = 'y'",
        "UPDATE states SET profession = x'ff00'",
        "UPDATE days SET day = '2026-99-99'",
        "UPDATE days SET seconds = 'lange', profession = x'ff'",
    ],
)
def test_values_that_nothing_of_ours_wrote_are_damage(filled: Path, nonsense: str) -> None:
    with Database.open(filled) as database, database.writing() as connection:
        connection.execute("DELETE FROM days WHERE profession <> '变电'")
        connection.execute(nonsense)

    def look() -> None:
        with learner(filled).progress as progress:
            progress.book()
            progress.statistics()
            progress.record([attempt("right")])

    with pytest.raises(StorageError, match="坏了"):
        look()


def test_what_a_copy_cannot_write_is_said_of_the_copy(filled: Path) -> None:
    with (
        Database.open(filled) as database,
        closing(sqlite3.connect(f"file:{filled}?mode=ro", uri=True)) as target,
        pytest.raises(StorageError, match=r"副本.*只能读"),
    ):
        database.copy_to(target, Path("副本"))


def test_a_trigger_is_a_fault(filled: Path) -> None:
    with Database.open(filled) as database, database.writing() as connection:
        connection.execute("CREATE TRIGGER eats AFTER INSERT ON attempts BEGIN DELETE FROM attempts; END")
    assert faults_of(filled) == ["eats"]


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "甲" / "乙" / "progress.sqlite"
    with learner(path).progress as progress:
        progress.record([attempt()])
    assert attempts_in(path) == 1


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "文件").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="打不开"):
        Database.open(tmp_path / "文件" / "progress.sqlite")


def test_a_folder_by_that_name_is_said(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StorageError, match="打不开"):
        Database.open(path)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_file_is_refused_and_its_bytes_stay(filled: Path, read_only: bool) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute(f"PRAGMA user_version = {TOO_NEW}")
    before = {path: path.read_bytes() for path in filled.parent.iterdir() if path.is_file()}
    with pytest.raises(StorageError, match=f"第 {TOO_NEW} 版.*没有动它.*升级"):
        Database.open(filled, read_only=read_only)
    assert {path: path.read_bytes() for path in filled.parent.iterdir() if path.is_file()} == before


def test_a_newer_file_is_told_by_its_log_too(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as newer:
        newer.execute(f"PRAGMA user_version = {TOO_NEW}")
        before = filled.read_bytes()
        with pytest.raises(StorageError, match="更新版本"):
            Database.open(filled)
        assert filled.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"x", b"PK\x03\x04" + b"\x00" * 200, b"SQLite format 3\x00", b"\x00" * 4096]
)
def test_a_file_that_is_no_database_is_refused_and_stays(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UnusableFileError, match="不是小安的进度文件"):
        Database.open(path)
    assert path.read_bytes() == content


def test_an_empty_file_is_a_new_one(path: Path) -> None:
    path.touch()
    with learner(path).progress as progress:
        progress.record([attempt()])
    assert attempts_in(path) == 1


def test_the_database_of_another_program_is_refused_and_stays(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE users (id)")
    before = path.read_bytes()
    with pytest.raises(StorageError, match="别的程序"):
        Database.open(path)
    assert path.read_bytes() == before


def test_a_damaged_file_says_so_when_the_damage_is_met(filled: Path) -> None:
    content = bytearray(filled.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    filled.write_bytes(content)
    with (
        pytest.raises(UnusableFileError, match=r"坏了.*xiaoan progress restore"),
        learner(filled).progress as progress,
    ):
        progress.record([attempt()])
    assert filled.read_bytes()[4096:] == content[4096:]


def test_a_file_cut_short_is_damaged(filled: Path) -> None:
    filled.write_bytes(filled.read_bytes()[:5000])
    with pytest.raises(UnusableFileError), learner(filled).progress as progress:
        progress.book()


def test_an_older_file_is_brought_up_with_everything_in_it(filled: Path) -> None:
    with Database.open(filled, migrations=NEXT) as database, database.reading() as connection:
        assert connection.execute("SELECT name, team FROM users").fetchall() == [("张三", "运维一班")]
        assert stored_version(connection) == len(NEXT)
    with pytest.raises(StorageError, match="更新版本"):
        Database.open(filled)


def test_an_older_file_is_brought_up_in_memory_for_reading_only(filled: Path) -> None:
    before = filled.read_bytes()
    with Database.open(filled, read_only=True, migrations=NEXT) as database, database.reading() as connection:
        assert connection.execute("SELECT team FROM users").fetchall() == [("运维一班",)]
    assert filled.read_bytes() == before


def test_a_step_that_fails_leaves_the_older_file(filled: Path) -> None:
    with pytest.raises(StorageError):
        Database.open(filled, migrations=BROKEN)
    assert attempts_in(filled) == 2


def test_a_file_that_is_taken_away_meanwhile_is_said_before_anything_is_lost(filled: Path) -> None:
    with learner(filled).progress as progress:
        filled.rename(filled.with_name("elsewhere.sqlite"))
        with pytest.raises(StorageError, match="被移走"):
            progress.record([attempt()])
        filled.with_name("elsewhere.sqlite").rename(filled)
        progress.record([attempt()])
    assert attempts_in(filled) == 3


def test_a_file_that_another_keeps_locked_is_said(filled: Path) -> None:
    impatient = Database.open(filled, busy_timeout_s=0.01)
    with (
        closing(sqlite3.connect(filled, isolation_level=None)) as greedy,
        Progress(impatient, "张三", now=Calendar()) as progress,
    ):
        greedy.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="占用"):
            progress.record([attempt()])
        greedy.execute("ROLLBACK")
        progress.record([attempt()])
    assert attempts_in(filled) == 3


KILLED = """
with Progress.open(path, "张三", now=now) as progress:
    session_id = progress.begin("practice", "练习", {"paper": "x" * 50_000}, {}, 1000)
    for number in itertools.count(1):
        answers = [attempt("0" * 16), attempt(f"{number:016x}")]
        progress.save(session_id, {"answered": number}, number, 1.0, answers)
        print(number, flush=True)
"""


@pytest.mark.parametrize("confirmed", [1, 7, 40])
def test_a_process_killed_while_it_writes_loses_nothing_it_had_written(path: Path, confirmed: int) -> None:
    with child(KILLED, path) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == confirmed:
                break
        process.kill()
    with learner(path).progress as progress:
        (left,) = progress.unfinished("practice")
        assert left.answered >= confirmed
        assert not left.held
        _, state = progress.resume(left.session_id)
        assert state == {"answered": left.answered}
        assert progress.statistics().attempts == 2 * left.answered
    assert faults_of(path) == []
    assert worked_out_anew(path, ["0" * 16, *(f"{n:016x}" for n in range(1, left.answered + 1))]) == derived(
        path
    )


HALFWAY = """
from xiaoan.question_bank.records.database import Database
with Database.open(path, on_network=lambda folder: True) as database, database.writing() as connection:
    connection.executemany("INSERT INTO users (name) VALUES (?)", ((str(n) * 50,) for n in range(50_000)))
    connection.execute("DELETE FROM states")
    print("halfway", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("read_only", [True, False])
def test_a_half_written_transaction_is_taken_back_where_there_is_no_log(
    filled: Path, read_only: bool
) -> None:
    with child(HALFWAY, filled) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "halfway\n"
        process.kill()
    assert filled.with_name(filled.name + "-journal").stat().st_size > 0
    with learner(filled, read_only=read_only).progress as progress:
        assert (progress.users(), progress.statistics().questions) == (["张三"], 2)
    assert faults_of(filled) == []


BUSY = """
with Progress.open(path, sys.argv[2], now=now) as progress:
    for number in range(int(sys.argv[3])):
        progress.record([attempt(f"{number % 50:016x}")])
"""


def test_several_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    names, each = ["张三", "张三", "李四"], 150
    processes = [child(BUSY, path, name, each) for name in names]
    for process in processes:
        with process:
            process.communicate(timeout=240)
        assert process.returncode == 0
    counts = {name: learner(path, name).progress for name in set(names)}
    for name, progress in counts.items():
        with progress:
            found = progress.statistics()
            assert (found.attempts, found.questions) == (each * names.count(name), 50)
            assert sum(entry.wrong for entry in progress.book()) == found.attempts
    assert faults_of(path) == []


FULL = """
import resource, signal
with Progress.open(path, "张三", now=now) as progress:
    progress.record([attempt("0" * 16)])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    kept = 1
    try:
        for number in itertools.count(1):
            waiting = attempt(f"{number:016x}")
            progress.record([waiting])
            kept += 1
    except StorageError as error:
        print(error.message)
    assert progress.statistics().attempts == kept
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    progress.record([waiting])
    print(kept + 1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of a file")
def test_a_full_disk_is_said_and_the_answer_can_be_kept_later(path: Path) -> None:
    message, kept = output_of(FULL, path).splitlines()
    assert message.startswith("进度没有写进")
    assert "以前的记录都还在" in message
    assert attempts_in(path) == int(kept)
    assert faults_of(path) == []


PROTECTED = """
path.chmod(0o444)
path.parent.chmod(0o555)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    Progress.open(path, "张三", now=now)
except StorageError as error:
    print(error.message)
with Progress.open(path, "张三", now=now, read_only=True) as progress:
    print(progress.statistics().attempts, len(progress.book()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_a_file_that_may_only_be_read_is_said_and_can_be_read() -> None:
    # Whoever runs the tests, the child is somebody without rights: pytest's own folders are closed to others.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not all(each.stat().st_mode & 0o001 for each in folder.parents):
            pytest.skip(f"others may not look into {folder.parent}")
        with learner(folder / "progress.sqlite").progress as progress:
            progress.record([attempt("wrong")])
        message, found = output_of(PROTECTED, folder / "progress.sqlite").splitlines()
        folder.chmod(0o755)
    assert "只能读，写不进去" in message
    assert found == "1 1"
