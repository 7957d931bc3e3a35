"""What a model still makes of general pairs that it is not tuned on: exact answers and the loss on the right ones."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F  # noqa: N812
from transformers import PreTrainedTokenizerBase

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.training.data.pairs import Pair
from xiaoan.training.run_card import GeneralScore, Share
from xiaoan.training.running.batches import IGNORED, Example, collate, encode_pair


def score_general(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    *,
    batch_size: int = 32,
    max_source_length: int = 512,
    max_target_length: int = 256,
) -> GeneralScore | None:
    """Return how many of `pairs` greedy decoding answers token for token, and the mean loss of an answer's token.

    None without pairs. The model is left in the mode (training or not) it was in.
    """
    examples = [
        encode_pair(tokenizer, pair, max_source_length=max_source_length, max_target_length=max_target_length)
        for pair in pairs
    ]
    if not examples:
        return None
    examples.sort(key=lambda example: len(example.input_ids))
    was_training = model.training
    model.train(False)
    exact, loss, tokens = 0, 0.0, 0
    for start in range(0, len(examples), batch_size):
        found = _score(model, examples[start : start + batch_size], int(tokenizer.pad_token_id))
        exact, loss, tokens = exact + found[0], loss + found[1], tokens + found[2]
    model.train(was_training)
    return GeneralScore(Share(exact, len(examples)), loss / tokens)


@torch.inference_mode()
def _score(
    model: ChatGLMForConditionalGeneration, examples: Sequence[Example], pad: int
) -> tuple[int, float, int]:
    """Exact rows, sum of the losses, and how many tokens they are of."""
    batch = collate(examples, pad)
    labels = batch.labels[:, 1:]
    rows, columns = (labels != IGNORED).nonzero(as_tuple=True)
    places = (rows * batch.input_ids.shape[1] + columns).to(model.device)
    logits = model.answer_logits(batch.input_ids.to(model.device), places).float().cpu()
    right = labels[rows, columns]
    wrong_rows = rows[logits.argmax(-1) != right].unique()
    loss = F.cross_entropy(logits, right, reduction="sum")
    return len(examples) - len(wrong_rows), float(loss), len(right)
