"""The questions that tell how good and how sure the shipped checkpoint is. That their answers are right people checked."""

import json
from collections import Counter
from pathlib import Path

import pytest

from xiaoan.chatglm.known_questions import confidence_beside
from xiaoan.config import default_paths
from xiaoan.question_bank.matching import Matcher, MatchKind
from xiaoan.question_bank.normalization import normalize_answers, normalize_text
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import Question, QuestionBank, QuestionType
from xiaoan.question_bank.spreadsheet import read_bank

DEFAULTS = default_paths()
REWORDED, REWORDED_FOR_FIT = "改写题", "校准-改写题"
OUTSIDE, OUTSIDE_FOR_FIT = "题外题", "校准-题外题"
COUNTS = {REWORDED: 200, OUTSIDE: 200, REWORDED_FOR_FIT: 120, OUTSIDE_FOR_FIT: 117}
TEXTS = Path(__file__).resolve().parent.parent / "checkpoints" / "sources" / "安规语料.jsonl"


@pytest.fixture(scope="module")
def bank() -> QuestionBank:
    return read_bank([DEFAULTS.bank]).bank


@pytest.fixture(scope="module")
def sets() -> dict[str, tuple[Question, ...]]:
    reading = read_bank([DEFAULTS.evaluation / f"{name}.xlsx" for name in COUNTS])
    assert reading.faults == ()
    return {
        name: tuple(question for question in reading.bank if question.sources[0].file == f"{name}.xlsx")
        for name in COUNTS
    }


def test_the_files_are_whole(sets: dict[str, tuple[Question, ...]]) -> None:
    assert {name: len(questions) for name, questions in sets.items()} == COUNTS
    assert DEFAULTS.outside.stem == OUTSIDE_FOR_FIT


@pytest.mark.parametrize("name", COUNTS)
def test_each_has_the_three_types_and_as_many_true_statements_as_false(
    sets: dict[str, tuple[Question, ...]], name: str
) -> None:
    counts = Counter(question.question_type for question in sets[name])
    assert (
        min(counts[kind] for kind in (QuestionType.SINGLE, QuestionType.MULTIPLE, QuestionType.JUDGE)) >= 20
    )
    verdicts = [question.answer for question in sets[name] if question.question_type is QuestionType.JUDGE]
    assert 0.3 <= verdicts.count(("正确",)) / len(verdicts) <= 0.7


def test_what_is_measured_on_is_not_what_was_fitted_on(sets: dict[str, tuple[Question, ...]]) -> None:
    stems = [question.normal_stem for questions in sets.values() for question in questions]
    assert len(set(stems)) == len(stems)


@pytest.mark.parametrize("name", [REWORDED, REWORDED_FOR_FIT])
def test_a_reworded_question_is_the_banks_in_all_but_its_stem(
    sets: dict[str, tuple[Question, ...]], bank: QuestionBank, name: str
) -> None:
    stems = {question.normal_stem for question in bank}
    contents = {_content(question) for question in bank}
    for question in sets[name]:
        assert question.normal_stem not in stems
        assert _content(question) in contents, question.stem


def test_no_reworded_question_was_in_the_texts_of_the_base(sets: dict[str, tuple[Question, ...]]) -> None:
    texts = {
        normalize_text(text)
        for line in TEXTS.read_text(encoding="utf-8").splitlines()
        for kind in ("statements", "false_statements", "questions")
        for text in json.loads(line)[kind]
    }
    seen = [question.stem for question in sets[REWORDED] if normalize_text(question.stem) in texts]
    assert seen == []


@pytest.mark.parametrize("name", [OUTSIDE, OUTSIDE_FOR_FIT])
def test_the_bank_has_none_of_the_strange_questions(
    sets: dict[str, tuple[Question, ...]], bank: QuestionBank, name: str
) -> None:
    matcher = Matcher(bank)
    kinds = {matcher.match(parse_question(question.stem)).kind for question in sets[name]}
    assert not kinds & {MatchKind.EQUIVALENT, MatchKind.AMBIGUOUS}


def test_the_shipped_confidence_belongs_to_the_shipped_prefix(bank: QuestionBank) -> None:
    hidden_size = json.loads((DEFAULTS.model / "config.json").read_text(encoding="utf-8"))["hidden_size"]
    stored = confidence_beside(DEFAULTS.prefix, hidden_size)
    assert stored is not None
    assert set(stored.kinds) == {"written", "chosen", "judged"}
    assert len(stored.known.states) == len({question.normal_stem for question in bank})
    assert set(stored.fitted_on) == {"题库原题", "题库漏字", REWORDED_FOR_FIT, "题外题"}


def _content(question: Question) -> tuple[object, ...]:
    options = tuple(sorted(map(normalize_text, question.options)))
    return (
        question.question_type,
        question.profession,
        question.clause,
        options,
        normalize_answers(question.answer),
    )
