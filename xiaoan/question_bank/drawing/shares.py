"""A count split by weights into whole numbers, by largest remainder."""

from collections.abc import Hashable, Mapping
from fractions import Fraction
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def largest_remainder(weights: Mapping[Name, float], count: int) -> dict[Name, int]:
    """Return whole shares of `count` in proportion to `weights`; of equal remainders the first name's goes up.

    Weights are not negative; where all are 0 every share is 0.
    """
    total = sum(map(Fraction, weights.values()))
    if not total:
        return dict.fromkeys(weights, 0)
    exact = {name: Fraction(weight) * count / total for name, weight in weights.items()}
    shares = {name: int(quota) for name, quota in exact.items()}
    rest = count - sum(shares.values())
    for name in sorted(exact, key=lambda name: shares[name] - exact[name])[:rest]:
        shares[name] += 1
    return shares


def shares_of(weights: Mapping[Name, float], available: Mapping[Name, int], count: int) -> dict[Name, int]:
    """Return shares as `largest_remainder`, none over what is `available`; the rest of one goes to the others.

    They are `count` altogether, or all that is available to names with a weight.
    """
    shares = dict.fromkeys(weights, 0)
    open_names = {name: weight for name, weight in weights.items() if weight and available.get(name)}
    while open_names:
        wanted = largest_remainder(open_names, count - sum(shares.values()))
        full = [name for name, share in wanted.items() if share >= available[name]]
        if not full:
            return shares | wanted
        for name in full:
            shares[name] = available[name]
            del open_names[name]
    return shares
