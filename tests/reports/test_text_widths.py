from hypothesis import given
from hypothesis import strategies as st

from xiaoan.reports.text_widths import cell_width, cut_to_width, one_line


def test_a_line_is_cut_where_it_gets_too_long() -> None:
    assert one_line(" 甲\n 乙\t丙 ") == "甲 乙 丙"
    assert one_line("甲乙丙丁", 3) == "甲乙丙…"
    assert one_line("甲乙丙", 3) == "甲乙丙"


@given(st.text(), st.integers(2, 40))
def test_a_label_is_never_wider_than_its_room(text: str, width: int) -> None:
    assert cell_width(cut_to_width(text, width)) <= width
