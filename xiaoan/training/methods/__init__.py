"""What is trained on a base: a prefix, LoRA adapters, or all of it."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from torch import nn

from xiaoan import __version__
from xiaoan.chatglm.quantization import QuantizedLinear
from xiaoan.training.data.pairs import Pair

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

_VERSIONS_OF = ("torch", "transformers", "peft", "accelerate")


@dataclass(frozen=True)
class Base:
    """The model that is tuned, in memory.

    Attributes:
        model: moved and cast by the caller.
        tokenizer: of it.
        name: goes into the card of the result.
        sha256: `weights_sha256` of it; goes there too.
        dtype: the precision it was loaded in: "float16", "bfloat16", "float32", "int8" or "int4".
        folder: where it was read from, never written to; None for a model that was made in memory.
    """

    model: "ChatGLMForConditionalGeneration"
    tokenizer: "ChatGLMTokenizer"
    name: str
    sha256: str
    dtype: str = ""
    folder: Path | None = None


@dataclass(frozen=True)
class ResultFacts:
    """What the card of a result says, whichever method made it.

    Attributes:
        forms: forms of question that were trained.
        data_sha256: of the training data.
        metrics: what was measured with the result, by name.
        seed: of the run.
        settings: {"loop": …, "method": …}.
        library_versions: by package name.
        pairs: that were learnt whole, without history; a prefix's card keeps a few (`chatglm.prefix_probe`).
    """

    forms: tuple[str, ...]
    data_sha256: str
    metrics: Mapping[str, Any]
    seed: int
    settings: Mapping[str, Any]
    library_versions: Mapping[str, str] = field(default_factory=lambda: library_versions())
    pairs: tuple[Pair, ...] = ()


class Method(Protocol):
    """One way of tuning. Its instances are frozen dataclasses, so that `asdict` gives the settings for the card."""

    @property
    def name(self) -> str:
        """The name: "ptuning", "lora" or "full"."""

    def attach(self, base: Base, seed: int, pairs: Sequence[Pair] = ()) -> dict[str, nn.Parameter]:
        """Freeze what is not trained, add what is, and return name → trainable float32 parameter.

        `pairs` are what will be learnt; initial values may be taken from what the base makes of them.

        Raises:
            UsageError: this base cannot be tuned so.
        """

    def settle(self, base: Base) -> None:
        """Make the model in memory what a saved and loaded result will be, before it is measured."""

    def save(self, base: Base, folder: Path, facts: ResultFacts) -> None:
        """Write what inference loads into `folder`, beside whatever is there; each file whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """

    def detach(self, base: Base) -> None:
        """Take away what `attach` added; weights that were trained themselves stay as they are."""


def library_versions() -> dict[str, str]:
    """Return the versions that a result depends on, by package name."""
    return {"xiaoan": __version__, **{name: importlib.metadata.version(name) for name in _VERSIONS_OF}}


def parameter_count(model: nn.Module) -> int:
    """Return how many parameters a model has; two that share a byte are two, and scales are none."""
    quantised = [module for module in model.modules() if isinstance(module, QuantizedLinear)]
    packed = sum(module.weight.numel() * (8 // module.bits - 1) for module in quantised)
    scales = sum(module.weight_scale.numel() for module in quantised)
    return sum(p.numel() for p in model.parameters()) + packed - scales
