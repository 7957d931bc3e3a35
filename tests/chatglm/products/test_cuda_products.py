"""Which product a layer gets on a GPU, tried first, and what the person reads where it is not the fastest."""

import dataclasses
import re

import pytest
import torch
from torch import Tensor, nn

from tests.chatglm.products.int4_operators import WRITTEN_OUT
from tests.tiny_models import prompt, tiny_config, tiny_model
from xiaoan.chatglm.products.cuda_products import (
    CudaWays,
    TorchInt4Linear,
    WordLinear,
    pack_cuda_,
    trial_fault,
    way_for,
    ways_for,
)
from xiaoan.chatglm.products.packed_linear import is_packed
from xiaoan.chatglm.products.triton_products import KernelHost, unavailable_reason
from xiaoan.chatglm.quantization import QuantizedLinear, quantize_

CPU = torch.device("cpu")
GPU_HOST = KernelHost(triton=True, interpreted=False, c_compiler=True, nvidia=True, capability=(9, 0))
GENERATOR = torch.Generator().manual_seed(0)


def ways(triton_fault: str = "", torch_fault: str = "") -> CudaWays:
    return CudaWays(lambda bits: triton_fault, lambda: torch_fault, WRITTEN_OUT)


def quantised(columns: int = 64, rows: int = 16, bits: int = 4) -> QuantizedLinear:
    made = nn.Linear(columns, rows)
    nn.init.normal_(made.weight, generator=GENERATOR)
    return QuantizedLinear.of(made, bits)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"triton": False}, "没有安装 Triton"),
        ({"capability": None}, "只在 NVIDIA 显卡上"),
        ({"nvidia": False}, "只在 NVIDIA 显卡上"),
        ({"capability": (7, 5)}, "计算能力是 7.5.*8.0"),
        ({"c_compiler": False}, "没有 C 编译器"),
    ],
)
def test_what_is_missing_for_triton_is_named(change: dict[str, object], told: str) -> None:
    reason = unavailable_reason(dataclasses.replace(GPU_HOST, **change))  # type: ignore[arg-type]
    assert re.search(told, reason or "")


def test_nothing_is_missing_on_a_gpu_with_a_compiler_or_in_the_interpreter() -> None:
    assert unavailable_reason(GPU_HOST) is None
    assert unavailable_reason(KernelHost(True, True, False, False, None)) is None


def test_triton_comes_first_then_torch_then_the_dequantised_weight() -> None:
    int4, int8 = quantised(bits=4), quantised(bits=8)
    assert way_for(int4, ways()) == ("triton", "")
    assert way_for(int4, ways("甲")) == ("torch", "甲")
    assert way_for(int4, ways("甲", "乙")) == ("dequantise", "甲；乙")
    assert way_for(int8, ways("甲")) == ("dequantise", "甲")


def test_sizes_decide_too() -> None:
    assert way_for(quantised(columns=12), ways()) == (
        "dequantise",
        "列数要是 8 的倍数，有一层是 12 列；权重的行数要是 8 的倍数、列数要是 32 的倍数，有一层是 16 × 12",
    )
    assert way_for(quantised(columns=12, bits=8), ways())[0] == "triton"


def test_a_model_without_triton_answers_through_torchs_product() -> None:
    model = tiny_model(tiny_config(attention="sdpa"), dtype=torch.float32)
    quantize_(model, 4)
    ids = prompt(7)
    with torch.inference_mode():
        expected = model(ids, use_cache=False).logits
        told = pack_cuda_(model, ways("没有安装 Triton"))
        made = model(ids, use_cache=False).logits
    assert told == (
        "int4 没有用上最快的乘法（没有安装 Triton），改用 PyTorch 自带的：会慢一些，舍入按 bfloat16。",
    )
    kinds = {type(module) for module in model.transformer.modules() if getattr(module, "bits", 0)}
    assert kinds == {TorchInt4Linear}
    torch.testing.assert_close(made, expected, atol=0.05 * float(expected.abs().max()), rtol=0)


def test_a_model_for_which_there_is_nothing_stays_and_says_so() -> None:
    model = tiny_model(dtype=torch.float32)
    quantize_(model, 8)
    told = pack_cuda_(model, ways("没有 C 编译器"))
    assert told == ("int8 在这里比半精度慢：没有 C 编译器。答案不受影响；显存够的话请改用 --dtype float16。",)
    assert isinstance(model.get_submodule("transformer.layers.0.mlp.dense_4h_to_h"), QuantizedLinear)


def test_layers_become_words_without_a_word_said() -> None:
    model = tiny_model(dtype=torch.float32)
    quantize_(model, 8)
    assert pack_cuda_(model, ways()) == ()
    layer = model.get_submodule("transformer.layers.0.mlp.dense_4h_to_h")
    assert isinstance(layer, WordLinear)
    assert (layer.bits, layer.weight_bytes) == (8, 64 * 32)
    assert is_packed(model)


def test_many_vectors_are_multiplied_with_the_dequantised_weight() -> None:
    linear = quantised(columns=64)
    layer = TorchInt4Linear(linear, WRITTEN_OUT)
    x = torch.randn(2, 33, 64, generator=GENERATOR)
    torch.testing.assert_close(layer(x), linear(x), atol=1e-5, rtol=1e-5)


class Wrong(nn.Module):
    def __init__(self, linear: QuantizedLinear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) * (1.1 if len(x) == 5 else 1.0)  # type: ignore[no-any-return]


def test_a_way_is_tried_before_it_is_taken() -> None:
    def broken(linear: QuantizedLinear) -> nn.Module:
        raise RuntimeError("no kernel image is available\nfor this device")

    assert trial_fault(lambda linear: linear, 4, CPU, torch.float16) == ""
    assert trial_fault(lambda linear: TorchInt4Linear(linear, WRITTEN_OUT), 4, CPU, torch.float32) == ""
    assert trial_fault(Wrong, 8, CPU, torch.float32) == "试算的结果不对"
    assert trial_fault(broken, 8, CPU, torch.float32) == (
        "试算时出错（RuntimeError：no kernel image is available）"
    )


def test_no_gpu_no_way() -> None:
    here = ways_for(CPU, torch.float16, dataclasses.replace(GPU_HOST, capability=None))
    assert "NVIDIA 显卡" in here.triton_fault(8)
    assert "8.0" in here.torch_fault()
