"""Greedy answers to many prompts at once: rows padded on the left, each ending for itself.

What `generation.stream_token_ids` yields for one prompt, this returns for a whole list of them, several times as fast.
The prefix is kept and read once for all rows. Nothing else can be shared among different prompts: a prompt sees all of
itself, so the keys and values of a common beginning depend on everything that follows.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xiaoan.chatglm.continuations import batches
from xiaoan.chatglm.generation import (
    best_tokens,
    decode_one_token,
    new_cache,
    prefill,
    stream_pieces,
    working_dtype,
)
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

BATCH_SIZE = 32
"""Rows of one batch when the caller has no better number."""

USUAL_ANSWER = 16
"""Tokens that there is room for at first: few rows write longer answers, and every row pays for the room."""

FULL_ENOUGH = 0.75
"""When no more than this share of the rows is unfinished the others leave the batch; leaving costs a copy of the rest."""


def greedy_texts(
    model: "ChatGLMForConditionalGeneration",
    tokenizer: "ChatGLMTokenizer",
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    batch_size: int = BATCH_SIZE,
) -> list[str]:
    """Return the text of each prompt's answer, as it would have been streamed; arguments as `greedy_token_ids`."""
    answers = greedy_token_ids(
        model,
        prompts,
        max_new_tokens=max_new_tokens,
        pad=int(tokenizer.pad_token_id),
        eos=int(tokenizer.eos_token_id),
        batch_size=batch_size,
    )
    return ["".join(piece.text for piece in stream_pieces(tokenizer, answer)) for answer in answers]


def greedy_token_ids(
    model: "ChatGLMForConditionalGeneration",
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    pad: int,
    eos: int,
    batch_size: int = BATCH_SIZE,
    prefix_key_values: PrefixKeyValues | None = None,
) -> list[list[int]]:
    """Return the ids of each prompt's answer, the end token not included; a prefix in front of all.

    The model is in evaluation mode meanwhile; no random number is drawn.

    Args:
        model: any precision, on any device.
        prompts: token ids, each with [gMASK] or [MASK] and `<sop>`. One that fills the model's whole window gets an
            empty answer.
        max_new_tokens: an answer is cut there, and where prompt and answer fill the model's window.
        pad: id that fills shorter rows, on the left.
        eos: id that ends an answer.
        batch_size: rows of one forward, fewer where their keys and values would take too much memory.
        prefix_key_values: the prefix's keys and values if already computed; None: the model's own, computed once here.
    """
    was_training = model.training
    model.train(False)
    window = model.config.max_sequence_length
    room = [min(max_new_tokens, window - len(prompt)) for prompt in prompts]
    answers: list[list[int]] = [[] for _ in prompts]
    try:
        if prefix_key_values is None:
            with torch.inference_mode():
                prefix_key_values = model.transformer.prefix_key_values(working_dtype(model))
        asked = [place for place, left in enumerate(room) if left > 0]
        lengths = [len(prompts[place]) + min(USUAL_ANSWER, room[place]) for place in asked]
        for batch in batches(model, lengths, most_rows=batch_size):
            places = [asked[place] for place in batch]
            rows = [list(prompts[place]) for place in places]
            found = _answer(model, rows, [room[place] for place in places], pad, eos, prefix_key_values)
            for place, answer in zip(places, found, strict=True):
                answers[place] = answer
    finally:
        model.train(was_training)
    return answers


@torch.inference_mode()
def _answer(
    model: "ChatGLMForConditionalGeneration",
    rows: Sequence[list[int]],
    room: Sequence[int],
    pad: int,
    eos: int,
    prefix: PrefixKeyValues | None,
) -> list[list[int]]:
    """The answers to one batch, each at most `room` tokens long."""
    input_ids, attention_mask = _left_padded(rows, pad, model.device)
    # No mask where nothing is padded: the shorter way through the model.
    mask = None if bool(attention_mask.all()) else attention_mask
    length = input_ids.shape[1] + (model.config.pre_seq_len or 0) + min(USUAL_ANSWER, max(room))
    cache = new_cache(model, prefix, batch_size=len(rows), rows=length, share_prefix=True)
    logits, state = prefill(model, input_ids, attention_mask=mask, cache=cache, cache_length=length)
    answers: list[list[int]] = [[] for _ in rows]
    there = list(range(len(rows)))  # which answer each row of the cache is
    unfinished = set(there)
    while True:
        token_ids = best_tokens(logits)
        for row, token_id in zip(there, token_ids[:, 0].tolist(), strict=True):
            if row not in unfinished:
                continue
            if token_id != eos:
                answers[row].append(token_id)
            if token_id == eos or len(answers[row]) == room[row]:
                unfinished.discard(row)
        if not unfinished:
            return answers
        if len(unfinished) <= FULL_ENOUGH * len(there):
            kept = [place for place, row in enumerate(there) if row in unfinished]
            there = [there[place] for place in kept]
            token_ids = token_ids[kept]
            state.keep_sequences(torch.tensor(kept, device=model.device))
        logits = decode_one_token(model, token_ids, state)


def _left_padded(rows: Sequence[list[int]], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """`input_ids` and `attention_mask` (1 for tokens), both int64 `[b, s]`."""
    width = max(map(len, rows))
    ids = [[pad] * (width - len(row)) + row for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
