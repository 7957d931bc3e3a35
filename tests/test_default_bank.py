"""The form of the bank that ships with the program. That its answers are right was checked by people, not here."""

from collections import Counter
from pathlib import Path

import pytest
from rapidfuzz import fuzz, process

from xiaoan.config import default_paths
from xiaoan.question_bank.matching import Matcher, MatchKind
from xiaoan.question_bank.normalization import BLANK, normalize_stem, normalize_text
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import RIGHT, Question, QuestionBank, QuestionType
from xiaoan.question_bank.spreadsheet import read_bank

BANK_FILE = default_paths().bank


@pytest.fixture(scope="module")
def bank() -> QuestionBank:
    reading = read_bank([Path(BANK_FILE)])
    assert reading.faults == ()
    return reading.bank


def singles(bank: QuestionBank) -> list[Question]:
    return list(bank.of_type(QuestionType.SINGLE))


def test_there_are_enough_questions_of_every_type(bank: QuestionBank) -> None:
    counts = Counter(question.question_type for question in bank)
    assert len(bank) >= 400
    assert counts[QuestionType.SINGLE] >= 170
    assert counts[QuestionType.MULTIPLE] >= 90
    assert counts[QuestionType.JUDGE] >= 140


def test_every_question_has_a_clause_and_one_of_four_professions(bank: QuestionBank) -> None:
    assert {question.profession for question in bank} == {"变电", "线路", "配电", "通用"}
    assert all(question.clause for question in bank)


def test_half_of_the_judgements_are_false(bank: QuestionBank) -> None:
    judgements = bank.of_type(QuestionType.JUDGE)
    right = sum(question.answer == (RIGHT,) for question in judgements)
    assert 0.45 <= right / len(judgements) <= 0.55


def test_no_two_stems_are_one_question(bank: QuestionBank) -> None:
    stems = [normalize_stem(question.stem) for question in bank]
    likeness = process.cdist(stems, stems, scorer=fuzz.ratio, score_cutoff=88)
    for i, row in enumerate(likeness):
        alike = [stems[j] for j in range(i) if row[j]]
        assert not alike, (stems[i], alike)


def test_choices_have_one_blank_or_ask_and_judgements_have_none(bank: QuestionBank) -> None:
    for question in bank:
        blanks = normalize_stem(question.stem).count(BLANK)
        if question.question_type is QuestionType.JUDGE:
            assert blanks == 0, question.stem
        else:
            assert blanks == 1 or question.stem.endswith("？"), question.stem


def test_options_differ_and_hold_the_answer(bank: QuestionBank) -> None:
    for question in bank:
        texts = {normalize_text(option) for option in question.options}
        assert len(texts) == len(question.options)
        if question.question_type is not QuestionType.JUDGE:
            assert 3 <= len(texts) <= 5, question.stem
            assert {normalize_text(answer) for answer in question.answer} <= texts
        if question.question_type is QuestionType.MULTIPLE:
            assert len(question.answer) >= 2


def test_the_right_option_does_not_give_itself_away_by_length_or_place(bank: QuestionBank) -> None:
    questions = singles(bank)
    longest = sum(all(len(q.answer[0]) > len(o) for o in q.options if o != q.answer[0]) for q in questions)
    shortest = sum(all(len(q.answer[0]) < len(o) for o in q.options if o != q.answer[0]) for q in questions)
    assert longest <= len(questions) * 0.25
    assert shortest <= len(questions) * 0.25
    letters = Counter(question.answer_letters[0] for question in questions)
    assert max(letters.values()) <= len(questions) * 0.35


def test_every_question_is_found_again_and_its_wrong_fillings_are_not(bank: QuestionBank) -> None:
    matcher = Matcher(bank)
    for question in bank:
        match = matcher.match(parse_question(question.stem))
        assert match.kind is MatchKind.EQUIVALENT, question.stem
        assert match.questions[0].id == question.id
        for option in question.options:
            if option not in question.answer and "（　　）" in question.stem:
                filled = parse_question(question.stem.replace("（　　）", option))
                assert matcher.match(filled).kind is not MatchKind.EQUIVALENT, filled.stem
