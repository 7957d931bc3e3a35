"""Many questions answered batch by batch: each batch is kept before the next begins, and none takes long."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xiaoan.assistant.answering import LONGEST_QUESTION, MOST_OPTIONS
from xiaoan.assistant.engine import StopSignal
from xiaoan.assistant.kept_answers import Kept
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.assistant.answering import Answer, Assistant
    from xiaoan.question_bank.parsing import AskedQuestion

Numbered = tuple[int, "AskedQuestion"]
"""A question and its number in the file."""

ANSWER, SHOWN, ERROR = "answer", "shown", "error"
"""Keys of what is kept: the answer's document, the answer as put before a person, or why there is none."""

_FIRST_BATCH, _LARGEST_BATCH = 8, 64
_BATCH_S = 3.0
"""How long a batch may take: as long as a person waits after Ctrl-C."""

_LONGEST_ANSWER = 512
"""Tokens of a free answer; what is longer is no answer but a model that cannot stop."""


def why_not(asked: "AskedQuestion") -> str:
    """Return why a question cannot be asked, '' if it can."""
    if len(asked.text) > LONGEST_QUESTION:
        return f"有 {len(asked.text)} 个字，一题最多 {LONGEST_QUESTION} 个字"
    if len(asked.options) > MOST_OPTIONS:
        return f"有 {len(asked.options)} 个选项，最多 {MOST_OPTIONS} 个"
    return ""


def answer_in_batches(
    assistant: "Assistant",
    questions: Sequence[Numbered],
    keep: Callable[[Sequence[tuple[int, Kept]]], None],
    *,
    clock: Callable[[], float],
    should_stop: StopSignal,
) -> bool:
    """Answer the questions in their order and hand each batch to `keep`; return whether all were answered.

    `should_stop` is asked between batches, whose size grows and shrinks so that each takes about three seconds.
    """
    size, place = _FIRST_BATCH, 0
    while place < len(questions):
        if should_stop():
            return False
        batch = questions[place : place + size]
        started = clock()
        keep(_answered(assistant, batch))
        place += len(batch)
        seconds = clock() - started
        size = max(1, min(_LARGEST_BATCH, 2 * size, round(size * _BATCH_S / max(seconds, 1e-3))))
    return True


def _answered(assistant: "Assistant", batch: Sequence[Numbered]) -> list[tuple[int, Kept]]:
    """What is kept of each answer; of a batch that is refused as a whole, each question is asked alone."""
    try:
        answers = assistant.answer_all([asked for _, asked in batch], max_new_tokens=_LONGEST_ANSWER)
    except UsageError as error:
        if len(batch) == 1:
            return [(batch[0][0], {ERROR: error.message})]
        return [kept for one in batch for kept in _answered(assistant, [one])]
    return [(number, _kept(answer)) for (number, _), answer in zip(batch, answers, strict=True)]


def _kept(answer: "Answer") -> Kept:
    return {SHOWN: answer.shown, ANSWER: answer.to_document()}
