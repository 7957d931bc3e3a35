"""x · Wᵀ with W in int4, on a CPU, by torch's own packed product.

That product takes bfloat16 activations and a scale for every group of columns; a row's only scale, as the published
layout has it, would have to be rounded to bfloat16 there. So the groups get 1 (and 0 for their zero point), which is
exact, and the sums are multiplied by the row's own scale afterwards.
"""

import functools

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.quantization import pack_int4, unpack_int4

FEW_ROWS = 128
"""torch's product takes as long again for each row of x; for more of them it is quicker to unpack the weight once."""
GROUPS = (256, 128, 64, 32)
"""Columns of a group that torch knows; the fewer groups the better."""
BLOCK = 64
"""Rows of W that torch packs together; missing ones are filled up with rows of zeros."""


class Int4Product:
    """The product with one weight, packed for this processor.

    Args:
        weight: two numbers to a byte, int8 `[out, in / 2]`, as published (`quantization.pack_int4`).
        scale: `[out]`, what the numbers of a row are multiplied by.
        bias: `[out]` or None, added to what comes out.
    """

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None = None) -> None:
        numbers = unpack_int4(weight).int().add_(8)
        columns = numbers.shape[1]
        if missing := -len(numbers) % BLOCK:
            numbers = F.pad(numbers, (0, 0, 0, missing))
        self._group = next(group for group in GROUPS if columns % group == 0)
        self._packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(numbers, 1)
        self._ones = _neutral_groups(columns // self._group, len(numbers))
        self._scale = scale.detach().float()
        self._bias = None if bias is None else bias.detach().float()

    def __call__(self, x: Tensor) -> Tensor:
        """Return float32 `[rows, out]` for `x` `[rows, in]` of any floating point, rounded to bfloat16 on its way."""
        rounded = x.to(torch.bfloat16)
        if len(x) > FEW_ROWS:
            sums = rounded @ unpacked(self._packed)
        else:
            sums = torch.ops.aten._weight_int4pack_mm_for_cpu(rounded, self._packed, self._group, self._ones)
        sums = sums[:, : len(self._scale)]
        if self._bias is None:
            return sums.float().mul_(self._scale)
        return torch.addcmul(self._bias, sums.float(), self._scale)


def unpacked(packed: Tensor) -> Tensor:
    """Return the numbers, bfloat16 `[in, out]`, of what torch packed; it has no function for it.

    Of 64 rows a column is 32 bytes, the first 32 rows in their low halves. `int4_fault` tries whether that still holds.
    """
    rows, half = packed.shape
    blocks = packed.view(rows // BLOCK, 2 * half, BLOCK // 2).transpose(0, 1)
    numbers = torch.empty(2 * half, rows // BLOCK, BLOCK, dtype=torch.bfloat16)
    numbers[..., : BLOCK // 2] = blocks & 15
    numbers[..., BLOCK // 2 :] = blocks >> 4
    return numbers.sub_(8).view(2 * half, rows)


@functools.cache
def _neutral_groups(groups: int, rows: int) -> Tensor:
    """Scale 1 and zero point 0, bfloat16 `[groups, rows, 2]`; the same for all weights of a shape."""
    neutral = torch.zeros(groups, rows, 2, dtype=torch.bfloat16)
    neutral[..., 0] = 1
    return neutral


def int4_misfit(columns: int) -> str:
    """Return why a weight of so many columns cannot be packed, as a person may read it; "" where it can."""
    return f"列数要是 {GROUPS[-1]} 的倍数，有一层是 {columns} 列" if columns % GROUPS[-1] else ""


@functools.cache
def int4_fault() -> str:
    """Return why this processor or this torch cannot do it, as a person may read it; "" where it can."""
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randint(-7, 8, (2 * BLOCK - 4, 64), generator=generator).to(torch.int8)
    scale = torch.rand(2 * BLOCK - 4, generator=generator)
    x = torch.randn(FEW_ROWS + 1, 64, generator=generator)
    try:
        product = Int4Product(pack_int4(numbers), scale)
        few, many = product(x[:1]), product(x)
    except (RuntimeError, AttributeError, TypeError) as error:
        return f"PyTorch {torch.__version__} 的 int4 乘法用不了（{type(error).__name__}）"
    expected = x @ (numbers.float() * scale[:, None]).T
    room = 0.02 * float(expected.abs().max())
    agrees = torch.allclose(few, expected[:1], rtol=0, atol=room) and torch.allclose(
        many, expected, rtol=0, atol=room
    )
    return "" if agrees else f"PyTorch {torch.__version__} 的 int4 乘法结果不对"
