"""What counts as the same answer, for practice, quiz, exam and bank check alike.

A set of options is right or wrong as a whole, unless partial credit is asked for. What can be read in two ways
is not read at all, hence never right.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from xiaoan.question_bank.answers.blank_filling import filled_right, split_blanks
from xiaoan.question_bank.answers.choice_reading import label_options, read_choice, read_verdict
from xiaoan.question_bank.answers.keywords import keywords, named
from xiaoan.question_bank.answers.quantities import same_text
from xiaoan.question_bank.normalization import normalize_text, text_key
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import Question, QuestionType


class Verdict(StrEnum):
    """What an answer is. Only `RIGHT` is the official answer."""

    RIGHT = "right"
    PARTLY = "partly"
    WRONG = "wrong"
    UNREADABLE = "unreadable"
    """Nothing there, or nothing that can be read as one answer: the person may be asked again."""
    OPEN = "open"
    """A 简答题: only the person can say; the credit is a suggestion."""


class PartialCredit(StrEnum):
    """What a 多选题 earns with some of the right options and no wrong one (少选). With a wrong one it is nothing."""

    NONE = "none"
    HALF = "half"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Grade:
    """A graded answer. `credit` is the share of the question's points, from 0 to 1.

    For a choice and a 判断题 `found` are the right options chosen, `missing` the right ones not chosen, `extra`
    the wrong ones chosen, as the bank writes them. For a 简答题 they are the keywords named and not named. For a
    填空题 `blanks` says which blanks are right; `found` and `missing` are their official answers, unless some
    are wrong in any order (无序), where nobody can say which one a blank was meant to be.
    """

    verdict: Verdict
    credit: float = 0.0
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    blanks: tuple[bool, ...] = ()


_UNREADABLE = Grade(Verdict.UNREADABLE)


def same_answer(
    given: str | Sequence[str], question: Question, shown_options: Sequence[AskedOption] | None = None
) -> bool:
    """Return whether `given` is the question's official answer, the whole of it; arguments as for `grade`.

    A 简答题 has this answer only where the texts say the same.
    """
    if question.question_type is QuestionType.SHORT and not question.options:
        return _says_the_same(given, question)
    return grade(given, question, shown_options).verdict is Verdict.RIGHT


def grade(
    given: str | Sequence[str],
    question: Question,
    shown_options: Sequence[AskedOption] | None = None,
    *,
    partial_credit: PartialCredit = PartialCredit.NONE,
) -> Grade:
    """Return how `given` compares with the question's official answer.

    Args:
        given: one text (`AD`, `A. x; D. y`, `√`, `4米`, `停电；验电`), or several: option texts or labels, or one
            text for each blank, '' for a blank left empty. Among several, an option's text outweighs a label.
        question: the bank's question.
        shown_options: the options as the person saw them, whose labels count; without these labels are those
            of the bank's own order, and then a text outweighs the label before it.
        partial_credit: what a 多选题 earns with some of its options. Blanks are always counted one by one.
    """
    parts = [given] if isinstance(given, str) else list(given)
    if not any(part.strip() for part in parts):
        return _UNREADABLE
    if question.question_type is QuestionType.JUDGE:
        return _grade_verdict(parts, question, shown_options)
    if question.options:
        chosen = _read_options(given, question, shown_options)
        return _UNREADABLE if chosen is None else _grade_set(chosen, question, partial_credit)
    if question.question_type is QuestionType.SHORT:
        return _suggest(parts, question)
    if question.question_type is QuestionType.MULTIPLE:
        return _grade_set(_split_items(parts, len(question.answer)), question, partial_credit)
    return _grade_blanks(given, question)


def _grade_verdict(
    parts: list[str], question: Question, shown_options: Sequence[AskedOption] | None
) -> Grade:
    options = shown_options or (label_options(question.options) if question.options else None)
    verdict = read_verdict(parts[0], options) if len(parts) == 1 else None
    return _UNREADABLE if verdict is None else _grade_set([verdict], question, PartialCredit.NONE)


def _read_options(
    given: str | Sequence[str], question: Question, shown_options: Sequence[AskedOption] | None
) -> list[str] | None:
    """The texts of the options that are named; None if one part cannot be read."""
    options = list(shown_options or label_options(question.options))
    exact: dict[str, tuple[int, ...]] = {}
    if not isinstance(given, str):
        exact = {normalize_text(option.text): (place,) for place, option in enumerate(options)}
    chosen: set[int] = set()
    for part in [given] if isinstance(given, str) else given:
        places = exact.get(normalize_text(part))
        places = places or read_choice(part, options, trust_text=not shown_options, stem=question.stem)
        if places is None:
            return None
        chosen.update(places)
    return [options[place].text for place in sorted(chosen)]


def _grade_set(chosen: Iterable[str], question: Question, partial_credit: PartialCredit) -> Grade:
    """Grade a set of texts against the set of the official ones."""
    texts = {_option_key(text, question): text for text in chosen}
    official = {_option_key(text, question): text for text in question.answer}
    if len(texts) > 1 and question.question_type is QuestionType.SINGLE:
        return _UNREADABLE
    found = tuple(text for key, text in official.items() if key in texts)
    missing = tuple(text for key, text in official.items() if key not in texts)
    extra = tuple(text for key, text in texts.items() if key not in official)
    if not missing and not extra:
        return Grade(Verdict.RIGHT, 1.0, found)
    if extra or not found or partial_credit is PartialCredit.NONE:
        return Grade(Verdict.WRONG, 0.0, found, missing, extra)
    credit = 0.5 if partial_credit is PartialCredit.HALF else len(found) / len(official)
    return Grade(Verdict.PARTLY, credit, found, missing)


def _option_key(text: str, question: Question) -> str:
    """What makes an option that option: its words, and its marks where only these tell it from another."""
    key = text_key(text)
    written = {normalize_text(option) for option in question.options if text_key(option) == key}
    return normalize_text(text) if len(written) > 1 else key


def _grade_blanks(given: str | Sequence[str], question: Question) -> Grade:
    blanks = filled_right(given, question)
    if blanks is None:
        return _UNREADABLE
    share = sum(blanks) / len(blanks)
    verdict = Verdict.RIGHT if share == 1 else Verdict.PARTLY if share else Verdict.WRONG
    if question.any_order and verdict is not Verdict.RIGHT:
        return Grade(verdict, share, blanks=blanks)  # which official answer is missing is anybody's guess
    found = tuple(text for text, right in zip(question.answer, blanks, strict=True) if right)
    missing = tuple(text for text, right in zip(question.answer, blanks, strict=True) if not right)
    return Grade(verdict, share, found, missing, blanks=blanks)


def _suggest(parts: Sequence[str], question: Question) -> Grade:
    """The keywords of a 简答题 found and missing; the share of those found is a suggestion."""
    answer = "\n".join(parts)
    wanted = keywords("\n".join(question.answer))
    found = tuple(keyword for keyword in wanted if named(keyword, answer))
    missing = tuple(keyword for keyword in wanted if keyword not in found)
    return Grade(Verdict.OPEN, len(found) / len(wanted) if wanted else 0.0, found, missing)


def _split_items(parts: Sequence[str], count: int) -> list[str]:
    """The items given for a 多选题 that has lost its options."""
    items = split_blanks(parts, count) or re.split(r"[;；|｜、,，\n]", "\n".join(parts))
    return [item for item in items if item.strip()]


def _says_the_same(given: str | Sequence[str], question: Question) -> bool:
    whole = given if isinstance(given, str) else "\n".join(given)
    return same_text(whole, "\n".join(question.answer))
