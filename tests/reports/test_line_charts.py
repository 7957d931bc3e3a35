"""Curves: every value has its place, nothing leaves the picture, no spike is lost, and each can be read aloud."""

import math
import re

import pytest

from tests.reports.page_reading import HOSTILE, Page
from xiaoan.reports.line_charts import Scale, Series, line_chart
from xiaoan.reports.svg import WIDTH

LOSS = Series("损失", tuple((float(step), 5 * math.exp(-step / 100)) for step in range(1, 1001)))


def chart_of(*series: Series, scale: Scale = "number") -> Page:
    return Page(f"<style></style>{line_chart('c', '图', series, x_label='步数', scale=scale)}")


def curves(page: Page) -> list[list[tuple[float, float]]]:
    """The points of the drawn curves, those of the legend left out."""
    lines = [element.attributes["points"] or "" for element in page.all("polyline", "chart-curve")]
    points = [[(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", line)] for line in lines]
    return points[: len(points) - len(page.all("text", "chart-name"))]


def texts(page: Page, kind: str) -> list[str]:
    return [element.text for element in page.all("text", kind)]


@pytest.mark.parametrize("scale", ["number", "log", "percent"])
def test_nothing_leaves_the_picture(scale: Scale) -> None:
    shares = Series("学过的", tuple((x, min(y / 5, 1.0)) for x, y in LOSS.points))
    page = chart_of(shares, Series("没学过的", shares.points[10:500]), scale=scale)
    (svg,) = page.all("svg")
    height = float((svg.attributes["viewbox"] or "").split()[3])
    for x, y in (point for curve in curves(page) for point in curve):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= height
    assert len(curves(page)) == 2
    assert texts(page, "chart-name") == ["学过的", "没学过的"]


def test_a_loss_over_several_powers_of_ten_is_drawn_on_a_logarithmic_axis() -> None:
    assert texts(chart_of(LOSS, scale="log"), "chart-left") == ["0.001", "0.01", "0.1", "1"]
    even = Series("损失", ((1.0, 2.0), (2.0, 2.5), (3.0, 3.0)))
    assert texts(chart_of(even, scale="log"), "chart-left") == ["0", "0.5", "1", "1.5", "2", "2.5", "3"]


@pytest.mark.parametrize(
    ("last", "ticks"),
    [
        (1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (2200, ["0", "500", "1000", "1500", "2000"]),
        (7, ["0", "2", "4", "6"]),
    ],
)
def test_an_axis_has_few_and_round_numbers(last: float, ticks: list[str]) -> None:
    page = chart_of(Series("损失", ((last / 2, 1.0), (last, 2.0))))
    assert texts(page, "chart-date") == [*ticks, "步数"]


def test_no_spike_is_lost_among_thousands_of_points() -> None:
    spiked = [(float(step), 1.0) for step in range(20_000)]
    spiked[12_345], spiked[77] = (12_345.0, 9.0), (77.0, 0.25)
    (curve,) = curves(chart_of(Series("损失", tuple(spiked))))
    assert len(curve) <= 400
    heights = sorted({y for _, y in curve})
    assert len(heights) == 3
    assert "最低 0.25，最高 9" in str(line_chart("c", "图", [Series("损失", tuple(spiked))], x_label="步数"))


def test_a_value_that_is_no_number_breaks_the_line() -> None:
    points = ((1.0, 3.0), (2.0, 2.0), (3.0, math.nan), (4.0, math.inf), (5.0, 1.0), (6.0, 0.5))
    page = chart_of(Series("损失", points))
    assert [len(curve) for curve in curves(page)] == [2, 2]
    assert "nan" not in page.source
    assert "inf" not in page.source


@pytest.mark.parametrize("scale", ["number", "log", "percent"])
@pytest.mark.parametrize(
    "points", [(), ((1.0, math.nan),), ((0.0, 0.0),), ((5.0, 1.0),), ((-1.0, 0.5), (2.0, 0.5))]
)
def test_few_points_are_a_picture_too(scale: Scale, points: tuple[tuple[float, float], ...]) -> None:
    page = chart_of(Series("损失", points), scale=scale)
    assert len(page.all("svg")) == 1
    assert "nan" not in page.source
    drawn = [y for _, y in points if math.isfinite(y) and (scale != "log" or y > 0)]
    assert len(page.all("circle")) == len(drawn)
    assert bool(drawn) or "没有记录" in page.source


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_only_a_name(text: str) -> None:
    chart = line_chart("c", text, [Series(text, LOSS.points)], x_label=text)
    page = Page(f"<style></style>{chart}")
    assert {element.tag for element in page.elements} <= {
        *("style", "svg", "title", "desc", "text", "line", "polyline", "circle")
    }
    assert page.outside == []
    chart.encode()
