"""What a person has practised so far: totals, tables by 专业, 题型 and day, and accuracy drawn over the days."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from xiaoan.figures import duration_text, percent_text
from xiaoan.terminal.tables import fitted_table
from xiaoan.terminal.verdict import QUIET, Line

if TYPE_CHECKING:
    from xiaoan.question_bank.progress import Count, LearningStatistics

_TITLE = "xiaoan.title"
_DAYS_SHOWN = 14
_PLOT_HEIGHT = 11
_NARROWEST_PLOT = 32
_WIDEST_PLOT = 100
_AXIS_WIDTH = 5
_DATE_SPACE = 24
_SHARES = (0, 25, 50, 75, 100)


def statistics_lines(
    statistics: "LearningStatistics", *, width: int, plain: bool, user: str = "", days: int | None = None
) -> Iterator[Line]:
    """Yield totals and tables by 专业, 题型 and day, none wider than `width` cells.

    `user` and `days` say whose they are and of how many last days, None for all.
    """
    of = [user] if user else []
    of += [f"最近 {days} 天"] if days else []
    yield Line("：".join(["学习情况", *(["，".join(of)] if of else [])]), _TITLE)
    if not statistics.attempts:
        yield Line("还没有作答记录。先做一次 xiaoan practice 或 xiaoan quiz。")
        return
    yield Line(f"做过 {statistics.questions} 题，答了 {statistics.attempts} 次")
    yield Line(f"答对 {statistics.right} 次，正确率 {percent_text(statistics.accuracy)}")
    yield Line(f"用时 {duration_text(statistics.seconds)}")
    yield from _count_table("专业", statistics.by_profession, width=width, plain=plain)
    yield from _count_table("题型", statistics.by_type, width=width, plain=plain)
    latest = {day.isoformat(): count for day, count in statistics.by_day[-_DAYS_SHOWN:]}
    yield from _count_table("日期", latest, width=width, plain=plain)
    earlier = len(statistics.by_day) - len(latest)
    if earlier:
        yield Line(f"更早还有 {earlier} 天，没有逐日列出。", QUIET)


def coverage_lines(coverage: Mapping[str, tuple[int, int]], *, width: int, plain: bool) -> Iterator[Line]:
    """Yield how many questions of a bank were answered at least once: for each 专业 (answered, in the bank)."""
    rows = [
        [name or "没有写", str(total), str(seen), percent_text(seen / total if total else None)]
        for name, (seen, total) in coverage.items()
    ]
    if rows:
        yield from fitted_table(["专业", "题库里", "做过", "占"], rows, width=width, plain=plain)


def plot_lines(by_day: "Sequence[tuple[date, Count]]", *, width: int, plain: bool) -> Iterator[Line]:
    """Yield accuracy over the days as a plot in characters, without colour codes, at most `width` cells wide.

    In words where there is nothing to draw (one day), no room for it, nobody who would see it (`plain`), or
    where the drawing library does not run. More days than columns are drawn in groups of some days.
    """
    days = [(day, count) for day, count in by_day if count.attempts]
    if not days:
        return
    rows = None
    width = min(width, _WIDEST_PLOT)
    if len(days) > 1 and width >= _NARROWEST_PLOT and not plain:
        span = (days[-1][0] - days[0][0]).days + 1
        per_point = -(-span // (width - _AXIS_WIDTH - 1))
        points = _grouped(days, per_point)
        rows = _drawn(points, days[0][0], span - 1, width) if len(points) > 1 else None
    if rows is None:
        yield _in_words(days)
        return
    yield Line("每天的正确率" if per_point == 1 else f"正确率，每 {per_point} 天合起来算", _TITLE)
    # Wrapping drops spaces at the start of a line, but not an indent.
    yield from (Line(row.lstrip(), indent=len(row) - len(row.lstrip())) for row in rows)


def _count_table(title: str, counts: "Mapping[str, Count]", *, width: int, plain: bool) -> Iterator[Line]:
    if not counts:
        return
    rows = [
        [name or "没有写", str(count.attempts), str(count.right), percent_text(count.accuracy)]
        for name, count in counts.items()
    ]
    yield Line("")
    yield from fitted_table([title, "答题", "答对", "正确率"], rows, width=width, plain=plain)


def _in_words(days: "Sequence[tuple[date, Count]]") -> Line:
    (first, start), (last, end) = days[0], days[-1]
    before = f"{first} 的正确率是 {percent_text(start.accuracy)}"
    if len(days) == 1:
        return Line(f"{before}。练过两天以上就能看到变化。")
    return Line(f"{before}，到 {last} 是 {percent_text(end.accuracy)}，其间练了 {len(days)} 天。")


def _grouped(days: "Sequence[tuple[date, Count]]", per_point: int) -> list[tuple[int, float]]:
    """Points to draw: days since the first one, and the percentage right of the `per_point` days from there."""
    sums: dict[int, tuple[int, int]] = {}
    for day, count in days:
        place = (day - days[0][0]).days // per_point * per_point
        right, attempts = sums.get(place, (0, 0))
        sums[place] = (right + count.right, attempts + count.attempts)
    return [(place, 100 * right / attempts) for place, (right, attempts) in sorted(sums.items())]


def _drawn(points: Sequence[tuple[int, float]], first: date, last: int, width: int) -> list[str] | None:
    """The plot's rows, or None where the library's compiled part is not to be had on this system.

    `points` and `last` count days from `first`.
    """
    try:
        import plotext
    except ImportError:
        return None
    plotext.terminal.limit(False, False)  # the size is ours to say, whatever the terminal is
    figure = plotext.figure.clear()
    figure.plot_size(width, _PLOT_HEIGHT)
    figure.axes(False, side="upper", axis="x")
    figure.axes(False, side="right", axis="y")
    figure.draw(figure.signal(*zip(*points, strict=True), marker="*").lines())
    gaps = min(max(width // _DATE_SPACE, 1), last)
    ticks = [round(last * tick / gaps) for tick in range(gaps + 1)]
    dates = [str(first + timedelta(tick)) for tick in ticks]
    figure.ruler("x", "lower").lim(0, last).ticks(ticks, dates)
    figure.ruler("y", "left").lim(0, 100).ticks(_SHARES, [f"{share}%" for share in _SHARES])
    text = figure.build().string(colorless=True)
    return [row.rstrip() for row in text.rstrip("\n").split("\n")]
