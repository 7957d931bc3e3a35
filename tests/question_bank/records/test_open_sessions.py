from pathlib import Path
from typing import Any

import pytest

from tests.question_bank.records.made_progress import attempt, learner
from xiaoan.errors import StorageError
from xiaoan.question_bank.records.database import Database
from xiaoan.question_bank.records.open_sessions import Holds, from_bytes, to_bytes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.sqlite"


def test_a_hold_is_for_one_and_ends_when_dropped(tmp_path: Path) -> None:
    ours, theirs = Holds(tmp_path / "locks"), Holds(tmp_path / "locks")
    assert not theirs.is_held("a")
    assert ours.take("a")
    assert ours.take("a")
    assert (ours.is_held("a"), theirs.is_held("a"), theirs.take("a")) == (True, True, False)
    ours.drop("a")
    assert theirs.take("a")
    theirs.drop_all()
    assert not ours.is_held("a")


def test_a_hold_given_up_for_good_leaves_no_file(tmp_path: Path) -> None:
    holds = Holds(tmp_path)
    holds.take("a")
    holds.drop("a", for_good=True)
    assert list(tmp_path.iterdir()) == []


def test_where_no_lock_can_be_had_a_session_is_held_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("no folder", encoding="utf-8")
    holds = Holds(tmp_path / "locks")
    assert holds.take("a")
    assert (holds.is_held("a"), holds.is_held("b")) == (True, False)
    holds.drop_all()


@pytest.mark.parametrize("stored", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 100_000, "{}", 7, None])
def test_a_document_that_is_spoiled_is_said(stored: Any) -> None:
    with pytest.raises(StorageError, match="不能接着做"):
        from_bytes(stored)


def test_a_document_comes_back_to_the_letter() -> None:
    document = {"题": ["\ud83d", "\x00", 1.1, None, {"a": []}]}
    assert from_bytes(to_bytes(document)) == document


def test_a_spoiled_session_can_be_left_and_another_begun(path: Path) -> None:
    with learner(path).progress as progress:
        session_id = progress.begin("quiz", "模拟卷", {}, {}, 5)
    with Database.open(path) as database, database.writing() as connection:
        connection.execute("UPDATE sessions SET state = x'ff'")
    with learner(path).progress as progress:
        with pytest.raises(StorageError, match="坏了"):
            progress.resume(session_id)
        assert [each.held for each in progress.unfinished()] == [False]
        progress.finish(session_id)
        assert progress.unfinished() == []


def test_a_session_is_written_anew_where_the_file_no_longer_has_it(path: Path) -> None:
    with learner(path).progress as progress:
        session_id = progress.begin("quiz", "模拟卷", {"p": 1}, {"at": 0}, 5)
        with Database.open(path) as database, database.writing() as connection:
            connection.execute("DELETE FROM users")
        progress.save(session_id, {"at": 1}, 1, 9.0, [attempt("right")])
        assert [(each.title, each.answered) for each in progress.unfinished()] == [("模拟卷", 1)]
        assert progress.resume(session_id) == ({"p": 1}, {"at": 1})


def test_a_session_that_cannot_be_begun_is_not_held(path: Path) -> None:
    with learner(path).progress as progress:
        progress.record([attempt()])
    with learner(path, read_only=True).progress as progress:
        with pytest.raises(StorageError, match="只能读"):
            progress.begin("quiz", "模拟卷", {}, {}, 5)
        assert progress.unfinished() == []
    assert list(path.parent.rglob("*.lock")) == []
