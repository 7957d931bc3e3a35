"""Weight-only int8 and int4 for the four linear layers of each block, in the published layout; if asked for, the head too.

A row of a weight is stored as whole numbers and one scale: symmetric, scale = absmax / (2^(bits-1) - 1), rounded to
float16 before the division (behaviour of the published ChatGLM-6B `quantization.py`). Two int4 numbers share a byte,
the even column in the high half. Activations stay in their own precision; the weight is dequantised for each product.
"""

from collections.abc import Callable
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.errors import CheckpointError

QUANTIZED_BITS = {"int8": 8, "int4": 4, "int8+head": 8, "int4+head": 4}
"""Name of a quantised precision → bits of a stored number."""

WITH_HEAD = "+head"
"""Ending of a precision in which the head is quantised too; an option of ours, no published checkpoint has it."""

BLOCK_LINEARS = (
    ("attention", "query_key_value"),
    ("attention", "dense"),
    ("mlp", "dense_h_to_4h"),
    ("mlp", "dense_4h_to_h"),
)
"""What is quantised: (module of a block, linear layer in it)."""

SCALE_DTYPE = torch.float16


def quantize_rows(weight: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Return `weight` `[out, in]` as stored numbers (int8 `[out, in]`, or `[out, in / 2]` for 4 bits) and scales `[out]`.

    Computed in the weight's own precision, as published. A row of zeros gets scale 0; a row so small that its scale
    would vanish in float16 becomes zeros.

    Raises:
        CheckpointError: 4 bits and an odd number of columns, or values that are not finite.
    """
    check_columns(weight.shape[1], bits)
    largest = 2 ** (bits - 1) - 1
    scale = (weight.abs().amax(dim=1) / largest).to(SCALE_DTYPE)
    if not bool(scale.isfinite().all()):
        raise CheckpointError(
            f"权重里有无穷大或不是数的值，不能量化成 int{bits}。\n请检查权重文件，必要时重新下载。"
        )
    # Where the scale is 0, all of the row is far below one half, and rounds to 0.
    divisor = torch.where(scale == 0, torch.ones_like(scale), scale)[:, None]
    numbers = (weight / divisor).round_().clamp_(-largest, largest).to(torch.int8)
    return (pack_int4(numbers) if bits == 4 else numbers), scale


def check_columns(columns: int, bits: int) -> None:
    """Refuse an odd number of columns where two of them share a byte.

    Raises:
        CheckpointError: it is odd and `bits` is 4.
    """
    if bits == 4 and columns % 2:
        raise CheckpointError(
            f"int4 把相邻两列合成一个字节，列数要是偶数，这个模型有一层是 {columns} 列。\n请改用 --dtype int8。"
        )


def pack_int4(numbers: Tensor) -> Tensor:
    """Return numbers from -8 to 7, int8 `[out, in]`, two to a byte: int8 `[out, in / 2]`, the even column high."""
    return (numbers[:, 0::2] << 4) | (numbers[:, 1::2] & 0x0F)


def unpack_int4(packed: Tensor) -> Tensor:
    """Return int8 `[out, 2 n]` with numbers from -8 to 7 of bytes `[out, n]`; undoes `pack_int4`."""
    # An arithmetic shift keeps the sign.
    return torch.stack((packed >> 4, (packed << 4) >> 4), dim=-1).flatten(-2)


def dequantized(weight: Tensor, scale: Tensor, bits: int, dtype: torch.dtype) -> Tensor:
    """Return the weight `[out, in]` that `weight` and `scale` stand for, rounded once to `dtype`."""
    numbers = unpack_int4(weight) if bits == 4 else weight
    working = torch.promote_types(dtype, torch.float32)
    product = torch.empty(numbers.shape, dtype=dtype, device=numbers.device)
    return torch.mul(numbers, scale.to(working)[:, None], out=product)


class QuantizedProduct(torch.autograd.Function):
    """x → x · dequantised weight + bias, with a gradient for x only.

    Nothing of floating point is kept for the way back: the weight is dequantised a second time.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None, bits: int) -> Tensor:
        """Return `[..., out]` in the precision of `x` `[..., in]`."""
        ctx.save_for_backward(weight, scale)
        ctx.bits = bits
        return F.linear(
            x, dequantized(weight, scale, bits, x.dtype), None if bias is None else bias.to(x.dtype)
        )

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None, None, None]:
        """Return the gradient for `x`, and none for the rest."""
        weight, scale = ctx.saved_tensors
        into_x = gradient @ dequantized(weight, scale, ctx.bits, gradient.dtype)
        return into_x, None, None, None, None


class QuantizedLinear(nn.Module):
    """A linear layer whose weight is stored in 8 or 4 bits; frozen.

    Parameters under the published names: `weight` int8 `[out, in]` or `[out, in / 2]`, `weight_scale` `[out]`, `bias`
    `[out]`. None of them ever gets a gradient; a trained prefix or adapter around them does.

    Raises:
        CheckpointError: 4 bits and an odd `in_features`.
    """

    bias: nn.Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bits: int,
        *,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_columns(in_features, bits)
        self.in_features = in_features
        self.out_features = out_features
        self.bits = bits
        stored_columns = in_features * bits // 8
        self.weight = _constant(torch.zeros(out_features, stored_columns, dtype=torch.int8, device=device))
        self.weight_scale = _constant(torch.zeros(out_features, dtype=SCALE_DTYPE, device=device))
        if bias:
            self.bias = _constant(torch.zeros(out_features, dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)

    @classmethod
    def of(cls, linear: nn.Linear, bits: int) -> "QuantizedLinear":
        """Return a quantised copy of `linear` on its device; of one without memory, a place for its weights."""
        weight, bias = linear.weight, linear.bias
        made = cls(
            linear.in_features,
            linear.out_features,
            bits,
            bias=bias is not None,
            device=weight.device,
            dtype=weight.dtype,
        )
        if not weight.is_meta:
            stored, scale = quantize_rows(weight.detach(), bits)
            made.weight, made.weight_scale = _constant(stored), _constant(scale)
            made.bias = None if bias is None else _constant(bias.detach().clone())
        return made.train(linear.training)

    def forward(self, x: Tensor) -> Tensor:
        """`[..., in]` → `[..., out]`, in the precision of `x`, or of autocast where that is on."""
        kind = x.device.type
        if x.dtype != torch.float64 and torch.is_autocast_enabled(kind):
            x = x.to(torch.get_autocast_dtype(kind))
        made = QuantizedProduct.apply(x, self.weight, self.weight_scale, self.bias, self.bits)  # type: ignore[no-untyped-call]
        return cast(Tensor, made)

    def dequantized_weight(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the weight `[out, in]` that is multiplied with, in `dtype`."""
        return dequantized(self.weight, self.weight_scale, self.bits, dtype)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move as asked, but leave the scales in their precision: in another one the weight would be another."""
        scale = self.weight_scale.detach()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.weight_scale.dtype != scale.dtype:
            self.weight_scale = _constant(scale.to(self.weight_scale.device))
        return self

    def extra_repr(self) -> str:
        """Sizes and bits, for the printed model."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bits={self.bits}"


def _constant(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor, requires_grad=False)


def quantize_(model: nn.Module, bits: int, *, head: bool = False) -> None:
    """Replace the four linear layers of each block of a ChatGLM model by quantised ones, one at a time.

    A model without memory gets layers without memory, ready for stored weights. `model.config` says afterwards what it
    is. A model that is quantised this way already stays as it is.

    Args:
        model: in floating point.
        bits: 8 or 4.
        head: quantise the head too. It gets a weight of its own; the embedding stays in floating point.

    Raises:
        CheckpointError: it is quantised with other bits, or its sizes do not allow `bits`.
        ValueError: `bits` is neither 8 nor 4.
    """
    if bits not in QUANTIZED_BITS.values():
        raise ValueError(f"bits must be 8 or 4, not {bits}")
    causal = cast(Any, model)
    places = [
        (getattr(block, part), name) for block in causal.transformer.layers for part, name in BLOCK_LINEARS
    ]
    if head:
        places.append((model, "lm_head"))
        causal.config.quantization_head = True
        causal.config.tie_word_embeddings = False
    for module, name in places:
        linear = getattr(module, name)
        if isinstance(linear, QuantizedLinear):
            _check_same_bits(linear.bits, bits)
        else:
            setattr(module, name, QuantizedLinear.of(linear, bits))
    causal.config.quantization_bit = bits


def _check_same_bits(found: int, wanted: int) -> None:
    if found != wanted:
        raise CheckpointError(
            f"这个模型已经量化成 int{found}，不能再变成 int{wanted}。\n请从没有量化的权重重新加载。"
        )


def precision_name(model: nn.Module) -> str:
    """Return the precision of a model's weights as a word: "float16", "bfloat16", "float32", or one of `QUANTIZED_BITS`."""
    causal = cast(Any, model)
    first = causal.transformer.layers[0].attention.query_key_value
    # Packed for answering a layer is of another class, and under an adapter it lies inside another one.
    bits = next((module.bits for module in first.modules() if hasattr(module, "bits")), 0)
    if not bits:
        return str(first.weight.dtype).removeprefix("torch.")
    return f"int{bits}" + (WITH_HEAD if causal.config.quantization_head else "")
