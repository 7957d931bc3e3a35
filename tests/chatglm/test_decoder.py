"""Answers one after another, side by side and half read: each has its cache, and the prefix stands in it already."""

import threading
from itertools import zip_longest

import pytest
import torch
from torch import Tensor

from tests.chatglm.test_captured_step import FakeGraphs, fast_model, plainly
from tests.tiny_models import prompt
from xiaoan.chatglm.decoder import Decoder
from xiaoan.chatglm.decoding_cache import DecodingCache
from xiaoan.chatglm.generation import PlainSteps, stream_token_ids
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration

LENGTHS = (9, 30, 3, 12)


@pytest.fixture(scope="module")
def model() -> ChatGLMForConditionalGeneration:
    return fast_model()


@pytest.fixture(scope="module")
def alone(model: ChatGLMForConditionalGeneration) -> list[list[int]]:
    """The answers to prompts of `LENGTHS`, each by itself."""
    found = [plainly(model, prompt(length), max_length=length + 50) for length in LENGTHS]
    assert len({tuple(answer) for answer in found}) == len(LENGTHS)
    return found


@pytest.fixture(params=["plain", "captured", "captured ahead"])
def decoder(request: pytest.FixtureRequest, model: ChatGLMForConditionalGeneration) -> Decoder:
    plans = {"plain": None, "captured": FakeGraphs().plan(), "captured ahead": FakeGraphs().plan(ahead=1)}
    return Decoder(model, plans[request.param])


def answers(decoder: Decoder, model: ChatGLMForConditionalGeneration, length: int) -> list[int]:
    return plainly(model, prompt(length), max_length=length + 50, decoder=decoder)


def test_one_cache_serves_one_question_after_another(
    decoder: Decoder, model: ChatGLMForConditionalGeneration, alone: list[list[int]]
) -> None:
    for _ in range(2):
        for length, expected in zip(LENGTHS, alone, strict=True):
            assert answers(decoder, model, length) == expected


def test_answers_that_are_read_in_turns_do_not_mix(
    decoder: Decoder, model: ChatGLMForConditionalGeneration, alone: list[list[int]]
) -> None:
    streams = [
        stream_token_ids(model, prompt(length), max_length=length + 50, eos=(), decoder=decoder)
        for length in LENGTHS
    ]
    read = list(zip_longest(*streams))
    assert [[token for token in column if token is not None] for column in zip(*read, strict=True)] == alone


def test_an_answer_left_in_the_middle_does_not_reach_the_next(
    decoder: Decoder, model: ChatGLMForConditionalGeneration, alone: list[list[int]]
) -> None:
    left = stream_token_ids(model, prompt(40), eos=(), decoder=decoder)
    for _ in range(17):
        next(left)
    assert answers(decoder, model, 9) == alone[0]  # while it is still open
    del left
    assert answers(decoder, model, 30) == alone[1]  # its cache is free again


def test_answers_in_several_threads_do_not_mix(
    decoder: Decoder, model: ChatGLMForConditionalGeneration, alone: list[list[int]]
) -> None:
    found: dict[int, list[int]] = {}

    def ask(length: int) -> None:
        found[length] = answers(decoder, model, length)

    threads = [threading.Thread(target=ask, args=(length,)) for length in LENGTHS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[length] for length in LENGTHS] == alone


def test_a_decoder_made_anew_knows_the_new_prefix_only(model: ChatGLMForConditionalGeneration) -> None:
    other = fast_model(seed=4)
    other.load_state_dict({k: v for k, v in model.state_dict().items() if "prefix" not in k}, strict=False)
    before = answers(Decoder(other), other, 9)
    assert before != answers(Decoder(model), model, 9)
    other.transformer.prefix_encoder = None
    other.config.pre_seq_len = None
    without = fast_model(None)
    without.load_state_dict(other.state_dict())
    assert answers(Decoder(other), other, 9) == answers(Decoder(without), without, 9) != before


def test_what_was_lent_comes_back_and_is_lent_again(model: ChatGLMForConditionalGeneration) -> None:
    decoder = Decoder(model)
    caches: list[DecodingCache] = []
    for _ in range(3):
        with decoder.answering(prompt(9)) as steps:
            assert isinstance(steps, PlainSteps)
            steps.begin()
            assert steps._cache is not None
            assert steps._cache.filled == 5 + 9
            caches.append(steps._cache)
    assert caches[0] is caches[1] is caches[2]
    assert caches[0].filled == 5


def test_a_failing_model_gives_its_cache_back_as_it_was(model: ChatGLMForConditionalGeneration) -> None:
    decoder = Decoder(model)
    with pytest.raises(IndexError):
        plainly(model, torch.cat((torch.tensor([[5000]]), prompt(9)), dim=1), decoder=decoder)
    assert answers(decoder, model, 9) == plainly(model, prompt(9), max_length=59)


def keys_of(cache: DecodingCache, rows: int) -> Tensor:
    return cache.pairs[..., 0, :rows, :].clone()


def test_a_cache_grows_and_loses_sequences_with_its_rows_kept(model: ChatGLMForConditionalGeneration) -> None:
    with torch.inference_mode():
        prefix = model.transformer.prefix_key_values(torch.float64)
        cache = DecodingCache(
            model.config, prefix, batch_size=3, rows=8, dtype=torch.float64, device=torch.device("cpu")
        )
        new = torch.randn(2, 3, 4, 2, 8, dtype=torch.float64)
        for layer in (0, 1):
            key, value = cache.update(new[layer], -new[layer], layer)
            assert key.shape == value.shape == (3, 4, 7, 8)
        assert cache.filled == cache.get_seq_length() == 7
        before = keys_of(cache, 7)
        cache.grow(20)
        cache.grow(3)
        assert cache.rows == 20
        assert torch.equal(keys_of(cache, 7), before)
        assert not cache.pairs[..., 7:, :].any()
        cache.keep_sequences(torch.tensor([2, 0]))
        assert cache.batch_size == 2
        assert torch.equal(keys_of(cache, 7), before[:, [2, 0]])
        cache.forget_answer()
        assert cache.filled == cache.prefix_rows == 5
