import sys
from datetime import date, timedelta

import pytest

from tests.terminal.shown import shown
from xiaoan.question_bank.progress import Count, LearningStatistics
from xiaoan.terminal.progress_report import coverage_lines, plot_lines, statistics_lines
from xiaoan.terminal.wrapping import cell_width

FIRST = date(2026, 3, 2)


def days(*rights: int, step: int = 1) -> tuple[tuple[date, Count], ...]:
    """One day after another on which of ten answers so many were right."""
    return tuple((FIRST + timedelta(step * n), Count(10, right, 10)) for n, right in enumerate(rights))


def plot(by_day: tuple[tuple[date, Count], ...], width: int, *, plain: bool = False) -> str:
    return shown(plot_lines(by_day, width=width, plain=plain), width, plain=plain)


STATISTICS = LearningStatistics(
    attempts=48,
    right=38,
    questions=41,
    seconds=4000,
    by_profession={"变电": Count(40, 30, 35), "输电线路（带电作业）": Count(8, 8, 6)},
    by_type={"单选题": Count(30, 25, 30), "判断题": Count(18, 13, 11)},
    by_day=days(4, 7),
)


def test_statistics_at_fifty_columns() -> None:
    assert shown(statistics_lines(STATISTICS, width=50, plain=False, user="张三", days=7), 50) == (
        "学习情况：张三，最近 7 天\n"
        "做过 41 题，答了 48 次\n"
        "答对 38 次，正确率 79.2%\n"
        "用时 1 小时 6 分\n"
        "\n"
        "专业                  答题  答对  正确率\n"
        "变电                    40    30     75%\n"
        "输电线路（带电作业）     8     8    100%\n"
        "\n"
        "题型    答题  答对  正确率\n"
        "单选题    30    25   83.3%\n"
        "判断题    18    13   72.2%\n"
        "\n"
        "日期        答题  答对  正确率\n"
        "2026-03-02    10     4     40%\n"
        "2026-03-03    10     7     70%\n"
    )


def test_statistics_for_listeners_say_one_thing_a_line() -> None:
    assert shown(statistics_lines(STATISTICS, width=50, plain=True), 50, plain=True) == (
        "学习情况\n"
        "做过 41 题，答了 48 次\n"
        "答对 38 次，正确率 79.2%\n"
        "用时 1 小时 6 分\n"
        "\n"
        "专业：\n"
        "变电：答题 40，答对 30，正确率 75%\n"
        "输电线路（带电作业）：答题 8，答对 8，正确率 100%\n"
        "\n"
        "题型：\n"
        "单选题：答题 30，答对 25，正确率 83.3%\n"
        "判断题：答题 18，答对 13，正确率 72.2%\n"
        "\n"
        "日期：\n"
        "2026-03-02：答题 10，答对 4，正确率 40%\n"
        "2026-03-03：答题 10，答对 7，正确率 70%\n"
    )


def test_only_the_last_fortnight_is_told_day_by_day() -> None:
    many = LearningStatistics(200, 100, 50, 9.0, by_day=days(*[5] * 20))
    text = shown(statistics_lines(many, width=80, plain=False), 80)
    assert text.count("2026-03-") == 14
    assert text.endswith("更早还有 6 天，没有逐日列出。\n")


def test_who_has_answered_nothing_is_told_how_to_begin() -> None:
    text = shown(statistics_lines(LearningStatistics(), width=50, plain=False), 50)
    assert text == "学习情况\n还没有作答记录。先做一次 xiaoan practice 或 xiaoan\nquiz。\n"
    assert not plot((), 80)


def test_the_plot_at_eighty_columns() -> None:
    assert plot(days(2, 4, 5, 7, 9), 80) == (
        "每天的正确率\n"
        "100%┤\n"
        "    │                                                                  *********\n"
        " 75%┤                                                      ************\n"
        "    │                                           ***********\n"
        " 50%┤                          *****************\n"
        "    │           ***************\n"
        " 25%┤***********\n"
        "    │\n"
        "  0%┤\n"
        "    └┬──────────────────┬───────────────────────────────────┬──────────────────┬\n"
        "     2026-03-02     2026-03-03                          2026-03-05    2026-03-06\n"
    )


def test_the_plot_at_fifty_columns() -> None:
    assert plot(days(2, 4, 5, 7, 9, step=3), 50) == (
        "每天的正确率\n"
        "100%┤\n"
        "    │                                        *****\n"
        " 75%┤                                 *******\n"
        "    │                          *******\n"
        " 50%┤                **********\n"
        "    │       *********\n"
        " 25%┤*******\n"
        "    │\n"
        "  0%┤\n"
        "    └┬─────────────────────┬─────────────────────┬\n"
        "     2026-03-02        2026-03-08       2026-03-14\n"
    )


@pytest.mark.parametrize("width", [*range(8, 60, 7), 80, 240])
@pytest.mark.parametrize("count", [2, 3, 60, 700])
def test_the_plot_is_never_wider_than_the_terminal(width: int, count: int) -> None:
    lines = list(plot_lines(days(*[n * 7 % 11 for n in range(count)]), width=width, plain=False))
    shown(lines, width)
    rows = [line for line in lines if "┤" in line.text]
    assert all(line.indent + cell_width(line.text) <= width for line in rows)
    assert bool(rows) == (width >= 32)
    assert not any("\x1b" in line.text for line in lines)


def test_more_days_than_columns_are_drawn_in_groups() -> None:
    assert plot(days(*[5] * 100), 50).startswith("正确率，每 3 天合起来算\n100%┤\n")


def test_one_day_is_said_in_words() -> None:
    assert plot(days(4), 80) == "2026-03-02 的正确率是 40%。练过两天以上就能看到变化。\n"


def test_the_change_is_said_in_words_where_it_cannot_be_seen() -> None:
    words = "2026-03-02 的正确率是 40%，到 2026-03-04 是 70%，其间练了 3 天。\n"
    assert plot(days(4, 5, 7), 80, plain=True) == words
    assert plot(days(4, 5, 7), 31) == ("2026-03-02 的正确率是 40%，到\n2026-03-04 是 70%，其间练了 3\n天。\n")


def test_the_change_is_said_in_words_where_the_drawing_library_does_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "plotext", None)
    assert plot(days(4, 7), 80) == "2026-03-02 的正确率是 40%，到 2026-03-03 是 70%，其间练了 2 天。\n"


def test_a_bank_is_counted_by_how_much_of_it_was_answered() -> None:
    assert shown(coverage_lines({"变电": (3, 40), "": (0, 2)}, width=50, plain=False), 50) == (
        "专业    题库里  做过    占\n变电        40     3  7.5%\n没有写       2     0    0%\n"
    )
