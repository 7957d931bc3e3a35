"""Kernels, packed layers and captured steps on a real GPU. Run with: pytest -m gpu tests/chatglm/products

A kernel that cannot be had there fails these tests with its reason: that is what they are to find out.
"""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.chatglm.test_fused_step import fused_answer
from tests.recorded import Recorded
from xiaoan.chatglm.decoder import Decoder, usual_plan
from xiaoan.chatglm.generation import stream_token_ids
from xiaoan.chatglm.products.cuda_products import TorchInt4Linear, WordLinear, pack_cuda_, ways_for
from xiaoan.chatglm.products.packed_words import dequantized_words, pack_words
from xiaoan.chatglm.products.step_kernels import BLOCKED_SCORE, EagerSteps, TritonSteps, step_kernels
from xiaoan.chatglm.products.triton_products import (
    dequantised_by_kernel,
    plain_product,
    this_host,
    word_product,
)
from xiaoan.chatglm.quantization import QuantizedLinear, quantize_

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
GPU = torch.device("cuda")
HALVES = [torch.float16, torch.bfloat16]
SHAPES = [(12288, 4096), (4096, 16384), (130528, 4096), (37, 4160)]


def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, device=GPU, dtype=dtype)


def close(found: Tensor, expected: Tensor) -> None:
    share = {torch.float16: 2e-3, torch.bfloat16: 1.2e-2, torch.float32: 1e-5}[found.dtype]
    room = share * float(expected.abs().max())
    torch.testing.assert_close(found.double(), expected.double(), atol=room, rtol=0)


def quantised(rows: int, columns: int, bits: int, dtype: torch.dtype) -> QuantizedLinear:
    linear = QuantizedLinear(columns, rows, bits, device=GPU, dtype=dtype)
    linear.weight.data.random_(-128, 128)
    linear.weight_scale.data.uniform_(0.001, 0.02)
    assert linear.bias is not None
    linear.bias.data.normal_()
    return linear


@pytest.mark.parametrize("dtype", [*HALVES, torch.float32])
def test_trials_find_nothing_wrong(dtype: torch.dtype) -> None:
    ways = ways_for(GPU, dtype)
    assert [ways.triton_fault(bits) for bits in (8, 4)] == ["", ""]
    _, fault = step_kernels(this_host(GPU), GPU, dtype, hidden_size=4096, head_dim=128)
    assert fault == ""


def test_torchs_int4_product_is_laid_out_as_we_read_it() -> None:
    assert ways_for(GPU, torch.bfloat16).torch_fault() == ""


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_products_of_the_real_shapes(rows: int, columns: int, bits: int, dtype: torch.dtype) -> None:
    linear = quantised(rows, columns, bits, dtype)
    words = pack_words(linear.weight, bits)
    weight = dequantized_words(words, linear.weight_scale, bits, torch.float32)
    for vectors in (1, 2, 16, 33, 64):
        x = drawn(vectors, columns, dtype=dtype) + 0.5
        assert linear.bias is not None
        expected = F.linear(x.float(), weight, linear.bias.float())
        close(word_product(x, words, linear.weight_scale, linear.bias, bits), expected)
    made = dequantised_by_kernel(words, linear.weight_scale, bits, dtype)
    assert torch.equal(made, dequantized_words(words, linear.weight_scale, bits, dtype))


@pytest.mark.parametrize("dtype", HALVES)
def test_packed_layers_are_the_stored_ones(dtype: torch.dtype) -> None:
    linear = quantised(4096, 4096, 4, dtype)
    assert linear.bias is not None
    bias = linear.bias.float()
    found = ways_for(GPU, dtype)
    for layer in (WordLinear(linear), TorchInt4Linear(linear, found.operators)):
        for vectors in (1, 16, 200):
            x = drawn(2, vectors, 4096, dtype=dtype)
            made = layer(x)
            if isinstance(layer, TorchInt4Linear):  # torch's product rounds both ends to bfloat16
                made = made.bfloat16()
            close(made, F.linear(x.float(), linear.dequantized_weight(), bias))


@pytest.mark.parametrize("dtype", HALVES)
def test_plain_products_and_gelu(dtype: torch.dtype) -> None:
    x, weight, bias = (drawn(*shape, dtype=dtype) for shape in ((1, 4096), (16384, 4096), (16384,)))
    expected = F.linear(x.float(), weight.float(), bias.float())
    close(plain_product(x, weight, bias), expected)
    close(plain_product(x, weight, bias, gelu=True), F.gelu(expected, approximate="tanh"))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("sequences", [1, 64])
def test_small_steps_at_the_real_sizes(sequences: int, dtype: torch.dtype) -> None:
    rows, place = 640, torch.tensor([555], device=GPU)
    norm = torch.nn.LayerNorm(4096, device=GPU, dtype=dtype)
    cache = drawn(sequences, 32, 2, rows, 128, dtype=dtype)
    mask = torch.zeros(sequences, 1, 1, rows, device=GPU, dtype=dtype)
    mask[0, ..., :9] = BLOCKED_SCORE
    packed, table = drawn(sequences, 32, 3, 128, dtype=dtype), drawn(2048, 2, 64, dtype=dtype)
    positions = torch.randint(0, 2048, (sequences, 2, 1), device=GPU)
    hidden, added = (drawn(sequences, 4096, dtype=dtype) for _ in range(2))
    found = []
    for kernels in (EagerSteps(), TritonSteps()):
        own = cache.clone()
        query = kernels.turn_and_store(packed, table, positions, place, own)
        context = kernels.attend(query, own, place, mask)
        found.append((query, own, context, kernels.residual_norm(hidden, added, norm, 7.48)))
    for eager, fused in zip(*found, strict=True):
        close(fused, eager)


@pytest.mark.parametrize("precision", ["float32", "int8", "int4"])
def test_recorded_answers_by_captured_and_fused_steps(recorded: Recorded, precision: str) -> None:
    """Captured steps, twice with one decoder, give what the eager model gives with the same weights on the CPU."""
    ids = recorded["p1_len12.input_ids"]
    model = recorded.model("sdpa")
    if precision != "float32":
        quantize_(model, int(precision.removeprefix("int")))
    expected, _ = fused_answer(model, EagerSteps(), ids, 24)
    torch.nn.Module.cuda(model)
    if precision != "float32":
        assert pack_cuda_(model, ways_for(GPU, torch.float32)) == ()
    decoder = Decoder(model, usual_plan(GPU))
    for _ in range(2):
        made = list(stream_token_ids(model, ids, max_length=ids.shape[1] + 24, eos=(), decoder=decoder))
        assert made == expected[0].tolist()
    assert decoder.warnings == []
