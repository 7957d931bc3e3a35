"""Continuations scored in one tree against the same tokens scored one by one in plain forward passes."""

import pytest
import torch

from tests.tiny_models import GMASK, SOP, tiny_config, tiny_model
from xiaoan.chatglm.continuations import Continuations, batches
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration

LENGTHS = (9, 3, 14, 2, 6)


def prompts(lengths: tuple[int, ...] = LENGTHS) -> list[list[int]]:
    generator = torch.Generator().manual_seed(5)
    return [
        [*torch.randint(4, 90, (length - 2,), generator=generator).tolist(), GMASK, SOP] for length in lengths
    ]


def model_with(pre_seq_len: int | None, attention: str = "sdpa") -> ChatGLMForConditionalGeneration:
    return tiny_model(tiny_config(pre_seq_len=pre_seq_len, attention=attention))


@torch.inference_mode()
def plainly(model: ChatGLMForConditionalGeneration, prompt: list[int], answer: list[int]) -> float:
    logits = model(torch.tensor([prompt + answer]), use_cache=False).logits[0]
    scores = torch.log_softmax(logits, dim=-1)
    return sum(float(scores[len(prompt) - 1 + i, token]) for i, token in enumerate(answer))


def check(
    model: ChatGLMForConditionalGeneration,
    rows: list[list[int]],
    found: dict[int, list[float]],
    wanted: dict[int, list[list[int]]],
) -> None:
    assert list(found) == list(wanted)
    for prompt, answers in wanted.items():
        expected = [plainly(model, rows[prompt], answer) for answer in answers]
        assert found[prompt] == pytest.approx(expected, abs=1e-9)


TREES: dict[int, list[list[int]]] = {
    0: [[10, 11, 12], [10, 11], [10, 13, 12, 95], [95]],
    1: [[20]],
    2: [],
    3: [[30, 31], [31, 30], [30, 31]],
    4: [[40, 41, 42, 43, 44, 45, 46, 47]],
}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("pre_seq_len", [None, 5])
def test_a_tree_scores_what_its_branches_score_alone(pre_seq_len: int | None, attention: str) -> None:
    model, rows = model_with(pre_seq_len, attention), prompts()
    check(model, rows, Continuations(model, rows).log_probabilities(TREES), TREES)


def test_later_questions_grow_the_tree_from_leaves_inner_nodes_and_the_prompt() -> None:
    model, rows = model_with(5), prompts()
    scored = Continuations(model, rows, model.transformer.prefix_key_values(torch.float64))
    scored.log_probabilities(TREES)
    later: list[dict[int, list[list[int]]]] = [
        {
            0: [[10, 11, 12, 50, 51], [10, 52], [53, 54], [10, 11, 12, 55]],
            3: [[30, 31, 60]],
            4: [[40, 41, 42]],
        },
        {
            0: [[10, 11, 12, 50, 51, 52], [10, 52, 53], [53, 54, 55], [56]],
            4: [[40, 41, 42, 43, 70], [71, 72]],
        },
        {4: [[71, 72, 73], [71, 74], [75], [40, 41, 42, 43, 70, 71]]},
    ]
    for wanted in later:
        check(model, rows, scored.log_probabilities(wanted), wanted)


def test_what_is_known_already_costs_no_forward_pass() -> None:
    model, rows = model_with(None), prompts((6,))
    scored = Continuations(model, rows)
    passes: list[int] = []
    model.transformer.register_forward_hook(lambda *_: passes.append(1))
    first = scored.log_probabilities({0: [[10, 11, 12], [13]]})
    assert scored.log_probabilities({0: [[10, 11], [13]]})[0] == pytest.approx(
        [plainly(model_with(None), rows[0], [10, 11]), first[0][1]], abs=1e-9
    )
    assert len(passes) == 1


def test_a_tree_may_be_wider_than_the_window_that_each_of_its_branches_fits_into() -> None:
    model = tiny_model(tiny_config(max_sequence_length=16))
    wanted: dict[int, list[list[int]]] = {0: [[10 + i, 50, 51] for i in range(12)], 1: [[20]]}
    rows = prompts((8, 12))
    check(model, rows, Continuations(model, rows, once=True).log_probabilities(wanted), wanted)


def test_states_are_the_means_of_each_prompt_s_own_tokens() -> None:
    model, rows = model_with(4), prompts()
    scored = Continuations(model, rows)
    scored.log_probabilities({place: [] for place in range(len(rows))})
    for row, state in zip(rows, scored.states, strict=True):
        with torch.inference_mode():
            hidden = model.transformer(torch.tensor([row]), use_cache=False).last_hidden_state[0, :-2]
        expected = hidden.float().mean(dim=0) if len(hidden) else torch.zeros(32)
        assert torch.allclose(state, expected, atol=1e-6)


def test_a_wide_vocabulary_goes_through_the_head_in_parts() -> None:
    model, rows = model_with(None), prompts()
    check(model, rows, Continuations(model, rows, head_rows=2).log_probabilities(TREES), TREES)


def test_batches_hold_every_row_once_and_rows_of_similar_lengths_together() -> None:
    model = model_with(5)
    lengths = [7, 30, 8, 29, 5] * 20
    found = batches(model, lengths, most_rows=16)
    assert sorted(place for batch in found for place in batch) == list(range(100))
    assert max(map(len, found)) == 16
    means = [sum(lengths[place] for place in batch) / len(batch) for batch in found]
    assert means == sorted(means, reverse=True)
    assert batches(model, []) == []


def test_batches_of_long_rows_are_small() -> None:
    model = model_with(4)
    a_column = 2 * 2 * 32 * 8  # keys and values of two layers of 32 float64 values
    room = 3 * 14 * a_column
    assert [len(batch) for batch in batches(model, [10, 10, 10, 10, 3, 3], most_bytes=room)] == [3, 3]
    assert [len(batch) for batch in batches(model, [1000, 1000], most_bytes=room)] == [1, 1]
