"""Answering: scores, token ids over the static cache, pieces with counts, questions with a history."""

import json
import math
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.recorded import Recorded
from tests.tiny_models import EOP, PAD, prompt, tiny_config, tiny_model
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.decoding_cache import CACHE_BUCKET
from xiaoan.chatglm.generation import (
    build_prompt,
    chat,
    choose_token,
    clean_scores,
    decode_one_token,
    keep_top_k,
    keep_top_p,
    prefill,
    process_scores,
    stream_chat,
    stream_pieces,
    stream_token_ids,
)
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration, two_dimensional_positions
from xiaoan.chatglm.response_text import process_response
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.errors import UsageError

SURE_MARGIN = 1e-3

# -- scores -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["s0", "s1", "s2"])
def test_scores_are_processed_as_published(golden: Path, name: str) -> None:
    recorded = load_file(golden / "chat" / "sampling.safetensors")
    scores = process_scores(recorded[f"{name}.logits"], temperature=0.95, top_p=0.7)
    assert torch.equal(scores, recorded[f"{name}.processed"])
    torch.testing.assert_close(scores.softmax(-1), recorded[f"{name}.probs"])


def test_scores_that_are_no_numbers_become_the_published_fallback(golden: Path) -> None:
    recorded = load_file(golden / "chat" / "sampling.safetensors")
    assert torch.equal(clean_scores(recorded["nan.logits"]), recorded["nan.processed"])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_bad_score_makes_the_fallback_token_certain(bad: float) -> None:
    scores = torch.randn(1, 20, dtype=torch.float16)
    assert torch.equal(clean_scores(scores), scores)
    scores[0, 3] = bad
    for temperature in (0.01, 0.95):
        assert choose_token(scores, temperature=temperature, top_p=0.7).tolist() == [[5]]


def test_top_k_and_top_p_keep_the_best() -> None:
    scores = torch.tensor([[0.1, 0.4, 0.2, 0.3]]).log()
    assert keep_top_k(scores, 2).isfinite().tolist() == [[False, True, False, True]]
    assert keep_top_p(scores, 0.6).isfinite().tolist() == [[False, True, False, True]]
    assert keep_top_p(scores, 0.0).isfinite().tolist() == [[False, True, False, False]]
    for everything in (keep_top_k(scores, 0), keep_top_k(scores, 9), keep_top_p(scores, 1.0)):
        assert torch.equal(everything, scores)


def test_a_low_temperature_is_greedy_and_a_seeded_generator_repeats_itself() -> None:
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(choose_token(logits, temperature=0.01, top_p=0.1)[:, 0], logits.argmax(-1))

    def draw(seed: int) -> list[list[int]]:
        generator = torch.Generator().manual_seed(seed)
        draws = [choose_token(logits, temperature=2.0, top_p=1.0, generator=generator) for _ in range(8)]
        return torch.cat(draws, dim=1).tolist()

    assert draw(1) == draw(1) != draw(2)


# -- token ids ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize(
    "name",
    [
        "p0_len5",
        "p1_len12",
        "p2_len40",
        "p3_mask_len9",
        "p4_midmask_len14",
        "p5_both_len11",
        "p6_len2",
        "p7_with_answer_len20",
        "p8_len100",
    ],
)
def test_the_stream_takes_the_published_greedy_path(recorded: Recorded, name: str, attention: str) -> None:
    ids = recorded[f"{name}.input_ids"]
    length = ids.shape[1]
    found = list(stream_token_ids(recorded.model(attention), ids, max_length=length + 40, eos=()))
    margin = recorded.meta.get("prompts", {}).get(name, {}).get("min_top2_margin", 1.0)
    assert len(found) == 40
    if margin >= SURE_MARGIN:
        assert found == recorded[f"{name}.greedy_ids"][0, length:].tolist()


def test_the_stream_stops_before_the_end_token(recorded: Recorded) -> None:
    expected = recorded["p1_eos.greedy_ids"][0].tolist()
    eos = recorded.meta["p1_eos"]["eos_token_id"]
    assert expected[-1] == eos
    found = list(stream_token_ids(recorded.model(), recorded["p1_len12.input_ids"], max_length=52, eos=eos))
    assert found == expected[12:-1]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("pre_seq_len", [None, 5])
def test_decoding_equals_the_whole_sequence_at_once(attention: str, pre_seq_len: int | None) -> None:
    """Through several buckets of the cache."""
    model = tiny_model(tiny_config(pre_seq_len=pre_seq_len, attention=attention, max_sequence_length=400))
    logits, state = prefill(model, prompt(9))
    answer = torch.randint(4, 90, (1, 2 * CACHE_BUCKET), generator=torch.Generator().manual_seed(3))
    steps = [logits]
    for i in range(answer.shape[1]):
        steps.append(decode_one_token(model, answer[:, i : i + 1], state))
    assert state.cache.rows == 3 * CACHE_BUCKET
    assert state.filled == 9 + (pre_seq_len or 0) + answer.shape[1]
    whole = model(torch.cat((prompt(9), answer), dim=1), use_cache=False).logits[:, 8:]
    torch.testing.assert_close(torch.stack(steps, dim=1), whole, atol=1e-9, rtol=0)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("pre_seq_len", [None, 5])
def test_rows_of_a_padded_batch_decode_as_they_do_alone(pre_seq_len: int | None, attention: str) -> None:
    """Beyond the bucket that the cache begins with."""
    model = tiny_model(tiny_config(pre_seq_len=pre_seq_len, attention=attention))
    prompts = [prompt(5), prompt(12)]
    batch = torch.cat([F.pad(row, (12 - row.shape[1], 0), value=PAD) for row in prompts])

    def greedy(ids: Tensor, mask: Tensor | None) -> Tensor:
        logits, state = prefill(model, ids, attention_mask=mask, cache_length=15)
        steps = [logits]
        for _ in range(6):
            steps.append(decode_one_token(model, steps[-1].argmax(-1, keepdim=True), state))
        return torch.stack(steps, dim=1)

    together = greedy(batch, (batch != PAD).long())
    for i, row in enumerate(prompts):
        torch.testing.assert_close(together[i : i + 1], greedy(row, None), atol=1e-9, rtol=0)


def test_a_prefix_computed_once_gives_the_same_answer() -> None:
    model = tiny_model(tiny_config(pre_seq_len=5))
    with torch.inference_mode():
        pairs = model.transformer.prefix_key_values(torch.float64)
    first, again = (
        list(stream_token_ids(model, prompt(9), max_length=40, prefix_key_values=given))
        for given in (None, pairs)
    )
    assert first == again
    assert first


def test_the_prefix_stands_in_the_first_rows_of_the_cache() -> None:
    model = tiny_model(tiny_config(pre_seq_len=5))
    _, state = prefill(model, prompt(9), cache_length=2 * CACHE_BUCKET - 1)
    assert state.cache.rows == 2 * CACHE_BUCKET - 1
    pairs = model.transformer.prefix_key_values(torch.float64)
    assert pairs is not None
    for layer, pair in zip(state.cache.pairs, pairs, strict=True):
        assert torch.equal(layer[:, :, :, :5], torch.stack(pair, dim=2))
    assert (
        state.position_ids.tolist() == two_dimensional_positions(prompt(9), model.config)[..., -1:].tolist()
    )


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_step_allocates_no_new_cache(attention: str) -> None:
    model = tiny_model(tiny_config(attention=attention))
    _, state = prefill(model, prompt(9))
    before = state.cache.pairs.data_ptr()
    for _ in range(20):
        decode_one_token(model, torch.tensor([[7]]), state)
    assert state.cache.pairs.data_ptr() == before


def test_the_answer_ends_at_the_length_asked_for_or_the_model_s_own() -> None:
    model = tiny_model(tiny_config(max_sequence_length=30))
    assert len(list(stream_token_ids(model, prompt(9), max_length=20, eos=()))) == 11
    assert len(list(stream_token_ids(model, prompt(9), eos=()))) == 21
    assert len(list(stream_token_ids(model, prompt(29), eos=()))) == 1


@pytest.mark.parametrize("length", [30, 31, 300])
def test_a_prompt_without_room_for_an_answer_is_refused_in_words(length: int) -> None:
    model = tiny_model(tiny_config(max_sequence_length=30))
    with pytest.raises(UsageError, match=f"问题太长：有 {length} 个词元，问题和答案合计最多 30 个"):
        next(iter(stream_token_ids(model, prompt(length))))


def test_only_one_prompt_at_a_time_is_streamed() -> None:
    with pytest.raises(ValueError, match="one prompt"):
        next(iter(stream_token_ids(tiny_model(), prompt(9).expand(2, -1))))


def test_a_stop_signal_ends_the_answer_before_the_next_token() -> None:
    asked: list[int] = []

    def should_stop() -> bool:
        asked.append(len(asked))
        return len(asked) > 3

    whole = list(stream_token_ids(tiny_model(), prompt(9), max_length=40, eos=()))
    assert list(stream_token_ids(tiny_model(), prompt(9), eos=(), should_stop=should_stop)) == whole[:3]
    assert list(stream_token_ids(tiny_model(), prompt(9), should_stop=lambda: True)) == []


def test_several_end_tokens_are_understood_and_the_model_s_own_is_the_default() -> None:
    model = tiny_model()
    whole = list(stream_token_ids(model, prompt(9), max_length=60, eos=()))
    first = whole.index(whole[5])
    assert list(stream_token_ids(model, prompt(9), max_length=60, eos=(1, whole[5]))) == whole[:first]
    model.config.eos_token_id = whole[5]
    assert list(stream_token_ids(model, prompt(9), max_length=60)) == whole[:first]
    model.config.eos_token_id = EOP


def test_sampling_follows_its_generator() -> None:
    def draw(seed: int) -> list[int]:
        return list(
            stream_token_ids(
                tiny_model(),
                prompt(9),
                max_length=40,
                temperature=1.5,
                eos=(),
                generator=torch.Generator().manual_seed(seed),
            )
        )

    assert draw(1) == draw(1) != draw(2)


# -- text ---------------------------------------------------------------------------------------------------


def test_pieces_carry_counts_and_times_and_the_last_one_ends_the_answer(small: ChatGLMTokenizer) -> None:
    ids = small.encode("两人,", add_special_tokens=False)
    ticks = iter(range(100))
    pieces = list(stream_pieces(small, ids, clock=lambda: float(next(ticks))))
    assert "".join(piece.text for piece in pieces) == "两人，"
    assert [piece.tokens for piece in pieces] == sorted(piece.tokens for piece in pieces)
    assert pieces[-1].tokens == len(ids)
    assert [piece.elapsed_s for piece in pieces] == [float(i + 1) for i in range(len(pieces))]


def test_a_piece_comes_before_the_next_token_is_asked_for(small: ChatGLMTokenizer) -> None:
    ids = small.encode("两人两人", add_special_tokens=False)
    taken: list[int] = []

    def source() -> Any:
        for token_id in ids:
            taken.append(token_id)
            yield token_id

    first = next(iter(stream_pieces(small, source())))
    assert first.tokens == len(taken) < len(ids)


def test_no_tokens_are_one_empty_piece(small: ChatGLMTokenizer) -> None:
    assert [(piece.text, piece.tokens) for piece in stream_pieces(small, [])] == [("", 0)]


# -- questions ----------------------------------------------------------------------------------------------


def test_prompts_are_the_published_ones(golden: Path) -> None:
    for vector in json.loads((golden / "chat" / "prompts.json").read_text(encoding="utf-8")):
        assert build_prompt(vector["query"], vector["history"]) == vector["prompt"]


def test_a_single_question_is_asked_bare_and_a_history_in_numbered_rounds() -> None:
    assert build_prompt(" 几人？ ") == " 几人？ "
    assert build_prompt("二", [("一", "甲")]) == "[Round 0]\n问：一\n答：甲\n[Round 1]\n问：二\n答："


@pytest.fixture(scope="module")
def chatty(small: ChatGLMTokenizer) -> ChatGLMForConditionalGeneration:
    """A model with random weights over the small vocabulary."""
    return tiny_model(tiny_config(tokenizer=small), dtype=torch.float32)


def test_a_chat_grows_by_appending_and_ends_with_the_whole_answer(
    small: ChatGLMTokenizer, chatty: ChatGLMForConditionalGeneration
) -> None:
    earlier = [("一", "甲")]
    stream = list(chatty.stream_chat(small, "两人？", earlier, max_length=120))
    for (before, _), (after, history) in pairwise(stream):
        assert after.startswith(before)
        assert after != before
        assert history == [*earlier, ("两人？", after)]
    ids = torch.tensor([small.encode(build_prompt("两人？", earlier))])
    answer = list(stream_token_ids(chatty, ids, max_length=120))
    assert stream[-1][0] == process_response(str(small.decode(answer)))
    assert chatty.chat(small, "两人？", earlier, max_length=120) == stream[-1]
    assert chat(chatty, small, "两人？", earlier, 120) == stream[-1]
    assert earlier == [("一", "甲")]


def test_a_chat_without_a_word_still_yields_once(
    small: ChatGLMTokenizer, chatty: ChatGLMForConditionalGeneration
) -> None:
    stream = list(stream_chat(chatty, small, "两人？", should_stop=lambda: True))
    assert stream == [("", [("两人？", "")])]


def test_a_chat_can_be_sampled_and_left_early(
    small: ChatGLMTokenizer, chatty: ChatGLMForConditionalGeneration
) -> None:
    def draw() -> list[str]:
        generator = torch.Generator().manual_seed(5)
        stream = chatty.stream_chat(small, "两人？", temperature=1.5, top_p=0.9, generator=generator)
        return [response for response, _ in islice(stream, 5)]

    assert draw() == draw()


@pytest.mark.parametrize("case", ["e2e", "e2e_prefix4"])
def test_text_in_gives_the_published_text_out(golden: Path, case: str) -> None:
    tokenizer = ChatGLMTokenizer(str(golden / "tokenizer" / "ice_text.model"))
    weights = {
        "transformer.word_embeddings.weight": load_file(golden / "e2e" / "model.safetensors")[
            "transformer.word_embeddings.weight"
        ],
        **load_file(golden / case / "model.safetensors"),
    }
    model = ChatGLMForConditionalGeneration(ChatGLMConfig.from_pretrained(golden / case))
    missing, unexpected = model.load_state_dict(
        {name: weight.float() for name, weight in weights.items() if "inv_freq" not in name}, strict=False
    )
    assert (missing, unexpected) == (["lm_head.weight"], [])
    model.tie_weights()
    model.train(False)
    for vector in json.loads((golden / case / "chat.json").read_text(encoding="utf-8")):
        ids = tokenizer.encode(build_prompt(vector["query"], vector["history"]))
        assert ids == vector["input_ids"]
        answer = list(stream_token_ids(model, torch.tensor([ids]), max_length=vector["max_length"]))
        assert [*ids, *answer] == vector["output_ids"]
        stream = list(
            model.stream_chat(tokenizer, vector["query"], vector["history"], max_length=vector["max_length"])
        )
        assert stream[-1][0] == vector["chat_response"]
        without_last = process_response(str(tokenizer.decode(answer[:-1])))
        assert vector["stream_last"] == without_last  # the published stream never yields the last token
        assert [list(pair) for pair in stream[-1][1][:-1]] == vector["history"]
