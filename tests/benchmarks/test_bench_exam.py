"""The benchmark of the exam runs on a fake model; its figures are looked at for sense, never for speed."""

from itertools import count
from types import ModuleType

import pytest

from tests.benchmarks.loading import benchmark
from tests.evaluation.examinees import Examinee, Oracle
from tests.fakes import ALONE, BOOTS, KEYS, TOOLS
from xiaoan.assistant.answering import read_question
from xiaoan.evaluation.paper import write_paper
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.question import QuestionBank

QUESTIONS = (KEYS, BOOTS, TOOLS, ALONE)


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return benchmark("bench_exam")


def test_both_ways_are_asked_the_same_in_every_form(bench: ModuleType) -> None:
    for item in write_paper(
        QUESTIONS, ["plain", "options", "shuffled", "marks", "noisy", "spoken", "circular"]
    ):
        typed = read_question(bench.as_typed(item))
        assert (typed.stem, typed.options) == (item.asked.stem, item.asked.options)
        assert typed.question_type == item.asked.question_type


def test_the_document_says_how_many_times_as_fast_the_exam_is(
    bench: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    ticks = count()
    engine, matcher = Oracle(questions=QUESTIONS), Matcher(QuestionBank(QUESTIONS))
    found = bench.measure(
        engine, matcher, QUESTIONS, ["plain", "options"], rounds=2, clock=lambda: next(ticks) / 8
    )
    assert found["speedup"] > 0
    assert list(found["forms"]) == ["plain", "options"]
    for form in found["forms"].values():
        assert form["answers_that_differ"] == 0
        assert form["speedup"] == pytest.approx(
            form["batched_questions_per_s"] / form["one_at_a_time_questions_per_s"], abs=0.1
        )
    assert set(found["first_piece"]) == {"content_ms", "free_ms", "content_over_free"}
    assert "speedup" in capsys.readouterr().out


def test_answers_that_are_not_the_same_are_counted(bench: ModuleType) -> None:
    class Forgetful(Examinee):
        def write(self, query: str) -> str:
            return str(len(self.asked))

    ticks = count()
    found = bench.throughput(
        Forgetful(), None, (KEYS, BOOTS), "plain", rounds=1, clock=lambda: float(next(ticks))
    )
    assert found.differing == 2
