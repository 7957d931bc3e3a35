"""int8 on a CPU: the product with the stored weight, for activations of sixteen bits."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from tests.recorded import QUANTIZED_FILE
from xiaoan.chatglm.products.int8_planes import FINER, LARGEST, TINY, Int8Product, int8_fault, planes

pytestmark = pytest.mark.skipif(bool(int8_fault()), reason=f"no integer product here: {int8_fault()}")


def weight(rows: int = 48, columns: int = 64) -> torch.Tensor:
    return torch.randint(
        -LARGEST, LARGEST + 1, (rows, columns), generator=torch.Generator().manual_seed(1)
    ).to(torch.int8)


@given(st.lists(st.floats(-1e20, 1e20), min_size=1, max_size=9))
@settings(max_examples=60)
def test_two_planes_are_the_value_up_to_half_a_fine_step(values: list[float]) -> None:
    x = torch.tensor([values])
    numbers, largest = planes(x)
    assert largest.item() == max(x.abs().max().item(), torch.tensor(TINY).item())
    step = largest.double() / LARGEST
    rebuilt = step * (numbers[0].double() + numbers[1].double() / FINER)
    assert torch.all((rebuilt - x.double()).abs() <= step / FINER * 0.501)


def test_the_product_is_that_with_the_stored_weight() -> None:
    x = torch.randn(5, 64) * torch.tensor([1e-6, 1.0, 40.0, 3e5, 1.0])[:, None]
    scale = torch.rand(48) + 0.1
    found = Int8Product(weight(), scale)(x)
    exact = x.double() @ (weight().double() * scale.double()[:, None]).T
    largest = x.abs().amax(1, keepdim=True) * scale * LARGEST * 64
    assert torch.all((found - exact).abs() <= largest / 64516)


def test_the_recorded_product() -> None:
    recorded = load_file(QUANTIZED_FILE)
    stored, scale = recorded["w16.int8.weight"], recorded["w16.int8.scale_fp16"]
    found = Int8Product(stored, scale)(recorded["w16.int8.x"])
    torch.testing.assert_close(found, recorded["w16.int8.y_fp32"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_stays_none(bad: float) -> None:
    x = torch.randn(2, 64)
    x[1, 3] = bad
    product = Int8Product(weight(), torch.ones(48))
    found = product(x)
    assert not product(x[1:]).isfinite().any()
    assert found[0].isfinite().all()
    assert not found[1].isfinite().any()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_bias_is_added_once(rows: int) -> None:
    bias, x = torch.randn(48), torch.randn(rows, 64)
    without = Int8Product(weight(), torch.ones(48))(x)
    torch.testing.assert_close(Int8Product(weight(), torch.ones(48), bias)(x), without + bias)


def test_one_row_is_as_many() -> None:
    product, x = Int8Product(weight(), torch.rand(48)), torch.randn(4, 64)
    one_by_one = torch.cat([product(row[None]) for row in x])
    torch.testing.assert_close(one_by_one, product(x), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("size", [1e-34, 3e-30, 1e30])
def test_very_small_and_very_large_rows_are_no_exception(size: float) -> None:
    product, x = Int8Product(weight(), torch.ones(48)), size * torch.ones(2, 64)
    exact = x.double() @ weight().double().T
    room = max(size, TINY) * LARGEST * 64 / 64516
    assert torch.all((product(x) - exact).abs() <= room)
    assert torch.all((product(x[:1]) - exact[:1]).abs() <= room)


def test_zeros_give_zeros_and_halves_are_taken() -> None:
    product = Int8Product(weight(), torch.ones(48))
    assert not product(torch.zeros(2, 64)).any()
    x = torch.randn(3, 64).half()
    assert torch.equal(product(x), product(x.float()))
