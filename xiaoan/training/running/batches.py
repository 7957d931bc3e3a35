"""Pairs → tensors in the published layout: `content [gMASK] <sop> summary <eop>`, padded on the right."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.modeling_chatglm import context_causal_mask, two_dimensional_positions
from xiaoan.training.data.pairs import Pair, prompt_of

IGNORED = -100

SORTING_WINDOW = 16
"""Batches that are filled together, in the order of their examples' lengths."""


@dataclass(frozen=True)
class Example:
    """Token ids of one pair; `labels` is -100 up to `<sop>`, and there too unless it is to be learnt."""

    input_ids: list[int]
    labels: list[int]

    @property
    def answer_tokens(self) -> int:
        """How many tokens the loss is taken over: those of the summary that were kept, `<eop>`, perhaps `<sop>`."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True)
class Batch:
    """`input_ids` and `labels`, both int64 `[b, s]`, right-padded with the pad id and -100."""

    input_ids: Tensor
    labels: Tensor


@dataclass(frozen=True)
class WeightedBatch:
    """What one process computes at once; everything that follows from the ids is worked out beforehand, on the CPU.

    Attributes:
        input_ids: int64 `[b, s]`.
        attention_mask: bool `[b, 1, s, s]`, true where blocked.
        position_ids: int64 `[b, 2, s]`.
        places: int64 `[n]`: where in the flattened `[b * s]` the answers' tokens are predicted.
        targets: int64 `[n]`: those tokens.
        weights: float32 `[n]`: how much each of their losses counts.
        seeds: one a row: what is dropped in it follows from this alone.
    """

    input_ids: Tensor
    attention_mask: Tensor
    position_ids: Tensor
    places: Tensor
    targets: Tensor
    weights: Tensor
    seeds: tuple[int, ...]

    def to(self, device: torch.device) -> "WeightedBatch":
        """Return it on `device`."""
        return WeightedBatch(
            input_ids=self.input_ids.to(device, non_blocking=True),
            attention_mask=self.attention_mask.to(device, non_blocking=True),
            position_ids=self.position_ids.to(device, non_blocking=True),
            places=self.places.to(device, non_blocking=True),
            targets=self.targets.to(device, non_blocking=True),
            weights=self.weights.to(device, non_blocking=True),
            seeds=self.seeds,
        )


def encode_pair(
    tokenizer: PreTrainedTokenizerBase,
    pair: Pair,
    *,
    max_source_length: int = 512,
    max_target_length: int = 256,
    with_sop: bool = False,
) -> Example:
    """Return ids as the published training script lays them out (ChatGLM-6B `ptuning/main.py`'s behaviour).

    The prompt (the content, or with a history the published rounds) is cut to `max_source_length - 1` tokens,
    `summary` to `max_target_length - 2`. The published labels begin `with_sop`: after [gMASK] it is learnt like the
    answer, although it is always given.
    """
    source = tokenizer.encode(prompt_of(pair), add_special_tokens=False)[: max_source_length - 1]
    target = tokenizer.encode(pair.summary, add_special_tokens=False)[: max_target_length - 2]
    input_ids = tokenizer.build_inputs_with_special_tokens(source, target)
    first = input_ids.index(tokenizer.bos_token_id) + (0 if with_sop else 1)
    return Example(input_ids, [IGNORED] * first + input_ids[first:])


def collate(examples: Sequence[Example], pad_token_id: int) -> Batch:
    """Return one batch, as wide as its longest example."""
    width = max(len(example.input_ids) for example in examples)
    ids = [e.input_ids + [pad_token_id] * (width - len(e.input_ids)) for e in examples]
    labels = [e.labels + [IGNORED] * (width - len(e.labels)) for e in examples]
    return Batch(torch.tensor(ids), torch.tensor(labels))


def weighted_batch(
    examples: Sequence[Example], weights: Sequence[float], seeds: Sequence[int], config: ChatGLMConfig
) -> WeightedBatch:
    """Return the batch of `examples`, each token of whose answers counts `weights[row]`; on the CPU."""
    batch = collate(examples, int(config.pad_token_id or 0))
    targets = batch.labels[:, 1:]
    rows, columns = (targets != IGNORED).nonzero(as_tuple=True)
    return WeightedBatch(
        batch.input_ids,
        context_causal_mask(batch.input_ids, config),
        two_dimensional_positions(batch.input_ids, config),
        rows * batch.input_ids.shape[1] + columns,
        targets[rows, columns],
        torch.tensor(weights, dtype=torch.float32)[rows],
        tuple(seeds),
    )


def length_sorted(
    examples: Sequence[Example], batch_size: int, random_source: random.Random
) -> list[list[Example]]:
    """Return shuffled batches whose examples have similar lengths, so that little is padding."""
    order = list(examples)
    random_source.shuffle(order)
    window = batch_size * SORTING_WINDOW
    batches: list[list[Example]] = []
    for start in range(0, len(order), window):
        near = sorted(order[start : start + window], key=lambda e: len(e.input_ids))
        batches.extend(near[i : i + batch_size] for i in range(0, len(near), batch_size))
    random_source.shuffle(batches)
    return batches
