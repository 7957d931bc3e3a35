"""Paired differences against values published, worked out by hand and found by brute force."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.sittings import sitting
from xiaoan.errors import UsageError
from xiaoan.evaluation.comparing import mcnemar_p_value, paired, paired_interval, pairs
from xiaoan.evaluation.sitting import Sitting


def sat(marks: str, *, form: str = "plain", first: int = 0) -> list[Sitting]:
    """Questions `first`, `first` + 1, …, right where `marks` has a 1."""
    return [sitting(first + place, right=mark == "1", form=form) for place, mark in enumerate(marks)]


def test_questions_are_counted_by_who_got_them_right() -> None:
    compared = paired(sat("11110000"), sat("11001110"))
    assert (compared.both, compared.only_a, compared.only_b, compared.neither) == (2, 2, 3, 1)
    assert (compared.n, compared.questions, compared.difference) == (8, 8, 1 / 8)
    assert compared.p_value == 1.0
    assert compared.low < 0 < compared.high


def test_the_order_of_the_questions_does_not_matter() -> None:
    a, b = sat("1111000"), sat("1100111")
    assert paired(a, b) == paired(a[::-1], b[3:] + b[:3])


def test_the_published_example_of_few_questions_has_its_published_figures() -> None:
    # Bentur et al., 2009, after Fagerland, Lydersen and Laake, 2014: 1, 1, 7 and 12 children of 21.
    a, b = "1" + "1" + "0" * 7 + "0" * 12, "1" + "0" + "1" * 7 + "0" * 12
    compared = paired(sat(a), sat(b))
    assert compared.difference == pytest.approx(0.286, abs=5e-4)
    assert (compared.low, compared.high) == pytest.approx((0.026, 0.517), abs=5e-4)
    assert compared.p_value == pytest.approx(0.070, abs=5e-4)


@pytest.mark.parametrize(
    ("one", "other", "p_value"),
    [
        (0, 0, 1.0),
        (3, 3, 1.0),
        (1, 0, 1.0),
        (0, 5, 2 / 32),
        (1, 5, 2 * (1 + 6) / 64),
        (2, 8, 2 * (1 + 10 + 45) / 1024),
        (15, 5, 0.0413895),
    ],
)
def test_the_exact_test_is_a_binomial_of_one_half(one: int, other: int, p_value: float) -> None:
    assert mcnemar_p_value(one, other) == pytest.approx(p_value, rel=1e-5)
    assert mcnemar_p_value(other, one) == mcnemar_p_value(one, other)


def test_thousands_of_differing_questions_are_no_trouble() -> None:
    z = (6200 - 6000 - 1) / math.sqrt(12_200)
    assert mcnemar_p_value(6000, 6200) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-2)
    assert mcnemar_p_value(0, 12_000) == 0.0


def likelihood(gained: int, lost: int, n: int, p_gained: float, p_lost: float) -> float:
    parts = ((gained, p_gained), (lost, p_lost), (n - gained - lost, 1 - p_gained - p_lost))
    if any(count and share <= 0 for count, share in parts):
        return -math.inf
    return sum(count * math.log(share) for count, share in parts if count)


def brute_score(difference: float, gained: int, lost: int, n: int) -> float:
    """The score statistic, with the likeliest shares found by trying 40,000 of them."""
    tried = [place / 40_000 for place in range(1, 40_000)]
    allowed = [share for share in tried if share + difference >= 0 and 2 * share + difference <= 1]
    best = max(allowed, key=lambda share: likelihood(gained, lost, n, share + difference, share))
    variance = n * (2 * best + difference - difference**2)
    return (gained - lost - n * difference) / math.sqrt(variance)


@pytest.mark.parametrize(("gained", "lost", "n"), [(7, 1, 21), (10, 10, 40)])
def test_at_its_ends_the_interval_has_the_score_of_97_5_percent(gained: int, lost: int, n: int) -> None:
    low, high = paired_interval(gained, lost, n)
    assert brute_score(low, gained, lost, n) == pytest.approx(1.96, abs=2e-3)
    assert brute_score(high, gained, lost, n) == pytest.approx(-1.96, abs=2e-3)


def test_where_the_two_never_differ_the_interval_is_that_of_so_many_questions() -> None:
    squared = 1.959963984540054**2
    assert paired_interval(0, 0, 10) == pytest.approx((-squared / (10 + squared), squared / (10 + squared)))
    assert paired_interval(10, 0, 10)[1] == 1.0
    assert paired_interval(0, 10, 10)[0] == -1.0


@given(st.integers(1, 80).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))))
def test_every_interval_holds_its_difference_and_turns_with_the_sides(numbers: tuple[int, int, int]) -> None:
    n, gained, lost = numbers[0], numbers[1], min(numbers[2], numbers[0] - numbers[1])
    low, high = paired_interval(gained, lost, n)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert paired_interval(lost, gained, n) == pytest.approx((-high, -low), abs=1e-9)


def test_forms_of_one_question_count_as_one_question_for_interval_and_test() -> None:
    forms = ("plain", "options", "shuffled")
    marks = ("1" * 10 + "0" * 4, "1" * 6 + "0" * 4 + "1" * 4)
    once = paired(*(sat(own) for own in marks))
    thrice = paired(*([row for form in forms for row in sat(own, form=form)] for own in marks))
    assert (thrice.n, thrice.questions) == (42, 14)
    assert thrice.difference == once.difference
    assert (thrice.low, thrice.high, thrice.p_value) == pytest.approx((once.low, once.high, once.p_value))


def test_rotations_are_paired_one_by_one() -> None:
    a = [sitting(0, turn=turn, right=turn == 0, form="circular") for turn in range(3)]
    b = [sitting(0, turn=turn, right=True, form="circular") for turn in range(3)]
    assert (paired(a, b).both, paired(a, b).only_b) == (1, 2)


def test_what_only_one_of_them_sat_is_told_and_counted_nowhere() -> None:
    compared = paired(sat("110"), sat("0111", first=1))
    assert (compared.n, compared.unpaired_a, compared.unpaired_b) == (2, 1, 2)
    assert (compared.only_a, compared.only_b) == (1, 1)
    assert [one.id for one, _ in pairs(sat("110"), sat("0111", first=1))] == ["1", "2"]


def test_nothing_in_common_is_an_error_that_says_what_each_has() -> None:
    for a, b in product([sat("11"), []], [sat("11", form="options"), []]):
        with pytest.raises(UsageError, match=r"没有可以比的题.*--seed"):
            paired(a, b)
    with pytest.raises(UsageError, match="前一次 2 道（plain），后一次 2 道（options）"):
        paired(sat("11"), sat("11", form="options"))


def test_a_row_that_is_there_twice_cannot_be_paired() -> None:
    with pytest.raises(UsageError, match=r"后一次.*（plain）出现了两次"):
        paired(sat("11"), [*sat("11"), *sat("1")])
