"""Cells of web exports without their tags and entities, while `<` as less-than and a tag asked about stay."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

_BLOCKS = frozenset(["p", "div", "li", "tr", "h1", "h2", "h3", "h4"])
_NAMES = "p|div|span|b|i|u|em|strong|font|sub|sup|li|ul|ol|tr|td|tbody|table|h[1-4]|o:p|a"
_ATTRIBUTES = r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>\"']+))*\s*"
_TAG = re.compile(rf"<(?P<end>/?)(?P<name>{_NAMES}){_ATTRIBUTES}>", re.IGNORECASE)
_LINE_BREAK = re.compile(r"[ \t]*<br\s*/?>[ \t]*", re.IGNORECASE)
_UNDERLINED_BLANK = re.compile(rf"<u{_ATTRIBUTES}>(?:\s|&nbsp;|\xa0|_)*</u>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}\d?|#\d{1,6}|#x[0-9A-Fa-f]{1,5});")
_RAISED = re.compile(r"<sup>\s*(-?\d{1,3})\s*</sup>", re.IGNORECASE)
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_WORD = re.compile(r"[^\W_]")
_MAY_HOLD_TAG = re.compile(rf"<(?:/?(?:{_NAMES})[\s>]|br\s*/?>)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Tag:
    start: int
    end: int
    name: str
    closes: bool


def may_hold_markup(cell: str) -> bool:
    """Return whether it is worth looking for tags and entities; asked of every cell."""
    return ("<" in cell and _MAY_HOLD_TAG.search(cell) is not None) or (
        "&" in cell and _ENTITY.search(cell) is not None
    )


def without_markup(cell: str) -> str:
    """Return the text that a browser would show; the cell itself if its tags are what it speaks of.

    Tags go in pairs with words between them, line breaks where words stand on both sides. What is raised stays
    raised (`10<sup>2</sup>` is 10², not 102), and an underlined nothing is a blank.
    """
    text = _without_tags(cell)
    spelled = _ENTITY.sub(lambda entity: html.unescape(entity[0]).replace("\xa0", " "), text)
    if spelled != text and _MAY_HOLD_TAG.search(spelled):
        spelled = _without_tags(spelled)
    return spelled if _WORD.search(spelled) or not _WORD.search(cell) else cell


def _without_tags(text: str) -> str:
    text = _RAISED.sub(lambda raised: raised[1].translate(_SUPERSCRIPTS), text)
    text = _UNDERLINED_BLANK.sub("____", text)
    tags = [
        _Tag(found.start(), found.end(), found["name"].lower(), bool(found["end"]))
        for found in _TAG.finditer(text)
    ]
    pieces = []
    start = 0
    for tag in _paired(text, tags):
        pieces += [text[start : tag.start], "\n" if tag.name in _BLOCKS else ""]
        start = tag.end
    joined = "".join([*pieces, text[start:]])
    joined = _LINE_BREAK.sub(_line_end, joined)
    return joined.strip("\n") if joined != text else text


def _paired(text: str, tags: Sequence[_Tag]) -> list[_Tag]:
    """The tags that open and close around words, in order; with these also empty pairs beside them."""
    starts = [0, *(tag.end for tag in tags)]
    ends = [*(tag.start for tag in tags), len(text)]
    words = list(
        accumulate(
            _WORD.search(text, begin, end) is not None for begin, end in zip(starts, ends, strict=True)
        )
    )
    opened: dict[str, list[int]] = {}
    around: list[int] = []
    empty: list[int] = []
    for number, tag in enumerate(tags):
        if not tag.closes:
            opened.setdefault(tag.name, []).append(number)
        elif opened.get(tag.name):
            first = opened[tag.name].pop()
            (around if words[number] > words[first] else empty).extend((first, number))
    return [tags[number] for number in sorted(around + empty if around else [])]


def _line_end(found: re.Match[str]) -> str:
    """A line end for a line break, but for one that is an option of its own (`A-<p>|B-<br>`)."""
    before = found.string[: found.start()][-1:]
    after = found.string[found.end() :][:1]
    alone = (not before or before in "|｜-.、:：;；") and (not after or after in "|｜;；，,")
    return found[0] if alone else "\n"
