"""Questions that a bank answers in two ways: the same stem and options, within one 专业."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xiaoan.question_bank.grading import same_answer
from xiaoan.question_bank.normalization import key_of, normalize_text, text_key
from xiaoan.question_bank.question import Question, QuestionType, Source

_CHOICE = "选择题"


@dataclass(frozen=True, slots=True)
class ConflictingRow:
    """One row with the answer that stands there."""

    source: Source
    answer: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """All rows that ask the same thing; not all of them have the same answer."""

    stem: str
    profession: str
    question_type: QuestionType
    rows: tuple[ConflictingRow, ...]


def find_conflicts(questions: Iterable[Question]) -> list[Conflict]:
    """Return the questions with contradicting answers, in the order of their first rows.

    The order of options does not matter, and a 单选题 may contradict a 多选题. The same question with another
    answer in another 专业 is right in both, and no conflict.
    """
    keyed = [(key_of(question.normal_stem), question) for question in questions]
    stems = Counter(stem for stem, _ in keyed)
    asked: dict[tuple[object, ...], list[Question]] = {}
    for stem, question in keyed:
        if stems[stem] > 1:  # most stems stand once, and their options need no look
            asked.setdefault((stem, *_asked(question)), []).append(question)
    return [_conflict(group) for group in asked.values() if len(group) > 1 and _contradict(group)]


def _asked(question: Question) -> tuple[object, ...]:
    """What two questions share that ask the same thing, beside the stem."""
    choice = question.question_type in (QuestionType.SINGLE, QuestionType.MULTIPLE)
    return (
        normalize_text(question.profession),
        _CHOICE if choice else question.question_type,
        frozenset(map(text_key, question.options)),
    )


def _contradict(group: Sequence[Question]) -> bool:
    first, *others = {_answer_key(question): question for question in group}.values()
    return any(not _agree(first, other) for other in others)


def _answer_key(question: Question) -> tuple[str, ...]:
    keys = [text_key(text) for text in question.answer]
    return tuple(keys) if question.question_type is QuestionType.BLANK else tuple(sorted(set(keys)))


def _agree(one: Question, other: Question) -> bool:
    """Whether either answer would be taken as right for the other question (4 and 4m, blanks in any order)."""
    if one.options:
        return False
    return same_answer(one.answer, other) or same_answer(other.answer, one)


def _conflict(group: Sequence[Question]) -> Conflict:
    first = group[0]
    rows = [ConflictingRow(source, question.answer) for question in group for source in question.sources]
    return Conflict(first.stem, first.profession, first.question_type, tuple(rows))
