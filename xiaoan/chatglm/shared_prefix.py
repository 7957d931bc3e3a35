"""Attention of many sequences over a prefix that all of them share, and over the rows of their own.

The prefix's keys and values are read once for the whole batch, as one product, where a copy a sequence would be read
again and again. Both parts are attended to by themselves and then joined: softmax over two groups of scores is the
mean of their outputs, weighted by the groups' sums of exponentials.
"""

import math

import torch
from torch import Tensor


def shared_prefix_attention(
    query: Tensor,
    prefix: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    layer_number: int,
) -> Tensor:
    """Return the context `[b, heads, 1, d]` of one new token of each sequence.

    Args:
        query: `[b, heads, 1, d]`.
        prefix: `[heads, 2 (key, value), rows of the prefix, d]`, open to all.
        key: of each sequence's own rows `[b, heads, n, d]`.
        value: `[b, heads, n, d]`.
        mask: `[b, 1, 1, n]`, added to the scores of its own rows; None where nothing is padded.
        layer_number: from 1; as in `modeling_chatglm.eager_attention`.
    """
    # All sequences are rows of one product with the prefix: [b, heads, 1, d] -> [1, heads, b, d].
    together = query.permute(2, 1, 0, 3)
    prefix_key, prefix_value = prefix[None, :, 0], prefix[None, :, 1]
    if query.device.type == "cpu":
        part, weight = _fused_part(together, prefix_key, prefix_value, None)
        own, own_weight = _fused_part(query, key, value, mask)
    else:
        part, weight = _written_out_part(together, prefix_key, prefix_value, None, layer_number)
        own, own_weight = _written_out_part(query, key, value, mask, layer_number)
    share = torch.sigmoid(weight.permute(2, 1, 0)[..., None] - own_weight[..., None])  # [b, heads, 1, 1]
    part = part.permute(2, 1, 0, 3).to(share.dtype)
    return torch.lerp(own.to(share.dtype), part, share).to(query.dtype)


def _fused_part(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Context `[…, q, d]` and logarithm of the sum of exponentials `[…, q]`, by the kernel behind torch's sdpa on a CPU.

    The public function keeps the logarithm to itself.
    """
    context, logarithm = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, attn_mask=mask
    )
    return context, logarithm


def _written_out_part(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, layer_number: int
) -> tuple[Tensor, Tensor]:
    """The same in torch's operators; scores are kept in range for float16 as the original does."""
    scores = torch.matmul(query / (math.sqrt(query.shape[-1]) * layer_number), key.transpose(-1, -2))
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32)) * layer_number
    if mask is not None:
        scores = scores + mask
    logarithm = scores.logsumexp(dim=-1)
    probabilities = torch.exp(scores - logarithm[..., None]).to(value.dtype)
    return torch.matmul(probabilities, value), logarithm
