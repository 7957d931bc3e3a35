"""Quantised layers of a model that answers, packed for the processor it answers on.

The published layout is what is stored, trained on and moved about; a packed weight only multiplies, several times as
fast, and takes as much memory. A packed model cannot be saved or trained.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn

from xiaoan.chatglm.products.int4_groups import Int4Product, int4_fault, int4_misfit
from xiaoan.chatglm.products.int8_planes import MOST_COLUMNS, Int8Product, int8_fault
from xiaoan.chatglm.quantization import QuantizedLinear

Product = Callable[[Tensor], Tensor]
"""`[rows, in]` of any floating point → float32 `[rows, out]`."""


class PackedLinear(nn.Module):
    """A linear layer whose weight only its product knows; in and out as `QuantizedLinear`.

    Args:
        product: with the weight, bias added.
        bits: of a stored number.
        weight_bytes: that a product reads.
    """

    def __init__(self, product: Product, *, bits: int, weight_bytes: int) -> None:
        super().__init__()
        self.bits = bits
        self.weight_bytes = weight_bytes
        self._product = product

    def forward(self, x: Tensor) -> Tensor:
        """`[..., in]` → `[..., out]`, in the precision of `x`."""
        # Rows that lie apart, as the last ones of several prompts do, are not what every product takes.
        made = self._product(x.reshape(-1, x.shape[-1]).contiguous())
        return made.to(x.dtype).view(*x.shape[:-1], -1)


def packing_fault(linear: QuantizedLinear) -> str:
    """Return why a layer cannot be packed here, as a person may read it; "" where it can."""
    if linear.weight.device.type != "cpu":
        return "不在处理器上"
    if linear.bits == 4:
        return int4_misfit(linear.in_features) or int4_fault()
    if linear.in_features > MOST_COLUMNS:
        return f"有一层是 {linear.in_features} 列，最多 {MOST_COLUMNS} 列"
    return int8_fault()


def packed(linear: QuantizedLinear) -> PackedLinear:
    """Return the layer for answering; `packing_fault` says whether there is one."""
    kind = Int4Product if linear.bits == 4 else Int8Product
    product: Product = kind(linear.weight, linear.weight_scale, linear.bias)
    return PackedLinear(product, bits=linear.bits, weight_bytes=linear.weight.nbytes)


@torch.no_grad()
def pack_(model: nn.Module) -> tuple[str, ...]:
    """Pack the quantised layers of a model on a CPU, one after the other; return what a person should read about it.

    What cannot be packed stays as it is: right, and slower than half precision.
    """
    faults: dict[int, str] = {}  # of layers with so many bits, the first
    # Places, not layers: a list of those would keep every weight in memory until the last one is packed.
    for parent, name in [(parent, name) for parent, name, _ in quantised_layers(model)]:
        linear = cast(QuantizedLinear, getattr(parent, name))
        if linear.weight.device.type != "cpu":
            continue
        fault = packing_fault(linear)
        if fault:
            faults.setdefault(linear.bits, fault)
        else:
            setattr(parent, name, packed(linear).train(linear.training))
    return tuple(
        f"int{bits} 在这里比半精度慢：{fault}。答案不受影响；想快一些请改用 --dtype bfloat16。"
        for bits, fault in faults.items()
    )


def quantised_layers(model: nn.Module) -> Iterator[tuple[nn.Module, str, QuantizedLinear]]:
    """Yield the quantised layers in the published layout: (module that has it, its name there, layer)."""
    for parent in model.modules():
        for name, child in parent.named_children():
            if isinstance(child, QuantizedLinear):
                yield parent, name, child


def bytes_read(model: nn.Module) -> int:
    """Return how many bytes of weights one token reads, an embedding that is no head included."""
    packed_bytes = sum(module.weight_bytes for module in model.modules() if isinstance(module, PackedLinear))
    return packed_bytes + sum(parameter.nbytes for parameter in model.parameters())


def is_packed(model: nn.Module) -> bool:
    """Return whether a model has packed layers, so that its weights cannot be read any more."""
    return any(isinstance(module, PackedLinear) for module in cast(Any, model).modules())
