"""The picture of confidence against being right."""

import re

from tests.exams import result_of, sittings_of
from tests.reports.page_reading import Page
from xiaoan.assistant.confidence import HIGH, MIDDLE
from xiaoan.evaluation.scores import Bin, Reliability
from xiaoan.reports import reliability_plot as module
from xiaoan.reports.reliability_plot import reliability_plot


def plot(*bins: Bin) -> Page:
    return Page(
        f"<html><head><style></style></head><body>{reliability_plot('r', '把握', Reliability(bins, 0.1, 0.1))}</body></html>"
    )


def test_each_bin_has_a_bar_a_dot_and_its_count() -> None:
    page = plot(Bin(0.3, 0.4, 4, 0.35, 1), Bin(0.9, 1.0, 20, 0.95, 19))
    assert len(page.all("rect", "chart-count")) == len(page.all("circle", "chart-dot")) == 2
    assert [one.text for one in page.all("text")][-4:] == ["4", "20", "次数", "小安说的把握"]
    low, high = page.all("circle")
    assert float(low.attributes["cy"] or 0) > float(high.attributes["cy"] or 0), "higher is better"


def test_a_dot_on_the_diagonal_is_as_right_as_it_is_sure() -> None:
    page = plot(Bin(0.5, 0.6, 100, 0.55, 55))
    (dot,), (line,) = page.all("circle"), page.all("line", "chart-diagonal")
    x1, y1, x2, y2 = (float(line.attributes[name] or 0) for name in ("x1", "y1", "x2", "y2"))
    x, y = float(dot.attributes["cx"] or 0), float(dot.attributes["cy"] or 0)
    assert abs((x - x1) / (x2 - x1) - 0.55) < 0.001
    assert abs((y - y1) / (y2 - y1) - 0.55) < 0.001


def test_people_who_do_not_see_it_are_told() -> None:
    assert plot(Bin(0.9, 1.0, 20, 0.95, 19)).all("desc")[0].text == (
        "把握 90% 到 100%：20 次，平均把握 95%，答对 95%"
    )


def test_everything_lies_on_the_picture_and_a_large_count_is_short() -> None:
    picture = str(reliability_plot("r", "t", Reliability((Bin(0.0, 0.1, 123_456, 0.0, 0),), 0, 0)))
    assert "12.3万" in picture
    assert all(0 <= float(x) <= 480 for x in re.findall(r'\b(?:x|x1|x2|cx)="([-\d.]+)"', picture))


def test_levels_begin_where_confidence_says() -> None:
    assert [low for low, _, _ in module._LEVELS] == [0.0, MIDDLE, HIGH]


def test_the_bins_of_an_exam_can_be_drawn() -> None:
    found = result_of(sittings_of(9, 1)).figures.calibration
    assert found is not None
    assert "<svg" in reliability_plot("r", "t", found)
