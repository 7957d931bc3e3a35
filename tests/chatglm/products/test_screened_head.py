"""The best token by way of an int8 copy of the head is the best token."""

import pytest
import torch

from xiaoan.chatglm.products.int8_planes import int8_fault
from xiaoan.chatglm.products.screened_head import ScreenedHead, screening_pays

pytestmark = pytest.mark.skipif(bool(int8_fault()), reason=f"no integer product here: {int8_fault()}")


def head(dtype: torch.dtype, rows: int = 500, columns: int = 64, spread: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(rows, columns, generator=generator)
    return (weight * torch.exp(spread * torch.randn(rows, 1, generator=generator))).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("spread", [0.0, 2.0])
def test_it_is_the_argmax_of_the_heads_own_weights(dtype: torch.dtype, spread: float) -> None:
    weight = head(dtype, spread=spread)
    screened = ScreenedHead(weight)
    for x in torch.randn(200, 1, 64, generator=torch.Generator().manual_seed(5)):
        found = screened(x)
        assert found.shape == (1, 500)
        assert int(found.argmax()) == int((weight.double() @ x[0].double()).argmax())


def test_near_twins_are_told_apart_by_the_heads_own_weights() -> None:
    weight = head(torch.float32, spread=0.0)
    weight[300] = weight[17]
    weight[300, 5] += weight[17, 5].sign() * 1e-3  # far less than an int8 step
    x = 10 * weight[17][None]
    assert int((weight.double() @ x[0].double()).argmax()) == 300
    assert int(ScreenedHead(weight)(x).argmax()) == 300


def test_of_equals_the_first_counts() -> None:
    weight = head(torch.float32, spread=0.0)
    weight[[100, 200, 400]] = 3 * weight[100]
    assert int(ScreenedHead(weight)(weight[100][None]).argmax()) == 100


def test_rows_of_zeros_and_hidden_states_of_zeros() -> None:
    weight = head(torch.float32)
    weight[::2] = 0
    x = torch.randn(1, 64)
    assert int(ScreenedHead(weight)(x).argmax()) == int((weight @ x[0]).argmax())
    assert int(ScreenedHead(weight)(torch.zeros(1, 64)).argmax()) == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_stays_none(bad: float) -> None:
    x = torch.randn(1, 64)
    x[0, 7] = bad
    assert not ScreenedHead(head(torch.float32))(x).isfinite().all()


def test_several_rows_get_the_heads_own_logits() -> None:
    weight, x = head(torch.float32), torch.randn(3, 64)
    torch.testing.assert_close(ScreenedHead(weight)(x), x @ weight.T)


def test_a_head_in_pieces_is_a_head() -> None:
    weight = head(torch.float32, spread=0.0)
    screened = ScreenedHead(weight, piece_bytes=64 * 150)
    for x in torch.randn(20, 1, 64):
        assert int(screened(x).argmax()) == int((weight @ x[0]).argmax())


def test_small_heads_are_read_whole() -> None:
    assert not screening_pays(torch.empty(1000, 64), 10**6)
    large = torch.empty(130528, 256, dtype=torch.float16)
    assert screening_pays(large, 3 * large.nbytes)
    assert not screening_pays(large, 30 * large.nbytes)
    assert not screening_pays(large.to("meta"), large.nbytes)
