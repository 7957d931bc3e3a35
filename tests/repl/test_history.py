import os
from pathlib import Path

import pytest

from xiaoan.errors import StorageError
from xiaoan.repl.history import QuestionHistory, entries


def test_what_was_typed_is_kept_for_the_next_session_for_its_owner_only(tmp_path: Path) -> None:
    first = QuestionHistory(tmp_path / "history")
    for text in ("第一题", "/help", "第二题\nA. 甲", "坏\udcff\x1b[31m字"):
        first.append_string(text)
    later = QuestionHistory(tmp_path / "history")
    assert entries(later) == ["第一题", "/help", "第二题\nA. 甲", "坏字"]
    if os.name == "posix":
        assert (tmp_path / "history").stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="XIAOAN_HOME"):
        QuestionHistory(tmp_path / "missing" / "history")


def test_a_write_that_fails_later_costs_only_the_entry(tmp_path: Path) -> None:
    history = QuestionHistory(tmp_path / "history")
    (tmp_path / "history").unlink()
    (tmp_path / "history").mkdir()
    history.append_string("题")
    assert entries(history) == ["题"]
