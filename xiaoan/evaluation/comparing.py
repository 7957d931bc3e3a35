"""Is one bot better than another? The same questions, answered by both, counted in pairs.

Only the questions on which the two differ say anything (Q. McNemar, 1947). The difference has Tango's score interval
(T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
1998), which holds for few questions and where the two never differ.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from xiaoan.errors import UsageError
from xiaoan.evaluation.sitting import Sitting

_NORMAL_975 = 1.959963984540054
_HALVINGS = 60
"""An interval of length 2 halved so often is shorter than a double can tell."""

_Key = tuple[str, str, int]


@dataclass(frozen=True)
class Paired:
    """What two bots made of the same questions.

    Attributes:
        n: pairs: questions in a form (and rotation) that both sat.
        questions: how many different questions they are.
        both: pairs that both got right.
        only_a: that only the first got right.
        only_b: that only the second got right.
        neither: that neither got right.
        low: lower end of the 95 % interval of `difference`, from -1 to 1.
        high: its upper end.
        p_value: of the exact two-sided McNemar test: how often two bots that are equally good would differ by as
            much or more; 1 where they never differ.
        unpaired_a: what only the first sat, which is in no other figure.
        unpaired_b: what only the second sat.
    """

    n: int
    questions: int
    both: int
    only_a: int
    only_b: int
    neither: int
    low: float
    high: float
    p_value: float
    unpaired_a: int = 0
    unpaired_b: int = 0

    @property
    def difference(self) -> float:
        """The second's share of right answers less the first's, from -1 to 1."""
        return (self.only_b - self.only_a) / self.n


def paired(a: Sequence[Sitting], b: Sequence[Sitting]) -> Paired:
    """Return how `b` compares with `a`, over the rows that both have.

    The answers to one question in several forms are no independent trials. So where there are more pairs than
    questions, interval and test are computed as if there had been one pair to a question, the four counts in the same
    proportion; that errs on the side of seeing no difference. Of a single form both are exact.

    Raises:
        UsageError: as `pairs` does.
    """
    rows = pairs(a, b)
    counts = Counter((one.right, other.right) for one, other in rows)
    only_a, only_b = counts[True, False], counts[False, True]
    questions = len({one.id for one, _ in rows})
    low, high = paired_interval(only_b * questions / len(rows), only_a * questions / len(rows), questions)
    most, least = max(only_a, only_b) * questions, min(only_a, only_b) * questions
    return Paired(
        n=len(rows),
        questions=questions,
        both=counts[True, True],
        only_a=only_a,
        only_b=only_b,
        neither=counts[False, False],
        low=low,
        high=high,
        p_value=mcnemar_p_value(most // len(rows), -(-least // len(rows))),
        unpaired_a=len(a) - len(rows),
        unpaired_b=len(b) - len(rows),
    )


def pairs(a: Sequence[Sitting], b: Sequence[Sitting]) -> list[tuple[Sitting, Sitting]]:
    """Return the rows of the same question, form and rotation in both, in the order of `a`.

    Raises:
        UsageError: there is none, or one of the two has a row twice.
    """
    first, second = _by_key(a, "前一次"), _by_key(b, "后一次")
    rows = [(one, second[key]) for key, one in first.items() if key in second]
    if not rows:
        raise UsageError(
            f"没有可以比的题：前一次 {len(a)} 道（{_forms_of(a)}），后一次 {len(b)} 道（{_forms_of(b)}），没有一道题和问法都相同。"
            "请用同一份题、同样的 --form、--limit 和 --seed 各考一次再比。"
        )
    return rows


def mcnemar_p_value(one: int, other: int) -> float:
    """Return the exact two-sided p-value of `one` against `other` pairs that differ: a binomial test of one half."""
    differing, fewer = one + other, min(one, other)
    tail, ways = 0, 1
    for wins in range(fewer + 1):
        tail += ways
        ways = ways * (differing - wins) // (wins + 1)
    chances: int = 2**differing
    return min(1.0, 2 * tail / chances)


def paired_interval(gained: float, lost: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of (`gained` - `lost`) / `n`, both ends between -1 and 1.

    Args:
        gained: pairs that only the second got right.
        lost: pairs that only the first got right; not negative, and with `gained` at most `n`.
        n: all pairs, at least one.
    """
    high = _where_score_is(-_NORMAL_975, gained, lost, n)
    return _where_score_is(_NORMAL_975, gained, lost, n), high


def _where_score_is(wanted: float, gained: float, lost: float, n: int) -> float:
    """The difference at which the score statistic, which falls as the difference grows, is `wanted`."""
    low, high = -1.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _score(middle, gained, lost, n) > wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _score(difference: float, gained: float, lost: float, n: int) -> float:
    """How many standard deviations the counts lie above what a true `difference` lets expect (Tango, 1998, (11)).

    `likely_lost` is the most likely share of `lost` among all pairs if the true difference is `difference`.
    """
    a = 2.0 * n
    b = (a - gained + lost) * difference - gained - lost
    c = -lost * difference * (1 - difference)
    likely_lost = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = n * (2 * likely_lost + difference * (1 - difference))
    above = gained - lost - n * difference
    if variance <= 0:  # nothing ever differs, or everything does
        return math.copysign(math.inf, above) if above else 0.0
    return above / math.sqrt(variance)


def _by_key(sittings: Sequence[Sitting], which: str) -> dict[_Key, Sitting]:
    found: dict[_Key, Sitting] = {}
    for sitting in sittings:
        key = (sitting.id, sitting.form, sitting.turn)
        if found.setdefault(key, sitting) is not sitting:
            raise UsageError(
                f"{which}考试的记录里，同一道题用同一种问法（{sitting.form}）出现了两次：{sitting.stem}。没法配对，请重新考一次。"
            )
    return found


def _forms_of(sittings: Sequence[Sitting]) -> str:
    return "、".join(dict.fromkeys(sitting.form for sitting in sittings)) or "空的"
