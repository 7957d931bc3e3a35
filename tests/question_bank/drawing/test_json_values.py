"""Values of a document that must be what they are."""

from collections.abc import Callable

import pytest

from xiaoan.question_bank.drawing.json_values import (
    read_flag,
    read_list,
    read_number,
    read_text,
    read_texts,
    read_whole,
)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (read_text, "停电"),
        (read_whole, -3),
        (read_number, 0.5),
        (read_flag, False),
        (read_list, [None]),
        (read_texts, ["停电", ""]),
    ],
)
def test_what_fits_comes_back(read: Callable[[object], object], value: object) -> None:
    assert read(value) == (tuple(value) if read is read_texts and isinstance(value, list) else value)


WRONG: list[tuple[Callable[[object], object], tuple[object, ...]]] = [
    (read_text, (None, 1, ["停电"])),
    (read_whole, (True, 1.0, "1", None)),
    (read_number, (-1, True, "1", float("nan"), float("inf"), 10**400)),
    (read_flag, (0, "true", None)),
    (read_list, ("停电", (1,), {})),
    (read_texts, ("停电", ["停电", 1], None)),
]


@pytest.mark.parametrize(("read", "values"), WRONG)
def test_everything_else_is_refused(read: Callable[[object], object], values: tuple[object, ...]) -> None:
    for value in values:
        with pytest.raises(ValueError, match="was expected, not"):
            read(value)
