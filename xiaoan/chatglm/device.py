"""Where a model runs and in which precision: choosing, and refusing in time what cannot work."""

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from xiaoan.chatglm.quantization import QUANTIZED_BITS
from xiaoan.errors import DeviceError

DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
GIB = 2**30
WORKING_ROOM = 1.1
"""Memory needed for a bit of weights: caches and intermediate results come on top."""
_INT8 = "改用 --dtype int8（约为 float16 的一半）"
_INT4 = "改用 --dtype int4（约为 float16 的四分之一）"
_SMALLER = {
    "float32": ("改用 --dtype float16（只要一半）", _INT8, _INT4),
    "float16": (_INT8, _INT4),
    "bfloat16": (_INT8, _INT4),
    "int8": (_INT4,),
}
"""What takes less memory than a precision."""
SMALL_MODEL_BYTES = 64 * 2**20
"""Weights of no more than this in float32 stay in a processor's caches while it decodes: fewer bytes save nothing, and
what is not timed is the same on a busy machine."""
CLEARLY_FASTER = 1.1
"""A half precision must be this much faster than float32 to be worth its rounding; less is noise."""

_FAVOUR_IF_QUANTIZED = 0.5
"""Beside quantised weights float32, which takes twice the memory, must take half the time to be worth it."""

_TRAINED_AT_ONCE = 512
"""About so many tokens of a batch go through a layer at once."""


def available_memory(device: torch.device) -> int | None:
    """Return the bytes that a model could take on `device` now, or None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        line = re.search(r"^MemAvailable:\s*(\d+) kB", meminfo.read_text(encoding="ascii"), re.MULTILINE)
        if line:
            return int(line[1]) * 1024
    if not hasattr(os, "sysconf"):  # Windows
        return None
    for pages in (
        "SC_AVPHYS_PAGES",
        "SC_PHYS_PAGES",
    ):  # macOS only knows the second: all there is, used or not
        if pages in os.sysconf_names:
            return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    return None


@dataclass(frozen=True)
class Machine:
    """What the choice of device and precision depends on; tests make their own."""

    cuda_devices: int = 0
    cuda_build: bool = False
    mps: bool = False
    available_memory: Callable[[torch.device], int | None] = available_memory
    clock: Callable[[], float] = time.perf_counter


def this_machine() -> Machine:
    """Return the machine that the program runs on."""
    return Machine(
        cuda_devices=torch.cuda.device_count() if torch.cuda.is_available() else 0,
        cuda_build=torch.version.cuda is not None or torch.version.hip is not None,
        mps=torch.backends.mps.is_available(),
    )


def choose_device(name: str, machine: Machine) -> torch.device:
    """Return the device called `name`; "auto" takes cuda, else mps, else cpu.

    Raises:
        DeviceError: no such device, or not to be had here.
    """
    if name == "auto":
        name = "cuda" if machine.cuda_devices else "mps" if machine.mps else "cpu"
    kind = re.fullmatch(r"(cpu|mps|cuda)(?::(\d+))?", name)
    if kind is None or (kind[1] != "cuda" and kind[2]):
        raise DeviceError(f"不认识的设备“{name}”。\n可以写 auto、cpu、cuda、cuda:0（第几块显卡）或 mps。")
    if kind[1] == "cuda":
        _check_cuda(name, int(kind[2] or 0), machine)
    if kind[1] == "mps" and not machine.mps:
        raise DeviceError(
            "要用的 mps 只有装了 macOS 12.3 以上的苹果芯片电脑才有，这台没有。\n请改用 --device cpu。"
        )
    return torch.device(name)


def _check_cuda(name: str, number: int, machine: Machine) -> None:
    if number < machine.cuda_devices:
        return
    if machine.cuda_devices:
        last = machine.cuda_devices - 1
        raise DeviceError(
            f"没有显卡 {name}：这台机器有 {machine.cuda_devices} 块，编号 0 到 {last}。\n"
            "请改用其中一块，例如 cuda:0。"
        )
    if not machine.cuda_build:
        raise DeviceError(
            f"用不了 {name}：装的 PyTorch {torch.__version__} 是只支持 CPU 的版本"
            "（Windows 上用 pip 默认装的就是它）。\n"
            "请到 PyTorch 官网的安装页选好系统和 CUDA 版本，按给出的命令重装 torch；或改用 --device cpu。"
        )
    raise DeviceError(
        f"用不了 {name}：PyTorch 支持 CUDA，但没有找到能用的显卡。\n"
        "请检查显卡驱动（nvidia-smi 能否运行）和环境变量 CUDA_VISIBLE_DEVICES；或改用 --device cpu。"
    )


def choose_dtype(
    name: str,
    device: torch.device,
    machine: Machine,
    *,
    hidden_size: int,
    needed_bytes: Callable[[torch.dtype], int],
    training: bool = False,
) -> torch.dtype:
    """Return the precision called `name`, checked against free memory.

    "auto" is float16 on a GPU. On a CPU it is float32 for a small model; for a larger one the fastest, on this machine
    and for this hidden size, of those that fit into memory; for training without float16, whose gradients vanish there. "int8" and "int4" say how the
    blocks' weights are stored; what this returns for them is the precision of everything else, chosen as for "auto".

    Args:
        name: "auto", "float16", "bfloat16", "float32", "int8" or "int4".
        device: where the model goes.
        machine: free memory and the clock.
        hidden_size: of the model; half the bytes are not half the time in small products.
        needed_bytes: bytes of all weights where those that are not quantised are in a precision.
        training: whether many tokens go through at once, forwards and backwards, instead of one.

    Raises:
        DeviceError: no such precision, or too little memory.
    """
    if name not in ("auto", *DTYPES, *QUANTIZED_BITS):
        raise DeviceError(f"不认识的精度“{name}”。\n可以写 auto、{'、'.join((*DTYPES, *QUANTIZED_BITS))}。")
    free = machine.available_memory(device)

    def check(dtype: torch.dtype) -> torch.dtype:
        check_memory(name if name in QUANTIZED_BITS else dtype_name(dtype), device, needed_bytes(dtype), free)
        return dtype

    if name in DTYPES:
        return check(DTYPES[name])
    if device.type != "cpu":
        return check(torch.float16)
    possible = [d for d in DTYPES.values() if not (training and d is torch.float16)]
    fitting = [d for d in possible if free is None or needed_bytes(d) * WORKING_ROOM <= free]
    if not fitting:
        check(torch.float16)
    if len(fitting) == 1:
        return fitting[0]
    if not training and torch.float32 in fitting and needed_bytes(torch.float32) <= SMALL_MODEL_BYTES:
        return torch.float32
    columns = _TRAINED_AT_ONCE if training else 1
    # Whoever quantises a large model wants a small one: of 6B in int4 the embedding in float32 would be almost a half.
    favour = _FAVOUR_IF_QUANTIZED if name in QUANTIZED_BITS and not training else CLEARLY_FASTER
    return fastest_dtype(matrix_products(hidden_size, fitting, columns=columns), machine.clock, favour=favour)


def check_memory(precision: str, device: torch.device, needed: int, free: int | None) -> None:
    """Refuse before loading what would not fit.

    Args:
        precision: of the weights, such as "float16" or "int8".
        device: where they go.
        needed: their bytes.
        free: bytes that can be had, None when unknown (then nothing is refused).

    Raises:
        DeviceError: the weights and a tenth of them as working room do not fit.
    """
    if free is not None and needed * WORKING_ROOM > free:
        raise memory_error(precision, device, needed, f"现在可用 {free / GIB:.2f} GiB")


def memory_error(precision: str, device: torch.device, needed: int, found: str) -> DeviceError:
    """Return the error for weights of `needed` bytes that do not fit; `found` says how that was noticed."""
    ways = [*_SMALLER.get(precision, ()), "关掉占内存的程序", "换一个更小的模型"]
    if device.type == "cuda":
        ways.append("改用 --device cpu")
    return DeviceError(
        f"{'显存' if device.type == 'cuda' else '内存'}不够：这个模型用 {precision} 放在 {device} 上"
        f"约需 {needed * WORKING_ROOM / GIB:.2f} GiB，{found}。\n可以：{'；'.join(ways)}。"
    )


def dtype_name(dtype: torch.dtype) -> str:
    """Return "float16" for `torch.float16`."""
    return str(dtype).removeprefix("torch.")


def matrix_products(
    hidden_size: int, dtypes: list[torch.dtype], *, columns: int = 1
) -> dict[torch.dtype, Callable[[], object]]:
    """Return for each precision a function that multiplies a square matrix with as many vectors as there are tokens.

    One column is what decoding does. The side is the hidden size, but at most 2048, so that making the matrices costs
    a few milliseconds.
    """

    def product(dtype: torch.dtype) -> Callable[[], object]:
        side = min(hidden_size, 2048)
        matrix = torch.ones(side, side, dtype=dtype)
        if columns == 1:
            vector = torch.ones(side, dtype=dtype)
            return lambda: torch.mv(matrix, vector)
        tokens = torch.ones(side, columns, dtype=dtype)
        return lambda: torch.mm(matrix, tokens)

    return {dtype: product(dtype) for dtype in dtypes}


def fastest_dtype(
    products: Mapping[torch.dtype, Callable[[], object]],
    clock: Callable[[], float],
    *,
    budget_s: float = 0.006,
    favour: float = CLEARLY_FASTER,
) -> torch.dtype:
    """Return the precision whose product is fastest; float32 if it takes at most `favour` times as long as the best other.

    Every product runs once to warm up, which pays for the library's set-up, then again until its share of the
    budget is used up. What needs more than the whole budget to warm up is judged by that one run.

    Args:
        products: what to time, by precision.
        clock: seconds.
        budget_s: seconds in all, warming up not counted.
        favour: how much longer float32, which rounds least, may take.
    """
    times: dict[torch.dtype, float] = {}
    for dtype, multiply in products.items():
        start = clock()
        multiply()
        first_s = clock() - start
        share_s = budget_s / len(products)
        times[dtype] = first_s if first_s > 2 * budget_s else _best_time(multiply, clock, share_s)
    exact_s = times.pop(torch.float32, None)
    if exact_s is not None and exact_s <= min(times.values(), default=exact_s) * favour:
        return torch.float32
    return min(times, key=lambda dtype: times[dtype], default=torch.float32)


def _best_time(multiply: Callable[[], object], clock: Callable[[], float], share_s: float) -> float:
    """Return the seconds of the fastest of at least one and at most 20 runs within `share_s`."""
    best_s = float("inf")
    end = clock() + share_s
    for _ in range(20):
        start = clock()
        multiply()
        now = clock()
        best_s = min(best_s, now - start)
        if now >= end:
            break
    return best_s
