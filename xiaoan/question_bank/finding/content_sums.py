"""A number for a text that does not depend on the order, width and case of its characters.

A filled stem can so be looked up although the answers of a 多选题 were typed in another order.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from xiaoan.question_bank.finding.neutral_words import CHANGEABLE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ASTRAL = re.compile("[\U00010000-\U0010ffff\ud800-\udfff]")
_MELTING = re.compile("[①-⑳⓪-⓿❶-➓㉑-㊿¼-¾⅐-⅟↉]")


def content_sums(texts: Sequence[str]) -> "NDArray[np.uint64]":
    """For each text the sum of its characters' values, whatever their order, width and case.

    Marks and the characters of neutral words count nothing, so texts with equal keys have equal sums.
    """
    import numpy as np

    codes = character_codes("".join(texts))
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(_values()[codes], dtype=np.uint64)])
    ends = np.cumsum([0, *map(len, texts)])
    sums: NDArray[np.uint64] = total[ends[1:]] - total[ends[:-1]]
    return sums


@cache
def _values() -> "NDArray[np.uint64]":
    """A value for every character of the basic plane: that of what normalising makes of it."""
    import numpy as np

    codes = np.arange(1 << 16, dtype=np.uint64)
    mixed = (codes + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    own = values.copy()
    for code in range(1 << 16):
        # Chinese and Korean are their own spelling.
        if 0x3400 <= code < 0xD800 and chr(code) not in CHANGEABLE:
            continue
        character = chr(code)
        plain = character if _MELTING.match(character) else unicodedata.normalize("NFKC", character).lower()
        counted = [
            ord(part) for part in plain if part.isalnum() and part not in CHANGEABLE and part < "\uffff"
        ]
        values[code] = own[counted].sum(dtype=np.uint64)
    values.flags.writeable = False
    return values


def character_codes(text: str) -> "NDArray[np.uint16]":
    """The characters of `text` as numbers; those outside the basic plane all as one."""
    import numpy as np

    return np.frombuffer(_ASTRAL.sub("\ufffd", text).encode("utf-16-le"), np.uint16)
