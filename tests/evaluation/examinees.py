"""Engines whose score in an exam arithmetic tells."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes import PLAIN_INFO
from xiaoan.assistant.confidence import Calibration
from xiaoan.assistant.engine import (
    Choice,
    Evidence,
    ModelInfo,
    OptionQuestion,
    Piece,
    StopSignal,
    never_stop,
)
from xiaoan.errors import UsageError
from xiaoan.question_bank.normalization import normalize_answers, normalize_stem, normalize_text
from xiaoan.question_bank.question import Question, QuestionType

CALIBRATION = Calibration(temperature=1.0, familiarity_weight=0.0, bias=0.0)


@dataclass
class Examinee:
    """Writes `text` and chooses the first of the texts to decide among; remembers what it was asked and how."""

    info: ModelInfo = PLAIN_INFO
    text: str = "A"
    log_probability: float = -0.1
    asked: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def choose(self, question: OptionQuestion) -> tuple[int, ...]:
        return (0,)

    def write(self, query: str) -> str:
        return self.text

    def choose_all(self, questions: Sequence[OptionQuestion]) -> list[Choice]:
        self.batches.append(len(questions))
        self.asked += [question.prompt for question in questions]
        return [Choice(self.choose(question), self.log_probability, 1.0) for question in questions]

    def write_all(self, queries: Sequence[str], *, max_new_tokens: int | None = None) -> list[Piece]:
        self.batches.append(len(queries))
        self.asked += queries
        return [Piece(self.write(query), 1) for query in queries]

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:
        yield from self.write_all([query])

    def weigh_all(self, written: Sequence[tuple[str, str]]) -> list[Evidence]:
        return [Evidence(self.log_probability, 1.0) for _ in written]

    def use_prefix(self, prefix: Path | None) -> None:
        raise AssertionError("nobody changes prefixes in an exam")


@dataclass
class Oracle(Examinee):
    """Knows every question by its stem; those of the ids in `wrong` it answers wrongly, with something else."""

    questions: Sequence[Question] = ()
    wrong: frozenset[str] = frozenset()

    def choose(self, question: OptionQuestion) -> tuple[int, ...]:
        known, official = self._known(question.prompt)
        places = tuple(
            place for place, text in enumerate(question.options) if normalize_text(text) in official
        )
        others = tuple(place for place in range(len(question.options)) if place not in places)
        assert places, question
        if known.id in self.wrong:
            return others[:1]
        return places

    def write(self, query: str) -> str:
        known, official = self._known(query)
        return "不知道" if known.id in self.wrong else normalize_answers(official)

    def _known(self, prompt: str) -> tuple[Question, list[str]]:
        by_stem = {normalize_stem(question.stem): question for question in self.questions}
        known = by_stem[normalize_stem(prompt.split("\n")[0])]
        return known, [normalize_text(text) for text in known.answer]


@dataclass
class Guesser(Examinee):
    """Chooses one option at random, another for each question, whatever their order."""

    seed: int = 0

    def choose(self, question: OptionQuestion) -> tuple[int, ...]:
        text = random.Random(f"{self.seed}-{question.prompt}").choice(sorted(question.options))
        return (question.options.index(text),)


@dataclass
class Refusing(Oracle):
    """Takes no prompt that is longer than `longest` characters, as a model with a short window."""

    longest: int = 40

    def write_all(self, queries: Sequence[str], *, max_new_tokens: int | None = None) -> list[Piece]:
        if max(map(len, queries)) > self.longest:
            raise UsageError("too long")
        return super().write_all(queries)


def made_questions(count: int, *, options: int = 4) -> list[Question]:
    """单选题 with the right answer under each letter in turn; numbered, so that no two are the same."""
    return [
        Question(
            stem=f"第{number}种情况应采取（ ）。",
            options=tuple(f"措施{number}之{place}" for place in range(options)),
            answer=(f"措施{number}之{number % options}",),
            clause="变电安规 7.1",
            profession="变电",
            question_type=QuestionType.SINGLE,
        )
        for number in range(count)
    ]
