"""Keys and values of all layers in one piece of memory, made once and filled row by row."""

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues

CACHE_BUCKET = 128
"""A decoding cache has a multiple of this many rows where nobody knows how many will be needed."""


def whole_buckets(rows: int) -> int:
    """Return `rows` rounded up to whole buckets."""
    return -(-rows // CACHE_BUCKET) * CACHE_BUCKET


class DecodingCache(Cache):
    """Keys and values; the rows of each sequence are `[prefix, prompt, answer so far, free]`.

    The prefix stands in the first rows from the beginning and for good: `forget_answer` makes place for the next
    question and leaves it there. How many rows are in use is a number of the host, so nothing ever waits for a device
    to learn it. `ChatGLMModel` fills the cache like any other of the library's (with `prefix_key_values=()`, since the
    cache holds the prefix); `decoding_step` writes single rows into it. Only under inference mode.

    Args:
        config: the model's sizes.
        prefix: keys and values that come before every prompt, None for none; copied.
        batch_size: sequences.
        rows: of each sequence, prefix included; it gets at least the prefix's.
        dtype: of the model's hidden states.
        device: the model's.
        share_prefix: keep the prefix once for all sequences, beside their rows instead of in them.

    Attributes:
        pairs: `[layers, batch, heads, 2 (key, value), rows, head_dim]`. Free rows hold finite numbers, unless the
            prefix is shared.
        shared: `[layers, heads, 2, prefix_rows, head_dim]`, a shared prefix; None where it stands in the rows, or there
            is none.
        prefix_rows: rows of the prefix.
        filled: rows in use, those of the prefix included wherever it is.
    """

    @torch.inference_mode()
    def __init__(
        self,
        config: ChatGLMConfig,
        prefix: PrefixKeyValues | None,
        *,
        batch_size: int,
        rows: int,
        dtype: torch.dtype,
        device: torch.device,
        share_prefix: bool = False,
    ) -> None:
        super().__init__(layers=[])
        self.prefix_rows = 0 if prefix is None else prefix[0][0].shape[2]
        self.filled = self.prefix_rows
        self.shared: Tensor | None = None
        heads, head_dim = config.num_attention_heads, config.head_dim
        self.pairs = torch.zeros(
            config.num_layers, batch_size, heads, 2, 0, head_dim, dtype=dtype, device=device
        )
        if prefix is not None and share_prefix:
            self.shared = torch.stack([torch.stack(pair, dim=2)[0] for pair in prefix]).to(dtype)
        self._add_rows(max(rows, self.prefix_rows))
        if prefix is not None and not share_prefix:
            for i, pair in enumerate(prefix):  # the one row of the prefix goes to every sequence
                self.pairs[i][..., : self.prefix_rows, :] = torch.stack(pair, dim=2)

    @property
    def batch_size(self) -> int:
        """Sequences."""
        return self.pairs.shape[1]

    @property
    def beside(self) -> int:
        """Rows that stand beside `pairs`: those of a shared prefix. Row `i` in use is row `i - beside` of `pairs`."""
        return 0 if self.shared is None else self.prefix_rows

    @property
    def rows(self) -> int:
        """Rows of each sequence, in use or free, those of the prefix included."""
        return self.pairs.shape[4] + self.beside

    def forget_answer(self) -> None:
        """Make place for another prompt; the prefix stays."""
        self.filled = self.prefix_rows

    @torch.inference_mode()
    def grow(self, rows: int) -> None:
        """Have at least `rows` rows from now on; what is in use moves into new memory."""
        if rows > self.rows:
            self._add_rows(rows)

    def _add_rows(self, rows: int) -> None:
        # Free rows are looked at by steps over whole buckets, which share no prefix.
        new = torch.zeros if self.shared is None else torch.empty
        shape = (*self.pairs.shape[:4], rows - self.beside, self.pairs.shape[5])
        longer = new(shape, dtype=self.pairs.dtype, device=self.pairs.device)
        kept = self.pairs[..., : self.filled - self.beside, :]
        longer[..., : kept.shape[4], :] = kept
        self.pairs = longer

    @torch.inference_mode()
    def take_over(self, other: "DecodingCache") -> None:
        """Have the rows in use of a shorter cache of the same model, prefix and batch."""
        assert self.shared is None is other.shared
        self.filled = other.filled
        self.pairs[..., : self.filled, :] = other.pairs[..., : self.filled, :]

    @torch.inference_mode()
    def keep_sequences(self, index: Tensor) -> None:
        """Let all sequences but those of `index` (int64 `[kept]`) leave; the rest is copied together."""
        self.pairs = self.pairs.index_select(1, index)

    # -- what the library's models ask of a cache ---------------------------------------------------------------------

    @property
    def is_compileable(self) -> bool:
        """False: the model is shown the rows in use only, a number that grows."""
        return False

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 - the library's signature
        """Return how many rows are in use."""
        return self.filled

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        layer_idx: int,
        *_: object,
        **__: object,
    ) -> tuple[Tensor, Tensor]:
        """Append `[batch, heads, s, head_dim]` to a layer; return the keys and values of all its rows in use.

        The rows count as used once the last layer has them. There must be room.
        """
        start = self.filled - self.beside
        end = start + key_states.shape[2]
        assert end + self.beside <= self.rows, "grow the cache first"
        layer = self.pairs[layer_idx]
        layer[:, :, 0, start:end] = key_states
        layer[:, :, 1, start:end] = value_states
        if layer_idx == len(self.pairs) - 1:
            self.filled = end + self.beside
        used = layer[:, :, :, :end]
        if self.shared is not None:
            shared = self.shared[layer_idx].expand(len(used), -1, -1, -1, -1)
            used = torch.cat((shared, used), dim=3)
        return used[:, :, 0], used[:, :, 1]
