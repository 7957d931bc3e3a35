"""The reference: what the published code does for each token, in float32 on a CPU, written plainly.

Everything that costs the published model time is kept: tensors with the sequence first, keys and values concatenated
in every layer of every step, cosines looked up in every layer in tables that are remade when a position is beyond
them, scores, softmax and GELU as separate operators, ids concatenated from step to step. Written anew from the
behaviour that tests hold it to; the measure of what is faster, and by how much.
"""

import math
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.modeling_chatglm import (
    MASKED_SCORE,
    RESIDUAL_SCALE,
    context_causal_mask,
    two_dimensional_positions,
    written_out_gelu,
)
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues

KeysAndValues = list[tuple[Tensor, Tensor]]
"""A (key, value) pair a layer, each `[keys, b, heads, head_dim]`."""


class ReferenceLoop:
    """Greedy answers by the published way: `first` reads the prompts, `following` decodes one more token of each row.

    Args:
        weights: a base's tensors under their published names, float32.
        config: their shape.
        prefix: keys and values of a prefix, float32, None for none.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        config: ChatGLMConfig,
        prefix: PrefixKeyValues | None = None,
    ) -> None:
        self._weights = weights
        self._config = config
        # [b, heads, rows, head_dim] -> [rows, b, heads, head_dim]
        self._prefix = [(key.permute(2, 0, 1, 3), value.permute(2, 0, 1, 3)) for key, value in prefix or ()]
        self._tables: tuple[Tensor, Tensor] | None = None
        self._past: KeysAndValues = []
        self._input_ids = torch.empty(0, dtype=torch.int64)
        self._position_ids = torch.empty(0, dtype=torch.int64)
        self.logits = torch.empty(0)
        """Those of the last step, `[b, vocab]`."""

    @torch.no_grad()
    def first(self, input_ids: Tensor) -> list[int]:
        """Read prompts `[b, s]` without padding and return the id that follows each of them."""
        self._past = [
            (key.expand(-1, len(input_ids), -1, -1), value.expand(-1, len(input_ids), -1, -1))
            for key, value in self._prefix
        ]
        self._input_ids = input_ids
        self._position_ids = two_dimensional_positions(input_ids, self._config)
        blocked = context_causal_mask(input_ids, self._config)
        if self._past:
            blocked = F.pad(blocked, (len(self._past[0][0]), 0), value=False)  # a prefix is open to all
        return self._chosen(input_ids, self._position_ids, blocked)

    @torch.no_grad()
    def following(self) -> list[int]:
        """Return the next id of each row."""
        last = self._position_ids[..., -1:].clone()
        last[:, 1] += 1
        self._position_ids = torch.cat((self._position_ids, last), dim=-1)
        newest = self._input_ids[:, -1:]
        blocked = torch.zeros(1, 1, dtype=torch.bool)
        return self._chosen(newest, self._position_ids[..., -1:], blocked)

    def _chosen(self, input_ids: Tensor, position_ids: Tensor, blocked: Tensor) -> list[int]:
        self.logits = self._forward(input_ids, position_ids, blocked)[:, -1]
        chosen = self.logits.argmax(dim=-1, keepdim=True)
        self._input_ids = torch.cat((self._input_ids, chosen), dim=-1)
        return cast(list[int], chosen[:, 0].tolist())

    def _forward(self, input_ids: Tensor, position_ids: Tensor, blocked: Tensor) -> Tensor:
        """Logits `[b, s, vocab]` of `input_ids` `[b, s]`; what is remembered grows by `s`."""
        hidden = self._weights["transformer.word_embeddings.weight"][input_ids].transpose(0, 1)  # [s, b, h]
        present: KeysAndValues = []
        for layer in range(self._config.num_layers):
            hidden = self._block(hidden, position_ids, blocked, layer, present)
        self._past = present
        hidden = self._normalised("transformer.final_layernorm", hidden)
        head = self._weights["transformer.word_embeddings.weight"]
        return F.linear(hidden, head).permute(1, 0, 2).contiguous()

    def _block(
        self, hidden: Tensor, position_ids: Tensor, blocked: Tensor, layer: int, present: KeysAndValues
    ) -> Tensor:
        name = f"transformer.layers.{layer}"
        normalised = self._normalised(f"{name}.input_layernorm", hidden)
        attended = self._attention(normalised, position_ids, blocked, layer, present)
        normalised = self._normalised(
            f"{name}.post_attention_layernorm", normalised * RESIDUAL_SCALE + attended
        )
        inner = written_out_gelu(self._linear(f"{name}.mlp.dense_h_to_4h", normalised))
        return normalised * RESIDUAL_SCALE + self._linear(f"{name}.mlp.dense_4h_to_h", inner)

    def _attention(
        self, hidden: Tensor, position_ids: Tensor, blocked: Tensor, layer: int, present: KeysAndValues
    ) -> Tensor:
        s, b, width = hidden.shape
        heads, head_dim = self._config.num_attention_heads, self._config.head_dim
        name = f"transformer.layers.{layer}.attention"
        packed = self._linear(f"{name}.query_key_value", hidden).view(s, b, heads, 3 * head_dim)
        query, key, value = packed.chunk(3, dim=-1)
        query, key = self._rotated(query, position_ids), self._rotated(key, position_ids)
        if self._past:
            key = torch.cat((self._past[layer][0], key), dim=0)
            value = torch.cat((self._past[layer][1], value), dim=0)
        present.append((key, value))
        context = _attention(query, key, value, blocked, layer + 1)
        return self._linear(f"{name}.dense", context.reshape(s, b, width))

    def _rotated(self, states: Tensor, position_ids: Tensor) -> Tensor:
        """`states` `[s, b, heads, head_dim]` turned by both rows of `position_ids` `[b, 2, s]`."""
        cos, sin = self._tables_up_to(int(position_ids.max()) + 1, states.shape[-1] // 2)
        parts = []
        for half, row in zip(states.chunk(2, dim=-1), position_ids.unbind(1), strict=True):
            places = row.transpose(0, 1).contiguous()  # [s, b]
            cos_here, sin_here = F.embedding(places, cos).unsqueeze(2), F.embedding(places, sin).unsqueeze(2)
            first, second = half.chunk(2, dim=-1)
            parts.append(half * cos_here + torch.cat((-second, first), dim=-1) * sin_here)
        return torch.cat(parts, dim=-1)

    def _tables_up_to(self, length: int, dim: int) -> tuple[Tensor, Tensor]:
        """Cosines and sines, each `[length or more, dim]`."""
        if self._tables is None or len(self._tables[0]) < length:
            inverse_frequency = 1.0 / 10000 ** (torch.arange(0, dim, 2).float() / dim)
            angles = torch.outer(torch.arange(length).float(), inverse_frequency.half().float())
            angles = torch.cat((angles, angles), dim=-1)
            self._tables = angles.cos(), angles.sin()
        return self._tables

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normalised(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return F.layer_norm(x, (x.shape[-1],), weight, bias, self._config.layernorm_epsilon)


def _attention(query: Tensor, key: Tensor, value: Tensor, blocked: Tensor, layer_number: int) -> Tensor:
    """Attention over `[s or keys, b, heads, head_dim]`; `blocked` is true where a query may not look."""
    s, b, heads, head_dim = query.shape
    query = query / (math.sqrt(head_dim) * layer_number)
    rows = query.view(s, b * heads, head_dim).transpose(0, 1)
    columns = key.reshape(len(key), b * heads, head_dim).permute(1, 2, 0)
    empty = torch.zeros(1, 1, 1, dtype=query.dtype)
    scores = torch.baddbmm(empty, rows, columns, beta=0.0).view(b, heads, s, len(key))
    if not bool((blocked == 0).all()):
        scores = scores.masked_fill(blocked, MASKED_SCORE)
    probabilities = F.softmax(scores.float() * layer_number, dim=-1)
    weighed = value.reshape(len(value), b * heads, head_dim).transpose(0, 1)
    context = torch.bmm(probabilities.view(b * heads, s, -1), weighed)
    return context.view(b, heads, s, head_dim).permute(2, 0, 1, 3).contiguous()
