"""A run's card and metrics as JSON gives them, read so that nothing missing or broken ends a report."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xiaoan.reports.line_charts import Series


class Document:
    """A JSON object that answers with None, or nothing, where it has not what is asked for."""

    def __init__(self, data: object) -> None:
        self._data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self._data)

    def part(self, name: str) -> "Document":
        """Return the object under that name, an empty one if there is none."""
        return Document(self._data.get(name))

    def parts(self, name: str) -> "list[Document]":
        """Return the objects listed under that name."""
        listed = self._data.get(name)
        return [Document(item) for item in listed] if isinstance(listed, list | tuple) else []

    def named_parts(self) -> "dict[str, Document]":
        """Return the objects in this one by their names."""
        return {
            str(name): Document(value) for name, value in self._data.items() if isinstance(value, Mapping)
        }

    def text(self, name: str) -> str:
        """Return the text under that name, "" if there is none; a number as text."""
        value = self._data.get(name)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""

    def texts(self, name: str) -> list[str]:
        """Return the texts listed under that name."""
        listed = self._data.get(name)
        return [str(item) for item in listed] if isinstance(listed, list | tuple) else []

    def number(self, name: str) -> float | None:
        """Return the finite number under that name."""
        value = finite(self._data.get(name))
        return None if value is None or not math.isfinite(value) else value

    def whole(self, name: str) -> int | None:
        """Return the whole number under that name."""
        value = self.number(name)
        return None if value is None else int(value)

    def values(self) -> list[tuple[str, str]]:
        """Return what stands in this object itself, lists joined, in words; objects inside are left out."""
        return [
            (str(name), _in_words(value))
            for name, value in self._data.items()
            if not isinstance(value, Mapping)
        ]


@dataclass(frozen=True)
class Share:
    """`right` of `asked`, with the 95 % interval that the card has of it."""

    right: int
    asked: int
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, document: Document) -> "Share | None":
        """Return the share; None if the document has none, or nothing was asked."""
        right, asked = document.whole("right"), document.whole("asked")
        low, high = document.number("low"), document.number("high")
        if right is None or not asked or low is None or high is None:
            return None
        return cls(right, asked, right / asked, low, high)


@dataclass(frozen=True)
class Metrics:
    """What a run wrote down about its steps, by step; `broken` lines were none of it.

    `steps` and `measurements` have one line for each step, the last one written; a resumed run may repeat some.
    """

    steps: tuple[Mapping[str, Any], ...]
    measurements: tuple[Mapping[str, Any], ...]
    broken: int = 0

    def series(self, name: str, key: str, *, across: str = "step", unit: float = 1.0) -> Series:
        """Return the curve of a figure over the steps, or over another figure such as `elapsed_s` in units of `unit`.

        A loss that was no number is there as one that is none: it breaks the line.
        """
        lines = self.steps if any(key in line for line in self.steps) else self.measurements
        points = [
            (x / unit, y)
            for line in lines
            if (x := finite(line.get(across))) is not None and math.isfinite(x)
            if key in line and (y := finite(line[key])) is not None
        ]
        return Series(name, tuple(sorted(points, key=lambda point: point[0])))


def read_metrics(written: str | Iterable[object]) -> Metrics:
    """Return the metrics of a run from the text of `metrics.jsonl`, or from its lines, as texts or already read."""
    lines = written.split("\n") if isinstance(written, str) else written
    steps: dict[int, Mapping[str, Any]] = {}
    measurements: dict[int, Mapping[str, Any]] = {}
    broken = 0
    for line in lines:
        if isinstance(line, str) and not line.strip():
            continue
        read = _object_of(line)
        step = None if read is None else finite(read.get("step"))
        if read is None or step is None or not math.isfinite(step):
            broken += 1
        elif "loss" in read:
            steps[int(step)] = read
        else:
            measurements[int(step)] = read
    return Metrics(_by_step(steps), _by_step(measurements), broken)


def finite(value: object) -> float | None:
    """Return the number, which may be nan or infinite; None for what is none. JSON has nan as null or as a word."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return math.nan if value in (None, "NaN", "nan", "Infinity", "-Infinity", "inf", "-inf") else None


def _object_of(line: object) -> Mapping[str, Any] | None:
    if isinstance(line, str):
        try:
            line = json.loads(line)
        except (ValueError, RecursionError):
            return None
    return line if isinstance(line, Mapping) else None


def _by_step(lines: Mapping[int, Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(lines[step] for step in sorted(lines))


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if value is None:
        return "不用"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "、".join(map(_in_words, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
