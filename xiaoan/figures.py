"""How figures are written for people: times, points and percents, the same on the screen and on a page."""


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
