"""A bench whose model knows the answers by heart, but for those that it shall get wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cli.bench import CommandBench
from tests.fakes import ALONE, BOOTS, KEYS, PLAIN_INFO, TOOLS, FakeEngine
from xiaoan.assistant.engine import Choice, OptionQuestion, Piece
from xiaoan.question_bank.normalization import normalize_stem, normalize_text
from xiaoan.question_bank.question import Question, QuestionBank

QUESTIONS = (KEYS, BOOTS, TOOLS, ALONE)


@dataclass
class KnowingEngine(FakeEngine):
    """Answers by the stem; `wrong` stems wrongly, and all of them once it has no prefix. `patience`: batches until Ctrl-C."""

    questions: Sequence[Question] = QUESTIONS
    wrong: frozenset[str] = frozenset()
    patience: int = 1_000

    def choose_all(self, questions: Sequence[OptionQuestion]) -> list[Choice]:
        self._wait()
        return [Choice(self._places(one), self.log_probability, self.familiarity) for one in questions]

    def write_all(self, queries: Sequence[str], *, max_new_tokens: int | None = None) -> list[Piece]:
        self._wait()
        return [
            Piece("不知道" if self._fails(query) else self._known(query).answer[0], 2) for query in queries
        ]

    def _wait(self) -> None:
        self.patience -= 1
        if self.patience < 0:
            raise KeyboardInterrupt

    def _places(self, question: OptionQuestion) -> tuple[int, ...]:
        official = {normalize_text(text) for text in self._known(question.prompt).answer}
        right = tuple(
            place for place, text in enumerate(question.options) if normalize_text(text) in official
        )
        wrong = tuple(place for place in range(len(question.options)) if place not in right)
        return wrong[:1] if self._fails(question.prompt) else right

    def _fails(self, prompt: str) -> bool:
        return self.info.prefix is None or self._known(prompt).stem in self.wrong

    def _known(self, prompt: str) -> Question:
        return next(one for one in self.questions if normalize_stem(one.stem) in normalize_stem(prompt))


def exam_bench(home: Path, *wrong: Question) -> tuple[CommandBench, KnowingEngine]:
    """The bench and its engine, which knows all four questions but those that it shall get wrong."""
    engine = KnowingEngine(info=PLAIN_INFO, wrong=frozenset(one.stem for one in wrong))
    return CommandBench(home, engine=engine, questions=QuestionBank(QUESTIONS)), engine
