"""Always the longest option: who writes a paper takes more words for what is right."""

from collections import Counter
from collections.abc import Iterable, Sequence

from xiaoan.evaluation.baselines.paper_question import PaperQuestion
from xiaoan.evaluation.sitting import Sitting
from xiaoan.question_bank.question import RIGHT, Question, QuestionType


def longest_option(paper: Iterable[PaperQuestion], bank: Sequence[Question]) -> list[Sitting]:
    """Return the sittings of who answers the longest option, of equally long ones the first shown.

    A 多选题 gets as many of the longest as are most often right in the bank's 多选题 (of equally frequent numbers the
    smallest; two where the bank has none). 正确 and 错误 are equally long; a 判断题 is answered 正确. A stem alone has
    no options: there only a 判断题 is answered.
    """
    counted = Counter(
        len(question.answer) for question in bank if question.question_type is QuestionType.MULTIPLE
    )
    several = min(counted, key=lambda number: (-counted[number], number), default=2)
    return [_answer(question, several) for question in paper]


def _answer(question: PaperQuestion, several: int) -> Sitting:
    if question.judges:
        return question.judging(RIGHT)
    count = several if question.question_type is QuestionType.MULTIPLE else 1
    texts = question.options
    return question.choosing(sorted(range(len(texts)), key=lambda place: (-len(texts[place]), place))[:count])
