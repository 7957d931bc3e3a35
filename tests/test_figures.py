import pytest

from xiaoan.figures import duration_text, interval_text, number_text, percent_text, wilson_interval


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


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    [
        (98, 100, 0.9300, 0.9945),
        (50, 100, 0.4038, 0.5962),
        (100, 100, 0.9630, 1.0),
        (0, 100, 0.0, 0.0370),
        (1, 1, 0.2065, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_of_a_share_is_wilsons(right: int, asked: int, low: float, high: float) -> None:
    assert wilson_interval(right, asked) == pytest.approx((low, high), abs=5e-5)


def test_every_interval_holds_its_share_and_narrows_with_more_questions() -> None:
    for asked in range(1, 60):
        for right in range(asked + 1):
            low, high = wilson_interval(right, asked)
            assert 0 <= low <= right / asked <= high <= 1
            more_low, more_high = wilson_interval(10 * right, 10 * asked)
            assert more_high - more_low < high - low


def test_an_interval_is_rounded_outwards() -> None:
    assert interval_text(0.9300, 0.9945) == "93–100%"
    assert interval_text(0.57, 0.58) == "57–58%"
    assert interval_text(0.0, 1.0) == "0–100%"
