"""Typing slips that leave a question the question it was: for training against them, and for measuring."""

import random
import re

from xiaoan.question_bank.normalization import BLANK

_OF_NUMBERS_AND_WORDS = "0-9A-Za-z.%~°/ΩμⅠⅡⅢ"
_PIECES = re.compile(rf"{BLANK}|[{_OF_NUMBERS_AND_WORDS}]+|.", re.DOTALL)
_NO_SLIP = re.compile(f"[{_OF_NUMBERS_AND_WORDS}_]")
_TELLING = frozenset(
    "不无未非禁勿没否可能应须得必宜严前后先上下内外左右首末大小高低多少长短"
    "一二两三四五六七八九十百千零半各每全或和与及双单进出开合拉装拆始终"
)


def drop_characters(text: str, rate: float, random_source: random.Random) -> str:
    """Return `text` without about `rate` of its neutral characters, as hurried typing loses them.

    Blanks, numbers, latin letters, negations, modals, counting words and words of place, order and size
    always stay: without them it would be another question.
    """
    pieces = _PIECES.findall(text)
    kept = [piece for piece in pieces if not (is_neutral(piece) and random_source.random() < rate)]
    return "".join(kept) or text


def is_neutral(piece: str) -> bool:
    """Whether a question stays the same question without this one character."""
    return len(piece) == 1 and piece not in _TELLING and not _NO_SLIP.fullmatch(piece)


def is_slip_of(text: str, whole: str) -> bool:
    """Return whether `text` is `whole` with nothing but neutral characters missing, if any."""
    pieces = _PIECES.findall(text)
    place = 0
    for piece in _PIECES.findall(whole):
        if place < len(pieces) and pieces[place] == piece:
            place += 1
        elif not is_neutral(piece):
            return False
    return place == len(pieces)


def telling_pieces(text: str) -> list[str]:
    """Return what is not neutral in `text`, in its order: numbers, words of size and place, negations, blanks."""
    return [piece for piece in _PIECES.findall(text) if not is_neutral(piece)]
