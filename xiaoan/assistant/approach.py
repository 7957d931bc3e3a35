"""How a question is put to the model: typed freely, or decided among texts; of which 题型, and who says so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from xiaoan.assistant.confidence import AnswerKind
from xiaoan.assistant.engine import ModelInfo, OptionQuestion
from xiaoan.assistant.prompts import (
    OPTIONS_FORM,
    OPTIONS_SEPARATOR,
    PLAIN_FORM,
    canonical_options,
    option_line,
    options_prompt,
    plain_prompt,
    prompt_for,
)
from xiaoan.question_bank.asked_types import inferred_type, judged_statement, lacks_its_options, verdicts_of
from xiaoan.question_bank.matching import Match, MatchKind
from xiaoan.question_bank.normalization import BLANK, normalize_stem, normalize_text
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.parsing import AskedQuestion
from xiaoan.question_bank.question import RIGHT, WRONG, QuestionType

SAID, TEXT, BANK = "said", "text", "bank"
"""Where a 题型 comes from: the person's own words, the way the question is written, the bank's question."""

_ONE_ANSWER = (QuestionType.SINGLE, QuestionType.JUDGE)
_VERDICTS = (RIGHT, WRONG)


@dataclass(frozen=True)
class Approach:
    """What is done with one question.

    Attributes:
        asked: the question.
        match: what the bank knows of it; None without a bank.
        question_type: the 题型 that it goes by; None where it is open.
        type_source: `said`, `text` or `bank`; None where it is open.
        needs_options: it speaks of options that were not given.
        query: what the model is asked for a free answer.
        decided: what it decides instead; None for a free answer.
        options: what the texts of `decided` stand for, one each; without labels where none were shown.
    """

    asked: AskedQuestion
    match: Match | None
    question_type: QuestionType | None
    type_source: str | None
    needs_options: bool
    query: str
    decided: OptionQuestion | None = None
    options: tuple[AskedOption, ...] = ()

    @property
    def kind(self) -> AnswerKind:
        """How its answer comes about."""
        if self.decided is None:
            return AnswerKind.WRITTEN
        return AnswerKind.JUDGED if self.question_type is QuestionType.JUDGE else AnswerKind.CHOSEN

    @property
    def is_known(self) -> bool:
        """Whether the question is one of the bank's, which only one it may be."""
        return self.match is not None and self.match.kind is MatchKind.EQUIVALENT

    def chosen(self, places: Iterable[int]) -> tuple[AskedOption, ...]:
        """Return the options at `places` of the texts of `decided`, in the order in which they were shown."""
        options = [self.options[place] for place in places]
        return tuple(sorted(options, key=self.asked.options.index) if self.asked.options else options)


def scores_options(info: ModelInfo, decode: str) -> bool:
    """Whether options are decided by content: as `decode` says, for "auto" as the model's training allows."""
    return bool(info.forms & {PLAIN_FORM, OPTIONS_FORM}) if decode == "auto" else decode == "content"


def approach(asked: AskedQuestion, match: Match | None, info: ModelInfo, decode: str) -> Approach:
    """Return how `asked` is put to the model that `info` describes.

    Args:
        asked: the question.
        match: what the bank knows of it; only its 题型 is looked at, whether the question is there, and
            whether it is there with a blank where the asked one has the answer: then that is judged.
        info: tells the forms that the model was trained on.
        decode: `auto`, `free` or `content`.
    """
    question_type, source = _type_of(asked, match)
    free = Approach(
        asked=asked,
        match=match,
        question_type=question_type,
        type_source=source,
        needs_options=lacks_its_options(asked, question_type),
        query=prompt_for(asked, info.forms),
    )
    if not scores_options(info, decode):
        return free
    if asked.options:
        return _among_options(free, info.forms)
    if question_type is QuestionType.JUDGE:
        return _between_verdicts(free, info.forms, [AskedOption("", text) for text in _VERDICTS], _VERDICTS)
    return free


def _type_of(asked: AskedQuestion, match: Match | None) -> tuple[QuestionType | None, str | None]:
    """The 题型 and its source. What a person says or shows outranks the bank, and the bank outranks a guess."""
    if asked.question_type is not None:
        return asked.question_type, SAID
    if verdicts_of(asked.options):
        return QuestionType.JUDGE, TEXT
    if match is not None and match.filled and not asked.options and BLANK not in normalize_stem(asked.stem):
        return QuestionType.JUDGE, TEXT  # a statement now, whatever it is in the bank
    banked = {question.question_type for question in match.questions} if match is not None else set()
    if len(banked) == 1:
        return banked.pop(), BANK
    inferred = inferred_type(asked)
    return inferred, TEXT if inferred is not None else None


def _among_options(free: Approach, forms: frozenset[str]) -> Approach:
    """The options shown, decided by their texts; 对 and 错 by the words that a model judges with."""
    shown = free.asked.options
    only_one = free.question_type in _ONE_ANSWER
    verdicts = verdicts_of(shown) if only_one else ()
    if verdicts:
        return _between_verdicts(free, forms, shown, verdicts)
    texts = tuple(normalize_text(option.text) for option in shown)
    stem = plain_prompt(free.asked)
    if _knows_only_options(forms):
        canonical = canonical_options(shown)
        places = [texts.index(option.text) for option in canonical]
        question = OptionQuestion(
            options_prompt(stem, canonical), tuple(map(option_line, canonical)), OPTIONS_SEPARATOR, only_one
        )
        return replace(free, decided=question, options=tuple(shown[place] for place in places))
    return replace(free, decided=OptionQuestion(stem, texts, only_one=only_one), options=shown)


def _between_verdicts(
    free: Approach, forms: frozenset[str], shown: Sequence[AskedOption], verdicts: Sequence[str]
) -> Approach:
    """A statement to be judged: the words that ask for it are no part of it, 对 and √ are 正确."""
    prompt = judged_statement(free.asked)
    if _knows_only_options(forms):
        prompt = options_prompt(prompt, canonical_options([AskedOption("", text) for text in _VERDICTS]))
    return replace(free, decided=OptionQuestion(prompt, tuple(verdicts), only_one=True), options=tuple(shown))


def _knows_only_options(forms: frozenset[str]) -> bool:
    return OPTIONS_FORM in forms and PLAIN_FORM not in forms
