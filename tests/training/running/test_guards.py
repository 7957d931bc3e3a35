"""When a run is stopped because of its loss, and when not."""

import math
from collections.abc import Iterable

import pytest

from xiaoan.training.running.guards import GuardSettings, LossGuard, TrainingStopped

SETTINGS = GuardSettings(window=5, explosion_steps=10, patience=40)


def fed(losses: Iterable[float], norm: float = 1.0) -> LossGuard:
    guard = LossGuard(SETTINGS, learning_rate=0.02)
    for step, loss in enumerate(losses, start=1):
        guard.check(step, loss, norm)
    return guard


@pytest.mark.parametrize(("loss", "norm", "words"), [
    (math.nan, 1.0, "损失不是数"), (math.inf, 1.0, "损失是无穷大"), (2.0, math.nan, "梯度不是数"), (2.0, math.inf, "梯度是无穷大"),
])  # fmt: skip
def test_what_is_no_number_stops_at_once_and_names_the_learning_rate(
    loss: float, norm: float, words: str
) -> None:
    with pytest.raises(TrainingStopped, match=words) as caught:
        fed([loss], norm)
    assert "--learning-rate，现在是 0.02" in caught.value.message


@pytest.mark.parametrize("before", [[], [3.0, 2.5]])
def test_a_loss_of_zero_out_of_nowhere_stops(before: list[float]) -> None:
    with pytest.raises(TrainingStopped, match="正好是 0") as caught:
        fed([*before, 0.0, 0.0, 0.0])
    assert "--dtype" in caught.value.message


def test_a_loss_that_learning_brings_to_zero_goes_on() -> None:
    fed([3.0, 1.0, 0.3, 0.04, *[0.0] * 20])


def test_an_explosion_stops_when_it_lasts() -> None:
    fall = [4.0, 3.0, 2.0, 1.5, 1.0, 1.0, 1.0, 1.0, 1.0]
    fed([*fall, *[9.0] * 10])
    with pytest.raises(TrainingStopped, match="没有回落"):
        fed([*fall, *[9.0] * 20])


def test_a_first_rise_and_a_hard_batch_are_no_explosions() -> None:
    fed([4.0] * 5 + [8.0] * 30 + [2.0] * 5)
    fed([4.0] * 5 + [0.01] * 20 + [0.5] * 30)


def test_a_loss_that_never_falls_stops_and_names_a_higher_rate() -> None:
    with pytest.raises(TrainingStopped, match="没有下降") as caught:
        fed([4.0 + 0.01 * (step % 3) for step in range(60)])
    assert "提高学习率" in caught.value.message


def test_a_plateau_after_learning_is_no_reason_to_stop() -> None:
    fed([4.0] * 10 + [0.5] * 200)


def test_a_guard_goes_on_where_its_state_was_taken() -> None:
    losses = [4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, *[9.0] * 9]  # the means of the last 4 are too high
    first = fed(losses)
    second = LossGuard(SETTINGS, learning_rate=0.02)
    second.restore(first.state())
    assert second.state() == first.state()
    second.check(17, 9.0, 1.0)
    with pytest.raises(TrainingStopped, match="没有回落"):
        second.check(18, 9.0, 1.0)
