"""A quantised model packed for answering: the same answers, and what cannot be packed stays right."""

import copy

import pytest
import torch

from tests.tiny_models import prompt, tiny_config, tiny_model
from xiaoan.chatglm.generation import stream_token_ids
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.products.int4_groups import int4_fault
from xiaoan.chatglm.products.int8_planes import int8_fault
from xiaoan.chatglm.products.packed_linear import PackedLinear, is_packed, pack_, packed
from xiaoan.chatglm.quantization import QuantizedLinear, precision_name, quantize_

BITS = [
    pytest.param(8, marks=pytest.mark.skipif(bool(int8_fault()), reason=f"int8: {int8_fault()}")),
    pytest.param(4, marks=pytest.mark.skipif(bool(int4_fault()), reason=f"int4: {int4_fault()}")),
]


def quantised(bits: int, hidden: int = 64) -> ChatGLMForConditionalGeneration:
    config = tiny_config(pre_seq_len=3, attention="sdpa")
    config.hidden_size, config.inner_hidden_size = hidden, 2 * hidden
    model = tiny_model(config, dtype=torch.float32)
    quantize_(model, bits)
    return model


@pytest.mark.parametrize("bits", BITS)
def test_logits_and_greedy_tokens_are_those_of_the_stored_weights(bits: int) -> None:
    plain = quantised(bits)
    fast = copy.deepcopy(plain)
    assert pack_(fast) == ()
    assert is_packed(fast)
    assert precision_name(fast) == precision_name(plain) == f"int{bits}"
    ids = prompt(9)
    with torch.inference_mode():
        expected, found = plain(ids).logits, fast(ids).logits
    room = (1e-3 if bits == 8 else 0.03) * float(expected.abs().max())
    assert float((found - expected).abs().max()) <= room
    if bits == 8:
        assert list(stream_token_ids(fast, ids, max_length=30)) == list(
            stream_token_ids(plain, ids, max_length=30)
        )


@pytest.mark.parametrize("bits", BITS)
def test_a_packed_model_holds_each_weight_once(bits: int) -> None:
    model = quantised(bits)
    pack_(model)
    assert not any(isinstance(module, QuantizedLinear) for module in model.modules())
    assert sum(isinstance(module, PackedLinear) for module in model.modules()) == 4 * len(
        model.transformer.layers
    )


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_rows_that_lie_apart_are_taken(bits: int, dtype: torch.dtype) -> None:
    layer = QuantizedLinear.of(torch.nn.Linear(64, 48), bits)
    x = torch.randn(3, 5, 64).to(dtype)
    expected = layer(x[:, -1:].float())
    found = packed(layer)(x[:, -1:])
    assert found.dtype == dtype
    assert float((found.float() - expected).abs().max()) <= 0.02 * float(expected.abs().max())


def test_packing_leaves_alone_what_is_not_quantised() -> None:
    model = tiny_model(dtype=torch.float32)
    assert pack_(model) == ()
    assert not is_packed(model)


@pytest.mark.skipif(bool(int4_fault()), reason="int4 cannot be packed at all")
def test_a_layer_that_does_not_fit_stays_and_is_told_once() -> None:
    model = quantised(4, hidden=16)
    (told,) = pack_(model)
    assert "int4" in told
    assert "答案不受影响" in told
    assert any(isinstance(module, QuantizedLinear) for module in model.modules())
