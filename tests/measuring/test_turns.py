from itertools import count

import pytest
import torch
from torch import Tensor

from xiaoan.measuring.turns import Ratio, Turn, in_turns, median_step_s, speedup, take_turn

PROMPT = torch.zeros(1, 4, dtype=torch.int64)


class Counting:
    """Answers 0, 1, 2, …; every token takes `takes_s` of a clock that the test turns."""

    def __init__(self, clock: "Hand", takes_s: float = 1.0) -> None:
        self._clock, self._takes_s = clock, takes_s
        self.asked = 0
        self._ids = count()

    def first(self, input_ids: Tensor) -> list[int]:
        self.asked += 1
        self._ids = count()
        return self.following()

    def following(self) -> list[int]:
        self._clock.now += self._takes_s
        return [next(self._ids)]


class Hand:
    """A clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_turn_has_the_time_of_the_first_token_and_of_every_other() -> None:
    clock = Hand()
    turn = take_turn(Counting(clock, 2.0), PROMPT, new_tokens=4, clock=clock)
    assert turn == Turn(2.0, (2.0, 2.0, 2.0), (0, 1, 2, 3))


def test_a_turn_is_cut_when_it_takes_too_long_but_has_a_step() -> None:
    clock = Hand()
    loop = Counting(clock, 2.0)
    assert take_turn(loop, PROMPT, new_tokens=9, clock=clock, longest_s=5.0).token_ids == (0, 1, 2)
    assert take_turn(loop, PROMPT, new_tokens=9, clock=clock, longest_s=0.5).token_ids == (0, 1)


def test_all_take_turns_in_every_round_there_and_back() -> None:
    clock, told = Hand(), list[str]()
    loops = {"fast": Counting(clock, 1.0), "slow": Counting(clock, 3.0)}
    turns = in_turns(
        loops,
        PROMPT,
        new_tokens=3,
        rounds=3,
        clock=clock,
        on_turn=lambda name, done: told.append(f"{name} {done}"),
    )
    assert told == ["fast 0", "slow 1", "slow 2", "fast 3", "fast 4", "slow 5"]
    assert loops["fast"].asked == 4  # one of them warms up
    assert [len(own) for own in turns.values()] == [3, 3]
    assert median_step_s(turns["slow"]) == 3.0


def test_a_ratio_is_the_median_of_ratios_within_a_round() -> None:
    def turns(*steps: float) -> list[Turn]:
        return [Turn(1.0, (step,), ()) for step in steps]

    assert speedup(turns(4, 8, 100), turns(2, 2, 10)) == Ratio(4.0, 2.0, 10.0)


def test_the_two_of_one_round_belong_together() -> None:
    with pytest.raises(ValueError, match="zip"):
        speedup([Turn(1.0, (1.0,), ())], [])
