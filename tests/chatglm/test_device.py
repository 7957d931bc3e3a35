"""Device and precision are chosen from what the machine has, and what it has not is said in time."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.patience import does_not_hang
from xiaoan.chatglm.device import (
    DTYPES,
    Machine,
    available_memory,
    choose_device,
    choose_dtype,
    fastest_dtype,
    matrix_products,
    this_machine,
)
from xiaoan.errors import DeviceError

F16, BF16, F32 = DTYPES.values()
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
GIB = 2**30


@pytest.mark.parametrize(
    ("machine", "device"),
    [
        (Machine(), "cpu"),
        (Machine(mps=True), "mps"),
        (Machine(cuda_devices=1, cuda_build=True, mps=True), "cuda"),
    ],
)
def test_auto_takes_the_best_device_there_is(machine: Machine, device: str) -> None:
    assert choose_device("auto", machine) == torch.device(device)


@pytest.mark.parametrize(
    ("name", "machine", "words"),
    [
        ("cuda", Machine(), "只支持 CPU 的版本"),
        ("cuda", Machine(), "PyTorch 官网"),
        ("cuda", Machine(cuda_build=True), "显卡驱动"),
        ("cuda:2", Machine(cuda_build=True, cuda_devices=2), "编号 0 到 1"),
        ("mps", Machine(), "苹果"),
        ("gpu", Machine(), "不认识的设备“gpu”"),
        ("cpu:1", Machine(), "不认识的设备"),
        ("", Machine(), "可以写 auto"),
    ],
)
def test_device_that_is_not_there_comes_with_what_to_do(name: str, machine: Machine, words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        choose_device(name, machine)


def test_named_devices_that_are_there_are_taken() -> None:
    machine = Machine(cuda_devices=2, cuda_build=True)
    assert choose_device("cuda:1", machine) == torch.device("cuda", 1)
    assert choose_device("cpu", machine) == CPU


def test_this_machine_has_a_device_and_knows_its_memory() -> None:
    device = choose_device("auto", this_machine())
    free = available_memory(device)
    assert free is None or free > 0


def choose(name: str, device: torch.device, free: int | None, weights: int = 1000) -> torch.dtype:
    machine = Machine(available_memory=lambda _: free)
    needed: Callable[[torch.dtype], int] = lambda dtype: weights * dtype.itemsize  # noqa: E731
    return choose_dtype(name, device, machine, hidden_size=32, needed_bytes=needed)


def test_gpu_gets_float16_and_a_named_precision_is_kept() -> None:
    assert choose("auto", CUDA, 10**9) == F16
    assert choose("bfloat16", CUDA, 10**9) == BF16
    assert choose("float32", CPU, None) == F32
    with pytest.raises(DeviceError, match="不认识的精度“int3”"):
        choose("int3", CPU, None)


def test_what_is_not_quantised_has_the_precision_that_the_device_likes() -> None:
    assert choose("int8", CUDA, 10**9) == F16
    assert choose("int4", CPU, 4000) in (F16, BF16)
    with pytest.raises(DeviceError, match=r"用 int8 放在 cuda 上.*\n可以：改用 --dtype int4"):
        choose("int8", CUDA, 1000)


def test_cpu_takes_only_what_fits() -> None:
    assert choose("auto", CPU, 4000) in (F16, BF16)
    with pytest.raises(DeviceError, match=r"内存不够.*float16"):
        choose("auto", CPU, 2000)


def test_a_small_model_is_not_timed_on_a_cpu() -> None:
    assert choose("auto", CPU, None) == F32
    assert choose("int8", CPU, None) == F32


def test_too_little_memory_names_need_and_rest() -> None:
    with pytest.raises(DeviceError) as caught:
        choose("auto", CUDA, 4 * GIB, weights=6_173_286_400)
    assert "显存不够" in caught.value.message
    assert "约需 12.65 GiB，现在可用 4.00 GiB" in caught.value.message
    assert "--device cpu" in caught.value.message


class Clock:
    """A clock that only products move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.runs: list[torch.dtype] = []

    def __call__(self) -> float:
        return self.now

    def product(self, dtype: torch.dtype, *times: float) -> Callable[[], None]:
        durations = list(times)

        def multiply() -> None:
            self.runs.append(dtype)
            self.now += durations.pop(0) if len(durations) > 1 else durations[0]

        return multiply


def fastest(f16: tuple[float, ...], bf16: tuple[float, ...], f32: tuple[float, ...]) -> torch.dtype:
    clock = Clock()
    times = {F16: f16, BF16: bf16, F32: f32}
    products = {dtype: clock.product(dtype, *durations) for dtype, durations in times.items()}
    return fastest_dtype(products, clock)


def test_fastest_precision_wins_and_warming_up_does_not_count() -> None:
    assert fastest((1e-4,), (2e-4,), (4e-4,)) == F16
    assert fastest((9e-3, 1e-4), (2e-4,), (4e-4,)) == F16
    assert fastest((1e-4,), (5e-5,), (2e-4,)) == BF16


def test_float32_wins_unless_another_is_clearly_faster() -> None:
    assert fastest((1e-4,), (1e-4,), (1.05e-4,)) == F32
    assert fastest((1e-4,), (1e-4,), (1.2e-4,)) in (F16, BF16)


def test_slow_products_are_not_repeated() -> None:
    clock = Clock()
    products = {F16: clock.product(F16, 0.5), F32: clock.product(F32, 1e-3)}
    assert fastest_dtype(products, clock) == F32
    assert clock.runs.count(F16) == 1
    assert clock.runs.count(F32) <= 21


def test_real_measurement_is_short() -> None:
    products = matrix_products(256, [F16, BF16, F32])
    with does_not_hang():
        assert fastest_dtype(products, time.perf_counter) in DTYPES.values()


def test_memory_is_read_from_the_system() -> None:
    free = available_memory(CPU)
    if Path("/proc/meminfo").is_file():
        assert free is not None
        assert 10**6 < free < 10**14
