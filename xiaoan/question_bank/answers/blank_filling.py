"""Which blanks of a 填空题 are filled right."""

import re
from collections.abc import Sequence

from xiaoan.question_bank.answers.choice_reading import unit_fits
from xiaoan.question_bank.answers.quantities import same_text
from xiaoan.question_bank.normalization import normalize_text, text_key
from xiaoan.question_bank.question import Question

_BETWEEN_BLANKS = (r"\n", "[;；]", r"[|｜]")
_MAY_STAND_IN_A_BLANK = ("、", "[,，]", r"[\s\u3000]+")
_NUMBER_OF_BLANK = re.compile(r"[(（](\d{1,2})[)）]|(?<![\d.])(\d{1,2})[.、．](?![\d.])|([①-⑳])")
_BETWEEN_ITEMS = re.compile(r"以及|[、,;\s和与及]")
_ONLY_WORDS = re.compile("[\u4e00-\u9fff]{2,}")

_EITHER = re.compile(r"[\u4e00-\u9fff]{2,10}/[\u4e00-\u9fff]{2,10}")
_ALSO_CALLED = re.compile(r"([\u4e00-\u9fff]{2,10})\(([\u4e00-\u9fff]{1,10})\)")
_SAME_THING = (
    frozenset(["断路器", "开关"]),
    frozenset(["隔离开关", "刀闸"]),
    frozenset(["绝缘棒", "绝缘杆"]),
    frozenset(["停电", "断电"]),
    frozenset(["熔断器", "保险"]),
)
_SAME_ENDING = (frozenset("靴鞋"), frozenset("棒杆"), frozenset("绳索"))


def filled_right(given: str | Sequence[str], question: Question) -> tuple[bool, ...] | None:
    """Return for each blank, in the stem's order, whether `given` fills it right; None if nothing can be told.

    In any order (无序) each official answer serves one blank only.
    """
    parts = split_blanks(given, len(question.answer))
    if parts is None:
        return _written_as_one(given, question)
    fits = [
        [fills(part, official, question.stem, place) for official in question.answer]
        for place, part in enumerate(parts)
    ]
    if question.any_order:
        return _one_to_one(fits)
    return tuple(row[place] for place, row in enumerate(fits))


def split_blanks(given: str | Sequence[str], count: int) -> list[str] | None:
    """Return what is given for each of `count` blanks, '' for one left empty; None where that cannot be told.

    Parts are told by numbers ((1)…(2)…), line ends, `;` or `|`, else by `、`, commas or spaces.
    """
    if not isinstance(given, str) and len(given) == count:
        return list(given)
    text = given if isinstance(given, str) else "\n".join(given)
    if count == 1:
        return [text]
    if numbered := _numbered_parts(text, count):
        return numbered
    for separator in _BETWEEN_BLANKS:
        pieces = re.split(separator, text)
        if len(pieces) == count and any(piece.strip() for piece in pieces):
            return pieces
    for separator in (*_BETWEEN_BLANKS, *_MAY_STAND_IN_A_BLANK):
        pieces = [piece for piece in re.split(separator, text) if piece.strip()]
        if len(pieces) == count:
            return pieces
    return None


def fills(given: str, official: str, stem: str | None = None, blank: int | None = None) -> bool:
    """Return whether `given` is right in the blank of index `blank` whose official answer is `official`."""
    if not given.strip():
        return False
    if any(same_text(given, text) and unit_fits(given, text, stem, blank) for text in offered(official)):
        return True
    items = _items(given)
    return len(items) > 1 and items == _items(official)  # 停电和验电 is 停电、验电


def offered(official: str) -> tuple[str, ...]:
    """Return the texts that the official answer of a blank offers, the whole of it first.

    断路器/开关, 绝缘靴（鞋） and 断路器（开关） offer words known to stand for each other. Everything else is one
    answer: whether 停电/验电 or 母线/线路 means either word or both cannot be told, so half of it is not right.
    """
    text = normalize_text(official)
    words: tuple[str, ...] = ()
    if _EITHER.fullmatch(text):
        words = tuple(text.split("/"))
    elif found := _ALSO_CALLED.fullmatch(text):
        word, other = found.groups()
        words = word, word[:-1] + other if len(other) == 1 else other
    return (official, *words) if len(words) == 2 and _same_thing(*words) else (official,)


def _same_thing(one: str, other: str) -> bool:
    if frozenset([one, other]) in _SAME_THING:
        return True
    return one[:-1] == other[:-1] and frozenset([one[-1], other[-1]]) in _SAME_ENDING


def _items(text: str) -> list[str]:
    return [text_key(item) for item in _BETWEEN_ITEMS.split(normalize_text(text)) if item]


def _numbered_parts(text: str, count: int) -> list[str] | None:
    """`(1)停电 (2)验电`, `①停电②验电`: numbered from 1 on without a gap, from the beginning on."""
    marks = list(_NUMBER_OF_BLANK.finditer(text))
    numbers = [int(mark[1] or mark[2] or ord(mark[3]) - ord("①") + 1) for mark in marks]
    if numbers != list(range(1, count + 1)) or text[: marks[0].start()].strip():
        return None
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [text[mark.end() : end].strip(" ;；,，、|｜\n") for mark, end in zip(marks, ends, strict=True)]


def _written_as_one(given: str | Sequence[str], question: Question) -> tuple[bool, ...] | None:
    """停电验电 for 停电 and 验电: all official words one after another, as after spaces were taken out."""
    officials = [text_key(text) for text in question.answer]
    whole = text_key(given if isinstance(given, str) else "".join(given))
    right = whole == "".join(officials) and all(_ONLY_WORDS.fullmatch(text) for text in officials)
    return (True,) * len(officials) if right else None


def _one_to_one(fits: Sequence[Sequence[bool]]) -> tuple[bool, ...]:
    """Which rows find a column of their own when as many as possible shall (augmenting paths)."""
    row_of: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column, fit in enumerate(fits[row]):
            if fit and column not in tried:
                tried.add(column)
                if column not in row_of or place(row_of[column], tried):
                    row_of[column] = row
                    return True
        return False

    for row in range(len(fits)):
        place(row, set())
    return tuple(row in row_of.values() for row in range(len(fits)))
