"""The record of an exam survives what ends an exam, and belongs to one exam only."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.evaluation.examinees import Guesser, made_questions
from tests.evaluation.sittings import lettered, sitting
from tests.fakes import BOOTS, INFO, KEYS
from xiaoan.assistant.answering import Assistant
from xiaoan.errors import Interrupted, StorageError, UsageError
from xiaoan.evaluation.exam import sit_exam
from xiaoan.evaluation.exam_record import (
    ExamRecord,
    Facts,
    exam_facts,
    read_record,
    resume_record,
    start_record,
)

SITTINGS = (sitting(1, confidence=0.75), lettered(2, "AB", "AC"), sitting(3, stem="第一行\u2028第二行\n"))


def facts(**fields: str | int | None) -> Facts:
    return {**exam_facts(INFO, [KEYS], decode="content", seed=1), **fields}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A record with three sittings."""
    record = start_record(tmp_path / "考试.jsonl", facts())
    record.add(SITTINGS[:1])
    record.add(SITTINGS[1:])
    return record.path


def test_what_was_written_is_read_again(path: Path) -> None:
    assert read_record(path) == (facts(), SITTINGS)
    record = resume_record(path, facts())
    assert record.known == SITTINGS
    record.add([sitting(4)])
    assert read_record(path) == (facts(), (*SITTINGS, sitting(4)))


def test_no_record_yet_is_a_new_one(tmp_path: Path) -> None:
    assert resume_record(tmp_path / "r.jsonl", facts()).known == ()
    assert read_record(tmp_path / "r.jsonl") == (facts(), ())


@pytest.mark.parametrize("kept", ["nothing", "a half", "all but the line end"])
def test_the_torn_last_line_is_dropped_and_written_anew(path: Path, kept: str) -> None:
    data = path.read_bytes()
    last = data.splitlines(keepends=True)[-1]
    rest = {"nothing": b"\0\0\0", "a half": last[: len(last) // 2], "all but the line end": last[:-1]}[kept]
    path.write_bytes(data[: -len(last)] + rest)
    assert read_record(path)[1] == SITTINGS[:2]
    record = resume_record(path, facts())
    assert record.known == SITTINGS[:2]
    record.add(SITTINGS[2:])
    assert path.read_bytes() == data


def test_a_half_surrogate_is_written_and_read(tmp_path: Path) -> None:
    odd = sitting(1, answer="\ud83d 电")
    record = start_record(tmp_path / "r.jsonl", facts())
    record.add([odd])
    assert read_record(record.path)[1] == (odd,)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"seed": 2}, "种子上次是 1，这次是 2"),
        ({"prefix": None}, "前缀上次是 fake-prefix，这次是 无"),
        (
            {"decode": "free", "dtype": "int8"},
            "精度上次是 float32，这次是 int8；解码上次是 content，这次是 free",
        ),
        ({"bank": None}, "核对用的题库不同"),
        ({"weights": "0123"}, "权重内容不同"),
    ],
)
def test_another_exam_is_refused_with_what_differs(
    path: Path, changed: dict[str, str | int | None], told: str
) -> None:
    before = path.read_bytes()
    with pytest.raises(UsageError, match=told):
        resume_record(path, facts(**changed))
    assert path.read_bytes() == before


def test_a_file_that_is_there_is_not_written_over(path: Path) -> None:
    with pytest.raises(UsageError, match="已经有了"):
        start_record(path, facts())
    start_record(path, facts(), force=True)
    assert read_record(path)[1] == ()


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}\n", b"[1]\n", b"\xff\xfe\n", b'{"kind": "xiaoan-exam-record"}\n']
)
def test_what_is_no_record_is_refused_and_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "别的.jsonl"
    path.write_bytes(data)
    with pytest.raises(StorageError, match="不是考试记录"):
        resume_record(path, facts())
    assert path.read_bytes() == data


def test_another_versions_record_says_so(path: Path) -> None:
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(json.dumps({**json.loads(first), "version": 9}).encode() + b"\n" + b"".join(others))
    with pytest.raises(StorageError, match="第 9 版"):
        read_record(path)


@pytest.mark.parametrize("line", [b"{", b"{}", b"7", b'{"id": "1"}'])
def test_a_broken_line_in_the_middle_is_named(path: Path, line: bytes) -> None:
    lines = path.read_bytes().split(b"\n")
    lines[2] = line
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(StorageError, match="第 3 行"):
        read_record(path)


def test_of_equal_sittings_the_first_counts(path: Path) -> None:
    record = resume_record(path, facts())
    record.add([replace(SITTINGS[0], answer="另一个")])
    assert read_record(path)[1] == SITTINGS


def test_a_missing_folder_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="不存在"):
        resume_record(tmp_path / "没有" / "r.jsonl", facts())
    with pytest.raises(StorageError, match="读不出"):
        resume_record(tmp_path, facts())


def test_what_cannot_be_written_is_told(path: Path) -> None:
    full = Path("/dev/full")
    if full.exists():
        with pytest.raises(StorageError, match="写不进"):
            ExamRecord(full).add(SITTINGS)
    record = resume_record(path, facts())
    path.unlink()
    with pytest.raises(StorageError, match="写不进"):
        record.add(SITTINGS)
    assert not path.exists()


def test_facts_follow_the_prefixs_contents_and_the_banks(tmp_path: Path) -> None:
    (tmp_path / "prefix.safetensors").write_bytes(b"one")
    info = replace(INFO, prefix_path=tmp_path)
    one = exam_facts(info, [KEYS, BOOTS], decode="auto", seed=0)
    assert exam_facts(info, [BOOTS, KEYS], decode="auto", seed=0) == one
    assert exam_facts(info, [KEYS], decode="auto", seed=0)["bank"] != one["bank"]
    (tmp_path / "prefix.safetensors").write_bytes(b"two")
    assert exam_facts(info, [KEYS, BOOTS], decode="auto", seed=0)["weights"] != one["weights"]
    assert exam_facts(INFO, None, decode="auto", seed=0) == {
        **one,
        "weights": None,
        "bank": None,
    }


def test_an_interrupted_exam_goes_on_from_its_record(tmp_path: Path) -> None:
    asked = made_questions(10)

    def examinee(engine: Guesser) -> Assistant:
        return Assistant(engine, None, clock=lambda: 0.0)

    def interrupt(done: int, _total: int) -> None:
        if done >= 6:
            raise Interrupted("停")

    record = resume_record(tmp_path / "r.jsonl", facts())
    with pytest.raises(Interrupted):
        sit_exam(
            examinee(Guesser()),
            asked,
            ["options"],
            batch_size=3,
            on_sittings=record.add,
            on_progress=interrupt,
        )
    engine = Guesser()
    record = resume_record(record.path, facts())
    report = sit_exam(examinee(engine), asked, ["options"], known=record.known, on_sittings=record.add)
    assert len(engine.asked) == 4
    assert report == sit_exam(examinee(Guesser()), asked, ["options"])
    assert len(read_record(record.path)[1]) == 10
