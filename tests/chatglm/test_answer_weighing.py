"""Answers weighed as texts against plain forward passes over the same text."""

import math

import pytest
import torch

from tests.tiny_models import talkative_model, tiny_config
from xiaoan.chatglm.answer_weighing import AnswerScorer, weigh_answers
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.errors import UsageError

QUERIES = ["在高压设备上工作", "验电", "应至少由两人进行。220 V"]
ANSWERS = ["两人", "相应电压等级的验电器; 两人", "A. 两人\nB. 10 kV", "<eop>"]


@pytest.fixture(scope="module")
def model(small: ChatGLMTokenizer) -> ChatGLMForConditionalGeneration:
    return talkative_model(tiny_config(tokenizer=small, pre_seq_len=3, max_sequence_length=128))


@torch.inference_mode()
def plainly(
    model: ChatGLMForConditionalGeneration, tokenizer: ChatGLMTokenizer, query: str, answer: str
) -> float:
    prompt = tokenizer.encode(query)
    ids = [*tokenizer.encode(answer, add_special_tokens=False), int(tokenizer.eos_token_id)]
    scores = torch.log_softmax(model(torch.tensor([prompt + ids]), use_cache=False).logits[0], dim=-1)
    return sum(float(scores[len(prompt) - 1 + i, token]) for i, token in enumerate(ids))


def test_every_answer_to_every_query_weighs_as_in_a_plain_forward_pass(
    model: ChatGLMForConditionalGeneration, small: ChatGLMTokenizer
) -> None:
    written = [(query, answer) for answer in ANSWERS for query in QUERIES]
    scores, states = weigh_answers(model, small, written)
    assert scores == pytest.approx([plainly(model, small, *pair) for pair in written], abs=1e-9)
    assert states.shape == (12, 32)
    assert torch.equal(states[:3], states[3:6])
    assert not torch.equal(states[0], states[1])


def test_an_empty_answer_weighs_nothing_and_its_query_has_a_state(
    model: ChatGLMForConditionalGeneration, small: ChatGLMTokenizer
) -> None:
    scores, states = weigh_answers(model, small, [(QUERIES[0], ""), (QUERIES[0], "两人")])
    assert scores[0] == -math.inf
    assert scores[1] == pytest.approx(plainly(model, small, QUERIES[0], "两人"))
    assert torch.equal(states[0], states[1])
    none, empty = weigh_answers(model, small, [])
    assert (none, tuple(empty.shape)) == ([], (0, 32))


@pytest.mark.parametrize("separator", ["; ", "\n"])
def test_an_unfinished_text_is_scored_up_to_where_every_way_of_going_on_agrees(
    model: ChatGLMForConditionalGeneration, small: ChatGLMTokenizer, separator: str
) -> None:
    scorer = AnswerScorer(model, small, QUERIES)
    ways = tuple(separator + more for more in ("", "验电", "10 kV", "A. 两人"))
    for text in ("两人", "验电器", "220 V"):
        bound = scorer.log_probabilities({0: [(text, ways)], 1: [], 2: []})[0][0]
        longer = scorer.log_probabilities({0: [(text + way, ()) for way in ways], 1: [], 2: []})[0]
        assert all(score < bound for score in longer)
        shared = scorer.log_probabilities({0: [(text, ways[:2])], 1: [], 2: []})[0][0]
        assert shared == bound  # two ways tell as much as all: no piece reaches over a blank or a line end


def test_a_query_that_fills_the_window_is_an_error_and_an_answer_beyond_it_impossible(
    model: ChatGLMForConditionalGeneration, small: ChatGLMTokenizer
) -> None:
    with pytest.raises(UsageError, match="问题太长"):
        weigh_answers(model, small, [("鼎" * 50, "两人")])
    scores, _ = weigh_answers(model, small, [(QUERIES[0], "鼎" * 50), (QUERIES[0], "两人")])
    assert scores[0] == -math.inf
    assert math.isfinite(scores[1])
