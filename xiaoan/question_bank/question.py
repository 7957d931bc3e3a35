"""What a question is, and what a bank of questions is."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from enum import StrEnum
from functools import cached_property
from typing import Any

from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import normalize_stem, normalize_text

RIGHT = "正确"
WRONG = "错误"

_RIGHT_WORDS = frozenset("正确 正确的 对 对的 是 是的 √ ✓ ✔ ☑ t true y yes 1".split())
_WRONG_WORDS = frozenset("错误 错误的 错 错的 不正确 不对 不是 否 × ✗ ✘ ✕ ✖ ❌ x f false n no 0".split())


class QuestionType(StrEnum):
    """The five 题型, by the names that the canonical workbook writes."""

    SINGLE = "单选题"
    MULTIPLE = "多选题"
    JUDGE = "判断题"
    BLANK = "填空题"
    SHORT = "简答题"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a question was read: file name, sheet name, row number as a spreadsheet program shows it."""

    file: str
    sheet: str
    row: int

    def __str__(self) -> str:
        return f"{self.file}:{self.sheet}:{self.row}"


@dataclass(frozen=True)
class Question:
    """One bank question. Options and answers are texts without labels, in the bank's own order.

    A 判断题 has the answer `RIGHT` or `WRONG`, and no options: options that only say 正确 and 错误 are
    dropped here. A 填空题 has one answer per blank; `any_order` says that the blanks may be filled in any
    order (无序). Raises ValueError for a question without stem or answer, and for a choice whose answer is
    none of its options.
    """

    stem: str
    options: tuple[str, ...]
    answer: tuple[str, ...]
    clause: str
    profession: str
    question_type: QuestionType
    sources: tuple[Source, ...] = ()
    explanation: str = ""
    any_order: bool = False

    def __post_init__(self) -> None:
        if not self.stem.strip() or not any(text.strip() for text in self.answer):
            raise ValueError(f"a question needs a stem and an answer: {self.stem!r}, {self.answer!r}")
        if self.question_type is QuestionType.JUDGE:
            self._settle_judgement()
        elif self._is_choice and not self._is_answered_by_its_options():
            raise ValueError(f"answer {self.answer!r} is not among the options {self.options!r}")

    def _settle_judgement(self) -> None:
        verdicts = {judge_word(text) for text in self.answer}
        if len(verdicts) != 1 or None in verdicts:
            raise ValueError(f"a 判断题 is answered 正确 or 错误, not {self.answer!r}")
        object.__setattr__(self, "answer", tuple(str(verdict) for verdict in verdicts))
        if all(judge_word(text) for text in self.options):
            object.__setattr__(self, "options", ())

    def _is_answered_by_its_options(self) -> bool:
        """Whether each answer is an option of its own; read from a bank they mostly stand there to the letter."""
        to_the_letter = len(set(self.answer)) == len(self.answer) and all(
            text in self.options for text in self.answer
        )
        return to_the_letter or len(self._answer_places) == len(self.answer)

    @cached_property
    def normal_stem(self) -> str:
        """The stem in its one spelling."""
        return normalize_stem(self.stem)

    @cached_property
    def id(self) -> str:
        """Sixteen hexadecimal digits that stay the same over re-imports.

        Made of the normalised profession, type, stem, set of options and set of answers; not of clause,
        explanation and sources. A 填空题's answers count in their order.
        """
        answers = [normalize_text(text) for text in self.answer]
        if self.question_type is not QuestionType.BLANK:
            answers = sorted(set(answers))
        parts = [
            [normalize_text(self.profession), self.question_type.value, self.normal_stem],
            sorted({normalize_text(text) for text in self.options}),
            answers,
        ]
        written = "\x1e".join("\x1f".join(part) for part in parts)
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    @classmethod
    def known(cls, question_id: str, **fields: Any) -> "Question":
        """Return a question as it was when it was first checked; nothing is checked or computed anew.

        For fetching a stored question, which is much quicker: `fields` are all fields, and the caller has
        made sure that they and `question_id` are what was stored.
        """
        question = object.__new__(cls)
        question.__dict__.update(fields, id=question_id)
        return question

    def with_sources(self, more: Iterable[Source]) -> "Question":
        """Return the same question with the sources of `more` behind its own, each once."""
        sources = tuple(dict.fromkeys((*self.sources, *more)))
        if sources == self.sources:
            return self
        fields = {field.name: getattr(self, field.name) for field in dataclass_fields(self)}
        return Question.known(self.id, **{**fields, "sources": sources})

    @property
    def answer_letters(self) -> tuple[str, ...]:
        """The answer's letters in the bank's own order of options, ascending; empty without options."""
        return tuple(place_letters(place) for place in sorted(self._answer_places))

    @property
    def _is_choice(self) -> bool:
        return bool(self.options) and self.question_type in (QuestionType.SINGLE, QuestionType.MULTIPLE)

    @property
    def _answer_places(self) -> tuple[int, ...]:
        """The indices of the answers among the options; of two equal options the first counts."""
        texts = [normalize_text(text) for text in self.options]
        places: list[int] = []
        for answer in map(normalize_text, self.answer):
            free = (place for place, text in enumerate(texts) if text == answer and place not in places)
            places.extend([place] if (place := next(free, None)) is not None else [])
        return tuple(places)


class QuestionBank:
    """Questions in the order read. Exact duplicates (same id) are one question that keeps all its sources."""

    def __init__(self, questions: Iterable[Question] = ()) -> None:
        merged: dict[str, Question] = {}
        elsewhere: dict[str, list[Source]] = {}
        for question in questions:
            if merged.setdefault(question.id, question) is not question:
                elsewhere.setdefault(question.id, []).extend(question.sources)
        for question_id, sources in elsewhere.items():
            merged[question_id] = merged[question_id].with_sources(sources)
        self._by_id = merged
        self.questions: tuple[Question, ...] = tuple(merged.values())

    def __len__(self) -> int:
        return len(self.questions)

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def get(self, question_id: str) -> Question | None:
        """Return the question of that id, or None."""
        return self._by_id.get(question_id)

    def of_type(self, *types: QuestionType) -> tuple[Question, ...]:
        """Return the questions of these 题型, in the bank's order."""
        return tuple(question for question in self.questions if question.question_type in types)


def judge_word(text: str) -> str | None:
    """Return `RIGHT` or `WRONG` for a word that judges a statement (对, √, T, 否 …), else None."""
    word = normalize_text(text).strip("()[].。,:;").lower()
    if word in _RIGHT_WORDS:
        return RIGHT
    return WRONG if word in _WRONG_WORDS else None
