"""int8 and int4 of the block's linear layers: the published numbers, the same product, a gradient for the input."""

import copy

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from tests.recorded import QUANTIZED_FILE
from tests.tiny_models import prompt, tiny_config, tiny_model
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.quantization import (
    BLOCK_LINEARS,
    QuantizedLinear,
    dequantized,
    pack_int4,
    precision_name,
    quantize_,
    quantize_rows,
    unpack_int4,
)
from xiaoan.errors import CheckpointError

RECORDED = load_file(QUANTIZED_FILE)
CASES = [(weight, bits) for weight in ("w16", "w32") for bits in (8, 4)]


def linear(weight: Tensor, dtype: torch.dtype = torch.float32) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0], dtype=dtype)
    nn.init.zeros_(made.bias)
    made.weight = nn.Parameter(weight.to(dtype))
    return made


def dequantised_copy(model: ChatGLMForConditionalGeneration) -> ChatGLMForConditionalGeneration:
    """The same model with plain linear layers that hold what the quantised ones multiply with."""
    made = copy.deepcopy(model)
    for block in made.transformer.layers:
        for part, name in BLOCK_LINEARS:
            quantised = getattr(getattr(block, part), name)
            assert isinstance(quantised, QuantizedLinear)
            plain = linear(quantised.dequantized_weight(model.dtype), model.dtype)
            assert quantised.bias is not None
            plain.bias = nn.Parameter(quantised.bias.detach().clone())
            setattr(getattr(block, part), name, plain)
    return made


def quantised_model(bits: int, *, attention: str = "eager") -> ChatGLMForConditionalGeneration:
    """A tiny quantised float32 model with a prefix that alone is trained."""
    model = tiny_model(tiny_config(pre_seq_len=3, attention=attention), dtype=torch.float32)
    quantize_(model, bits)
    return only_prefix_learns(model)


def first_layer(model: ChatGLMForConditionalGeneration) -> QuantizedLinear:
    found = model.get_submodule("transformer.layers.0.mlp.dense_h_to_4h")
    assert isinstance(found, QuantizedLinear)
    return found


def only_prefix_learns(model: ChatGLMForConditionalGeneration) -> ChatGLMForConditionalGeneration:
    model.requires_grad_(False)
    assert model.transformer.prefix_encoder is not None
    model.transformer.prefix_encoder.requires_grad_(True)
    model.transformer.prefix_encoder.dropout.p = 0.0
    return model


def answered() -> tuple[Tensor, Tensor]:
    """Ids and labels of one prompt with five tokens of answer."""
    ids = torch.cat((prompt(7), torch.tensor([[11, 12, 13, 14, 95]])), dim=1)
    labels = ids.clone()
    labels[:, :7] = -100
    return ids, labels


def prefix_gradient(model: ChatGLMForConditionalGeneration) -> Tensor:
    ids, labels = answered()
    model.zero_grad()
    model(ids, labels=labels, use_cache=False).loss.backward()
    assert model.transformer.prefix_encoder is not None
    gradient = model.transformer.prefix_encoder.embedding.weight.grad
    assert gradient is not None
    return gradient


@pytest.mark.parametrize(("weight", "bits"), CASES)
def test_numbers_bytes_and_scales_are_the_published_ones(weight: str, bits: int) -> None:
    stored, scale = quantize_rows(RECORDED[f"{weight}.weight"], bits)
    expected = {name: RECORDED[f"{weight}.int{bits}.{name}"] for name in ("weight", "unpacked", "scale_fp16")}
    assert torch.equal(stored, expected["weight"])
    assert torch.equal(unpack_int4(stored) if bits == 4 else stored, expected["unpacked"])
    assert torch.equal(scale, expected["scale_fp16"])
    made = dequantized(stored, scale, bits, torch.float32)
    assert torch.equal(made, RECORDED[f"{weight}.int{bits}.dequant_fp32"])


@pytest.mark.parametrize(("weight", "bits"), CASES)
def test_the_product_is_the_published_one(weight: str, bits: int) -> None:
    layer = QuantizedLinear.of(linear(RECORDED[f"{weight}.weight"], RECORDED[f"{weight}.weight"].dtype), bits)
    x, y = (RECORDED[f"{weight}.int{bits}.{name}"] for name in ("x", "y_fp32"))
    torch.testing.assert_close(layer(x), y, atol=1e-6, rtol=0)
    assert layer(x.bfloat16()).dtype == torch.bfloat16
    torch.testing.assert_close(layer(x.bfloat16()).float(), y, atol=0.03, rtol=0.02)


def test_every_byte_holds_the_even_column_in_its_high_half() -> None:
    bytes_, values = RECORDED["int4_byte_table.bytes"], RECORDED["int4_byte_table.values_high_low"]
    assert torch.equal(unpack_int4(bytes_.reshape(-1, 1)).float(), values)
    assert torch.equal(pack_int4(values.to(torch.int8)), bytes_.reshape(-1, 1))


def test_parameters_have_the_published_names_and_stay_frozen() -> None:
    layer = QuantizedLinear.of(nn.Linear(6, 4), 4)
    shapes = {name: (tuple(value.shape), value.dtype) for name, value in layer.state_dict().items()}
    assert shapes == {
        "weight": ((4, 3), torch.int8),
        "weight_scale": ((4,), torch.float16),
        "bias": ((4,), torch.float32),
    }
    assert not any(parameter.requires_grad for parameter in layer.parameters())
    assert repr(layer) == "QuantizedLinear(in_features=6, out_features=4, bits=4)"


@pytest.mark.parametrize("bits", [8, 4])
def test_rows_without_numbers_stay_zero_and_extremes_stay_in_range(bits: int) -> None:
    rows = torch.stack((torch.zeros(8), torch.full((8,), 1e-12), torch.full((8,), -8.9e-6), torch.ones(8)))
    stored, scale = quantize_rows(rows, bits)
    back = dequantized(stored, scale, bits, torch.float32)
    assert back[:2].abs().max() == 0
    torch.testing.assert_close(back[2:], rows[2:], rtol=0.2, atol=0)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        assert dequantized(stored, scale, bits, dtype).dtype == dtype


def test_an_odd_number_of_columns_is_refused_for_int4_only() -> None:
    assert QuantizedLinear.of(nn.Linear(5, 2), 8).weight.shape == (2, 5)
    with pytest.raises(CheckpointError, match=r"5 列.*\n.*int8"):
        QuantizedLinear.of(nn.Linear(5, 2), 4)


def test_moving_a_model_to_another_precision_leaves_its_scales() -> None:
    model = quantised_model(8)
    before = first_layer(model).dequantized_weight()
    nn.Module.to(model, torch.bfloat16)
    layer = first_layer(model)
    assert layer.bias is not None
    assert (layer.weight_scale.dtype, layer.bias.dtype) == (torch.float16, torch.bfloat16)
    assert torch.equal(layer.dequantized_weight(), before)
    assert precision_name(model) == "int8"


def test_the_four_linears_of_each_block_are_quantised_and_nothing_else() -> None:
    model = quantised_model(4)
    found = [name for name, module in model.named_modules() if isinstance(module, QuantizedLinear)]
    expected = [f"transformer.layers.{i}.{part}.{name}" for i in range(2) for part, name in BLOCK_LINEARS]
    assert sorted(found) == sorted(expected)
    assert model.config.quantization_bit == 4
    quantize_(model, 4)
    with pytest.raises(CheckpointError, match="已经量化成 int4"):
        quantize_(model, 8)
    with pytest.raises(ValueError, match="8 or 4"):
        quantize_(model, 2)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("bits", [8, 4])
def test_a_prefix_gets_the_gradient_that_the_dequantised_base_gives(bits: int, attention: str) -> None:
    model = quantised_model(bits, attention=attention)
    plain = only_prefix_learns(dequantised_copy(model))
    gradient, expected = prefix_gradient(model), prefix_gradient(plain)
    assert gradient.abs().max() > 0
    torch.testing.assert_close(gradient, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("bits", [8, 4])
def test_gradient_checkpointing_and_autocast_give_the_same_gradient(bits: int) -> None:
    model = quantised_model(bits, attention="sdpa")
    expected = prefix_gradient(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = prefix_gradient(model)
    torch.testing.assert_close(rounded, expected, atol=0.05 * float(expected.abs().max()), rtol=0)
    model.activation_checkpointing_enable()
    model.train()
    torch.testing.assert_close(prefix_gradient(model), expected, atol=1e-6, rtol=1e-5)


def test_autocast_decides_the_precision_of_the_product() -> None:
    layer = QuantizedLinear.of(nn.Linear(8, 4), 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.ones(2, 8)).dtype == torch.bfloat16
        assert layer(torch.ones(2, 8, dtype=torch.float64)).dtype == torch.float64


def test_nothing_of_floating_point_but_the_input_is_kept_for_the_way_back() -> None:
    layer = QuantizedLinear.of(nn.Linear(64, 32), 8)
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(torch.ones(2, 64, requires_grad=True))
    assert {tensor.data_ptr() for tensor in kept} == {layer.weight.data_ptr(), layer.weight_scale.data_ptr()}


@pytest.mark.parametrize("bits", [8, 4])
def test_a_prefix_learns_on_a_quantised_base_that_stays_as_it_is(bits: int) -> None:
    model = quantised_model(bits)
    before = {name: value.clone() for name, value in model.state_dict().items() if "prefix" not in name}
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=0.3, weight_decay=0.0)
    ids, labels = answered()
    losses = []
    for _ in range(60):
        loss = model(ids, labels=labels, use_cache=False).loss
        optimizer.zero_grad()
        loss.backward()
        assert all(bool(p.grad.isfinite().all()) for p in learnt if p.grad is not None)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert all(
        torch.equal(value, before[name]) for name, value in model.state_dict().items() if name in before
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("bits", [8, 4])
def test_gpu_multiplies_the_same_numbers(bits: int) -> None:
    model = quantised_model(bits, attention="sdpa")
    expected = prefix_gradient(model)
    weight = first_layer(model).dequantized_weight(torch.float16)
    nn.Module.cuda(model)
    on_gpu = first_layer(model).dequantized_weight(torch.float16)
    assert torch.equal(on_gpu.cpu(), weight)
    ids, labels = answered()
    model(ids.cuda(), labels=labels.cuda(), use_cache=False).loss.backward()
    assert model.transformer.prefix_encoder is not None
    gradient = model.transformer.prefix_encoder.embedding.weight.grad
    assert gradient is not None
    torch.testing.assert_close(gradient.cpu() / 2, expected / 2, atol=1e-4, rtol=1e-3)
