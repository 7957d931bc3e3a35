"""What a training run tells whoever listens: steps, measurements, states on disk, and how it ended."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Ending = Literal["done", "early", "stopped"]


@dataclass(frozen=True)
class StepReport:
    """What the loop tells its listener after a step.

    Attributes:
        step: counted from 1.
        steps: of the whole run.
        loss: mean over the last 20 steps.
        learning_rate: of this step.
        gradient_norm: before clipping.
        tokens_per_s: prompt and answer without padding, over all processes, of the last 20 steps; 0.0: not yet known.
        peak_memory: bytes, of this process; None where the system does not tell.
        elapsed_s: since the run began, pauses between resumed parts left out.
        remaining_s: if it goes on like this; None: not yet known.
        step_loss: of this step alone.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    elapsed_s: float
    gradient_norm: float = 0.0
    tokens_per_s: float = 0.0
    peak_memory: int | None = None
    remaining_s: float | None = None
    step_loss: float = 0.0


@dataclass(frozen=True)
class EvaluationScores:
    """What is measured now and then: shares of pairs answered token for token; None where there is nothing held out."""

    exact_train: float
    exact_held_out: float | None = None


@dataclass(frozen=True)
class EvaluationReport:
    """A measurement after a step."""

    step: int
    exact_train: float
    exact_held_out: float | None
    elapsed_s: float
    best: bool = False


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        step: the last one taken.
        ending: "done", "early" (everything learnt), or "stopped" (by the person; it can be resumed).
        best_step: the step whose state the model now has; the last one if nothing was measured.
        best_exact: the held-out share then, or that of the training pairs; None if nothing was measured.
        final_loss: mean over the last 20 steps.
        elapsed_s: since the run began.
        tokens: prompt and answer tokens seen, padding left out.
    """

    step: int
    ending: Ending
    best_step: int
    best_exact: float | None
    final_loss: float
    elapsed_s: float
    tokens: int


class TrainingListener(Protocol):
    """Hears how a run goes on; in the main process only."""

    def on_step(self, report: StepReport) -> None:
        """A step was taken."""

    def on_evaluation(self, report: EvaluationReport) -> None:
        """Something was measured."""

    def on_save(self, step: int, path: Path) -> None:
        """A state is on disk."""

    def on_notice(self, text: str) -> None:
        """Something is worth a line."""


class SilentListener:
    """Hears everything and does nothing; a base for listeners that want only some of it."""

    def on_step(self, report: StepReport) -> None:
        """A step was taken."""

    def on_evaluation(self, report: EvaluationReport) -> None:
        """Something was measured."""

    def on_save(self, step: int, path: Path) -> None:
        """A state is on disk."""

    def on_notice(self, text: str) -> None:
        """Something is worth a line."""
