"""One row of half precision as a vector: the same sums."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.products.one_row import Linear


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(32,), (1, 32), (1, 1, 32), (3, 32), (2, 1, 32)])
def test_it_is_a_linear_layer(dtype: torch.dtype, bias: bool, shape: tuple[int, ...]) -> None:
    layer = Linear(32, 48, bias=bias, dtype=dtype)
    x = torch.randn(shape).to(dtype)
    expected = F.linear(x.float(), layer.weight.float(), layer.bias.float() if bias else None)
    found = layer(x)
    assert found.dtype == dtype
    assert found.shape == (*shape[:-1], 48)
    torch.testing.assert_close(found.float(), expected, rtol=0, atol=2e-2)


def test_gradients_reach_input_and_weight() -> None:
    layer = Linear(32, 48, dtype=torch.bfloat16)
    x = torch.randn(1, 32).bfloat16().requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is not None


def test_autocast_keeps_its_precision() -> None:
    layer = Linear(32, 48)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.randn(1, 32)).dtype == torch.bfloat16
