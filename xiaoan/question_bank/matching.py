"""Which bank question is this? Equal words make a match; likeness never does.

Equal means: the same `match_key`, but for neutral words (`neutral_words`) and a lead-in that names the same book
(`lead_ins`). A blank may be filled, but only with the official answer, and a blank at the end may be left out.
With options, these must be the bank's, in any order and under any labels. A verdict on a 判断题 must be the official
one. Everything else, however alike, is at most `similar`: shown to the person, never used to verify.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from xiaoan.question_bank.finding.fillings import filled_stems, holds_answers, is_told_apart
from xiaoan.question_bank.finding.lead_ins import lead_ins_agree, professions_named
from xiaoan.question_bank.finding.leading_numbers import numbers_agree
from xiaoan.question_bank.finding.match_index import MatchIndex, Shelf
from xiaoan.question_bank.finding.neutral_words import reduce_key
from xiaoan.question_bank.finding.readings import Reading, readings
from xiaoan.question_bank.finding.stem_keys import (
    StemForm,
    forms_of_question,
    plain_figures,
    plain_stem,
    stem_forms,
)
from xiaoan.question_bank.normalization import BLANK, normalize_text, text_key
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.parsing import AskedQuestion
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionBank, QuestionType, judge_word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIMILAR_AT_MOST = 3
_FETCHED_AT_MOST = 40
"""How many questions of one wording are looked at; more than these nobody can be shown."""

_ENTRIES_KEPT = 4096
_EVERY_PROFESSION = frozenset(["", "通用", "公共", "全部", "所有", "不限"])
_ABOUT_THEM = "[选两三四个种项者都均全皆是正确对错误不可以能行部说法情况同时满足成立之其外且只仅]*"
_NAMES_LETTERS = re.compile(
    rf"(?:除|仅|只有?|选|答案|包括)*(?:选项)?[A-H](?:[,、;+&\s和及与或/]*(?:选项)?[A-H])+{_ABOUT_THEM}"
    rf"|(?:除|仅|只有?|选项|答案)+[A-H]{_ABOUT_THEM}|[A-H](?:选?项.*|[对错](?:[,、]?[A-H][对错])+)"
    r"|[前后][两二三四][种项者条款点].*"
)
_NAMES_PLACES = re.compile(r"(?:以上|上述|以下|前[述面两二三四])(?!\d).*[都均全皆是对错确不项种况者外].*")


class MatchKind(StrEnum):
    """What the bank knows of an asked question."""

    EQUIVALENT = "equivalent"
    AMBIGUOUS = "ambiguous"
    SIMILAR = "similar"
    NONE = "none"


@dataclass(frozen=True)
class Match:
    """One question if `equivalent`, several if `ambiguous`, else up to three that are only similar.

    `filled`: what was asked is a statement, the question with its official answer in the blank.
    """

    kind: MatchKind
    questions: tuple[Question, ...] = ()
    similar: tuple[Question, ...] = ()
    filled: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """A bank question with what it is compared by."""

    question: Question
    plain: str
    forms: tuple[StemForm, ...]


_Place = tuple[int, int]
"""A shelf's number and a place on it."""


class Matcher:
    """Finds asked questions in a bank. Many threads may ask one matcher at a time."""

    def __init__(self, bank: QuestionBank | Sequence[Shelf]) -> None:
        if isinstance(bank, QuestionBank):
            bank = [Shelf(bank.questions.__getitem__, MatchIndex.build(bank))]
        self._shelves = tuple(bank)
        self._entry = lru_cache(maxsize=_ENTRIES_KEPT)(self._read_entry)

    def match(self, asked: AskedQuestion, profession: str | None = None) -> Match:
        """Return what the bank knows of `asked`.

        A 专业 that the person wrote goes before `profession`. A question of another 专业 is only similar; one
        for every 专业 (通用) fits each.
        """
        said = replace(asked, profession=asked.profession or profession)
        near: list[_Place] = []
        first: Reading | None = None
        for reading in readings(asked):
            first = first or reading
            for find, same in _WAYS[1:] if reading.only_filled else _WAYS:
                places, complete = self._places(find, reading, said.profession)
                found = [
                    entry.question
                    for entry in map(self._entry, places)
                    if _agrees(entry, reading, said) and same(entry, reading)
                ]
                if found:
                    found_as = _conclusion(found, _professions_said(said, reading), complete=complete)
                    return replace(found_as, filled=find is _by_filling)
                near += places
        similar = self._similar(first, near)
        return Match(MatchKind.SIMILAR if similar else MatchKind.NONE, (), similar)

    def _places(self, find: "_Find", reading: Reading, profession: str | None) -> tuple[list[_Place], bool]:
        """Where the words of `reading` may stand, and whether these are all such places."""
        import numpy as np

        places: list[_Place] = []
        complete = True
        for number, shelf in enumerate(self._shelves):
            found = np.unique(np.concatenate([find(shelf.index, form) for form in reading.forms]))
            if len(found) > _FETCHED_AT_MOST:
                found = _narrowed(found, shelf.index, reading, profession)
                complete = complete and len(found) <= _FETCHED_AT_MOST
            places += [(number, int(place)) for place in found[:_FETCHED_AT_MOST]]
        return places, complete

    def _similar(self, asked: Reading | None, near: Sequence[_Place]) -> tuple[Question, ...]:
        """The questions at `near`, then the nearest by their letters, at most three in all."""
        if asked is None:
            return ()
        words = asked.forms[0].words
        ranked: list[tuple[float, _Place]] = []
        for number, shelf in enumerate(self._shelves):
            nearest = shelf.index.nearest(words, 2 * _SIMILAR_AT_MOST)
            ranked += [(score, (number, place)) for score, place in nearest]
        ranked.sort(key=lambda scored: (-scored[0], scored[1]))
        shown: dict[str, Question] = {}
        for place in [*near, *(place for _, place in ranked)]:
            question = self._entry(place).question
            shown.setdefault(question.id, question)
            if len(shown) == _SIMILAR_AT_MOST:
                break
        return tuple(shown.values())

    def _read_entry(self, place: _Place) -> _Entry:
        question = self._shelves[place[0]].question(place[1])
        return _Entry(question, plain_stem(question.stem), forms_of_question(question))


_Find = Callable[[MatchIndex, StemForm], "NDArray[np.uint32]"]


def _by_words(index: MatchIndex, form: StemForm) -> "NDArray[np.uint32]":
    return index.exact(form.key)


def _by_filling(index: MatchIndex, form: StemForm) -> "NDArray[np.uint32]":
    return index.filled(form.words)


def _narrowed(
    places: "NDArray[np.uint32]", index: MatchIndex, reading: Reading, profession: str | None
) -> "NDArray[np.uint32]":
    """Those of `places` with the options and the 专业 that were said: 下列说法正确的是 alone is the stem of thousands."""
    import numpy as np

    if reading.options:
        options = [option.text for option in reading.options]
        so = np.concatenate([index.whole(form.words, options) for form in reading.forms])
        places = places[np.isin(places, so)] if len(so) else places
    if profession and normalize_text(profession) not in _EVERY_PROFESSION:
        places = index.of_professions(places, [profession, *_EVERY_PROFESSION])
    return places


def _same_words(entry: _Entry, reading: Reading) -> bool:
    return any(_forms_agree(asked, banked, entry) for asked in reading.forms for banked in entry.forms)


def _same_filling(entry: _Entry, reading: Reading) -> bool:
    """Whether the official answer in the blanks makes the words of `reading`."""
    told_apart = is_told_apart(entry.question)
    for asked in (form for form in reading.forms if holds_answers(form.words, entry.question)):
        for filled in filled_stems(entry.plain, entry.question, asked.words):
            for banked in stem_forms(plain_stem(filled)):
                letters = told_apart or _without_last_blank(asked.words) == _without_last_blank(banked.words)
                if letters and _forms_agree(asked, banked, entry):
                    return True
    return False


def _without_last_blank(words: str) -> str:
    return words.removesuffix(BLANK)


_WAYS: tuple[tuple[_Find, Callable[[_Entry, Reading], bool]], ...] = (
    (_by_words, _same_words),
    (_by_filling, _same_filling),
)


def _forms_agree(asked: StemForm, banked: StemForm, entry: _Entry) -> bool:
    profession = normalize_text(entry.question.profession)
    return asked.key == banked.key and lead_ins_agree(
        asked.lead_in, banked.lead_in, profession, for_all=profession in _EVERY_PROFESSION
    )


def _agrees(entry: _Entry, reading: Reading, asked: AskedQuestion) -> bool:
    """Whether 题型, 专业, verdict and options are those of the question, as far as they were said."""
    question = entry.question
    if asked.question_type not in (None, question.question_type):
        return False
    if reading.only_judge and question.question_type is not QuestionType.JUDGE:
        return False
    if reading.verdict and reading.verdict != question.answer[0]:
        return False
    if not _professions_agree(asked.profession, question.profession) or not _lead_in_fits(
        entry, asked.profession
    ):
        return False
    if not numbers_agree(asked.text, question.stem):
        return False
    return not reading.options or _same_options(reading.options, question)


def _professions_said(asked: AskedQuestion, reading: Reading) -> frozenset[str]:
    """The 专业 that the person named, or else the lead-in: as written, and by the names known."""
    if asked.profession:
        return frozenset([normalize_text(asked.profession)])
    return frozenset(name for form in reading.forms if form.lead_in for name in form.lead_in.professions)


def _conclusion(found: Sequence[Question], professions: frozenset[str], *, complete: bool) -> Match:
    """One question if all found ask the same and are answered the same; `found` in the bank's order.

    Where the person named a 专业, its own questions go before those for every 专业.
    """
    merged = QuestionBank(found).questions
    own = [question for question in merged if normalize_text(question.profession) in professions]
    told_apart: dict[object, Question] = {}
    for question in own or merged:
        told_apart.setdefault(_what_is_asked(question), question)
    questions = tuple(told_apart.values())
    kind = MatchKind.EQUIVALENT if len(questions) == 1 and complete else MatchKind.AMBIGUOUS
    return Match(kind, questions)


def _what_is_asked(question: Question) -> tuple[object, ...]:
    """What two questions of one wording must share to be one: 专业 and answer, and the options if it names them."""
    ordered = question.question_type is QuestionType.BLANK and not question.any_order
    answers = [text_key(text) for text in question.answer]
    names_others = any(
        pattern.fullmatch(normalize_text(text))
        for text in question.answer
        for pattern in (_NAMES_LETTERS, _NAMES_PLACES)
    )
    options = tuple(text_key(text) for text in question.options) if names_others else ()
    return normalize_text(question.profession), tuple(answers) if ordered else frozenset(answers), options


def _professions_agree(wanted: str | None, profession: str) -> bool:
    asked, banked = normalize_text(wanted or ""), normalize_text(profession)
    return asked in _EVERY_PROFESSION or banked in _EVERY_PROFESSION or asked == banked


def _lead_in_fits(entry: _Entry, wanted: str | None) -> bool:
    """Whether a question for every 专业 that begins 依据线路安规 is one for the 专业 wanted."""
    if normalize_text(wanted or "") in _EVERY_PROFESSION | {normalize_text(entry.question.profession)}:
        return True
    named = [form.lead_in.professions for form in entry.forms if form.lead_in and form.lead_in.professions]
    return all(professions == professions_named(wanted or "") for professions in named)


def _same_options(options: Sequence[AskedOption], question: Question) -> bool:
    """Whether both have the same set of option texts; a 判断题 may be asked with 正确 and 错误."""
    if question.question_type is QuestionType.JUDGE and not question.options:
        return sorted(judge_word(option.text) or "" for option in options) == sorted([RIGHT, WRONG])
    asked = [plain_figures(text_key(option.text)) for option in options]
    banked = [plain_figures(text_key(text)) for text in question.options]
    if set(asked) != set(banked):
        reduced = [reduce_key(key) for key in banked]
        if not all(reduced) or len(set(reduced)) != len(set(banked)):
            return False
        asked, banked = [reduce_key(key) for key in asked], reduced
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
