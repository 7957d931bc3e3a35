import pytest

from tests.terminal.shown import shown
from xiaoan.terminal.tables import fitted_table

HEADER = ["专业", "题数", "对"]
ROWS = [["变电", "40", "30"], ["输电线路（带电作业）", "8", "8"]]
IN_WORDS = "变电：题数 40，对 30\n输电线路（带电作业）：题数 8，对 8\n"


def test_a_table_stands_in_columns_by_cells() -> None:
    assert shown(fitted_table(HEADER, ROWS, width=30, plain=False), 30) == (
        "专业                  题数  对\n变电                    40  30\n输电线路（带电作业）     8   8\n"
    )


def test_a_table_wider_than_the_terminal_is_said_row_by_row() -> None:
    assert shown(fitted_table(HEADER, ROWS, width=29, plain=False), 36) == "专业\n" + IN_WORDS


def test_a_table_for_listeners_is_said_row_by_row() -> None:
    assert shown(fitted_table(HEADER, ROWS, width=80, plain=True), 80, plain=True) == "专业：\n" + IN_WORDS


def test_a_row_that_lacks_a_figure_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="zip"):
        list(fitted_table(HEADER, [["变电", "1"]], width=80, plain=True))
