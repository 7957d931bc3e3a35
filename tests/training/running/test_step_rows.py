"""Steps of examples: order, weights, shares."""

import random
from itertools import islice

import pytest

from xiaoan.errors import UsageError
from xiaoan.training.running.batches import IGNORED, Example
from xiaoan.training.running.loop_settings import LoopSettings
from xiaoan.training.running.step_rows import Row, StepRows, row_seed, share_rows, steps_from


def example(length: int) -> Example:
    return Example(list(range(length)), [IGNORED] * 2 + [1] * (length - 2))


def settings(batch_size: int, accumulation: int) -> LoopSettings:
    return LoopSettings(
        steps=5, batch_size=batch_size, learning_rate=1.0, gradient_accumulation_steps=accumulation
    )


def epoch_examples(random_source: random.Random) -> list[Example]:
    return [example(random_source.randint(4, 30)) for _ in range(11)]


def steps(batch_size: int, accumulation: int, *, epoch: int = 0, taken: int = 0) -> list[StepRows]:
    found = steps_from(epoch_examples, settings(batch_size, accumulation), epoch=epoch, taken=taken)
    return list(islice(found, 12))


def test_steps_begun_in_the_middle_are_the_ones_that_would_have_come() -> None:
    whole = steps(3, 2)
    for number in (1, 4, 7):
        stand = whole[number - 1]
        assert steps(3, 2, epoch=stand.epoch, taken=stand.taken)[:4] == whole[number : number + 4]


def test_every_batch_of_a_step_weighs_the_same_and_all_weigh_one() -> None:
    for step in steps(3, 2):
        sums = [sum(row.weight * row.example.answer_tokens for row in batch) for batch in step.batches]
        assert sums == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize(("batch_size", "accumulation"), [(3, 2), (1, 4), (4, 1), (11, 1)])
def test_every_row_is_computed_once_by_as_many_forwards_everywhere(
    batch_size: int, accumulation: int, count: int
) -> None:
    for step in steps(batch_size, accumulation):
        shares = [share_rows(step.batches, index, count) for index in range(count)]
        assert len({len(share) for share in shares}) == 1
        computed = [row for share in shares for rows in share for row in rows if row.weight > 0]
        assert sorted(row.place for row in computed) == list(range(sum(map(len, step.batches))))


def test_a_process_without_a_row_computes_one_that_counts_nothing() -> None:
    batches = [[Row(example(5), 0.5, 0)]]
    assert share_rows(batches, 1, 2) == [[Row(example(5), 0.0, 0)]]


def test_each_epoch_has_examples_of_its_own() -> None:
    seen = {step.epoch: step for step in steps(11, 1)}
    assert len(seen) == 12
    assert seen[0].tokens != seen[1].tokens


def test_rows_of_all_steps_and_places_have_seeds_of_their_own() -> None:
    seeds = {row_seed(1, step, place) for step in range(50) for place in range(20)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_an_epoch_without_examples_is_refused() -> None:
    with pytest.raises(UsageError, match="训练数据是空的"):
        next(steps_from(lambda _: [], settings(2, 1), epoch=0, taken=0))
