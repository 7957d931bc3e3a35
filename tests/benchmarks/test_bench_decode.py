"""The benchmarks of decoding run on a small shape; their figures are looked at for sense, never for speed."""

import argparse
from types import ModuleType

import pytest
import torch

from tests.benchmarks.loading import benchmark
from tests.measuring.small import CPU, small_shape, ticking
from xiaoan.measuring.machine_rates import MachineRates, ReadingRate
from xiaoan.measuring.subjects import RandomSubject
from xiaoan.measuring.variants import variant_named


@pytest.fixture(scope="module")
def decode() -> ModuleType:
    return benchmark("bench_decode")


@pytest.fixture(scope="module")
def step() -> ModuleType:
    return benchmark("bench_step")


def test_the_reference_stands_beside_the_original(decode: ModuleType) -> None:
    assert decode.beside_the_original(130528, 50.0)["within_15_percent"]
    assert decode.beside_the_original(130528, 46.0 * 0.86)["within_15_percent"]
    assert not decode.beside_the_original(130528, 51.0 * 1.16)["within_15_percent"]
    assert not decode.beside_the_original(8192, 20.0)["within_15_percent"]
    assert decode.beside_the_original(96, 1.0) is None


def test_a_table_and_a_document_by_precision(decode: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = argparse.Namespace(
        precisions=["float32", "int4"],
        floating="bfloat16",
        prompt=8,
        new_tokens=4,
        rounds=1,
        no_reference=False,
        no_accuracy=False,
    )
    reading = ReadingRate(CPU, ticking(), size=4096)
    document = decode.measure(small_shape(), arguments, MachineRates(1e9, 1e9, {}), reading)
    assert [row["precision"] for row in document["rows"]] == ["reference", "float32", "int4"]
    assert document["reference_beside_original"] is None
    assert "int4 (bfloat16)" in capsys.readouterr().out


def test_a_breakdown_adds_up_to_the_step(step: ModuleType) -> None:
    config = small_shape()
    operators = [
        step.Operator("aten::addmv", (64, 64, 32, 32), 0.004),
        step.Operator("aten::mm", (1, 32, 32, 96), 0.002),
        step.Operator("onednn::qlinear_pointwise", (1, 32, 64), 0.001),
        step.Operator("aten::_scaled_dot_product_flash_attention_for_cpu", (1, 4, 1, 8), 0.0005),
        step.Operator("aten::native_layer_norm", (1, 32), 0.0002),
        step.Operator("aten::gelu", (1, 64), 0.0001),
        step.Operator("aten::mul", (1, 32), 0.0003),
    ]
    parts = step.breakdown(operators, 0.01, 0.005, config)
    assert sum(parts.values()) == pytest.approx(0.005)
    assert parts[step.BLOCKS] == pytest.approx(0.0025)
    assert parts[step.HEAD] == pytest.approx(0.001)
    assert parts[step.OTHER] == pytest.approx(0.00015)
    assert parts[step.BETWEEN] == pytest.approx(0.00095)


def test_a_step_of_a_small_model_is_taken_apart(step: ModuleType) -> None:
    ready = RandomSubject(small_shape(), CPU).ready(variant_named("float32", torch.float32))
    step_s, parts, operators = step.measure(ready, small_shape(), 8, 3)
    assert sum(parts.values()) == pytest.approx(step_s)
    assert parts[step.BLOCKS] > 0
    assert parts[step.HEAD] > 0
    assert any(operator.sizes for operator in operators)
