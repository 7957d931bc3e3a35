"""Ways to answer, timed in turns: every round lets each of them answer once, so that a slow minute hits all of them.

A figure is the median over the steps of a turn, then over the rounds; a ratio is the median over the rounds of ratios
within one round.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

Clock = Callable[[], float]
"""Seconds."""

OnTurn = Callable[[str, int], None]
"""Told the name of whose turn it is, and how many turns are done."""


class AnswerLoop(Protocol):
    """One way to answer."""

    def first(self, input_ids: Tensor) -> list[int]:
        """Forget the last answer, read prompts `[b, s]` (on the CPU) and return the id that follows each of them."""

    def following(self) -> list[int]:
        """Return the next id of each row; an end token ends nothing."""


@dataclass(frozen=True)
class Turn:
    """One answer (of each row): seconds to the first token, of every further step, and the ids of the first row."""

    first_s: float
    step_s: tuple[float, ...]
    token_ids: tuple[int, ...]

    @property
    def median_step_s(self) -> float:
        """Seconds of a step."""
        return statistics.median(self.step_s)


def take_turn(
    loop: AnswerLoop, input_ids: Tensor, *, new_tokens: int, clock: Clock, longest_s: float = math.inf
) -> Turn:
    """Let `loop` answer `input_ids` `[b, s]` and return its times.

    The answer has `new_tokens` tokens (at least 2), or fewer once it has taken `longest_s` seconds.
    """
    start = clock()
    ids = [loop.first(input_ids)[0]]
    now = clock()
    first_s = now - start
    step_s: list[float] = []
    end = start + longest_s
    while len(ids) < new_tokens and not (step_s and now > end):
        start = now
        ids.append(loop.following()[0])
        now = clock()
        step_s.append(now - start)
    return Turn(first_s, tuple(step_s), tuple(ids))


def in_turns(
    loops: Mapping[str, AnswerLoop],
    input_ids: Tensor,
    *,
    new_tokens: int,
    rounds: int,
    clock: Clock,
    on_turn: OnTurn = lambda _name, _done: None,
    warm_up_tokens: int = 4,
    longest_s: float = math.inf,
    settle: Callable[[], None] = lambda: None,
) -> dict[str, list[Turn]]:
    """Return name → one turn a round, after a short one each to warm up; every other round goes backwards.

    `settle` returns when nothing is left to do of the turn before, such as a step that was begun too much.
    """
    for loop in loops.values():
        take_turn(loop, input_ids, new_tokens=warm_up_tokens, clock=clock, longest_s=longest_s)
    turns: dict[str, list[Turn]] = {name: [] for name in loops}
    done = 0
    for number in range(rounds):
        for name in list(loops) if number % 2 == 0 else reversed(list(loops)):
            on_turn(name, done)
            settle()
            turns[name].append(
                take_turn(loops[name], input_ids, new_tokens=new_tokens, clock=clock, longest_s=longest_s)
            )
            done += 1
    return turns


def median_first_s(turns: Sequence[Turn]) -> float:
    """Return the seconds to the first token."""
    return statistics.median(turn.first_s for turn in turns)


def median_step_s(turns: Sequence[Turn]) -> float:
    """Return the seconds of a step."""
    return statistics.median(turn.median_step_s for turn in turns)


@dataclass(frozen=True)
class Ratio:
    """How many times as fast, in the median over the rounds, at least and at most."""

    median: float
    least: float
    most: float


def speedup(base: Sequence[Turn], turns: Sequence[Turn]) -> Ratio:
    """Return how many times as fast a step of `turns` is as one of `base`, round by round."""
    ratios = [
        one.median_step_s / max(other.median_step_s, 1e-9) for one, other in zip(base, turns, strict=True)
    ]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))
