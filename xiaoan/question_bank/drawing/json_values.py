"""Values of a JSON document taken as what they must be; ValueError for every other, nothing is converted."""

from typing import Any

_MOST = 1e15


def read_text(value: object) -> str:
    """Return `value`, which must be a text."""
    if not isinstance(value, str):
        raise ValueError(f"a text was expected, not {value!r}")
    return value


def read_whole(value: object) -> int:
    """Return `value`, which must be a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"a whole number was expected, not {value!r}")
    return value


def read_number(value: object) -> float:
    """Return `value`, which must be a number, finite and not negative."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise ValueError(f"a number from 0 on was expected, not {value!r}")
    return float(value)


def read_flag(value: object) -> bool:
    """Return `value`, which must be true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"true or false was expected, not {value!r}")
    return value


def read_list(value: object) -> list[Any]:
    """Return `value`, which must be a list."""
    if not isinstance(value, list):
        raise ValueError(f"a list was expected, not {value!r}")
    return value


def read_texts(value: object) -> tuple[str, ...]:
    """Return `value`, which must be a list of texts."""
    return tuple(map(read_text, read_list(value)))
