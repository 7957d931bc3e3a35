"""The reference answers what the published model answered, and what our own model answers."""

import pytest
import torch

from tests.conftest import GOLDEN_FOLDER
from tests.measuring.small import CPU, small_shape
from tests.recorded import load_recorded
from xiaoan.measuring.answer_loops import BatchLoop
from xiaoan.measuring.reference import ReferenceLoop
from xiaoan.measuring.shapes import random_prompts
from xiaoan.measuring.subjects import RandomSubject
from xiaoan.measuring.turns import take_turn
from xiaoan.measuring.variants import variant_named


@pytest.mark.parametrize("case", ["base", "prefix8"])
def test_greedy_answers_are_those_of_the_published_model(case: str) -> None:
    recorded = load_recorded(case, GOLDEN_FOLDER if (GOLDEN_FOLDER / "README.md").is_file() else None)
    model = recorded.model()
    with torch.inference_mode():
        prefix = model.transformer.prefix_key_values(torch.float32)
    loop = ReferenceLoop(model.state_dict(), model.config, prefix)
    for prompt in ("p1_len12", "p3_mask_len9"):
        asked, expected = recorded[f"{prompt}.input_ids"], recorded[f"{prompt}.greedy_ids"][0].tolist()
        turn = take_turn(loop, asked, new_tokens=len(expected) - asked.shape[1], clock=lambda: 0.0)
        assert [*asked[0].tolist(), *turn.token_ids] == expected


def test_logits_are_our_models_for_every_row_of_a_batch() -> None:
    subject = RandomSubject(small_shape(), CPU)
    ours = BatchLoop(subject.ready(variant_named("float32", torch.float32)))
    reference = subject.reference()
    prompts = random_prompts(small_shape(), length=11, batch=3)
    for loop in (reference, ours):
        loop.first(prompts)
        loop.following()
    torch.testing.assert_close(reference.logits, ours.logits, atol=1e-4, rtol=1e-5)


def test_a_second_answer_knows_nothing_of_the_first() -> None:
    loop = RandomSubject(small_shape(), CPU).reference()
    prompts = [random_prompts(small_shape(), length=9, seed=seed) for seed in (1, 2)]
    alone = take_turn(loop, prompts[0], new_tokens=5, clock=lambda: 0.0).token_ids
    take_turn(loop, prompts[1], new_tokens=7, clock=lambda: 0.0)
    assert take_turn(loop, prompts[0], new_tokens=5, clock=lambda: 0.0).token_ids == alone
