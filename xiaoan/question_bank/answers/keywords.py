"""What a 简答题's official answer names, to be found or missed in somebody's own words."""

import re

from xiaoan.question_bank.answers.quantities import quantities_in, read_quantity, same_text
from xiaoan.question_bank.normalization import normalize_text, text_key

MOST_KEYWORDS = 24
"""A longer official answer is cut: nobody reads a list of fifty words."""

_NUMBERING = re.compile(
    r"\(\d{1,2}\)|(?<![\d.])\d{1,2}[.、)](?!\d)|[①-⑳]|(?:^|(?<=[。;\n]))[一二三四五六七八九十]{1,3}[、.]|第[一二三四五六七八九十]+[,是]"
)
_BETWEEN_CLAUSES = re.compile(r"(?<!\d),|,(?!\d{3})|(?<!\d):|:(?!\d)|[;。、!?\n]")
_LEADING = re.compile("^(?:答:?|以及|并且|而且|同时|其中|包括|还应?|并|和|及|与|且)+(?=..)")
_TURNS = re.compile("[不未无非禁勿]|严禁")
_SHARE_TO_BE_FOUND = 0.75


def keywords(official: str) -> tuple[str, ...]:
    """Return what an answer should name: items and clauses of `official`, and its numbers with their units."""
    names: dict[str, str] = {}
    text = _NUMBERING.sub(";", "\n".join(normalize_text(line) for line in official.splitlines()))
    for clause in _BETWEEN_CLAUSES.split(text):
        clause = _LEADING.sub("", clause.strip(" ."))
        for name in (clause, *quantities_in(clause)):
            if len(text_key(name)) > 1 or read_quantity(name):
                names.setdefault(text_key(name), name)
    return tuple(names.values())[:MOST_KEYWORDS]


def named(keyword: str, answer: str) -> bool:
    """Return whether `answer` names `keyword`: in these words, or nearly, with its numbers and its 不."""
    wanted, said = text_key(keyword), text_key(answer)
    if read_quantity(keyword):
        return any(same_text(keyword, other) for other in quantities_in(normalize_text(answer)))
    if wanted in said:  # and not only as 不停电 for 停电
        return any(not _TURNS.search(before[-1:]) for before in said.split(wanted)[:-1])
    pairs = _pairs(wanted)
    near = len(pairs & _pairs(said)) >= _SHARE_TO_BE_FOUND * len(pairs) if pairs else False
    turns = set(_TURNS.findall(wanted)) <= set(_TURNS.findall(said))
    return near and turns and all(named(number, answer) for number in quantities_in(keyword))


def _pairs(key: str) -> set[str]:
    return {key[place : place + 2] for place in range(len(key) - 1)}
