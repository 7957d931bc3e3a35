"""Figures for people, the same on the screen and on a page: times, points, percents, and how sure a percent is."""

import math
from dataclasses import dataclass

_NORMAL_975 = 1.959963984540054
"""Between minus and plus this many standard deviations lie 95 % of a normal distribution."""


def duration_text(seconds: float) -> str:
    """Return seconds as people say them: `45 秒`, `3 分 5 秒`, `1 小时 2 分` (whole ones, rounded down)."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} 小时 {minutes} 分"
    return f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"


def number_text(number: float) -> str:
    """Return a number, of points or minutes, with two decimals at most: `82`, `81.5`, `0.33`."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def percent_text(share: float | None) -> str:
    """Return a share of 1 with one decimal at most: `80%`, `66.7%`; `—` for None.

    Never rounded up to a whole percent: 79.96 % has not reached 80.
    """
    if share is None:
        return "—"
    percent = round(100 * share, 6)  # 100 * 0.57 is a little less than 57
    shown = round(percent, 1)
    if shown > percent and shown == int(shown):
        shown -= 0.1
    return f"{shown:.1f}".removesuffix(".0") + "%"


def wilson_interval(right: float, asked: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share of `right` out of `asked`, both ends between 0 and 1.

    The score interval (E. B. Wilson, 1927), which holds for few questions and for shares near 0 and 1 too; 0 and 1
    when nothing was asked.
    """
    if asked == 0:
        return 0.0, 1.0
    share, spread = right / asked, _NORMAL_975**2 / asked
    middle = share + spread / 2
    half = math.sqrt(spread * (share * (1 - share) + spread / 4))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return max(low, 0.0) if right else 0.0, min(high, 1.0) if right < asked else 1.0


@dataclass(frozen=True)
class Share:
    """`right` of `asked`, with its 95 % confidence interval.

    `independent`: the interval is that of so many answers with the same share right, fewer than `asked` where some
    of them hang together (one question asked several times); None for all.
    """

    right: int
    asked: int
    independent: int | None = None

    @property
    def value(self) -> float:
        """The share itself; 0.0 when nothing was asked."""
        return self.right / self.asked if self.asked else 0.0

    @property
    def low(self) -> float:
        """Lower end of the interval (`wilson_interval`)."""
        return self._interval[0]

    @property
    def high(self) -> float:
        """Upper end of the interval (`wilson_interval`)."""
        return self._interval[1]

    @property
    def _interval(self) -> tuple[float, float]:
        if not self.independent or self.independent >= self.asked:
            return wilson_interval(self.right, self.asked)
        return wilson_interval(self.right * self.independent / self.asked, self.independent)


def interval_text(low: float, high: float) -> str:
    """Return the ends of an interval of shares as whole percents, rounded outwards: `88–97%`."""
    return f"{math.floor(round(100 * low, 6))}–{math.ceil(round(100 * high, 6))}%"
