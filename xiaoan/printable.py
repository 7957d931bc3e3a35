"""Text of others, with only what a person can see in it: nothing moves a cursor, hides, or turns the writing round."""

import re
from typing import Final

UNSEEN: Final = re.compile(
    "["
    "\x00-\x09\x0b-\x1f\x7f-\x9f"  # control characters but for the line feed
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # format characters, bidirectional ones among them
    "\ud800-\udfff"  # half characters, which UTF-8 cannot hold
    "\ufdd0-\ufdef"  # never characters, which XML cannot hold; so are the last two of each plane
    + "".join(f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
"""One character that a terminal or a page obeys, hides or cannot take."""

_ESCAPE_SEQUENCE = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    "|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\|$)"  # OSC: titles, links
    "|\x1b[PX^_][^\x1b]*(?:\x1b\\\\|$)"  # DCS and other strings
    "|\x9b[0-?]*[ -/]*[@-~]"
)
_LINE_END = re.compile("\r\n?|[\n\v\f\x85\u2028\u2029]")
_JOINER = "\u200d"
_SYMBOL = "[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]"
_LOOSE_JOINER = re.compile(f"(?<!{_SYMBOL}){_JOINER}|{_JOINER}(?!{_SYMBOL})")


def printable(text: str, *, newlines: bool = False, joiners: bool = False) -> str:
    """Return `text` without escape sequences and without what nobody can see.

    Tabs and every kind of line end become one space; with `newlines`, line ends become `\\n`. With `joiners`, the
    joiner of two emoji stays, or a family becomes a crowd: for pages, as terminals do not agree on the width of
    what is joined. Safe for pieces of a stream: an escape sequence cut in two loses its escape character and is
    only letters then.
    """
    if text.isprintable():
        return text
    text = _LINE_END.sub("\n" if newlines else " ", _ESCAPE_SEQUENCE.sub("", text)).replace("\t", " ")
    if not joiners:
        return UNSEEN.sub("", text)
    return _LOOSE_JOINER.sub("", UNSEEN.sub(lambda found: found[0] if found[0] == _JOINER else "", text))
