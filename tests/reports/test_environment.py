import pytest
from jinja2 import UndefinedError

from xiaoan.reports.environment import render


def test_a_value_that_is_missing_is_a_fault_and_no_gap() -> None:
    with pytest.raises(UndefinedError):
        render("paper.html")
