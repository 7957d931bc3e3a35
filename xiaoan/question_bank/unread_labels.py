"""Letters that look like labels of options, where no options could be read: A 甲 C 丙, or from the last to the first."""

from collections.abc import Sequence
from itertools import pairwise

from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.option_labels import (
    SEPARATORS,
    Label,
    bare_labels,
    find_labels,
    half_width,
    parts_options,
)

_FEWEST = 3
_MARKS = frozenset([".", "、", ":", ")", "()"])


def unread_labels(text: str) -> tuple[str, ...]:
    """Return the letters in `text`, as they come, that a person may have meant as labels; mostly nothing.

    At least three different ones, each with a text of its own, no two texts the same. For a text in which options
    have been read there is nothing to say.
    """
    narrow = half_width(text)
    marked = [one for one in find_labels(narrow) if _is_marked_letter(one)]
    bare = [one for one in bare_labels(narrow) if parts_options(narrow, one)]
    for labels in (marked, bare):
        if len({one.number for one in labels}) < _FEWEST:
            continue
        texts = _texts(narrow, labels)
        if all(texts) and len({*texts}) == len(texts):
            return tuple(place_letters(one.number) for one in labels)
    return ()


def _is_marked_letter(label: Label) -> bool:
    return label.family == "upper" and label.style in _MARKS and not label.doubtful


def _texts(narrow: str, labels: Sequence[Label]) -> list[str]:
    ends = [following.start for _, following in pairwise(labels)] + [len(narrow)]
    return [narrow[label.end : end].strip(SEPARATORS) for label, end in zip(labels, ends, strict=True)]
