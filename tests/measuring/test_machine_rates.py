"""Rates are looked at for sense, never for speed."""

import pytest
import torch

from tests.measuring.small import CPU, ticking
from xiaoan.measuring.machine_rates import (
    ReadingRate,
    best_time,
    machine_rates,
    multiplying_rate,
    on_ordinary_pages,
    on_pages,
)


@pytest.mark.parametrize("huge", [True, False])
def test_memory_of_its_own_is_zeros_that_can_be_written(huge: bool) -> None:
    memory = on_pages(5000, huge=huge)
    assert memory.dtype == torch.uint8
    assert not memory.any()
    assert int(memory.fill_(1).sum()) == 5000


def test_a_copy_on_ordinary_pages_has_the_same_numbers() -> None:
    tensor = torch.arange(6, dtype=torch.float32).view(2, 3)
    copied = on_ordinary_pages(tensor)
    assert copied.equal(tensor)
    assert copied.data_ptr() != tensor.data_ptr()


def test_a_rate_is_bytes_by_the_time_of_the_fastest_way() -> None:
    reading = ReadingRate(CPU, ticking(0.5), size=2**16)
    assert reading(repeats=2) == 2**16 / 0.5
    assert reading(4096 + 5, repeats=1) == 4096 / 0.5
    assert reading(10**12) == reading()


def test_operations_of_a_square_product_are_twice_its_cube() -> None:
    assert multiplying_rate(CPU, torch.float32, ticking(), side=8) == 2 * 8**3


def test_the_best_run_counts_and_the_first_does_not() -> None:
    times = iter([0, 10, 15, 20, 22, 30, 39])
    assert best_time(lambda: None, lambda: float(next(times)), 3, CPU) == 2


def test_the_rates_of_a_machine_as_a_document() -> None:
    clock = ticking()
    rates = machine_rates(
        CPU,
        [torch.float32, torch.bfloat16],
        clock=clock,
        reading=ReadingRate(CPU, clock, size=2**12),
        ordinary_size=2**12,
        side=4,
    )
    assert list(rates.multiplied) == ["float32", "bfloat16"]
    assert set(rates.to_document()) == {
        "read_gb_per_s",
        "read_ordinary_pages_gb_per_s",
        "matrix_gflop_per_s",
    }
