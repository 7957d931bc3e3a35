"""Where the time of one token goes, by precision: a breakdown that adds up to the step's own time.

A step is timed as it is (the median of many), then again under torch's profiler, which says how long every operator took
itself. These are summed up: products with the blocks' weights, the head's product, attention, norms, the activation, all
other operators; what is left of the profiled steps was spent between operators (Python, dispatch, and the profiler's
own work, about a microsecond an operator). Their shares are given of the step as it is. Beside the products stand the bytes of weights that they read,
their rate, and what a plain read of as many bytes reaches. Random weights on the CPU; no reference.
Prints a table for each precision and ends with one JSON line.
Run: python benchmarks/bench_step.py [--vocab 130528] [--precisions float32 bfloat16 int8 int4] [--steps 64]
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from xiaoan.process_environment import prepare_environment

prepare_environment(os.environ)  # before torch is imported

import torch
from torch.profiler import ProfilerActivity, profile

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.measuring.answer_loops import Ready, answer_loop
from xiaoan.measuring.machine_rates import ReadingRate
from xiaoan.measuring.shapes import cpu_shape, random_prompts, shape_text
from xiaoan.measuring.step_costs import read_bytes
from xiaoan.measuring.subjects import RandomSubject
from xiaoan.measuring.turns import AnswerLoop, take_turn
from xiaoan.measuring.variants import PRECISIONS, floating_dtype, variant_named, variant_text

BLOCKS, HEAD, ATTENTION, NORMS, ACTIVATION = "blocks' products", "head", "attention", "norms", "activation"
OTHER, BETWEEN = "other operators", "between operators"
PARTS: Final = (BLOCKS, HEAD, ATTENTION, NORMS, ACTIVATION, OTHER, BETWEEN)

_PRODUCTS: Final = ("mv", "addmv", "mm", "addmm", "linear", "qlinear", "int4pack_mm", "int8pack_mm", "gemv")
_BY_NAME: Final = {
    "attention": ATTENTION,
    "softmax": ATTENTION,
    "bmm": ATTENTION,
    "layer_norm": NORMS,
    "gelu": ACTIVATION,
}
"""Part of an operator's name → part of the step."""


@dataclass(frozen=True)
class Operator:
    """One kind of operator in some steps: its name, the sizes of all its inputs, and the seconds spent in itself."""

    name: str
    sizes: tuple[int, ...]
    seconds: float


def part_of(operator: Operator, config: ChatGLMConfig) -> str:
    """Return the part of a step that an operator belongs to; a product whose inputs have the vocabulary's size is the head's."""
    for words, part in _BY_NAME.items():
        if words in operator.name:
            return part
    name = operator.name.split("::")[-1].strip("_")
    if any(name == product or product in name for product in _PRODUCTS):
        return HEAD if config.vocab_size in operator.sizes else BLOCKS
    return OTHER


def breakdown(
    operators: Sequence[Operator], profiled_s: float, step_s: float, config: ChatGLMConfig
) -> dict[str, float]:
    """Return part → seconds of one step; the sum is `step_s`.

    Args:
        operators: of a profiled step.
        profiled_s: seconds of that step.
        step_s: seconds of a step that nobody watches.
        config: the shape.
    """
    parts = dict.fromkeys(PARTS, 0.0)
    for operator in operators:
        parts[part_of(operator, config)] += operator.seconds
    parts[BETWEEN] = max(0.0, profiled_s - sum(parts.values()))
    whole = sum(parts.values())
    return {part: seconds * step_s / whole for part, seconds in parts.items()}


def profiled(loop: AnswerLoop, steps: int) -> tuple[list[Operator], float]:
    """Return the operators of `steps` steps of a begun answer and their time, both in seconds of one step."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as seen:
        start = time.perf_counter()
        for _ in range(steps):
            loop.following()
        seconds = (time.perf_counter() - start) / steps
    operators = [
        Operator(event.key, tuple(_sizes(event.input_shapes)), event.self_cpu_time_total / 1e6 / steps)
        for event in seen.key_averages(group_by_input_shape=True)
    ]
    return operators, seconds


def _sizes(shapes: Any) -> list[int]:
    """All numbers in nested lists of shapes."""
    if isinstance(shapes, int):
        return [shapes]
    return [size for shape in shapes for size in _sizes(shape)] if isinstance(shapes, list | tuple) else []


def print_parts(
    title: str, parts: Mapping[str, float], step_s: float, sizes: Mapping[str, int], reading: ReadingRate
) -> None:
    """Print the table of one precision."""
    print(f"\n{title}: {1000 * step_s:.2f} ms a token")
    for part, seconds in parts.items():
        line = f"  {part:18} {1000 * seconds:8.3f} ms {100 * seconds / step_s:5.1f} %"
        if sizes.get(part) and seconds > 0:
            rate, most = sizes[part] / seconds, reading(sizes[part])
            line += f"   {sizes[part] / 1e6:7.1f} MB, {rate / 1e9:5.1f} GB/s of {most / 1e9:.1f}"
        print(line)


def measure(
    ready: Ready, config: ChatGLMConfig, prompt: int, steps: int
) -> tuple[float, dict[str, float], list[Operator]]:
    """Return the seconds of a step, what they are made of, and the operators that take longest."""
    ids = random_prompts(config, length=prompt)
    loop = answer_loop(ready, batch=1)
    take_turn(loop, ids, new_tokens=4, clock=time.perf_counter)
    times = [take_turn(loop, ids, new_tokens=steps, clock=time.perf_counter).median_step_s for _ in range(3)]
    loop.first(ids)
    operators, profiled_s = profiled(loop, steps)
    step_s = statistics.median(times)
    return step_s, breakdown(operators, profiled_s, step_s, config), operators


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vocab", type=int, default=130528)
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS))
    parser.add_argument("--floating", help="precision of what is not quantised")
    parser.add_argument("--steps", type=int, default=48)
    parser.add_argument("--prompt", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--operators", type=int, default=0, help="print so many operators, longest first")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cpu, config = torch.device("cpu"), cpu_shape(arguments.vocab)
    floating = floating_dtype(config, cpu, time.perf_counter)
    if arguments.floating:
        floating = getattr(torch, arguments.floating)
    subject, reading = RandomSubject(config, cpu), ReadingRate(cpu, time.perf_counter)
    print(f"{shape_text(config)}; {arguments.threads} threads, prompt {arguments.prompt}")
    document: dict[str, Any] = {"vocabulary": arguments.vocab, "threads": arguments.threads, "steps": {}}
    for name in arguments.precisions:
        variant = variant_named(name, floating)
        ready = subject.ready(variant)
        step_s, parts, operators = measure(ready, config, arguments.prompt, arguments.steps)
        head = config.vocab_size * config.hidden_size
        size = read_bytes(config, name, floating_bytes=variant.dtype.itemsize, keys=0)
        size -= head * variant.dtype.itemsize
        head *= 1 if ready.head_bits else variant.dtype.itemsize
        print_parts(variant_text(variant), parts, step_s, {BLOCKS: size, HEAD: head}, reading)
        for operator in sorted(operators, key=lambda one: -one.seconds)[: arguments.operators]:
            print(f"    {1e6 * operator.seconds:9.1f} µs  {operator.name} {operator.sizes}")
        document["steps"][name] = {
            "ms_per_token": round(1000 * step_s, 3),
            "parts_ms": {part: round(1000 * seconds, 3) for part, seconds in parts.items()},
        }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
