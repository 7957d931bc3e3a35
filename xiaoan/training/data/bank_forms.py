"""Bank questions as training pairs, in the forms in which people will ask them.

plain     the stem as `normalize_stem` writes it → the answers' texts in one fixed order, joined by `; `
options   the stem, then `A. …` on a line each, shuffled anew in every epoch → `B. 绝缘靴`, several on lines
spoken    the stem in a sentence as people say it (`spoken_patterns`), with and without options

A question that a form cannot ask (no options; a 填空题 or 简答题 as people speak) is asked plainly. A 判断题 is
answered 正确 or 错误 in every form. What the assistant asks a model for the same words is the same string.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from xiaoan.errors import UsageError
from xiaoan.question_bank.asked_types import needs_its_options
from xiaoan.question_bank.drawing.shuffling import shuffle_options
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import (
    ANSWER_SEPARATOR,
    normalize_answers,
    normalize_stem,
    normalize_text,
)
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType
from xiaoan.question_bank.slips import drop_characters, is_neutral
from xiaoan.training.data import spoken_patterns
from xiaoan.training.data.pairs import EpochPairs, Pair

PLAIN, OPTIONS, SPOKEN = FORMS = ("plain", "options", "spoken")
"""The names of the forms, on command lines and on the cards of what is trained."""

_STEM_HERE = "{}"
_NO_BEGINNING = ",、;:。"
_ORDERED = (QuestionType.BLANK, QuestionType.SHORT)
_TRIES = 20
_HELD_OUT_SLIP_RATE = 0.1
_IN_A_ROW_AT_MOST = 5
_LONGEST_IN_A_ROW = 16


@dataclass(frozen=True)
class BankRecipe:
    """How questions become pairs.

    Attributes:
        forms: names of `FORMS`; each question is asked in each.
        slip_rate: share of a stem's neutral characters that a copy with slips loses.
        slip_copies: copies with slips beside each clean pair, in every epoch; of the broken part of the number, so
            large a share of the questions, drawn anew, gets one. A quarter makes a bank known in other people's
            typing too and costs a quarter more time; whole copies cost theirs in full (docs/log.md).
        unanswerable: share of all examples whose answer is 题库未收录, 0 to 0.5.

    Raises:
        UsageError: an unknown form, or a number out of its range.
    """

    forms: tuple[str, ...] = (PLAIN,)
    slip_rate: float = 0.1
    slip_copies: float = 0.25
    unanswerable: float = 0.0

    def __post_init__(self) -> None:
        unknown = [form for form in self.forms if form not in FORMS]
        if unknown or not self.forms:
            raise UsageError(
                f"没有「{'、'.join(unknown)}」这种形式。可用：{'、'.join(FORMS)}，或 all（全部）。"
            )
        if not 0 <= self.slip_rate < 1 or self.slip_copies < 0:
            raise UsageError(
                f"漏字的比例应在 0 到 1 之间、份数不小于 0，现在是 {self.slip_rate} 和 {self.slip_copies}。"
            )
        if not 0 <= self.unanswerable <= 0.5:
            raise UsageError(f"题库未收录的例子应占 0 到 0.5，现在是 {self.unanswerable}。")


def forms_named(names: Sequence[str]) -> tuple[str, ...]:
    """Return the forms of names as a person writes them (`all` is all of them), each once, in the usual order.

    Raises:
        UsageError: an unknown name.
    """
    for name in names:
        if name != "all":
            BankRecipe((name,))
    return tuple(form for form in FORMS if form in names or "all" in names)


@dataclass(frozen=True)
class Wording:
    """One way to ask: a `stem` (slips may hit it), the words around it, the `options` below, the answer to learn."""

    stem: str
    options: tuple[str, ...]
    summary: str
    around: str = _STEM_HERE

    def pair(self) -> Pair:
        """Return it as the model is asked it: `assistant.prompts` writes the same."""
        said = self.stem
        if self.around != _STEM_HERE:
            said = normalize_stem(self.around.replace(_STEM_HERE, said, 1))
        lettered = (f"{place_letters(place)}. {text}" for place, text in enumerate(self.options))
        return Pair("\n".join((said, *lettered)), self.summary)

    def with_slips(self, rate: float, random_source: Random) -> "Wording":
        """Return it with about `rate` of the stem's neutral characters missing."""
        slipped = drop_characters(self.stem, rate, random_source)
        return replace(self, stem=slipped.lstrip(_NO_BEGINNING) or self.stem)


Form = Callable[[Question, Random], Iterator[Wording]]


def answer_text(question: Question) -> str:
    """Return the answers' texts joined by `; `: in their order for a 填空题 or 简答题, else sorted."""
    if question.question_type in _ORDERED:
        return ANSWER_SEPARATOR.join(filter(None, map(normalize_text, question.answer)))
    return normalize_answers(question.answer)


def plain_pairs(questions: Sequence[Question]) -> list[Pair]:
    """Return the plain pair of every question, in order."""
    return [_plainly(question).pair() for question in questions]


def _plainly(question: Question) -> Wording:
    return Wording(question.normal_stem, (), answer_text(question))


def _plain(question: Question, _: Random) -> Iterator[Wording]:
    yield _plainly(question)


def _with_options(question: Question, random_source: Random) -> Iterator[Wording]:
    yield _lettered(question, question.normal_stem, random_source)


def _lettered(question: Question, stem: str, random_source: Random) -> Wording:
    """The options in an order drawn anew, where that can do no harm (`drawing.shuffling`)."""
    if question.question_type is QuestionType.JUDGE and not question.options:
        order = (RIGHT, WRONG) if random_source.random() < 0.5 else (WRONG, RIGHT)
        return Wording(stem, order, question.answer[0])
    shown = shuffle_options(question, random_source)
    options = tuple(normalize_text(option.text) for option in shown.options)
    if question.question_type is QuestionType.JUDGE:
        return Wording(stem, options, answer_text(question))
    chosen = (option for option in shown.options if option.label in shown.answer_letters)
    return Wording(stem, options, "\n".join(f"{one.label}. {normalize_text(one.text)}" for one in chosen))


@dataclass(frozen=True)
class _Speech:
    """How people speak, for training or for what is held out of it."""

    questions: spoken_patterns.Patterns
    statements: spoken_patterns.Patterns
    with_options: spoken_patterns.Patterns
    in_a_row: spoken_patterns.Patterns = ()

    def __call__(self, question: Question, random_source: Random) -> Iterator[Wording]:
        stem = question.normal_stem
        if question.question_type is QuestionType.JUDGE:
            pattern = random_source.choice(self.statements)
            yield Wording(stem, (), answer_text(question), pattern)
            return
        asked = spoken_patterns.asking(stem, question.answer)
        if not needs_its_options(stem):
            yield Wording(asked, (), answer_text(question), random_source.choice(self.questions))
        row = _row_of_options(question, random_source) if self.in_a_row else ""
        if row and random_source.random() < 0.5:
            around = random_source.choice(self.in_a_row).replace("{options}", row)
            yield Wording(asked, (), answer_text(question), around)
            return
        around = random_source.choice(self.with_options)
        yield replace(_lettered(question, asked, random_source), around=around)


_TRAINED_SPEECH = _Speech(
    spoken_patterns.QUESTIONS,
    spoken_patterns.STATEMENTS,
    spoken_patterns.WITH_OPTIONS,
    spoken_patterns.IN_A_ROW,
)
_HELD_OUT_SPEECH = _Speech(
    spoken_patterns.HELD_OUT_QUESTIONS,
    spoken_patterns.HELD_OUT_STATEMENTS,
    spoken_patterns.HELD_OUT_WITH_OPTIONS,
)


def _row_of_options(question: Question, random_source: Random) -> str:
    """The options said one after the other, or nothing where that would be heard wrongly."""
    options = [normalize_text(text) for text in question.options]
    short = all(
        0 < len(text) <= _LONGEST_IN_A_ROW and not set(text) & set(",.;:、和或及与还") for text in options
    )
    if question.question_type is not QuestionType.SINGLE or len(options) > _IN_A_ROW_AT_MOST or not short:
        return ""
    order = [normalize_text(option.text) for option in shuffle_options(question, random_source).options]
    return f"{','.join(order[:-1])},还是{order[-1]}"


_FORMS: Mapping[str, Form] = {PLAIN: _plain, OPTIONS: _with_options, SPOKEN: _TRAINED_SPEECH}


def can_ask(form: str, question: Question) -> bool:
    """Return whether `form` asks `question` in a way of its own, and not plainly."""
    if form == PLAIN:
        return True
    if question.question_type in _ORDERED:
        return False
    return bool(question.options) or question.question_type is QuestionType.JUDGE


def _wordings(
    question: Question, form: str, recipe: BankRecipe, random_source: Random, forms: Mapping[str, Form]
) -> Iterator[Wording]:
    """What `form` makes of the question: its plain wording where it cannot ask it and no other form does."""
    if can_ask(form, question):
        yield from forms[form](question, random_source)
    elif form == _first_that_cannot(question, recipe):
        yield _plainly(question)


def _first_that_cannot(question: Question, recipe: BankRecipe) -> str | None:
    if PLAIN in recipe.forms:
        return None
    return next((form for form in recipe.forms if not can_ask(form, question)), None)


def bank_source(
    questions: Sequence[Question],
    recipe: BankRecipe,
    *,
    avoid: frozenset[str] = frozenset(),
    known: Sequence[Question] | None = None,
) -> EpochPairs:
    """Return what makes an epoch's pairs; no content of `avoid` (the held-out wordings) is ever among them.

    `known` is the whole bank where `questions` are a part of it: what it asks is never called 题库未收录.

    An epoch is a clean round over all questions in all forms, then `slip_copies` rounds with slips (the last one over
    some of them only); each round draws option orders and patterns anew.
    """
    from xiaoan.training.data.unanswerable import Unanswerable

    outside = Unanswerable(questions, recipe.forms, known=known) if recipe.unanswerable else None
    questions = _without_explanations(questions)

    def epoch(random_source: Random) -> Sequence[Pair]:
        made: list[Pair] = []
        for asked, rate in _rounds(questions, recipe, random_source):
            for form in recipe.forms:
                for question in asked:
                    made += _drawn(question, form, recipe, rate, random_source, avoid)
        if outside is not None:
            count = round(len(made) * recipe.unanswerable / (1 - recipe.unanswerable))
            made += outside.pairs(count, random_source)
        return made

    return epoch


def _rounds(
    questions: Sequence[Question], recipe: BankRecipe, random_source: Random
) -> Iterator[tuple[Sequence[Question], float]]:
    """Yield the questions of each round of an epoch and the rate of their slips."""
    yield questions, 0.0
    whole = int(recipe.slip_copies)
    yield from [(questions, recipe.slip_rate)] * whole
    rest = math.ceil((recipe.slip_copies - whole) * len(questions))
    if rest:
        yield random_source.sample(list(questions), rest), recipe.slip_rate


def _without_explanations(questions: Sequence[Question]) -> list[Question]:
    """The questions as far as they are trained on: letters in an explanation must not keep options in place."""
    return [replace(question, explanation="") if question.explanation else question for question in questions]


def _drawn(
    question: Question, form: str, recipe: BankRecipe, rate: float, source: Random, avoid: frozenset[str]
) -> Iterator[Pair]:
    for wording in _wordings(question, form, recipe, source, _FORMS):
        pair = wording.pair()
        for _ in range(_TRIES if rate else 0):
            pair = wording.with_slips(rate, source).pair()
            if pair.content not in avoid:
                break
        yield wording.pair() if pair.content in avoid else pair


def clean_pairs(questions: Sequence[Question], recipe: BankRecipe, random_source: Random) -> list[Pair]:
    """Return each question in each of the recipe's forms, without slips, equal pairs once."""
    made = [
        wording.pair()
        for form in recipe.forms
        for question in _without_explanations(questions)
        for wording in _wordings(question, form, recipe, random_source, _FORMS)
    ]
    return list(dict.fromkeys(made))


def held_out_wordings(questions: Sequence[Question], recipe: BankRecipe, random_source: Random) -> list[Pair]:
    """Return the same questions in wordings of their own: with slips, in other option orders, in other patterns.

    Give their contents to `bank_source` as `avoid`, and training never sees them. A stem that has no character
    to lose has none in the forms `plain` and `options`.
    """
    forms: Mapping[str, Form] = {**_FORMS, SPOKEN: _HELD_OUT_SPEECH}
    clean = {question.normal_stem for question in questions}
    rate = recipe.slip_rate or _HELD_OUT_SLIP_RATE
    made: list[Pair] = []
    for form in recipe.forms:
        for question in _without_explanations(questions):
            for wording in _wordings(question, form, recipe, random_source, forms):
                if form == SPOKEN and can_ask(form, question):
                    made.append(wording.pair())
                elif slipped := _surely_slipped(wording, rate, clean, random_source):
                    made.append(slipped.pair())
    return list(dict.fromkeys(made))


def _surely_slipped(wording: Wording, rate: float, taken: set[str], random_source: Random) -> Wording | None:
    """The wording with at least one character missing that is no other question's, or None."""
    for _ in range(_TRIES):
        slipped = wording.with_slips(rate, random_source)
        if slipped.stem not in taken:
            return slipped
    places = [place for place, character in enumerate(wording.stem) if is_neutral(character)]
    for place in random_source.sample(places, len(places)):
        stem = (wording.stem[:place] + wording.stem[place + 1 :]).lstrip(_NO_BEGINNING)
        if stem and stem not in taken:
            return replace(wording, stem=stem)
    return None
