"""Another prefix for a model that is in memory: read, checked against the base, and put in place of the old one."""

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from xiaoan.chatglm.generation import working_dtype
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_checkpoint import KEY_PREFIX, Prefix, PrefixCard, check_fits, load_prefix
from xiaoan.chatglm.prefix_encoder import PrefixEncoder
from xiaoan.chatglm.prefix_probe import measurable, probe_warnings


@dataclass(frozen=True)
class ReadEncoder:
    """A prefix that fits a model in memory.

    Attributes:
        encoder: on the model's device, in float32, in evaluation mode.
        card: its card, None for a published one.
        warnings: what the person should know of it on this precision.
    """

    encoder: PrefixEncoder
    card: PrefixCard | None
    warnings: tuple[str, ...]


def read_encoder(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    path: Path,
    *,
    base: str,
    base_sha256: str,
    stored_bits: int = 0,
) -> ReadEncoder:
    """Return the prefix at `path` as an encoder for `model`, which stays as it is.

    Args:
        model: in memory, with another prefix or none.
        tokenizer: the model's.
        path: folder or weight file of a prefix.
        base: name of the model's base.
        base_sha256: of its stored weights.
        stored_bits: in how many bits its files hold the blocks, 0 for floating point.

    Raises:
        CheckpointError: there is no prefix, or its files are broken.
        PrefixMismatchError: it was not made for this base, or gives gibberish on this precision of it.
    """
    read = load_prefix(path.expanduser())
    weights = {
        name: tensor.cpu()
        for name, tensor in model.state_dict().items()
        if name in read.other and tensor.is_floating_point() and not name.startswith(KEY_PREFIX)
    }
    later = read.card is not None and measurable(read.card, stored_bits=stored_bits)
    check_fits(
        read, model.config, base=base, base_sha256=base_sha256, base_weights=weights, measured_later=later
    )
    encoder = _encoder_of(read, model)
    with torch.inference_mode():
        key_values = encoder(working_dtype(model))
    warnings = probe_warnings(
        read.card,
        model,
        lambda: tokenizer,
        prefix=str(read.path),
        base_sha256=base_sha256,
        prefix_key_values=key_values,
    )
    return ReadEncoder(encoder, read.card, warnings)


def _encoder_of(read: Prefix, model: ChatGLMForConditionalGeneration) -> PrefixEncoder:
    config = copy.deepcopy(model.config)
    config.pre_seq_len, config.prefix_projection = read.pre_seq_len, read.prefix_projection
    encoder = PrefixEncoder(config)
    encoder.load_state_dict({name: tensor.float() for name, tensor in read.state.items()})
    return encoder.to(model.device).train(False)


def place_encoder(model: ChatGLMForConditionalGeneration, encoder: PrefixEncoder | None) -> None:
    """Put `encoder` (None: no prefix) in place of the model's, and its length into the model's config."""
    model.transformer.prefix_encoder = encoder
    model.config.pre_seq_len = encoder.pre_seq_len if encoder is not None else None
    model.config.prefix_projection = encoder is not None and encoder.trans is not None
