"""The exam of a model that is being trained: no bank looks over its shoulder."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from xiaoan.assistant.answering import Assistant
from xiaoan.assistant.engine import ModelInfo
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
    """Return how the model in memory answers the questions, as `xiaoan exam` would find it without a bank.

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
        batch_size: questions answered between two calls of `on_question`.
        on_question: called after each batch; it may raise to end the exam.

    Raises:
        UsageError: an unknown form.
    """
    from xiaoan.assistant.chatglm_engine import ChatGLMEngine

    asked = sample_by_type(questions, limit, seed)
    info = ModelInfo(
        "", None, str(model.device), str(model.dtype), demo=False, forms=frozenset(trained_forms)
    )
    was_training = model.training
    model.train(False)
    try:
        engine = ChatGLMEngine(model, tokenizer, info)
        return sit_exam(
            Assistant(engine, None, clock=lambda: 0.0, decode=decode),
            asked,
            forms,
            seed=seed,
            batch_size=batch_size,
            max_new_tokens=_most_tokens(tokenizer, asked),
            on_progress=lambda _done, _total: on_question(),
        )
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


def _most_tokens(tokenizer: "ChatGLMTokenizer", questions: Sequence[Question]) -> int:
    """Where a free answer is cut: one so much longer than the longest official answer is wrong anyway."""
    official = ("; ".join(question.answer) for question in questions)
    longest = max((len(tokenizer.encode(text, add_special_tokens=False)) for text in official), default=0)
    return 2 * longest + _ROOM_BESIDE_ANSWER
