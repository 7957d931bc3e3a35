"""x · Wᵀ with W in int4 by torch's own packed product on a GPU: for machines without Triton.

`_weight_int4pack_mm` takes bfloat16, a GPU of capability 8.0, and a scale and a zero point for every group of columns.
A row's only scale would have to be rounded to bfloat16 there, so the groups get 1 and 0, which is exact, and the sums
are multiplied by the row's own scale afterwards. torch has a product of the same kind for int8, but there one thread
walks through a whole row, which no memory likes, so it is not used. Layout, limits and that: read in torch 2.13's
`native/cuda/int4mm.cu` and `int8mm.cu`; not yet measured on a GPU.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

OLDEST_CAPABILITY = (8, 0)
INNER_TILES = (8, 4, 2)
"""Tiles of 16 columns that torch packs together; the more the better."""
GROUPS = (256, 128, 64, 32)
"""Columns of a group that torch knows; the fewer groups the better."""
ROWS_MULTIPLE = 8
NIBBLE_SIGNS = -0x78  # 0x88 as int8
"""Turns -8…7 in both halves of a byte into 0…15."""


@dataclass(frozen=True)
class Int4Operators:
    """torch's two operators; tests hand in their own.

    Attributes:
        pack: (uint8 `[out, in / 2]`, the even column high, numbers 0…15; inner tiles) → int32
            `[out / 8, in / (16 tiles), 32, tiles / 2]`.
        multiply: (bfloat16 `[rows, in]`, packed, columns of a group, bfloat16 `[groups, out, 2]`) → bfloat16
            `[rows, out]`; a stored 0…15 stands for (number - 8) * scale + zero point.
    """

    pack: Callable[[Tensor, int], Tensor]
    multiply: Callable[[Tensor, Tensor, int, Tensor], Tensor]


def torch_operators() -> Int4Operators:
    """Return torch's own."""
    aten = torch.ops.aten
    return Int4Operators(aten._convert_weight_to_int4pack, aten._weight_int4pack_mm)


def misfit(rows: int, columns: int) -> str:
    """Return why torch cannot pack a weight `[rows, columns]`, as a person may read it; "" where it can."""
    if rows % ROWS_MULTIPLE or columns % GROUPS[-1]:
        return f"权重的行数要是 {ROWS_MULTIPLE} 的倍数、列数要是 {GROUPS[-1]} 的倍数，有一层是 {rows} × {columns}"
    return ""


class TorchInt4Product:
    """The product with one weight.

    Args:
        weight: two numbers to a byte, int8 `[out, in / 2]`, as published (`quantization.pack_int4`).
        scale: float16 `[out]`.
        operators: torch's own, or a test's.
    """

    def __init__(self, weight: Tensor, scale: Tensor, operators: Int4Operators) -> None:
        rows, columns = weight.shape[0], 2 * weight.shape[1]
        tiles = next(tiles for tiles in INNER_TILES if columns % (16 * tiles) == 0)
        self._group = next(group for group in GROUPS if columns % group == 0)
        self._operators = operators
        unsigned = (weight ^ NIBBLE_SIGNS).contiguous().view(torch.uint8)
        self._packed = operators.pack(unsigned, tiles)
        neutral = torch.tensor([1.0, 0.0], dtype=torch.bfloat16, device=weight.device)
        self._neutral = neutral.repeat(columns // self._group, rows, 1)
        self._scale = scale.detach().float()

    def few(self, x: Tensor) -> Tensor:
        """Return float32 `[rows, out]` for `x` `[rows, in]`, which is rounded to bfloat16 on its way."""
        rounded = x.to(torch.bfloat16).contiguous()
        sums = self._operators.multiply(rounded, self._packed, self._group, self._neutral)
        return sums.float() * self._scale

    def weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weight `[out, in]` that is multiplied with, rounded once to `dtype`."""
        return (unpacked(self._packed).float() * self._scale[:, None]).to(dtype)


def unpacked(packed: Tensor) -> Tensor:
    """Return the numbers int8 `[out, in]`, from -8 to 7, of what torch packed; it has no function for it.

    A lane of 32 holds, of row `lane / 4`, every fourth byte from `lane % 4` on: an int32 has the high halves of four such
    bytes in its lower half, and their low halves in its upper one.
    """
    row_tiles, outer, lanes, inner = packed.shape
    fields = torch.stack([((packed >> (4 * i)) & 15).to(torch.int8) for i in range(8)], dim=-1)
    parts = fields.view(row_tiles, outer, lanes // 4, 4, inner, 2, 4)
    # row tile, row, outer tile, inner pair, byte of four, lane of four, half of the byte
    ordered = parts.permute(0, 2, 1, 4, 6, 3, 5)
    return ordered.reshape(row_tiles * 8, -1) - 8
