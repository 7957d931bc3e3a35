"""Counts split by weights."""

from hypothesis import given
from hypothesis import strategies as st

from xiaoan.question_bank.drawing.shares import largest_remainder, shares_of

WEIGHTS = st.dictionaries(st.sampled_from("甲乙丙丁戊"), st.floats(0, 100), max_size=5)
COUNTS = st.integers(0, 200)


def test_the_largest_remainders_get_the_rest() -> None:
    assert largest_remainder({"单选": 40, "多选": 15, "判断": 30}, 10) == {"单选": 5, "多选": 2, "判断": 3}
    assert largest_remainder({"单选": 40, "多选": 15, "判断": 30}, 1) == {"单选": 1, "多选": 0, "判断": 0}


def test_of_equal_remainders_the_first_counts() -> None:
    assert largest_remainder({"a": 1, "b": 1, "c": 1}, 4) == {"a": 2, "b": 1, "c": 1}
    assert largest_remainder({"a": 0.1, "b": 0.1, "c": 0.1}, 2) == {"a": 1, "b": 1, "c": 0}


@given(WEIGHTS, COUNTS)
def test_shares_are_within_one_of_the_exact_ones(weights: dict[str, float], count: int) -> None:
    shares = largest_remainder(weights, count)
    total = sum(weights.values())
    assert sum(shares.values()) == (count if total else 0)
    for name, weight in weights.items():
        assert not total or abs(shares[name] - count * weight / total) < 1 + 1e-6


@given(WEIGHTS, st.dictionaries(st.sampled_from("甲乙丙丁戊"), COUNTS), COUNTS)
def test_what_one_is_short_of_goes_to_the_others(
    weights: dict[str, float], available: dict[str, int], count: int
) -> None:
    shares = shares_of(weights, available, count)
    assert all(0 <= share <= available.get(name, 0) for name, share in shares.items())
    there = sum(available.get(name, 0) for name, weight in weights.items() if weight)
    assert sum(shares.values()) == min(count, there)


def test_a_short_group_gives_its_rest_in_proportion() -> None:
    assert shares_of({"a": 2, "b": 1, "c": 1}, {"a": 1, "b": 9, "c": 9}, 8) == {"a": 1, "b": 4, "c": 3}
