"""The shapes that are measured when no checkpoint is at hand, and prompts for them."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig

PUBLISHED_VOCABULARY = 130528
SMALL_VOCABULARY = 8192
"""The two vocabularies of the CPU shape: with the first one half of what a step reads is the head."""


def cpu_shape(vocab_size: int = PUBLISHED_VOCABULARY) -> ChatGLMConfig:
    """Return the shape that fits a CPU: hidden 1024, 8 layers, 16 heads, no prefix."""
    return made_shape(
        vocab_size=vocab_size,
        hidden_size=1024,
        num_layers=8,
        num_attention_heads=16,
        inner_hidden_size=4096,
    )


def made_shape(
    *, vocab_size: int, hidden_size: int, num_layers: int, num_attention_heads: int, inner_hidden_size: int
) -> ChatGLMConfig:
    """Return a configuration of these sizes whose special tokens have the last ids of the vocabulary."""
    return ChatGLMConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_layers=num_layers,
        num_attention_heads=num_attention_heads,
        inner_hidden_size=inner_hidden_size,
        mask_token_id=vocab_size - 4,
        gmask_token_id=vocab_size - 3,
        bos_token_id=vocab_size - 2,
        eos_token_id=vocab_size - 1,
    )


def six_billion_shape() -> ChatGLMConfig:
    """Return the shape of the published ChatGLM-6B, without a prefix."""
    return ChatGLMConfig()


def shape_text(config: ChatGLMConfig) -> str:
    """Return a shape in one line: `hidden 1024, 8 layers, 16 heads, vocabulary 130528`."""
    return (
        f"hidden {config.hidden_size}, {config.num_layers} layers, {config.num_attention_heads} heads, "
        f"vocabulary {config.vocab_size}"
    )


def random_prompts(config: ChatGLMConfig, *, length: int, batch: int = 1, seed: int = 0) -> Tensor:
    """Return prompts `[batch, length]` int64 on the CPU: different random ids, then [gMASK] and `<sop>`.

    Raises:
        ValueError: `length` leaves no room for the two.
    """
    if length < 2:
        raise ValueError(f"a prompt has [gMASK] and <sop>, so at least 2 tokens, not {length}")
    generator = torch.Generator().manual_seed(seed)
    special = [config.mask_token_id, config.gmask_token_id, cast(int, config.bos_token_id)]
    ids = torch.randint(0, config.vocab_size, (batch, length), generator=generator)
    for token_id in special:
        ids[ids == token_id] = _ordinary_id(special)
    ids[:, -2], ids[:, -1] = config.gmask_token_id, cast(int, config.bos_token_id)
    return ids


def _ordinary_id(special: Sequence[int]) -> int:
    return next(token_id for token_id in range(len(special) + 1) if token_id not in special)
