"""Bank questions as `content` → `summary` pairs.

Form `plain`: the stem as `normalize_stem` writes it → the answer's texts in one fixed order (`normalize_answers`), so
that the order in which a question shows its options never matters.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from xiaoan.question_bank.normalization import normalize_answers, normalize_stem
from xiaoan.question_bank.question import Question
from xiaoan.question_bank.slips import drop_characters

PLAIN_FORM = "plain"
"""The name of this form on the cards of what is trained on it."""


@dataclass(frozen=True)
class Pair:
    """One training example: what is asked, and the answer to learn."""

    content: str
    summary: str


def bank_pairs(questions: Sequence[Question]) -> list[Pair]:
    """Return the `plain` pair of every question."""
    return [Pair(normalize_stem(q.stem), normalize_answers(q.answer)) for q in questions]


def with_slips(pairs: Sequence[Pair], rate: float, copies: int, random_source: random.Random) -> list[Pair]:
    """Return the pairs, then `copies` more of each with about `rate` of its neutral characters missing."""
    slipped = [Pair(drop_characters(p.content, rate, random_source), p.summary) for p in list(pairs) * copies]
    return [*pairs, *slipped]
