"""Presets: the published values as published, and the exam's from the sizes of base and bank."""

from pathlib import Path
from random import Random

import pytest

from tests.training.tiny_base import PAIRS, tiny_base
from tests.training.tuning_runs import data_of
from xiaoan.errors import UsageError
from xiaoan.training.methods.lora import Lora
from xiaoan.training.methods.ptuning import PTuning
from xiaoan.training.presets import METHODS, PRESETS, Choice, Sizes, choose, sizes_of

DEMO = Sizes(256, 6, 5_800_000, pairs=100, examples=300)
LARGE = Sizes(4096, 28, 6_200_000_000, pairs=1000, examples=3000, device="cuda")


def prefix_of(choice: Choice) -> PTuning:
    assert isinstance(choice.method, PTuning)
    return choice.method


def test_published_is_what_the_readme_of_chatglm_says() -> None:
    choice = choose("published", "ptuning", LARGE)
    loop = choice.loop
    assert (prefix_of(choice).pre_seq_len, loop.learning_rate, loop.steps) == (128, 2e-2, 3000)
    assert (loop.batch_size, loop.gradient_accumulation_steps) == (1, 16)
    assert (loop.max_source_length, loop.max_target_length) == (64, 64)
    assert (loop.optimizer_epsilon, loop.labels, loop.weight_decay, loop.clip_norm) == ("published",) * 2 + (
        0,
        1,
    )


def test_chat_is_what_its_train_chat_says() -> None:
    choice = choose("chat", "ptuning", LARGE)
    assert (prefix_of(choice).pre_seq_len, choice.loop.learning_rate) == (8, 1e-2)
    assert (choice.loop.max_source_length, choice.loop.max_target_length) == (256, 256)


def test_the_exams_rate_falls_from_what_was_measured_to_what_was_published() -> None:
    widths = (256, 512, 1024, 2048, 4096)
    rates = [choose("exam", "ptuning", Sizes(w, 6, 1, 100, 300)).loop.learning_rate for w in widths]
    assert rates == sorted(rates, reverse=True)
    assert (rates[0], rates[-1]) == pytest.approx((0.1, 0.02), abs=1e-3)


def test_a_larger_bank_gets_more_steps_and_no_shorter_prefix() -> None:
    banks = [Sizes(256, 6, 5_800_000, pairs=n, examples=3 * n) for n in (1, 100, 400, 1000, 20000)]
    choices = [choose("exam", "ptuning", sizes) for sizes in banks]
    assert [c.loop.steps for c in choices] == sorted(c.loop.steps for c in choices)
    assert [prefix_of(c).pre_seq_len for c in choices] == sorted(prefix_of(c).pre_seq_len for c in choices)
    assert [c.loop.evaluate_every for c in choices] == sorted(c.loop.evaluate_every for c in choices)


@pytest.mark.parametrize("name", sorted(PRESETS))
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sizes", [DEMO, LARGE])
def test_each_preset_serves_each_method_and_gives_its_reasons(name: str, method: str, sizes: Sizes) -> None:
    choice = choose(name, method, sizes, seed=7)
    assert choice.method.name == method
    assert choice.loop.seed == 7
    assert choice.reasons
    assert f"{choice.loop.learning_rate:g}" in " ".join(choice.reasons)


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"“fast”.*exam、published、chat"):
        choose("fast", "lora", DEMO)


def test_sizes_are_those_of_base_and_data_whatever_the_precision(base_model: Path) -> None:
    data = data_of(PAIRS, held_out=PAIRS[:1])
    sizes = sizes_of(tiny_base(base_model), data)
    assert (sizes.hidden_size, sizes.num_layers, sizes.pairs, sizes.examples) == (
        32,
        2,
        3,
        len(data.train(Random(0))),
    )
    assert {sizes_of(tiny_base(base_model, dtype), data).parameters for dtype in ("int8", "int4")} == {
        sizes.parameters
    }
    loop = choose("exam", "lora", sizes).loop
    assert sizes.lengths is not None
    assert loop.max_source_length - sizes.lengths.source in range(16)
    assert loop.max_target_length - sizes.lengths.target in range(16)


def test_small_bases_adapt_all_layers_and_large_ones_the_usual_one() -> None:
    small, large = (choose("exam", "lora", sizes).method for sizes in (DEMO, LARGE))
    assert isinstance(small, Lora)
    assert isinstance(large, Lora)
    assert len(small.targets) == 4
    assert large.targets == ("query_key_value",)
