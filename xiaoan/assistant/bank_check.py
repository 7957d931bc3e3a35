"""Whether an answer agrees with the bank: the bank outranks the model, and a near-miss is never a match."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from xiaoan.question_bank.answers.choice_reading import label_options, names_only_labels
from xiaoan.question_bank.finding.neutral_words import reduce_key
from xiaoan.question_bank.finding.stem_keys import plain_figures
from xiaoan.question_bank.grading import same_answer
from xiaoan.question_bank.matching import Match, MatchKind
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR, text_key
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType, judge_word

_CHOICES = (QuestionType.SINGLE, QuestionType.MULTIPLE, QuestionType.JUDGE)


class CheckStatus(StrEnum):
    """What the bank says about an answer."""

    MATCH = "match"
    MISMATCH = "mismatch"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True)
class BankCheck:
    """The bank's word on one answer.

    `question` is set for match and mismatch; `questions` are the candidates when ambiguous; `similar` are at
    most three that are only similar and prove nothing. `filled`: the official answer stood in the question's blank,
    so that 正确 is the right verdict on what was asked.
    """

    status: CheckStatus
    question: Question | None = None
    questions: tuple[Question, ...] = ()
    similar: tuple[Question, ...] = ()
    filled: bool = False


def check(answer: str | Sequence[str], match: Match, options: Sequence[AskedOption] = ()) -> BankCheck:
    """Compare the model's `answer` (texts) with the bank question that `match` found.

    Args:
        answer: the answer as text, or the texts of the options decided for. A bare letter says nothing
            where no options were shown, and agrees with nothing.
        match: what the matcher made of the question.
        options: the options as the person saw them, to read letters by.
    """
    if match.kind is MatchKind.EQUIVALENT:
        question = match.questions[0]
        verdict = _verdict_on_filling(answer, question) if match.filled else None
        is_right = agrees(answer, question, options) if verdict is None else verdict == RIGHT
        status = CheckStatus.MATCH if is_right else CheckStatus.MISMATCH
        return BankCheck(status, question=question, filled=match.filled)
    if match.kind is MatchKind.AMBIGUOUS:
        return BankCheck(CheckStatus.AMBIGUOUS, questions=match.questions)
    return BankCheck(CheckStatus.NOT_FOUND, similar=match.similar)


def agrees(answer: str | Sequence[str], question: Question, options: Sequence[AskedOption] = ()) -> bool:
    """Return whether `answer` is the official answer of `question`; arguments as in `check`."""
    if not answer:
        return False
    if not options and question.question_type in _CHOICES:
        official = {text_key(text) for text in question.answer}
        banked = label_options(question.options or (RIGHT, WRONG))
        texts = [answer] if isinstance(answer, str) else answer
        if any(text_key(text) not in official and names_only_labels(text, banked) for text in texts):
            return False
    if same_answer(answer, question, shown_options=options or None):
        return True
    written = answer if isinstance(answer, str) else [_as_banked(text, question) for text in answer]
    return same_answer(written, question, shown_options=_all_as_banked(options, question) or None)


def official_answer(question: Question, options: Sequence[AskedOption] = ()) -> str:
    """Return the bank's answer as text, with the letters of `options` as shown, if there were any."""
    key = _judgement_or_text if question.question_type is QuestionType.JUDGE else text_key
    labels = {key(option.text): option.label for option in _all_as_banked(options, question)}
    texts = []
    for text in question.answer:
        label = labels.get(key(text))
        texts.append(f"{label}. {text}" if label else text)
    return ANSWER_SEPARATOR.join(texts)


def _verdict_on_filling(answer: str | Sequence[str], question: Question) -> str | None:
    """正确 or 错误 if that is what `answer` says, and not one of the question's own options or answers."""
    texts = [answer] if isinstance(answer, str) else list(answer)
    verdict = judge_word(texts[0]) if len(texts) == 1 and not texts[0].isascii() else None
    own = (*question.options, *question.answer)
    return None if any(judge_word(text) for text in own) else verdict


def _judgement_or_text(text: str) -> str:
    return judge_word(text) or text_key(text)


def _all_as_banked(options: Sequence[AskedOption], question: Question) -> list[AskedOption]:
    return [AskedOption(option.label, _as_banked(option.text, question)) for option in options]


def _as_banked(text: str, question: Question) -> str:
    """The one option that says `text` in a spelling that the matcher lets pass (SF₆, 应当), else `text`."""
    spelling = _spelling(text)
    alike = [option for option in question.options if spelling and _spelling(option) == spelling]
    return alike[0] if len(alike) == 1 else text


def _spelling(text: str) -> str:
    return reduce_key(plain_figures(text_key(text)))
