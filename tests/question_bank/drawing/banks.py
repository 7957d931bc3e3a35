"""Banks of many questions for drawing from."""

from itertools import product

from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.question_bank.store.stored_bank import StoredBank

PROFESSIONS = ("变电", "线路", "配电")
CLAUSES = ("变电安规 7.3.4", "变电安规 7.30", "线路安规 5.3.1；线路安规 7.3", "配电安规 6", "")


def many_questions(each: int = 2) -> list[Question]:
    """So many questions of each 题型, 专业 and clause; 填空题 there are none."""
    kinds = (QuestionType.SINGLE, QuestionType.MULTIPLE, QuestionType.JUDGE)
    return [
        _question(kind, profession, clause, number)
        for kind, profession, clause, number in product(kinds, PROFESSIONS, CLAUSES, range(each))
    ]


def many(each: int = 2) -> StoredBank:
    """A bank of `many_questions`."""
    return StoredBank.of(many_questions(each))


def _question(kind: QuestionType, profession: str, clause: str, number: int) -> Question:
    stem = f"第{number}号作业点装设{'接地线' if number % 2 else '遮栏'}，依据{clause or '经验'}（ ）。"
    options = () if kind is QuestionType.JUDGE else ("停电后", "验电后", "许可后", "以上都对")
    return Question(stem, options, options[1:2] or ("正确",), clause, profession, kind)
