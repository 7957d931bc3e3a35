"""The curves of a run for TensorBoard: a listener of the loop that writes scalars into a folder."""

import importlib.util
from pathlib import Path
from typing import Any

from xiaoan.errors import StorageError, UsageError
from xiaoan.training.running.listening import EvaluationReport, SilentListener, StepReport


class TensorboardCurves(SilentListener):
    """A `TrainingListener` that writes loss, learning rate, gradient norm, speed and exact shares.

    Of a run that is gone on with, what lies behind the step it goes on from is marked as not having been.

    Args:
        folder: made when the first step is written.

    Raises:
        UsageError: the extra `tensorboard` is not installed.
    """

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise UsageError(
                "--tensorboard 需要另装程序库：pip install 'xiaoan[tensorboard]'。不装就去掉这个选项。"
            )
        self._folder = folder
        self._writer: Any = None

    def on_step(self, report: StepReport) -> None:
        """Write the figures of a step."""
        self._write("train/loss", report.loss, report.step)
        self._write("train/learning_rate", report.learning_rate, report.step)
        self._write("train/gradient_norm", report.gradient_norm, report.step)
        self._write("train/tokens_per_s", report.tokens_per_s, report.step)

    def on_evaluation(self, report: EvaluationReport) -> None:
        """Write what was measured."""
        self._write("exact/train", report.exact_train, report.step)
        if report.exact_held_out is not None:
            self._write("exact/held_out", report.exact_held_out, report.step)

    def on_save(self, step: int, path: Path) -> None:  # noqa: ARG002
        """Bring what was written to disk, so that the curves reach as far as the state."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """End the files."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, name: str, value: float, step: int) -> None:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            try:
                self._writer = SummaryWriter(str(self._folder), purge_step=step)
            except OSError as error:
                raise StorageError(
                    f"TensorBoard 的曲线写不到 {self._folder}：{error.strerror or error}。请换一个文件夹。"
                ) from error
        self._writer.add_scalar(name, value, step)
