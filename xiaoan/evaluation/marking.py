"""An answer marked as a teacher would: right or wrong as a whole, what part of it earns, and what the screen shows."""

from collections.abc import Sequence

from xiaoan.assistant.answering import Answer
from xiaoan.assistant.bank_check import agrees
from xiaoan.evaluation.paper import PaperItem
from xiaoan.evaluation.sitting import Sitting
from xiaoan.question_bank.grading import PartialCredit, grade
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import Question, QuestionType


def mark(item: PaperItem, answer: Answer) -> Sitting:
    """Return the bot's `answer` to `item`, marked against the item's own question, whatever the bank in use says."""
    right = answer.agrees_with(item.question)
    chosen = [option for option in answer.asked.options if option.label in answer.selected]
    return _sitting(
        item,
        answer.answer,
        chosen,
        right=right,
        status=None if answer.check is None else str(answer.check.status),
        shown_from=answer.shown_from,
        shown_right=_is_shown_right(answer, item.question, right=right),
        confidence=None if answer.confidence is None else answer.confidence.probability,
        seconds=answer.total_s,
        tokens=answer.tokens,
    )


def mark_options(item: PaperItem, places: Sequence[int], *, seconds: float = 0.0) -> Sitting:
    """Return the options at these places (from 0, of those that `item` shows) marked as an answer without a bank.

    For whoever answers without a model: no places are no answer.

    Raises:
        UsageError: the item cannot be asked.
    """
    chosen = [item.asked.options[place] for place in sorted(set(places))]
    text = ANSWER_SEPARATOR.join(f"{option.label}. {option.text}" for option in chosen)
    return _marked_alone(item, text, chosen, seconds)


def mark_text(item: PaperItem, text: str, *, seconds: float = 0.0) -> Sitting:
    """Return a free text marked as an answer without a bank; '' is no answer."""
    return _marked_alone(item, text, [], seconds)


def right_options(options: Sequence[AskedOption], question: Question) -> tuple[AskedOption, ...]:
    """Return those of the options shown that belong to the official answer of `question`."""
    return tuple(
        option
        for option in options
        if grade([option.text], question, options, partial_credit=PartialCredit.SHARE).credit > 0
    )


def _marked_alone(item: PaperItem, text: str, chosen: Sequence[AskedOption], seconds: float) -> Sitting:
    given = [option.text for option in chosen] or text
    right = agrees(given, item.question, item.asked.options)
    return _sitting(item, text, chosen, right=right, shown_right=right, seconds=seconds)


def _sitting(
    item: PaperItem,
    text: str,
    chosen: Sequence[AskedOption],
    *,
    right: bool,
    shown_right: bool,
    seconds: float,
    status: str | None = None,
    shown_from: str = "model",
    confidence: float | None = None,
    tokens: int = 0,
) -> Sitting:
    question, options = item.question, item.asked.options
    return Sitting(
        id=question.id,
        form=item.form,
        turn=item.turn,
        question_type=str(question.question_type),
        profession=question.profession,
        clause=question.clause,
        stem=question.stem,
        official=question.answer,
        asked=item.text,
        options=tuple(option.text for option in options),
        right_labels=tuple(option.label for option in right_options(options, question)),
        answer=text,
        chosen=tuple(option.label for option in chosen),
        right=right,
        credit=1.0 if right else _credit([option.text for option in chosen] or text, item),
        status=status,
        shown_from=shown_from,
        shown_right=shown_right,
        confidence=confidence,
        seconds=seconds,
        tokens=tokens,
    )


def _credit(given: str | Sequence[str], item: PaperItem) -> float:
    """What a wrong answer earns; a 简答题 nothing, since only a person can say how much of it is right."""
    if item.question.question_type is QuestionType.SHORT and not item.question.options:
        return 0.0
    options = item.asked.options or None
    return grade(given, item.question, options, partial_credit=PartialCredit.SHARE).credit


def _is_shown_right(answer: Answer, question: Question, *, right: bool) -> bool:
    """Whether the answer that the screen puts first is the official one: the bank's where it knows the question, else
    the model's, also behind 没有把握 (`Sitting.confidence` tells those apart).
    """
    known = answer.check.question if answer.check is not None else None
    if answer.shown_from == "bank" and known is not None:
        return known.id == question.id or agrees(list(known.answer), question)
    return right
