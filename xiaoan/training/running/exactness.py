"""The share of pairs that a model answers token for token, told by one forward pass instead of by generating."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.training.data.pairs import Pair
from xiaoan.training.running.batches import IGNORED, Example, collate, encode_pair

if TYPE_CHECKING:
    from xiaoan.training.dataset import TrainingData
    from xiaoan.training.running.listening import EvaluationScores


@dataclass(frozen=True)
class AnsweredBatch:
    """What a model gives at the places of some right answers' tokens.

    Attributes:
        rows: how many pairs.
        row_of: int64 `[n]`, the pair that each token belongs to.
        right: int64 `[n]`, the right tokens.
        logits: `[n, vocab]`, on the model's device.
    """

    rows: int
    row_of: Tensor
    right: Tensor
    logits: Tensor

    @property
    def exact(self) -> int:
        """How many pairs have the right token as the most likely one everywhere."""
        wrong = self.row_of[self.logits.argmax(-1).cpu() != self.right]
        return self.rows - len(wrong.unique())


def answered(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    *,
    batch_size: int = 64,
    max_source_length: int = 512,
    max_target_length: int = 256,
) -> Iterator[AnsweredBatch]:
    """Yield what the model gives after the right tokens before, batch by batch, those of similar lengths together.

    An answer that is cut counts as far as it was kept. The model is left in the mode (training or not) it was in.
    """
    examples = [
        encode_pair(tokenizer, pair, max_source_length=max_source_length, max_target_length=max_target_length)
        for pair in pairs
    ]
    examples.sort(key=lambda example: len(example.input_ids))
    was_training = model.training
    model.train(False)
    try:
        for start in range(0, len(examples), batch_size):
            yield _answered(model, examples[start : start + batch_size], int(tokenizer.pad_token_id))
    finally:
        model.train(was_training)


@torch.inference_mode()
def _answered(model: ChatGLMForConditionalGeneration, examples: Sequence[Example], pad: int) -> AnsweredBatch:
    batch = collate(examples, pad)
    labels = batch.labels[:, 1:]
    rows, columns = (labels != IGNORED).nonzero(as_tuple=True)
    places = (rows * batch.input_ids.shape[1] + columns).to(model.device)
    logits = model.answer_logits(batch.input_ids.to(model.device), places)
    return AnsweredBatch(len(examples), rows, labels[rows, columns], logits)


def exact_count(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    **sizes: int,
) -> int:
    """Return how many pairs greedy decoding would answer token for token, end included; `sizes` as in `answered`.

    Greedy decoding reproduces an answer if and only if each of its tokens is the most likely one after the right
    tokens before it, so one forward pass tells.
    """
    return sum(batch.exact for batch in answered(model, tokenizer, pairs, **sizes))


def exact_share(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    **sizes: int,
) -> float:
    """Return `exact_count` as a share of the pairs; 0 without any."""
    return exact_count(model, tokenizer, pairs, **sizes) / len(pairs) if pairs else 0.0


def scores_on(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    data: "TrainingData",
    *,
    max_source_length: int = 512,
    max_target_length: int = 256,
) -> "EvaluationScores":
    """Return the exact shares of what is learnt and of what is held out (None where nothing is)."""
    from xiaoan.training.running.listening import EvaluationScores

    lengths = {"max_source_length": max_source_length, "max_target_length": max_target_length}
    held_out = exact_share(model, tokenizer, data.held_out, **lengths) if data.held_out else None
    return EvaluationScores(exact_share(model, tokenizer, data.fixed_train, **lengths), held_out)
