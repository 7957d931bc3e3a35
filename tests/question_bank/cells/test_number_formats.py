import pytest

from xiaoan.question_bank.cells.number_formats import BUILT_IN, general, is_date_format, iso_date, shown

MAY_DAY = 39_934  # 2009-05-01


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.0, "4"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333333333333"),
        (2.675, "2.675"),
        (123456789012345.0, "123456789012345"),
        (1e20, "100000000000000000000"),
        (1e21, "1E+21"),
        (-1.5e-11, "-1.5E-11"),
        (0.00001, "0.00001"),
    ],
)
def test_general_shows_no_needless_decimals(value: float, text: str) -> None:
    assert general(value) == text
    assert shown(value, "General") == shown(value, "@") == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (0.75, "0%", "75%"),
        (0.1607, "0.00%", "16.07%"),
        (0.5, "0.0%", "50.0%"),
        (1.005, "0.00", "1.01"),
        (2.5, "0", "3"),
        (-2.5, "0", "-3"),
        (-0.001, "0.00", "0.00"),
        (0.5, ".0", ".5"),
        (7, "000", "007"),
        (12.3, "0.##", "12.3"),
        (1234.5, "#,##0.00", "1,234.50"),
        (0, "#,##0", "0"),
        (0, "#", ""),
        (1_234_567, "0,", "1235"),
        (0.75, "0.00_ ", "0.75"),
        (-0.5, r"0.00_);[Red]\(0.00\)", "(0.50)"),
        (-5.04, r"0.0_ ;[Red]\-0.0\ ", "-5.0"),
        (3, '0"米"', "3米"),
        (10, r"0\k\V", "10kV"),
        (5, '"第"0"种"', "第5种"),
        (5, 'G/通用格式"级"', "5级"),
        (-5, "[$¥-804]#,##0.00", "-¥5.00"),
        (12, BUILT_IN[43], "12.00"),
        (0, BUILT_IN[43], "-"),
        (12345, "0.00E+00", "1.23E+04"),
        (1, '"√"', "√"),
    ],
)
def test_numbers_are_shown_under_the_common_formats(value: float, code: str, text: str) -> None:
    assert shown(value, code) == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (MAY_DAY, BUILT_IN[14], "2009/5/1"),
        (MAY_DAY + 0.5, BUILT_IN[22], "2009/5/1 12:00"),
        (MAY_DAY, BUILT_IN[31], "2009年5月1日"),
        (MAY_DAY, BUILT_IN[57], "2009年5月"),
        (MAY_DAY, BUILT_IN[58], "5月1日"),
        (MAY_DAY, "yyyy-mm-dd", "2009-05-01"),
        (MAY_DAY, '[$-804]yyyy"年"m"月"d"日";@', "2009年5月1日"),
        (MAY_DAY, "[$-F800]yyyy\\-mm\\-dd", "2009-05-01"),
        (MAY_DAY, "d-mmm-yy", "1-May-09"),
        (MAY_DAY, "aaaa", "星期五"),
        (MAY_DAY + 0.3541667, "yyyy/m/d hh:mm:ss", "2009/5/1 08:30:00"),
        (0.3541667, "h:mm", "8:30"),
        (0.9, BUILT_IN[55], "下午9时36分"),
        (0.9, "h:mm AM/PM", "9:36 PM"),
        (1.5, "[h]:mm", "36:00"),
        (0.999999999, "h:mm:ss", "0:00:00"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (60, "yyyy-mm-dd", "1900-02-29"),
        (61, "yyyy-mm-dd", "1900-03-01"),
    ],
)
def test_dates_are_shown_as_the_chinese_edition_does(value: float, code: str, text: str) -> None:
    assert is_date_format(code)
    assert shown(value, code) == text


def test_days_may_be_counted_from_1904() -> None:
    assert shown(0, "yyyy-mm-dd", epoch_1904=True) == "1904-01-01"
    assert shown(MAY_DAY - 1462, "yyyy-mm-dd", epoch_1904=True) == "2009-05-01"
    assert iso_date(60, epoch_1904=True) == "1904-03-01"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0.5, "# ?/?"),
        (1, '[=1]"是";"否"'),
        (5, "[DBNum1]0"),
        (5, ";;;"),
        (-1, "yyyy-mm-dd"),
        (1e9, "yyyy-mm-dd"),
        (MAY_DAY, "[$-F800]dddd, mmmm dd, yyyy"),
        (0.5, "mm:ss.00"),
        (1e300, "0.00"),
        (float("inf"), "0.00"),
        (5, "0.0.0"),
        (5, "0 0"),
        (5, "[>"),
        (5, "\x00"),
    ],
)
def test_formats_that_are_not_common_are_left_to_the_caller(value: float, code: str) -> None:
    assert shown(value, code) is None


def test_stored_dates_are_written_as_iso_does() -> None:
    assert iso_date(MAY_DAY) == "2009-05-01"
    assert iso_date(MAY_DAY + 0.75) == "2009-05-01 18:00:00"
    assert iso_date(0.75) == "18:00:00"
    assert iso_date(-1) is iso_date(3e6) is iso_date(float("nan")) is None
    assert not any(map(is_date_format, ("General", "0.00", '0"day"', "[Red]0", "@", "0.00E+00")))
