"""Tiny random models: the one factory that all tests share."""

import torch

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

MASK, GMASK, SOP, EOP, PAD = 90, 91, 94, 95, 3


def tiny_config(
    *,
    tokenizer: ChatGLMTokenizer | None = None,
    vocab_size: int = 100,
    pre_seq_len: int | None = None,
    prefix_projection: bool = False,
    attention: str = "eager",
    max_sequence_length: int = 256,
) -> ChatGLMConfig:
    """2 layers, hidden 32, 4 heads; ids as the constants of this module say, or those of `tokenizer`.

    With a tokenizer there are eight more rows than it has pieces, as the published embedding has more.
    """
    mask, gmask, sop, eop, pad = MASK, GMASK, SOP, EOP, PAD
    if tokenizer is not None:
        vocab_size = tokenizer.vocab_size + 8
        mask, gmask, sop, eop, pad = (
            int(token_id)
            for token_id in (
                tokenizer.mask_token_id,
                tokenizer.gmask_token_id,
                tokenizer.bos_token_id,
                tokenizer.eos_token_id,
                tokenizer.pad_token_id,
            )
        )
    config = ChatGLMConfig(
        vocab_size=vocab_size,
        hidden_size=32,
        num_layers=2,
        num_attention_heads=4,
        inner_hidden_size=64,
        max_sequence_length=max_sequence_length,
        initializer_range=0.2,  # wide enough that every part of the network shows in the output
        pre_seq_len=pre_seq_len,
        prefix_projection=prefix_projection,
        mask_token_id=mask,
        gmask_token_id=gmask,
        bos_token_id=sop,
        eos_token_id=eop,
        pad_token_id=pad,
    )
    config._attn_implementation = attention
    return config


def tiny_model(
    config: ChatGLMConfig | None = None, *, seed: int = 0, dtype: torch.dtype = torch.float64
) -> ChatGLMForConditionalGeneration:
    """A model with random weights in evaluation mode, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ChatGLMForConditionalGeneration(config or tiny_config())
        for name, parameter in model.named_parameters():
            if name.endswith(".bias"):
                torch.nn.init.normal_(parameter, std=0.1)
    torch.nn.Module.to(model, dtype)
    model.train(False)
    return model


def prompt(length: int, seed: int = 0, mark: int = GMASK) -> torch.Tensor:
    """`[1, length]`: random context ids, `mark` and `<sop>`."""
    generator = torch.Generator().manual_seed(1000 * length + seed)
    context = torch.randint(4, 90, (1, length - 2), generator=generator)
    return torch.cat((context, torch.tensor([[mark, SOP]])), dim=1)


def talkative_model(config: ChatGLMConfig | None = None, *, seed: int = 0) -> ChatGLMForConditionalGeneration:
    """A model whose greedy answers depend on the prompt and vary from token to token.

    Attention outweighs the last token, and a head of its own takes the place of the tied one, which would repeat it.
    """
    model = tiny_model(config, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(model.lm_head.weight.shape, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        for layer in model.transformer.layers:
            layer.get_parameter("attention.dense.weight").mul_(30)
    model.lm_head.weight = torch.nn.Parameter(weight)
    return model
