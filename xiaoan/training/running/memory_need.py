"""How much memory the backward pass needs, and whether keeping only the blocks' inputs (checkpointing) is called for."""

import os
from dataclasses import dataclass

import torch
from torch import nn

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig

SHARE_OF_FREE = 0.7
"""The estimate may fill this much of what is free; the rest is for what it does not know of."""

_KEPT_FROZEN = 14
"""Hidden sizes that a frozen block keeps of each token: two norms' inputs, q, k, v, the attention's output, 4h before
the activation, and what rotation and residuals leave behind. Counted, not measured."""

_KEPT_TRAINED = 22
"""The same where the linears' own weights learn, so that their inputs are kept too."""


@dataclass(frozen=True)
class Need:
    """Bytes of one forward and backward with everything kept, and with the blocks' inputs only."""

    kept: int
    checkpointed: int


def activation_need(
    config: ChatGLMConfig,
    *,
    rows: int,
    length: int,
    answer_length: int,
    element_bytes: int,
    all_trained: bool,
) -> Need:
    """Return the need of `rows` rows of `length` tokens, `answer_length` of them answers."""
    prefix = config.pre_seq_len or 0
    tokens = rows * length
    per_block = tokens * config.hidden_size * (_KEPT_TRAINED if all_trained else _KEPT_FROZEN)
    keys_values = 2 * rows * (prefix + length) * config.hidden_size
    block = (per_block + keys_values) * element_bytes
    head = (
        rows * answer_length * config.vocab_size * (element_bytes + 8)
    )  # float32 logits and their gradient too
    prefixes = 2 * rows * prefix * config.num_layers * 2 * config.hidden_size * element_bytes
    inputs = config.num_layers * tokens * config.hidden_size * element_bytes
    return Need(config.num_layers * block + head + prefixes, inputs + block + head + prefixes)


def free_memory(device: torch.device) -> int | None:
    """Return the free bytes of a GPU or of the machine; None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" not in names:
        return None
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def calls_for_checkpointing(need: Need, free: int | None) -> bool:
    """Return whether keeping everything would not fit."""
    return free is not None and need.kept > SHARE_OF_FREE * free


def set_checkpointing(model: nn.Module, on: bool) -> None:
    """Switch it on or off in every block; torch's random state is only kept where something in a block draws from it."""
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    disable = getattr(model, "activation_checkpointing_disable", None) or model.gradient_checkpointing_disable
    if on:
        draws = any(isinstance(module, nn.Dropout) and module.p > 0 for module in model.modules())
        enable({"use_reentrant": False, "preserve_rng_state": draws})  # type: ignore[operator]
    else:
        disable()  # type: ignore[operator]
