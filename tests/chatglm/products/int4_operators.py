"""torch's int4 product on a GPU, written out slowly from what its source says; for tests without a GPU."""

import itertools

import torch
from torch import Tensor

from xiaoan.chatglm.products.torch_int4 import Int4Operators


def pack(stored: Tensor, tiles: int) -> Tensor:
    """uint8 `[out, in / 2]` → int32 `[out / 8, in / (16 tiles), 32, tiles / 2]`."""
    assert stored.dtype == torch.uint8
    assert stored.is_contiguous()
    rows, half = stored.shape
    values = stored.tolist()
    made = torch.zeros(rows // 8, 2 * half // (16 * tiles), 32, tiles // 2, dtype=torch.int64)
    for row_tile, outer, lane, inner in itertools.product(*(range(n) for n in made.shape)):
        first = (outer * tiles + 2 * inner) * 8 + lane % 4
        found = [values[8 * row_tile + lane // 4][first + step] for step in (0, 4, 8, 12)]
        high, low = [byte >> 4 for byte in found], [byte & 15 for byte in found]
        made[row_tile, outer, lane, inner] = sum(n << (4 * i) for i, n in enumerate((*high, *low)))
    return torch.where(made >= 2**31, made - 2**32, made).to(torch.int32)


def numbers(packed: Tensor) -> Tensor:
    """int32 as above → 0…15 int64 `[out, in]`."""
    row_tiles, outers, _, inners = packed.shape
    made = [[0] * (32 * outers * inners) for _ in range(8 * row_tiles)]
    words = iter(packed.flatten().tolist())
    for row_tile, outer, lane, inner in itertools.product(*(range(n) for n in packed.shape)):
        word, row = next(words), made[8 * row_tile + lane // 4]
        for i in range(8):
            byte = (outer * inners + inner) * 16 + lane % 4 + 4 * (i % 4)
            row[2 * byte + i // 4] = (word >> (4 * i)) & 15
    return torch.tensor(made)


def multiply(x: Tensor, packed: Tensor, group: int, scales_and_zeros: Tensor) -> Tensor:
    """x bfloat16 `[rows, in]` → bfloat16 `[rows, out]`."""
    assert x.dtype == scales_and_zeros.dtype == torch.bfloat16
    assert x.is_contiguous()
    scale, zero = (part.repeat_interleave(group, dim=0).T.double() for part in scales_and_zeros.unbind(-1))
    weight = (numbers(packed) - 8) * scale + zero
    return (x.double() @ weight.T).to(torch.bfloat16)


WRITTEN_OUT = Int4Operators(pack, multiply)
