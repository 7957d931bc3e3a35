"""Pairs → tensors in the published layout: `content [gMASK] <sop> summary <eop>`, padded on the right."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from xiaoan.training.pairs import Pair

IGNORED = -100


@dataclass(frozen=True)
class Example:
    """Token ids of one pair; `labels` is -100 up to and including `<sop>`."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Batch:
    """`input_ids` and `labels`, both int64 `[b, s]`, right-padded with the pad id and -100."""

    input_ids: Tensor
    labels: Tensor


def encode_pair(
    tokenizer: PreTrainedTokenizerBase,
    pair: Pair,
    *,
    max_source_length: int = 512,
    max_target_length: int = 256,
) -> Example:
    """Return ids as the published training script lays them out (ChatGLM-6B `ptuning/main.py`'s behaviour).

    `content` is cut to `max_source_length - 1` tokens, `summary` to `max_target_length - 2`.
    """
    source = tokenizer.encode(pair.content, add_special_tokens=False)[: max_source_length - 1]
    target = tokenizer.encode(pair.summary, add_special_tokens=False)[: max_target_length - 2]
    input_ids = tokenizer.build_inputs_with_special_tokens(source, target)
    context = input_ids.index(tokenizer.bos_token_id)
    return Example(input_ids, [IGNORED] * (context + 1) + input_ids[context + 1 :])


def collate(examples: Sequence[Example], pad_token_id: int) -> Batch:
    """Return one batch, as wide as its longest example."""
    width = max(len(example.input_ids) for example in examples)
    ids = [e.input_ids + [pad_token_id] * (width - len(e.input_ids)) for e in examples]
    labels = [e.labels + [IGNORED] * (width - len(e.labels)) for e in examples]
    return Batch(torch.tensor(ids), torch.tensor(labels))


def length_sorted(
    examples: Sequence[Example], batch_size: int, random_source: random.Random
) -> list[list[Example]]:
    """Return shuffled batches whose examples have similar lengths, so that little is padding."""
    order = list(examples)
    random_source.shuffle(order)
    window = batch_size * 16
    batches: list[list[Example]] = []
    for start in range(0, len(order), window):
        near = sorted(order[start : start + window], key=lambda e: len(e.input_ids))
        batches.extend(near[i : i + batch_size] for i in range(0, len(near), batch_size))
    random_source.shuffle(batches)
    return batches
