"""ChatGLM-6B v1 for today's transformers: layers, block, model, head, top to bottom.

The behaviour is that of the published model (THUDM/chatglm-6b v1.1.0), proven against values recorded from it. What is
unusual about it: the residual stream carries the *normalised* input times a constant, positions are two-dimensional
(place in the context; place in the answer), and the prompt sees all of itself while the answer is causal.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    GenerationMixin,
    PreTrainedModel,
)
from transformers import initialization as init
from transformers.cache_utils import Cache, DynamicCache
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.utils.generic import ModelOutput

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.prefix_encoder import PrefixEncoder, PrefixKeyValues
from xiaoan.chatglm.products.one_row import Linear
from xiaoan.chatglm.quantization import quantize_

if TYPE_CHECKING:
    from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

RESIDUAL_SCALE = math.sqrt(2 * 28)
"""The published blocks always use the 6B's 28 layers here, whatever `num_layers` says."""

MASKED_SCORE = -10000.0
"""Attention score of a blocked key, before softmax."""


class RotaryTable:
    """Cosines and sines of the rotary positions, made once for each device, precision and length.

    Not a module: the published checkpoints' `inv_freq` buffers are ignored. The inverse frequencies are rounded to
    float16 first, and in float16 the angles are computed in float16 too, as the published model did; the tables
    of other precisions are computed in float32 from the rounded frequencies.
    """

    def __init__(self, dim: int, length: int) -> None:
        self.dim = dim
        self.length = length
        self._tables: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}
        self._packed: dict[tuple[torch.device, torch.dtype], Tensor] = {}
        self._partners: dict[torch.device, Tensor] = {}

    def __call__(self, position_ids: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return (cos, sin) for `position_ids` `[b, 2, s]`, each `[b, 1, s, 2, dim]`."""
        cos, sin = self._table(position_ids.device, dtype)
        index = position_ids.transpose(1, 2)  # [b, s, 2]
        return cos[index].unsqueeze(1), sin[index].unsqueeze(1)

    def for_packed(self, position_ids: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return (cos, signed sin) for packed heads at `position_ids` `[b, 2, 1]`, each `[b, 1, 3, 2 * dim]`.

        Rows are query, key and value; the value's are 1 and 0. The sine is negative where the original negates the
        number that it multiplies, so `x * cos + x[..., partners] * sin` is `apply_rotary`.
        """
        table = self.signed_table(position_ids.device, dtype)
        found = table[position_ids[:, :, 0]]  # [b, 2 (position), 2 (cos, sin), dim]
        b = found.shape[0]
        turned = found.transpose(1, 2).reshape(b, 2, 1, 2 * self.dim)
        still = torch.zeros_like(turned)
        still[:, 0] = 1
        both = torch.cat((turned, turned, still), dim=2)
        return both[:, :1], both[:, 1:]

    def signed_table(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """Return `[length, 2, dim]`: cosines, and sines that are negative for the first half of the numbers."""
        key = (device, dtype)
        if key not in self._packed:
            cos, sin = self._table(device, dtype)
            half = self.dim // 2
            self._packed[key] = torch.stack((cos, torch.cat((-sin[:, :half], sin[:, half:]), dim=-1)), dim=1)
        return self._packed[key]

    def partners(self, device: torch.device) -> Tensor:
        """Return int64 `[2 * dim]`: which number of a head each one is turned with."""
        if device not in self._partners:
            own = torch.arange(2 * self.dim, device=device)
            half = self.dim // 2
            self._partners[device] = torch.where(own % self.dim < half, own + half, own - half)
        return self._partners[device]

    def _table(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        key = (device, dtype)
        if key not in self._tables:
            exponent = torch.arange(0, self.dim, 2, dtype=torch.int64, device=device).float() / self.dim
            inverse_frequency = (1.0 / (10000**exponent)).half()
            working = dtype if dtype in (torch.float16, torch.float64) else torch.float32
            steps = torch.arange(self.length, device=device, dtype=working)
            angles = torch.outer(steps, inverse_frequency.to(working))
            angles = torch.cat((angles, angles), dim=-1)
            self._tables[key] = (angles.cos().to(dtype), angles.sin().to(dtype))
        return self._tables[key]


def apply_rotary(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate `states` `[b, heads, s, head_dim]`: the first half of a head by position 0, the second by position 1."""
    b, heads, s, head_dim = states.shape
    halves = states.view(b, heads, s, 2, head_dim // 2)
    first, second = halves.chunk(2, dim=-1)
    rotated = torch.cat((-second, first), dim=-1)
    return (halves * cos + rotated * sin).reshape(b, heads, s, head_dim)


def eager_attention(
    query: Tensor, key: Tensor, value: Tensor, blocked: Tensor | None, layer_number: int
) -> tuple[Tensor, Tensor]:
    """Attention as the original writes it: the readable reference.

    Args:
        query: `[b, heads, q, d]`.
        key: `[b, heads, k, d]`.
        value: `[b, heads, k, d]`.
        blocked: bool `[b, 1, q, k]`, true where a query may not look, or None.
        layer_number: counted from 1. Scores are divided by it before and multiplied by it after the product, which
            cancels, but keeps float16 products in range.

    Returns:
        Output `[b, heads, q, d]` and probabilities `[b, heads, q, k]`.
    """
    scores = torch.matmul(query / (math.sqrt(query.shape[-1]) * layer_number), key.transpose(-1, -2))
    if blocked is not None:
        scores = scores.masked_fill(blocked, MASKED_SCORE)
    working = torch.promote_types(scores.dtype, torch.float32)
    probabilities = F.softmax(scores.to(working) * layer_number, dim=-1).to(query.dtype)
    return torch.matmul(probabilities, value), probabilities


def written_out_gelu(x: Tensor) -> Tensor:
    """Tanh-GELU as the original writes it; in float32 the reference path is then equal to it bit for bit."""
    return 0.5 * x * (1.0 + torch.tanh(0.7978845608028654 * x * (1.0 + 0.044715 * x * x)))


def additive_mask(blocked: Tensor, dtype: torch.dtype) -> Tensor:
    """Return bool `[b, 1, q, k]` as what is added to scores: 0 or `MASKED_SCORE`.

    It is finite, so that rows which may look nowhere (left padding) stay finite.
    """
    return torch.zeros(blocked.shape, dtype=dtype, device=blocked.device).masked_fill(blocked, MASKED_SCORE)


def sdpa_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """The same through torch's fused kernels; shapes as in `eager_attention`, `mask` from `additive_mask`."""
    if mask is not None:
        mask = mask.to(query.dtype)  # differs under autocast only
    if key.requires_grad and query.device.type == "cpu" and _multiplied_in(query).itemsize == 2:
        return two_product_attention(query, key, value, mask)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def _multiplied_in(tensor: Tensor) -> torch.dtype:
    """The precision of products with `tensor`: its own, or autocast's."""
    kind = tensor.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else tensor.dtype


def two_product_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """The same for training in half precision on a CPU, where the fused kernel's backward takes twice as long."""
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-1, -2))
    if mask is not None:
        scores = scores + mask
    return torch.matmul(F.softmax(scores, dim=-1), value)


class SelfAttention(nn.Module):
    """Multi-head attention over packed `[q, k, v]` heads, with two-dimensional rotary positions."""

    def __init__(self, config: ChatGLMConfig, layer_idx: int) -> None:
        super().__init__()
        self.config = config
        self.layer_idx = layer_idx
        self.num_attention_heads = config.num_attention_heads
        self.head_dim = config.head_dim
        self.query_key_value = Linear(config.hidden_size, 3 * config.hidden_size)
        self.dense = Linear(config.hidden_size, config.hidden_size)

    def forward(
        self,
        hidden_states: Tensor,
        rotary: tuple[Tensor, Tensor],
        mask: Tensor | None,
        past_key_values: Cache | None,
        prefix: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output `[b, s, hidden]` and, in the eager form, the probabilities.

        `mask` is bool (true where blocked) for the eager form, additive for sdpa.
        """
        b, s, hidden = hidden_states.shape
        packed = self.query_key_value(hidden_states).view(b, s, self.num_attention_heads, 3 * self.head_dim)
        query, key, value = packed.transpose(1, 2).chunk(3, dim=-1)
        query = apply_rotary(query, *rotary)
        key = apply_rotary(key, *rotary)
        if prefix is not None:  # trained keys carry no rotation and come before the first token's
            key = torch.cat((prefix[0].to(key.dtype).expand(b, -1, -1, -1), key), dim=2)
            value = torch.cat((prefix[1].to(key.dtype).expand(b, -1, -1, -1), value), dim=2)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)
        probabilities = None
        if self.config._attn_implementation == "eager":
            context, probabilities = eager_attention(query, key, value, mask, self.layer_idx + 1)
        else:
            context = sdpa_attention(query, key, value, mask)
        return self.dense(context.transpose(1, 2).reshape(b, s, hidden)), probabilities


class GLU(nn.Module):
    """The feed-forward part. The published name notwithstanding it has no gate: linear, tanh-GELU, linear."""

    def __init__(self, config: ChatGLMConfig) -> None:
        super().__init__()
        self.config = config
        self.dense_h_to_4h = Linear(config.hidden_size, config.inner_hidden_size)
        self.dense_4h_to_h = Linear(config.inner_hidden_size, config.hidden_size)

    def forward(self, hidden_states: Tensor) -> Tensor:
        """`[b, s, hidden]` → `[b, s, hidden]`."""
        inner = self.dense_h_to_4h(hidden_states)
        if self.config._attn_implementation == "eager":
            return cast(Tensor, self.dense_4h_to_h(written_out_gelu(inner)))
        return cast(Tensor, self.dense_4h_to_h(F.gelu(inner, approximate="tanh")))


class GLMBlock(GradientCheckpointingLayer):
    """One layer: hidden = LN(x) * sqrt(56) + sublayer(LN(x)), twice."""

    def __init__(self, config: ChatGLMConfig, layer_idx: int) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(config.hidden_size, eps=config.layernorm_epsilon)
        self.attention = SelfAttention(config, layer_idx)
        self.post_attention_layernorm = nn.LayerNorm(config.hidden_size, eps=config.layernorm_epsilon)
        self.mlp = GLU(config)

    def forward(
        self,
        hidden_states: Tensor,
        rotary: tuple[Tensor, Tensor],
        mask: Tensor | None,
        past_key_values: Cache | None = None,
        prefix: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the new hidden states `[b, s, hidden]` and the attention probabilities or None."""
        normalised = self.input_layernorm(hidden_states)
        attended, probabilities = self.attention(normalised, rotary, mask, past_key_values, prefix)
        normalised = self.post_attention_layernorm(normalised * RESIDUAL_SCALE + attended)
        return normalised * RESIDUAL_SCALE + self.mlp(normalised), probabilities


class ChatGLMPreTrainedModel(PreTrainedModel):
    """What the library needs to know about every ChatGLM module."""

    config_class = ChatGLMConfig
    config: ChatGLMConfig
    base_model_prefix = "transformer"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _can_compile_fullgraph = True
    _no_split_modules = ["GLMBlock"]  # noqa: RUF012
    _skip_keys_device_placement = ["past_key_values"]  # noqa: RUF012
    _keys_to_ignore_on_load_unexpected = [r"rotary_emb\.inv_freq$"]  # noqa: RUF012

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)  # type: ignore[no-untyped-call]
        if isinstance(module, nn.Embedding):
            init.normal_(module.weight, mean=0.0, std=self.config.initializer_range)


def two_dimensional_positions(
    input_ids: Tensor, config: ChatGLMConfig, starts: Tensor | None = None
) -> Tensor:
    """Return position ids `[b, 2, s]` for prompts that contain `<sop>` (`config.bos_token_id`).

    Row 0 counts up to `<sop>` and stays at the place of [gMASK] (or [MASK] where there is none) from there on; row 1 is
    0 in the context and counts 1, 2, … from `<sop>`. `starts` `[b]` gives the number of left pads of each row: pads
    get 0/0 and counting begins after them.

    Raises:
        ValueError: a row has no `<sop>`, or neither [gMASK] nor [MASK].
    """
    length = input_ids.shape[1]
    is_sop = input_ids.eq(cast(int, config.bos_token_id))
    if not bool(is_sop.any(dim=1).all()):
        raise ValueError("every row needs <sop>, or give position_ids")
    gmask, mask = input_ids == config.gmask_token_id, input_ids == config.mask_token_id
    if not bool((gmask | mask).any(dim=1).all()):
        raise ValueError("every row needs [gMASK] or [MASK], or give position_ids")
    if starts is None:
        starts = torch.zeros(input_ids.shape[0], dtype=torch.long, device=input_ids.device)
    has_gmask = gmask.any(dim=1)
    mask_place = torch.where(has_gmask, gmask.int().argmax(dim=1), mask.int().argmax(dim=1)) - starts
    sop_place = is_sop.int().argmax(dim=1)
    steps = torch.arange(length, device=input_ids.device).unsqueeze(0)
    counted = (steps - starts[:, None]).clamp(min=0)
    answering = steps >= sop_place[:, None]
    place = torch.where(answering, mask_place[:, None], counted)
    block = torch.where(answering, steps - sop_place[:, None] + 1, torch.zeros_like(steps))
    return torch.stack((place, block), dim=1)


def context_causal_mask(input_ids: Tensor, config: ChatGLMConfig) -> Tensor:
    """Return bool `[b, 1, s, s]`, true where blocked: columns before the first `<sop>` are open to all, then causal."""
    length = input_ids.shape[1]
    is_sop = input_ids.eq(cast(int, config.bos_token_id))
    context = torch.where(is_sop.any(dim=1), is_sop.int().argmax(dim=1), 0)
    steps = torch.arange(length, device=input_ids.device)
    later = steps[None, :] > steps[:, None]
    return (later[None] & (steps[None, None, :] >= context[:, None, None])).unsqueeze(1)


def filled_length(past_key_values: Cache | None) -> int:
    """Return how many rows of a cache are in use. A static cache counts on its device, so this waits for it."""
    return int(past_key_values.get_seq_length()) if past_key_values is not None else 0


class ChatGLMModel(ChatGLMPreTrainedModel):
    """Embedding, layers, final layer norm, and the prefix encoder when `config.pre_seq_len` is set."""

    def __init__(self, config: ChatGLMConfig) -> None:
        super().__init__(config)
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(GLMBlock(config, i) for i in range(config.num_layers))
        self.final_layernorm = nn.LayerNorm(config.hidden_size, eps=config.layernorm_epsilon)
        self.prefix_encoder: PrefixEncoder | None = PrefixEncoder(config) if config.pre_seq_len else None
        self.rotary = RotaryTable(config.head_dim // 2, config.max_sequence_length)
        self.gradient_checkpointing = False
        self.post_init()  # type: ignore[no-untyped-call]

    def get_input_embeddings(self) -> nn.Module:
        """The token embedding."""
        return self.word_embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the token embedding."""
        self.word_embeddings = cast(nn.Embedding, value)

    def prefix_key_values(
        self, dtype: torch.dtype, row_seeds: Sequence[int] | None = None
    ) -> PrefixKeyValues | None:
        """Return the prefix's keys and values in `dtype`, or None for a model without a prefix.

        `row_seeds`: see `PrefixEncoder.forward`.
        """
        return None if self.prefix_encoder is None else self.prefix_encoder(dtype, row_seeds)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        prefix_key_values: PrefixKeyValues | None = None,
        **_: Any,
    ) -> BaseModelOutputWithPast:
        """Run the layers over `input_ids` `[b, s]` (or `inputs_embeds` `[b, s, hidden]`).

        Args:
            input_ids: token ids; also needed beside `inputs_embeds` unless mask and positions are given.
            attention_mask: bool `[b, 1, s, t]`, true where blocked (the original's convention), or `[b, t]` with 1 for
                tokens and 0 for padding. Its columns are the last `t` filled keys; earlier ones (prefix) are open.
                A mask as long as a static cache is taken as it is. None: context open, answer causal.
            position_ids: `[b, 2, s]`; computed from `<sop>` and [gMASK] when absent.
            past_key_values: cache of earlier steps, filled in place.
            inputs_embeds: embeddings in place of ids.
            use_cache: make a `DynamicCache` when none is given.
            output_hidden_states: return the input of every layer and the final output.
            output_attentions: return probabilities (eager attention only).
            prefix_key_values: the prefix's keys and values if already computed; empty: the cache holds them.

        Returns:
            Last hidden state `[b, s, hidden]`, the cache, and what was asked for.
        """
        if input_ids is None and inputs_embeds is None:
            raise ValueError("give input_ids or inputs_embeds")
        hidden_states = self.word_embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        use_cache = self.config.use_cache and not self.training if use_cache is None else use_cache
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        prefix = self._prefix_for(past_key_values, hidden_states.dtype, prefix_key_values)
        blocked, position_ids = self._mask_and_positions(
            hidden_states, input_ids, attention_mask, position_ids, past_key_values, prefix
        )
        mask = blocked
        if blocked is not None and self.config._attn_implementation != "eager":
            mask = additive_mask(blocked, hidden_states.dtype)
        rotary = self.rotary(position_ids, hidden_states.dtype)
        all_hidden: list[Tensor] = []
        all_attentions: list[Tensor | None] = []
        for i, layer in enumerate(self.layers):
            if output_hidden_states:
                all_hidden.append(hidden_states)
            hidden_states, probabilities = layer(
                hidden_states, rotary, mask, past_key_values, None if prefix is None else prefix[i]
            )
            if output_attentions:
                all_attentions.append(probabilities)
        hidden_states = self.final_layernorm(hidden_states)
        if output_hidden_states:
            all_hidden.append(hidden_states)
        return BaseModelOutputWithPast(
            last_hidden_state=hidden_states,
            past_key_values=past_key_values if use_cache else None,
            hidden_states=tuple(all_hidden) if output_hidden_states else None,
            attentions=cast("tuple[Tensor, ...]", tuple(all_attentions)) if output_attentions else None,
        )

    def _prefix_for(
        self, past_key_values: Cache | None, dtype: torch.dtype, given: PrefixKeyValues | None
    ) -> PrefixKeyValues | None:
        """The prefix goes in front of the first tokens only; later steps find it in the cache."""
        if given == () or filled_length(past_key_values) > 0:
            return None
        return given if given is not None else self.prefix_key_values(dtype)

    def _mask_and_positions(
        self,
        hidden_states: Tensor,
        input_ids: Tensor | None,
        attention_mask: Tensor | None,
        position_ids: Tensor | None,
        past_key_values: Cache | None,
        prefix: PrefixKeyValues | None,
    ) -> tuple[Tensor | None, Tensor]:
        """Bring every form of mask to bool `[b, 1, s, keys]` (or None: all open), and positions to `[b, 2, s]`.

        When both are complete, nothing is read back from the device.
        """
        b, s = hidden_states.shape[:2]
        static = past_key_values is not None and past_key_values.is_compileable
        static_keys = (
            past_key_values.get_mask_sizes(s, 0)[0] if past_key_values is not None and static else -1
        )
        whole = attention_mask is not None and attention_mask.shape[1:] == (1, s, static_keys)
        if whole and attention_mask is not None and position_ids is not None:
            return attention_mask.bool().expand(b, -1, -1, -1), position_ids
        filled = filled_length(past_key_values) + s + (prefix[0][0].shape[2] if prefix is not None else 0)
        keys = static_keys if static else filled
        if position_ids is None:
            if input_ids is None:
                raise ValueError("inputs_embeds need position_ids [b, 2, s]")
            starts = None
            if attention_mask is not None and attention_mask.dim() == 2:
                starts = attention_mask[:, -s:].int().argmax(dim=1)
            position_ids = two_dimensional_positions(input_ids, self.config, starts)
        if attention_mask is not None and attention_mask.dim() == 4:
            blocked = attention_mask.bool()
        elif s == 1 and attention_mask is None and keys == filled:
            return None, position_ids
        else:
            blocked = self._own_mask(hidden_states, input_ids, attention_mask)
        if blocked.shape[-1] < keys:
            blocked = F.pad(blocked, (filled - blocked.shape[-1], keys - filled), value=False)
            blocked[..., filled:] = True
        return blocked.expand(b, -1, -1, -1), position_ids

    def _own_mask(self, hidden_states: Tensor, input_ids: Tensor | None, padding: Tensor | None) -> Tensor:
        """Context-open causal mask `[b, 1, s, t]` over the current tokens, with padded columns blocked."""
        b, s = hidden_states.shape[:2]
        if input_ids is None:
            input_ids = torch.full((b, s), -1, device=hidden_states.device)
        blocked = context_causal_mask(input_ids, self.config)
        if padding is not None:
            earlier = padding.shape[1] - s
            blocked = F.pad(blocked, (earlier, 0), value=False)
            blocked = blocked | (padding == 0)[:, None, None, :]
        return blocked


class ChatGLMForConditionalGeneration(ChatGLMPreTrainedModel, GenerationMixin):
    """ChatGLM with its language-model head, tied to the embedding; `config.quantization_bit` 8 or 4: quantised blocks.

    Attributes:
        greedy_head: quicker than `lm_head`, `[rows, hidden]` → `[rows, vocab]`, where only the largest logit counts and
            the model answers from a CPU (`products.screened_head`); None: `lm_head` it is.
    """

    _tied_weights_keys = {"lm_head.weight": "transformer.word_embeddings.weight"}  # noqa: RUF012

    def __init__(self, config: ChatGLMConfig) -> None:
        super().__init__(config)
        self.transformer = ChatGLMModel(config)
        self.lm_head = Linear(config.hidden_size, config.vocab_size, bias=False)
        self.greedy_head: Callable[[Tensor], Tensor] | None = None
        if config.quantization_bit:
            quantize_(self, config.quantization_bit, head=config.quantization_head)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_output_embeddings(self) -> nn.Module:
        """The head."""
        return cast(nn.Module, self.lm_head)

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Replace the head."""
        self.lm_head = cast(nn.Linear, new_embeddings)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
        prefix_key_values: PrefixKeyValues | None = None,
        **_: Any,
    ) -> CausalLMOutputWithPast | tuple[Any, ...]:
        """Return logits `[b, s, vocab]` and, with `labels` `[b, s]` (-100 = not counted), the shifted mean loss.

        Other arguments as in `ChatGLMModel.forward`; `logits_to_keep` computes the logits of the last n tokens only
        (0: of all). The loss is computed in float32 whatever the model's precision.
        """
        outputs = self.transformer(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
            prefix_key_values=prefix_key_values,
        )
        logits = self.lm_head(outputs.last_hidden_state[:, -logits_to_keep:])
        loss = None
        if labels is not None:
            working = torch.promote_types(logits.dtype, torch.float32)
            shifted = logits[:, :-1].reshape(-1, logits.shape[-1]).to(working)
            loss = F.cross_entropy(shifted, labels[:, 1:].reshape(-1), ignore_index=-100)
        result = CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return result if return_dict is not False else result.to_tuple()

    def answer_logits(
        self,
        input_ids: Tensor,
        places: Tensor,
        *,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        row_seeds: Sequence[int] | None = None,
    ) -> Tensor:
        """Return the logits `[n, vocab]` at `places` only, for training: the head costs nothing elsewhere.

        Args:
            input_ids: `[b, s]`.
            places: int64 `[n]`, counted in the flattened `[b * s]`.
            attention_mask: as in `forward`.
            position_ids: as in `forward`.
            row_seeds: one a row, for the prefix's dropout; see `PrefixEncoder.forward`.
        """
        prefix = None
        if row_seeds is not None:
            prefix = self.transformer.prefix_key_values(
                self.transformer.word_embeddings.weight.dtype, row_seeds
            )
        hidden = self.transformer(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            use_cache=False,
            prefix_key_values=prefix,
        ).last_hidden_state
        return cast(Tensor, self.lm_head(hidden.flatten(0, 1)[places]))

    # -- answering ----------------------------------------------------------------------------------------------------

    def stream_chat(
        self, tokenizer: "ChatGLMTokenizer", query: str, *args: Any, **kwargs: Any
    ) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Yield (answer so far, history with it); see `generation.stream_chat` for the other arguments."""
        from xiaoan.chatglm.generation import stream_chat

        return stream_chat(self, tokenizer, query, *args, **kwargs)

    def chat(
        self, tokenizer: "ChatGLMTokenizer", query: str, *args: Any, **kwargs: Any
    ) -> tuple[str, list[tuple[str, str]]]:
        """Return the whole answer and the history with it; see `generation.chat` for the other arguments."""
        from xiaoan.chatglm.generation import chat

        return chat(self, tokenizer, query, *args, **kwargs)

    # -- what `generate()` needs ------------------------------------------------------------------------------------

    def generate(  # type: ignore[override]  # the library's long list of options passes through unchanged
        self, inputs: Tensor | None = None, attention_mask: Tensor | None = None, **kwargs: Any
    ) -> ModelOutput | Tensor:
        """The library's `generate`; a tokenizer's `[b, 1, s, s]` mask is taken too.

        The library insists on `[b, s]`. The last row of the four-dimensional mask says which columns are padding, and
        the rest of it follows from `<sop>`, so nothing is lost.
        """
        if attention_mask is not None and attention_mask.dim() == 4:
            attention_mask = (~attention_mask[:, 0, -1].bool()).long()
        made = super().generate(inputs, attention_mask=attention_mask, **kwargs)  # type: ignore[misc]
        return cast("ModelOutput | Tensor", made)

    def _prepare_cache_for_generation(
        self,
        generation_config: Any,
        model_kwargs: dict[str, Any],
        generation_mode: Any,
        batch_size: int,
        max_cache_length: int,
    ) -> bool:
        """The prefix's keys and values stand in the cache too, so a static one has to be longer."""
        longer = max_cache_length + (self.config.pre_seq_len or 0)
        return super()._prepare_cache_for_generation(  # type: ignore[misc]
            generation_config, model_kwargs, generation_mode, batch_size, longer
        )

    def _prepare_position_ids_for_generation(
        self, inputs_tensor: Tensor, model_kwargs: dict[str, Any]
    ) -> Tensor:
        """Two-dimensional positions where the library would count plainly."""
        mask = model_kwargs.get("attention_mask")
        starts = None if mask is None else mask.int().argmax(dim=1)
        return two_dimensional_positions(model_kwargs.get("input_ids", inputs_tensor), self.config, starts)

    def prepare_inputs_for_generation(  # type: ignore[override]  # only what this model takes
        self,
        input_ids: Tensor,
        next_sequence_length: int | None = None,
        past_key_values: Cache | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        use_cache: bool | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        """Cut ids and positions to the tokens not yet in the cache."""
        n = input_ids.shape[1] if next_sequence_length is None else next_sequence_length
        return {
            "input_ids": input_ids[:, -n:],
            "past_key_values": past_key_values,
            "attention_mask": attention_mask,
            "position_ids": None if position_ids is None else position_ids[..., -n:],
            "use_cache": use_cache,
        }

    def _update_model_kwargs_for_generation(
        self,
        outputs: ModelOutput,
        model_kwargs: dict[str, Any],
        is_encoder_decoder: bool = False,  # noqa: ARG002 - the library's signature
        num_new_tokens: int = 1,
    ) -> dict[str, Any]:
        """Lengthen mask and positions by the new tokens: the same place, the next block position."""
        model_kwargs["past_key_values"] = outputs["past_key_values"]
        mask, positions = model_kwargs.get("attention_mask"), model_kwargs.get("position_ids")
        if mask is not None:
            model_kwargs["attention_mask"] = F.pad(mask, (0, num_new_tokens), value=1)
        if positions is not None:
            steps = torch.arange(1, num_new_tokens + 1, device=positions.device)
            following = positions[..., -1:] + torch.stack((torch.zeros_like(steps), steps))
            model_kwargs["position_ids"] = torch.cat((positions, following), dim=-1)
        return model_kwargs


for _auto in cast("list[Callable[..., Any]]", [AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM]):
    _auto.register(ChatGLMConfig, ChatGLMForConditionalGeneration, exist_ok=True)  # type: ignore[attr-defined]
