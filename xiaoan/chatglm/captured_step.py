"""A decode step over buffers that stay where they are, so that it can be captured once and replayed for every token.

A step that runs operator by operator is launched anew each time, some four hundred launches a token in the 6B, and a
GPU waits for them. A captured one is a single launch: it takes its token from a buffer, puts the next one there and
counts its own positions and rows, so that the host says nothing but "again". That asks for shapes that never change:
attention reads a whole bucket of rows, and a mask closes the free ones.

How a step is captured is a function that is handed in: a CUDA graph, torch.compile, both, or in tests nothing at all.
"""

import functools
import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.decoding_cache import DecodingCache
from xiaoan.chatglm.decoding_step import step_logits
from xiaoan.chatglm.fused_step import fused_logits
from xiaoan.chatglm.generation import DecodingState, best_tokens
from xiaoan.chatglm.modeling_chatglm import MASKED_SCORE
from xiaoan.chatglm.products.step_kernels import StepKernels

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration

REHEARSALS = 3
"""Runs before a capture: libraries choose their kernels and take their work space then."""

LONG_ROWS = 512
"""Above so many rows one sequence's attention on a GPU is two products, which spread over all of it. The fused kernel
with a mask gives a head to one multiprocessor, which is one launch instead of six, but slow over many rows. Estimated
from both kernels' grids, not yet measured on a GPU."""

Capture = Callable[[Callable[[], None]], Callable[[], None]]
"""`run` → what does the same by a single launch. It may call `run` up to `REHEARSALS` times."""


_ONE_CAPTURE = threading.Lock()
"""torch allows one capture at a time in a process."""


class Fetch(Protocol):
    """What brings a token `[1, 1]` to the host: begins at once, and is waited for when the result is called."""

    def __call__(self, token_ids: Tensor) -> Callable[[], int]:
        """Return what waits for the token and returns it."""
        ...


class StaticRows:
    """Attention over all rows of a cache, the free ones closed by a mask; `decoding_step.RowsInUse` reads fewer.

    Args:
        pairs: as in `DecodingCache`.
        row: int64 `[1]`, where key and value go, on the device.
        mask: `[b, 1, 1, rows]`, added to scores.
        two_products: write attention out, see `LONG_ROWS`.
    """

    def __init__(self, pairs: Tensor, row: Tensor, mask: Tensor, *, two_products: bool) -> None:
        self._layers = pairs.unbind(0)
        self._row = row
        self._mask = mask
        self._attend = two_product_step if two_products else fused_step

    def __call__(self, layer: int, turned: Tensor) -> Tensor:
        """See `decoding_step.Attend`."""
        pairs = self._layers[layer]
        pairs.index_copy_(3, self._row, turned[:, :, 1:].unsqueeze(3))
        return self._attend(turned[:, :, :1], pairs[:, :, 0], pairs[:, :, 1], self._mask, layer + 1)


def fused_step(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, layer_number: int) -> Tensor:  # noqa: ARG001
    """Attention of one new token by torch's fused kernels: `[b, heads, 1, d]`."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def two_product_step(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, layer_number: int) -> Tensor:
    """The same written out. `layer_number`, from 1, divides the query and multiplies the scores in float32 or better,
    as the original does, which keeps float16 products in range."""
    scores = torch.matmul(query / (math.sqrt(query.shape[-1]) * layer_number), key.transpose(-1, -2))
    working = torch.promote_types(scores.dtype, torch.float32)
    scores = torch.add(mask.to(working), scores, alpha=layer_number)
    return torch.matmul(F.softmax(scores, dim=-1).to(value.dtype), value)


class StaticStep:
    """The greedy decode step of a model over one cache.

    Args:
        model: in evaluation mode; its modules are called as they are when the step is captured.
        cache: of a whole bucket of rows; it belongs to the step.
        capture: makes the replay of the step, here and now; it may raise what it likes.
        kernels: the small steps between products in few launches (`fused_step`); None: torch's operators.
        two_products: as in `StaticRows`, which is used without `kernels`.

    Attributes:
        cache: the cache.
        token_ids: int64 `[b, 1]`; before a replay the token to be decoded, afterwards the best one that follows.
        logits: `[b, vocab]` of the last replay; the next one overwrites them.
        position_ids: int64 `[b, 2, 1]` of the token decoded last.
    """

    def __init__(
        self,
        model: "ChatGLMForConditionalGeneration",
        cache: DecodingCache,
        capture: Capture,
        *,
        kernels: StepKernels | None = None,
        two_products: bool = False,
    ) -> None:
        self._model = model
        self._kernels = kernels
        self.cache = cache
        b, device = cache.batch_size, cache.pairs.device
        self.token_ids = torch.zeros(b, 1, dtype=torch.int64, device=device)
        self.position_ids = torch.zeros(b, 2, 1, dtype=torch.int64, device=device)
        # Rehearsals write into the last rows, which the prefix does not reach.
        assert cache.rows - cache.prefix_rows > REHEARSALS
        self._row = torch.full((1,), cache.rows - 1 - REHEARSALS, dtype=torch.int64, device=device)
        self._mask = torch.full((b, 1, 1, cache.rows), MASKED_SCORE, dtype=cache.pairs.dtype, device=device)
        self._two_products = two_products
        self._pairs = cache.pairs
        self.logits = torch.empty(0)
        with torch.inference_mode():
            self._replay = capture(self._run)

    def _run(self) -> None:
        """What is captured: nothing in it reads from the device or depends on anything but the buffers."""
        self.position_ids[:, 1] += 1
        self._mask.index_fill_(3, self._row, 0)
        token_ids, position_ids = self.token_ids, self.position_ids
        if self._kernels is None:
            rows = StaticRows(self._pairs, self._row, self._mask, two_products=self._two_products)
            self.logits = step_logits(self._model, token_ids, position_ids, rows)
        else:
            self.logits = fused_logits(
                *(self._model, self._kernels, token_ids, position_ids, self._pairs, self._row, self._mask)
            )
        self.token_ids.copy_(best_tokens(self.logits))
        self._row += 1

    @torch.inference_mode()
    def take(self, token_ids: Tensor, state: DecodingState) -> None:
        """Go on from `state`, whose cache is the step's own or a shorter one, with `token_ids` `[b, 1]`.

        What an earlier answer left in the free rows is wiped: closed as they are, a number of it that is none would
        reach this answer.
        """
        if state.cache is not self.cache:
            self.cache.take_over(state.cache)
        assert self.cache.pairs is self._pairs, "the captured step reads and writes other memory"
        filled = self.cache.filled
        self.cache.pairs[..., filled:, :].zero_()
        self.token_ids.copy_(token_ids)
        self.position_ids.copy_(state.position_ids)
        self._row.fill_(filled)
        self._mask.fill_(MASKED_SCORE)
        self._mask[..., :filled] = 0
        if state.padding is not None:
            padded = state.padding.shape[1]
            self._mask[..., :padded].masked_fill_(state.padding[:, None, None], MASKED_SCORE)

    @torch.inference_mode()
    def advance(self) -> None:
        """Decode the token in `token_ids`; on a GPU this returns before it is done. There must be a free row."""
        assert self.cache.filled < self.cache.rows
        self._replay()
        self.cache.filled += 1


def replayed_eagerly(run: Callable[[], None]) -> Callable[[], None]:
    """No capture: the same step over the same buffers, operator by operator."""
    return run


def cuda_graph(run: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """Capture `run` in a CUDA graph on `device`, after rehearsals on a stream of their own.

    Raises:
        RuntimeError: something in it cannot be captured, or there is no memory for it.
    """
    with _ONE_CAPTURE, torch.cuda.device(device):  # which may not be the current one
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(stream):
                for _ in range(REHEARSALS):
                    run()
        finally:  # also after a failure, when the memory that is written there will be somebody else's
            torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # A capture that fails leaves its stream current; the outer context takes that back. The stream is ours because
        # torch's own belongs to the device of the process's first capture. Other threads may use the device meanwhile.
        with (
            torch.cuda.stream(torch.cuda.current_stream()),
            torch.cuda.graph(
                graph, stream=_capture_stream(torch.cuda.current_device()), capture_error_mode="thread_local"
            ),
        ):
            run()
    replay: Callable[[], None] = graph.replay
    return replay


@functools.cache
def _capture_stream(device: int) -> torch.cuda.Stream:
    """The stream of all captures on a device: libraries keep work space for every stream that they are used on."""
    return torch.cuda.Stream(device)


def compiled(run: Callable[[], None]) -> Callable[[], None]:
    """Compile `run` by torch.compile, which needs a compiler on this machine (C++ on a CPU, Triton on a GPU).

    Raises:
        RuntimeError: there is no compiler, or it failed.
    """
    made: Callable[[], None] = torch.compile(run, dynamic=False, fullgraph=True)
    made()  # compiles
    return made


def compiled_cuda_graph(run: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """Compile `run` and capture what came out of it; errors as in `compiled` and `cuda_graph`."""
    return cuda_graph(torch.compile(run, dynamic=False, fullgraph=True), device)


def fetch_now(token_ids: Tensor) -> Callable[[], int]:
    """Wait for the token at once."""
    token_id = int(token_ids)
    return lambda: token_id


class PinnedFetch:
    """Fetches tokens from a GPU while it goes on: each into pinned memory of its own, with an event behind it.

    Args:
        places: how many tokens may be on their way at once.
        device: where they come from.
    """

    def __init__(self, places: int, device: torch.device) -> None:
        self._device = device
        self._pinned = torch.zeros(places, dtype=torch.int64, pin_memory=True)
        self._events = [torch.cuda.Event() for _ in range(places)]
        self._next = 0

    def __call__(self, token_ids: Tensor) -> Callable[[], int]:
        """See `Fetch`."""
        place, self._next = self._next, (self._next + 1) % len(self._events)
        self._pinned[place].copy_(token_ids[0, 0], non_blocking=True)
        event = self._events[place]
        event.record(torch.cuda.current_stream(self._device))

        def wait() -> int:
            event.synchronize()
            return int(self._pinned[place])

        return wait
