"""What stops a run whose loss shows that nothing good can come of it, with a message that says which setting to change."""

import math
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from xiaoan.errors import XiaoanError


class TrainingStopped(XiaoanError):  # noqa: N818 - what happened to the run; the message is the fault
    """A guard ended the run; the last good state is on disk."""


@dataclass(frozen=True)
class GuardSettings:
    """When a run is stopped. Means are over `window` steps.

    Attributes:
        window: steps of a mean.
        zero_steps: losses of exactly 0 in a row, where the loss was above `zero_from` before, or from the start.
        zero_from: a loss that small may reach 0 by learning.
        explosion_factor: an explosion is a mean this many times the best mean and above the first …
        explosion_steps: … for so many steps in a row.
        patience: no progress is a mean that in so many steps was never below `progress` times the first; 0: never.
        progress: see `patience`.
    """

    window: int = 20
    zero_steps: int = 3
    zero_from: float = 0.05
    explosion_factor: float = 3.0
    explosion_steps: int = 60
    patience: int = 400
    progress: float = 0.97


class LossGuard:
    """Looks at every step's loss and gradient norm before the step is taken."""

    def __init__(self, settings: GuardSettings, *, learning_rate: float) -> None:
        self.settings = settings
        self.learning_rate = learning_rate
        self._recent: deque[float] = deque(maxlen=settings.window)
        self._first: float | None = None
        self._best = math.inf
        self._steps = self._zeros = self._high = 0
        self._before_zeros = math.inf

    def check(self, step: int, loss: float, gradient_norm: float) -> None:
        """Take note of a step's figures.

        Raises:
            TrainingStopped: a figure is no number, the loss is 0 or explodes, or nothing is being learnt.
        """
        self._steps += 1
        self._check_numbers(step, loss, gradient_norm)
        self._check_zero(step, loss)
        self._recent.append(loss)
        if len(self._recent) == self.settings.window:
            mean = sum(self._recent) / len(self._recent)
            self._first = mean if self._first is None else self._first
            self._best = min(self._best, mean)
            self._check_explosion(step, mean, self._first)
            self._check_progress(step, self._first)

    def state(self) -> dict[str, Any]:
        """Return what a resumed run has to know, as plain values."""
        return {
            "settings": asdict(self.settings),
            "recent": list(self._recent),
            "first": self._first,
            "best": self._best,
            "counts": [self._steps, self._zeros, self._high],
            "before_zeros": self._before_zeros,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._recent.clear()
        self._recent.extend(state["recent"])
        self._first, self._best = state["first"], state["best"]
        self._steps, self._zeros, self._high = state["counts"]
        self._before_zeros = state["before_zeros"]

    def _check_numbers(self, step: int, loss: float, gradient_norm: float) -> None:
        if math.isfinite(loss) and math.isfinite(gradient_norm):
            return
        gradient = f"梯度{_kind(gradient_norm)}（损失是 {loss:.4g}）"
        found = gradient if math.isfinite(loss) else f"损失{_kind(loss)}"
        raise TrainingStopped(
            f"第 {step} 步的{found}，训练停下了，这一步没有算数。"
            f"请把学习率（--learning-rate，现在是 {self.learning_rate:g}）降到三分之一左右；"
            "用 float16 的，可改用 --dtype bfloat16 或 float32。"
        )

    def _check_zero(self, step: int, loss: float) -> None:
        if loss != 0.0:
            self._zeros, self._before_zeros = 0, loss
            return
        self._zeros += 1
        if self._zeros < self.settings.zero_steps or self._before_zeros <= self.settings.zero_from:
            return
        raise TrainingStopped(
            f"到第 {step} 步，损失连着 {self._zeros} 步正好是 0，之前并没有学会：算出来的数不可信，训练停下了。"
            "多半是精度不对：请换 --dtype（float32 或 bfloat16），并用 xiaoan dataset check 看看答案有没有被截光。"
        )

    def _check_explosion(self, step: int, mean: float, first: float) -> None:
        high = mean > self.settings.explosion_factor * self._best and mean > first
        self._high = self._high + 1 if high else 0
        if self._high < self.settings.explosion_steps:
            return
        raise TrainingStopped(
            f"到第 {step} 步，损失升到 {mean:.4g}，最好时是 {self._best:.4g}，已经连着 {self._high} 步没有回落，训练停下了。"
            f"请把学习率（--learning-rate，现在是 {self.learning_rate:g}）降到三分之一左右，"
            "或减小前缀的初始大小（--init-std）。"
        )

    def _check_progress(self, step: int, first: float) -> None:
        patience = self.settings.patience
        if not patience or self._steps < patience or self._best < self.settings.progress * first:
            return
        raise TrainingStopped(
            f"练了 {step} 步，损失一直在 {first:.4g} 左右，没有下降，训练停下了。"
            f"请提高学习率（--learning-rate，现在是 {self.learning_rate:g}），例如到十倍，小底座可用 --preset exam；"
            "并用 xiaoan dataset check 看看数据。"
        )


def _kind(figure: float) -> str:
    return "不是数（NaN）" if math.isnan(figure) else "是无穷大"
