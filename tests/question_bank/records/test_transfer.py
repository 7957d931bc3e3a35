import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.question_bank.records.made_progress import BOOTS, KEYS, attempt, learner
from xiaoan.errors import StorageError, UsageError
from xiaoan.question_bank.records.schema import MIGRATIONS
from xiaoan.question_bank.records.transfer import back_up, restore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "progress.sqlite"


@pytest.fixture
def saved(path: Path, tmp_path: Path) -> Path:
    """A backup with one answer to BOOTS and a quiz left open."""
    with learner(path).progress as progress:
        progress.record([attempt("wrong", BOOTS)])
        progress.begin("quiz", "模拟卷", {"p": 1}, {"at": 3}, 5)
        back_up(path, tmp_path / "备份.sqlite")
    return tmp_path / "备份.sqlite"


def questions_in(path: Path) -> set[str]:
    with learner(path, read_only=True).progress as progress:
        return set(progress.seen())


def test_a_backup_is_one_whole_file_though_the_program_is_running(saved: Path) -> None:
    with learner(saved, read_only=True).progress as progress:
        assert progress.resume(progress.unfinished()[0].session_id) == ({"p": 1}, {"at": 3})
    assert [path.name for path in saved.parent.glob("备份*")] == ["备份.sqlite"]
    with closing(sqlite3.connect(saved)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_backup_overwrites_nothing_unless_forced(path: Path, saved: Path) -> None:
    before = saved.read_bytes()
    with learner(path).progress as progress:
        progress.record([attempt("wrong", KEYS)])
    with pytest.raises(UsageError, match="--force"):
        back_up(path, saved)
    assert saved.read_bytes() == before
    back_up(path, saved, force=True)
    assert questions_in(saved) == {BOOTS, KEYS}


def test_a_backup_never_goes_onto_the_file_itself(path: Path, saved: Path) -> None:
    with pytest.raises(UsageError, match="不能写在它上面"):
        back_up(path, path.parent / ".." / "home" / path.name, force=True)
    assert questions_in(path) == {BOOTS}


def test_nothing_to_back_up_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="还没有进度"):
        back_up(tmp_path / "none.sqlite", tmp_path / "a.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_restored_elsewhere_is_the_same_progress(saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "新机器" / "progress.sqlite"
    assert restore(target, saved) is None
    assert questions_in(target) == {BOOTS}
    with learner(target).progress as progress:
        progress.record([attempt("wrong", KEYS)])
        assert [each.title for each in progress.unfinished()] == ["模拟卷"]


def test_what_was_replaced_is_kept_each_time(path: Path, saved: Path) -> None:
    with learner(path).progress as progress:
        progress.record([attempt("wrong", KEYS)])
    first = restore(path, saved)
    second = restore(path, saved)
    assert questions_in(path) == {BOOTS}
    assert (first, second) == (path.with_name(path.name + ".bak"), path.with_name(path.name + ".bak2"))
    assert questions_in(first or path) == {BOOTS, KEYS}


def test_a_program_that_is_running_goes_on_with_what_was_restored(path: Path, saved: Path) -> None:
    with learner(path, "李四").progress as progress:
        progress.record([attempt("wrong", KEYS)])
        restore(path, saved)
        assert progress.seen() == {}
        progress.record([attempt("right", KEYS)])
        assert progress.users() == ["张三", "李四"]
    assert questions_in(path) == {BOOTS}


@pytest.mark.parametrize("damage", [b"", b"no database at all", b"SQLite format 3\x00" + b"\xa5" * 9000])
def test_a_damaged_file_is_put_aside_whole_and_replaced(path: Path, saved: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    kept = restore(path, saved)
    assert questions_in(path) == {BOOTS}
    assert (kept.read_bytes() if kept else b"") == damage


def test_damage_inside_is_found_before_the_old_file_is_copied(path: Path, saved: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    kept = restore(path, saved)
    assert kept is not None
    assert kept.read_bytes()[4096:8192] == b"\xa5" * 4096
    assert questions_in(path) == {BOOTS}


@pytest.mark.parametrize("content", [b"", b"x" * 5000, None])
def test_a_backup_that_is_none_changes_nothing(path: Path, saved: Path, content: bytes | None) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096) if content is None else content)
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"备份|不是小安|坏了"):
        restore(path, saved)
    assert path.read_bytes() == before
    assert not path.with_name(path.name + ".bak").exists()


def test_a_newer_backup_and_a_newer_file_are_left_alone(path: Path, saved: Path) -> None:
    for newer in (saved, path):
        with closing(sqlite3.connect(newer)) as connection:
            connection.execute("PRAGMA user_version = 99")
        before = path.read_bytes(), saved.read_bytes()
        with pytest.raises(StorageError, match="更新版本"):
            restore(path, saved)
        assert (path.read_bytes(), saved.read_bytes()) == before
        with closing(sqlite3.connect(newer)) as connection:
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def test_a_backup_that_is_not_there_or_is_the_file_itself_is_said(path: Path, saved: Path) -> None:
    with pytest.raises(UsageError, match="没有找到"):
        restore(path, saved.with_name("没有.sqlite"))
    with pytest.raises(UsageError, match="就是现在用的"):
        restore(path, path)


def test_behind_a_link_the_file_is_put_aside_and_the_link_stays(path: Path, saved: Path) -> None:
    elsewhere = saved.with_name("同步")
    elsewhere.mkdir()
    path.replace(elsewhere / path.name)
    (elsewhere / path.name).write_bytes(b"no database at all")
    path.symlink_to(elsewhere / path.name)
    assert restore(path, saved) == elsewhere / f"{path.name}.bak"
    assert path.is_symlink()
    assert (elsewhere / f"{path.name}.bak").read_bytes() == b"no database at all"
    assert questions_in(elsewhere / path.name) == {BOOTS}
