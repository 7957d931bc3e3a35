"""One more token of each sequence through the model's own modules, with as few operators as torch allows.

The same parameters and the same numbers as `ChatGLMModel.forward`, within rounding; what is left out is what a single
token does not need: masks made anew, tables looked up layer by layer, tensors joined, arguments passed through the
library. Query, key and value are turned together as the product gives them (the value by an angle of 0), go into the
cache by one copy, and the residual's constant and sum are one operator.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.decoding_cache import DecodingCache
from xiaoan.chatglm.modeling_chatglm import RESIDUAL_SCALE, GLMBlock
from xiaoan.chatglm.shared_prefix import shared_prefix_attention

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration

Attend = Callable[[int, Tensor], Tensor]
"""(layer, turned `[b, heads, 3, d]`) → context `[b, heads, 1, d]`; key and value are in the cache afterwards."""


def step_logits(
    model: "ChatGLMForConditionalGeneration",
    token_ids: Tensor,
    position_ids: Tensor,
    attend: Attend,
    *,
    greedy: bool = False,
) -> Tensor:
    """Return the logits `[b, vocab]` that follow `token_ids` `[b, 1]` at `position_ids` `[b, 2, 1]`.

    `greedy`: only which is the largest has to be right; see `ChatGLMForConditionalGeneration.greedy_head`.
    """
    transformer = model.transformer
    hidden = F.embedding(token_ids[:, 0], transformer.word_embeddings.weight)  # [b, hidden]
    cos, sin = transformer.rotary.for_packed(position_ids, hidden.dtype)
    partners = transformer.rotary.partners(hidden.device)
    shape = (hidden.shape[0], model.config.num_attention_heads, 3, model.config.head_dim)
    layers = cast("list[GLMBlock]", list(transformer.layers))
    normalised = layer_normed(hidden, layers[0].input_layernorm)
    for i, layer in enumerate(layers):
        attention = layer.attention
        packed = attention.query_key_value(normalised).view(shape)
        turned = turn(packed, cos, sin, partners)
        attended = attention.dense(attend(i, turned).reshape(hidden.shape))
        normalised = layer_normed(scaled_residual(attended, normalised), layer.post_attention_layernorm)
        mlp = layer.mlp
        fed = mlp.dense_4h_to_h(F.gelu(mlp.dense_h_to_4h(normalised), approximate="tanh"))
        following = transformer.final_layernorm if i + 1 == len(layers) else layers[i + 1].input_layernorm
        normalised = layer_normed(scaled_residual(fed, normalised), following)
    head = model.greedy_head if greedy and model.greedy_head is not None else model.lm_head
    return cast(Tensor, head(normalised))


def turn(packed: Tensor, cos: Tensor, sin: Tensor, partners: Tensor) -> Tensor:
    """Rotate query and key of `packed` `[b, heads, 3, d]`; the value stays as it is.

    `cos` and `sin` are `[b, 1, 3, d]`; the sine carries the sign of the half it stands for, so that a number's partner
    is only moved, by `partners`, and not negated.
    """
    return torch.mul(packed, cos).addcmul_(packed.index_select(-1, partners), sin)


def scaled_residual(sublayer: Tensor, normalised: Tensor) -> Tensor:
    """The residual sum of a block, `normalised * sqrt(56) + sublayer`, in one operator."""
    return torch.add(sublayer, normalised, alpha=RESIDUAL_SCALE)


def layer_normed(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """`norm(x)` without the way through the module, which takes half as long again as the operator itself."""
    return torch.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


class RowsInUse:
    """Attention over the rows in use only: nothing is masked but padding, and no free row is read.

    The shapes grow by a row a token, so this cannot be captured; `StaticRows` can.

    Args:
        cache: with room for one more row, which is counted as used at once.
        mask: `[b, 1, 1, at least the rows in use]`, added to scores; None where nothing is padded.
    """

    def __init__(self, cache: DecodingCache, mask: Tensor | None) -> None:
        row = cache.filled - cache.beside
        cache.filled += 1
        # One view of each for all layers at once: a view costs as much as a small product.
        self._targets = cache.pairs[..., row, :].unbind(0)
        keys, values = cache.pairs[..., : row + 1, :].unbind(3)
        self._keys, self._values = keys.unbind(0), values.unbind(0)
        self._shared = cache.shared
        self._mask = None if mask is None else mask[..., cache.beside : cache.filled]

    def __call__(self, layer: int, turned: Tensor) -> Tensor:
        """See `Attend`."""
        self._targets[layer].copy_(turned[:, :, 1:])
        query, key, value = turned[:, :, :1], self._keys[layer], self._values[layer]
        if self._shared is None:
            return F.scaled_dot_product_attention(query, key, value, attn_mask=self._mask)
        return shared_prefix_attention(query, self._shared[layer], key, value, self._mask, layer + 1)
