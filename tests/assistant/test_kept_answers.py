"""Answers kept while a file is being answered: whole, bound to what was asked of whom, taken up again."""

import json
from pathlib import Path

import pytest

from xiaoan.assistant.kept_answers import KeptAnswers, part_path
from xiaoan.errors import StorageError, UsageError

FACTS = {"题目文件": "1a", "模型": "小安"}


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    path = part_path(tmp_path / "答案.xlsx")
    with KeptAnswers(path, FACTS) as kept:
        kept.add([(1, {"shown": "三"}), (2, {"error": "太长"})])
        kept.add([(3, {"shown": "\ud800"})])
    with KeptAnswers(path, FACTS) as again:
        assert again.answers == {1: {"shown": "三"}, 2: {"error": "太长"}, 3: {"shown": "\ud800"}}
        again.add([(4, {})])
    assert len(path.read_text(encoding="utf-8").splitlines()) == 5
    assert [one.name for one in tmp_path.iterdir()] == ["答案.xlsx.part.jsonl"]


@pytest.mark.parametrize("tail", [b'{"row": 2, "sho', b"\xe4\xb8"])
def test_half_a_line_is_dropped(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "x.part.jsonl"
    with KeptAnswers(path, FACTS) as kept:
        kept.add([(1, {"shown": "三"})])
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    with KeptAnswers(path, FACTS) as again:
        assert list(again.answers) == [1]
        again.add([(2, {"shown": "四"})])
    assert path.read_bytes().startswith(whole)
    assert [json.loads(line).get("row") for line in path.read_bytes().splitlines()] == [None, 1, 2]


def test_answers_of_another_model_are_refused_and_stay(tmp_path: Path) -> None:
    path = tmp_path / "x.part.jsonl"
    with KeptAnswers(path, FACTS) as kept:
        kept.add([(1, {})])
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"模型和这次的不一样.*--no-resume"):
        KeptAnswers(path, {**FACTS, "模型": "大安"})
    assert path.read_bytes() == before
    with KeptAnswers(path, {**FACTS, "模型": "大安"}, afresh=True) as anew:
        assert anew.answers == {}


@pytest.mark.parametrize("data", [b"x\n", b"no line", b"[1]\n", b'{"kind": "other"}\n'])
def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.part.jsonl"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="没有动它"):
        KeptAnswers(path, FACTS)
    assert path.read_bytes() == data


def test_an_empty_file_that_a_power_cut_left_is_begun(tmp_path: Path) -> None:
    (tmp_path / "x.part.jsonl").touch()
    with KeptAnswers(tmp_path / "x.part.jsonl", FACTS) as kept:
        assert kept.answers == {}


def test_two_at_a_time_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.part.jsonl"
    with KeptAnswers(path, FACTS), pytest.raises(UsageError, match="另一个小安"):
        KeptAnswers(path, FACTS)
    with KeptAnswers(path, FACTS):
        pass


def test_nothing_kept_leaves_nothing_behind(tmp_path: Path) -> None:
    with KeptAnswers(tmp_path / "x.part.jsonl", FACTS):
        pass
    kept = KeptAnswers(tmp_path / "x.part.jsonl", FACTS)
    kept.add([(1, {})])
    kept.close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_its_place_is_an_error_of_storage(tmp_path: Path) -> None:
    (tmp_path / "x.part.jsonl").mkdir()
    with pytest.raises(StorageError, match="写不了"):
        KeptAnswers(tmp_path / "x.part.jsonl", FACTS)
