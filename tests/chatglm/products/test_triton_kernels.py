"""The Triton kernels against the dequantised weight and the eager steps, in Triton's interpreter.

Needs Triton and `TRITON_INTERPRET=1`, which has to be set before Triton is imported: `test_triton_without_gpu.py` starts
this file in a process of its own. bfloat16 is left to a GPU (`test_gpu_products.py`): the interpreter cannot multiply it.
"""

import os

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.chatglm.test_fused_step import fused_answer
from tests.recorded import QUANTIZED_FILE, Recorded, load_recorded
from xiaoan.chatglm.products.cuda_products import pack_cuda_, trial_fault, ways_for
from xiaoan.chatglm.products.packed_words import pack_words
from xiaoan.chatglm.products.step_kernels import EagerSteps, TritonSteps, step_kernels
from xiaoan.chatglm.products.triton_products import (
    dequantised_by_kernel,
    int4_product,
    int8_product,
    plain_product,
    this_host,
    word_product,
)
from xiaoan.chatglm.quantization import dequantized, quantize_, quantize_rows

pytest.importorskip("triton", reason="Triton is not installed; it comes with torch for CUDA on Linux")
if os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("runs with TRITON_INTERPRET=1, see test_triton_without_gpu.py", allow_module_level=True)

# The interpreter's arithmetic warns where a sigmoid saturates, and of infinite inputs.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]

CPU = torch.device("cpu")
RECORDED = load_file(QUANTIZED_FILE)
GENERATOR = torch.Generator().manual_seed(0)
ROOM = {torch.float32: 2e-6, torch.float16: 2e-3}


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=GENERATOR)


def close(found: Tensor, expected: Tensor) -> None:
    room = ROOM[found.dtype] * float(expected.abs().max())
    torch.testing.assert_close(found.double(), expected.double(), atol=room, rtol=0)


@pytest.mark.parametrize(("weight", "bits"), [(w, bits) for w in ("w16", "w32") for bits in (8, 4)])
def test_the_product_is_the_published_one(weight: str, bits: int) -> None:
    found = {name: RECORDED[f"{weight}.int{bits}.{name}"] for name in ("weight", "scale_fp16", "x", "y_fp32")}
    words = pack_words(found["weight"], bits)
    product = int8_product if bits == 8 else int4_product
    for x, y in ((found["x"], found["y_fp32"]), (found["x"][:1], found["y_fp32"][:1])):
        close(product(x, words, found["scale_fp16"], None), y)


@pytest.mark.parametrize("dtype", ROOM)
@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("vectors", [1, 3, 17, 40])
def test_vectors_that_do_not_fill_a_block(bits: int, vectors: int, dtype: torch.dtype) -> None:
    """More columns than a block, and a number of outputs that no block divides; the mean is far from 0."""
    stored, scale = quantize_rows(drawn(37, 4160 if vectors == 1 else 544), bits)
    x, bias = (drawn(vectors, 8 * stored.shape[1] // bits) + 3).to(dtype), drawn(37).to(dtype)
    words = pack_words(stored, bits)
    expected = F.linear(x.double(), dequantized(stored, scale, bits, torch.float64), bias.double())
    close(word_product(x[None], words, scale, bias, bits)[0], expected)
    made = word_product(x, words, scale, bias, bits, gelu=True)
    close(made, F.gelu(expected, approximate="tanh"))


@pytest.mark.parametrize("bits", [8, 4])
def test_extremes_of_numbers_and_inputs(bits: int) -> None:
    """The most negative number, inputs at float16's limits, and an input that is none."""
    half = 2 ** (bits - 1)
    numbers = torch.tensor([[-half, half - 1] * 4, [0] * 8, [1] * 8], dtype=torch.int8)
    words = torch.zeros(3, 8 * bits // 32, dtype=torch.int32)
    width = words.shape[1]
    for column in range(8):
        words[:, column % width] |= (numbers[:, column].int() + half) << (bits * (column // width))
    scale = torch.ones(3, dtype=torch.float16)
    for x in (torch.full((1, 8), 65504.0), torch.full((1, 8), 6e-8), torch.eye(8)[5:6]):
        found = word_product(x, words, scale, None, bits)
        room = 1e-7 * float(x.abs().sum()) * 2**bits  # sums of numbers as they are stored cancel
        torch.testing.assert_close(found, x @ numbers.float().T, rtol=2e-6, atol=room)
    assert not word_product(torch.full((1, 8), torch.inf), words, scale, None, bits).isfinite().any()


@pytest.mark.parametrize("dtype", ROOM)
def test_plain_weights_of_any_precision(dtype: torch.dtype) -> None:
    x, weight, bias = drawn(1, 1, 1100), drawn(6, 1100).to(dtype), drawn(6)
    expected = F.linear(x.double(), weight.double(), bias.double())
    close(plain_product(x, weight, bias), expected)
    close(plain_product(x, weight, bias, gelu=True), F.gelu(expected, approximate="tanh"))
    close(plain_product(x.to(dtype), weight, None), F.linear(x.to(dtype).double(), weight.double()))


@pytest.mark.parametrize("bits", [8, 4])
def test_a_weight_is_dequantised_in_one_pass(bits: int) -> None:
    stored, scale = quantize_rows(drawn(7, 96), bits)
    for dtype in ROOM:
        made = dequantised_by_kernel(pack_words(stored, bits), scale, bits, dtype)
        assert torch.equal(made, dequantized(stored, scale, bits, dtype))


def test_sizes_that_do_not_belong_together_are_refused() -> None:
    words, scale = torch.zeros(4, 4, dtype=torch.int32), torch.ones(4, dtype=torch.float16)
    with pytest.raises(ValueError, match="x has 8 columns, the weight 16"):
        int8_product(torch.zeros(1, 8), words, scale, None)
    with pytest.raises(ValueError, match="at most 64 vectors at once, not 65"):
        int8_product(torch.zeros(65, 16), words, scale, None)
    with pytest.raises(ValueError, match="one vector of 4 numbers"):
        plain_product(torch.zeros(2, 4), torch.zeros(3, 4), None)
    with pytest.raises(ValueError, match="12 numbers is no power of two"):
        TritonSteps().attend(
            torch.zeros(1, 1, 1, 12), torch.zeros(1, 1, 2, 4, 12), torch.zeros(1, dtype=torch.int64), None
        )


@pytest.mark.parametrize("dtype", ROOM)
def test_trials_find_nothing_wrong(dtype: torch.dtype) -> None:
    ways = ways_for(CPU, dtype)
    assert [ways.triton_fault(bits) for bits in (8, 4)] == ["", ""]
    kernels, fault = step_kernels(this_host(CPU), CPU, dtype, hidden_size=48, head_dim=16)
    assert (type(kernels), fault) == (TritonSteps, "")


def test_a_kernel_that_cannot_be_built_is_told() -> None:
    assert "试算时出错" in trial_fault(lambda linear: linear.to("meta"), 8, CPU, torch.float32)


@pytest.mark.parametrize("place", [3, 127, 128, 290])
def test_attention_over_parts_of_a_cache(place: int) -> None:
    query, cache, at = drawn(1, 2, 1, 16), drawn(1, 2, 2, 300, 16), torch.tensor([place])
    cache[..., place + 1 :, :] = torch.nan  # must not be looked at
    expected = EagerSteps().attend(query, cache[:, :, :, : place + 1], at, None)
    close(TritonSteps().attend(query, cache, at, None), expected)


@pytest.mark.parametrize("bits", [8, 4])
def test_a_recorded_prompt_is_answered_as_with_dequantised_weights(bits: int) -> None:
    recorded = load_recorded("prefix8", None)
    ids = recorded["p1_len12.input_ids"]
    model = recorded.model("sdpa")
    quantize_(model, bits)
    expected, steps = fused_answer(model, EagerSteps(), ids, 3)
    assert pack_cuda_(model, ways_for(CPU, torch.float32)) == ()
    made, found = fused_answer(model, TritonSteps(), ids, 3)
    assert torch.equal(made, expected)
    torch.testing.assert_close(found, steps, atol=1e-4, rtol=1e-4)


def test_recorded_answers_without_quantising(recorded: Recorded) -> None:
    ids = recorded["p1_len12.input_ids"]
    made, _ = fused_answer(recorded.model("sdpa"), TritonSteps(), ids, 6)
    assert torch.equal(made, recorded["p1_len12.greedy_ids"][:, ids.shape[1] : ids.shape[1] + 6])
