"""The page of a person's progress: totals, what is due, and charts over days, 专业 and 题型."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from xiaoan.reports.charts import day_chart, share_chart
from xiaoan.reports.environment import render

if TYPE_CHECKING:
    from xiaoan.question_bank.progress import Count, LearningStatistics

_MOST_BARS = 20


def stats_page(
    statistics: "LearningStatistics",
    due: Mapping[str, int],
    *,
    when: datetime,
    user: str,
    last_days: int | None = None,
) -> str:
    """Return the whole page.

    Args:
        statistics: the person's counts.
        due: how many questions are to be reviewed today, for each 专业.
        when: the local time of the counts.
        user: whose they are.
        last_days: over how many days they were taken, today included; None for all.
    """
    return render(
        "stats.html",
        statistics=statistics,
        due=due,
        when=when,
        user=user,
        last_days=last_days,
        days={day.isoformat(): count for day, count in statistics.by_day},
        day_chart=day_chart("days", statistics.by_day),
        profession_chart=share_chart("professions", "各专业的正确率", _first(statistics.by_profession)),
        professions_left=max(len(statistics.by_profession) - _MOST_BARS, 0),
        type_chart=share_chart("types", "各题型的正确率", statistics.by_type),
    )


def _first(counts: "Mapping[str, Count]") -> "dict[str, Count]":
    """The groups that are drawn: as many as one can take in; the table below has them all."""
    return dict(list(counts.items())[:_MOST_BARS])
