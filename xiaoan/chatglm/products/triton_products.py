"""Products with few vectors as Triton kernels, behind plain functions; and why they cannot be had somewhere.

Triton comes with the CUDA builds of torch on Linux and is no dependency of ours: nothing here imports it before it is
known to be there. What they compute is `F.linear(x, packed_words.dequantized_words(…), bias)`, rounded once less.
Written and tested in Triton's interpreter; not yet measured on a GPU.
"""

import importlib.util
import os
import shutil
import subprocess
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from xiaoan.chatglm.products.packed_words import fields

OLDEST_CAPABILITY = (8, 0)
"""Triton's own limit: Ampere, such as A100, A10 or RTX 30."""

MOST_ROWS = 64
"""Up to so many vectors at once the packed weights are multiplied with; more are worth dequantising the weight for."""


@dataclass(frozen=True)
class KernelHost:
    """What decides whether kernels can be built and run; tests make their own.

    Attributes:
        triton: it can be imported.
        interpreted: kernels run in Triton's interpreter (`TRITON_INTERPRET=1`), on any device, slowly: for tests.
        c_compiler: there is one; Triton builds a small launcher with it.
        nvidia: torch is built for CUDA.
        capability: (major, minor) of the GPU in question; None: it is no GPU.
    """

    triton: bool
    interpreted: bool
    c_compiler: bool
    nvidia: bool
    capability: tuple[int, int] | None


def this_host(device: torch.device) -> KernelHost:
    """Return what is found here for `device`."""
    on_gpu = device.type == "cuda" and torch.cuda.is_available()
    return KernelHost(
        triton=importlib.util.find_spec("triton") is not None,
        interpreted=os.environ.get("TRITON_INTERPRET") == "1",
        c_compiler=any(shutil.which(name) for name in (os.environ.get("CC") or "gcc", "gcc", "clang")),
        nvidia=torch.version.cuda is not None,
        capability=torch.cuda.get_device_capability(device) if on_gpu else None,
    )


def unavailable_reason(host: KernelHost) -> str | None:
    """Return why the kernels cannot be used there, in words for the user, or None when they can."""
    if not host.triton:
        return "没有安装 Triton（Linux 的 CUDA 版 PyTorch 自带；Windows 没有）"
    if host.interpreted:
        return None
    if host.capability is None or not host.nvidia:
        return "Triton 内核只在 NVIDIA 显卡上运行"
    if host.capability < OLDEST_CAPABILITY:
        found, wanted = (".".join(map(str, pair)) for pair in (host.capability, OLDEST_CAPABILITY))
        return f"显卡的计算能力是 {found}，Triton 内核需要 {wanted} 以上"
    if not host.c_compiler:
        return "没有 C 编译器（Triton 要用 gcc 或 clang 编译启动程序；也可以用环境变量 CC 指定）"
    return None


WRONG = "试算的结果不对"
"""Said where a kernel runs and its result is another."""


def kernel_errors() -> tuple[type[Exception], ...]:
    """Return what a kernel may raise where it does not work.

    Children of RuntimeError (CUDA, torch), OSError and a failed process (a compiler), and Triton's own where it is there;
    it asserts that it finds the driver's library, and imports what it has compiled.
    """
    usual = (RuntimeError, ValueError, OSError, subprocess.SubprocessError, AssertionError, ImportError)
    try:
        from triton.errors import TritonError
    except ImportError:
        return usual
    return (*usual, TritonError)


def failure(error: Exception) -> str:
    """Return a trial that raised in one line, as a person may read it."""
    told = str(error).strip().splitlines()
    return f"试算时出错（{type(error).__name__}{'：' + told[0][:120] if told else ''}）"


def on_device_of(tensor: Tensor) -> AbstractContextManager[None]:
    """Make the tensor's GPU the current one, on which kernels are launched."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


def blocks(size: int, block: int) -> int:
    """Return how many blocks cover `size`."""
    return -(-size // block)


# -- products -------------------------------------------------------------------------------------------------------


def word_product(
    x: Tensor, words: Tensor, scale: Tensor, bias: Tensor | None, bits: int, *, gelu: bool = False
) -> Tensor:
    """Return x · weight + bias, `[..., out]` in the precision of `x` `[..., in]`, for up to `MOST_ROWS` vectors.

    Args:
        x: float16, bfloat16 or float32.
        words: int32 `[out, in * bits / 32]`, see `packed_words.pack_words`.
        scale: float16 `[out]`.
        bias: `[out]` or None.
        bits: 8 or 4.
        gelu: put the result through the tanh-GELU.

    Raises:
        ValueError: sizes do not belong together, or there are too many vectors.
    """
    vectors = x.reshape(-1, x.shape[-1])
    if vectors.shape[1] != words.shape[1] * fields(bits):
        raise ValueError(f"x has {vectors.shape[1]} columns, the weight {words.shape[1] * fields(bits)}")
    if vectors.shape[0] > MOST_ROWS:
        raise ValueError(f"at most {MOST_ROWS} vectors at once, not {vectors.shape[0]}")
    out = torch.empty(vectors.shape[0], words.shape[0], dtype=x.dtype, device=x.device)
    launch = _launch_one_row if vectors.shape[0] == 1 else _launch_few_rows
    with on_device_of(x):
        launch(vectors.contiguous(), words, scale, bias, out, bits, gelu)
    return out.view(*x.shape[:-1], words.shape[0])


def _launch_one_row(
    x: Tensor, words: Tensor, scale: Tensor, bias: Tensor | None, out: Tensor, bits: int, gelu: bool
) -> None:
    from xiaoan.chatglm.products.triton_kernels import one_row_kernel

    rows, width = words.shape
    block_rows = 4 if bits == 8 else 8
    one_row_kernel[(blocks(rows, block_rows),)](
        *(x, words, scale, out if bias is None else bias, out, rows, width),
        bits=bits,
        has_bias=bias is not None,
        gelu=gelu,
        block_rows=block_rows,
        block_width=512,
        num_warps=4,
    )


def _launch_few_rows(
    x: Tensor, words: Tensor, scale: Tensor, bias: Tensor | None, out: Tensor, bits: int, gelu: bool
) -> None:
    from xiaoan.chatglm.products.triton_kernels import few_rows_kernel

    rows, width = words.shape
    block_batch = 16 if x.shape[0] <= 16 else 32 if x.shape[0] <= 32 else 64
    # More outputs a program read x less often; a program has 99 KiB of shared memory on the smaller GPUs.
    wide = block_batch == 64
    block_rows = 64 if wide else 32
    few_rows_kernel[(blocks(rows, block_rows), blocks(x.shape[0], block_batch))](
        *(x, words, scale, out if bias is None else bias, out, x.shape[0], rows, width),
        bits=bits,
        has_bias=bias is not None,
        gelu=gelu,
        block_batch=block_batch,
        block_rows=block_rows,
        block_width=32 if wide else 64,
        num_warps=8 if wide else 4,
    )


def int8_product(
    x: Tensor, words: Tensor, scale: Tensor, bias: Tensor | None, *, gelu: bool = False
) -> Tensor:
    """`word_product` with 8 bits."""
    return word_product(x, words, scale, bias, 8, gelu=gelu)


def int4_product(
    x: Tensor, words: Tensor, scale: Tensor, bias: Tensor | None, *, gelu: bool = False
) -> Tensor:
    """`word_product` with 4 bits."""
    return word_product(x, words, scale, bias, 4, gelu=gelu)


def plain_product(x: Tensor, weight: Tensor, bias: Tensor | None, *, gelu: bool = False) -> Tensor:
    """Return x · weight + bias `[..., out]` for one vector `x` `[..., in]` and a weight `[out, in]` of any float precision.

    Raises:
        ValueError: there is more than one vector, or the sizes do not belong together.
    """
    from xiaoan.chatglm.products.triton_kernels import plain_row_kernel

    rows, columns = weight.shape
    if x.numel() != columns or x.shape[-1] != columns:
        raise ValueError(f"one vector of {columns} numbers, not {tuple(x.shape)}")
    out = torch.empty(*x.shape[:-1], rows, dtype=x.dtype, device=x.device)
    block_rows = 4
    with on_device_of(x):
        plain_row_kernel[(blocks(rows, block_rows),)](
            *(x.contiguous(), weight, out if bias is None else bias, out, rows, columns),
            has_bias=bias is not None,
            gelu=gelu,
            block_rows=block_rows,
            block_columns=1024,
            num_warps=4,
        )
    return out


def dequantised_by_kernel(words: Tensor, scale: Tensor, bits: int, dtype: torch.dtype) -> Tensor:
    """Return the weight `[out, in]` in `dtype`, as `packed_words.dequantized_words` does, in one pass."""
    from xiaoan.chatglm.products.triton_kernels import dequantise_kernel

    rows, width = words.shape
    out = torch.empty(rows, width * fields(bits), dtype=dtype, device=words.device)
    block_rows, block_width = 4, 256
    with on_device_of(words):
        dequantise_kernel[(blocks(rows, block_rows), blocks(width, block_width))](
            *(words, scale, out, rows, width),
            bits=bits,
            block_rows=block_rows,
            block_width=block_width,
            num_warps=4,
        )
    return out
