"""How often answers were right against how sure the bot was of them, as a picture."""

from typing import TYPE_CHECKING

from markupsafe import Markup

from xiaoan.figures import Share, percent_text
from xiaoan.reports.svg import figure, rectangle, svg, text

if TYPE_CHECKING:
    from xiaoan.evaluation.scores import Bin, Reliability

_LEFT, _RIGHT, _TOP, _PLOT_HEIGHT = 54, 454, 30, 240
_BOTTOM = _TOP + _PLOT_HEIGHT
_HEIGHT = _BOTTOM + 74
_LEVELS = ((0.0, 0.6, "低"), (0.6, 0.9, "中"), (0.9, 1.0, "高"))
"""Where 把握 is called what: as in `assistant.confidence`; a test keeps them equal."""
_LONGEST_COUNT = 9_999


def reliability_plot(name: str, title: str, reliability: "Reliability") -> Markup:
    """Return the picture; `name` is its id on the page.

    For each bin a bar of the share right, over the bin's stretch of confidence, with a 95 % Wilson interval and a dot
    at the mean confidence; below it how many answers there were. On the diagonal confidence says what is true.
    """
    parts = [*_grid(), *_level_marks(), *map(_bar, reliability.bins)]
    parts.append(_segment("chart-diagonal", (_across(0), _up(0)), (_across(1), _up(1))))
    for one in reliability.bins:
        parts += _dot(one)
    parts += [
        text("chart-left", _LEFT - 6, _BOTTOM + 36, "次数"),
        text("chart-date", (_LEFT + _RIGHT) / 2, _BOTTOM + 62, "小安说的把握"),
    ]
    return svg(name, title, _described(reliability), _HEIGHT, parts)


def _grid() -> list[Markup]:
    parts = []
    for tenth in range(0, 11, 2):
        share = tenth / 10
        parts += [
            _segment("chart-grid", (_LEFT, _up(share)), (_RIGHT, _up(share))),
            text("chart-left", _LEFT - 6, _up(share) + 4, f"{tenth * 10}%"),
            text("chart-date", _across(share), _BOTTOM + 18, f"{tenth * 10}%"),
        ]
    return [*parts, _segment("chart-axis", (_LEFT, _BOTTOM), (_RIGHT, _BOTTOM))]


def _level_marks() -> list[Markup]:
    parts = []
    for low, high, word in _LEVELS:
        parts.append(text("chart-date", _across((low + high) / 2), _TOP - 10, word))
        if low:
            parts.append(_segment("chart-level", (_across(low), _TOP - 22), (_across(low), _BOTTOM)))
    return parts


def _bar(one: "Bin") -> Markup:
    left, right, top = _across(one.low), _across(one.high), _up(one.right / one.count)
    return rectangle("chart-count", left + 1, top, right - left - 2, _BOTTOM - top)


def _dot(one: "Bin") -> list[Markup]:
    share = Share(one.right, one.count)
    middle = _across(one.mean_confidence)
    count = str(one.count) if one.count <= _LONGEST_COUNT else f"{one.count / 10_000:.3g}万"
    return [
        _segment("chart-whisker", (middle, _up(share.low)), (middle, _up(share.high))),
        Markup('<circle class="chart-dot" cx="{}" cy="{}" r="4"/>').format(
            figure(middle), figure(_up(share.value))
        ),
        text("chart-date", _across((one.low + one.high) / 2), _BOTTOM + 36, count),
    ]


def _segment(kind: str, start: tuple[float, float], end: tuple[float, float]) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, *map(figure, (*start, *end))
    )


def _across(confidence: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * confidence


def _up(share: float) -> float:
    return _BOTTOM - _PLOT_HEIGHT * share


def _described(reliability: "Reliability") -> str:
    told = [
        f"把握 {percent_text(one.low)} 到 {percent_text(one.high)}：{one.count} 次，"
        f"平均把握 {percent_text(one.mean_confidence)}，答对 {percent_text(one.right / one.count)}"
        for one in reliability.bins
    ]
    return "；".join(told) or "没有记录"
