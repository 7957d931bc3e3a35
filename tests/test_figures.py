import pytest

from xiaoan.figures import duration_text, number_text, percent_text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((-1, "0 秒"), (0.4, "0 秒"), (59.9, "59 秒"), (60, "1 分 0 秒"), (185, "3 分 5 秒")),
        *((3599, "59 分 59 秒"), (3725, "1 小时 2 分"), (36_000, "10 小时 0 分")),
    ],
)
def test_times_are_said_in_the_two_units_that_matter(seconds: float, said: str) -> None:
    assert duration_text(seconds) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        *((None, "—"), (0, "0%"), (0.29, "29%"), (0.57, "57%"), (2 / 3, "66.7%"), (0.8, "80%")),
        *((0.7996, "79.9%"), (0.99999, "99.9%"), (1, "100%")),
    ],
)
def test_a_percentage_never_reaches_a_whole_number_that_it_is_short_of(
    share: float | None, said: str
) -> None:
    assert percent_text(share) == said


def test_numbers_carry_no_idle_noughts() -> None:
    shown = {
        0: "0",
        40: "40",
        81.5: "81.5",
        100 / 3: "33.33",
        0.1 + 0.2: "0.3",
        1200: "1200",
        1200.5: "1200.5",
    }
    assert [number_text(number) for number in shown] == list(shown.values())
