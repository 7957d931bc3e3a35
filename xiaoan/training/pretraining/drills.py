"""Drills in reading and writing every common character, whatever the field texts happen to contain.

A character that pre-training never shows keeps the embedding it was born with: all such characters look alike, none can
be written, and a prefix, which leaves the embedding alone, can teach no word that has one. The drills draw their
characters evenly, and what is asked can always be read off the question: copy a word, fill a gap in a text given twice,
look a word up in a short list.
"""

import random
import string
from collections.abc import Callable, Sequence

from xiaoan.question_bank.normalization import BLANK
from xiaoan.training.data.pairs import Pair
from xiaoan.training.pretraining.vocabulary import common_hanzi

COPY_INSTRUCTION = "抄写:"

_HANZI = common_hanzi()
_LETTERS_AND_DIGITS = string.ascii_letters + string.digits + "."
_LATIN_SHARE = 0.1


def drill_pairs(sentences: Sequence[str], count: int, random_source: random.Random) -> list[Pair]:
    """Return `count` drills, drawn afresh; `sentences` are texts of the field to hide words in."""
    return [random_source.choice(_DRILLS)(sentences, random_source) for _ in range(count)]


def _word(random_source: random.Random, shortest: int, longest: int) -> str:
    length = random_source.randint(shortest, longest)
    return "".join(
        random_source.choice(_LETTERS_AND_DIGITS if random_source.random() < _LATIN_SHARE else _HANZI)
        for _ in range(length)
    )


def _copy(_: Sequence[str], random_source: random.Random) -> Pair:
    word = _word(random_source, 2, 14)
    return Pair(COPY_INSTRUCTION + word, word)


def _gap(_: Sequence[str], random_source: random.Random) -> Pair:
    """A text, then the same text with a gap."""
    text = _word(random_source, 6, 16)
    start = random_source.randrange(len(text) - 1)
    hidden = text[start : start + random_source.randint(1, 5)]
    return Pair(f"{text};{text[:start]}{BLANK}{text[start + len(hidden) :]}", hidden)


def _hidden_word(sentences: Sequence[str], random_source: random.Random) -> Pair:
    """A sentence of the field with a strange word in it, then its surroundings with a gap in the word's place."""
    sentence, word = random_source.choice(sentences), _word(random_source, 1, 5)
    place = random_source.randint(0, len(sentence))
    before, after = sentence[:place], sentence[place:]
    return Pair(f"{before}{word}{after};{before[-6:]}{BLANK}{after[:6]}", word)


def _look_up(_: Sequence[str], random_source: random.Random) -> Pair:
    """A list of names with values, then one of the names."""
    names = list(dict.fromkeys(_word(random_source, 2, 3) for _ in range(random_source.randint(2, 5))))
    values = [_word(random_source, 1, 4) for _ in names]
    asked = random_source.randrange(len(names))
    listed = ";".join(f"{name}:{value}" for name, value in zip(names, values, strict=True))
    return Pair(f"{listed};{names[asked]}:{BLANK}", values[asked])


_DRILLS: tuple[Callable[[Sequence[str], random.Random], Pair], ...] = (_copy, _gap, _hidden_word, _look_up)
