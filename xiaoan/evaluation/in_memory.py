"""The exam of a model that is being trained: no bank looks over its shoulder, free answers are made in batches."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.assistant.answering import Assistant
from xiaoan.assistant.engine import Choice, Engine, ModelInfo, Piece, StopSignal, never_stop
from xiaoan.errors import UsageError
from xiaoan.evaluation.exam import ExamReport, sit_exam
from xiaoan.question_bank.drawing.shares import shares_of
from xiaoan.question_bank.question import Question

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

EXAM_FORMS = ("plain", "shuffled")
"""The stem alone, and with the options in any order under any labels."""

_ROOM_BESIDE_ANSWER = 16


def accuracy_of(
    model: "ChatGLMForConditionalGeneration",
    tokenizer: "ChatGLMTokenizer",
    questions: Sequence[Question],
    *,
    trained_forms: Iterable[str],
    forms: Sequence[str] = EXAM_FORMS,
    seed: int = 0,
    limit: int | None = None,
    decode: str = "auto",
    batch_size: int = 32,
    on_question: Callable[[], None] = lambda: None,
) -> ExamReport:
    """Return how the model in memory answers the questions, as `xiaoan exam` would find it, several times as fast.

    The same questions are asked in the same words for the same arguments, before training and after it. The model is
    put into evaluation mode and back; no random number of torch is drawn.

    Args:
        model: with the prefix or adapter that it shall answer with, or none.
        tokenizer: the model's.
        questions: of the bank.
        trained_forms: the forms that it is trained on (`plain`, `options`, `spoken`); they decide how it is asked, so
            give the same ones before training as after it.
        forms: names of `evaluation.forms`.
        seed: of shuffles, slips and the sample.
        limit: ask `sample_by_type` of so many only.
        decode: `auto`, `free` or `content`, as in `Assistant`.
        batch_size: free answers made at once.
        on_question: called after each one.

    Raises:
        UsageError: an unknown form.
    """
    from xiaoan.assistant.chatglm_engine import ChatGLMEngine

    asked = sample_by_type(questions, limit, seed)
    info = ModelInfo(
        "", None, str(model.device), str(model.dtype), demo=False, forms=frozenset(trained_forms)
    )
    overheard = _Queries(info)
    sit_exam(_assistant(overheard, decode), asked, forms, seed=seed)
    was_training = model.training
    model.train(False)
    try:
        answers = _free_answers(model, tokenizer, list(overheard.queries), asked, batch_size)
        engine = _Prepared(ChatGLMEngine(model, tokenizer, info), answers)
        return sit_exam(_assistant(engine, decode), asked, forms, seed=seed, on_question=on_question)
    finally:
        model.train(was_training)


def sample_by_type(questions: Sequence[Question], limit: int | None, seed: int) -> list[Question]:
    """Return `limit` questions in the order given, each 题型 with its share of them; all if there are no more.

    A 题型 that is there at all has one question at least, as far as `limit` goes. The same for the same seed.
    """
    if limit is None or limit >= len(questions):
        return list(questions)
    by_type: dict[str, list[int]] = {}
    for place, question in enumerate(questions):
        by_type.setdefault(str(question.question_type), []).append(place)
    sizes = {name: len(places) for name, places in by_type.items()}
    names = sorted(sizes, key=lambda name: -sizes[name])[:limit]
    others = {name: sizes[name] - 1 for name in names}
    more = shares_of(others, others, limit - len(names))
    chosen: list[int] = []
    for name in names:
        chosen += random.Random(f"{seed}-{name}").sample(by_type[name], 1 + more[name])
    return [questions[place] for place in sorted(chosen)]


def _free_answers(
    model: "ChatGLMForConditionalGeneration",
    tokenizer: "ChatGLMTokenizer",
    queries: Sequence[str],
    questions: Sequence[Question],
    batch_size: int,
) -> dict[str, str]:
    """The greedy answer to each query. One much longer than the longest official answer is cut: it is wrong anyway."""
    from xiaoan.chatglm.batched_generation import greedy_texts

    official = ("; ".join(question.answer) for question in questions)
    longest = max((len(tokenizer.encode(text, add_special_tokens=False)) for text in official), default=0)
    texts = greedy_texts(
        model,
        tokenizer,
        [tokenizer.encode(query) for query in queries],
        max_new_tokens=2 * longest + _ROOM_BESIDE_ANSWER,
        batch_size=batch_size,
    )
    return dict(zip(queries, texts, strict=True))


def _assistant(engine: Engine, decode: str) -> Assistant:
    return Assistant(engine, None, clock=lambda: 0.0, decode=decode)


@dataclass
class _Queries:
    """An engine that only listens: which free answers will be asked for."""

    info: ModelInfo
    queries: dict[str, None] = field(default_factory=dict)

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:  # noqa: ARG002
        """Remember the query; no answer."""
        self.queries[query] = None
        yield Piece("", 0)

    def choose(self, stem: str, options: Sequence[str], *, only_one: bool = False) -> Choice:  # noqa: ARG002
        """Any option."""
        return Choice((0,), 0.0)

    def use_prefix(self, prefix: Path | None) -> None:  # noqa: ARG002
        """Never called in an exam."""
        raise UsageError("正在考试，不能换前缀。")


@dataclass
class _Prepared:
    """An engine whose free answers are there already; options are decided by the real one."""

    engine: Engine
    answers: Mapping[str, str]

    @property
    def info(self) -> ModelInfo:
        """What is running."""
        return self.engine.info

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:  # noqa: ARG002
        """Yield the answer in one piece."""
        yield Piece(self.answers[query], 0)

    def choose(self, stem: str, options: Sequence[str], *, only_one: bool = False) -> Choice:
        """See `Engine.choose`."""
        return self.engine.choose(stem, options, only_one=only_one)

    def use_prefix(self, prefix: Path | None) -> None:
        """See `Engine.use_prefix`."""
        self.engine.use_prefix(prefix)
