from dataclasses import replace
from pathlib import Path

import pytest

from tests.question_bank.factory import fill, judge, single
from xiaoan.question_bank.question import Question, QuestionBank, QuestionType, Source
from xiaoan.question_bank.store.stored_bank import (
    Catalogue,
    FileCounts,
    Rows,
    RowsInMemory,
    RowsLostError,
    StoredBank,
    StoredFile,
)


def at(name: str, row: int, question: Question) -> Question:
    return replace(question, sources=(Source(name, "题库", row),))


FIRST = [
    at("a", 2, single("应先（ ）")),
    at("a", 3, judge("应先验电。")),
    at("a", 4, fill("是（ ）", ["4m"], "配电")),
]
SECOND = [
    at("b", 2, judge("应先停电。", profession="")),
    at("b", 3, single("应先（ ）")),
    at("b", 4, judge("应验电。")),
]


def stored(name: str, questions: list[Question], rows: Rows | None = None) -> StoredFile:
    counts = FileCounts(rows=len(questions) + 1, questions=len(questions), refused=1)
    anew = RowsInMemory(questions)
    return StoredFile(Path(name), Catalogue.of(questions), counts, rows or anew, lambda: anew)


@pytest.fixture
def bank() -> StoredBank:
    return StoredBank([stored("a", FIRST), stored("空", []), stored("b", SECOND)])


def test_several_files_are_one_bank_as_if_read_together(bank: StoredBank) -> None:
    together = QuestionBank([*FIRST, *SECOND])
    assert (len(bank), list(bank)) == (5, list(together))
    assert [str(source) for source in next(iter(bank)).sources] == ["a:题库:2", "b:题库:3"]
    assert (bank.duplicates, bank.counts.refused, bank.counts.rows) == (1, 3, 9)


def test_ids_are_chosen_by_type_and_profession_without_fetching_a_row() -> None:
    class Locked(RowsInMemory):
        def questions(self, places: object) -> list[Question]:
            raise AssertionError("a row was fetched")

    bank = StoredBank([stored("a", FIRST, Locked([])), stored("b", SECOND, Locked([]))])
    judges = bank.ids(types=[QuestionType.JUDGE])
    assert judges == [FIRST[1].id, SECOND[0].id, SECOND[2].id]
    assert bank.ids(types=[QuestionType.JUDGE], professions=["变电"]) == [FIRST[1].id, SECOND[2].id]
    assert bank.ids(professions=["配电", ""]) == [FIRST[2].id, SECOND[0].id]
    assert len(bank.ids()) == len(bank) == 5
    assert bank.by_type() == {"判断题": 3, "单选题": 1, "填空题": 1}
    assert bank.by_profession() == {"变电": 3, "配电": 1}


def test_only_the_rows_asked_for_are_fetched_each_file_once() -> None:
    asked: list[list[int]] = []

    class Noting(RowsInMemory):
        def questions(self, places: object) -> list[Question]:
            asked.append(list(places))  # type: ignore[call-overload]
            return super().questions(places)  # type: ignore[arg-type]

    bank = StoredBank([stored("a", FIRST, Noting(FIRST)), stored("b", SECOND, Noting(SECOND))])
    wanted = [SECOND[2].id, FIRST[2].id, FIRST[1].id]
    assert [question.id for question in bank.questions_of(wanted)] == wanted
    assert asked == [[2], [2, 1]]


def test_an_id_that_is_none_finds_nothing(bank: StoredBank) -> None:
    assert bank.get(FIRST[1].id) == FIRST[1]
    for text in ("", "x" * 16, "0" * 16, FIRST[0].id[:-1]):
        assert bank.get(text) is None
    with pytest.raises(KeyError):
        bank.questions_of(["0" * 16])


def test_rows_that_are_lost_are_read_anew_once() -> None:
    class Lost(RowsInMemory):
        def questions(self, places: object) -> list[Question]:
            raise RowsLostError

    file = stored("a", FIRST, Lost([]))
    assert file.question(1) == FIRST[1]
    assert isinstance(file.rows, RowsInMemory)
    assert not isinstance(file.rows, Lost)


def test_each_file_is_a_shelf_for_the_matcher(bank: StoredBank) -> None:
    first, _, last = bank.shelves()
    assert first.question(2) == FIRST[2]
    assert last.question(0) == SECOND[0]


def test_a_bank_of_questions_in_memory_is_one_too() -> None:
    bank = StoredBank.of(FIRST)
    assert (list(bank), list(bank.faults()), bank.duplicates) == (FIRST, [], 0)
