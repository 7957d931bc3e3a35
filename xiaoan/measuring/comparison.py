"""Precisions of one model beside each other and beside the reference, and each as a share of what the machine can do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from xiaoan.chatglm.device import dtype_name
from xiaoan.errors import PrefixMismatchError
from xiaoan.measuring.answer_loops import Ready, answer_loop
from xiaoan.measuring.machine_rates import MachineRates, ReadingRate, wait_for
from xiaoan.measuring.memory_use import held_bytes
from xiaoan.measuring.precision_loss import ExactAnswer, PrecisionLoss, exact_answers, precision_loss
from xiaoan.measuring.shapes import random_prompts
from xiaoan.measuring.step_costs import prefill_operations, read_bytes
from xiaoan.measuring.subjects import Subject
from xiaoan.measuring.turns import (
    AnswerLoop,
    Clock,
    Ratio,
    Turn,
    in_turns,
    median_first_s,
    median_step_s,
    speedup,
)
from xiaoan.measuring.variants import EXACT, Variant

REFERENCE = "reference"
"""Name of the published way among the precisions."""

HALVES = ("float16", "bfloat16")

Tell = Callable[[str], None]
"""Told what is being done."""


@dataclass(frozen=True)
class Case:
    """What is asked: tokens of a prompt, prompts at once, tokens of an answer; in so many rounds."""

    prompt: int = 64
    batch: int = 1
    new_tokens: int = 64
    rounds: int = 5


@dataclass(frozen=True)
class Plan:
    """What is measured and how.

    Attributes:
        cases: what is asked.
        reference: whether the published way takes its turn, where one prompt is asked at once.
        together: whether all models are in memory at once and take turns; else one comes after the other.
        loss_tokens: of each answer by which the accuracy is measured; 0: it is not.
        eos: what ends such an answer, None for nothing.
        longest_s: a turn is cut after so long.
    """

    cases: Sequence[Case]
    reference: bool = True
    together: bool = True
    loss_tokens: int = 16
    eos: int | None = None
    longest_s: float = 10.0


@dataclass(frozen=True)
class Row:
    """What was measured of one precision in one case.

    Attributes:
        name: the precision, or `reference`.
        dtype: of what is not quantised.
        case: what was asked.
        first_s: seconds from the prompts to the first tokens.
        step_s: seconds of a further token of every row.
        read_bytes: what a step cannot do without reading.
        read_rate: bytes a second of a plain read of so many.
        prefill_rate: operations a second while the prompts were read.
        multiply_rate: operations a second of a large matrix product; None where not measured.
        speedup: how many times as fast as the reference a step is; None without it.
    """

    name: str
    dtype: str
    case: Case
    first_s: float
    step_s: float
    read_bytes: int
    read_rate: float
    prefill_rate: float
    multiply_rate: float | None
    speedup: Ratio | None

    @property
    def tokens_per_s(self) -> float:
        """Tokens a second of all rows together, once the prompts are read."""
        return self.case.batch / self.step_s

    @property
    def read_share(self) -> float:
        """The step's rate of reading as a share of a plain read."""
        return self.read_bytes / self.step_s / self.read_rate

    @property
    def multiply_share(self) -> float | None:
        """The rate of operations while the prompts were read, as a share of a large product's."""
        return None if self.multiply_rate is None else self.prefill_rate / self.multiply_rate

    def to_document(self) -> dict[str, object]:
        """Return the figures as JSON values, rounded."""
        document: dict[str, object] = {
            "precision": self.name,
            "dtype": self.dtype,
            "prompt": self.case.prompt,
            "batch": self.case.batch,
            "first_token_ms": round(1000 * self.first_s, 2),
            "prefill_tokens_per_s": round(self.case.batch * self.case.prompt / self.first_s, 1),
            "ms_per_token": round(1000 * self.step_s, 3),
            "tokens_per_s": round(self.tokens_per_s, 2),
            "read_mb_per_token": round(self.read_bytes / 1e6, 1),
            "read_gb_per_s": round(self.read_bytes / self.step_s / 1e9, 2),
            "share_of_read": round(self.read_share, 3),
        }
        if self.multiply_share is not None:
            document["share_of_matrix_rate"] = round(self.multiply_share, 3)
        if self.speedup is not None:
            document["speedup"] = round(self.speedup.median, 3)
            document["speedup_least"] = round(self.speedup.least, 3)
            document["speedup_most"] = round(self.speedup.most, 3)
        return document


@dataclass
class Comparison:
    """What came of a plan.

    Attributes:
        rows: by case, then in the order of the precisions.
        losses: precision → how far from the exact one.
        exact: the precision that others were held against; None for none.
        held: precision → bytes of memory that its model took; None where the system does not say.
        refused: precision, or several and a case → why it could not be measured.
        warnings: precision → which faster ways turned out not to work.
    """

    rows: list[Row] = field(default_factory=list)
    losses: dict[str, PrecisionLoss] = field(default_factory=dict)
    exact: str | None = None
    held: dict[str, int | None] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, list[str]] = field(default_factory=dict)

    def row(self, name: str, *, prompt: int = 64, batch: int = 1) -> Row | None:
        """Return the row of a precision in a case; None where there is none."""
        return next(
            (r for r in self.rows if (r.name, r.case.prompt, r.case.batch) == (name, prompt, batch)), None
        )

    @property
    def has_reference(self) -> bool:
        """Whether the published way took its turns."""
        return any(row.name == REFERENCE for row in self.rows)

    def over_half_precision(self, row: Row) -> float | None:
        """Return how many times as fast a step is as the fastest half precision's in the same case; None without one."""
        halves = [self.row(name, prompt=row.case.prompt, batch=row.case.batch) for name in HALVES]
        times = [half.step_s for half in halves if half is not None]
        return min(times) / row.step_s if times else None

    def over_single_stream(self, row: Row) -> float | None:
        """Return how many times as many tokens a second as one answer alone; None where that was not measured."""
        alone = self.row(row.name, prompt=row.case.prompt)
        return None if alone is None or row.case.batch == 1 else row.tokens_per_s / alone.tokens_per_s

    def _row_document(self, row: Row) -> dict[str, object]:
        compared = {
            "speedup_over_half_precision": self.over_half_precision(row),
            "throughput_over_single_stream": self.over_single_stream(row),
        }
        return {
            **row.to_document(),
            **{key: round(value, 3) for key, value in compared.items() if value is not None},
        }

    def to_document(self) -> dict[str, object]:
        """Return the figures as JSON values, rounded."""
        return {
            "rows": [self._row_document(row) for row in self.rows],
            "accuracy_against": self.exact,
            "accuracy": {name: loss.to_document() for name, loss in self.losses.items()},
            "model_memory_mb": {
                name: None if size is None else round(size / 1e6, 1) for name, size in self.held.items()
            },
            "refused": self.refused,
            "warnings": self.warnings,
        }


def compare(
    subject: Subject,
    variants: Sequence[Variant],
    plan: Plan,
    rates: MachineRates,
    *,
    reading: ReadingRate,
    clock: Clock,
    tell: Tell = lambda _: None,
) -> Comparison:
    """Return what `plan` comes to for `subject` in these precisions.

    Raises:
        DeviceError: memory ran out.
        CheckpointError: the stored weights cannot be used.
    """
    runner = _Runner(subject, plan, rates, reading, clock, tell)
    groups = [list(variants)] if plan.together else [[variant] for variant in variants]
    for group in groups:
        runner.measure(group)
    return runner.made


class _Runner:
    """Loads precisions and lets them answer; what comes of it is gathered in `made`."""

    def __init__(
        self,
        subject: Subject,
        plan: Plan,
        rates: MachineRates,
        reading: ReadingRate,
        clock: Clock,
        tell: Tell,
    ) -> None:
        self.made = Comparison()
        self._subject, self._plan, self._rates = subject, plan, rates
        self._reading, self._clock, self._tell = reading, clock, tell
        self._exact: list[ExactAnswer] = []

    def measure(self, variants: Sequence[Variant]) -> None:
        """Measure precisions that are in memory together; they are let go afterwards."""
        own = {variant.name: variant for variant in variants}
        loaded = {name: ready for name, variant in own.items() if (ready := self._load(variant)) is not None}
        reference: dict[str, AnswerLoop] = {}
        if self._plan.reference:
            self._tell(REFERENCE)
            reference[REFERENCE] = self._subject.reference()
        for case in self._plan.cases:
            loops = {name: answer_loop(ready, batch=case.batch) for name, ready in loaded.items()}
            if case.batch == 1:
                loops = {**reference, **loops}
            try:
                turns = self._answers(loops, case)
            except torch.OutOfMemoryError:  # of a GPU; the other cases need less
                asked = f"{case.prompt}×{case.batch}"
                self.made.refused[f"{'、'.join(loops)} {asked}"] = "显存不够"
                continue
            self.made.rows += [
                self._row(name, own.get(name), loaded.get(name), case, turns) for name in loops
            ]
        self._measure_losses(loaded)
        self.made.warnings |= {name: ready.warnings for name, ready in loaded.items() if ready.warnings}

    def _load(self, variant: Variant) -> Ready | None:
        self._tell(variant.name)
        before = held_bytes(self._reading.device)
        try:
            ready = self._subject.ready(variant)
        except PrefixMismatchError as error:  # the others may do
            self.made.refused[variant.name] = error.message
            return None
        after = held_bytes(self._reading.device)
        self.made.held[variant.name] = None if before is None or after is None else after - before
        return ready

    def _answers(self, loops: Mapping[str, AnswerLoop], case: Case) -> dict[str, list[Turn]]:
        return in_turns(
            loops,
            random_prompts(self._subject.config, length=case.prompt, batch=case.batch),
            new_tokens=case.new_tokens,
            rounds=case.rounds,
            clock=self._clock,
            longest_s=self._plan.longest_s,
            settle=lambda: wait_for(self._reading.device),
            on_turn=lambda name, done: self._tell(
                f"{name} {case.prompt}×{case.batch} {done + 1}/{case.rounds * len(loops)}"
            ),
        )

    def _row(
        self,
        name: str,
        variant: Variant | None,
        ready: Ready | None,
        case: Case,
        turns: Mapping[str, Sequence[Turn]],
    ) -> Row:
        config = self._subject.config
        dtype = torch.float32 if ready is None else ready.dtype
        keys = (config.pre_seq_len or 0) + case.prompt
        read = read_bytes(
            config,
            EXACT if variant is None else variant.precision,
            floating_bytes=dtype.itemsize,
            keys=keys + case.new_tokens // 2,
            batch=case.batch,
            head_bits=_head_bits(variant, ready, case),
        )
        first_s = median_first_s(turns[name])
        operations = prefill_operations(config, length=case.prompt, keys=keys, batch=case.batch)
        base = turns.get(REFERENCE)
        return Row(
            name=name,
            dtype=dtype_name(dtype),
            case=case,
            first_s=first_s,
            step_s=median_step_s(turns[name]),
            read_bytes=read,
            read_rate=self._reading(read),
            prefill_rate=operations / first_s,
            multiply_rate=self._rates.multiplied.get(dtype_name(dtype)),
            speedup=None if base is None else speedup(base, turns[name]),
        )

    def _measure_losses(self, loaded: Mapping[str, Ready]) -> None:
        """Hold every precision against the first one that is in floating point."""
        if not self._plan.loss_tokens:
            return
        for name, ready in loaded.items():
            self._tell(f"{name} accuracy")
            if self.made.exact is None:
                self.made.exact = name
                self._exact = exact_answers(
                    ready, self._subject.questions(), new_tokens=self._plan.loss_tokens, eos=self._plan.eos
                )
            else:
                self.made.losses[name] = precision_loss(ready, self._exact)


def _head_bits(variant: Variant | None, ready: Ready | None, case: Case) -> int:
    """Of the head as it is read, 0 for floating point; a batch wants all logits and is not screened."""
    if variant is None or ready is None:
        return 0
    return variant.head_bits or (ready.head_bits if case.batch == 1 else 0)
