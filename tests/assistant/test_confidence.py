"""Calibration: what is shown follows from two numbers, and those of the fit are the best ones."""

import math
import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoan.assistant.confidence import (
    AnswerKind,
    Calibration,
    Confidence,
    Level,
    Observation,
    answer_logit,
    fit_calibration,
    fit_numbers,
)

LOG_PROBABILITIES = st.floats(max_value=0.0, allow_nan=False)
FAMILIARITIES = st.floats(-1.0, 1.0)


@pytest.mark.parametrize(
    ("probability", "level"),
    [(1.0, Level.HIGH), (0.9, Level.HIGH), (0.899, Level.MIDDLE), (0.6, Level.MIDDLE), (0.599, Level.LOW)],
)
def test_levels_begin_where_the_docs_say(probability: float, level: Level) -> None:
    assert Confidence(probability).level is level


@pytest.mark.parametrize(
    ("log_probability", "logit"),
    [(math.log(0.5), 0.0), (math.log(0.8), math.log(4)), (0.0, 12.0), (-1e-18, 12.0), (-math.inf, -12.0)],
)
def test_the_logit_of_an_answer_is_finite(log_probability: float, logit: float) -> None:
    assert answer_logit(log_probability) == pytest.approx(logit)


def test_the_formula_is_that_of_the_docs() -> None:
    confidence = Calibration(4.0, 6.0, -3.0).confidence(math.log(0.8), 0.75)
    assert confidence.probability == pytest.approx(1 / (1 + math.exp(-(math.log(4) / 4 + 4.5 - 3))))


@given(LOG_PROBABILITIES, LOG_PROBABILITIES, FAMILIARITIES, FAMILIARITIES)
def test_more_probable_and_more_familiar_is_never_less_sure(
    one: float, other: float, familiar: float, more: float
) -> None:
    calibration = Calibration(3.0, 5.0, -2.0)
    low = calibration.confidence(min(one, other), min(familiar, more)).probability
    high = calibration.confidence(max(one, other), max(familiar, more)).probability
    assert 0 <= low <= high <= 1


@given(LOG_PROBABILITIES, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_no_calibration_overflows(log_probability: float, weight: float, bias: float) -> None:
    assert 0 <= Calibration(1e-3, weight, bias).confidence(log_probability, 1.0).probability <= 1


def grid(truth: Calibration, *, weight: float = 1.0) -> list[Observation]:
    """Answers of every kind, right and wrong as often as `truth` says."""
    made = []
    for logit, familiarity in product(range(-10, 11), [place / 20 for place in range(21)]):
        log_probability = -math.log1p(math.exp(-logit))
        probability = truth.confidence(log_probability, familiarity).probability
        made.append(Observation(log_probability, familiarity, True, weight=weight * probability))
        made.append(Observation(log_probability, familiarity, False, weight=weight * (1 - probability)))
    return made


def test_the_fit_finds_the_calibration_that_made_the_answers() -> None:
    fitted = fit_numbers(grid(Calibration(5.0, 3.0, -1.5)))
    assert fitted.temperature == pytest.approx(5.0, rel=0.02)
    assert fitted.familiarity_weight == pytest.approx(3.0, rel=0.02)
    assert fitted.bias == pytest.approx(-1.5, rel=0.02)


def test_only_the_proportion_of_the_weights_counts() -> None:
    truth = Calibration(5.0, 3.0, -1.5)
    few, many = fit_numbers(grid(truth)), fit_numbers(grid(truth, weight=1000.0))
    assert few.familiarity_weight == pytest.approx(many.familiarity_weight)


def test_no_calibration_nearby_is_better() -> None:
    random_source = random.Random(5)
    made = [
        Observation(-random_source.expovariate(1), random_source.random(), random_source.random() < 0.7)
        for _ in range(200)
    ]

    def surprise(calibration: Calibration) -> float:
        return -sum(
            math.log(p if one.right else 1 - p)
            for one in made
            for p in [calibration.confidence(one.log_probability, one.familiarity).probability]
        )

    fitted = fit_numbers(made)
    for slope, weight, bias in product((-0.02, 0, 0.02), (-0.1, 0, 0.1), (-0.1, 0, 0.1)):
        other = Calibration(
            1 / max(1 / fitted.temperature + slope, 1e-4),
            max(fitted.familiarity_weight + weight, 0.0),
            fitted.bias + bias,
        )
        assert surprise(fitted) <= surprise(other) + 0.05  # what the smoothed targets cost


def test_two_sets_that_one_line_parts_leave_the_numbers_finite() -> None:
    fitted = fit_numbers([Observation(0.0, 1.0, True)] * 100 + [Observation(-math.inf, 0.2, False)] * 100)
    assert 0 < fitted.temperature < 1e5
    assert fitted.confidence(0.0, 1.0).probability > 0.95
    assert fitted.confidence(-math.inf, 0.2).probability < 0.05


def test_ten_right_answers_of_ten_are_no_certainty() -> None:
    fitted = fit_numbers([Observation(-0.01, 1.0, True)] * 10)
    assert fitted.confidence(-0.01, 1.0).probability == pytest.approx(11 / 12, abs=0.01)


def test_what_would_speak_against_being_right_is_left_out() -> None:
    familiar = [Observation(-0.5, 0.9, right) for right in (True, False, False)] * 20
    strange = [Observation(-0.5, 0.1, right) for right in (True, True, False)] * 20
    fitted = fit_numbers(familiar + strange)
    assert fitted.familiarity_weight == 0
    improbable = [Observation(math.log(0.1), 0.5, True)] * 20 + [Observation(math.log(0.9), 0.5, False)] * 20
    fitted = fit_numbers(improbable)
    assert fitted.temperature == 1e4
    assert fitted.confidence(math.log(0.9), 0.5).probability == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("made", [[], [Observation(-0.5, 0.5, True, weight=0.0)]])
def test_nothing_to_fit_on_is_a_programmers_error(made: list[Observation]) -> None:
    with pytest.raises(ValueError, match="weight above 0"):
        fit_numbers(made)


def answers(kind: AnswerKind, *, right: int, wrong: int, familiarity: float) -> list[Observation]:
    return [Observation(-0.1, familiarity, place < right, kind) for place in range(right + wrong)]


def test_each_kind_of_answers_has_numbers_of_its_own_where_there_are_enough_of_it() -> None:
    trained = [
        *answers(AnswerKind.CHOSEN, right=30, wrong=0, familiarity=1.0),
        *answers(AnswerKind.JUDGED, right=30, wrong=0, familiarity=1.0),
        *answers(AnswerKind.WRITTEN, right=30, wrong=0, familiarity=1.0),
    ]
    strange = [
        *answers(AnswerKind.CHOSEN, right=0, wrong=30, familiarity=0.2),
        *answers(AnswerKind.JUDGED, right=15, wrong=15, familiarity=0.2),
        *answers(AnswerKind.WRITTEN, right=0, wrong=19, familiarity=0.2),
    ]
    fitted = fit_calibration([trained, strange])
    assert set(fitted.kinds) == {AnswerKind.CHOSEN, AnswerKind.JUDGED}
    chosen, judged, written = (
        fitted.confidence(-0.1, 0.2, kind).probability
        for kind in (AnswerKind.CHOSEN, AnswerKind.JUDGED, AnswerKind.WRITTEN)
    )
    assert chosen < 0.1
    assert judged == pytest.approx(0.5, abs=0.05)
    assert written == fitted.confidence(-0.1, 0.2).probability
    assert chosen < written < judged


def test_groups_weigh_alike_however_many_answers_they_have() -> None:
    right = answers(AnswerKind.CHOSEN, right=400, wrong=0, familiarity=0.5)
    wrong = answers(AnswerKind.CHOSEN, right=0, wrong=40, familiarity=0.5)
    assert fit_calibration([right, wrong]).confidence(-0.1, 0.5).probability == pytest.approx(0.5, abs=0.01)


def test_what_is_written_as_numbers_is_read_the_same_and_unknown_kinds_are_left_out() -> None:
    kinds = {AnswerKind.JUDGED: Calibration(5.0, 4.0, -2.0)}
    calibration = Calibration(6.0, 6.0, -2.5, kinds)
    written = {**{str(kind): own.numbers for kind, own in kinds.items()}, "drawn": calibration.numbers}
    assert Calibration.of_numbers(calibration.numbers, written) == calibration
    assert Calibration.of_numbers(calibration.numbers) == Calibration(6.0, 6.0, -2.5)
