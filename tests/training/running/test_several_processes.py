"""The same run on one process and on two: the same curve within rounding, the same resume."""

from pathlib import Path
from typing import Any

import pytest

from tests.training.processes import trained_on

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def assert_same(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert len(one["curve"]) == len(two["curve"])
    for (loss, norm), (other_loss, other_norm) in zip(one["curve"], two["curve"], strict=True):
        assert other_loss == pytest.approx(loss, rel=2e-6)
        assert other_norm == pytest.approx(norm, rel=1e-4)  # torch's own rounding of a norm
    assert two["sums"] == pytest.approx(one["sums"], rel=1e-4, abs=1e-4)
    assert two["exact"] == one["exact"]


@pytest.mark.parametrize("what", ["prefix", pytest.param("full", marks=pytest.mark.slow)])
def test_two_processes_give_the_curve_of_one(tmp_path: Path, what: str) -> None:
    """DDP for a prefix, with dropout and accumulation; FSDP where everything is trained."""
    one, two = (trained_on(count, tmp_path / str(count), what, steps=6) for count in (1, 2))
    assert_same(one, two)
    assert one["result"]["tokens"] == two["result"]["tokens"]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["prefix", "full"])
@pytest.mark.parametrize("changes", [
    {"batch_size": 1, "gradient_accumulation_steps": 3},
    {"batch_size": 2, "gradient_checkpointing": "on"},
    {"batch_size": 7, "evaluate_every": 2, "steps": 7},
])  # fmt: skip
def test_two_processes_give_the_curve_of_one_however_it_is_shared(
    tmp_path: Path, what: str, changes: dict[str, Any]
) -> None:
    one, two = (trained_on(count, tmp_path / str(count), what, **changes) for count in (1, 2))
    assert_same(one, two)
    assert one["result"]["best_step"] == two["result"]["best_step"]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["prefix", "full"])
def test_a_run_stopped_on_two_processes_goes_on_as_if_it_had_not_been(tmp_path: Path, what: str) -> None:
    whole = trained_on(2, tmp_path / "whole", what, evaluate_every=3)
    first = trained_on(2, tmp_path / "parted", what, evaluate_every=3, stop_after=4)
    assert first["result"]["ending"] == "stopped"
    second = trained_on(2, tmp_path / "parted", what, evaluate_every=3, resume=True)
    assert first["curve"] + second["curve"] == whole["curve"]
    assert second["sums"] == whole["sums"]


@pytest.mark.slow
def test_a_run_stopped_on_two_processes_goes_on_on_one(tmp_path: Path) -> None:
    whole = trained_on(1, tmp_path / "whole", "full")
    trained_on(2, tmp_path / "parted", "full", stop_after=4)
    second = trained_on(1, tmp_path / "parted", "full", resume=True)
    assert second["sums"] == pytest.approx(whole["sums"], rel=1e-4, abs=1e-4)
