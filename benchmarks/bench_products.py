"""Each product of ChatGLM-6B's decode step on a GPU, way by way: microseconds, and bytes of weights a second.

For every shape of a linear layer and for 1, 16 and 64 vectors: half precision through torch (the yardstick) and through
our own kernel, int8 and int4 through the Triton kernels, int4 through torch's packed product, and int8 dequantised for
each product. Every way multiplies different weights in turn, together far more than the GPU's cache holds, inside one
captured graph, so that neither cache nor launches flatter or hide anything. The small steps between products follow,
fused and not. Shares are of the bandwidth that a copy reaches in the same run. Not yet run: no GPU was at hand.
Prints a table and ends with one JSON line.
Run: python benchmarks/bench_products.py [--dtype float16] [--vectors 1 16 64] [--rounds 20]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.modeling_chatglm import RESIDUAL_SCALE
from xiaoan.chatglm.products.cuda_products import CudaWays, TorchInt4Linear, WordLinear, ways_for
from xiaoan.chatglm.products.step_kernels import EagerSteps, StepKernels, step_kernels
from xiaoan.chatglm.products.triton_products import plain_product, this_host
from xiaoan.chatglm.quantization import QuantizedLinear
from xiaoan.measuring.machine_rates import ReadingRate

SHAPES: Final = {
    "query_key_value": (12288, 4096),
    "dense": (4096, 4096),
    "dense_h_to_4h": (16384, 4096),
    "dense_4h_to_h": (4096, 16384),
    "lm_head": (130528, 4096),
}
"""Layer → rows and columns of its weight."""

WEIGHTS_TOGETHER = 2**29
"""Bytes of the weights that one way multiplies in turn; a large GPU's cache holds a tenth of it."""

Work = Callable[[], object]
Timer = Callable[[Sequence[Work]], float]
"""Some pieces of work, done one after the other → seconds of one of them on average."""


@dataclass(frozen=True)
class Way:
    """One way to multiply with a weight.

    Attributes:
        name: for the table.
        weight_bytes: that a product reads.
        make: makes a product with random weights of its own.
    """

    name: str
    weight_bytes: int
    make: Callable[[], Callable[[Tensor], Tensor]]


def quantised(
    rows: int, columns: int, bits: int, device: torch.device, dtype: torch.dtype
) -> QuantizedLinear:
    """Return a layer with random numbers; made where it stays."""
    linear = QuantizedLinear(columns, rows, bits, device=device, dtype=dtype)
    linear.weight.data.random_(-128, 128)
    if bits == 8:
        linear.weight.data.clamp_(min=-127)
    linear.weight_scale.data.fill_(0.01)
    return linear


def ways_to_multiply(
    rows: int, columns: int, device: torch.device, dtype: torch.dtype, found: CudaWays, vectors: int
) -> list[Way]:
    """Return the ways that can be had on `device` for so many vectors."""

    def plain() -> Tensor:
        return torch.randn(rows, columns, device=device, dtype=dtype)

    def through_torch() -> Callable[[Tensor], Tensor]:
        weight = plain()
        return lambda x: F.linear(x, weight)

    def through_ours() -> Callable[[Tensor], Tensor]:
        weight = plain()
        return lambda x: plain_product(x, weight, None)

    def layer(
        bits: int, kind: Callable[[QuantizedLinear], nn.Module]
    ) -> Callable[[], Callable[[Tensor], Tensor]]:
        return lambda: kind(quantised(rows, columns, bits, device, dtype))

    size = rows * columns
    made = [
        Way("half, torch", size * dtype.itemsize, through_torch),
        Way("int8, dequantised", size, layer(8, lambda linear: linear)),
    ]
    if vectors == 1 and not found.triton_fault(8):
        made.append(Way("half, Triton", size * dtype.itemsize, through_ours))
    made += [
        Way(f"int{bits}, Triton", size * bits // 8, layer(bits, WordLinear))
        for bits in (8, 4)
        if not found.triton_fault(bits)
    ]
    if not found.torch_fault():
        made.append(
            Way("int4, torch", size // 2, layer(4, lambda linear: TorchInt4Linear(linear, found.operators)))
        )
    return made


def time_way(way: Way, x: Tensor, timer: Timer) -> float:
    """Return the seconds of one product with `x`, over weights that do not stay in a cache."""
    copies = max(2, min(64, WEIGHTS_TOGETHER // way.weight_bytes))
    products = [way.make() for _ in range(copies)]
    with torch.inference_mode():
        return timer([lambda product=product: product(x) for product in products])  # type: ignore[misc]


def graph_timer(rounds: int) -> Timer:
    """Return a timer that captures the work in a CUDA graph and replays it; the median round counts."""

    def seconds(works: Sequence[Work]) -> float:
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            for work in works:
                work()  # compiles, chooses
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            kept = [work() for work in works]
        graph.replay()
        times: list[float] = []
        for _ in range(rounds):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            graph.replay()
            end.record()
            torch.cuda.synchronize()
            times.append(begin.elapsed_time(end) / 1000)
        del kept
        return sorted(times)[len(times) // 2] / len(works)

    return seconds


def time_steps(
    kernels: StepKernels, device: torch.device, dtype: torch.dtype, rows: int, timer: Timer
) -> dict[str, float]:
    """Return the seconds of each small step at the 6B's sizes, with a cache of `rows` rows."""
    norm = nn.LayerNorm(4096, device=device, dtype=dtype)
    hidden, added = (torch.randn(1, 4096, device=device, dtype=dtype) for _ in range(2))
    cache = torch.randn(1, 32, 2, rows, 128, device=device, dtype=dtype)
    packed = torch.randn(1, 32, 3, 128, device=device, dtype=dtype)
    table = torch.randn(2048, 2, 64, device=device, dtype=dtype)
    positions = torch.ones(1, 2, 1, dtype=torch.int64, device=device)
    place = torch.full((1,), rows - 1, dtype=torch.int64, device=device)
    steps: dict[str, Work] = {
        "residual_norm": lambda: kernels.residual_norm(hidden, added, norm, RESIDUAL_SCALE),
        "turn_and_store": lambda: kernels.turn_and_store(packed, table, positions, place, cache),
        f"attend, {rows} rows": lambda: kernels.attend(packed[:, :, :1], cache, place, None),
    }
    with torch.inference_mode():
        return {name: timer([work] * 20) for name, work in steps.items()}


def main() -> int:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dtype", default="float16", choices=("float16", "bfloat16"))
    parser.add_argument("--vectors", nargs="+", type=int, default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device: nothing to measure", file=sys.stderr)
        return 1
    device, dtype = torch.device("cuda"), getattr(torch, arguments.dtype)
    rate = ReadingRate(device, time.perf_counter, size=2**32)(repeats=10)
    found, timer = ways_for(device, dtype), graph_timer(arguments.rounds)
    faults = {"int8": found.triton_fault(8), "int4": found.triton_fault(4), "torch int4": found.torch_fault()}
    print(f"{torch.cuda.get_device_name()}, copy {rate / 1e9:.0f} GB/s; cannot be had: {faults}")
    document: dict[str, Any] = {"copy_gb_per_s": round(rate / 1e9), "faults": faults, "products": []}
    for name, (rows, columns) in SHAPES.items():
        for vectors in arguments.vectors:
            x = torch.randn(vectors, columns, device=device, dtype=dtype)
            print(f"{name} {rows} x {columns}, {vectors} vectors")
            for way in ways_to_multiply(rows, columns, device, dtype, found, vectors):
                seconds = time_way(way, x, timer)
                share = way.weight_bytes / seconds / rate
                print(f"  {way.name:18} {1e6 * seconds:8.1f} µs {100 * share:5.1f} % of the copy's bandwidth")
                document["products"].append(
                    [name, vectors, way.name, round(1e6 * seconds, 2), round(share, 3)]
                )
    fused, fault = step_kernels(this_host(device), device, dtype, hidden_size=4096, head_dim=128)
    document["steps"] = {"fault": fault}
    for kind, kernels in (("operators", EagerSteps()), ("fused", fused)):
        for rows in (256, 2048):
            times = time_steps(kernels, device, dtype, rows, timer)
            document["steps"] |= {f"{kind}, {step}": round(1e6 * s, 2) for step, s in times.items()}
            print(kind, *(f"{step} {1e6 * seconds:.1f} µs;" for step, seconds in times.items()))
    print(json.dumps(document, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
