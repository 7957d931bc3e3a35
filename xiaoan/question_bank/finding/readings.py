"""What may have been meant by a typed question, each reading to be held against the bank word by word."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from xiaoan.question_bank.finding.asking_words import bare_statement
from xiaoan.question_bank.finding.stem_keys import (
    StemForm,
    other_blanks,
    plain_stem,
    split_verdict,
    stem_forms,
    without_number,
)
from xiaoan.question_bank.normalization import BLANK, normalize_text
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.parsing import AskedQuestion

_LETTERS_IN_BLANK = re.compile(
    r"(?<![0-9A-Za-z])[(\[]\s*([A-Za-z](?:[,、\s]?[A-Za-z]){0,7})\s*[)\]]|_+\s*([A-Ha-h]{1,8})\s*_+"
)
_FILLED_BRACKETS = re.compile(r"(?<![0-9A-Za-z])[(\[]([^()\[\]]{1,200})[)\]](?![0-9.])")  # (1)5m is not 15m
_LABEL_IN_FILLING = re.compile(r"(?<=[(\[_;,、\s])\s*([A-Ha-h])\s*[.、:,-]\s*(?=[^\s()\[\]_;,、.])")
_UNIT_IN_AND_BEHIND = re.compile(
    r"[(\[]\s?([\d.]+) ?([A-Za-zΩ°%²]{1,4}|千伏|毫米|厘米|米)\s?[)\]]\2(?![A-Za-z])"
)
_ZEROS_IN_FILLING = re.compile(
    r"(?<=[(\[])(\d+)(?:\.0+|(\.\d*[1-9])0+)(?=[A-Za-zΩ°%米]{0,3}[)\]][A-Za-zΩ°%米])"
)
_LINED_FILLING = re.compile(r"_+\s*([^_]{1,200}?)\s*_+")
_NOT_A_LETTER = re.compile("[^A-Za-z]")
_NO_SLIP_BEFORE = (
    "接对相大场工陆基用天本当外实此各属产土草林坡异内田山农耕空荒营阵目驻原就落着触离在所一二两三四五六七八九十多几同"
    "占某何平坠倒埋入随满余境征租选贴拖沙泥雪湿洼绿园质源遍席立旱水飞腹低高跌发放域等中测墙室护心死流蔽辑号拟字率统"
)
_SLIP = re.compile(
    rf"(?<=[\u4e00-\u9fff0-9A-Za-z)）】\]_])(?:(?<![{_NO_SLIP_BEFORE}])|(?<=[使采所选备]用))地"
    r"(?![线点面下方区网址形质电位极刀脚板带段锚沟桩角势图震坪埋导勤调市表基级块回域物理名盘道窖埂处上方政府接]|$)"
)
"""地 typed for 的, where it can be no ground: neither the end of a word (接地, 场地, 两地) nor the start of one (地线)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that may have been asked: a stem in its forms, the options, and a verdict if one was filled in.

    `only_judge`: the reading makes sense for a 判断题 alone, because its place for √ was taken off. `only_filled`:
    underscores were taken for the line that a filling stands on, which makes sense if it is the official one.
    """

    stem: str
    forms: tuple[StemForm, ...]
    options: tuple[AskedOption, ...] = ()
    verdict: str | None = None
    only_judge: bool = False
    only_filled: bool = False


def readings(asked: AskedQuestion) -> Iterator[Reading]:
    """Yield what `asked` may mean, the likeliest first, each only once.

    As parsed; `（4）m` as 4m; `（B. 绝缘靴）` as 绝缘靴; `（B）` as option B's text; `__绝缘靴__` and other ways to
    draw a blank; a statement with its verdict, or with words that ask for one; no options at all, but a stem
    with figures or letters; last, 地 as a slip for 的, only in what was typed: the bank's own 地 stays.
    """
    seen: set[tuple[object, ...]] = set()
    meant = replace(asked, stem=_SLIP.sub("的", asked.stem), text=_SLIP.sub("的", asked.text))
    for reading in chain(_all_readings(asked), _all_readings(meant) if meant != asked else ()):
        known = (reading.forms, reading.options, reading.verdict, reading.only_judge, reading.only_filled)
        if known not in seen and reading.forms[0].words.strip("_"):
            seen.add(known)
            yield reading


def _all_readings(asked: AskedQuestion) -> Iterator[Reading]:
    for stem, options in _texts(asked):
        yield from _readings_of(stem, options)
    if statement := bare_statement(asked.stem):
        for stem in (plain_stem(statement), without_number(statement)):
            yield Reading(stem, stem_forms(stem), asked.options, only_judge=True)
    text = normalize_text(asked.stem)
    for filled in (_ZEROS_IN_FILLING.sub(r"\1\2", text), _LINED_FILLING.sub(r"\1", text)):
        if filled != text:
            stem = plain_stem(_FILLED_BRACKETS.sub(r"\1", filled))
            yield Reading(stem, stem_forms(stem), asked.options, only_filled=True)


def _texts(asked: AskedQuestion) -> Iterator[tuple[str, tuple[AskedOption, ...]]]:
    stem, options = plain_stem(asked.stem), asked.options
    yield from ((text, options) for text in _ways_to_read(stem))
    unnumbered = without_number(asked.stem)
    if unnumbered != stem:
        yield from ((text, options) for text in _ways_to_read(unnumbered))
    if options:
        yield from ((text, options) for text in _letters_as_texts(stem, options))
        whole = plain_stem(asked.text.replace("\n", " "))
        yield from ((text, ()) for text in _ways_to_read(whole))


def _ways_to_read(stem: str) -> Iterator[str]:
    yield stem
    yield _FILLED_BRACKETS.sub(r"\1", stem)
    unlabelled = _LABEL_IN_FILLING.sub("", stem)
    if unlabelled != stem:
        yield _FILLED_BRACKETS.sub(r"\1", unlabelled)
    once = _UNIT_IN_AND_BEHIND.sub(r"\1\2", stem)
    if once != stem:
        yield once
    yield other_blanks(stem)


def _letters_as_texts(stem: str, options: tuple[AskedOption, ...]) -> Iterator[str]:
    """The stem with option letters in its blanks read as these options' texts; a blank may hold label and text."""
    texts = {option.label: option.text for option in options}
    filled = [
        _NOT_A_LETTER.sub("", found[1] or found[2]).upper() for found in _LETTERS_IN_BLANK.finditer(stem)
    ]
    if filled and all(letter in texts for letters in filled for letter in letters):
        fillings = iter("、".join(texts[letter] for letter in letters) for letters in filled)
        yield _LETTERS_IN_BLANK.sub(lambda _: f"({next(fillings)})", stem)
        fillings = iter("、".join(texts[letter] for letter in letters) for letters in filled)
        yield _LETTERS_IN_BLANK.sub(lambda _: next(fillings), stem)


def _readings_of(stem: str, options: tuple[AskedOption, ...]) -> Iterator[Reading]:
    yield Reading(stem, stem_forms(stem), options)
    statement, verdict = split_verdict(stem)
    if verdict:
        yield Reading(statement, stem_forms(statement), options, verdict, only_judge=True)
    if stem.startswith(BLANK):
        statement = plain_stem(stem.removeprefix(BLANK))
        yield Reading(statement, stem_forms(statement), options, only_judge=True)
    if _LINED_FILLING.search(stem):
        filled = _LINED_FILLING.sub(r"\1", _LABEL_IN_FILLING.sub("", stem))
        yield Reading(filled, stem_forms(filled), options, only_filled=True)
