"""Text that may go to a terminal: nothing in it moves the cursor, changes colours or reverses the writing."""

import re
import unicodedata

_ESCAPE_SEQUENCE = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    "|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\|$)"  # OSC: titles, links
    "|\x1b[PX^_][^\x1b]*(?:\x1b\\\\|$)"  # DCS and other strings
    "|\x9b[0-?]*[ -/]*[@-~]"
)
_REMOVED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str, *, newlines: bool = False) -> str:
    """Return `text` without escape sequences and control, format and surrogate characters.

    Tabs and line breaks become one space, or stay as `\\n` with `newlines`. Safe for pieces of a stream: an
    escape sequence cut in two loses its escape character and is only letters then.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        character
        if unicodedata.category(character) not in _REMOVED
        else "\n"
        if newlines and character in "\n\u2028\u2029"
        else " "
        if character in "\n\t\u2028\u2029"
        else ""
        for character in text
    )
