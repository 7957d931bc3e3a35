"""How sure may one be of an answer? A probability of being right, fitted on questions whose answers are known.

Two things are weighed. The probability that the model gives its own answer, softened by one temperature (Guo et al.,
"On Calibration of Modern Neural Networks", 2017): a fine-tuned model is too sure. And how near the question is to the
nearest that the model was trained on (Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", 2022):
on a statement to be judged a model is sure of 正确 or 错误 even where it knows nothing.

    p(right) = sigmoid(logit(p(answer)) / temperature + weight * familiarity + bias)

A free text, a choice among options and a judgement have each numbers of their own: that a text of ten words is probable
says much, that 正确 is more probable than 错误 says little (docs/log.md has what this is worth). The numbers are those
of a logistic regression, with the smoothed targets of Platt ("Probabilistic Outputs for Support Vector Machines",
1999): n right answers make nobody surer than (n + 1) / (n + 2).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HIGH, MIDDLE = 0.9, 0.6
"""From these probabilities on 把握 is called high, and middle."""

_LARGEST_LOGIT = 12.0
"""p(answer) is taken as no nearer to 0 and 1 than this, so that one hopeless question does not rule a fit."""
_LOGIT_UNIT = 4.0
"""Logits are spread about so many times as wide as familiarities: the ridge shall weigh on both alike."""
_RIDGE = 1e-4
"""Of the mean loss: with two sets that one line parts, or a familiarity that never varies, the numbers stay small."""
_LARGEST_TEMPERATURE = 1e4
_LARGEST_EXPONENT = 500.0
_FEWEST = 20
_NEWTON_STEPS = 50
_SETTLED = 1e-9


class Level(StrEnum):
    """把握, in words."""

    HIGH = "high"
    MIDDLE = "middle"
    LOW = "low"


@dataclass(frozen=True)
class Confidence:
    """A calibrated probability of being right."""

    probability: float

    @property
    def level(self) -> Level:
        """How that is called."""
        if self.probability >= HIGH:
            return Level.HIGH
        return Level.MIDDLE if self.probability >= MIDDLE else Level.LOW


class AnswerKind(StrEnum):
    """How an answer came about: written freely, chosen among texts, or one of 正确 and 错误."""

    WRITTEN = "written"
    CHOSEN = "chosen"
    JUDGED = "judged"


@dataclass(frozen=True)
class Calibration:
    """What was fitted: see the head of this file.

    Attributes:
        temperature: more than 0.
        familiarity_weight: at least 0.
        bias: any.
        kinds: the numbers of one kind of answers each; the three above are for the kinds that are not here.
    """

    temperature: float
    familiarity_weight: float
    bias: float
    kinds: Mapping[AnswerKind, "Calibration"] = field(default_factory=dict)

    @classmethod
    def of_numbers(
        cls, numbers: Mapping[str, float], kinds: Mapping[str, Mapping[str, float]] | None = None
    ) -> "Calibration":
        """Return the calibration of what `numbers` named; kinds of answers that nobody here knows are left out."""
        known = {kind: kinds[kind] for kind in AnswerKind if kind in kinds} if kinds else {}
        three = (numbers["temperature"], numbers["familiarity_weight"], numbers["bias"])
        return cls(*three, {kind: cls.of_numbers(own) for kind, own in known.items()})

    @property
    def numbers(self) -> dict[str, float]:
        """The three numbers by their names, without those of the kinds."""
        return {
            "temperature": self.temperature,
            "familiarity_weight": self.familiarity_weight,
            "bias": self.bias,
        }

    def confidence(
        self, log_probability: float, familiarity: float, kind: AnswerKind = AnswerKind.WRITTEN
    ) -> Confidence:
        """Return how sure one may be of an answer of this log-probability to a question this familiar."""
        own = self.kinds.get(kind, self)
        logit = answer_logit(log_probability) / own.temperature
        logit += own.familiarity_weight * familiarity + own.bias
        return Confidence(1 / (1 + math.exp(-max(-_LARGEST_EXPONENT, min(logit, _LARGEST_EXPONENT)))))


@dataclass(frozen=True)
class Observation:
    """An answer whose worth is known.

    Attributes:
        log_probability: of the answer, at most 0; -inf for an empty one.
        familiarity: of its question.
        right: whether it was the official answer.
        kind: of the answer.
        weight: how much it counts beside the others, more than 0.
    """

    log_probability: float
    familiarity: float
    right: bool
    kind: AnswerKind = AnswerKind.WRITTEN
    weight: float = 1.0


def answer_logit(log_probability: float) -> float:
    """Return logit(p) of p = exp(`log_probability`), between -12 and 12."""
    if log_probability >= 0:
        return _LARGEST_LOGIT
    logit = log_probability - math.log(-math.expm1(log_probability))
    return max(-_LARGEST_LOGIT, min(logit, _LARGEST_LOGIT))


def fit_calibration(groups: Sequence[Sequence[Observation]]) -> Calibration:
    """Return the calibration under which what was observed is most probable, with numbers for each kind of answers.

    A kind gets none of its own where a group has fewer than `_FEWEST` answers of it.

    Args:
        groups: answers to questions of one sort each; groups weigh alike, however many answers they have.

    Raises:
        ValueError: there is no answer at all.
    """
    kinds = {}
    for kind in AnswerKind:
        own = [[one for one in group if one.kind is kind] for group in groups]
        if all(len(group) >= _FEWEST for group in own):
            kinds[kind] = fit_numbers(_weighing_alike(own))
    return replace(fit_numbers(_weighing_alike(groups)), kinds=kinds)


def _weighing_alike(groups: Sequence[Sequence[Observation]]) -> list[Observation]:
    return [replace(one, weight=1 / len(group)) for group in groups for one in group]


def fit_numbers(observations: Sequence[Observation]) -> Calibration:
    """Return the three numbers under which what was observed is most probable, whatever the kind of answers.

    Neither a probable answer nor a familiar question may speak against being right: what the observations would have
    do so is left out, and counts for nothing.

    Raises:
        ValueError: there are no observations, or a weight is not above 0.
    """
    import numpy as np

    if not observations or any(one.weight <= 0 for one in observations):
        raise ValueError("a calibration needs observations, each with a weight above 0")
    weights = np.array([one.weight for one in observations])
    weights = weights / weights.sum()
    right = np.array([one.right for one in observations])
    columns = np.array(
        [(answer_logit(one.log_probability) / _LOGIT_UNIT, one.familiarity, 1.0) for one in observations]
    )
    targets = _smoothed(right, weights * len(observations))
    used = [True, True, True]
    while True:
        fitted = np.zeros(len(used))
        fitted[used] = _logistic_regression(columns[:, used], targets, weights)
        if (fitted[:-1] >= 0).all():
            break
        used[int(fitted[:-1].argmin())] = False
    slope = float(fitted[0]) / _LOGIT_UNIT
    return Calibration(1 / max(slope, 1 / _LARGEST_TEMPERATURE), float(fitted[1]), float(fitted[2]))


def _smoothed(right: "NDArray[np.bool_]", counts: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Platt's targets for [n] answers that count so many times: a little less than 1, a little more than 0."""
    import numpy as np

    n_right, n_wrong = float(counts[right].sum()), float(counts[~right].sum())
    return np.where(right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))


def _logistic_regression(
    columns: "NDArray[np.float64]", targets: "NDArray[np.float64]", weights: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    """The [k] coefficients of [n, k] columns, by Newton's method with steps halved where they lead uphill.

    `targets` [n] are probabilities, `weights` [n] sum up to 1.
    """
    import numpy as np

    def loss(coefficients: "NDArray[np.float64]") -> float:
        logits = columns @ coefficients
        surprise = np.logaddexp(0, logits) - targets * logits
        return float(weights @ surprise + _RIDGE / 2 * coefficients @ coefficients)

    coefficients = np.zeros(columns.shape[1])
    for _ in range(_NEWTON_STEPS):
        probabilities = 1 / (1 + np.exp(-(columns @ coefficients)))
        slope = columns.T @ (weights * (probabilities - targets)) + _RIDGE * coefficients
        curvature = columns.T @ (columns * (weights * probabilities * (1 - probabilities))[:, None])
        step = np.linalg.solve(curvature + _RIDGE * np.eye(len(slope)), slope)
        while loss(coefficients - step) > loss(coefficients) and float(abs(step).max()) > _SETTLED:
            step = step / 2
        coefficients = coefficients - step
        if float(abs(step).max()) <= _SETTLED:
            break
    return coefficients
