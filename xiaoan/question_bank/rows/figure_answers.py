"""Figures in an answer cell: places of options, or what an option says; the rest of the sheet may tell which."""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import islice

from xiaoan.question_bank.answers.choice_reading import read_choice
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.option_labels import CIRCLED, IN_BRACKETS, AskedOption, half_width
from xiaoan.question_bank.question import judge_word
from xiaoan.question_bank.rows.columns import Columns, Field
from xiaoan.question_bank.rows.option_cells import OptionsReading, read_option_columns, read_options

_FIRST = frozenset("0123456789０１２３４５６７８９([（【")
_SIGNS = {
    ord(sign): f"{number}、" for signs in (CIRCLED, IN_BRACKETS) for number, sign in enumerate(signs, 1)
}
BETWEEN_NAMED = re.compile(r"[\s,、;.。:|/+&()\[\]\"'和及与]+")
_DECIMAL = re.compile(r"\d\.\d")
_LETTERS = re.compile(r"[A-Za-z](?:[\s,、;]*[A-Za-z]){0,11}\s*")
_LOOKED_AT = 300
_ENOUGH = 2
_OUTWEIGHS = 10


class Figures(Enum):
    """What figures mean in the answers of a sheet's choices; `LETTERS`: most answers are letters."""

    UNKNOWN = "unknown"
    PLACES = "places"
    TEXTS = "texts"
    LETTERS = "letters"


def figures_in(answer: str) -> list[str]:
    """Return the figures that `answer` consists of; [] if there is anything else in it."""
    if answer[:1] not in _FIRST:
        return []
    names = [name for name in BETWEEN_NAMED.split(half_width(answer)) if name]
    return names if all(name.isdecimal() and name.isascii() for name in names) else []


def without_signs(answer: str, reading: OptionsReading) -> str:
    """Return ②③ as 2、3、 where the options are called ①, ②, …, which are read as figures."""
    signed = answer[:1] in CIRCLED or answer[:1] in IN_BRACKETS
    called = bool(reading.options) and all(option.label.isdecimal() for option in reading.options)
    return answer.translate(_SIGNS) if signed and called else answer


def is_decimal(answer: str) -> bool:
    """Return whether there is a number like 1.5 in `answer`, which is no list of two places."""
    return _DECIMAL.search(half_width(answer)) is not None


def lettered(options: Sequence[AskedOption]) -> Sequence[AskedOption]:
    """Return the same options under letters: what is called 3 is C, though the second be missing."""
    if not any(option.label.isdecimal() for option in options):
        return options
    return [AskedOption(letter_of(option.label), option.text) for option in options]


def letter_of(label: str) -> str:
    """Return the letter of an option called by a letter, or by a figure."""
    return place_letters(int(label) - 1) if label.isdecimal() and label != "0" else label


def labels_at(figures: Sequence[str], reading: OptionsReading) -> list[str]:
    """Return the labels of the options at these places; [] if one is at no place, or no order is sure."""
    known = _labels_by_figure(reading)
    if all(figure in known for figure in figures):
        return [known[figure] for figure in figures]
    digits = "".join(figures)
    if "10" not in known and all(digit in known for digit in digits):
        return [known[digit] for digit in digits]
    return []


def _labels_by_figure(reading: OptionsReading) -> dict[str, str]:
    """The label of each place as long as none is missing; labels without a text count their place."""
    labels = [option.label for option in reading.options]
    if all(label.isdecimal() for label in labels):
        return {label: label for label in labels}
    if labels != sorted(labels):
        return {}
    known: dict[str, str] = {}
    for place in range(len(labels) + len(reading.empty)):
        label = place_letters(place)
        if label in labels:
            known[str(place + 1)] = label
        elif label not in reading.empty:
            break
    return known


def places_of_text(answer: str, reading: OptionsReading, stem: str | None) -> tuple[int, ...] | None:
    """Return which options say what `answer` says, figures taken as numbers; None if none does."""
    texts = [option.text for option in reading.options]
    if answer in texts:
        return (texts.index(answer),)
    return read_choice(answer, lettered(reading.options), stem=stem)


def meaning_of_figures(columns: Columns, rows: Sequence[Sequence[str]]) -> Figures:
    """Return what figures mean in the answers of the choices among `rows`."""
    place = columns.fields.get(Field.ANSWER)
    if place is None:
        return Figures.UNKNOWN
    with_figures = [row for row in rows if row[place][:1] in _FIRST and figures_in(row[place].strip())]
    if not with_figures:
        return Figures.UNKNOWN
    at_place = as_text = seen = 0
    for row, reading in _choices(columns, with_figures):
        answer = row[place].strip()
        told = None if is_decimal(answer) else labels_at(figures_in(answer), reading)
        said = places_of_text(answer, reading, None)
        at_place += bool(told) and not said
        as_text += bool(said) and not told
        seen += 1
    by_letter = [row for row in rows if len(row[place]) <= _LOOKED_AT and _LETTERS.fullmatch(row[place])]
    letters = sum(1 for _ in _choices(columns, by_letter))
    if at_place >= _ENOUGH and at_place >= _OUTWEIGHS * as_text and at_place > letters:
        return Figures.PLACES
    if as_text >= _ENOUGH and not at_place:
        return Figures.TEXTS
    return Figures.LETTERS if letters > seen else Figures.UNKNOWN


def _choices(
    columns: Columns, rows: Iterable[Sequence[str]]
) -> Iterable[tuple[Sequence[str], OptionsReading]]:
    """The first of the rows with options to choose from, other than 正确 and 错误."""
    for row in islice(rows, _LOOKED_AT):
        reading = read_option_columns([(label, row[place]) for label, place in columns.options])
        if reading is None and (place := columns.fields.get(Field.OPTIONS)) is not None:
            reading = read_options(row[place])
        if reading and len(reading.options) >= 2:
            judging = len(reading.options) == 2 and all(judge_word(one.text) for one in reading.options)
            if not judging:
                yield row, reading
