"""Batches of greedy answers against the answers that come one at a time."""

import pytest
import torch

from tests.tiny_models import EOP, GMASK, PAD, SOP, talkative_model, tiny_config
from xiaoan.chatglm.batched_generation import greedy_texts, greedy_token_ids
from xiaoan.chatglm.generation import INVALID_SCORE_TOKEN, stream_pieces, stream_token_ids
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

LENGTHS = (9, 3, 14, 3, 30, 5, 9)


def prompts(lengths: tuple[int, ...] = LENGTHS) -> list[list[int]]:
    generator = torch.Generator().manual_seed(3)
    return [
        [*torch.randint(4, 90, (length - 2,), generator=generator).tolist(), GMASK, SOP] for length in lengths
    ]


def one_by_one(
    model: ChatGLMForConditionalGeneration, rows: list[list[int]], longest: int, eos: int = EOP
) -> list[list[int]]:
    return [
        list(stream_token_ids(model, torch.tensor([row]), max_length=len(row) + longest, eos=eos))
        for row in rows
    ]


def model_with(pre_seq_len: int | None, *, window: int = 256) -> ChatGLMForConditionalGeneration:
    return talkative_model(tiny_config(pre_seq_len=pre_seq_len, max_sequence_length=window))


@pytest.mark.parametrize("pre_seq_len", [None, 5])
@pytest.mark.parametrize("batch_size", [3, 32])
def test_a_batch_answers_as_each_prompt_alone(pre_seq_len: int | None, batch_size: int) -> None:
    model, rows = model_with(pre_seq_len), prompts()
    alone = one_by_one(model, rows, 20)
    assert len({tuple(answer) for answer in alone}) > 3
    together = greedy_token_ids(model, rows, max_new_tokens=20, pad=PAD, eos=EOP, batch_size=batch_size)
    assert together == alone


def test_each_row_ends_at_its_own_end_token() -> None:
    model, rows = model_with(4), prompts()
    free = [token for answer in one_by_one(model, rows, 12, eos=-1) for token in answer]
    eos = max(set(free), key=free.count)
    expected = one_by_one(model, rows, 12, eos)
    assert len({len(answer) for answer in expected}) > 2
    assert greedy_token_ids(model, rows, max_new_tokens=12, pad=PAD, eos=eos) == expected
    assert all(eos not in answer for answer in expected)


def test_a_prompt_near_or_over_the_window_gets_what_room_there_is() -> None:
    model, rows = model_with(None, window=32), prompts((30, 32, 40, 5))
    answers = greedy_token_ids(model, rows, max_new_tokens=8, pad=PAD, eos=-1)
    assert [len(answer) for answer in answers] == [2, 0, 0, 8]
    assert greedy_token_ids(model, [], max_new_tokens=8, pad=PAD, eos=EOP) == []
    assert greedy_token_ids(model, rows, max_new_tokens=0, pad=PAD, eos=EOP) == [[], [], [], []]


def test_mode_and_randomness_are_as_before() -> None:
    model = model_with(4).train()
    before = torch.get_rng_state()
    answers = greedy_token_ids(model, prompts(), max_new_tokens=6, pad=PAD, eos=EOP)
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)
    assert answers == one_by_one(model.eval(), prompts(), 6)


def test_a_broken_model_answers_as_the_published_one_does() -> None:
    model = model_with(None)
    with torch.no_grad():
        model.transformer.final_layernorm.bias[0] = float("nan")
    answers = greedy_token_ids(model, prompts((5, 9)), max_new_tokens=3, pad=PAD, eos=EOP)
    assert answers == [[INVALID_SCORE_TOKEN] * 3] * 2


def test_texts_are_those_that_would_have_been_streamed(small: ChatGLMTokenizer) -> None:
    model = talkative_model(tiny_config(tokenizer=small, pre_seq_len=3))
    rows = [small.encode(text) for text in ("在高压设备上工作", "验电", "应至少由两人进行。220 V")]
    eos = int(small.eos_token_id)
    alone = [
        "".join(piece.text for piece in stream_pieces(small, answer))
        for answer in one_by_one(model, rows, 15, eos)
    ]
    assert greedy_texts(model, small, rows, max_new_tokens=15) == alone
