from pathlib import Path

import pytest

from xiaoan.training.running.listening import EvaluationReport, StepReport
from xiaoan.training.running.tensorboard_curves import TensorboardCurves


@pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard.*")
def test_scalars_can_be_read_back_and_a_resumed_run_replaces_what_was_behind_it(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for first, last in ((1, 4), (3, 5)):
        curves = TensorboardCurves(tmp_path)
        for step in range(first, last + 1):
            curves.on_step(StepReport(step, 5, 1.0 / step, 0.1, 2.0))
        curves.on_evaluation(EvaluationReport(last, 0.5, None, 1.0))
        curves.close()
    read = EventAccumulator(str(tmp_path)).Reload()
    assert [event.step for event in read.Scalars("train/loss")] == [1, 2, 3, 4, 5]
    assert "exact/held_out" not in read.Tags()["scalars"]
