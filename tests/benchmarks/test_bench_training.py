"""The benchmark of training runs on a tiny model; its figures are looked at for sense, never for speed."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from tests.benchmarks.loading import benchmark
from tests.training.tiny_base import PAIRS, tiny_base
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.training.running.batches import collate
from xiaoan.training.running.loop import answer_loss


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return benchmark("bench_training")


@pytest.fixture
def job(bench: ModuleType, base_folder: Path) -> Any:
    return bench.Job(tiny_base(base_folder), PAIRS * 2, 2, 1, pre_seq_len=4)


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.training.tiny_base import base_folder as made

    return made(tmp_path_factory.mktemp("base"))


def test_both_loops_count_the_same_tokens_without_padding(bench: ModuleType, job: Any) -> None:
    job.attach()
    _, labels, filled = next(bench.fixed_length_batches(job))
    assert labels.shape == (2, 128)
    lengths = sorted(len(example.input_ids) for example in job.examples())
    assert 2 * lengths[0] <= filled <= 2 * lengths[-1] < labels.numel()
    speeds = [loop(job) for loop in bench.LOOPS.values()]
    assert all(6 * lengths[0] <= speed.tokens <= 6 * lengths[-1] for speed in speeds)
    assert all(speed.tokens_per_s > 0 and speed.processor_s >= 0 for speed in speeds)


def test_the_plain_loss_over_padded_rows_is_the_loss_over_the_answers(bench: ModuleType, job: Any) -> None:
    job.attach()
    model = job.base.model.train(False)
    ids, labels, _ = next(bench.fixed_length_batches(job))
    rows = [example for example in job.examples() if example.input_ids in [_unpadded(row) for row in ids]]
    ours = answer_loss(model, collate([rows[_place(rows, row)] for row in ids], 3))
    assert bench.plain_loss(model, ids, labels).item() == pytest.approx(ours.item(), abs=1e-5)


def _unpadded(row: torch.Tensor) -> list[int]:
    ids: list[int] = row.tolist()
    while ids[-1] == 3:
        ids.pop()
    return ids


def _place(rows: list[Any], row: torch.Tensor) -> int:
    return [example.input_ids for example in rows].index(_unpadded(row))


def test_a_comparison_has_medians_of_ratios(bench: ModuleType, job: Any) -> None:
    figures = bench.compared(job, 1)
    assert figures["speedup_least"] == figures["speedup"] == figures["speedup_most"] > 0
    assert {"plain_tokens_per_s", "ours_tokens_per_s", "speedup_of_processor_time"} <= set(figures)


def test_a_learning_curve_ends_when_time_is_up(bench: ModuleType, base_folder: Path) -> None:
    seconds = iter(range(100))
    points = bench.learning_curve(
        tiny_base(base_folder),
        PAIRS,
        lambda _: PAIRS,
        pre_seq_len=3,
        longest_s=4.0,
        evaluate_every=1,
        clock=lambda: float(next(seconds)),
    )
    assert points
    assert all(0.0 <= point.exact <= 1.0 for point in points)


@pytest.mark.parametrize("dtype", ["float32", "int8", "int4"])
def test_the_part_for_the_gpu_runs_on_a_tiny_shape(bench: ModuleType, base_folder: Path, dtype: str) -> None:
    figures = bench.shape_figures(
        tiny_config(bench, base_folder),
        dtype,
        ChatGLMTokenizer.from_pretrained(base_folder),
        device=torch.device("cpu"),
        floating=torch.float32,
        accumulation=2,
        steps=3,
        peak_size=64,
    )
    assert figures["peak_gb"] > 0
    assert figures["tokens_per_s"] > 0
    assert figures["share_of_peak"] > 0


def tiny_config(bench: ModuleType, folder: Path) -> Any:
    config = bench.six_billion_config(ChatGLMTokenizer.from_pretrained(folder))
    assert (config.hidden_size, config.num_layers, config.vocab_size) == (4096, 28, 130528)
    config.hidden_size, config.num_layers, config.num_attention_heads = 32, 2, 4
    config.inner_hidden_size, config.vocab_size = 128, 4000
    return config


@pytest.mark.parametrize(("dtype", "bits"), [("float32", 0), ("int8", 8), ("int4", 4)])
def test_random_weights_have_the_deviation_asked_for(
    bench: ModuleType, base_folder: Path, dtype: str, bits: int
) -> None:
    model = bench.random_model(tiny_config(bench, base_folder), dtype, torch.device("cpu"), torch.float32)
    layer = model.transformer.layers[0].mlp.dense_h_to_4h
    weight = layer.dequantized_weight() if bits else layer.weight
    assert getattr(layer, "bits", 0) == bits
    assert float(weight.std()) == pytest.approx(0.02, rel=0.1)
    assert model.lm_head.weight is model.transformer.word_embeddings.weight
    assert not any(parameter.is_meta or parameter.requires_grad for parameter in model.parameters())


def test_operations_are_those_of_forward_and_of_the_activations_gradient(
    bench: ModuleType, base_folder: Path
) -> None:
    config = tiny_config(bench, base_folder)
    config.pre_seq_len = None
    products = 2 * (4 * 32 * 32 + 2 * 32 * 128)
    attention = 3 * 4 * 32 * 10
    assert bench.step_operations(config, 10, 0) == 2 * 10 * (2 * products + attention)
    assert bench.step_operations(config, 10, 3) - bench.step_operations(config, 10, 0) == 4 * 3 * 32 * 4000


def test_made_up_pairs_fill_both_lengths(bench: ModuleType, job: Any) -> None:
    full = bench.Job(job.base, bench.full_pairs(2), 1, 1)
    assert [len(example.input_ids) for example in full.examples()] == [128, 128]
