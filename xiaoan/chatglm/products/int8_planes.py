"""x · Wᵀ with W in int8, on a CPU: integer products that cost the activations nothing.

A processor multiplies whole numbers fastest by whole numbers, so others round the activations to 8 bits as well, and
their answers pay for it. Here every row of x becomes two rows of 8 bits, a coarse and a fine one,

    x = s / 127 · (coarse + fine / 254), wrong by at most s / 64516, where s = max |x|,

and one product over both reads the weights once: it waits for memory, not for arithmetic. The sums are exact integers,
so what comes out is the product with the stored weight for activations of 16 bits.
"""

import functools
import math
from typing import Any, cast

import torch
from torch import Tensor

LARGEST = 127
FINER = 254
"""A coarse step is so many fine ones: rounding leaves half a coarse step at most, `LARGEST` fine ones."""
MOST_COLUMNS = (2**31 - 1) // LARGEST**2
"""More columns could overflow a sum of 32 bits."""

TINY = 1e-30
"""The least maximum that is divided by."""

_STEPS = torch.tensor([[[1.0]], [[float(FINER)]]])

_onednn: Any = torch.ops.onednn


def planes(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return `x` `[rows, in]` as int8 `[2 * rows, in]`, coarse rows before fine ones, and max |x| `[rows, 1]`.

    `x` is float32. The maximum is at least `TINY`, so a row of zeros stays zeros; of one with a value that is not
    finite, neither is the maximum.
    """
    largest = torch.linalg.vector_norm(x, float("inf"), dim=-1, keepdim=True).clamp_(min=TINY)
    steps = torch.mul(x, LARGEST / largest)
    return _split(steps), largest


def _split(steps: Tensor) -> Tensor:
    """Return numbers from -127 to 127 `[rows, in]` as int8 `[2 * rows, in]`: whole ones, then what is left of them."""
    both = torch.mul(_STEPS, steps).round_()
    coarse, fine = both.unbind(0)
    fine.sub_(coarse, alpha=FINER)
    return both.to(torch.int8).view(-1, steps.shape[1])


class Int8Product:
    """The product with one weight, packed for this processor.

    Args:
        weight: int8 `[out, in]` without -128, at most `MOST_COLUMNS` columns.
        scale: `[out]`, what the numbers of a row are multiplied by.
        bias: `[out]` or None, added to what comes out.
    """

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None = None) -> None:
        self._packed: Tensor = _onednn.qlinear_prepack(weight.contiguous(), None)
        self._scale = scale.detach().float()
        self._zeros = torch.zeros(len(scale), dtype=torch.int64)
        self._bias = None if bias is None else bias.detach().float()
        # Added to both planes, of which the fine one counts 1 / FINER.
        self._bias_of_planes = None if self._bias is None else self._bias * (FINER / (FINER + 1))

    def __call__(self, x: Tensor) -> Tensor:
        """Return float32 `[rows, out]` for `x` `[rows, in]` of any floating point."""
        x = x.float()
        if len(x) == 1:
            return self._of_one_row(x)
        numbers, largest = planes(x)
        coarse, fine = self._sums(numbers, 1.0, None).unbind(0)
        made = torch.add(coarse, fine, alpha=1 / FINER).mul_(largest / LARGEST)
        return made if self._bias is None else made.add_(self._bias)

    def _of_one_row(self, x: Tensor) -> Tensor:
        """The same with few operators: a token that is being decoded waits for each of them."""
        least, most = x.aminmax()
        largest = max(abs(float(least)), abs(float(most)))
        if not math.isfinite(largest):
            return x.new_full((1, len(self._scale)), math.nan)
        step = max(largest, TINY) / LARGEST
        coarse, fine = self._sums(_split(x * (1 / step)), step, self._bias_of_planes).unbind(0)
        return torch.add(coarse, fine, alpha=1 / FINER)

    def _sums(self, numbers: Tensor, step: float, bias: Tensor | None) -> Tensor:
        """Return `step` times numbers times weight, plus bias, `[2, rows, out]` for int8 `numbers` `[2 * rows, in]`."""
        # Arguments: the numbers with scale and zero point, the weight with its; bias; scale, zero point and precision
        # of the result; nothing to be done with it afterwards.
        packed = (self._packed, self._scale, self._zeros)
        made: tuple[Any, ...] = (bias, 1.0, 0, torch.float32, "none", [], "")
        sums = cast(Tensor, _onednn.qlinear_pointwise(numbers, step, 0, *packed, *made))
        return sums.view(2, -1, len(self._scale))


@functools.cache
def int8_fault() -> str:
    """Return why this processor or this torch cannot do it, as a person may read it; "" where it can."""
    if not torch.cpu._is_vnni_supported():
        return "处理器没有 VNNI 指令"
    generator = torch.Generator().manual_seed(0)
    weight = torch.randint(-LARGEST, LARGEST + 1, (48, 64), generator=generator).to(torch.int8)
    scale, x = torch.rand(48, generator=generator), torch.randn(3, 64, generator=generator)
    bias = torch.randn(48, generator=generator)
    try:
        product = Int8Product(weight, scale, bias)
        found = torch.cat((product(x[:1]), product(x[1:]), product(x)))
    except (RuntimeError, AttributeError, TypeError) as error:
        return f"PyTorch {torch.__version__} 的整数乘法用不了（{type(error).__name__}）"
    expected = (x.double() @ (weight.double() * scale.double()[:, None]).T + bias).repeat(2, 1)
    agrees = torch.allclose(found.double(), expected, rtol=0, atol=1e-3 * float(expected.abs().max()))
    return "" if agrees else f"PyTorch {torch.__version__} 的整数乘法结果不对"
