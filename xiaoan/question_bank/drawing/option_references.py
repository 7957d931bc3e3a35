"""Which letters of a text name options, and the text with these letters changed.

Where the options stand in another order, a letter taken for an option that is none teaches a wrong answer, and
so does one that is not taken for an option. Hence a letter names an option only beside words that say so, and
something else only beside words that say that. Where neither is said, or both are, nobody can say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from xiaoan.question_bank.option_labels import half_width

_ALPHABET = 26
_LETTER = re.compile("[A-Za-z]")

# What looks like a letter and cannot be read as one: Cyrillic and Greek twins, Ⓐ, ⒜, 𝐀.
_LOOKS_LIKE_A_LETTER = re.compile("[АВСЕНасеΑΒΕΗ\u249c-\u24e9\U0001f110-\U0001f189\U0001d400-\U0001d7ff]")

_NUMBER = "[一二两三四五六七八九十几0-9]"
_SIGN = r"(?:[①-⑫⑴-⑿⒈-⒓Ⅰ-Ⅻⅰ-ⅻ甲乙丙丁戊]|\([1-9]\))"
_JUDGED = "[均都皆全也是为]{0,3}(?:不?正确|不?对|错|有误|无误|不?符合?题意|不选)"

# Options named by their place, or by signs of their own. Looked for in the text without blanks.
# 第四十一条第二款第三项 is a law's.
_NAMES_A_PLACE = re.compile(
    rf"(?<![条款])第{_NUMBER}+(?:个|[种条句]?(?:选项|答案|项|说法|表述|描述|{_JUDGED}))"
    rf"|[前后头]{_NUMBER}(?:[项者种句]|个(?![月小人工]))|[前后]者|[前后上下]一[项个]|上{_NUMBER}项|中间[一二两三]?[项个]"
    r"|[首末]项|最后一?[项个]|倒数"
    rf"|(?:上述|以上|前述|前面|上面){_NUMBER}(?:个?选项|项|个答案|种说法)"
    rf"|选项[(\[“\"]*(?:{_SIGN}|{_NUMBER})"
    rf"|(?:选择?|答案[为是应选]*):?[(\[“\"]*(?:{_SIGN}|第|[1-9](?=[)\],;。.、!?和项]|$))"
    rf"|(?:{_SIGN}|(?:^|[,;:。.!?、])[1-9])[)\]”\"]*(?:选?项|{_JUDGED})"
)

# A-D, A项至D项: in another order these are other options.
_RANGE = re.compile(
    r"(?<![A-Za-z])[A-Za-z](?:选?项)?\s*(?:[-~–―至到]|\.{2,}|…)+\s*(?:选项)?[A-Za-z](?![A-Za-z])"
)
# A~D, A至D项: all of them, in whatever order; A-D may be two.
_FROM_THE_FIRST = re.compile(
    r"(?<![A-Za-z0-9/])A(?:选?项)?\s*[~–至到]\s*(?:选项)?(?P<last>[A-Z])(?![A-Za-z0-9])"
)
_EARTHED = re.compile(r"TN-C-S|TN-[CS]")
_MOST_OPTIONS = 8


@dataclass(frozen=True, slots=True)
class Reference:
    """One letter [start, end) of a text, and the place (from 0) of the option it names.

    Letters that share a number `together` over 0 name a set, in which order says nothing.
    """

    start: int
    end: int
    place: int
    together: int = field(default=0, compare=False)


def option_references(text: str, options: int, texts: Sequence[str] = ()) -> tuple[Reference, ...] | None:
    """Return the letters of `text` that name one of so many options, from left to right.

    None where it cannot be said of some letter whether it names one, and where the text names an option that
    is not there, some options by a range, or options in another way (第二项, ②正确). With the options' `texts`
    a letter before its own text (A. 停电) is known to name it.
    """
    if options < 1:
        return ()
    narrow = half_width(text)
    if _NAMES_A_PLACE.search("".join(narrow.split())) or _LOOKS_LIKE_A_LETTER.search(text):
        return None
    if not _LETTER.search(narrow):
        return ()
    narrow = _EARTHED.sub(_blank, narrow)
    if options > _ALPHABET:
        return None
    narrow = _without_ranges_of_all(narrow, options)
    return None if _RANGE.search(narrow) else _lettered(narrow, options, texts)


def answers_named(text: str) -> frozenset[int]:
    """Return the places of the options that `text` calls the answer (故选A、C), whether there are any such or not."""
    from xiaoan.question_bank.drawing.letters_in_context import letters_of, place_of

    narrow = half_width(text)
    return frozenset(
        place_of(narrow[at])
        for letters in letters_of(narrow, _MOST_OPTIONS)
        if letters.are_the_answer and letters.name_options(_MOST_OPTIONS)
        for at in letters.positions
    )


def calls_options(text: str, options: int) -> bool:
    """Return whether words of `text` call some letter an option, be it clear which one or not."""
    from xiaoan.question_bank.drawing.letters_in_context import letters_of

    narrow = half_width(text)
    return any(
        letters.are_called_options and letters.name_options(options) is not False
        for letters in letters_of(narrow, options)
    )


def _blank(found: re.Match[str]) -> str:
    return "_" * len(found[0])


def _without_ranges_of_all(narrow: str, options: int) -> str:
    """The text with every A~D blanked that stands for all options, unless it tells them one by one."""
    from xiaoan.question_bank.drawing.letters_in_context import says_order

    if says_order(narrow):
        return narrow
    last = chr(ord("A") + options - 1)
    return _FROM_THE_FIRST.sub(lambda found: _blank(found) if found["last"] == last else found[0], narrow)


def _lettered(narrow: str, options: int, texts: Sequence[str]) -> tuple[Reference, ...] | None:
    """The references in a half-width text; None where nobody can say."""
    from xiaoan.question_bank.drawing.letters_in_context import letters_of, place_of

    found: list[Reference] = []
    for number, letters in enumerate(letters_of(narrow, options, texts), 1):
        names_options = letters.name_options(options)
        if names_options is None:
            return None
        if names_options:
            together = number if letters.are_a_set else 0
            for at in letters.positions:
                found.append(Reference(at, at + 1, place_of(narrow[at]), together))
    return tuple(found)


def with_letters(text: str, references: Sequence[Reference], new_place: Sequence[int]) -> str:
    """Return `text` with each letter of `references` made that of its option's new place.

    Width and case stay; letters of one set come in ascending order. `new_place` says of each option, in the
    bank's order, where it stands now.
    """
    signs = list(text)
    for together, of_group in groupby(references, key=lambda reference: reference.together):
        slots = list(of_group)
        places = [new_place[reference.place] for reference in slots]
        for slot, place in zip(slots, sorted(places) if together else places, strict=True):
            signs[slot.start] = chr(ord(text[slot.start]) - slot.place + place)
    return "".join(signs)
