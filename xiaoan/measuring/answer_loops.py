"""The product's own ways to answer, as loops that can be timed: the one place that knows how decoding is called."""

from collections.abc import Generator, Sequence
from typing import cast

import torch
from torch import Tensor

from xiaoan.chatglm.decoder import Decoder, usual_plan
from xiaoan.chatglm.generation import (
    DecodingState,
    decode_one_token,
    prefill,
    stream_token_ids,
    working_dtype,
)
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.measuring.turns import AnswerLoop


class Ready:
    """A model as it answers: with its decoder, which has the prefix's keys and values and captured steps.

    Args:
        model: in evaluation mode, on its device, packed if it shall be.
        told: what was said about it while it was made ready.
    """

    def __init__(self, model: ChatGLMForConditionalGeneration, told: Sequence[str] = ()) -> None:
        self.model = model
        self._told = told
        self.decoder = Decoder(model, usual_plan(model.device))

    @property
    def warnings(self) -> list[str]:
        """Which faster ways turned out not to work; more may come while it answers."""
        return [*self._told, *self.decoder.warnings]

    @property
    def dtype(self) -> torch.dtype:
        """Of everything that is not quantised."""
        return working_dtype(self.model)

    @property
    def head_bits(self) -> int:
        """Of a weight of the head as the best token is chosen: 8 where a copy in int8 is read first, 0 for its own."""
        return 8 if self.model.greedy_head is not None else 0


class StreamLoop:
    """One answer as the program streams it: `stream_token_ids`, greedy, which an end token does not end."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready
        self._ids: Generator[int] | None = None

    def first(self, input_ids: Tensor) -> list[int]:
        """Read one prompt `[1, s]` and return the id that follows it."""
        if self._ids is not None:
            self._ids.close()  # gives back what the answer before was lent
        made = stream_token_ids(self._ready.model, input_ids, eos=(), decoder=self._ready.decoder)
        self._ids = cast("Generator[int]", made)
        return self.following()

    def following(self) -> list[int]:
        """Return the next id."""
        assert self._ids is not None, "first, then following"
        return [next(self._ids)]


class BatchLoop:
    """Many answers in step: `prefill` and `decode_one_token`, greedy."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready
        self._state: DecodingState | None = None
        self.logits = torch.empty(0)
        """Those of the last step, `[b, vocab]`."""

    def first(self, input_ids: Tensor) -> list[int]:
        """Read prompts `[b, s]` without padding and return the id that follows each of them."""
        prefix = self._ready.decoder.prefix_key_values
        self._state = None  # two caches of a large batch may not fit
        self.logits, self._state = prefill(self._ready.model, input_ids, prefix_key_values=prefix)
        return self._best()

    def following(self) -> list[int]:
        """Return the next id of each row."""
        return self.following_as(self._newest)

    def following_as(self, token_ids: Tensor) -> list[int]:
        """Return the ids that follow `token_ids` `[b, 1]`, whatever was best there."""
        assert self._state is not None, "first, then following"
        self.logits = decode_one_token(self._ready.model, token_ids, self._state, greedy=True)
        return self._best()

    def _best(self) -> list[int]:
        self._newest = self.logits.argmax(dim=-1, keepdim=True)
        return cast("list[int]", self._newest[:, 0].tolist())


def answer_loop(ready: Ready, *, batch: int) -> AnswerLoop:
    """Return how the program answers `batch` prompts at once."""
    return StreamLoop(ready) if batch == 1 else BatchLoop(ready)
