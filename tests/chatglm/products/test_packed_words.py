"""Quantised weights as words: nothing lost, and columns where the kernels look for them."""

import pytest
import torch
from safetensors.torch import load_file

from tests.recorded import QUANTIZED_FILE
from xiaoan.chatglm.products.packed_words import dequantized_words, fields, fits, pack_words, unpack_words
from xiaoan.chatglm.quantization import dequantized, pack_int4, quantize_rows

RECORDED = load_file(QUANTIZED_FILE)
WEIGHTS = [(weight, bits) for weight in ("w16", "w32") for bits in (8, 4)]


@pytest.mark.parametrize(("weight", "bits"), WEIGHTS)
def test_words_stand_for_the_published_weight(weight: str, bits: int) -> None:
    stored, scale = RECORDED[f"{weight}.int{bits}.weight"], RECORDED[f"{weight}.int{bits}.scale_fp16"]
    words = pack_words(stored, bits)
    assert (words.dtype, words.shape) == (torch.int32, (len(stored), stored.shape[1] // 4))
    assert torch.equal(unpack_words(words, bits), RECORDED[f"{weight}.int{bits}.unpacked"])
    made = dequantized_words(words, scale, bits, torch.float32)
    assert torch.equal(made, RECORDED[f"{weight}.int{bits}.dequant_fp32"])


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_weight_is_rounded_as_without_words(bits: int, dtype: torch.dtype) -> None:
    stored, scale = quantize_rows(torch.randn(5, 24, generator=torch.Generator().manual_seed(0)), bits)
    made = dequantized_words(pack_words(stored, bits), scale, bits, dtype)
    assert torch.equal(made, dequantized(stored, scale, bits, dtype))


@pytest.mark.parametrize("bits", [8, 4])
def test_every_number_of_the_range_is_kept(bits: int) -> None:
    half = 2 ** (bits - 1)
    numbers = torch.arange(-half, half).to(torch.int8).repeat(3, 2)
    stored = pack_int4(numbers) if bits == 4 else numbers
    assert torch.equal(unpack_words(pack_words(stored, bits), bits), numbers)


@pytest.mark.parametrize("bits", [8, 4])
def test_a_field_holds_neighbouring_columns_in_neighbouring_words(bits: int) -> None:
    width = 3
    numbers = torch.arange(width * fields(bits)).remainder(7).to(torch.int8)[None]
    stored = pack_int4(numbers) if bits == 4 else numbers
    words = pack_words(stored, bits)[0].tolist()
    for column, number in enumerate(numbers[0].tolist()):
        field, word = divmod(column, width)
        assert ((words[word] >> (bits * field)) & (2**bits - 1)) - 2 ** (bits - 1) == number


def test_columns_that_fill_no_whole_word_are_refused() -> None:
    assert fits(12, 8)
    assert not fits(12, 4)
    with pytest.raises(ValueError, match="12 columns of 4 bits"):
        pack_words(torch.zeros(2, 6, dtype=torch.int8), 4)
    with pytest.raises(ValueError, match=r"torch.float16, not torch.float32"):
        dequantized_words(torch.zeros(2, 3, dtype=torch.int32), torch.ones(2), 8, torch.float32)
