import pytest

from xiaoan.repl.study.toolbar import clipped, clock_text, toolbar_text
from xiaoan.terminal.wrapping import cell_width

FACTS = ["已答 12", "第 13/85 题", "剩 1:02:03"]


def test_mode_bank_progress_and_time_stand_side_by_side() -> None:
    shown = toolbar_text("测验", "变电安规.xlsx", FACTS, 80)
    assert shown == " 测验 · 变电安规.xlsx · 已答 12 · 第 13/85 题 · 剩 1:02:03"


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (60, " 测验 · 国家电网变电… · 已答 12 · 第 13/85 题 · 剩 1:02:03"),
        (50, " 测验 · 国家电网变电… · 第 13/85 题 · 剩 1:02:03"),
        (40, " 测验 · 第 13/85 题 · 剩 1:02:03"),
        (30, " 测验 · 剩 1:02:03"),
    ],
)
def test_what_matters_least_gives_way_first(columns: int, shown: str) -> None:
    assert toolbar_text("测验", "国家电网变电安全工作规程题库.xlsx", FACTS, columns) == shown


@pytest.mark.parametrize("columns", range(1, 90))
def test_it_fits_any_width_and_keeps_the_time_longest(columns: int) -> None:
    shown = toolbar_text("测验", "变电安规.xlsx", FACTS, columns)
    assert cell_width(shown) <= max(columns - 1, 1)
    if columns >= 20:
        assert shown.endswith("剩 1:02:03")


def test_times_look_like_a_clock() -> None:
    assert [clock_text(seconds) for seconds in (0, 59.9, 200, 3723)] == ["00:00", "00:59", "03:20", "1:02:03"]


def test_a_cut_text_ends_with_dots() -> None:
    assert clipped("绝缘手套", 8) == "绝缘手套"
    assert clipped("绝缘手套", 7) == "绝缘手…"
