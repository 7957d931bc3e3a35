import re
from datetime import date, timedelta

import pytest

from tests.reports.page_reading import HOSTILE, Page
from xiaoan.question_bank.progress import Count
from xiaoan.reports.charts import day_chart, group_days, share_chart
from xiaoan.reports.svg import WIDTH

START = date(2025, 12, 30)
PLACES = re.compile(r'\b(?:x|cx|x1|x2)="(-?[\d.]+)"')


def days(count: int, *, every: int = 1) -> list[tuple[date, Count]]:
    return [(START + timedelta(number * every), Count(20, number % 21, 5, 60.0)) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "unit"), [(0, "天"), (1, "天"), (62, "天"), (63, "周"), (400, "周"), (4000, "月")]
)
def test_any_number_of_days_fits_into_the_picture(count: int, unit: str) -> None:
    chart = str(day_chart("days", days(count)))
    assert f"每{unit}的" in chart
    assert all(0 <= float(place) <= WIDTH for place in PLACES.findall(chart))
    for x, width in re.findall(r'x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', chart):
        assert float(x) + float(width) <= WIDTH
    assert len(Page(f"<style></style>{chart}").all("text", "chart-date")) <= 4


def test_no_answer_is_lost_between_days_weeks_and_months() -> None:
    for count in (1, 62, 63, 400, 4000):
        grouped = group_days(reversed(days(count)))
        assert sum(period.attempts for period in grouped.periods) == 20 * count
        assert [period.name for period in grouped.periods] == sorted(
            period.name for period in grouped.periods
        )


def test_a_pause_is_a_gap_without_bars() -> None:
    grouped = group_days(days(3, every=10))
    assert len(grouped.periods) == 21
    assert [period.attempts for period in grouped.periods[:11]] == [20, *[0] * 9, 20]
    assert str(day_chart("days", days(3, every=10))).count("chart-count") == 3


def test_a_chart_can_be_read_aloud() -> None:
    page = Page(f"<style></style>{day_chart('days', days(3))}")
    (svg,), (title,), (description,) = page.all("svg"), page.all("title"), page.all("desc")
    assert svg.attributes["role"] == "img"
    assert svg.attributes["aria-labelledby"] == "days-title days-desc"
    assert (title.attributes["id"], description.attributes["id"]) == ("days-title", "days-desc")
    assert description.text.startswith("从 2025-12-30 到 2026-01-01，一格是一天。最近 2026-01-01 正确率 10%")


def test_no_days_and_no_groups_are_told_in_words() -> None:
    for chart in (day_chart("days", []), share_chart("types", "各题型的正确率", {})):
        assert "还没有作答记录" in chart
        assert "nan" not in chart


def test_each_bar_has_its_number_beside_it() -> None:
    chart = str(share_chart("types", "各题型的正确率", {"单选题": Count(50, 41), "填空题": Count()}))
    assert "82%　50 次" in chart
    assert "—　0 次" in chart
    assert 'width="175.5"' in chart


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_only_a_name(text: str) -> None:
    chart = share_chart("professions", text, {text: Count(1_000_000, 999_999), "": Count(1, 1)})
    page = Page(f"<style></style>{chart}")
    assert {element.tag for element in page.elements} <= {"style", "svg", "title", "desc", "text", "rect"}
    assert page.outside == []
    assert len(page.all("text", "chart-label")[0].text) <= 16
    chart.encode()
