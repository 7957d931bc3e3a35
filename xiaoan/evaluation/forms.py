"""A bank question as a person might type it: the forms in which the bot sits the exam.

plain     the stem alone, as the bank writes it
options   stem and options, labelled A, B, … in the bank's order
shuffled  options in another order, under another style of labels
marks     the stem alone with other blanks, widths and end marks
noisy     the stem alone with a tenth of its neutral characters missing
"""

import random
from collections.abc import Callable, Sequence

from xiaoan.errors import UsageError
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import BLANK, normalize_stem
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType
from xiaoan.question_bank.slips import drop_characters

Form = Callable[[Question, random.Random], str]
"""Writes a question as it is asked."""

SLIP_RATE = 0.1
_BLANKS = ("( )", "（　　）", "（ ）", "()", "___", "____", "______")
_WIDE_MARKS = str.maketrans(",:;()?", "，：；（）？")
_CIRCLED = "①②③④⑤⑥⑦⑧"
_LABEL_STYLES: tuple[Callable[[int], str], ...] = (
    lambda place: f"{place_letters(place)}. ",
    lambda place: f"{place_letters(place)}、",
    lambda place: f"{place_letters(place)}．",
    lambda place: f"（{place_letters(place)}）",
    lambda place: f"{place_letters(place).lower()}) ",
    lambda place: f"{place_letters(place)}：",
    lambda place: _CIRCLED[place],
)


def plain(question: Question, _: random.Random) -> str:
    """The stem alone."""
    return question.stem


def with_options(question: Question, _: random.Random) -> str:
    """Stem and options in the bank's order, one a line."""
    return "\n".join(
        [question.stem, *(f"{place_letters(i)}. {text}" for i, text in enumerate(shown_options(question)))]
    )


def shuffled(question: Question, random_source: random.Random) -> str:
    """Options in a random order, under a random style of labels, on lines or in a row."""
    options = list(shown_options(question))
    random_source.shuffle(options)
    style = random_source.choice(_LABEL_STYLES if len(options) <= len(_CIRCLED) else _LABEL_STYLES[:-1])
    labelled = [style(place) + text for place, text in enumerate(options)]
    if random_source.random() < 0.5:
        return "\n".join([question.stem, *labelled])
    return f"{question.stem} 选项：{'; '.join(labelled)};"


def marks(question: Question, random_source: random.Random) -> str:
    """The stem with another form of blank, half- or full-width marks, with or without its last one."""
    stem = normalize_stem(question.stem)
    if random_source.random() < 0.5:
        stem = stem.translate(_WIDE_MARKS)
    stem = stem.replace(BLANK, random_source.choice(_BLANKS))
    return stem + random_source.choice(["", "。", "."])


def noisy(question: Question, random_source: random.Random) -> str:
    """The stem with about a tenth of its neutral characters missing."""
    return drop_characters(normalize_stem(question.stem), SLIP_RATE, random_source)


FORMS: dict[str, Form] = {
    "plain": plain,
    "options": with_options,
    "shuffled": shuffled,
    "marks": marks,
    "noisy": noisy,
}


def shown_options(question: Question) -> Sequence[str]:
    """Return the options that an exam paper prints; a 判断题 offers 正确 and 错误."""
    if question.question_type is QuestionType.JUDGE and not question.options:
        return (RIGHT, WRONG)
    return question.options


def form_named(name: str) -> Form:
    """Return the form of that name.

    Raises:
        UsageError: there is none; the message lists the names.
    """
    if name not in FORMS:
        raise UsageError(f"没有「{name}」这种问法。可用：{'、'.join(FORMS)}。")
    return FORMS[name]
