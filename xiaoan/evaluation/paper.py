"""The exam paper: every question written out in every form, the same for every model that sits the exam."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from xiaoan.assistant.answering import read_question
from xiaoan.evaluation.forms import TYPE_IS_TOLD, form_named
from xiaoan.question_bank.parsing import AskedQuestion
from xiaoan.question_bank.question import Question


@dataclass(frozen=True)
class PaperItem:
    """One question as it is put once: `turn` is 0, or the number of the rotation in `circular`."""

    question: Question
    form: str
    turn: int
    text: str

    @property
    def key(self) -> tuple[str, str, int]:
        """What no two items of a paper share: the question's id, the form and the turn."""
        return self.question.id, self.form, self.turn

    @cached_property
    def asked(self) -> AskedQuestion:
        """The text as the bot reads it; in a form of `TYPE_IS_TOLD` the 题型 is told beside it, as on a paper.

        Raises:
            UsageError: it cannot be asked (it is too long, for one).
        """
        asked = read_question(self.text)
        told = self.form in TYPE_IS_TOLD and asked.question_type is None
        return replace(asked, question_type=self.question.question_type) if told else asked


def write_paper(
    questions: Sequence[Question], forms: Iterable[str], *, seed: int = 0
) -> tuple[PaperItem, ...]:
    """Return every question in every form, form after form; equal questions (same id) once.

    Shuffles and slips depend on `seed`, the form and the question only, so that two models sit the same exam whatever
    else is on their paper. A form may write a question several times (each rotation in `circular`) or not at all.

    Raises:
        UsageError: an unknown form.
    """
    different = {question.id: question for question in questions}.values()
    written = [(name, form_named(name)) for name in dict.fromkeys(forms)]
    return tuple(
        PaperItem(question, name, turn, text)
        for name, write in written
        for question in different
        for turn, text in enumerate(write(question, random.Random(f"{seed}-{name}-{question.id}")))
    )
