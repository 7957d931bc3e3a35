"""A training example as text: what is asked, what is to be answered, and the rounds before it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Pair:
    """One training example: what is asked, and the answer to learn; `history` holds (question, answer) rounds."""

    content: str
    summary: str
    history: tuple[tuple[str, str], ...] = ()


EpochPairs = Callable[[Random], Sequence[Pair]]
"""Makes the pairs of one epoch, with fresh shuffles, from a generator of that epoch's own."""


def prompt_of(pair: Pair) -> str:
    """Return what the model is asked: the bare content, or the published multi-turn prompt with its history."""
    if not pair.history:
        return pair.content
    from xiaoan.chatglm.generation import build_prompt

    return build_prompt(pair.content, pair.history)
