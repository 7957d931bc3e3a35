"""Curves: several series over steps or minutes, told apart without colours, on a linear or a logarithmic axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from xiaoan.figures import percent_text
from xiaoan.reports.svg import figure, svg, text
from xiaoan.reports.text_widths import cut_to_width

_LEFT, _RIGHT, _TOP, _PLOT_HEIGHT = 54, 466, 16, 180
_BOTTOM = _TOP + _PLOT_HEIGHT
_LEGEND_TOP = _BOTTOM + 52
_LEGEND_ROW = 18
_MOST_POINTS = 400
_MOST_DOTS = 40
_NAME_WIDTH = 60
_MOST_TICKS = 6
_MOST_LOG_TICKS = 8
_LINES = 4
"""How many kinds of lines the stylesheet draws: full, dashed, dotted, and dashes with dots."""

Scale = Literal["number", "log", "percent"]


@dataclass(frozen=True, slots=True)
class Series:
    """A named curve through its points (x, y), x ascending; a y that is no number breaks the line."""

    name: str
    points: tuple[tuple[float, float], ...]

    def drawable(self, scale: Scale) -> tuple[tuple[float, float], ...]:
        """The points that have a place on such an axis."""
        return tuple((x, y) for x, y in self.points if _has_place(y, scale))


def line_chart(
    name: str, title: str, series: Sequence[Series], *, x_label: str, scale: Scale = "number"
) -> Markup:
    """Return the curves as a picture; `name` is its id on the page, `x_label` says what runs along the lower edge.

    Both axes have 0 on them, but for a logarithmic one. `percent`: y is a share from 0 to 1; `log`: y is above 0, and where all
    values are of one size the axis is a linear one. Of thousands of points, the highest and
    the lowest of each stretch are drawn: no spike is lost.
    """
    shown = [curve for curve in series if curve.drawable(scale)]
    if not shown:
        middle = text("chart-empty", (_LEFT + _RIGHT) / 2, _TOP + 30, "没有记录")
        return svg(name, title, "没有记录", _TOP + 50, [middle])
    points = [point for curve in shown for point in curve.drawable(scale)]
    scale = _useful(scale, [y for _, y in points])
    across = _Axis.linear([x for x, _ in points], _LEFT, _RIGHT)
    up = _Axis.of(scale, [y for _, y in points], _BOTTOM, _TOP)
    parts = [*_y_grid(up, scale), *_x_grid(across, x_label)]
    for number, curve in enumerate(shown):
        parts += _curve(curve, number % _LINES + 1, across, up, scale)
    for number, curve in enumerate(shown):
        parts += _legend(curve.name, number)
    height = _LEGEND_TOP + _LEGEND_ROW * len(shown)
    return svg(name, title, _described(shown, scale, x_label), height, parts)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Values from `low` to `high` at places from `start` to `end`, with the values that are named beside it."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    @classmethod
    def linear(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        """From 0, or the lowest value below it, to the highest."""
        low, high = min(0.0, *values), max(0.0, *values)
        high = high if high > low else 1.0
        return cls(low, high, start, end, _round_values(low, high))

    @classmethod
    def of(cls, scale: Scale, values: Sequence[float], start: float, end: float) -> "_Axis":
        if scale == "percent":
            return cls(0.0, 1.0, start, end, (0.0, 0.25, 0.5, 0.75, 1.0))
        if scale == "log":
            low, high = min(values), max(values)
            return cls(low, high, start, end, _round_powers(low, high), logarithmic=True)
        return cls.linear(values, start, end)

    def place(self, value: float) -> float:
        low, high, value = (
            map(math.log, (self.low, self.high, value)) if self.logarithmic else (self.low, self.high, value)
        )
        return self.start + (self.end - self.start) * (value - low) / (high - low)


def _useful(scale: Scale, values: Sequence[float]) -> Scale:
    """A logarithmic axis shows nothing more where all values are of one size."""
    return "number" if scale == "log" and max(values) < 10 * min(values) else scale


def _round_values(low: float, high: float) -> tuple[float, ...]:
    """Round numbers from `low` to `high`, at most seven."""
    power = 10.0 ** (math.floor(math.log10(high - low)) - 1)
    step = next(
        lead * power for lead in (1, 2, 5, 10, 20, 50) if (high - low) / (lead * power) <= _MOST_TICKS
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(number * step for number in range(first, last + 1))


def _round_powers(low: float, high: float) -> tuple[float, ...]:
    """Powers of ten from `low` to `high`, at most eight; with 2 and 5 times each where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = [lead * 10.0**power for power in range(first, last + 1) for lead in (1, 2, 5)]
    ticks = [value for value in powers if low <= value <= high]
    if len(ticks) > _MOST_LOG_TICKS:
        every = math.ceil((last - first + 1) / _MOST_LOG_TICKS)
        tens = [10.0**power for power in range(first, last + 1, every)]
        ticks = [value for value in tens if low <= value <= high]
    return tuple(ticks)


def _y_grid(axis: _Axis, scale: Scale) -> list[Markup]:
    parts = []
    for value in axis.ticks:
        height = axis.place(value)
        parts += [
            Markup('<line class="chart-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                _LEFT, _RIGHT, figure(height), figure(height)
            ),
            text("chart-left", _LEFT - 6, height + 4, _value_text(value, scale)),
        ]
    return parts


def _x_grid(axis: _Axis, label: str) -> list[Markup]:
    parts = [
        Markup('<line class="chart-axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            _LEFT, _RIGHT, _BOTTOM, _BOTTOM
        )
    ]
    for value in axis.ticks:
        place = axis.place(value)
        parts += [
            Markup('<line class="chart-axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                figure(place), figure(place), _BOTTOM, _BOTTOM + 4
            ),
            text("chart-date", place, _BOTTOM + 18, f"{value:.6g}"),
        ]
    return [*parts, text("chart-date", (_LEFT + _RIGHT) / 2, _BOTTOM + 36, cut_to_width(label, _NAME_WIDTH))]


def _curve(curve: Series, kind: int, across: _Axis, up: _Axis, scale: Scale) -> list[Markup]:
    parts = []
    for run in _unbroken(curve.points, scale):
        places = [(across.place(x), up.place(y)) for x, y in _thinned(run)]
        written = " ".join(f"{figure(x)},{figure(y)}" for x, y in places)
        if len(places) > 1:
            parts.append(Markup('<polyline class="chart-curve curve-{}" points="{}"/>').format(kind, written))
        if len(places) <= _MOST_DOTS:
            parts += [
                Markup('<circle class="chart-dot" cx="{}" cy="{}" r="2.5"/>').format(figure(x), figure(y))
                for x, y in places
            ]
    return parts


def _unbroken(points: Sequence[tuple[float, float]], scale: Scale) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if _has_place(y, scale):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points, or of each of some hundred stretches the lowest and the highest, in their order."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    stretches = _MOST_POINTS // 2
    kept: list[tuple[float, float]] = []
    for number in range(stretches):
        part = points[number * len(points) // stretches : (number + 1) * len(points) // stretches]
        kept += sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})
    return kept


def _legend(name: str, number: int) -> list[Markup]:
    height = _LEGEND_TOP + _LEGEND_ROW * number
    sample = Markup('<polyline class="chart-curve curve-{}" points="{},{} {},{}"/>').format(
        number % _LINES + 1, _LEFT, figure(height), _LEFT + 36, figure(height)
    )
    return [sample, text("chart-name", _LEFT + 44, height + 4, cut_to_width(name, _NAME_WIDTH))]


def _has_place(y: float, scale: Scale) -> bool:
    return math.isfinite(y) and (scale != "log" or y > 0)


def _value_text(value: float, scale: Scale) -> str:
    return percent_text(value) if scale == "percent" else f"{value:.4g}"


def _described(series: Sequence[Series], scale: Scale, x_label: str) -> str:
    told = []
    for curve in series:
        points = curve.drawable(scale)
        (first_x, first), (last_x, last) = points[0], points[-1]
        lowest, highest = min(y for _, y in points), max(y for _, y in points)
        first_text, last_text, low, high = (
            _value_text(value, scale) for value in (first, last, lowest, highest)
        )
        told.append(
            f"{curve.name}：{x_label} {first_x:.6g} 时 {first_text}，{last_x:.6g} 时 {last_text}，"
            f"最低 {low}，最高 {high}"
        )
    return "；".join(told)
