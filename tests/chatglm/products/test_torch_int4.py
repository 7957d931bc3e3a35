"""torch's own int4 product: the published weight in its layout, and an exact scale."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.chatglm.products import int4_operators
from xiaoan.chatglm.products.torch_int4 import TorchInt4Product, misfit, torch_operators, unpacked
from xiaoan.chatglm.quantization import dequantized, quantize_rows

GENERATOR = torch.Generator().manual_seed(0)
STORED, SCALE = quantize_rows(torch.randn(16, 96, generator=GENERATOR), 4)
WEIGHT = dequantized(STORED, SCALE, 4, torch.float64)


def test_the_product_is_the_dequantised_weights() -> None:
    product = TorchInt4Product(STORED, SCALE, int4_operators.WRITTEN_OUT)
    x = torch.randn(3, 96, generator=GENERATOR).bfloat16()
    made = product.few(x)
    assert made.dtype == torch.float32
    torch.testing.assert_close(made.double(), x.double() @ WEIGHT.T, rtol=2**-8, atol=1e-6)


@pytest.mark.parametrize("columns", [128, 96])
def test_what_torch_packed_can_be_unpacked(columns: int) -> None:
    stored, scale = quantize_rows(torch.randn(8, columns, generator=GENERATOR), 4)
    product = TorchInt4Product(stored, scale, int4_operators.WRITTEN_OUT)
    assert torch.equal(
        unpacked(product._packed), (int4_operators.numbers(product._packed) - 8).to(torch.int8)
    )
    assert torch.equal(product.weight(torch.float32), dequantized(stored, scale, 4, torch.float32))


def test_torch_takes_these_shapes_and_precisions() -> None:
    """Without memory torch checks arguments as it does on a GPU."""
    with FakeTensorMode():
        stored, scale = (torch.zeros(*size, device="cuda") for size in ((16, 48), (16,)))
        product = TorchInt4Product(stored.to(torch.int8), scale.half(), torch_operators())
        assert product._packed.shape == (2, 3, 32, 1)
        made = product.few(torch.zeros(3, 96, dtype=torch.float16, device="cuda"))
    assert (made.shape, made.dtype, made.device.type) == ((3, 16), torch.float32, "cuda")


def test_sizes_that_torch_cannot_pack_are_told() -> None:
    assert misfit(12288, 4096) == ""
    assert "12 × 4096" in misfit(12, 4096)
    assert "16 × 40" in misfit(16, 40)
