"""Quantised layers of a model that answers on a GPU: which product multiplies them, and what is said if a slow one does.

First choice are our Triton kernels; without Triton int4 goes through torch's own packed product; and where neither can be
had the layer stays a `QuantizedLinear`, which dequantises its weight for every product: right, and slower than half
precision. A way is tried on the device before it is taken, against the dequantised weight: a wrong product would be a
wrong answer. Not yet measured on a GPU.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.products import torch_int4
from xiaoan.chatglm.products.packed_linear import PackedLinear, quantised_layers
from xiaoan.chatglm.products.packed_words import fields, fits, pack_words
from xiaoan.chatglm.products.torch_int4 import Int4Operators, TorchInt4Product, torch_operators
from xiaoan.chatglm.products.triton_products import (
    MOST_ROWS,
    WRONG,
    KernelHost,
    dequantised_by_kernel,
    failure,
    kernel_errors,
    this_host,
    unavailable_reason,
    word_product,
)
from xiaoan.chatglm.quantization import QuantizedLinear, quantize_rows

MANY_ROWS = 32
"""Above so many vectors torch's int4 product is left, and the weight is dequantised."""

TRIED_ROWS = (1, 5, 20, MOST_ROWS, MOST_ROWS + 1)
"""Numbers of vectors of a trial: one for each kernel that an answer may need."""

Way = Literal["triton", "torch", "dequantise"]


class WordLinear(PackedLinear):
    """A quantised layer as words for the Triton kernels.

    Args:
        linear: a layer in the published layout whose columns fill whole words.
    """

    def __init__(self, linear: QuantizedLinear) -> None:
        super().__init__(self._multiply, bits=linear.bits, weight_bytes=linear.weight.nbytes)
        self._words = pack_words(linear.weight.detach(), linear.bits)
        self._scale = linear.weight_scale.detach().contiguous()
        self._bias = None if linear.bias is None else linear.bias.detach().contiguous()

    def with_gelu(self, x: Tensor) -> Tensor:
        """Return the layer's output through the tanh-GELU, in the product's own kernel where there are few vectors."""
        if self._are_few(x):
            return word_product(x, self._words, self._scale, self._bias, self.bits, gelu=True)
        return F.gelu(self(x), approximate="tanh")

    def _are_few(self, x: Tensor) -> bool:
        return x.numel() <= MOST_ROWS * x.shape[-1]

    def _multiply(self, x: Tensor) -> Tensor:
        if self._are_few(x):
            return word_product(x, self._words, self._scale, self._bias, self.bits)
        weight = dequantised_by_kernel(self._words, self._scale, self.bits, x.dtype)
        return F.linear(x, weight, None if self._bias is None else self._bias.to(x.dtype))


class TorchInt4Linear(PackedLinear):
    """A quantised layer for torch's own int4 product.

    Args:
        linear: of 4 bits, with sizes that `torch_int4.misfit` finds nothing against.
        operators: torch's own, or a test's.
    """

    def __init__(self, linear: QuantizedLinear, operators: Int4Operators) -> None:
        super().__init__(self._multiply, bits=linear.bits, weight_bytes=linear.weight.nbytes)
        self._words = TorchInt4Product(linear.weight.detach(), linear.weight_scale, operators)
        self._bias = None if linear.bias is None else linear.bias.detach()

    def _multiply(self, x: Tensor) -> Tensor:
        if len(x) > MANY_ROWS:
            bias = None if self._bias is None else self._bias.to(x.dtype)
            return F.linear(x, self._words.weight(x.dtype), bias)
        made = self._words.few(x)
        return made if self._bias is None else made.add_(self._bias)


@dataclass(frozen=True)
class CudaWays:
    """What can be had on one device; `ways_for` finds out, tests make their own.

    Attributes:
        triton_fault: bits → why the Triton kernels cannot be used, "" where they can.
        torch_fault: the same for torch's product with 4 bits.
        operators: of torch's product.
    """

    triton_fault: Callable[[int], str]
    torch_fault: Callable[[], str]
    operators: Int4Operators


def ways_for(device: torch.device, dtype: torch.dtype, host: KernelHost | None = None) -> CudaWays:
    """Return what can be had for activations of `dtype` on `device`; a way is tried once, when it is asked for."""
    found = this_host(device) if host is None else host
    tried: dict[int, str] = {}

    def triton_fault(bits: int) -> str:
        if bits not in tried:
            tried[bits] = unavailable_reason(found) or trial_fault(WordLinear, bits, device, dtype)
        return tried[bits]

    def torch_fault() -> str:
        if 0 not in tried:
            tried[0] = _torch_reason(found) or trial_fault(
                lambda linear: TorchInt4Linear(linear, torch_operators()), 4, device, dtype
            )
        return tried[0]

    return CudaWays(triton_fault, torch_fault, torch_operators())


def _torch_reason(host: KernelHost) -> str:
    if host.capability is None or not host.nvidia or host.capability < torch_int4.OLDEST_CAPABILITY:
        return "PyTorch 自带的 int4 乘法要计算能力 8.0 以上的 NVIDIA 显卡"
    return ""


def trial_fault(
    make: Callable[[QuantizedLinear], nn.Module], bits: int, device: torch.device, dtype: torch.dtype
) -> str:
    """Multiply a small layer in a way and compare; return what is wrong, as a person may read it, or "".

    One vector, a few in blocks of every size, and so many that the weight is dequantised.
    """
    columns = 32 * fields(bits)
    generator = torch.Generator().manual_seed(0)
    stored, scale = quantize_rows(torch.randn(48, columns, generator=generator), bits)
    linear = QuantizedLinear(columns, 48, bits, device=device, dtype=dtype)
    with torch.no_grad():
        linear.weight.copy_(stored)
        linear.weight_scale.copy_(scale)
        assert linear.bias is not None
        linear.bias.copy_(torch.randn(48, generator=generator))
        x = torch.randn(max(TRIED_ROWS), columns, generator=generator).to(device, dtype)
        expected = linear.double()(x.double())
        try:
            made = make(linear.to(dtype))
            worst = max(_worst(made(x[:rows]), expected[:rows]) for rows in TRIED_ROWS)
        except kernel_errors() as error:
            return failure(error)
    room = 0.02 if dtype.itemsize == 2 or bits == 4 else 1e-5
    return "" if worst <= room else WRONG


def _worst(found: Tensor, expected: Tensor) -> float:
    """The largest difference as a share of the largest value; infinite where something is not a number."""
    share = float((found.double() - expected).abs().max() / expected.abs().max())
    return share if share == share else float("inf")


def way_for(linear: QuantizedLinear, ways: CudaWays) -> tuple[Way, str]:
    """Return how a layer is multiplied, and why not in a better way ("" for the best)."""
    fault = ways.triton_fault(linear.bits)
    if not fault and not fits(linear.in_features, linear.bits):
        fault = f"列数要是 {fields(linear.bits)} 的倍数，有一层是 {linear.in_features} 列"
    if not fault:
        return "triton", ""
    if linear.bits != 4:
        return "dequantise", fault
    second = torch_int4.misfit(linear.out_features, linear.in_features) or ways.torch_fault()
    return ("dequantise", f"{fault}；{second}") if second else ("torch", fault)


@torch.no_grad()
def pack_cuda_(model: nn.Module, ways: CudaWays) -> tuple[str, ...]:
    """Replace the quantised layers of a model on a GPU, one after the other; return what a person should read about it.

    What is replaced cannot be saved or trained any more.
    """
    said: dict[str, None] = {}
    # Places, not layers: a list of those would keep every weight in memory until the last one is packed.
    for parent, name in [(parent, name) for parent, name, _ in quantised_layers(model)]:
        linear = cast(QuantizedLinear, getattr(parent, name))
        way, fault = way_for(linear, ways)
        if way == "triton":
            setattr(parent, name, WordLinear(linear).train(linear.training))
        elif way == "torch":
            setattr(parent, name, TorchInt4Linear(linear, ways.operators).train(linear.training))
        if fault:
            said[_told(way, linear.bits, fault)] = None
    return tuple(said)


def _told(way: Way, bits: int, fault: str) -> str:
    if way == "torch":
        return f"int{bits} 没有用上最快的乘法（{fault}），改用 PyTorch 自带的：会慢一些，舍入按 bfloat16。"
    return f"int{bits} 在这里比半精度慢：{fault}。答案不受影响；显存够的话请改用 --dtype float16。"
