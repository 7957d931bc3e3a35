"""P-Tuning v2: a prefix encoder learns on a frozen base (Liu et al., 2022, arXiv:2110.07602).

A prefix of random numbers is far from what a small base's heads look for. It may begin as the keys and values that the
base itself computes for tokens of the questions (Li & Liang, 2021, arXiv:2101.00190, section 7.4, do so with words).
Such keys draw attention from the question itself. Where the base answers most of the questions already, they are halved:
it then keeps what it knows (docs/log.md has the figures).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from xiaoan.chatglm.prefix_checkpoint import PrefixCard, save_prefix
from xiaoan.chatglm.prefix_encoder import PrefixEncoder
from xiaoan.chatglm.prefix_probe import measure_probes
from xiaoan.chatglm.prefix_swap import place_encoder
from xiaoan.errors import UsageError
from xiaoan.training.data.pairs import Pair, prompt_of
from xiaoan.training.methods import Base, ResultFacts
from xiaoan.training.running.exactness import exact_share

_PUBLISHED_STD = 1.0
"""The published code leaves the embedding as `nn.Embedding` makes it."""
_READ = 256
"""Questions that tokens are drawn from."""
_READ_LENGTH = 128
_READ_AT_ONCE = 32
_KNOWN = 0.5
"""A base that answers so many of them exactly knows the bank."""
_KEYS_OF_THE_KNOWN = 0.5


@dataclass(frozen=True)
class PTuning:
    """A prefix of trained keys and values before every layer's own.

    Attributes:
        pre_seq_len: number of prefix positions.
        prefix_projection: whether a small MLP makes the prefix.
        init_std: standard deviation of the embedding at the start. None: it begins as the base's own keys and
            values of tokens drawn from the questions; with `prefix_projection`, which has no keys and values of
            its own, as the published code does, with 1.
        dropout: share of the prefix's values dropped in training, drawn anew for every example.
    """

    pre_seq_len: int = 128
    prefix_projection: bool = False
    init_std: float | None = 0.02
    dropout: float = 0.1

    def __post_init__(self) -> None:
        std = _PUBLISHED_STD if self.init_std is None else self.init_std
        if self.pre_seq_len < 1 or not 0 < std < math.inf or not 0 <= self.dropout < 1:
            raise UsageError(
                f"前缀设置不对：前缀长度 {self.pre_seq_len}（应至少为 1）、初始幅度 {std}（应大于 0）、"
                f"dropout {self.dropout}（应在 0 到 1 之间）。"
            )

    @property
    def name(self) -> str:
        """The method's name."""
        return "ptuning"

    def attach(self, base: Base, seed: int, pairs: Sequence[Pair] = ()) -> dict[str, nn.Parameter]:
        """Freeze the base, give it a fresh float32 prefix encoder, and return that one's parameters."""
        model = base.model
        model.requires_grad_(False)
        place_encoder(model, None)
        std, drawn = self.init_std, None
        if std is None:
            std = _PUBLISHED_STD
            drawn = None if self.prefix_projection else _tokens_of(base, pairs, self.pre_seq_len, seed)
        model.config.pre_seq_len = self.pre_seq_len
        model.config.prefix_projection = self.prefix_projection
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder = PrefixEncoder(model.config)
            nn.init.normal_(encoder.embedding.weight, std=std)
        if drawn is not None:
            encoder.embedding.weight.data.copy_(drawn)
        encoder.dropout.p = self.dropout
        place_encoder(model, encoder.to(model.device).train(model.training))
        return {f"transformer.prefix_encoder.{name}": p for name, p in encoder.named_parameters()}

    def settle(self, base: Base) -> None:
        """Nothing to do: the prefix is saved as it is, in float32."""

    def save(self, base: Base, folder: Path, facts: ResultFacts) -> None:
        """Write `prefix.safetensors` and `prefix.json`."""
        encoder = base.model.transformer.prefix_encoder
        assert encoder is not None
        card = PrefixCard(
            base=base.name,
            base_sha256=base.sha256,
            pre_seq_len=self.pre_seq_len,
            prefix_projection=self.prefix_projection,
            forms=facts.forms,
            data_sha256=facts.data_sha256,
            metrics=facts.metrics,
            seed=facts.seed,
            library_versions=facts.library_versions,
            settings=facts.settings,
            dtype=base.dtype,
            probes=measure_probes(base.model, base.tokenizer, facts.pairs),
        )
        save_prefix(encoder, folder, card)

    def detach(self, base: Base) -> None:
        """Take the prefix away."""
        place_encoder(base.model, None)


def _tokens_of(base: Base, pairs: Sequence[Pair], count: int, seed: int) -> Tensor | None:
    """Return the base's keys and values of `count` tokens drawn from the questions, or None without any.

    `[count, layers * 2 * hidden]` as `PrefixEncoder` stores them: a layer's keys, rotated as they were, then its
    values. A token is one of its question, [gMASK] and <sop> included, as the answer sees it.
    """
    draw = random.Random(seed)
    chosen = draw.sample(list(pairs), min(len(pairs), _READ))
    prompts = [base.tokenizer.encode(prompt_of(pair))[-_READ_LENGTH:] for pair in chosen]
    rows = [
        row
        for start in range(0, len(prompts), _READ_AT_ONCE)
        for row in _keys_and_values(base, prompts[start : start + _READ_AT_ONCE])
    ]
    if not rows:
        return None
    tokens = torch.cat(rows)
    drawn = tokens[[draw.randrange(len(tokens)) for _ in range(count)]]
    if exact_share(base.model, base.tokenizer, chosen) >= _KNOWN:
        keys = drawn.unflatten(-1, (2 * base.model.config.num_layers, -1))[:, 0::2]
        keys *= _KEYS_OF_THE_KNOWN
    return drawn


@torch.inference_mode()
def _keys_and_values(base: Base, prompts: Sequence[Sequence[int]]) -> list[Tensor]:
    """One `[tokens, layers * 2 * hidden]` a prompt, float32 on the CPU."""
    model = base.model.train(False)
    pad, width = int(base.tokenizer.pad_token_id), max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[*prompt, *[pad] * (width - len(prompt))] for prompt in prompts])
    cache = DynamicCache(config=model.config)
    model.transformer(ids.to(model.device), past_key_values=cache, use_cache=True)
    layers = cast(Any, cache.layers)
    both: list[Tensor] = [states for layer in layers for states in (layer.keys, layer.values)]
    # [b, heads, s, d] each -> [b, s, layers*2*hidden]
    stacked = torch.cat([states.transpose(1, 2).flatten(2) for states in both], dim=-1).float().cpu()
    return [row[: len(prompt)] for row, prompt in zip(stacked, prompts, strict=True)]
