"""What a single tag of an .xlsx says: its attributes, and the cell that it names."""

import html
import re
from collections.abc import Mapping

# Tags end at the next < or >, which attribute values do not hold in files of spreadsheet programs; that keeps
# every search linear. A prefix such as x: may stand before each name.
PREFIX = rb"(?:[^\s<>/:!?=\"']+:)?"
ATTRIBUTE = re.compile(rb"""([^\s=<>"'/]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
ROOT = re.compile(rb"<([^\s<>/:!?=\"']+:)?worksheet[\s>]")
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})\Z")


def attributes_of(tag: bytes) -> dict[str, str]:
    """Return the attributes by name; of one that is given twice the last."""
    return {
        name.decode("utf-8", "replace"): html.unescape((double or single).decode("utf-8", "replace"))
        for name, double, single in ATTRIBUTE.findall(tag)
    }


def place_of(words: Mapping[str, str]) -> tuple[int, int] | None:
    """Return row and column, counted from 1, that a cell's attributes name; None if they name none."""
    place = split_reference(words.get("r", ""))
    return None if place is None else (place[1], column_number(place[0]))


def split_reference(reference: str) -> tuple[str, int] | None:
    """Return the letters of the column and the row that `B12` names; None for what is no cell's name."""
    match = _REFERENCE.match(reference)
    return (match[1].upper(), int(match[2])) if match else None


def column_number(letters: str) -> int:
    """Return the column that letters name, counted from 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
