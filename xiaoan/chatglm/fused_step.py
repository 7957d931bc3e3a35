"""One more token of each sequence with the small steps between the products fused; the twin of `decoding_step`.

The same walk through the model's modules as `decoding_step.step_logits`, but rotation, cache and attention are one step
and so are residual and layer norm: per layer eight launches on a GPU with `TritonSteps` and packed layers, where the
operators of torch are about twenty. Runs on any device with `EagerSteps`. Not yet measured on a GPU.
"""

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.modeling_chatglm import GLU, RESIDUAL_SCALE, GLMBlock
from xiaoan.chatglm.products.cuda_products import WordLinear
from xiaoan.chatglm.products.step_kernels import StepKernels

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration


def fused_logits(
    model: "ChatGLMForConditionalGeneration",
    kernels: StepKernels,
    token_ids: Tensor,
    position_ids: Tensor,
    pairs: Tensor,
    place: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Return the logits `[b, vocab]` that follow `token_ids` `[b, 1]`; their keys and values are in the cache then.

    Args:
        model: in evaluation mode.
        kernels: the small steps.
        token_ids: int64 `[b, 1]`.
        position_ids: int64 `[b, 2, 1]` of these tokens.
        pairs: `[layers, b, heads, 2 (key, value), rows, head_dim]`, contiguous; see `DecodingCache`.
        place: int64 `[1]`, the row of the new tokens, on the device; rows after it are not looked at.
        mask: `[b or 1, 1, 1, rows]`, added to scores, finite; None where nothing is padded.
    """
    transformer = model.transformer
    hidden = F.embedding(token_ids[:, 0], transformer.word_embeddings.weight)  # [b, hidden]
    table = transformer.rotary.signed_table(hidden.device, hidden.dtype)
    shape = (hidden.shape[0], model.config.num_attention_heads, 3, model.config.head_dim)
    layers = cast("list[GLMBlock]", list(transformer.layers))
    normalised = layers[0].input_layernorm(hidden)
    for i, layer in enumerate(layers):
        packed = layer.attention.query_key_value(normalised).view(shape)
        query = kernels.turn_and_store(packed, table, position_ids, place, pairs[i])
        context = kernels.attend(query, pairs[i], place, mask)
        attended = layer.attention.dense(context.reshape(hidden.shape))
        norm = layer.post_attention_layernorm
        normalised = kernels.residual_norm(normalised, attended, norm, RESIDUAL_SCALE)
        norm = transformer.final_layernorm if i + 1 == len(layers) else layers[i + 1].input_layernorm
        normalised = kernels.residual_norm(
            normalised, fed_forward(layer.mlp, normalised), norm, RESIDUAL_SCALE
        )
    return cast(Tensor, model.lm_head(normalised))


def fed_forward(mlp: GLU, x: Tensor) -> Tensor:
    """Return `mlp(x)`, the GELU inside the first product where that can do it."""
    first = cast(nn.Module, mlp.dense_h_to_4h)
    return cast(Tensor, mlp.dense_4h_to_h(first.with_gelu(x)) if isinstance(first, WordLinear) else mlp(x))
