"""Bank questions in which words and numbers occur, the likeliest first, with the places to highlight.

Words are looked for in the texts as the bank writes them, by patterns that allow every width, letter case and
spacing: that needs no copy of the bank, and the places found are those on the screen.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import nsmallest

from xiaoan.question_bank.answers.quantities import unit_spellings
from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.question import Question

Spans = tuple[tuple[int, int], ...]
"""Places [start, end) in one text, ascending and apart."""

_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_UNIT_APART = re.compile(r"(?<=\d)\s+(?=([A-Za-z°%Ω][A-Za-z/]*|[\u4e00-\u9fff]{1,3})(?:\s|$))")
_GAP = "[ \t\u3000\u00a0]*"
_DIGIT = "[0-9０-９]"
_POINT = "[.．]"
# Stands behind the first figure: a pattern that begins with a set of signs is found several times as fast.
_BEGINS_HERE = f"(?<!{_DIGIT}{_DIGIT})(?<!{_DIGIT}{_POINT}{_DIGIT})"
_NUMBER_ENDS = f"(?!{_DIGIT}|{_POINT}{_DIGIT})"
_CLAUSE_NUMBER_ENDS = f"(?!{_DIGIT})"
_UNIT_ENDS = "(?![A-Za-zＡ-Ｚａ-ｚ²³])"


@dataclass(frozen=True, slots=True)
class Word:
    """A word looked for, with the patterns that find it in running text and in a clause."""

    text: str
    pattern: re.Pattern[str]
    in_clause: re.Pattern[str]

    def occurs_in(self, question: Question) -> bool:
        """Return whether the word stands in the stem, an option, an answer or the clause."""
        texts = "\n".join((question.stem, *question.options, *question.answer))
        return bool(self.pattern.search(texts) or self.in_clause.search(question.clause))


@dataclass(frozen=True, slots=True)
class Hit:
    """A question found. Which words occur in it, and where, is looked up when asked for."""

    question: Question
    words: tuple[Word, ...]

    @property
    def found(self) -> tuple[str, ...]:
        """The words that occur."""
        return tuple(word.text for word in self.words if word.occurs_in(self.question))

    @property
    def missing(self) -> tuple[str, ...]:
        """The words that do not occur; empty unless no question has all of them."""
        return tuple(word.text for word in self.words if not word.occurs_in(self.question))

    @property
    def stem(self) -> Spans:
        """Where words stand in the stem."""
        return self._spans(self.question.stem)

    @property
    def options(self) -> tuple[Spans, ...]:
        """Where words stand in each option."""
        return tuple(map(self._spans, self.question.options))

    @property
    def answer(self) -> tuple[Spans, ...]:
        """Where words stand in each text of the answer."""
        return tuple(map(self._spans, self.question.answer))

    @property
    def clause(self) -> Spans:
        """Where words stand in the clause."""
        return _merged(self.question.clause, [word.in_clause for word in self.words])

    def _spans(self, text: str) -> Spans:
        return _merged(text, [word.pattern for word in self.words])


def search(questions: Iterable[Question], words: str, *, limit: int | None = 20) -> list[Hit]:
    """Return the questions in which all of `words` (parted by spaces) occur, at most `limit`.

    Where none has them all: those that have the most, whose `missing` says so. A hit in the stem comes before
    one in an option, that before one in answer or clause; the words side by side in the stem come first of
    all; then the shorter stem; then the bank's order. A number is found as a number: 0.7 is in 0.70 but not in
    10.7, with its unit in any spelling. Among clauses a number stands for what it contains: 5.2 finds 5.2.4.
    """
    wanted = tuple(_word(text) for text in split_words(words))
    best = 1
    candidates: list[tuple[int, Question]] = []
    for place, question in enumerate(questions if wanted else ()):
        count = 0
        for left, word in zip(range(len(wanted), 0, -1), wanted, strict=True):
            if count + left < best:
                break
            count += word.occurs_in(question)
        if count > best:
            best, candidates = count, []
        if count == best:
            candidates.append((place, question))
    phrase = re.compile(_GAP.join(word.pattern.pattern for word in wanted))
    ranked = [((*_rank(question, wanted, phrase), place), question) for place, question in candidates]
    first = nsmallest(len(ranked) if limit is None else limit, ranked, key=lambda pair: pair[0])
    return [Hit(question, wanted) for _, question in first]


def clause_finder(words: str) -> Callable[[str], bool]:
    """Return what says of a clause whether all of `words` stand in it, numbers as in `search`: 5.2 in 5.2.4."""
    patterns = [_word(text).in_clause for text in split_words(words)]
    return lambda clause: all(pattern.search(clause) for pattern in patterns)


def split_words(words: str) -> tuple[str, ...]:
    """Return the words to look for, each once; a number and its unit written apart are one (`0.7 m`)."""
    joined = _UNIT_APART.sub(lambda gap: "" if unit_spellings(gap[1]) else gap[0], words)
    normalized = (normalize_text(word) for word in joined.split())
    return tuple(dict.fromkeys(word for word in normalized if word))


def _rank(question: Question, wanted: Sequence[Word], phrase: re.Pattern[str]) -> tuple[int, int, int]:
    """Whole phrase in the stem first; then by the fields in which the words stand; then short stems."""
    options, fields = "\n".join(question.options), 0
    for word in wanted:
        if not word.pattern.search(question.stem):
            fields += 1 if word.pattern.search(options) else 2
    return not phrase.search(question.stem), fields, len(question.stem)


def _merged(text: str, patterns: Iterable[re.Pattern[str]]) -> Spans:
    """Every place of `text` where a pattern fits; places that touch are one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found.span() for pattern in patterns for found in pattern.finditer(text)):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)


def _word(text: str) -> Word:
    """The patterns of one word: in running text, and in a clause, whose numbers name what they contain."""
    return Word(text, re.compile(_pattern(text, by_value=True)), re.compile(_pattern(text, by_value=False)))


def _pattern(text: str, *, by_value: bool) -> str:
    pieces: list[str] = []
    position = 0
    while number := _NUMBER.search(text, position):
        unit, end = _unit_behind(text, number.end()) if by_value else ("", number.end())
        pieces += [_signs(text[position : number.start()]), _number(number[0], by_value=by_value), unit]
        position = end
    pieces.append(_signs(text[position:]))
    return _GAP.join(piece for piece in pieces if piece)


def _number(number: str, *, by_value: bool) -> str:
    """A number with nothing of a longer number beside it. By value 0.7 is 0.70 as well, and 1000 is 1,000."""
    first = _sign(number[0]) + _BEGINS_HERE
    if not by_value:
        return first + _exactly(number[1:]) + _CLAUSE_NUMBER_ENDS
    if number.count(".") > 1:
        return first + _exactly(number[1:]) + _NUMBER_ENDS
    whole, _, part = number.partition(".")
    groups = [("[,，]?" if left % 3 == 0 else "") + _sign(figure) for left, figure in _after_first(whole)]
    part = part.rstrip("0")
    fraction = f"{_POINT}{_exactly(part)}[0０]*" if part else f"(?:{_POINT}[0０]+)?"
    return first + "".join(groups) + fraction + _NUMBER_ENDS


def _after_first(whole: str) -> Iterable[tuple[int, str]]:
    """Each figure but the first, with the number of figures from it to the end."""
    return ((len(whole) - place, figure) for place, figure in enumerate(whole) if place)


def _unit_behind(text: str, position: int) -> tuple[str, int]:
    """The pattern of the unit at `position`, in all its spellings, and where it ends in `text`."""
    for end in range(len(text), position, -1):
        if spellings := unit_spellings(text[position:end]):
            longest_first = sorted(spellings, key=lambda word: (-len(word), word))
            # A latin unit must end where it ends: 0.7m is not 0.7mm.
            known = [_whole(word) + (_UNIT_ENDS if word[-1].isascii() else "") for word in longest_first]
            return f"(?:{'|'.join(known)})", end
    return "", position


def _whole(unit: str) -> str:
    """A unit's spelling, also as one character (℃, ㎜) or with a raised figure (mm²)."""
    in_one = "".join(sorted(_spelt_otherwise().get(unit, ())))
    spelling = "".join("[2２²]" if sign == "2" else "[3３³]" if sign == "3" else _sign(sign) for sign in unit)
    return f"(?:{spelling}|[{in_one}])" if len(unit) > 1 and in_one else spelling


def _signs(text: str) -> str:
    return _GAP.join(_sign(sign) for sign in text)


def _exactly(text: str) -> str:
    return "".join(_sign(sign) for sign in text)


@cache
def _sign(sign: str) -> str:
    """One character in every width, letter case and style that is normalised to it."""
    variants = {sign, sign.lower(), sign.upper()}
    for letter in tuple(variants):
        variants |= _spelt_otherwise().get(letter, set())
    single = sorted(variant for variant in variants if len(variant) == 1)
    return re.escape(single[0]) if len(single) == 1 else f"[{''.join(map(re.escape, single))}]"


@cache
def _spelt_otherwise() -> dict[str, set[str]]:
    """Characters by what stands for them once normalised: one character for Ａ, ～, —, “, several for ℃, ㎜."""
    found: dict[str, set[str]] = {}
    for first, last in ((0xA1, 0x17F), (0x2010, 0x2BFF), (0x3000, 0x33FF), (0xFE10, 0xFFEE)):
        for code in range(first, last):
            normal = normalize_text(chr(code))
            if normal and normal != chr(code) and unicodedata.category(chr(code)) != "Cn":
                found.setdefault(normal, set()).add(chr(code))
    return found
