"""The exam's own correctness: fakes whose score arithmetic tells."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes import ALONE, BOOTS, CONTENT_INFO, KEYS, TOOLS, question
from xiaoan.assistant.answering import Assistant
from xiaoan.assistant.engine import Choice, ModelInfo, Piece, StopSignal, never_stop
from xiaoan.errors import UsageError
from xiaoan.evaluation.exam import sit_exam
from xiaoan.evaluation.forms import FORMS, form_named
from xiaoan.figures import Share
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.normalization import normalize_answers, normalize_stem, normalize_text
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import Question, QuestionBank

QUESTIONS = (KEYS, BOOTS, TOOLS, ALONE)


@dataclass
class Oracle:
    """Knows every question by its stem; `wrong` stems get a wrong answer."""

    questions: Sequence[Question] = QUESTIONS
    wrong: frozenset[str] = frozenset()
    info: ModelInfo = CONTENT_INFO
    asked: list[str] = field(default_factory=list)

    def _answer(self, stem: str) -> list[str]:
        self.asked.append(stem)
        known = {normalize_stem(q.stem): q for q in self.questions}
        question = known.get(normalize_stem(stem))
        if question is None or question.id in self.wrong:
            return ["不知道"]
        return [normalize_text(text) for text in question.answer]

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:
        yield Piece(normalize_answers(self._answer(query)), 1)

    def choose(self, stem: str, options: Sequence[str], *, only_one: bool = False) -> Choice:
        answer = self._answer(stem)
        selected = tuple(i for i, text in enumerate(options) if normalize_text(text) in answer)
        return Choice(selected or (len(options) - 1,), 0.0)

    def use_prefix(self, prefix: Path | None) -> None:
        raise AssertionError("nobody changes prefixes in an exam")


@dataclass
class AlwaysFirst(Oracle):
    """Chooses the first option shown, whatever it is."""

    def choose(self, stem: str, options: Sequence[str], *, only_one: bool = False) -> Choice:
        return Choice((0,), 0.0)


def assistant_with(engine: Oracle) -> Assistant:
    return Assistant(engine, Matcher(QuestionBank(QUESTIONS)), clock=lambda: 0.0)


@pytest.mark.parametrize("form", ["plain", "options", "shuffled", "marks"])
def test_an_oracle_gets_everything_right(form: str) -> None:
    report = sit_exam(assistant_with(Oracle()), QUESTIONS, [form])
    assert report.score(form).value == 1.0, report.wrong
    assert report.wrongly_verified == ()


def test_known_errors_are_counted_by_type_and_listed() -> None:
    report = sit_exam(assistant_with(Oracle(wrong=frozenset({BOOTS.id}))), QUESTIONS, ["plain"])
    assert report.score("plain").right == 3
    assert report.score("plain", "单选题").value == 0.5
    assert report.score("plain", "判断题").value == 1.0
    assert [sitting.question.id for sitting in report.wrong] == [BOOTS.id]
    assert report.wrongly_verified == ()


def test_the_first_option_is_right_where_the_bank_has_it_first() -> None:
    report = sit_exam(assistant_with(AlwaysFirst()), (KEYS, BOOTS), ["options"])
    expected = sum(q.answer[0] == q.options[0] for q in (KEYS, BOOTS))
    assert report.score("options").right == expected


def test_two_models_sit_the_same_exam_for_one_seed() -> None:
    one, other = Oracle(), Oracle()
    forms = list(FORMS)
    sit_exam(assistant_with(one), QUESTIONS, forms, seed=7)
    sit_exam(assistant_with(other), QUESTIONS, forms, seed=7)
    assert one.asked == other.asked


def test_every_form_but_the_noisy_one_keeps_the_words() -> None:
    for name in ("plain", "options", "shuffled", "marks"):
        for seed in range(20):
            for known in QUESTIONS:
                asked = parse_question(form_named(name)(known, random.Random(seed)))
                assert normalize_stem(asked.stem) == normalize_stem(known.stem), (name, asked)
                if name in ("options", "shuffled") and known.options:
                    shown = {normalize_text(option.text) for option in asked.options}
                    assert shown == {normalize_text(option) for option in known.options}


def test_an_unknown_form_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="plain、options"):
        form_named("backwards")


def test_a_score_has_its_interval() -> None:
    score = Share(98, 100)
    assert (score.low, score.high) == pytest.approx((0.9300, 0.9945), abs=5e-5)
    assert (Share(0, 0).low, Share(0, 0).high) == (0.0, 1.0)


def test_more_options_than_circled_figures_are_shuffled_too() -> None:
    many = question("不得从事的是（ ）。", "甲0", options=tuple(f"甲{number}" for number in range(12)))
    for seed in range(30):
        asked = parse_question(form_named("shuffled")(many, random.Random(seed)))
        assert {option.text for option in asked.options} == set(many.options)


def test_a_question_too_long_to_be_asked_is_in_no_score() -> None:
    endless = question("停" * 3000 + "（ ）。", "电")
    report = sit_exam(assistant_with(Oracle()), (KEYS, endless), ["plain"])
    assert report.unasked == ((endless, "plain"),)
    assert report.score("plain") == Share(1, 1)
