"""The examples of an optimiser step: which they are, what each counts, and which process computes which."""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from xiaoan.errors import UsageError
from xiaoan.training.running.batches import Example, length_sorted
from xiaoan.training.running.loop_settings import LoopSettings

EpochExamples = Callable[[random.Random], Sequence[Example]]
"""Makes the examples of one epoch from a generator of that epoch's own."""


@dataclass(frozen=True)
class Row:
    """An example in a step: what each of its answer's tokens counts, and its place among the step's examples."""

    example: Example
    weight: float
    place: int


@dataclass(frozen=True)
class StepRows:
    """The batches of one step; after it `taken` batches of epoch `epoch` are used up."""

    batches: list[list[Row]]
    epoch: int
    taken: int

    @property
    def tokens(self) -> int:
        """Prompt and answer tokens, without padding."""
        return sum(len(row.example.input_ids) for batch in self.batches for row in batch)


def steps_from(
    epoch_examples: EpochExamples, settings: LoopSettings, *, epoch: int, taken: int
) -> Iterator[StepRows]:
    """Yield the steps, without end, from where `taken` batches of `epoch` are used up.

    A step's weights are those of the published training: the mean over its batches of the mean over each batch's
    answer tokens. However the rows are then shared out, the gradient is the same.

    Raises:
        UsageError: an epoch has no example.
    """
    count = settings.gradient_accumulation_steps
    batches = _batches(epoch_examples, settings, epoch, taken)
    while True:
        chosen = [next(batches) for _ in range(count)]
        rows: list[list[Row]] = []
        place = 0
        for _, _, examples in chosen:
            weight = 1.0 / (count * sum(example.answer_tokens for example in examples))
            rows.append([Row(example, weight, place + i) for i, example in enumerate(examples)])
            place += len(examples)
        yield StepRows(rows, *chosen[-1][:2])


def _batches(
    epoch_examples: EpochExamples, settings: LoopSettings, epoch: int, taken: int
) -> Iterator[tuple[int, int, list[Example]]]:
    """Yield (epoch, batches of it that are then used up, examples)."""
    while True:
        random_source = random.Random(f"{settings.seed}-{epoch}")
        examples = epoch_examples(random_source)
        if not examples:
            raise UsageError("没有可以学的内容：训练数据是空的。请检查题库或训练文件。")
        batches = length_sorted(examples, settings.batch_size, random_source)
        for number in range(taken, len(batches)):
            yield epoch, number + 1, batches[number]
        epoch, taken = epoch + 1, 0


def share_rows(batches: Sequence[Sequence[Row]], index: int, count: int) -> list[list[Row]]:
    """Return what process `index` of `count` computes of a step: as many forwards as every other process.

    Batches too small for all processes are taken together. A process that a batch has no row for computes one
    that counts nothing, since all have to come along.
    """
    if count == 1:
        return [list(batch) for batch in batches]
    largest = max(len(batch) for batch in batches)
    together = -(-count // largest)
    shares = []
    for start in range(0, len(batches), together):
        rows = [row for batch in batches[start : start + together] for row in batch]
        own = rows[index::count]
        shares.append(own or [Row(rows[0].example, 0.0, rows[0].place)])
    return shares


def row_seed(seed: int, step: int, place: int) -> int:
    """Return the seed of what is dropped in the example at `place` of step `step`: below 2**63, alike nowhere else."""
    digest = hashlib.blake2b(f"{seed}-{step}-{place}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
