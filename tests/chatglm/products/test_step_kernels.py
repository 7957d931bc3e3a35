"""The small steps of decoding in plain torch: what the readable model does."""

import torch
from torch import nn

from xiaoan.chatglm.modeling_chatglm import RESIDUAL_SCALE, RotaryTable, apply_rotary, eager_attention
from xiaoan.chatglm.products.step_kernels import EagerSteps, step_kernels, trial_fault
from xiaoan.chatglm.products.triton_products import KernelHost

HEADS, DIM, ROWS = 4, 16, 21
GENERATOR = torch.Generator().manual_seed(0)
STEPS = EagerSteps()
POSITIONS = torch.tensor([[[3], [7]], [[9], [1]]])
PLACE = torch.tensor([13])


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


def test_the_residual_is_added_before_the_norm() -> None:
    norm = nn.LayerNorm(12, dtype=torch.float64)
    normalised, sublayer = drawn(2, 12), drawn(2, 12)
    made = STEPS.residual_norm(normalised, sublayer, norm, RESIDUAL_SCALE)
    torch.testing.assert_close(made, norm(normalised * RESIDUAL_SCALE + sublayer))


def test_query_and_key_are_turned_and_key_and_value_stored() -> None:
    rotary = RotaryTable(DIM // 2, 32)
    packed, cache = drawn(2, HEADS, 3, DIM), drawn(2, HEADS, 2, ROWS, DIM)
    before = cache.clone()
    table = rotary.signed_table(packed.device, packed.dtype)
    query = STEPS.turn_and_store(packed, table, POSITIONS, PLACE, cache)
    expected = [apply_rotary(packed[:, :, i : i + 1], *rotary(POSITIONS, packed.dtype)) for i in (0, 1)]
    torch.testing.assert_close(query, expected[0])
    torch.testing.assert_close(cache[:, :, 0, 13:14], expected[1])
    torch.testing.assert_close(cache[:, :, 1, 13], packed[:, :, 2])
    before[..., 13, :] = cache[..., 13, :]
    assert torch.equal(cache, before)


def test_rows_after_the_new_one_and_masked_ones_are_not_looked_at() -> None:
    query, cache = drawn(2, HEADS, 1, DIM), drawn(2, HEADS, 2, ROWS, DIM)
    mask = torch.zeros(2, 1, 1, ROWS, dtype=torch.float64)
    mask[0, ..., :5] = -10000.0
    blocked = mask[..., :14] < 0
    expected, _ = eager_attention(query, cache[:, :, 0, :14], cache[:, :, 1, :14], blocked, 1)
    torch.testing.assert_close(STEPS.attend(query, cache, PLACE, mask), expected, atol=1e-6, rtol=1e-6)
    expected, _ = eager_attention(query, cache[:, :, 0, :14], cache[:, :, 1, :14], None, 1)
    torch.testing.assert_close(STEPS.attend(query, cache, PLACE, None), expected, atol=1e-6, rtol=1e-6)


class Unscaled(EagerSteps):
    def residual_norm(
        self, normalised: torch.Tensor, sublayer: torch.Tensor, norm: nn.LayerNorm, factor: float
    ) -> torch.Tensor:
        return super().residual_norm(normalised, sublayer, norm, 1.0)


class Broken(EagerSteps):
    def attend(
        self, query: torch.Tensor, cache: torch.Tensor, place: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        raise RuntimeError("out of shared memory\nneeds 300 KB")


def test_kernels_are_tried_before_they_are_taken() -> None:
    def fault(kernels: EagerSteps) -> str:
        return trial_fault(kernels, torch.device("cpu"), torch.float16, hidden_size=24, head_dim=8)

    assert fault(STEPS) == ""
    assert fault(Unscaled()) == "试算的结果不对"
    assert fault(Broken()) == "试算时出错（RuntimeError：out of shared memory）"


def test_where_there_are_no_kernels_the_reason_is_told() -> None:
    def found(triton: bool, head_dim: int) -> tuple[type, str]:
        host = KernelHost(triton, False, True, True, (9, 0))
        kernels, fault = step_kernels(
            host, torch.device("cpu"), torch.float16, hidden_size=64, head_dim=head_dim
        )
        return type(kernels), fault

    assert found(True, 80) == (EagerSteps, "每个注意力头的宽度要是 2 的幂，这个模型是 80")
    kind, fault = found(False, 128)
    assert kind is EagerSteps
    assert "没有安装 Triton" in fault
