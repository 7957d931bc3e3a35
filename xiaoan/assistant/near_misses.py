"""A question that is almost one of the bank's, but is not: the most that one may then be sure of the model's answer.

The model takes such a question for the one that it knows, and is as sure of it. Turn 应 into 不应, or fill a blank with
something else, and the answer that it has learnt is wrong (figures in docs/log.md). Words alone tell: a question that
only lost some characters in typing is still the question it was.
"""

from rapidfuzz import fuzz

from xiaoan.question_bank.asked_types import judged_statement
from xiaoan.question_bank.matching import Match, MatchKind
from xiaoan.question_bank.normalization import BLANK, normalize_text, text_key
from xiaoan.question_bank.parsing import AskedQuestion
from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.question_bank.slips import is_slip_of, telling_pieces

NEAR = 80.0
"""From this likeness on (rapidfuzz's ratio, of 100) two stems are near. Rewordings stay below."""

DOUBTFUL, UNPROVEN = 0.5, 0.8
"""The most that an answer to a near miss is worth: where it may well be another question, and where only words differ
that rarely matter."""


def most_confident(asked: AskedQuestion, match: Match | None, question_type: QuestionType | None) -> float:
    """Return the most that confidence in the answer to `asked` may be: 1, or less for a near miss.

    One of several bank questions that the words fit is a guess as well.
    """
    if match is None or match.kind is MatchKind.EQUIVALENT:
        return 1.0
    if match.kind is MatchKind.AMBIGUOUS:
        return DOUBTFUL
    stem = judged_statement(asked)
    near = [one for one in match.similar if fuzz.ratio(_bare(stem), _bare(one.normal_stem)) >= NEAR]
    if not near or any(_is_same(asked, stem, one) for one in near):
        return 1.0
    if question_type is QuestionType.JUDGE:
        return DOUBTFUL
    tells = telling_pieces(stem)
    return UNPROVEN if any(telling_pieces(one.normal_stem) == tells for one in near) else DOUBTFUL


def _is_same(asked: AskedQuestion, stem: str, question: Question) -> bool:
    """Whether only slips of typing part the two."""
    if asked.profession and normalize_text(asked.profession) != normalize_text(question.profession):
        return False
    if asked.question_type not in (None, question.question_type):
        return False
    shown = {text_key(option.text) for option in asked.options}
    return is_slip_of(stem, question.normal_stem) and (
        not shown or not question.options or shown == {text_key(text) for text in question.options}
    )


def _bare(stem: str) -> str:
    return stem.replace(BLANK, "")
