from hypothesis import given
from hypothesis import strategies as st

from xiaoan.terminal.wrapping import cell_width, wrap


def test_chinese_takes_two_cells_a_character() -> None:
    assert wrap("甲乙丙丁戊", 4) == ["甲乙", "丙丁", "戊"]


def test_a_word_or_number_with_its_unit_stays_whole() -> None:
    assert wrap("电压为220kV的线路", 8) == ["电压为", "220kV的", "线路"]


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    assert wrap("甲乙，丙丁（戊）", 6) == ["甲乙，", "丙丁", "（戊）"]
    assert wrap("甲乙丙（丁）", 8) == ["甲乙丙", "（丁）"]


def test_a_blank_stays_in_its_brackets() -> None:
    assert wrap("甲乙（ ）。", 8) == ["甲乙", "（ ）。"]


def test_an_emoji_is_not_cut_and_spaces_do_not_begin_a_line() -> None:
    assert wrap("甲乙 🙋🤖", 6) == ["甲乙", "🙋🤖"]


def test_a_word_wider_than_the_line_is_cut() -> None:
    assert wrap("abcdefgh", 3) == ["abc", "def", "gh"]


def test_lines_of_the_text_stay_lines() -> None:
    assert wrap("甲\n\n乙", 10) == ["甲", "", "乙"]


@given(st.text(alphabet="甲乙，。（）a1 🙋\n", max_size=60), st.integers(2, 20))
def test_no_line_is_too_wide_and_nothing_but_spaces_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_width(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
