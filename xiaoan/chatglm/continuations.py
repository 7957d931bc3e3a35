"""Log-probabilities of many continuations of many prompts, with as few forward passes as can be.

The continuations of a prompt form a tree of tokens: what two of them begin with is computed once. A forward pass takes
a prompt and its whole tree as one row, in which every token looks at the prompt and at its own ancestors only
(Miao et al., "SpecInfer: Accelerating Large Language Model Serving with Tree-based Speculative Inference", 2024).
Keys and values stay, so what is asked later about the same prompts costs its new tokens alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from xiaoan.chatglm.modeling_chatglm import two_dimensional_positions
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration

HEAD_ROWS = 256
"""Hidden states that go through the head at once, if not said otherwise: a vocabulary of 130,528 then takes 134 MB in float32."""

MARKS_AFTER_QUESTION = 2
"""[gMASK] and `<sop>`: a prompt's last tokens, which are not the question's own."""

KEYS_AND_VALUES_BYTES = 2**30
"""What the keys and values of one batch may take: 8 rows of 290 columns of ChatGLM-6B, far more of a small model."""

CPU_ROWS, LARGEST_BATCH = 16, 64
"""Rows of one forward pass: on a CPU more do not stay in its cache, see docs/log.md; elsewhere more keep it busy."""

_ROOT = 0


def batches(
    model: "ChatGLMForConditionalGeneration",
    lengths: Sequence[int],
    *,
    most_rows: int | None = None,
    most_bytes: int = KEYS_AND_VALUES_BYTES,
) -> list[list[int]]:
    """Return the places of rows in batches that fit into memory; rows of similar lengths stand together, long ones first.

    Args:
        model: whose keys and values are kept.
        lengths: columns that each row needs beside the prefix's: its prompt and all that is read of its continuations.
        most_rows: of one batch; None: what the model's device is fastest with.
        most_bytes: that its keys and values may take; a row that needs more stands alone.
    """
    config = model.config
    if most_rows is None:
        most_rows = CPU_ROWS if model.device.type == "cpu" else LARGEST_BATCH
    itemsize = model.transformer.word_embeddings.weight.element_size()
    column_bytes = 2 * config.num_layers * config.hidden_size * itemsize
    found: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        rows = found[-1] if found else []
        # The first row of a batch is its longest.
        columns = (config.pre_seq_len or 0) + lengths[rows[0] if rows else place]
        fits = (len(rows) + 1) * columns * column_bytes <= most_bytes
        if rows and len(rows) < most_rows and fits:
            rows.append(place)
        else:
            found.append([place])
    return found


@dataclass
class _Tree:
    """What is known of one prompt's continuations; every list has one entry a node.

    Attributes:
        length: tokens of the prompt.
        token: id of the node; the root is the prompt's last token.
        parent: its parent's number; the root's own.
        depth: 0 at the root.
        total: log-probability of all tokens from below the root to this one; None until it was computed.
        column: where the node's keys stand, counted from the prompt's first token; None until it was read.
        child: number by (parent, token).
    """

    length: int
    token: list[int]
    parent: list[int] = field(default_factory=lambda: [_ROOT])
    depth: list[int] = field(default_factory=lambda: [0])
    total: list[float | None] = field(default_factory=lambda: [0.0])
    column: list[int | None] = field(default_factory=list)
    child: dict[tuple[int, int], int] = field(default_factory=dict)

    def insert(self, ids: Sequence[int]) -> int:
        """Return the number of the node at the end of `ids`, made where there is none."""
        node = _ROOT
        for token in ids:
            key = (node, token)
            if key not in self.child:
                self.child[key] = len(self.token)
                self.token.append(token)
                self.parent.append(node)
                self.depth.append(self.depth[node] + 1)
                self.total.append(None)
                self.column.append(None)
            node = self.child[key]
        return node

    def open_columns(self, node: int) -> list[int]:
        """Columns of the node's ancestors and of the node itself, the prompt's not among them."""
        columns = []
        while node != _ROOT:
            columns.append(self.column[node])
            node = self.parent[node]
        return [column for column in columns if column is not None]


class Continuations:
    """Prompts of one batch, and what was computed of their continuations so far.

    Args:
        model: in evaluation mode.
        prompts: token ids, each ending with [gMASK] (or [MASK]) and `<sop>`, together with what is asked of them no
            longer than the model's window.
        prefix_key_values: the prefix's keys and values if already computed; None lets the model compute them.
        once: all that will be asked is asked in the first call: no keys and values are kept, which is faster.
        head_rows: hidden states that go through the head at once.
    """

    def __init__(
        self,
        model: "ChatGLMForConditionalGeneration",
        prompts: Sequence[Sequence[int]],
        prefix_key_values: PrefixKeyValues | None = None,
        *,
        once: bool = False,
        head_rows: int = HEAD_ROWS,
    ) -> None:
        self._model = model
        self._once = once
        self._was_read = False
        self._head_rows = head_rows
        self._prompts = [list(prompt) for prompt in prompts]
        self._prefix = prefix_key_values
        self._trees = [_Tree(len(prompt), [prompt[-1]], column=[len(prompt) - 1]) for prompt in prompts]
        self._cache: DynamicCache | None = None
        self._columns = 0
        self._rows = list(range(len(prompts)))
        self._last_positions = torch.empty(0)
        self.states = torch.empty(0)
        """Mean of the last hidden states of each prompt's own tokens `[prompts, hidden]`, float32 on the CPU; there
        after the first call of `log_probabilities`."""

    @torch.inference_mode()
    def log_probabilities(self, wanted: Mapping[int, Sequence[Sequence[int]]]) -> dict[int, list[float]]:
        """Return log p(ids | prompt) of every continuation asked for, by the prompt's number.

        A prompt that is left out once is done with: its keys and values are dropped, and it may not be asked again.
        """
        ends = {
            prompt: [self._trees[prompt].insert(ids) for ids in wanted[prompt]] for prompt in sorted(wanted)
        }
        self._drop_others(ends)
        news = [self._unknown(self._trees[row]) for row in self._rows]
        if not self._was_read or any(news):
            assert not (self._was_read and self._once), "its keys and values are gone"
            self._read(news)
        return {
            prompt: [_known(self._trees[prompt].total[node]) for node in nodes]
            for prompt, nodes in ends.items()
        }

    def _unknown(self, tree: _Tree) -> list[int]:
        """Nodes whose log-probability is not known yet; parents stand before children."""
        return [node for node, total in enumerate(tree.total) if total is None]

    def _drop_others(self, asked: Mapping[int, object]) -> None:
        kept = [place for place, row in enumerate(self._rows) if row in asked]
        if self._cache is not None and len(kept) < len(self._rows):
            self._cache.batch_select_indices(torch.tensor(kept, device=self._model.device))
            self._last_positions = self._last_positions[kept]
        self._rows = [self._rows[place] for place in kept]

    def _read(self, news: Sequence[Sequence[int]]) -> None:
        """Run what is not in the cache yet through the model, and fill in the new nodes' log-probabilities."""
        starts = [0 if self._was_read else self._trees[row].length for row in self._rows]
        readers = [
            self._place(self._trees[row], nodes, self._columns + start)
            for row, nodes, start in zip(self._rows, news, starts, strict=True)
        ]
        width = max(start + len(nodes) for start, nodes in zip(starts, readers, strict=True))
        ids = torch.zeros(len(self._rows), width, dtype=torch.long)
        positions = torch.zeros(len(self._rows), 2, width, dtype=torch.long)
        if not self._was_read:
            self._lay_prompts(ids, positions)
        for place, (row, start, nodes) in enumerate(zip(self._rows, starts, readers, strict=True)):
            tree, end = self._trees[row], start + len(nodes)
            ids[place, start:end] = torch.tensor([tree.token[node] for node in nodes], dtype=torch.long)
            positions[place, :, start:end] = self._last_positions[place]
            positions[place, 1, start:end] += torch.tensor(
                [tree.depth[node] for node in nodes], dtype=torch.long
            )
        hidden = self._forward(ids, positions, self._blocked(readers, starts, width))
        if not self._was_read:
            self._remember_states(hidden)
            self._was_read = True
        self._columns += width
        self._fill(hidden, news, readers, starts)

    def _place(self, tree: _Tree, nodes: Sequence[int], first_column: int) -> list[int]:
        """Give a column to every node that has to be read: the parents of `nodes` that were not read yet."""
        parents = dict.fromkeys(tree.parent[node] for node in nodes)
        if not self._was_read:
            parents.pop(_ROOT, None)  # the prompt's last token is read with the prompt
        for column, node in enumerate(parents, start=first_column):
            if node != _ROOT:  # read again, its older column does as well for its descendants
                tree.column[node] = column
        return list(parents)

    def _lay_prompts(self, ids: Tensor, positions: Tensor) -> None:
        for place, row in enumerate(self._rows):
            ids[place, : len(self._prompts[row])] = torch.tensor(self._prompts[row])
        longest = max(
            len(self._prompts[row]) for row in self._rows
        )  # a tree may be wider than the model's window
        positions[:, :, :longest] = two_dimensional_positions(ids[:, :longest], self._model.config)
        ends = torch.tensor([len(self._prompts[row]) - 1 for row in self._rows])
        self._last_positions = positions[torch.arange(len(ends)), :, ends, None].clone()  # [rows, 2, 1]

    def _blocked(self, readers: Sequence[Sequence[int]], starts: Sequence[int], width: int) -> Tensor:
        """Bool `[rows, 1, width, columns + width]`, true where a token may not look; all of it for padding."""
        blocked = np.ones((len(self._rows), 1, width, self._columns + width), dtype=np.bool_)
        for own, row, start, nodes in zip(blocked[:, 0], self._rows, starts, readers, strict=True):
            tree = self._trees[row]
            if not self._was_read:
                context = self._prompts[row].index(int(cast(int, self._model.config.bos_token_id)))
                own[: tree.length, :context] = False
                for step in range(context, tree.length):
                    own[step, context : step + 1] = False
            own[start : start + len(nodes), : tree.length] = False
            for step, node in enumerate(nodes, start=start):
                own[step, tree.open_columns(node)] = False
                if node == _ROOT:  # read again, it must not see its first reading beside itself
                    own[step, [tree.length - 1, self._columns + step]] = [True, False]
        return torch.from_numpy(blocked)

    def _forward(self, ids: Tensor, positions: Tensor, blocked: Tensor) -> Tensor:
        """Hidden states `[rows, width, hidden]` of the tokens, which are in the cache then."""
        device = self._model.device
        if self._cache is None and not self._once:
            self._cache = DynamicCache(config=self._model.config)
        outputs = self._model.transformer(
            input_ids=ids.to(device),
            attention_mask=blocked.to(device),
            position_ids=positions.to(device),
            past_key_values=self._cache,
            use_cache=not self._once,
            prefix_key_values=self._prefix,
        )
        hidden: Tensor = outputs.last_hidden_state
        return hidden

    def _remember_states(self, hidden: Tensor) -> None:
        own = [len(self._prompts[row]) - MARKS_AFTER_QUESTION for row in self._rows]
        states = [
            row[:length].float().mean(dim=0) if length > 0 else torch.zeros(row.shape[1], device=row.device)
            for row, length in zip(hidden, own, strict=True)
        ]
        self.states = torch.stack(states).cpu()

    def _fill(
        self,
        hidden: Tensor,
        news: Sequence[Sequence[int]],
        readers: Sequence[Sequence[int]],
        starts: Sequence[int],
    ) -> None:
        """Read the log-probability of every new node off the hidden state of its parent."""
        sources: dict[tuple[int, int], int] = {}
        picked: list[int] = []
        targets: list[tuple[int, int]] = []
        for place, (row, nodes) in enumerate(zip(self._rows, news, strict=True)):
            tree = self._trees[row]
            where = {node: step for step, node in enumerate(readers[place], start=starts[place])}
            where.setdefault(_ROOT, tree.length - 1)
            for node in nodes:
                source = (place, where[tree.parent[node]])
                picked.append(sources.setdefault(source, len(sources)))
                targets.append((row, node))
        if not targets:
            return
        places, steps = (torch.tensor(index, device=hidden.device) for index in zip(*sources, strict=True))
        tokens = [self._trees[row].token[node] for row, node in targets]
        scores = self._scores(hidden[places, steps], picked, tokens)
        for (row, node), score in zip(targets, scores, strict=True):
            tree = self._trees[row]
            tree.total[node] = _known(tree.total[tree.parent[node]]) + score

    def _scores(self, hidden: Tensor, picked: Sequence[int], tokens: Sequence[int]) -> list[float]:
        """Log-probability of each of `tokens` after the row `picked` for it of `hidden` `[n, hidden]`."""
        working = torch.promote_types(hidden.dtype, torch.float32)
        found = torch.empty(len(tokens), dtype=working, device=hidden.device)
        rows, ids = (torch.tensor(values, device=hidden.device) for values in (picked, tokens))
        for start in range(0, len(hidden), self._head_rows):
            logits = self._model.lm_head(hidden[start : start + self._head_rows]).to(working)
            norms = logits.logsumexp(dim=-1)
            here = (rows >= start) & (rows < start + len(logits))
            own = rows[here] - start
            found[here] = logits[own, ids[here]] - norms[own]
        return [float(value) for value in found.double().cpu()]


def _known(total: float | None) -> float:
    assert total is not None, "a continuation's beginning is computed with it"
    return total
