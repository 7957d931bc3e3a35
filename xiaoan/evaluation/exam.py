"""The bot sits the exam: every question is asked the way a person would, and graded as a teacher would."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from xiaoan.assistant.answering import Answer, Assistant
from xiaoan.errors import UsageError
from xiaoan.evaluation.forms import form_named
from xiaoan.figures import Share
from xiaoan.question_bank.question import Question


@dataclass(frozen=True)
class Sitting:
    """One question asked in one form: the bank's question, what the bot answered, and whether that is right."""

    question: Question
    form: str
    answer: Answer
    right: bool


@dataclass(frozen=True)
class ExamReport:
    """All sittings of one exam, and the tables made from them.

    `unasked` are questions that cannot be asked in a form (too long, more options than letters): they are in no score.
    """

    sittings: tuple[Sitting, ...]
    unasked: tuple[tuple[Question, str], ...] = ()

    def score(self, form: str, question_type: str | None = None) -> Share:
        """Return the score of one form, over all 题型 or one of them."""
        counted = [
            s
            for s in self.sittings
            if s.form == form and question_type in (None, str(s.question.question_type))
        ]
        return Share(sum(s.right for s in counted), len(counted))

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms asked, in the order asked."""
        return tuple(dict.fromkeys(s.form for s in self.sittings))

    @property
    def question_types(self) -> tuple[str, ...]:
        """The 题型 asked, in the order first met."""
        return tuple(dict.fromkeys(str(s.question.question_type) for s in self.sittings))

    @property
    def wrong(self) -> tuple[Sitting, ...]:
        """The sittings that were not right."""
        return tuple(s for s in self.sittings if not s.right)

    @property
    def wrongly_verified(self) -> tuple[Sitting, ...]:
        """Wrong answers that the screen would show as verified: there must be none."""
        return tuple(
            s for s in self.wrong if s.answer.check is not None and str(s.answer.check.status) == "match"
        )


def sit_exam(
    assistant: Assistant,
    questions: Sequence[Question],
    forms: Iterable[str],
    *,
    seed: int = 0,
    on_question: Callable[[], None] = lambda: None,
) -> ExamReport:
    """Ask every question in every form and grade the answers.

    Shuffles and slips depend on `seed`, the form and the question only, so that two models sit the same exam.

    Raises:
        UsageError: an unknown form.
    """
    sittings: list[Sitting] = []
    unasked: list[tuple[Question, str]] = []
    for name in forms:
        write = form_named(name)
        for question in questions:
            random_source = random.Random(f"{seed}-{name}-{question.id}")
            try:
                answer = assistant.answer(write(question, random_source))
            except UsageError:  # one question too long must not end an exam of hours
                unasked.append((question, name))
            else:
                sittings.append(Sitting(question, name, answer, answer.agrees_with(question)))
            on_question()
    return ExamReport(tuple(sittings), tuple(unasked))
