from pathlib import Path

import pytest

from tests.fakes import BOOTS, small_bank
from xiaoan.assistant.open_bank import OpenBank, open_bank, open_questions
from xiaoan.errors import BankError
from xiaoan.question_bank.canonical import write_canonical
from xiaoan.question_bank.matching import MatchKind
from xiaoan.question_bank.parsing import parse_question


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(1, 5):
        write_canonical(small_bank(), tmp_path / "题库" / f"第{number}章.xlsx")
    return tmp_path / "题库"


def opened(*names: Path, cache: Path | None = None) -> OpenBank:
    bank = open_bank(names, cache)
    assert bank is not None
    return bank


@pytest.mark.parametrize("cache", [None, "c/banks.sqlite", "题库"])
def test_a_folder_is_opened_with_a_cache_and_without_to_the_same_bank(
    tmp_path: Path, folder: Path, cache: str | None
) -> None:
    place = tmp_path / cache if cache else None
    for _ in range(2):
        bank = opened(folder, cache=place)
        assert bank.title == "第1章.xlsx、第2章.xlsx、第3章.xlsx等 4 个文件（6 题）"
        assert bank.counts() == [("单选题", 4), ("多选题", 1), ("判断题", 1), ("变电", 4), ("配电", 2)]
        assert (bank.fault_count, bank.first_faults(5), bank.bank.duplicates) == (0, [], 18)
        found = bank.matcher.match(parse_question(BOOTS.stem))
        assert found.kind is MatchKind.EQUIVALENT
        assert len(found.questions[0].sources) == 4


def test_faults_are_counted_and_the_first_are_told(tmp_path: Path) -> None:
    rows = ["题型,题目,A,B,答案", "单选题,应先（ ）,停电,验电,A", *["单选题,应后（ ）,停电,验电,D"] * 3]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    for cache in (None, tmp_path / "c.sqlite", tmp_path / "c.sqlite"):
        bank = opened(tmp_path / "a.csv", cache=cache)
        assert (len(bank.bank), bank.fault_count) == (1, 3)
        assert [fault.row for fault in bank.first_faults(2)] == [3, 4]


def test_no_names_are_no_bank(tmp_path: Path) -> None:
    assert open_bank(()) is None
    with pytest.raises(BankError, match="没有找到"):
        open_bank([tmp_path / "无.xlsx"], tmp_path / "c.sqlite")


def test_rows_lost_later_are_read_from_the_file(tmp_path: Path, folder: Path) -> None:
    bank = open_questions([folder], tmp_path / "c.sqlite")
    (tmp_path / "c.sqlite").write_bytes(b"")
    assert [question.id for question in bank] == [question.id for question in small_bank()]
