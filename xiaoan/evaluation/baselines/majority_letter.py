"""Always the letter that is right most often in this bank, as people guess who know nothing else."""

from collections import Counter
from collections.abc import Iterable, Sequence

from xiaoan.evaluation.baselines.paper_question import PaperQuestion
from xiaoan.evaluation.sitting import Sitting
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType

_ORDER = {RIGHT: 0, WRONG: 1}


def majority_letter(paper: Iterable[PaperQuestion], bank: Sequence[Question]) -> list[Sitting]:
    """Return the sittings of who answers each 题型 with its most frequent letter, set of letters or verdict.

    Counted over the bank's own order of options; of equally frequent ones the first by the alphabet, 正确 before 错误.
    A question's own answer is counted too: that can only help this baseline, by one question in all, whereas leaving
    it out makes a bank with equally many of each letter score 0 %. Letters that a question has no options for are
    passed over. A stem alone has no letters: there only a 判断题 is answered.
    """
    ranked = _ranked_votes(bank)
    return [_answer(question, ranked.get(question.question_type, ())) for question in paper]


def _answer(question: PaperQuestion, ranked: Sequence[tuple[str, ...]]) -> Sitting:
    if question.judges:
        return question.judging(ranked[0][0] if ranked else RIGHT)
    shown = {place_letters(place): place for place in range(len(question.options))}
    fitting = next((letters for letters in ranked if shown.keys() >= set(letters)), ())
    return question.choosing(shown[letter] for letter in fitting)


def _ranked_votes(bank: Iterable[Question]) -> dict[QuestionType, list[tuple[str, ...]]]:
    """The letters that are right, or the verdict, by 题型, the most frequent first."""
    counts: dict[QuestionType, Counter[tuple[str, ...]]] = {}
    for question in bank:
        judges = question.question_type is QuestionType.JUDGE
        if vote := question.answer if judges else question.answer_letters:
            counts.setdefault(question.question_type, Counter())[vote] += 1
    return {question_type: _ranked(votes) for question_type, votes in counts.items()}


def _ranked(votes: Counter[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return sorted(votes, key=lambda vote: (-votes[vote], [_ORDER.get(part, 0) for part in vote], vote))
