from datetime import date, timedelta

import pytest

from tests.reports.page_reading import HOSTILE, Page
from tests.reports.papers import WHEN
from xiaoan.question_bank.progress import Count, LearningStatistics
from xiaoan.reports.stats_page import stats_page

NOTHING = LearningStatistics()


def some(days: int = 3, professions: int = 2) -> LearningStatistics:
    count = Count(20, 15, 10, 240.0)
    by_day = tuple((date(2026, 1, 1) + timedelta(number), count) for number in range(days))
    by_profession = {f"专业{number}": count for number in range(professions)}
    return LearningStatistics(60, 45, 30, 720.0, by_profession, {"单选题": count}, by_day)


def page_of(statistics: LearningStatistics, due: dict[str, int], user: str = "张三") -> Page:
    return Page(stats_page(statistics, due, when=WHEN, user=user))


def test_totals_and_what_is_due_come_first() -> None:
    text = page_of(some(), {"变电": 12, "": 3}).text
    for fact in ("60 次，答对 45 次，正确率 75%", "30 题", "12 分 0 秒", "15 题：变电 12，（未写） 3"):
        assert fact in text


def test_nothing_practised_is_a_page_too() -> None:
    page = page_of(NOTHING, {})
    assert "0 次，答对 0 次，正确率 —" in page.text
    assert "今天要复习 没有" in page.text
    assert len(page.all("svg")) == 3
    assert not page.all("details")


def test_the_page_says_over_which_days_it_counts() -> None:
    page = stats_page(some(), {}, when=WHEN, user="张三", last_days=30)
    assert "最近 30 天" in page
    assert "全部记录" in page_of(some(), {}).text


def test_charts_have_names_of_their_own_and_tables_say_the_same() -> None:
    page = page_of(some(), {})
    names = [
        element.attributes["id"] for element in (*page.all("title"), *page.all("desc")) if element.attributes
    ]
    assert len(set(names)) == len(names) == 6
    assert "2026-01-03 20 15 75%" in page.text
    assert page.outside == []


@pytest.mark.parametrize(("days", "is_open"), [(31, True), (32, False)])
def test_many_days_are_folded_away(days: int, is_open: bool) -> None:
    (details,) = page_of(some(days), {}).all("details")
    assert ("open" in details.attributes) is is_open


def test_a_chart_shows_the_first_twenty_and_says_where_the_others_are() -> None:
    page = page_of(some(professions=25), {})
    assert len(page.all("text", "chart-label")) == 21
    assert "另有 5 个见下表" in page.text
    assert "专业24" in page.text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_name_does_anything(text: str) -> None:
    count = Count(1, 1, 1, 1.0)
    statistics = LearningStatistics(1, 1, 1, 1.0, {text: count}, {text: count}, ((date(2026, 1, 1), count),))
    page = page_of(statistics, {text: 1}, user=text)
    assert page.outside == []
    page.source.encode()
