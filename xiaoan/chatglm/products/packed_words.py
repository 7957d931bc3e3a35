"""Quantised weights in the order in which a GPU reads them: 32-bit words whose numbers lie far apart in a row.

The published layout puts neighbouring columns side by side. The kernels want neighbouring *threads* to meet neighbouring
columns instead: field `c` of word `j` holds column `c * words + j`, so the words of a row and the inputs they are
multiplied with are both read in order, and no number changes place inside a kernel. Numbers are stored half a range
too large, so that none is negative. Packing is undone exactly, and scales stay as published.
"""

import torch
from torch import Tensor

from xiaoan.chatglm.quantization import SCALE_DTYPE, unpack_int4

WORD_BITS = 32


def fields(bits: int) -> int:
    """Return how many numbers of `bits` bits share a word: 4 or 8."""
    return WORD_BITS // bits


def half_range(bits: int) -> int:
    """Return how much larger a number is stored than it is: 128 or 8."""
    return 1 << (bits - 1)


def fits(columns: int, bits: int) -> bool:
    """Return whether rows of `columns` numbers are whole words."""
    return columns % fields(bits) == 0


def pack_words(weight: Tensor, bits: int) -> Tensor:
    """Return a published weight, int8 `[out, in]` or `[out, in / 2]`, as words int32 `[out, in * bits / 32]`.

    Raises:
        ValueError: the columns do not fill whole words; see `fits`.
    """
    numbers = unpack_int4(weight) if bits == 4 else weight
    if not fits(numbers.shape[1], bits):
        raise ValueError(f"{numbers.shape[1]} columns of {bits} bits are no whole words")
    width = numbers.shape[1] // fields(bits)
    words = torch.zeros(numbers.shape[0], width, dtype=torch.int32, device=numbers.device)
    for field in range(fields(bits)):
        part = numbers[:, field * width : (field + 1) * width].to(torch.int32)
        words |= (part + half_range(bits)) << (bits * field)
    return words


def unpack_words(words: Tensor, bits: int) -> Tensor:
    """Return the numbers int8 `[out, in]` of words `[out, in * bits / 32]`; undoes `pack_words`."""
    width = words.shape[1]
    numbers = torch.empty(words.shape[0], width * fields(bits), dtype=torch.int8, device=words.device)
    for field in range(fields(bits)):
        part = (words >> (bits * field)) & (2**bits - 1)
        numbers[:, field * width : (field + 1) * width] = part - half_range(bits)
    return numbers


def dequantized_words(words: Tensor, scale: Tensor, bits: int, dtype: torch.dtype) -> Tensor:
    """Return the weight `[out, in]` that `words` and `scale` `[out]` stand for, rounded once to `dtype`."""
    if scale.dtype != SCALE_DTYPE:
        raise ValueError(f"scales are {SCALE_DTYPE}, not {scale.dtype}")
    numbers = unpack_words(words, bits)
    made = torch.empty(numbers.shape, dtype=dtype, device=words.device)
    return torch.mul(numbers, scale.to(torch.promote_types(dtype, torch.float32))[:, None], out=made)
