"""Letters right before their options' own texts (A操作票、B. 工作票): these name the options, whatever comes next."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from xiaoan.question_bank.option_labels import half_width

_CAPITAL = re.compile(r"(?<![A-Za-z])[A-Z](?![A-Za-z])")
_MARK = re.compile(r"(?P<sign>[)\]]?[.、:,]?[\"“‘'「『《<(\[]?)[是为]?")
_ENDS = re.compile(
    r"$|[、,;。.:!?()\[\]“”\"'’」』》>]|[和与及或]|[均都也]?(?:不?是|为|不?属于|错误?|不?对|不正确|不?符合)"
    r"|[均都也]?正确(?!动作)"
)
_NO_EVIDENCE = re.compile("^[相级类型段侧点]|色")
"""A相电压 and A黄色 are said of phases too."""
_FEWEST_UNMARKED = 3


class OwnText(Enum):
    """What stands behind a letter."""

    NONE = auto()
    ITS_OWN = auto()
    OF_ANOTHER = auto()


@dataclass(frozen=True, slots=True)
class _Found:
    """An option's text behind a letter: whether a sign parts the two, one of a list (、) and whether a phrase ends."""

    own: bool
    marked: bool
    listed: bool
    ended: bool
    length: int


class OwnTexts:
    """Which capital letters of a half-width text stand before the text of an option; `known` without texts is False."""

    def __init__(self, narrow: str, texts: Sequence[str] = ()) -> None:
        self.known = bool(texts)
        squeezed = [_squeezed(text) for text in texts]
        letters = list(_CAPITAL.finditer(narrow)) if any(squeezed) else []
        self._found = {
            letter.start(): found for letter in letters if (found := _text_behind(narrow, letter, squeezed))
        }
        self._several_own = len({narrow[at] for at, found in self._found.items() if found.own}) > 1

    def behind(self, position: int, *, begins: bool, chosen: bool) -> OwnText:
        """Return whose text stands behind the letter at `position`.

        One is the option's own where several letters stand before theirs, or where this one `begins` a clause
        or is `chosen` (故选) and nothing else can be meant: 断开A线路 does not name the option 线路.
        """
        found = self._found.get(position)
        if found is None:
            return OwnText.NONE
        if not found.own:
            return OwnText.OF_ANOTHER if found.ended else OwnText.NONE
        if self._several_own:
            return OwnText.ITS_OWN
        long_enough = found.marked or chosen or found.length >= _FEWEST_UNMARKED
        clear = (begins or chosen) and long_enough and (found.ended or (found.marked and not found.listed))
        return OwnText.ITS_OWN if clear else OwnText.NONE


def _squeezed(text: str) -> str:
    return "".join(half_width(text).split()).rstrip(".;,。")


def _text_behind(narrow: str, letter: re.Match[str], texts: Sequence[str]) -> _Found | None:
    """The longest option text behind `letter`, if it says something of the letter's option."""
    place = ord(letter[0]) - ord("A")
    if place >= len(texts):
        return None
    rest = "".join(narrow[letter.end() : letter.end() + 2 * max(map(len, texts)) + 20].split())
    mark = _MARK.match(rest)
    assert mark is not None
    rest = rest[mark.end() :]
    text = max((text for text in texts if text and rest.startswith(text)), key=len, default="")
    if len(text) < 2 or texts.count(text) > 1 or _NO_EVIDENCE.search(text) or _cuts_a_word(text, rest):
        return None
    ended = _ENDS.match(rest, len(text)) is not None
    sign = mark["sign"]
    return _Found(text == texts[place], bool(sign), sign in ("、", ","), ended, len(text))


def _cuts_a_word(text: str, rest: str) -> bool:
    """Whether a figure or a latin word goes on behind `text` (1 of 1.5, 10k of 10kV)."""
    following = rest[len(text) : len(text) + 1]
    if not (text[-1].isascii() and text[-1].isalnum() and following.isascii()):
        return False
    return following.isalnum() or (following == "." and rest[len(text) + 1 : len(text) + 2].isdigit())
