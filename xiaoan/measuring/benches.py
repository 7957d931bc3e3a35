"""What `xiaoan bench` measures: which precisions there is room for, which cases, and whether they take turns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.device import DTYPES, GIB, WORKING_ROOM, Machine, available_memory, check_memory
from xiaoan.measuring.comparison import Case, Comparison, Plan, Tell, compare
from xiaoan.measuring.machine_rates import READ_BYTES, MachineRates, ReadingRate, machine_rates
from xiaoan.measuring.step_costs import block_weights, weight_bytes
from xiaoan.measuring.subjects import Subject
from xiaoan.measuring.turns import Clock
from xiaoan.measuring.variants import EXACT, PRECISIONS, Variant, floating_dtype, variant_named

_TOGETHER = 0.5
"""Models take turns when all of them take no more than this share of the free memory."""

_LARGE = 10**9
"""A shape with more weights in its blocks is measured shortly on a CPU: a token takes a good part of a second."""

_LOSS_TOKENS = 16

_QUICK_READ_BYTES, _QUICK_SIDE = 2**27, 1024
_GPU_READ_BYTES = 2**32
"""Of a GPU with much memory: of others a sixteenth of what is free, since the buffer stays beside the models."""


@dataclass(frozen=True)
class Bench:
    """One model, or one shape, and what will be measured of it.

    Attributes:
        title: for people.
        subject: where the models come from.
        variants: precisions that there is room for.
        plan: cases, and whether all of them take turns.
        left_out: precision → why it is not measured, in words.
        sizes: precision → bytes of its weights.
    """

    title: str
    subject: Subject
    variants: Sequence[Variant]
    plan: Plan
    left_out: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def to_document(self, found: Comparison) -> dict[str, object]:
        """Return what it came to as JSON values, rounded."""
        return {
            "name": self.title,
            **found.to_document(),
            "weights_mb": {name: round(size / 1e6, 1) for name, size in self.sizes.items()},
            "left_out": self.left_out,
        }


@dataclass(frozen=True)
class Measured:
    """What the machine can do, and what each bench came to."""

    rates: MachineRates
    comparisons: Sequence[tuple[Bench, Comparison]]


def plan_bench(
    title: str,
    subject: Subject,
    device: torch.device,
    machine: Machine,
    *,
    precisions: Sequence[str] = PRECISIONS,
    quick: bool = False,
    eos: int | None = None,
    reference: bool = True,
) -> Bench:
    """Return what can be measured of `subject` on `device`, by its shape and the memory that is free.

    Args:
        title: for people.
        subject: what is measured.
        device: where.
        machine: free memory and the clock.
        precisions: that are wanted.
        quick: short prompts, one round.
        eos: what ends an answer by which the accuracy is measured, None for nothing.
        reference: whether there are weights in floating point for the published way.

    Raises:
        DeviceError: there is not room for any of them; told before anything is made.
    """
    config = subject.config
    floating = floating_dtype(config, device, machine.clock)
    wanted = [variant_named(name, floating) for name in precisions]
    sizes = {variant.name: _bytes_of(config, variant) for variant in wanted}
    free = machine.available_memory(device)
    left_out = {
        name: f"约需 {size * WORKING_ROOM / GIB:.1f} GiB 内存，现在可用 {free / GIB:.1f} GiB"
        for name, size in sizes.items()
        if free is not None and size * WORKING_ROOM > free
    }
    variants = [variant for variant in wanted if variant.name not in left_out]
    if not variants:
        smallest = min(sizes, key=lambda name: sizes[name])
        check_memory(smallest, device, sizes[smallest], free)
    exact = weight_bytes(config, EXACT, floating_bytes=4)
    needed = exact + sum(sizes[variant.name] for variant in variants)
    together = free is None or needed * WORKING_ROOM <= free * _TOGETHER
    plan = Plan(
        cases=cases_for(config, device, quick=quick),
        reference=reference and together and device.type == "cpu",
        together=together,
        loss_tokens=_LOSS_TOKENS if len(variants) > 1 else 0,
        eos=eos,
    )
    return Bench(title, subject, variants, plan, left_out, sizes)


def cases_for(config: ChatGLMConfig, device: torch.device, *, quick: bool) -> tuple[Case, ...]:
    """Return the cases that fit into the model's window; shorter ones with `quick`, and for a large shape on a CPU."""
    large = device.type == "cpu" and block_weights(config) > _LARGE
    if quick:
        cases = [Case(64, 1, 16, 1)] if large else [Case(64, 1, 16, 1), Case(64, 8, 8, 1)]
    elif large:
        cases = [Case(64, 1, 16, 2), Case(1024, 1, 4, 1), Case(64, 8, 8, 1)]
    elif device.type == "cpu":
        cases = [Case(64, 1, 64, 5), Case(1024, 1, 32, 3), Case(64, 8, 32, 3), Case(64, 64, 16, 1)]
    else:
        cases = [Case(64, 1, 256, 5), Case(1024, 1, 64, 5), Case(1984, 1, 64, 3)]
        cases += [Case(64, 8, 64, 3), Case(64, 64, 64, 3)]
    window = int(config.max_sequence_length)
    return tuple(case for case in cases if case.prompt + case.new_tokens <= window)


def _bytes_of(config: ChatGLMConfig, variant: Variant) -> int:
    return weight_bytes(
        config,
        variant.precision,
        floating_bytes=variant.dtype.itemsize,
        head_bits=variant.head_bits,
    )


def run_benches(
    benches: Sequence[Bench],
    device: torch.device,
    *,
    clock: Clock,
    quick: bool = False,
    tell: Tell = lambda _: None,
    read_bytes: int | None = None,
    side: int | None = None,
) -> Measured:
    """Measure the machine, then each of `benches`.

    Args:
        benches: what is measured.
        device: where.
        clock: seconds.
        quick: a smaller buffer is read, and smaller matrices are multiplied on a CPU.
        tell: told what is being done.
        read_bytes: of the buffer; None: large enough for no cache.
        side: of the matrices that are multiplied; None: as large as a fast product wants.

    Raises:
        DeviceError: memory ran out.
        CheckpointError: stored weights cannot be used.
    """
    usual = READ_BYTES
    if device.type != "cpu":
        usual = min(_GPU_READ_BYTES, (available_memory(device) or _GPU_READ_BYTES * 16) // 16)
    size = read_bytes or (_QUICK_READ_BYTES if quick else usual)
    if quick and side is None and device.type == "cpu":
        side = _QUICK_SIDE
    tell("内存和乘法的速度")
    reading = ReadingRate(device, clock, size=size)
    wanted = {variant.dtype for bench in benches for variant in bench.variants}
    dtypes = [dtype for dtype in DTYPES.values() if dtype in wanted]
    rates = machine_rates(device, dtypes, clock=clock, reading=reading, ordinary_size=size, side=side)
    comparisons = []
    for bench in benches:
        told = _beginning_with(bench.title, tell)
        found = compare(
            bench.subject, bench.variants, bench.plan, rates, reading=reading, clock=clock, tell=told
        )
        comparisons.append((bench, found))
    return Measured(rates, comparisons)


def _beginning_with(title: str, tell: Tell) -> Callable[[str], None]:
    return lambda what: tell(f"{title}：{what}")
