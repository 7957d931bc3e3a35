"""The P-Tuning v2 prefix encoder: `pre_seq_len` trained positions → keys and values for every layer.

P-Tuning v2 (Liu et al., 2022, arXiv:2110.07602) in the form ChatGLM-6B published: either the keys and values
themselves are the parameters, or a small MLP (`prefix_projection`) makes them from an embedding.
"""

from typing import cast

import torch
from torch import Tensor, nn

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig

PrefixKeyValues = tuple[tuple[Tensor, Tensor], ...]
"""One (key, value) pair a layer, each `[batch or 1, heads, pre_seq_len, head_dim]`."""


class PrefixEncoder(nn.Module):
    """`pre_seq_len` positions → `[pre_seq_len, num_layers * 2 * hidden_size]`, kept in float32.

    Parameter names and shapes are the published ones: `embedding.weight` `[pre_seq_len, layers*2*hidden]`, or with
    `prefix_projection` `embedding.weight` `[pre_seq_len, hidden]`, `trans.0` `[hidden, hidden]` and `trans.2`
    `[layers*2*hidden, hidden]`, with biases.
    """

    def __init__(self, config: ChatGLMConfig) -> None:
        super().__init__()
        if not config.pre_seq_len:
            raise ValueError("a prefix encoder needs config.pre_seq_len")
        self.pre_seq_len = config.pre_seq_len
        self.num_layers = config.num_layers
        self.num_attention_heads = config.num_attention_heads
        self.head_dim = config.head_dim
        width = config.num_layers * 2 * config.hidden_size
        self.trans: nn.Sequential | None = None
        if config.prefix_projection:
            self.embedding = nn.Embedding(self.pre_seq_len, config.hidden_size)
            self.trans = nn.Sequential(
                nn.Linear(config.hidden_size, config.hidden_size),
                nn.Tanh(),
                nn.Linear(config.hidden_size, width),
            )
        else:
            self.embedding = nn.Embedding(self.pre_seq_len, width)
        self.dropout = nn.Dropout(0.1)

    def forward(self, dtype: torch.dtype) -> PrefixKeyValues:
        """Return the keys and values of all layers, cast to `dtype`; in training a tenth of them is dropped.

        Output shape: `num_layers` pairs of `[1, heads, pre_seq_len, head_dim]`.
        """
        prefix = self.embedding.weight
        if self.trans is not None:
            prefix = self.trans(prefix)
        # [P, layers*2*hidden] -> [layers*2, 1, heads, P, head_dim]; key and value of a layer stand side by side.
        stacked = cast(Tensor, self.dropout(prefix.to(dtype)))
        stacked = stacked.view(self.pre_seq_len, self.num_layers * 2, self.num_attention_heads, self.head_dim)
        stacked = stacked.permute(1, 2, 0, 3).unsqueeze(1)
        return tuple((stacked[2 * i], stacked[2 * i + 1]) for i in range(self.num_layers))
