import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.question_bank.records.made_progress import (
    BOOTS,
    KEYS,
    MORNING,
    TOOLS,
    attempt,
    derived,
    learner,
    worked_out_anew,
)
from xiaoan.errors import StorageError, UsageError
from xiaoan.question_bank.records.database import Database
from xiaoan.question_bank.records.exchange import ImportCounts, export_progress, import_progress


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Progress of two people on one machine."""
    made = tmp_path / "a" / "progress.sqlite"
    person = learner(made)
    with person.progress as progress:
        for verdict in ("wrong", "right", "partly"):
            person.answer(verdict, given='A"\n\U0001f64b\x1b')
            person.calendar.wait(days=3)
        person.answer("right", KEYS, marked=True, mode="quiz", profession="配电")
        progress.pin(KEYS, on=True)
    with learner(made, "李四").progress as other:
        other.record([attempt("wrong", TOOLS)])
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    return tmp_path / "b" / "progress.sqlite"


def exported(path: Path, names: list[str] | None = None) -> Path:
    target = path.with_suffix(".json")
    with Database.open(path, read_only=True) as database:
        export_progress(database, target, names, force=True)
    return target


def imported(path: Path, source: Path) -> list[ImportCounts]:
    with Database.open(path) as database:
        return import_progress(database, source)


def changed(source: Path, **values: Any) -> Path:
    """The export with other values in its first attempt."""
    document = json.loads(source.read_text(encoding="utf-8"))
    entry = document["users"][0]["attempts"][0]
    entry.update(values)
    document["users"][0]["attempts"][0] = {key: value for key, value in entry.items() if value is not None}
    source.write_text(json.dumps(document), encoding="utf-8")
    return source


def test_an_export_says_everything_in_plain_words(path: Path) -> None:
    document = json.loads(exported(path, ["张三"]).read_text(encoding="utf-8"))
    (person,) = document["users"]
    assert (document["format"], document["version"], person["name"]) == ("xiaoan-progress", 1, "张三")
    last = person["attempts"][-1]
    assert (last["question_id"], last["profession"], last["mode"]) == (KEYS, "配电", "quiz")
    assert (last["verdict"], last["rating"], last["marked"], last["seconds"]) == ("right", "hard", True, 4.0)
    assert (last["at"], last["day"]) == ("2026-03-11T01:00:03+00:00", "2026-03-11")
    assert [(pin["question_id"], pin["pinned"]) for pin in person["pins"]] == [(KEYS, True)]
    assert {card["question_id"]: card["streak"] for card in person["cards"]} == {BOOTS: 0, KEYS: 1}


def test_an_import_elsewhere_gives_the_same_progress(path: Path, elsewhere: Path) -> None:
    counts = imported(elsewhere, exported(path))
    assert counts == [ImportCounts("张三", 4, 0, 1), ImportCounts("李四", 1, 0, 0)]
    assert derived(elsewhere) == derived(path)
    for name in ("张三", "李四"):
        with learner(path, name).progress as one, learner(elsewhere, name).progress as other:
            assert (one.book(), one.statistics()) == (other.book(), other.statistics())
    assert exported(elsewhere).read_bytes() == exported(path).read_bytes()


def test_an_import_counts_nothing_twice(path: Path, elsewhere: Path) -> None:
    source = exported(path)
    before = derived(path)
    assert imported(path, source) == [ImportCounts("张三", 0, 4, 0), ImportCounts("李四", 0, 1, 0)]
    assert derived(path) == before
    imported(elsewhere, source)
    imported(elsewhere, source)
    assert derived(elsewhere) == before


def test_answers_of_two_machines_are_merged_in_the_order_of_their_times(path: Path, elsewhere: Path) -> None:
    person = learner(elsewhere, time=MORNING + timedelta(days=1))
    with person.progress:
        person.answer("right")
        person.answer("right")
    imported(elsewhere, exported(path))
    with learner(elsewhere).progress as progress:
        (entry,) = [entry for entry in progress.book() if entry.question_id == BOOTS]
        assert (entry.wrong, entry.streak) == (2, 0)
        assert progress.statistics().attempts == 6
    merged = derived(elsewhere)
    assert worked_out_anew(elsewhere, [BOOTS, KEYS, TOOLS]) == merged
    imported(path, exported(elsewhere))
    assert derived(path) == merged


def test_of_two_changes_of_a_pin_the_later_one_counts(path: Path, elsewhere: Path) -> None:
    pinned = exported(path)
    later = learner(elsewhere, time=MORNING + timedelta(days=90))
    with later.progress as progress:
        progress.pin(KEYS, on=False)
    imported(elsewhere, pinned)
    imported(path, exported(elsewhere))
    for each in (path, elsewhere):
        with learner(each, read_only=True).progress as progress:
            assert not progress.is_pinned(KEYS)


def test_nobody_of_that_name_is_said_with_who_is_there(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"没有 王五 .*张三、李四"):
        exported(path, ["王五"])
    assert not path.with_suffix(".json").exists()


def test_an_export_overwrites_nothing_unless_forced(path: Path) -> None:
    target = exported(path)
    with Database.open(path, read_only=True) as database, pytest.raises(UsageError, match="--force"):
        export_progress(database, target, None)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"uid": "xyz"}, "有不对的值"),
        ({"uid": "-1"}, "有不对的值"),
        ({"uid": None}, "没有 uid"),
        ({"question_id": ""}, "有不对的值"),
        ({"question_id": "x" * 65}, "有不对的值"),
        ({"question_id": "\x1b[2J"}, "有不对的值"),
        ({"question_id": "\ud800"}, "有不对的值"),
        ({"given": "\ud800"}, "有不对的值"),
        ({"mode": "exam"}, "有不对的值"),
        ({"verdict": "great"}, "有不对的值"),
        ({"given": 5}, "有不对的值"),
        ({"credit": float("nan")}, "有不对的值"),
        ({"seconds": "4"}, "有不对的值"),
        ({"marked": 1}, "有不对的值"),
        ({"at": "2026-03-02T09:00:00"}, "有不对的值"),
        ({"at": "yesterday"}, "有不对的值"),
        ({"day": "2026-02-30"}, "有不对的值"),
        ({"rating": "easy"}, "有不对的值"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_imported(
    path: Path, elsewhere: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(StorageError, match=f"张三的第 1 个回答.*{said}.*没有导入任何东西"):
        imported(elsewhere, changed(exported(path, ["张三"]), **values))
    with learner(elsewhere).progress as progress:
        assert progress.users() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "不是完整的 JSON"),
        ("{", "不是完整的 JSON"),
        ("[" * 100_000, "不是完整的 JSON"),
        ("[]", "format"),
        ('{"format": "other"}', "format"),
        ('{"format": "xiaoan-progress", "version": 2, "users": []}', "更新版本"),
        ('{"format": "xiaoan-progress", "version": 1}', "users"),
        ('{"format": "xiaoan-progress", "version": 1, "users": [{}]}', "第 1 个人没有名字"),
        ('{"format": "xiaoan-progress", "version": 1, "users": [{"name": " "}]}', "用户名是空的"),
        ('{"format": "xiaoan-progress", "version": 1, "users": [{"name": "a"}]}', "attempts"),
        (
            '{"format": "xiaoan-progress", "version": 1, "users": [{"name": "a", "attempts": [3], "pins": []}]}',
            "a的第 1 个回答",
        ),
        (
            '{"format": "xiaoan-progress", "version": 1, "users": [{"name": "a", "attempts": [], "pins": [{}]}]}',
            "a的第 1 个收藏",
        ),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, elsewhere: Path, text: str, said: str) -> None:
    source = tmp_path / "x.json"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(StorageError, match=said):
        imported(elsewhere, source)


def test_bytes_that_are_no_text_and_files_that_are_none_are_said(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StorageError, match="JSON"):
        imported(elsewhere, tmp_path / "x.json")
    with pytest.raises(UsageError, match="没有找到"):
        imported(elsewhere, tmp_path / "y.json")


def test_an_export_saved_again_by_an_editor_can_be_imported(path: Path, elsewhere: Path) -> None:
    source = exported(path)
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes().replace(b"\n", b"\r\n"))
    assert [count.new for count in imported(elsewhere, source)] == [4, 1]


def test_an_export_whose_keys_were_sorted_can_be_imported(path: Path, elsewhere: Path) -> None:
    source = exported(path)
    document = json.loads(source.read_text(encoding="utf-8"))
    source.write_text(json.dumps(document, sort_keys=True, indent=2), encoding="utf-8")
    assert [(count.new, count.pins) for count in imported(elsewhere, source)] == [(4, 1), (1, 0)]
    assert derived(elsewhere) == derived(path)


def test_a_fault_at_the_very_end_takes_everything_back(path: Path, elsewhere: Path) -> None:
    source = exported(path)
    source.write_text(source.read_text(encoding="utf-8") + "!", encoding="utf-8")
    with pytest.raises(StorageError, match="不是完整的 JSON"):
        imported(elsewhere, source)
    with learner(elsewhere).progress as progress:
        assert progress.users() == []


def test_a_pin_of_another_age_is_refused(path: Path, elsewhere: Path) -> None:
    source = exported(path, ["张三"])
    document = json.loads(source.read_text(encoding="utf-8"))
    document["users"][0]["pins"][0]["at"] = "9999-12-31T23:59:59-14:00"
    source.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(StorageError, match=r"张三的第 1 个收藏.*有不对的值"):
        imported(elsewhere, source)


def test_a_question_whose_profession_is_written_in_two_ways_is_one_of_its_day(
    path: Path, elsewhere: Path
) -> None:
    with learner(path).progress as progress:
        progress.record([attempt("right", TOOLS), attempt("right", TOOLS, profession="变电（新）")])
    imported(elsewhere, exported(path))
    assert derived(elsewhere)[1] == derived(path)[1]
