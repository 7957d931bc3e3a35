"""What is measured: a stored model or a shape with random weights, in any precision that is asked for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from xiaoan.chatglm.checkpoint import EMBEDDING_KEY, HEAD_KEY
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues
from xiaoan.chatglm.products.preparing import prepare_for_answering_
from xiaoan.chatglm.random_model import RandomWeights
from xiaoan.measuring.answer_loops import Ready
from xiaoan.measuring.machine_rates import on_ordinary_pages
from xiaoan.measuring.reference import ReferenceLoop
from xiaoan.measuring.shapes import random_prompts
from xiaoan.measuring.variants import EXACT, Variant, variant_model

_LOSS_PROMPTS, _LOSS_PROMPT = 4, 64


class Subject(Protocol):
    """Where models come from."""

    @property
    def config(self) -> ChatGLMConfig:
        """Its shape, with the prefix that it answers with."""
        ...

    def ready(self, variant: Variant) -> Ready:
        """Return the model in a precision, ready to answer.

        Raises:
            XiaoanError: it is not to be had in this precision, or there is too little memory.
        """
        ...

    def reference(self) -> ReferenceLoop:
        """Return the published way with the same weights, in float32 on the CPU."""
        ...

    def questions(self) -> Sequence[Tensor]:
        """Return the prompts `[1, s]` by which the accuracy is measured."""
        ...


class RandomSubject:
    """A shape with random weights, the same ones in every precision.

    Args:
        config: the shape.
        device: where models go.
        keep: whether the stored weights stay in memory (as float16) instead of being made anew for every model.
    """

    def __init__(self, config: ChatGLMConfig, device: torch.device, *, keep: bool = True) -> None:
        self._config = config
        self._device = device
        place = torch.device("cpu") if keep else device
        made = RandomWeights(config, dtype=torch.float16, device=place)
        self._weights: Mapping[str, Tensor] = made
        if keep:
            kept = {name: made[name] for name in made if name != HEAD_KEY}
            self._weights = {**kept, HEAD_KEY: kept[EMBEDDING_KEY]}

    @property
    def config(self) -> ChatGLMConfig:
        """The shape."""
        return self._config

    def ready(self, variant: Variant) -> Ready:
        """See `Subject.ready`."""
        model = variant_model(self._config, variant, self._weights, self._device)
        return Ready(model, prepare_for_answering_(model))

    def reference(self) -> ReferenceLoop:
        """See `Subject.reference`."""
        return reference_of(self._weights, self._config)

    def questions(self) -> Sequence[Tensor]:
        """See `Subject.questions`: random ids."""
        return [random_prompts(self._config, length=_LOSS_PROMPT, seed=1 + i) for i in range(_LOSS_PROMPTS)]


class StoredSubject:
    """A stored model, perhaps with a prefix.

    Args:
        load: precision → the model, as the program loads it.
        config: of the model that it loads.
        questions: token ids of prompts.
    """

    def __init__(
        self,
        load: Callable[[str], ChatGLMForConditionalGeneration],
        config: ChatGLMConfig,
        questions: Sequence[Sequence[int]],
    ) -> None:
        self._load = load
        self._config = config
        self._questions = [torch.tensor([list(ids)]) for ids in questions]

    @property
    def config(self) -> ChatGLMConfig:
        """The stored model's."""
        return self._config

    def ready(self, variant: Variant) -> Ready:
        """See `Subject.ready`."""
        model = self._load(variant.name)
        return Ready(model, prepare_for_answering_(model))

    def reference(self) -> ReferenceLoop:
        """See `Subject.reference`."""
        ready = Ready(self._load(EXACT))
        return reference_of(ready.model.state_dict(), self._config, ready.decoder.prefix_key_values)

    def questions(self) -> Sequence[Tensor]:
        """See `Subject.questions`."""
        return self._questions


def reference_of(
    weights: Mapping[str, Tensor], config: ChatGLMConfig, prefix: PrefixKeyValues | None = None
) -> ReferenceLoop:
    """Return the published way with these weights in float32, on memory pages as its own program gets them."""
    copies = {
        name: on_ordinary_pages(tensor.detach().cpu().float())
        for name, tensor in weights.items()
        if name != HEAD_KEY
    }
    return ReferenceLoop(copies, config, prefix)
