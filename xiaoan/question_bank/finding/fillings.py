"""What a stem says once its blanks hold the official answer: the only fillings that leave it the bank's question."""

import re
from collections.abc import Iterator, Sequence

from xiaoan.question_bank.finding.neutral_words import CHANGEABLE
from xiaoan.question_bank.finding.stem_keys import plain_figures
from xiaoan.question_bank.normalization import BLANK, normalize_text, text_key
from xiaoan.question_bank.question import Question, QuestionType

_UNIT_AT_END = re.compile(r"(?<=\d)(?:[A-Za-zΩ°%]+|[米秒天年人个次倍]|千伏|毫米|厘米|分钟|小时|个月)$")
_BETWEEN_FILLINGS = re.compile(r"[;,、|/和\s]+")


def filled_stems(plain: str, question: Question, asked_key: str) -> Iterator[str]:
    """Yield `plain` (a `plain_stem`) with the official answer in its blanks, in the orders that are right.

    `asked_key` tells in which order the answers of a 多选题 (or of an 无序 question) were typed, so that not every
    order has to be tried. A 判断题 has no filling, nor has a 多选题 with several blanks: which answer belongs in
    which is not known.
    """
    parts = plain.split(BLANK)
    if question.question_type is QuestionType.JUDGE or len(parts) < 2:
        return
    for filling in _fillings(question, len(parts) - 1, asked_key):
        yield _join(parts, filling)


def unit_at_end(answer: str) -> str:
    """Return the unit that a normalised answer ends in, which may stand behind the blank as well, or nothing."""
    found = _UNIT_AT_END.search(answer)
    return found[0] if found else ""


def is_told_apart(question: Question) -> bool:
    """Whether the options stay apart, and remain, without any character that neutral words are written with.

    Where 应 and 应当 are two options, or 进行 is the answer, a filling must be taken letter by letter. What the
    words around a blank make of a filling cannot be seen from the filling alone, so more is asked than needed.
    """
    answers = {_without_neutral(text) for text in question.answer}
    others = {_without_neutral(text) for text in set(question.options) - set(question.answer)}
    return "" not in answers | others and not answers & others


def holds_answers(words: str, question: Question) -> bool:
    """Whether each official answer stands in `words` (of a `StemForm`) as it is: a slip in it is another filling."""
    folded = words.casefold()
    return all(
        plain_figures(text_key(piece)).casefold() in folded
        for answer in question.answer
        for piece in _BETWEEN_FILLINGS.split(normalize_text(answer))
    )


def _without_neutral(text: str) -> str:
    return "".join(character for character in text_key(text) if character not in CHANGEABLE)


def _fillings(question: Question, blanks: int, asked_key: str) -> Iterator[Sequence[str]]:
    """One text per blank; what belongs in one blank is joined."""
    multiple = question.question_type is QuestionType.MULTIPLE
    if multiple and blanks > 1:
        return
    answers = [normalize_text(text) for text in question.answer]
    free = len(answers) > 1 and (multiple or question.any_order)
    orders = [answers, _order_in(asked_key, answers)] if free else [answers]
    for order in orders:
        if len(order) == blanks:
            yield order
        elif blanks == 1:
            yield ["、".join(order)]
            yield ["、".join(order[:-1]) + "和" + order[-1]]
    if len(answers) == 1 and blanks > 1:
        pieces = [piece for piece in _BETWEEN_FILLINGS.split(answers[0]) if piece]
        if len(pieces) == blanks:
            yield pieces


def _order_in(key: str, answers: Sequence[str]) -> list[str]:
    """`answers` in the order in which they stand in `key`; the longest are looked for first, from the end."""
    places: dict[int, int] = {}
    for number in sorted(range(len(answers)), key=lambda number: -len(answers[number])):
        answer = text_key(answers[number])
        place = key.rfind(answer)
        if place < 0:
            return list(answers)
        places[number] = place
        key = key[:place] + "\0" * len(answer) + key[place + len(answer) :]
    return [answers[number] for number in sorted(places, key=places.__getitem__)]


def _join(parts: Sequence[str], filling: Sequence[str]) -> str:
    """The stem's parts with the blanks filled; a unit both in the answer and behind the blank stands once."""
    text = parts[0]
    for answer, part in zip(filling, parts[1:], strict=True):
        unit = unit_at_end(answer)
        text += (answer.removesuffix(unit) if unit and part.startswith(unit) else answer) + part
    return text
