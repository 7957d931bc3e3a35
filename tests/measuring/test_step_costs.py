import pytest
import torch

from tests.measuring.small import CPU, small_shape
from xiaoan.chatglm.checkpoint import parameter_bytes
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.quantization import quantize_
from xiaoan.measuring.shapes import six_billion_shape
from xiaoan.measuring.step_costs import decode_operations, prefill_operations, read_bytes, weight_bytes
from xiaoan.measuring.subjects import RandomSubject
from xiaoan.measuring.variants import variant_named

HEAD = 96 * 32
CACHE = 2 * 2 * 32
"""Numbers of keys and values in one row of all layers."""


@pytest.mark.parametrize(("precision", "bytes_a_weight"), [("float32", 4), ("bfloat16", 2)])
def test_a_step_reads_every_parameter_but_the_norms(precision: str, bytes_a_weight: int) -> None:
    model = RandomSubject(small_shape(), CPU).ready(variant_named(precision, torch.float32)).model
    stored = sum(p.nbytes for name, p in model.named_parameters() if "layernorm" not in name)
    assert read_bytes(small_shape(), precision, floating_bytes=bytes_a_weight, keys=0) == stored


def test_quantised_blocks_are_read_with_their_scales() -> None:
    weights, outputs = 2 * (4 * 32 * 32 + 2 * 32 * 64), 2 * (5 * 32 + 64)
    rest = 4 * outputs + 2 * outputs + 4 * HEAD
    assert read_bytes(small_shape(), "int8", floating_bytes=4, keys=0) == weights + rest
    assert read_bytes(small_shape(), "int4", floating_bytes=4, keys=0) == weights // 2 + rest


@pytest.mark.parametrize("precision", ["float16", "int8", "int4", "int8+head", "int4+head"])
def test_a_models_weights_are_counted_as_loading_counts_them(precision: str) -> None:
    with torch.device("meta"):
        model = ChatGLMForConditionalGeneration(small_shape())
    variant = variant_named(precision, torch.float16)
    if variant.bits:
        quantize_(model, variant.bits, head=bool(variant.head_bits))
    counted = weight_bytes(small_shape(), variant.precision, floating_bytes=2, head_bits=variant.head_bits)
    assert counted == parameter_bytes(model, torch.float16)


def test_the_published_model_takes_what_is_known_of_it() -> None:
    assert weight_bytes(six_billion_shape(), "float16", floating_bytes=2) == pytest.approx(12.35e9, rel=0.01)
    assert weight_bytes(six_billion_shape(), "int4", floating_bytes=2) < 4 * 10**9


def test_keys_and_values_are_read_for_every_row_and_weights_once() -> None:
    alone = read_bytes(small_shape(), "float32", floating_bytes=4, keys=10)
    together = read_bytes(small_shape(), "float32", floating_bytes=4, keys=10, batch=3)
    assert together - alone == 2 * 10 * CACHE * 4


def test_a_quantised_head_is_read_in_its_bits() -> None:
    floating = read_bytes(small_shape(), "int8", floating_bytes=2, keys=0)
    quantised = read_bytes(small_shape(), "int8", floating_bytes=2, keys=0, head_bits=8)
    assert floating - quantised == 2 * HEAD - (HEAD + 2 * 96)


def test_operations_count_products_attention_and_one_row_of_the_head() -> None:
    products = 2 * 2 * (4 * 32 * 32 + 2 * 32 * 64)
    assert decode_operations(small_shape(), keys=10) == products + 4 * 2 * 32 * 10 + 2 * HEAD
    assert prefill_operations(small_shape(), length=7, keys=7, batch=2) == 2 * (
        7 * products + 4 * 2 * 32 * 7 * 7 + 2 * HEAD
    )
