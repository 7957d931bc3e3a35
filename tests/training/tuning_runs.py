"""A tuning run over a tiny base: data, plan and everything else that `tune` asks for, ready made."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.training.tiny_base import PAIRS, tiny_base
from xiaoan.training.data.pairs import Pair
from xiaoan.training.dataset import DataFacts, TrainingData
from xiaoan.training.methods import Base, Method
from xiaoan.training.methods.ptuning import PTuning
from xiaoan.training.running.devices import Devices
from xiaoan.training.running.loop import LoopSettings, SilentListener, StepReport
from xiaoan.training.tuning import Evaluate, TuningPlan, TuningResult, tune

LOOP = LoopSettings(
    steps=6,
    batch_size=2,
    learning_rate=0.05,
    save_every=2,
    evaluate_every=3,
    autocast="float32",
    gradient_checkpointing="off",
)
PREFIX = PTuning(pre_seq_len=4, init_std=0.3)


def data_of(
    pairs: Sequence[Pair] = PAIRS,
    *,
    held_out: Sequence[Pair] = (),
    general: Sequence[Pair] = (),
    sha256: str = "d" * 64,
) -> TrainingData:
    """What is learnt: the same pairs in every epoch."""
    facts = DataFacts(
        sha256=sha256,
        sources=(),
        train=len(pairs),
        held_out=len(held_out),
        general=len(general),
        forms=("plain",),
        recipe=None,
        split=None,
        mix=(),
        seed=0,
    )
    return TrainingData(lambda _: list(pairs), tuple(pairs), tuple(held_out), tuple(general), facts)


@dataclass
class Listener(SilentListener):
    """Remembers notices and steps."""

    notices: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def on_notice(self, text: str) -> None:
        self.notices.append(text)

    def on_step(self, report: StepReport) -> None:
        self.steps.append(report.step)


def tuned(
    base: Base | Path,
    output: Path,
    *,
    method: Method = PREFIX,
    data: TrainingData | None = None,
    resume: bool = False,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    evaluate: Evaluate | None = None,
    devices: Devices | None = None,
    **loop: object,
) -> TuningResult:
    """Run `tune`; a path stands for the base in it, `loop` changes settings of the loop."""
    ticks = itertools.count()
    return tune(
        tiny_base(base) if isinstance(base, Path) else base,
        data or data_of(),
        TuningPlan(method, replace(LOOP, **loop), "exam", ("理由",)),  # type: ignore[arg-type]
        output=output,
        resume=resume,
        listener=listener or Listener(),
        should_stop=should_stop,
        evaluate=evaluate,
        devices=devices or Devices(),
        clock=lambda: float(next(ticks)),
        now=lambda: "2026-11-21T09:00:00+08:00",
    )
