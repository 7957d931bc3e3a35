"""A model ready to answer, again and again: caches that hold its prefix already, and captured decode steps.

Made for one model with one prefix in one precision on one device. When any of these changes another `Decoder` is made,
so nothing stale can be used. What is in use by an answer is out of the decoder's hands: answers that go on side by
side, in one thread or in several, and answers that were left in the middle, never share a cache.
"""

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xiaoan.chatglm.captured_step import (
    LONG_ROWS,
    Capture,
    Fetch,
    PinnedFetch,
    StaticStep,
    compiled,
    compiled_cuda_graph,
    cuda_graph,
    fetch_now,
)
from xiaoan.chatglm.decoding_cache import DecodingCache, whole_buckets
from xiaoan.chatglm.generation import (
    DecodingState,
    PlainSteps,
    TokenSteps,
    best_tokens,
    new_cache,
    prefill,
    working_dtype,
)
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues
from xiaoan.chatglm.products.step_kernels import StepKernels, step_kernels
from xiaoan.chatglm.products.triton_products import kernel_errors, this_host

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration

_log = logging.getLogger(__name__)

KEPT = 2
"""Idle caches, or captured steps of a size, that are kept for the next answers."""

SMALLEST_BUCKET = 256
"""Rows of the smallest captured step; each larger one has twice as many."""

USUAL_ANSWER = 64
"""Rows that there is room for at first behind a prompt."""


@dataclass(frozen=True)
class CapturePlan:
    """How steps are captured.

    Attributes:
        capture: makes the replay.
        name: of that way, for the person.
        new_fetch: makes what brings the tokens of one answer to the host.
        ahead: tokens begun before an earlier one is waited for.
        without: the plan to fall back to, None for no capture.
        find_kernels: asked once for the small steps between products; None: torch's operators do them.
    """

    capture: Capture
    name: str
    new_fetch: Callable[[], Fetch]
    ahead: int = 0
    without: "CapturePlan | None" = None
    find_kernels: "FindKernels | None" = None


FindKernels = Callable[["ChatGLMForConditionalGeneration"], tuple[StepKernels | None, str]]
"""model → its small steps in few launches, and why it has to do without them ("" where it has not)."""


def usual_plan(device: torch.device, *, compile_step: bool = False) -> CapturePlan | None:
    """Return how steps are captured on `device`: CUDA graphs on a GPU, and nothing at all elsewhere.

    With `compile_step` torch.compile comes first, everywhere; it takes a minute and needs a compiler.
    """
    if device.type == "cuda":
        graph = CapturePlan(
            lambda run: cuda_graph(run, device),
            "CUDA 图",
            lambda: PinnedFetch(2, device),
            ahead=1,
            find_kernels=triton_kernels_of,
        )
        if not compile_step:
            return graph
        return CapturePlan(
            lambda run: compiled_cuda_graph(run, device),
            "torch.compile",
            lambda: PinnedFetch(2, device),
            ahead=1,
            without=graph,
        )
    return CapturePlan(compiled, "torch.compile", lambda: fetch_now) if compile_step else None


def triton_kernels_of(model: "ChatGLMForConditionalGeneration") -> tuple[StepKernels | None, str]:
    """Return the Triton kernels for a model on a GPU, tried there; see `FindKernels`."""
    config = model.config
    kernels, fault = step_kernels(
        this_host(model.device),
        model.device,
        working_dtype(model),
        hidden_size=config.hidden_size,
        head_dim=config.head_dim,
    )
    return (None, fault) if fault else (kernels, "")


class Decoder:
    """Answers of one model, one prompt at a time; see `generation.stream_token_ids`.

    Args:
        model: in evaluation mode, and as it will be used: packed, quantised and on its device. What is captured
            reads the weights where they lie.
        plan: how steps are captured, None for not at all; `usual_plan` is the choice for a device.

    Attributes:
        prefix_key_values: of the model's prefix, in the precision of its hidden states; None without a prefix.
        warnings: what the person should know, such as a capture that failed; grows while answers are made.
    """

    def __init__(self, model: "ChatGLMForConditionalGeneration", plan: CapturePlan | None = None) -> None:
        self._model = model
        # The readable reference is not captured: it decides by shapes that it reads.
        self._plan = None if model.config._attn_implementation == "eager" else plan
        self._caches: deque[DecodingCache] = deque(maxlen=KEPT)
        self._steps: dict[int, deque[StaticStep]] = {}
        self._kernels: dict[str, StepKernels | None] = {}
        self.warnings: list[str] = []
        with torch.inference_mode():
            self.prefix_key_values: PrefixKeyValues | None = model.transformer.prefix_key_values(
                working_dtype(model)
            )

    @contextlib.contextmanager
    def answering(
        self, input_ids: Tensor, choose: Callable[[Tensor], Tensor] | None = None
    ) -> Iterator[TokenSteps]:
        """Lend the steps of the answer to one prompt `[1, s]`; what they use is free again afterwards.

        Args:
            input_ids: the prompt.
            choose: logits `[1, vocab]` → token `[1, 1]`; None: the best one, chosen inside the step.
        """
        if self._plan is None:
            with self._lent_cache() as cache:
                yield PlainSteps(self._model, input_ids, choose, cache=cache)
        else:
            steps = CapturedSteps(self, self._model, self._plan, input_ids, choose)
            try:
                yield steps
            finally:
                steps.give_back()

    @contextlib.contextmanager
    def _lent_cache(self) -> Iterator[DecodingCache]:
        # `deque` needs no lock: taking and putting back are one operation each, in whatever thread a generator ends.
        try:
            cache = self._caches.pop()
        except IndexError:
            cache = new_cache(self._model, self.prefix_key_values, batch_size=1, rows=0)
        try:
            yield cache
        finally:
            cache.forget_answer()
            self._caches.append(cache)

    # -- captured steps -----------------------------------------------------------------------------------------------

    def step_with(self, rows: int) -> StaticStep | None:
        """Return a captured step that nobody uses, with at least `rows` rows; None when capturing fails.

        The failure is in `warnings` then, and the next plan, or none, is taken from there on.
        """
        bucket = self._bucket(rows)
        try:
            return self._steps.setdefault(bucket, deque(maxlen=KEPT)).pop()
        except IndexError:
            pass
        while self._plan is not None:
            plan = self._plan
            try:
                return self._captured(plan, bucket)
            except kernel_errors() as error:
                _log.debug("capturing a decode step failed", exc_info=True)  # a person reads the warning
                # Idle steps of other sizes take much memory; those that an answer has are not among them.
                if isinstance(error, torch.OutOfMemoryError) and any(self._steps.values()):
                    self._steps.clear()
                    continue
                self._plan = plan.without
                self.warnings.append(_fallen_back(plan, error))
        return None

    def _captured(self, plan: CapturePlan, rows: int) -> StaticStep:
        cache = new_cache(self._model, self.prefix_key_values, batch_size=1, rows=rows)
        two_products = rows > LONG_ROWS and self._model.device.type == "cuda"
        kernels = self._kernels_of(plan)
        return StaticStep(self._model, cache, plan.capture, kernels=kernels, two_products=two_products)

    def _kernels_of(self, plan: CapturePlan) -> StepKernels | None:
        if plan.find_kernels is None:
            return None
        if plan.name not in self._kernels:
            self._kernels[plan.name], fault = plan.find_kernels(self._model)
            if fault:
                self.warnings.append(
                    f"解码的小步骤没能用 Triton 内核加速（{fault}），改用 PyTorch 的算子：答案一样，只是慢一些。"
                )
        return self._kernels[plan.name]

    def take_back(self, step: StaticStep) -> None:
        """Keep `step` for another answer."""
        step.cache.forget_answer()
        self._steps.setdefault(step.cache.rows, deque(maxlen=KEPT)).append(step)

    def _bucket(self, rows: int) -> int:
        most = whole_buckets(self._prefix_rows + self._model.config.max_sequence_length)
        bucket = SMALLEST_BUCKET
        while bucket < rows:
            bucket *= 2
        return max(whole_buckets(rows), min(bucket, most))

    @property
    def _prefix_rows(self) -> int:
        return 0 if self.prefix_key_values is None else self.prefix_key_values[0][0].shape[2]

    def rows_for(self, prompt_length: int) -> int:
        """Return how many rows an answer to a prompt of so many tokens needs at first."""
        return self._prefix_rows + prompt_length + USUAL_ANSWER


class CapturedSteps:
    """One answer by captured steps: a longer one takes over when the bucket is full; see `generation.TokenSteps`.

    Args:
        decoder: lends the steps.
        model: the decoder's.
        plan: how they were captured.
        input_ids: the prompt `[1, s]`.
        choose: as in `Decoder.answering`.
    """

    def __init__(
        self,
        decoder: Decoder,
        model: "ChatGLMForConditionalGeneration",
        plan: CapturePlan,
        input_ids: Tensor,
        choose: Callable[[Tensor], Tensor] | None,
    ) -> None:
        self._decoder = decoder
        self._model = model
        self._input_ids = input_ids
        self._choose = choose
        self._fetch = plan.new_fetch()
        self._step: StaticStep | None = None
        self._plain: PlainSteps | None = None
        # A token that the host chooses has to be known before the next one is begun.
        self.ahead = plan.ahead if choose is None else 0

    def begin(self) -> Callable[[], int]:
        """See `TokenSteps`."""
        if self._plain is None:
            step = self._begun() if self._step is None else self._advanced(self._step)
            if step is not None:
                return self._fetch(step.token_ids)
        assert self._plain is not None
        return self._plain.begin()

    def give_back(self) -> None:
        """Let the decoder have the step that this answer used."""
        if self._step is not None:
            self._decoder.take_back(self._step)
            self._step = None

    def _begun(self) -> StaticStep | None:
        """Run the prompt through the model, into the cache of a step; None where there is no step to be had."""
        step = self._decoder.step_with(self._decoder.rows_for(self._input_ids.shape[1]))
        if step is None:
            self._plain = PlainSteps(
                self._model,
                self._input_ids,
                self._choose,
                prefix_key_values=self._decoder.prefix_key_values,
            )
            return None
        self._step = step
        logits, state = prefill(self._model, self._input_ids, cache=step.cache)
        step.take((self._choose or best_tokens)(logits), state)
        return step

    def _advanced(self, step: StaticStep) -> StaticStep | None:
        """Decode one more token; None where the bucket is full and there is no longer step to be had."""
        if step.cache.filled == step.cache.rows:
            state = DecodingState(step.cache, None, step.position_ids)
            longer = self._decoder.step_with(step.cache.rows + 1)
            if longer is None:  # the cache will grow, so the step is not given back
                self._step = None
                self._plain = PlainSteps.resumed(self._model, self._choose, step.token_ids, state)
                return None
            longer.take(step.token_ids, state)
            self._decoder.take_back(step)
            self._step = step = longer
        step.advance()
        if self._choose is not None:
            with torch.inference_mode():
                step.token_ids.copy_(self._choose(step.logits))
        return step


def _fallen_back(plan: CapturePlan, error: Exception) -> str:
    reason = str(error).strip().splitlines()
    told = f"{type(error).__name__}：{reason[0][:160]}" if reason else type(error).__name__
    instead = f"改用{plan.without.name}" if plan.without is not None else "改为逐个算子执行"
    return f"解码没能用{plan.name}加速（{told}），{instead}：答案一样，只是慢一些。"
