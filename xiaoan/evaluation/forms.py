"""A bank question as a person might type it: the forms in which the bot sits the exam.

plain     the stem alone, as the bank writes it
options   stem and options, labelled A, B, … in the bank's order
shuffled  options in another order, under another style of labels
marks     the stem alone with other blanks, widths and end marks
noisy     the stem alone with a tenth of its neutral characters missing
spoken    said aloud, in sentences of its own that nothing is trained on; options where the stem speaks of them
circular  stem and options in every rotation of the options: as many texts as there are options

Every form but `circular` writes a question once. `circular` writes none where there are no options to turn.
"""

import random
import re
from collections.abc import Callable, Sequence

from xiaoan.errors import UsageError
from xiaoan.question_bank.asked_types import needs_its_options
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import BLANK, normalize_stem, normalize_text
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType
from xiaoan.question_bank.slips import drop_characters

Form = Callable[[Question, random.Random], list[str]]
"""Writes a question as it is asked: once, in every rotation of its options, or not at all."""

TYPE_IS_TOLD = frozenset({"options", "shuffled", "circular"})
"""Forms of the written exam, whose paper prints the 题型 above the questions."""

DEFAULT_FORMS = ("plain", "options", "shuffled", "noisy", "spoken")
"""What an exam asks when nobody says which forms."""

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


SPOKEN_QUESTIONS = (
    "老师,{}啊",
    "请教一下,{}",
    "{},谁来说说",
    "班长问{}",
    "又碰到这道:{}",
    "{},给我讲讲",
)
"""Around a question said aloud. Like the two below, none of `training.data.spoken_patterns`, trained on or held out."""

SPOKEN_STATEMENTS = (
    "{},是不是这么回事",
    "同事讲{},他讲得对吗",
    "老师,{},这算对还是算错",
    "我一直觉得{},对吧",
    "{},能这么说吗",
)
"""Around a statement to be judged."""

SPOKEN_WITH_OPTIONS = ("老师,{},勾哪个", "请教一下,{}", "{},你们选的什么")
"""Around a stem with its options below it."""

_ASKS_ITSELF = re.compile("什么|多[少长久大高远]|几|哪|谁|怎|如何|[吗呢]$")
_A_NUMBER = re.compile(
    r"[\d.±~/%<>≥≤+-]+[A-Za-zΩ℃%/²³]*|[\d一二两三四五六七八九十百千半]+[个天年月周次人小时分秒米倍日]+"
)


def plain(question: Question, _: random.Random) -> list[str]:
    """The stem alone."""
    return [question.stem]


def with_options(question: Question, _: random.Random) -> list[str]:
    """Stem and options in the bank's order, one a line."""
    return [_lettered(question.stem, shown_options(question))]


def circular(question: Question, _: random.Random) -> list[str]:
    """`with_options` in every rotation of the options, the bank's own order first."""
    options = list(shown_options(question))
    turns = range(len(options)) if len(options) > 1 else ()
    return [_lettered(question.stem, options[turn:] + options[:turn]) for turn in turns]


def shuffled(question: Question, random_source: random.Random) -> list[str]:
    """Options in a random order, under a random style of labels, on lines or in a row."""
    options = list(shown_options(question))
    random_source.shuffle(options)
    style = random_source.choice(_LABEL_STYLES if len(options) <= len(_CIRCLED) else _LABEL_STYLES[:-1])
    labelled = [style(place) + text for place, text in enumerate(options)]
    if random_source.random() < 0.5:
        return ["\n".join([question.stem, *labelled])]
    return [f"{question.stem} 选项：{'; '.join(labelled)};"]


def marks(question: Question, random_source: random.Random) -> list[str]:
    """The stem with another form of blank, half- or full-width marks, with or without its last one."""
    stem = normalize_stem(question.stem)
    if random_source.random() < 0.5:
        stem = stem.translate(_WIDE_MARKS)
    stem = stem.replace(BLANK, random_source.choice(_BLANKS))
    return [stem + random_source.choice(["", "。", "."])]


def noisy(question: Question, random_source: random.Random) -> list[str]:
    """The stem with about a tenth of its neutral characters missing."""
    return [drop_characters(normalize_stem(question.stem), SLIP_RATE, random_source)]


def spoken(question: Question, random_source: random.Random) -> list[str]:
    """Said aloud: a statement is asked about, blanks are asking words, 下列… comes with its options."""
    stem = normalize_stem(question.stem).rstrip(".。?!")
    if question.question_type is QuestionType.JUDGE:
        return [random_source.choice(SPOKEN_STATEMENTS).format(stem)]
    said = _asking_aloud(stem, question.answer, random_source)
    if question.options and needs_its_options(stem):
        return [_lettered(random_source.choice(SPOKEN_WITH_OPTIONS).format(said), question.options)]
    return [random_source.choice(SPOKEN_QUESTIONS).format(said)]


FORMS: dict[str, Form] = {
    "plain": plain,
    "options": with_options,
    "shuffled": shuffled,
    "marks": marks,
    "noisy": noisy,
    "spoken": spoken,
    "circular": circular,
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


def _lettered(stem: str, options: Sequence[str]) -> str:
    """The stem, and one option a line under the letters A, B, …"""
    return "\n".join([stem, *(f"{place_letters(place)}. {text}" for place, text in enumerate(options))])


def _asking_aloud(stem: str, answers: Sequence[str], random_source: random.Random) -> str:
    """The normalised stem with 多少 or 什么 for its blanks; where it asks already, its last blank just goes."""
    if BLANK not in stem:
        return stem
    if stem.endswith(BLANK) and _ASKS_ITSELF.search(stem):
        return stem.removesuffix(BLANK)
    numbers = all(_A_NUMBER.fullmatch(normalize_text(answer)) for answer in answers)
    return stem.replace(BLANK, "多少" if numbers else random_source.choice(("什么", "啥")))
