"""The share of pairs that a model answers token for token, told by one forward pass instead of by generating."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedTokenizerBase

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.training.data.pairs import Pair
from xiaoan.training.running.batches import IGNORED, Example, collate, encode_pair

if TYPE_CHECKING:
    from xiaoan.training.dataset import TrainingData
    from xiaoan.training.running.listening import EvaluationScores


def exact_share(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    *,
    batch_size: int = 64,
    max_source_length: int = 512,
    max_target_length: int = 256,
) -> float:
    """Return the share of pairs whose answer greedy decoding would give token for token, end included.

    Greedy decoding reproduces an answer if and only if each of its tokens is the most likely one after the right
    tokens before it, so one forward pass tells. An answer that is cut counts as far as it was kept. No pairs: 0.
    The model is left in the mode (training or not) it was in.
    """
    examples = [
        encode_pair(tokenizer, pair, max_source_length=max_source_length, max_target_length=max_target_length)
        for pair in pairs
    ]
    examples.sort(key=lambda example: len(example.input_ids))
    was_training = model.training
    model.train(False)
    exact = 0
    for start in range(0, len(examples), batch_size):
        exact += _exact_in(model, examples[start : start + batch_size], int(tokenizer.pad_token_id))
    model.train(was_training)
    return exact / len(pairs) if pairs else 0.0


@torch.inference_mode()
def _exact_in(model: ChatGLMForConditionalGeneration, examples: Sequence[Example], pad: int) -> int:
    batch = collate(examples, pad)
    labels = batch.labels[:, 1:]
    answers = labels != IGNORED
    rows, columns = answers.nonzero(as_tuple=True)
    places = (rows * batch.input_ids.shape[1] + columns).to(model.device)
    said = model.answer_logits(batch.input_ids.to(model.device), places).argmax(-1).cpu()
    right = torch.ones_like(answers)
    right[rows, columns] = said == labels[rows, columns]
    return int(right.all(dim=1).sum())


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
