"""What an answering engine is: the one seam between the product and the model behind it.

`ChatGLMEngine` (chatglm_engine.py) is the real one; tests use a fake with canned answers. Everything above this file
(answering, REPL, commands, exam) works with either.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from xiaoan.assistant.confidence import AnswerKind, Calibration
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR

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
    `calibration` turns what the model gives into a probability of being right; None where nobody has measured it.
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
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Piece:
    """A piece of streamed answer text (never rewritten later) and the number of tokens decoded so far."""

    text: str
    tokens: int


@dataclass(frozen=True)
class OptionQuestion:
    """A question to be decided among texts.

    Attributes:
        prompt: what the model is asked, in a form that it knows.
        options: each option as the model writes it in an answer.
        separator: what it writes between two of them.
        only_one: exactly one of them is right; otherwise a non-empty set is.
    """

    prompt: str
    options: tuple[str, ...]
    separator: str = ANSWER_SEPARATOR
    only_one: bool = False


@dataclass(frozen=True)
class Choice:
    """The options decided for.

    Attributes:
        selected: indices into the options given, ascending.
        log_probability: of the answer's text after the prompt, its end included, in its most probable order.
        familiarity: as in `Evidence`.
        proven: false where the search ran out of its budget before it could exclude every other set.
    """

    selected: tuple[int, ...]
    log_probability: float
    familiarity: float | None = None
    proven: bool = True


@dataclass(frozen=True)
class Evidence:
    """What speaks for an answer, from the model alone.

    Attributes:
        log_probability: of the answer's text after the prompt, its end included; at most 0.
        familiarity: how near the question is to the nearest one that prefix or adapter was trained on, as the model
            sees them: a cosine, 1 for the same; None where it is not known what they were.
        kind: how the answer came about.
    """

    log_probability: float
    familiarity: float | None = None
    kind: AnswerKind = AnswerKind.WRITTEN


class Engine(Protocol):
    """A loaded model that answers single-turn questions."""

    @property
    def info(self) -> ModelInfo:
        """What is running."""
        ...

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:
        """Yield the answer to `query` piece by piece; the pieces joined are the final answer."""
        ...

    def choose_all(self, questions: Sequence[OptionQuestion]) -> list[Choice]:
        """Return the best option, or non-empty set of options, of each question, decided by content.

        A result names the same option texts whatever the order in which they are given, and alone or among others.

        Raises:
            UsageError: a question without options, or with more than 26.
        """
        ...

    def write_all(self, queries: Sequence[str], *, max_new_tokens: int | None = None) -> list[Piece]:
        """Return the whole answer to each query, as `stream` would have given it, made in batches."""
        ...

    def weigh_all(self, written: Sequence[tuple[str, str]]) -> list[Evidence]:
        """Return what speaks for each (query, answer), measured in batches. An empty answer has probability 0 (-inf)."""
        ...

    def use_prefix(self, prefix: Path | None) -> None:
        """Answer with another prefix from now on, None for none, without loading the base anew; `info` follows.

        Raises:
            CheckpointError: it cannot be read or was not made for this base; the old one stays in place.
            UsageError: an answer is being given at this moment.
        """
        ...
