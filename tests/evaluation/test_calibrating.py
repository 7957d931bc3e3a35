"""A calibration of an engine that knows what it was trained on and nothing else."""

import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.evaluation.examinees import Oracle, made_questions
from xiaoan.assistant.confidence import Calibration, Level
from xiaoan.assistant.engine import Choice, Evidence, OptionQuestion, Piece
from xiaoan.chatglm.known_questions import KnownQuestions, load_confidence
from xiaoan.errors import UsageError
from xiaoan.evaluation.calibrating import (
    BANK,
    OUTSIDE,
    SLIPPED,
    Calibrated,
    KnowingEngine,
    QuestionSet,
    calibrate,
    outside_of,
    save_calibrated,
    without_held_out,
)
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.question import Question, QuestionBank

_WIDTH = 16


@cache
def _vector(letter: str) -> list[float]:
    chance = random.Random(letter)
    return [chance.gauss(0, 1) for _ in range(_WIDTH)]


@dataclass
class Learner(Oracle):
    """Answers what it was trained on, surely; guesses the first option of all else. Letters make the states."""

    known: KnownQuestions | None = None
    states_asked: list[str] = field(default_factory=list)

    def knows(self, prompt: str) -> bool:
        return any(question.normal_stem == prompt for question in self.questions)

    def choose(self, question: OptionQuestion) -> tuple[int, ...]:
        return super().choose(question) if self.knows(question.prompt) else (0,)

    def write(self, query: str) -> str:
        return super().write(query) if self.knows(query) else "不知道"

    def choose_all(self, questions: Sequence[OptionQuestion]) -> list[Choice]:
        choices = super().choose_all(questions)
        evidence = self.weigh_all([(question.prompt, "") for question in questions])
        return [
            replace(choice, log_probability=found.log_probability, familiarity=found.familiarity)
            for choice, found in zip(choices, evidence, strict=True)
        ]

    def weigh_all(self, written: Sequence[tuple[str, str]]) -> list[Evidence]:
        assert self.known is not None
        familiarities = self.known.familiarity(self.states_of([query for query, _ in written]))
        surely = [-0.001 if self.knows(query) else -1.0 for query, _ in written]
        return [Evidence(*pair) for pair in zip(surely, familiarities, strict=True)]

    def states_of(self, queries: Sequence[str]) -> Tensor:
        """The mean over a query's characters of a random vector of each."""
        self.states_asked += queries
        return torch.stack(
            [torch.tensor([_vector(letter) for letter in query]).mean(dim=0) for query in queries]
        )

    def know(self, known: KnownQuestions | None, calibration: Calibration | None) -> None:
        self.known, self.info = known, replace(self.info, calibration=calibration)


def elsewhere(count: int) -> tuple[Question, ...]:
    """Questions of another field, with the right answer under B."""
    return tuple(
        replace(
            question,
            stem=f"古诗词里写{name}的名句出自哪位诗人的第{place}首？",
            answer=(question.options[1],),
        )
        for place, (name, question) in enumerate(
            zip("风花雪月山水草木虫鱼" * 3, made_questions(count), strict=False)
        )
    )


@pytest.fixture(scope="module")
def trained() -> list[Question]:
    return made_questions(24)


@pytest.fixture(scope="module")
def learner(trained: list[Question]) -> Learner:
    return Learner(questions=trained)


@pytest.fixture(scope="module")
def calibrated(learner: Learner, trained: list[Question]) -> Calibrated:
    return calibrate(learner, trained, [QuestionSet(OUTSIDE, (*elsewhere(20), trained[0]))])


def test_an_engine_that_can_be_told_is_told_apart(learner: Learner) -> None:
    assert isinstance(learner, KnowingEngine)
    assert not isinstance(Oracle(), KnowingEngine)


def test_what_was_learnt_is_sure_and_what_was_not_is_not(calibrated: Calibrated) -> None:
    assert calibrated.learnt.right.value == 1.0
    assert calibrated.learnt.high_of_right.value == 1.0
    assert calibrated.outside is not None
    assert calibrated.outside.right.value < 0.1
    assert calibrated.outside.high_of_all.value == 0.0
    assert calibrated.outside.levels[Level.LOW].asked == len(calibrated.outside.observations)


def test_every_question_is_asked_twice_and_those_trained_are_not_strange(calibrated: Calibrated) -> None:
    assert calibrated.fitted_on == {BANK: 48, SLIPPED: 48, OUTSIDE: 40}
    slipped = next(one for one in calibrated.sets if one.name == SLIPPED)
    assert min(one.familiarity for one in slipped.observations) < 0.999


def test_the_engine_answers_with_it_from_then_on(learner: Learner, calibrated: Calibrated) -> None:
    assert learner.info.calibration == calibrated.calibration
    assert learner.known is calibrated.known
    assert len(calibrated.known.states) == 24


def test_of_a_large_set_a_sample_is_asked_and_progress_told(trained: list[Question]) -> None:
    told: list[tuple[int, int]] = []
    done = calibrate(
        Learner(questions=trained),
        trained,
        [QuestionSet(OUTSIDE, elsewhere(20))],
        limit=5,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert done.fitted_on == {BANK: 10, SLIPPED: 10, OUTSIDE: 10}
    assert (told[0], told[-1]) == ((0, 30), (30, 30))


def test_without_a_question_there_is_nothing_to_measure() -> None:
    with pytest.raises(UsageError, match="题库里没有一道题能问"):
        calibrate(Learner(), [])


def test_a_question_that_the_engine_refuses_costs_no_other(trained: list[Question]) -> None:
    class Refusing(Learner):
        def write_all(self, queries: Sequence[str], *, max_new_tokens: int | None = None) -> list[Piece]:
            if any("第3种" in query for query in queries):
                raise UsageError("too long")
            return super().write_all(queries, max_new_tokens=max_new_tokens)

    done = calibrate(Refusing(questions=trained), trained[:6])
    assert done.fitted_on[BANK] == 11


def test_what_was_held_out_is_a_set_of_its_own(trained: list[Question]) -> None:
    learnt, others = without_held_out(trained, [trained[2].id, "of another bank"])
    assert (len(learnt), others) == (23, [QuestionSet("没学过的题", (trained[2],))])
    assert without_held_out(trained, ()) == (tuple(trained), [])


def test_questions_that_the_bank_has_are_not_of_elsewhere(trained: list[Question]) -> None:
    matcher = Matcher(QuestionBank(trained))
    strange = elsewhere(3)
    assert outside_of(matcher, (*strange, trained[4])) == strange


def test_what_is_saved_belongs_to_the_weights_beside_it(calibrated: Calibrated, tmp_path: Path) -> None:
    (tmp_path / "prefix.safetensors").write_bytes(b"weights")
    path = save_calibrated(calibrated, tmp_path)
    assert path == tmp_path / "confidence.safetensors"
    stored = load_confidence(tmp_path)
    assert stored is not None
    assert stored.answers_with == hashlib.sha256(b"weights").hexdigest()
    assert stored.fitted_on == calibrated.fitted_on
    assert Calibration.of_numbers(stored.numbers, stored.kinds) == calibrated.calibration
    assert all(math.isclose(a, b) for a, b in zip(stored.known.mean, calibrated.known.mean, strict=True))
