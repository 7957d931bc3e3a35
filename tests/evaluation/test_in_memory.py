"""A model in memory sits the exam as the loaded one would, only faster."""

import pytest
import torch

from tests.fakes import ALONE, BOOTS, KEYS, TOOLS, question
from tests.tiny_models import talkative_model, tiny_config
from tests.training.tiny_base import SHAPE, TEXTS
from xiaoan.assistant.answering import Assistant
from xiaoan.assistant.chatglm_engine import ChatGLMEngine
from xiaoan.assistant.engine import ModelInfo
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.evaluation.exam import ExamReport, sit_exam
from xiaoan.evaluation.in_memory import accuracy_of, sample_by_type
from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.training.pretraining.base import build_base

QUESTIONS = (KEYS, BOOTS, TOOLS, ALONE)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> ChatGLMTokenizer:
    return build_base(TEXTS, SHAPE, tmp_path_factory.mktemp("vocabulary"), seed=1)[1]


def answers_of(report: ExamReport) -> list[tuple[str, str, str, bool]]:
    return [(s.form, s.id, s.answer, s.right) for s in report.sittings]


@pytest.mark.parametrize("trained", [["plain"], ["options"], []], ids=["plain", "options", "none"])
def test_answers_are_those_of_the_exam(tokenizer: ChatGLMTokenizer, trained: list[str]) -> None:
    model = talkative_model(tiny_config(tokenizer=tokenizer, pre_seq_len=3, max_sequence_length=128))
    info = ModelInfo("tiny", None, "cpu", "float64", demo=False, forms=frozenset(trained))
    forms, asked = ["plain", "shuffled"], (KEYS, ALONE)
    engine = ChatGLMEngine(model, tokenizer, info)
    report = accuracy_of(model, tokenizer, asked, trained_forms=trained, forms=forms, seed=5)
    expected = sit_exam(Assistant(engine, None, clock=lambda: 0.0), asked, forms, seed=5)
    for found, whole in zip(report.sittings, expected.sittings, strict=True):
        assert (found.form, found.id, found.right) == (whole.form, whole.id, whole.right)
        assert found.chosen == whole.chosen or not found.chosen
        assert found.chosen or whole.answer.startswith(found.answer.rstrip("\ufffd"))


def test_the_model_and_the_random_numbers_are_left_as_they_were(tokenizer: ChatGLMTokenizer) -> None:
    model = talkative_model(tiny_config(tokenizer=tokenizer, pre_seq_len=3)).train()
    before = torch.get_rng_state()
    first = accuracy_of(model, tokenizer, QUESTIONS, trained_forms=["plain"])
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)
    assert answers_of(accuracy_of(model, tokenizer, QUESTIONS, trained_forms=["plain"])) == answers_of(first)
    assert all(sitting.status is None for sitting in first.sittings)


def test_a_question_that_cannot_be_asked_ends_nothing(tokenizer: ChatGLMTokenizer) -> None:
    model = talkative_model(tiny_config(tokenizer=tokenizer))
    endless = question("停" * 3000 + "（ ）。", "电")
    report = accuracy_of(model, tokenizer, (KEYS, endless), trained_forms=["plain"], forms=["plain"])
    assert report.unasked == ((endless, "plain"),)
    assert report.score("plain").asked == 1


def many(kinds: dict[QuestionType, int]) -> list[Question]:
    return [
        question(f"{kind}第{number}题（ ）。", "对", question_type=kind, row=number)
        for kind, count in kinds.items()
        for number in range(count)
    ]


def test_a_sample_has_its_share_of_each_type_and_its_order() -> None:
    bank = many({QuestionType.SINGLE: 80, QuestionType.MULTIPLE: 18, QuestionType.JUDGE: 2})
    sample = sample_by_type(bank, 20, seed=1)
    kinds = [str(question.question_type) for question in sample]
    assert (kinds.count("单选题"), kinds.count("多选题"), kinds.count("判断题")) == (15, 4, 1)
    assert sample == sorted(sample, key=bank.index)
    assert sample == sample_by_type(bank, 20, seed=1) != sample_by_type(bank, 20, seed=2)


@pytest.mark.parametrize(("limit", "count"), [(None, 100), (100, 100), (500, 100), (3, 3), (2, 2), (1, 1)])
def test_a_sample_has_as_many_as_asked_for(limit: int | None, count: int) -> None:
    bank = many({QuestionType.SINGLE: 80, QuestionType.MULTIPLE: 18, QuestionType.JUDGE: 2})
    assert len(sample_by_type(bank, limit, seed=1)) == count
    assert sample_by_type([], limit, seed=1) == []
