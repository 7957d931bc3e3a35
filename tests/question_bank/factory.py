"""Small questions and banks for the tests of this area."""

from collections.abc import Sequence

from xiaoan.question_bank.question import Question, QuestionBank, QuestionType, Source


def single(
    stem: str,
    options: Sequence[str] = ("0.7m", "1.0m", "1.5m"),
    answer: str = "0.7m",
    profession: str = "变电",
) -> Question:
    return _question(stem, options, [answer], QuestionType.SINGLE, profession)


def multiple(stem: str, options: Sequence[str], answer: Sequence[str], profession: str = "变电") -> Question:
    return _question(stem, options, answer, QuestionType.MULTIPLE, profession)


def judge(stem: str, answer: str = "正确", profession: str = "变电") -> Question:
    return _question(stem, (), [answer], QuestionType.JUDGE, profession)


def fill(stem: str, answer: Sequence[str], profession: str = "变电") -> Question:
    return _question(stem, (), answer, QuestionType.BLANK, profession)


def bank(*questions: Question) -> QuestionBank:
    return QuestionBank(questions)


def _question(
    stem: str, options: Sequence[str], answer: Sequence[str], question_type: QuestionType, profession: str
) -> Question:
    source = (Source("题库.xlsx", "题库", 2),)
    return Question(stem, tuple(options), tuple(answer), "变电安规 7.2", profession, question_type, source)
