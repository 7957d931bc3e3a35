"""What the machine can do at best: bytes read a second, operations a second. The measure of every share.

A CPU's memory is read by whatever of torch reads it fastest (a sum, a dot product, a product with a vector), on
the ordinary pages that a program gets or on huge ones; a GPU's is copied. The best of several runs counts: a rate is a
ceiling, and others on the machine only lower it.
"""

import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

READ_BYTES = 2**30
"""A buffer of this size lies in no cache."""

_ROW = 4096
"""Columns of the matrix that is read by a product with a vector."""

_MULTIPLIED_SIDE = {"cpu": 2048, "cuda": 8192}

_RUNS_TOGETHER = 8
"""A GPU is handed so many runs at once and keeps the time itself: starting one and waiting for it would count else."""

Clock = Callable[[], float]
"""Seconds."""


def huge_pages_can_be_asked_for() -> bool:
    """Return whether this system knows the advice that asks for huge pages."""
    return hasattr(mmap, "MADV_HUGEPAGE")


def on_pages(size: int, *, huge: bool) -> Tensor:
    """Return `size` bytes of zeros, uint8, on pages of their own: huge ones where the system grants them.

    Not huge: whatever a program gets that does not ask.
    """
    memory = mmap.mmap(-1, size)
    if huge and huge_pages_can_be_asked_for():
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=torch.uint8).zero_()


def on_ordinary_pages(tensor: Tensor) -> Tensor:
    """Return a copy of a CPU tensor on the pages that a program gets which does not ask for huge ones."""
    place = on_pages(tensor.nbytes, huge=False).view(tensor.dtype).view(tensor.shape)
    return place.copy_(tensor)


class ReadingRate:
    """Reads the beginning of one buffer as fast as it can be read.

    Args:
        device: "cpu": the buffer is on pages of the kind asked for. "cuda": half of it is copied into the other half.
        huge: whether huge pages are asked for; a GPU has no such choice.
        size: bytes of the buffer.
        clock: seconds.

    Attributes:
        device: the same.
    """

    def __init__(
        self, device: torch.device, clock: Clock, *, huge: bool = True, size: int = READ_BYTES
    ) -> None:
        self.device = device
        self._clock = clock
        if device.type == "cpu":
            self._buffer = on_pages(size, huge=huge)
        else:
            self._buffer = torch.zeros(size, dtype=torch.uint8, device=device)

    def __call__(self, size: int | None = None, *, repeats: int = 5) -> float:
        """Return bytes a second for `size` bytes (at most the buffer's), the best of `repeats` after one to warm up."""
        used = self._buffer[: max(64, min(size or len(self._buffer), len(self._buffer)) // 64 * 64)]
        best = min(best_time(way, self._clock, repeats, self.device) for way in self._ways(used))
        return len(used) / best

    def _ways(self, used: Tensor) -> Sequence[Callable[[], object]]:
        if self.device.type == "cpu":
            numbers = used.view(torch.float32)
            rows = numbers[: len(numbers) // _ROW * _ROW].view(-1, _ROW) if len(numbers) >= _ROW else None
            ways: list[Callable[[], object]] = [numbers.sum, lambda: torch.dot(numbers, numbers)]
            if rows is not None:
                ones, sums = torch.ones(_ROW), torch.empty(len(rows))
                ways.append(lambda: torch.mv(rows, ones, out=sums))
            return ways
        half = len(used) // 2
        target, source = used[:half], used[half : 2 * half]
        return [lambda: target.copy_(source)]  # what is read and what is written count both


def multiplying_rate(
    device: torch.device, dtype: torch.dtype, clock: Clock, *, side: int | None = None, repeats: int = 3
) -> float:
    """Return operations a second (a multiplication and an addition are two) of a square matrix product in `dtype`."""
    side = side or _MULTIPLIED_SIDE.get(device.type, 2048)
    # Random numbers: a GPU takes less power for equal ones, and multiplies them faster than any model's.
    generator = torch.Generator(device).manual_seed(0)
    left, right = torch.randn(2, side, side, dtype=dtype, device=device, generator=generator).unbind(0)
    target = torch.empty(side, side, dtype=dtype, device=device)
    return 2 * side**3 / best_time(lambda: torch.mm(left, right, out=target), clock, repeats, device)


def best_time(work: Callable[[], object], clock: Clock, repeats: int, device: torch.device) -> float:
    """Return the seconds of the fastest of `repeats` runs after one to warm up; on a GPU each is the mean of several."""
    if device.type == "cuda":
        return _best_time_on_gpu(work, repeats, device)
    best = float("inf")
    for turn in range(repeats + 1):
        start = clock()
        work()
        if turn:
            best = min(best, clock() - start)
    return max(best, 1e-9)


def _best_time_on_gpu(work: Callable[[], object], repeats: int, device: torch.device) -> float:
    stream = torch.cuda.current_stream(device)
    best = float("inf")
    for turn in range(repeats + 1):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        wait_for(device)
        begin.record(stream)
        for _ in range(_RUNS_TOGETHER):
            work()
        end.record(stream)
        end.synchronize()
        if turn:
            best = min(best, begin.elapsed_time(end) / 1000 / _RUNS_TOGETHER)
    return max(best, 1e-9)


def wait_for(device: torch.device) -> None:
    """Return when everything is done that was handed to `device`."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@dataclass(frozen=True)
class MachineRates:
    """What was measured of a machine; bytes and operations a second.

    Attributes:
        read: of a buffer that lies in no cache, on huge pages where there are such (a GPU: copied).
        read_ordinary: the same on the pages that a program gets which does not ask; None on a GPU.
        multiplied: precision → operations a second.
    """

    read: float
    read_ordinary: float | None
    multiplied: dict[str, float]

    def to_document(self) -> dict[str, object]:
        """Return the rates as JSON values, in 10⁹ a second, rounded."""
        return {
            "read_gb_per_s": round(self.read / 1e9, 2),
            "read_ordinary_pages_gb_per_s": None
            if self.read_ordinary is None
            else round(self.read_ordinary / 1e9, 2),
            "matrix_gflop_per_s": {name: round(rate / 1e9, 1) for name, rate in self.multiplied.items()},
        }


def machine_rates(
    device: torch.device,
    dtypes: Sequence[torch.dtype],
    *,
    clock: Clock,
    reading: ReadingRate,
    ordinary_size: int = READ_BYTES,
    side: int | None = None,
) -> MachineRates:
    """Return what the machine can do: `reading` of its whole buffer, and products in each of `dtypes`."""
    ordinary = None
    if device.type == "cpu":
        ordinary = ReadingRate(device, clock, huge=False, size=ordinary_size)()
    multiplied = {
        str(dtype).removeprefix("torch."): multiplying_rate(device, dtype, clock, side=side)
        for dtype in dtypes
    }
    return MachineRates(reading(), ordinary, multiplied)
