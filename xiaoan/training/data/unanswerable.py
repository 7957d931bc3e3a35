"""Examples whose right answer is 题库未收录: what the bank does not say, so that a model learns to say so.

- a question with its right options taken out and others put in their place
- a bank question with another number, which no question of the bank asks
- a question of another field altogether
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from random import Random

from xiaoan.question_bank.asked_types import needs_its_options
from xiaoan.question_bank.finding.neutral_words import reduce_key
from xiaoan.question_bank.normalization import key_of, normalize_stem, normalize_text, text_key
from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.training.data.bank_forms import OPTIONS, PLAIN, SPOKEN, Wording
from xiaoan.training.data.pairs import Pair
from xiaoan.training.data.spoken_patterns import STRANGE, STRANGE_WORDS

NOT_IN_BANK = "题库未收录"
"""The answer to what the bank does not say."""

_CHOICES = (QuestionType.SINGLE, QuestionType.MULTIPLE)
_NUMBER = re.compile(r"(?<![0-9A-Za-z.\-])\d+(?:\.\d+)?(?![0-9.\-])")
_FACTORS = (2, 3, 5, 0.5, 1.5)
_SPEAKS_OF_OTHERS = re.compile("以上|上述|前面|其他|其它|全部|都|均|皆|任[意何]?一|没有正确|[A-H]")
_TRIES = 10
_DRAWN = 60


class Unanswerable:
    """Makes examples of what a bank does not say, in the `forms` that are trained.

    They are made of `questions`; `known` is the whole bank where these are a part of it.
    """

    def __init__(
        self, questions: Sequence[Question], forms: Sequence[str], *, known: Sequence[Question] | None = None
    ) -> None:
        self._keys = {_stem_key(question.normal_stem) for question in known or questions}
        self._numbered = [
            question
            for question in questions
            if question.question_type is not QuestionType.JUDGE and _NUMBER.search(question.normal_stem)
        ]
        lettered = OPTIONS in forms or SPOKEN in forms
        self._choices = [question for question in questions if lettered and _may_lose_its_answer(question)]
        self._bare = PLAIN in forms or SPOKEN in forms
        self._others = list(
            dict.fromkeys(
                normalize_text(text)
                for question in questions
                if question.question_type in _CHOICES
                for text in question.options
                if not _SPEAKS_OF_OTHERS.search(text)
            )
        )

    def pairs(self, count: int, random_source: Random) -> list[Pair]:
        """Return `count` examples, the kinds in turn; a kind of which the bank gives none is left out."""
        return list(islice(self._endless(random_source), count))

    def _endless(self, random_source: Random) -> Iterator[Pair]:
        makers = [self._without_its_answer, self._with_another_number, self._of_another_field]
        for make in cycle(makers):
            wording = make(random_source)
            if wording is not None:
                yield wording.pair()

    def _without_its_answer(self, random_source: Random) -> Wording | None:
        """A choice whose right options have made room for options of other questions."""
        if not self._choices:
            return None
        question = random_source.choice(self._choices)
        options = self._wrong_options(question, random_source)
        return Wording(question.normal_stem, options, NOT_IN_BANK) if len(options) > 1 else None

    def _wrong_options(self, question: Question, random_source: Random) -> tuple[str, ...]:
        right = {text_key(text) for text in question.answer}
        options = [text for text in map(normalize_text, question.options) if text_key(text) not in right]
        missing = len(question.options) - len(options)
        taken = right | {text_key(text) for text in options}
        drawn = random_source.sample(self._others, min(_DRAWN, len(self._others)))
        free = [text for text in drawn if text_key(text) not in taken]
        model = normalize_text(question.answer[0])
        options += sorted(free, key=lambda text: _unlike(text, model))[:missing]
        random_source.shuffle(options)
        return tuple(options)

    def _with_another_number(self, random_source: Random) -> Wording | None:
        """A question of the bank with one number changed, if the bank does not ask that as well."""
        if not self._numbered:
            return None
        question = random_source.choice(self._numbered)
        numbers = list(_NUMBER.finditer(question.normal_stem))
        for _ in range(_TRIES):
            found = random_source.choice(numbers)
            other = f"{float(found[0]) * random_source.choice(_FACTORS):g}"
            stem = normalize_stem(
                question.normal_stem[: found.start()] + other + question.normal_stem[found.end() :]
            )
            if _stem_key(stem) not in self._keys:
                return self._as_asked(replace(question, stem=stem), random_source)
        return None

    def _as_asked(self, question: Question, random_source: Random) -> Wording | None:
        options = list(map(normalize_text, question.options)) if question.question_type in _CHOICES else []
        if options and self._choices and (not self._bare or random_source.random() < 0.5):
            random_source.shuffle(options)
            return Wording(question.normal_stem, tuple(options), NOT_IN_BANK)
        return (
            None
            if needs_its_options(question.normal_stem)
            else Wording(question.normal_stem, (), NOT_IN_BANK)
        )

    def _of_another_field(self, random_source: Random) -> Wording | None:
        words = {name: random_source.choice(choices) for name, choices in STRANGE_WORDS.items()}
        stem = normalize_stem(random_source.choice(STRANGE).format(**words))
        return None if _stem_key(stem) in self._keys else Wording(stem, (), NOT_IN_BANK)


def _stem_key(normal_stem: str) -> str:
    return reduce_key(key_of(normal_stem))


def _unlike(text: str, model: str) -> tuple[bool, int]:
    """How little `text` looks like `model`: numbers beside words, then other lengths."""
    return text[:1].isdigit() != model[:1].isdigit(), abs(len(text) - len(model))


def _may_lose_its_answer(question: Question) -> bool:
    """Whether nothing else can become right when the right options go."""
    return (
        question.question_type in _CHOICES
        and len(question.options) > 2
        and not needs_its_options(question.normal_stem)
        and not any(_SPEAKS_OF_OTHERS.search(text) for text in question.options)
    )
