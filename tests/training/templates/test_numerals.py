from decimal import Decimal

import pytest

from xiaoan.training.templates.numerals import LARGEST, arabic, chinese


@pytest.mark.parametrize(
    ("number", "written"),
    [
        *[("0", "零"), ("7", "七"), ("10", "十"), ("12", "十二"), ("20", "二十"), ("105", "一百零五")],
        *[("110", "一百一十"), ("1001", "一千零一"), ("1010", "一千零一十"), ("10000", "一万")],
        *[
            ("100005", "十万零五"),
            ("203400", "二十万三千四百"),
            ("3.50", "三点五"),
            ("-2", "负二"),
            ("0.05", "零点零五"),
        ],
    ],
)
def test_numbers_are_written_as_they_are_said(number: str, written: str) -> None:
    assert chinese(Decimal(number)) == written


def test_arabic_digits_have_no_exponent_and_no_needless_zeros() -> None:
    assert [arabic(Decimal(text)) for text in ("1E+2", "3.50", "12", "-0.5")] == ["100", "3.5", "12", "-0.5"]


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="100000000"):
        chinese(Decimal(LARGEST + 1))
