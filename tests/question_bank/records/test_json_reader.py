import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoan.question_bank.records.json_reader import JsonReader, NoJsonError

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def taken_apart(reader: JsonReader) -> Any:
    """The value that is next, read by its pieces."""
    if reader.starts_with("{"):
        return {name: taken_apart(reader) for name in reader.members()}
    if reader.starts_with("["):
        return [taken_apart(reader) for _ in reader.items()]
    return reader.value()


@settings(deadline=None)
@given(DOCUMENTS, st.sampled_from([None, 1, "\t"]), st.integers(1, 9))
def test_a_document_read_by_its_pieces_is_the_document(document: Any, indent: Any, chunk: int) -> None:
    text = " \n" + json.dumps(document, indent=indent) + "\r\n"
    whole, pieces, over = (JsonReader(io.StringIO(text), chunk=chunk) for _ in range(3))
    assert whole.value() == taken_apart(pieces) == document
    over.skip()
    for reader in (whole, pieces, over):
        reader.end()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[1",
        "[1 2]",
        "[1,]",
        "{",
        '{"a"}',
        '{"a": 1',
        '{"a": 1,}',
        "{1: 2}",
        "[1] 2",
        '"a',
        "nul",
        "[}",
    ],
)
@pytest.mark.parametrize("chunk", [1, 1000])
def test_what_is_no_whole_document_is_refused(text: str, chunk: int) -> None:
    def read() -> None:
        reader = JsonReader(io.StringIO(text), chunk=chunk)
        taken_apart(reader)
        reader.end()

    with pytest.raises(NoJsonError):
        read()


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, b"[\xff]"])
def test_what_python_cannot_read_is_refused(text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(NoJsonError):
        JsonReader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")).value()


def test_a_long_list_is_never_whole_in_memory() -> None:
    class Endless(io.StringIO):
        """A list of a million numbers, made while it is read."""

        pieces: Iterator[str] = iter(["[", *["1," * 100] * 10_000, "2]"])
        most = 0

        def read(self, size: int | None = -1) -> str:
            return next(self.pieces, "")

    reader = JsonReader(Endless(), chunk=10)
    longest = count = 0
    for _ in reader.items():
        reader.value()
        count += 1
        longest = max(longest, len(reader._text))
    assert (count, longest <= 400) == (1_000_001, True)
