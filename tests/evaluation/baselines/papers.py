"""Questions for the baselines, put as an exam puts them."""

from collections.abc import Iterable

from tests.fakes import question
from xiaoan.evaluation.baselines.paper_question import PaperQuestion
from xiaoan.evaluation.paper import write_paper
from xiaoan.question_bank.question import Question, QuestionType


def paper(questions: Iterable[Question], *forms: str, seed: int = 0) -> list[PaperQuestion]:
    return [PaperQuestion(item) for item in write_paper(list(questions), forms or ["options"], seed=seed)]


def single(stem: str, official: str, *options: str) -> Question:
    return question(stem, official, options=options)


def several(stem: str, official: str, *options: str) -> Question:
    """A 多选题; `official` are letters."""
    texts = [options["ABCDEFGH".index(letter)] for letter in official]
    return question(stem, *texts, options=options, question_type=QuestionType.MULTIPLE)


def judge(stem: str, verdict: str) -> Question:
    return question(stem, verdict, question_type=QuestionType.JUDGE)
