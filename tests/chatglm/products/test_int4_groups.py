"""int4 on a CPU: the product with the stored weight, for activations in bfloat16."""

import pytest
import torch

from xiaoan.chatglm.products.int4_groups import (
    BLOCK,
    FEW_ROWS,
    Int4Product,
    int4_fault,
    int4_misfit,
    unpacked,
)
from xiaoan.chatglm.quantization import pack_int4

pytestmark = pytest.mark.skipif(bool(int4_fault()), reason=f"no int4 product here: {int4_fault()}")


def numbers(rows: int, columns: int) -> torch.Tensor:
    return torch.randint(-8, 8, (rows, columns), generator=torch.Generator().manual_seed(1)).to(torch.int8)


@pytest.mark.parametrize("rows", [1, 9, FEW_ROWS + 1])
@pytest.mark.parametrize("shape", [(64, 32), (192, 512), (50, 96)])
def test_the_product_is_that_with_the_stored_weight(shape: tuple[int, int], rows: int) -> None:
    weight = numbers(*shape)
    scale = torch.rand(shape[0]) + 0.1
    x = torch.randn(rows, shape[1]).bfloat16().float()  # so that rounding the activations costs nothing
    found = Int4Product(pack_int4(weight), scale)(x)
    exact = x @ (weight.float() * scale[:, None]).T
    assert found.dtype == torch.float32
    assert float((found - exact).abs().max()) <= 0.006 * float(exact.abs().max())


def test_a_row_of_weights_keeps_its_scale_exactly() -> None:
    weight = torch.zeros(64, 32, dtype=torch.int8)
    weight[:, 0] = 1
    scale = torch.linspace(0.1, 0.9, 64)  # hardly one of them is a number of bfloat16
    x = torch.zeros(1, 32)
    x[0, 0] = 1.0
    assert torch.equal(Int4Product(pack_int4(weight), scale)(x)[0], scale)


def test_what_was_packed_can_be_read_again() -> None:
    weight = numbers(3 * BLOCK, 64)
    product = Int4Product(pack_int4(weight), torch.ones(3 * BLOCK))
    assert torch.equal(unpacked(product._packed), weight.T.bfloat16())


def test_shapes_that_do_not_fit_are_told() -> None:
    assert not int4_misfit(1024)
    assert "40 列" in int4_misfit(40)
