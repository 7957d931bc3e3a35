"""Which bank question is this? Equal words make a match; likeness never does.

Equal means: the same `match_key`. A blank may be filled, but only with the official answer, and a blank at
the end may be left out. With options, these must be the bank's, in any order and under any labels. Everything
else, however alike, is at most `similar`: shown to the person, never used to verify.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import permutations

from xiaoan.question_bank.normalization import BLANK, match_key, normalize_stem, normalize_text, text_key
from xiaoan.question_bank.parsing import AskedOption, AskedQuestion
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionBank, QuestionType, judge_word

_SIMILAR_AT_MOST = 3
_LIKENESS = 60.0
"""Least `rapidfuzz.fuzz.ratio` (0 to 100) of two keys for a question to be shown as similar."""

_HEAD_LENGTH = 8
_ANY_ORDER_AT_MOST = 5
_EVERY_PROFESSION = frozenset(["", "通用", "公共", "全部", "所有", "不限"])
_LETTERS_IN_BLANK = re.compile(r"(?<![0-9A-Za-z])\(([A-Za-z]{1,8})\)")
_FILLED_BRACKETS = re.compile(r"(?<![0-9A-Za-z])\(([^()]{1,80})\)(?![0-9.])")  # (1)5m is not 15m
_NUMBERED_THING = re.compile(r"[(\[]?\d{1,3}[)\].、:]+(?=号)")
_WORD = re.compile(r"\w")
_UNIT_AT_END = re.compile(r"(?<=\d)(?:[A-Za-zΩ°%]+|[米秒天年人个次倍]|千伏|毫米|厘米|分钟|小时|个月)$")
_BETWEEN_FILLINGS = re.compile(r"[;,、|/和\s]+")
_NAMES_LETTERS = re.compile(
    r"[A-H]选?项.*|[A-H](?:[,、和及与或/]?[A-H])+(?:[选两三项者都均全皆是正确对错误不])*"
)
_NAMES_PLACES = re.compile(r"(?:以上|上述|以下|前[述面两二三四])(?!\d).*[都均全皆是对错确不项].*")


class MatchKind(StrEnum):
    """What the bank knows of an asked question."""

    EQUIVALENT = "equivalent"
    AMBIGUOUS = "ambiguous"
    SIMILAR = "similar"
    NONE = "none"


@dataclass(frozen=True)
class Match:
    """One question if `equivalent`, several if `ambiguous`, else up to three that are only similar."""

    kind: MatchKind
    questions: tuple[Question, ...] = ()
    similar: tuple[Question, ...] = ()


class Matcher:
    """Finds asked questions in a bank. Building it costs one normalisation per question."""

    def __init__(self, bank: QuestionBank) -> None:
        self._questions = bank.questions
        self._stems = [normalize_stem(question.stem) for question in bank]
        self._keys = [match_key(stem) for stem in self._stems]
        self._by_key: dict[str, list[int]] = {}
        self._by_head: dict[str, list[int]] = {}
        for place, (stem, key) in enumerate(zip(self._stems, self._keys, strict=True)):
            self._by_key.setdefault(key.removesuffix(BLANK), []).append(place)
            if BLANK in stem:
                self._by_head.setdefault(_head(stem)[:_HEAD_LENGTH], []).append(place)

    def match(self, asked: AskedQuestion, profession: str | None = None) -> Match:
        """Return what the bank knows of `asked`.

        A 专业 that the person wrote goes before `profession`. A question of another 专业 is only similar; one
        for every 专业 (通用) fits each.
        """
        wanted = asked.profession or profession
        same_words: list[int] = []
        for reading in _readings(asked):
            same_words = self._same_words(match_key(reading.stem))
            found = [place for place in same_words if _agrees(self._questions[place], reading, wanted)]
            if found:
                kind = MatchKind.EQUIVALENT if len(found) == 1 else MatchKind.AMBIGUOUS
                return Match(kind, tuple(self._questions[place] for place in found))
        similar = self._similar(match_key(asked.stem), same_words)
        return Match(MatchKind.SIMILAR if similar else MatchKind.NONE, (), similar)

    def _same_words(self, key: str) -> list[int]:
        """Places of the questions with these words, whatever their options and 专业."""
        if not key.strip("_"):
            return []
        return self._by_key.get(key.removesuffix(BLANK), []) or self._filled(key)

    def _filled(self, key: str) -> list[int]:
        """Places of the questions whose blanks, filled with the official answer, give `key`."""
        heads = {key[:length] for length in range(min(_HEAD_LENGTH, len(key)) + 1)}
        places = sorted({place for head in heads for place in self._by_head.get(head, ())})
        return [
            place for place in places if key in _filled_keys(key, self._stems[place], self._questions[place])
        ]

    def _similar(self, key: str, first: Sequence[int]) -> tuple[Question, ...]:
        """The questions at `first`, then the nearest by their letters, at most three in all."""
        from rapidfuzz import fuzz, process

        places = list(first[:_SIMILAR_AT_MOST])
        if key.strip("_"):
            limit = _SIMILAR_AT_MOST + len(places)
            nearest = process.extract(key, self._keys, scorer=fuzz.ratio, limit=limit, score_cutoff=_LIKENESS)
            places += [place for _, _, place in nearest if place not in places]
        return tuple(self._questions[place] for place in places[:_SIMILAR_AT_MOST])


def _readings(asked: AskedQuestion) -> Iterator[AskedQuestion]:
    """What may have been meant, each to be held against the bank word by word.

    As parsed; `（4）m` as 4m; `（B）` as option B's text; no options at all, but a stem with figures.
    """
    yield asked
    stem = normalize_stem(asked.stem)
    yield replace(asked, stem=_FILLED_BRACKETS.sub(r"\1", stem))
    if not asked.options:
        return
    texts = {option.label: option.text for option in asked.options}
    letters = [found.upper() for found in _LETTERS_IN_BLANK.findall(stem)]
    if len(letters) == 1 and all(letter in texts for letter in letters[0]):
        filling = "、".join(texts[letter] for letter in letters[0])
        yield replace(asked, stem=_LETTERS_IN_BLANK.sub(lambda _: filling, stem))
    yield replace(asked, stem=asked.text.replace("\n", " "), options=())


def _agrees(question: Question, asked: AskedQuestion, profession: str | None) -> bool:
    """Whether 题型, 专业 and options are those of the question, as far as they were said."""
    if asked.question_type not in (None, question.question_type):
        return False
    if not _professions_agree(profession, question.profession):
        return False
    if _numbered_thing(asked.text) != _numbered_thing(question.stem):
        return False
    return not asked.options or _same_options(asked.options, question)


def _numbered_thing(text: str) -> str:
    """The number of `(2)号主变…`, which `normalize_stem` takes for a question's number; else empty."""
    found = _NUMBERED_THING.match(normalize_text(text))
    return found[0].strip("()[].、:") if found else ""


def _professions_agree(wanted: str | None, profession: str) -> bool:
    asked, banked = normalize_text(wanted or ""), normalize_text(profession)
    return asked in _EVERY_PROFESSION or banked in _EVERY_PROFESSION or asked == banked


def _same_options(options: Sequence[AskedOption], question: Question) -> bool:
    """Whether both have the same set of option texts; a 判断题 may be asked with 正确 and 错误."""
    if question.question_type is QuestionType.JUDGE and not question.options:
        return sorted(judge_word(option.text) or "" for option in options) == sorted([RIGHT, WRONG])
    asked = [text_key(option.text) for option in options]
    banked = [text_key(text) for text in question.options]
    return set(asked) == set(banked) and _places_agree(asked, banked, question.options)


def _places_agree(asked: Sequence[str], banked: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether options that speak of others (`A和B`, `以上都是`) still speak of the same ones."""
    for place, text in enumerate(map(normalize_text, texts)):
        if _NAMES_LETTERS.fullmatch(text) and list(asked) != list(banked):
            return False
        if _NAMES_PLACES.fullmatch(text):
            shown = asked.index(banked[place])
            if set(asked[:shown]) != set(banked[:place]):
                return False
    return True


def _head(stem: str) -> str:
    """The key of what stands before the first blank; every rightly filled key begins with it."""
    head = stem.partition(BLANK)[0]
    return text_key(head) if _WORD.search(head) else ""


def _filled_keys(key: str, stem: str, question: Question) -> Iterator[str]:
    """The keys of `stem` with the official answer in its blanks; none if `key` cannot be one of them."""
    if question.question_type is QuestionType.JUDGE or not key.startswith(_head(stem)):
        return
    parts = stem.split(BLANK)
    for filling in _fillings(question, len(parts) - 1):
        yield match_key(_join(parts, filling))


def _fillings(question: Question, blanks: int) -> Iterator[Sequence[str]]:
    """One text per blank; the answers of a 多选题 in any order, but in one blank only.

    Which of a 多选题's answers belongs in which of several blanks is not known: nothing is a right filling.
    """
    if question.question_type is QuestionType.MULTIPLE and blanks > 1:
        return
    answers = [normalize_text(text) for text in question.answer]
    orders: Iterable[Sequence[str]] = [answers]
    if question.question_type is QuestionType.MULTIPLE and len(answers) <= _ANY_ORDER_AT_MOST:
        orders = permutations(answers)
    for order in orders:
        if len(order) == blanks:
            yield order
        elif blanks == 1:
            yield ["、".join(order)]
    if len(answers) == 1 and blanks > 1:
        pieces = [piece for piece in _BETWEEN_FILLINGS.split(answers[0]) if piece]
        if len(pieces) == blanks:
            yield pieces


def _join(parts: Sequence[str], filling: Sequence[str]) -> str:
    """The stem's parts with the blanks filled; a unit both in the answer and behind the blank stands once."""
    text = parts[0]
    for answer, part in zip(filling, parts[1:], strict=True):
        unit = _UNIT_AT_END.search(answer)
        twice = unit is not None and part.startswith(unit[0])
        text += (answer[: unit.start()] if unit and twice else answer) + part
    return text
