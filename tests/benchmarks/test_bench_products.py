"""The benchmark of products: its parts on a CPU, without a clock."""

from collections.abc import Callable, Sequence

import torch

from tests.benchmarks.loading import benchmark
from tests.chatglm.products.int4_operators import WRITTEN_OUT
from xiaoan.chatglm.products.cuda_products import CudaWays
from xiaoan.chatglm.products.step_kernels import EagerSteps

bench_products = benchmark("bench_products")
CPU = torch.device("cpu")


def names(triton_fault: str, torch_fault: str, vectors: int) -> list[str]:
    found = CudaWays(lambda bits: triton_fault, lambda: torch_fault, WRITTEN_OUT)
    ways = bench_products.ways_to_multiply(16, 32, CPU, torch.float16, found, vectors)
    return [way.name for way in ways]


def test_only_ways_that_can_be_had_are_measured() -> None:
    assert names("甲", "乙", 1) == ["half, torch", "int8, dequantised"]
    every = [
        "half, torch",
        "int8, dequantised",
        "half, Triton",
        "int8, Triton",
        "int4, Triton",
        "int4, torch",
    ]
    assert names("", "", 1) == every
    assert "half, Triton" not in names("", "", 16)


def test_every_product_of_a_way_has_weights_of_its_own() -> None:
    found = CudaWays(lambda bits: "甲", lambda: "", WRITTEN_OUT)
    x = torch.ones(1, 32)
    for way in bench_products.ways_to_multiply(16, 32, CPU, torch.float32, found, 1):
        made: list[torch.Tensor] = []

        def timer(works: Sequence[Callable[[], torch.Tensor]], made: list[torch.Tensor] = made) -> float:
            made.extend(work() for work in works[:2])
            return 0.5

        assert bench_products.time_way(way, x, timer) == 0.5
        assert made[0].shape == (1, 16)
        assert not torch.equal(*made)


def test_steps_are_measured_at_the_sizes_of_the_6b() -> None:
    def timer(works: Sequence[Callable[[], object]]) -> float:
        works[0]()
        return 1.0

    found = bench_products.time_steps(EagerSteps(), CPU, torch.float32, 40, timer)
    assert found == {"residual_norm": 1.0, "turn_and_store": 1.0, "attend, 40 rows": 1.0}
