"""Charts as inline SVG: they need no script, are read aloud by their title and description, and fit any number of days."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from xiaoan.figures import percent_text
from xiaoan.reports.svg import WIDTH, figure, rectangle, svg, text
from xiaoan.reports.text_widths import cut_to_width, one_line

if TYPE_CHECKING:
    from xiaoan.question_bank.progress import Count

_LEFT, _RIGHT, _TOP, _PLOT_HEIGHT = 46, 440, 14, 170
_HEIGHT = _TOP + _PLOT_HEIGHT + 34
_MOST_BARS = 62
_MOST_LABELS = 4
_LABEL_WIDTH, _ROW = 16, 30
_BAR_LEFT, _BAR_LENGTH = 126, 214
_NO_NAME = "（未写）"


@dataclass(frozen=True, slots=True)
class Period:
    """What was answered in a stretch of days: its name, how many answers, how many of them right."""

    name: str
    attempts: int
    right: int

    @property
    def accuracy(self) -> float | None:
        """The share of right answers, None without answers."""
        return self.right / self.attempts if self.attempts else None


@dataclass(frozen=True, slots=True)
class Periods:
    """Stretches of equal length without a gap, oldest first; `unit` is 天, 周 or 月."""

    unit: str
    periods: tuple[Period, ...]


def group_days(days: "Iterable[tuple[date, Count]]") -> Periods:
    """Return the counts of days as days, weeks or months, so that there are few enough to see.

    Stretches in between in which nothing was answered are there with zero answers.
    """
    counts = sorted(days, key=lambda counted: counted[0])
    if not counts:
        return Periods("天", ())
    first, last = counts[0][0], counts[-1][0]
    for unit, start, following in _UNITS:
        starts = _starts(start(first), last, following)
        if len(starts) <= _MOST_BARS or unit == _UNITS[-1][0]:
            break
    sums = {begin: [0, 0] for begin in starts}
    for day, count in counts:
        sums[start(day)][0] += count.attempts
        sums[start(day)][1] += count.right
    length = len("2025-01") if unit == "月" else len("2025-01-01")
    return Periods(unit, tuple(Period(begin.isoformat()[:length], *sums[begin]) for begin in starts))


def day_chart(name: str, days: "Iterable[tuple[date, Count]]") -> Markup:
    """Return a chart of accuracy (a line) and of answers (bars) over the days; `name` is its id on the page."""
    grouped = group_days(days)
    periods = grouped.periods
    most = _round_up(max((period.attempts for period in periods), default=0))
    parts = [_grid(most)]
    step = (_RIGHT - _LEFT) / max(len(periods), 1)
    parts += [_count_bar(place, period, step, most) for place, period in enumerate(periods)]
    points = [
        (_LEFT + (place + 0.5) * step, _height_of(period.accuracy))
        for place, period in enumerate(periods)
        if period.accuracy is not None
    ]
    parts.append(_line(points))
    parts += [_date_label(place, periods, step) for place in _label_places(len(periods))]
    if not periods:
        parts.append(text("chart-empty", (_LEFT + _RIGHT) / 2, _TOP + _PLOT_HEIGHT / 2, "还没有作答记录"))
    title = f"每{grouped.unit}的正确率和作答次数"
    return svg(name, title, _describe(grouped), _HEIGHT, parts)


def share_chart(name: str, title: str, counts: "Mapping[str, Count]") -> Markup:
    """Return horizontal bars, one for each name and its counts: the share of right answers."""
    parts: list[Markup] = []
    for place, (label, count) in enumerate(counts.items()):
        middle = _ROW * place + _ROW / 2 + 4
        parts += [
            text("chart-label", _BAR_LEFT - 8, middle + 5, cut_to_width(label, _LABEL_WIDTH) or _NO_NAME),
            rectangle("chart-track", _BAR_LEFT, middle - 8, _BAR_LENGTH, 16),
            rectangle("chart-bar", _BAR_LEFT, middle - 8, _BAR_LENGTH * (count.accuracy or 0), 16),
            text(
                "chart-value",
                _BAR_LEFT + _BAR_LENGTH + 8,
                middle + 5,
                f"{percent_text(count.accuracy)}　{_short_number(count.attempts)} 次",
            ),
        ]
    if not counts:
        parts.append(text("chart-empty", WIDTH / 2, _ROW / 2 + 9, "还没有作答记录"))
    told = "；".join(
        f"{one_line(label, 40) or _NO_NAME} {percent_text(count.accuracy)}，{count.attempts} 次对 {count.right} 次"
        for label, count in counts.items()
    )
    return svg(name, title, told or "还没有作答记录", _ROW * max(len(counts), 1) + 8, parts)


def _monday(day: date) -> date:
    return day - timedelta(days=min(day.weekday(), day.toordinal() - 1))


def _next_month(first_of_month: date) -> date:
    return (first_of_month.replace(day=1) + timedelta(days=31)).replace(day=1)


_UNITS: tuple[tuple[str, Callable[[date], date], Callable[[date], date]], ...] = (
    ("天", lambda day: day, lambda day: day + timedelta(days=1)),
    ("周", _monday, lambda day: day + timedelta(days=7)),
    ("月", lambda day: day.replace(day=1), _next_month),
)


def _starts(first: date, last: date, following: Callable[[date], date]) -> list[date]:
    starts = [first]
    while starts[-1] < last:
        after = following(starts[-1])
        if after > last:
            break
        starts.append(after)
    return starts


def _describe(grouped: Periods) -> str:
    answered = [period for period in grouped.periods if period.accuracy is not None]
    if not answered:
        return "还没有作答记录"
    best = max(answered, key=lambda period: period.accuracy or 0)
    worst = min(answered, key=lambda period: period.accuracy or 0)
    busiest = max(answered, key=lambda period: period.attempts)
    return (
        f"从 {answered[0].name} 到 {answered[-1].name}，一格是一{grouped.unit}。"
        f"最近 {answered[-1].name} 正确率 {percent_text(answered[-1].accuracy)}；"
        f"最高 {percent_text(best.accuracy)}（{best.name}），最低 {percent_text(worst.accuracy)}（{worst.name}）；"
        f"作答最多 {busiest.attempts} 次（{busiest.name}）。"
    )


def _round_up(most: int) -> int:
    """The end of the axis of answers: a round number, a multiple of 4, not below `most`."""
    power = 1
    while True:
        for lead in (4, 8, 12, 20, 40):
            if lead * power >= most:
                return lead * power
        power *= 10


def _short_number(number: int) -> str:
    """The number in figures, from ten thousand on as 1.2万: there is little room beside an axis."""
    return str(number) if number < 10_000 else f"{number / 10_000:.3g}万"


def _height_of(share: float | None) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - (share or 0))


def _grid(most: int) -> Markup:
    parts = []
    for quarter in range(5):
        height = _height_of(quarter / 4)
        parts += [
            Markup('<line class="chart-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                _LEFT, _RIGHT, figure(height), figure(height)
            ),
            text("chart-left", _LEFT - 6, height + 4, f"{quarter * 25}%"),
            text("chart-right", _RIGHT + 6, height + 4, _short_number(most * quarter // 4)),
        ]
    return Markup().join(parts)


def _count_bar(place: int, period: Period, step: float, most: int) -> Markup:
    tall = max(_PLOT_HEIGHT * period.attempts / most, 1) if period.attempts else 0
    wide = min(step * 0.8, 40)
    left = _LEFT + (place + 0.5) * step - wide / 2
    return rectangle("chart-count", left, _TOP + _PLOT_HEIGHT - tall, wide, tall) if tall else Markup()


def _line(points: Sequence[tuple[float, float]]) -> Markup:
    written = " ".join(f"{figure(x)},{figure(y)}" for x, y in points)
    line = (
        Markup('<polyline class="chart-line" points="{}"/>').format(written) if len(points) > 1 else Markup()
    )
    dots = (
        Markup('<circle class="chart-dot" cx="{}" cy="{}" r="3"/>').format(figure(x), figure(y))
        for x, y in points
    )
    return line + (Markup().join(dots) if len(points) <= _MOST_BARS else Markup())


def _label_places(count: int) -> list[int]:
    """The places that are named below the axis: the first, the last, and some between, evenly."""
    labels = min(count, _MOST_LABELS)
    return (
        [round(number * (count - 1) / (labels - 1)) for number in range(labels)]
        if labels > 1
        else [0][:count]
    )


def _date_label(place: int, periods: Sequence[Period], step: float) -> Markup:
    return text("chart-date", _LEFT + (place + 0.5) * step, _TOP + _PLOT_HEIGHT + 20, periods[place].name)
