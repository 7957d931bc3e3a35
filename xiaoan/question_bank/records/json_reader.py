"""JSON read piece by piece, so that a file need not fit into memory."""

import json
from collections.abc import Iterator
from typing import Any, TextIO

_OF_NUMBERS = "+-.0123456789Ee"
_BLANK = " \t\n\r"


class NoJsonError(Exception):
    """What was read is no whole JSON document."""


class JsonReader:
    """One document from a text file; whoever reads takes each value in turn. Every method may raise NoJsonError.

    After each step of `members` and `items` the value that is next has to be taken: by `value`, `skip`, or by
    `members` or `items` again.
    """

    def __init__(self, file: TextIO, *, chunk: int = 1 << 18) -> None:
        """Take the file and how many characters are read at a time, if no value needs more."""
        self._file = file
        self._chunk = chunk
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._at_end = False

    def starts_with(self, bracket: str) -> bool:
        """Return whether the value that is next starts with this bracket: `{` for an object, `[` for a list."""
        return self._peek() == bracket

    def value(self) -> Any:
        """Return the value that is next, whole."""
        self._peek()
        while True:
            try:
                found, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._read_on(len(self._text)):
                    raise NoJsonError(str(error)) from error
            except (ValueError, RecursionError) as error:
                raise NoJsonError(str(error)) from error
            else:
                # Where no more is known than `0.` or `1e`, the number is not at its end.
                if self._text[end:].strip(_OF_NUMBERS) or not self._read_on():
                    self._at = end
                    return found

    def skip(self) -> None:
        """Pass over the value that is next; of a list no more than one element is in memory."""
        if not self.starts_with("["):
            self.value()
            return
        for _ in self.items():
            self.value()

    def members(self) -> Iterator[str]:
        """Yield the names of the object that is next, each before its value."""
        for _ in self._elements("{", "}"):
            name = self.value()
            if not isinstance(name, str):
                raise NoJsonError(f"a name was expected, not {name!r}")
            self._take(":")
            yield name

    def items(self) -> Iterator[None]:
        """Yield before each element of the list that is next."""
        return self._elements("[", "]")

    def end(self) -> None:
        """Check that nothing follows."""
        if self._peek():
            raise NoJsonError("something follows")

    def _elements(self, opening: str, closing: str) -> Iterator[None]:
        self._take(opening)
        if self._peek() != closing:
            yield
            while self._peek() == ",":
                self._take(",")
                yield
        self._take(closing)

    def _take(self, mark: str) -> None:
        found = self._peek()
        if found != mark:
            raise NoJsonError(f"{mark!r} was expected, not {found!r}")
        self._at += 1

    def _peek(self) -> str:
        """The next character that is not blank, which stays; '' at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._at += 1
            if not self._read_on():
                return ""

    def _read_on(self, size: int = 0) -> bool:
        """Read on, by at least `size` characters; return whether there was more."""
        if self._at_end:
            return False
        try:
            more = self._file.read(max(size, self._chunk))
        except UnicodeDecodeError as error:
            raise NoJsonError(str(error)) from error
        self._text, self._at = self._text[self._at :] + more, 0
        self._at_end = not more
        return bool(more)
