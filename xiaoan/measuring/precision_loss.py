"""What a precision costs in accuracy: the same tokens read by two models, their logits side by side.

The tokens are the exact model's own greedy answers, which the other one is made to follow: a difference at one token then
says nothing about the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xiaoan.measuring.answer_loops import BatchLoop, Ready


@dataclass(frozen=True)
class ExactAnswer:
    """A greedy answer of the exact model: prompt `[1, s]`, its ids, and the logits of every step `[tokens, vocab]`."""

    prompt: Tensor
    token_ids: tuple[int, ...]
    logits: Tensor


@dataclass(frozen=True)
class PrecisionLoss:
    """How far another model is from the exact one.

    Attributes:
        tokens: how many were compared.
        same: at how many the best token is the same.
        largest_difference: of two logits of a step.
        spread: standard deviation of the exact logits, the scale by which to read the difference.
    """

    tokens: int
    same: int
    largest_difference: float
    spread: float

    def to_document(self) -> dict[str, object]:
        """Return the figures as JSON values, rounded."""
        return {
            "largest_logit_difference": round(self.largest_difference, 5),
            "logit_spread": round(self.spread, 4),
            "tokens": self.tokens,
            "same_tokens": self.same,
        }


def exact_answers(
    exact: Ready, prompts: Sequence[Tensor], *, new_tokens: int, eos: int | None = None
) -> list[ExactAnswer]:
    """Return what `exact` answers to each prompt `[1, s]`: `new_tokens` tokens, or up to `eos` and with it."""
    loop = BatchLoop(exact)
    found = []
    for prompt in prompts:
        ids, rows = [loop.first(prompt)[0]], [loop.logits[0]]
        while len(ids) < new_tokens and ids[-1] != eos:
            ids.append(loop.following()[0])
            rows.append(loop.logits[0])
        found.append(ExactAnswer(prompt, tuple(ids), torch.stack(rows).float().cpu()))
    return found


def precision_loss(other: Ready, answers: Sequence[ExactAnswer]) -> PrecisionLoss:
    """Return how far `other` is from the model that gave `answers`, step by step along them."""
    loop = BatchLoop(other)
    tokens = same = 0
    largest = 0.0
    for answer in answers:
        best = loop.first(answer.prompt)
        for place, token_id in enumerate(answer.token_ids):
            if place:
                before = torch.tensor([[answer.token_ids[place - 1]]], device=other.model.device)
                best = loop.following_as(before)
            difference = loop.logits[0].float().cpu() - answer.logits[place]
            largest = max(largest, float(difference.abs().max()))
            same += best[0] == token_id
            tokens += 1
    spread = float(torch.cat([answer.logits for answer in answers]).std()) if answers else 0.0
    return PrecisionLoss(tokens, same, largest, spread)
