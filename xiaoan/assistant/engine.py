"""What an answering engine is: the one seam between the product and the model behind it.

`ChatGLMEngine` (chatglm_engine.py) is the real one; tests use a fake with canned answers. Everything above this file
(answering, REPL, commands, exam) works with either.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

StopSignal = Callable[[], bool]
"""Asked once a token; true ends the answer."""


def never_stop() -> bool:
    """The stop signal of an answer that nobody interrupts."""
    return False


@dataclass(frozen=True)
class ModelInfo:
    """What is running, as banners, `--json` and `doctor` name it.

    `forms` are the question forms the prefix's card says it was trained on (`plain`, `options`); empty for a
    published prefix without a card. `demo` is true for the embedded demonstration model only. `warnings` are for the
    person to read before the first answer, `lora` is the adapter's name, `prefix_path` where the prefix was read from.
    """

    name: str
    prefix: str | None
    device: str
    dtype: str
    demo: bool
    forms: frozenset[str] = frozenset()
    load_s: float = 0.0
    warnings: tuple[str, ...] = ()
    lora: str | None = None
    prefix_path: Path | None = None


@dataclass(frozen=True)
class Piece:
    """A piece of streamed answer text (never rewritten later) and the number of tokens decoded so far."""

    text: str
    tokens: int


@dataclass(frozen=True)
class Choice:
    """The options decided for, as indices into the options given, ascending, and their log-probability."""

    selected: tuple[int, ...]
    log_probability: float


class Engine(Protocol):
    """A loaded model that answers single-turn questions."""

    @property
    def info(self) -> ModelInfo:
        """What is running."""
        ...

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:
        """Yield the answer to `query` piece by piece; the pieces joined are the final answer."""
        ...

    def choose(self, stem: str, options: Sequence[str], *, only_one: bool = False) -> Choice:
        """Return the best non-empty subset of `options` (exactly one if `only_one`), decided by content.

        The result names the same option texts whatever the order in which the options are given.
        """
        ...

    def use_prefix(self, prefix: Path | None) -> None:
        """Answer with another prefix from now on, None for none, without loading the base anew; `info` follows.

        Raises:
            CheckpointError: it cannot be read or was not made for this base; the old one stays in place.
            UsageError: an answer is being given at this moment.
        """
        ...
