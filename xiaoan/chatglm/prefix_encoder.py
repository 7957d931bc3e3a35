"""The P-Tuning v2 prefix encoder: `pre_seq_len` trained positions → keys and values for every layer.

P-Tuning v2 (Liu et al., 2022, arXiv:2110.07602) in the form ChatGLM-6B published: either the keys and values
themselves are the parameters, or a small MLP (`prefix_projection`) makes them from an embedding.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig

_RANDOM_VALUES = 2**16

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

    def forward(self, dtype: torch.dtype, row_seeds: Sequence[int] | None = None) -> PrefixKeyValues:
        """Return the keys and values of all layers, cast to `dtype`; in training a tenth of them is dropped.

        Args:
            dtype: of the model's hidden states; the dropout acts on values of this precision.
            row_seeds: one seed for every row of the batch. Each row then loses values of its own, as in the
                published model, and the same ones wherever and beside whatever else the row is computed.
                None: one mask for all rows, from torch's global generator.

        Output shape: `num_layers` pairs of `[rows, heads, pre_seq_len, head_dim]`; 1 row where all are alike.
        """
        prefix = self.embedding.weight
        if self.trans is not None:
            prefix = self.trans(prefix)
        prefix = prefix.to(dtype)
        if row_seeds is None:
            rows = cast(Tensor, self.dropout(prefix)).unsqueeze(0)
        elif self.training and self.dropout.p > 0:
            rows = prefix * self._kept(prefix, row_seeds)
        else:
            rows = prefix.unsqueeze(0)
        # [rows, P, layers*2*hidden] -> [layers*2, rows, heads, P, head_dim]; key and value of a layer are neighbours.
        shape = (len(rows), self.pre_seq_len, self.num_layers * 2, self.num_attention_heads, self.head_dim)
        # Unbound at once: an index a layer would cost the backward pass a tensor of all layers for each.
        parts = rows.reshape(shape).permute(2, 0, 3, 1, 4).unbind(0)
        return tuple(zip(parts[0::2], parts[1::2], strict=True))

    def _kept(self, prefix: Tensor, row_seeds: Sequence[int]) -> Tensor:
        """Return what each row is multiplied by, `[rows, P, width]`: 0 where dropped, else 1 / (1 - p).

        Sixteen random bits decide about a value: drawn as whole words they cost a quarter of torch's own dropout,
        and p is met to 1/65536.
        """
        dropped = round(self.dropout.p * _RANDOM_VALUES)
        scale = _RANDOM_VALUES / (_RANDOM_VALUES - dropped) if dropped < _RANDOM_VALUES else 0.0
        generator = torch.Generator(device=prefix.device)
        words = torch.empty(-(-prefix.numel() // 4), dtype=torch.int64, device=prefix.device)
        kept = torch.empty(len(row_seeds), *prefix.shape, dtype=prefix.dtype, device=prefix.device)
        for row, seed in zip(kept, row_seeds, strict=True):
            generator.manual_seed(seed)
            words.random_(-(2**63), None, generator=generator)
            bits = words.view(torch.int16)[: prefix.numel()].view(prefix.shape)
            torch.mul(bits >= dropped - _RANDOM_VALUES // 2, scale, out=row)
        return kept
