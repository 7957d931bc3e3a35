"""Which questions are learnt and which are held out, so that knowing can be told from memorising.

group        near-twins (`near_twins`) stay together
profession   whole 专业 are held out
random       question by question
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from xiaoan.errors import UsageError
from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.question import Question
from xiaoan.training.data.near_twins import alike_texts, near_twin_groups
from xiaoan.training.data.pairs import Pair

Item = TypeVar("Item")

GROUP, PROFESSION, RANDOM = KINDS = ("group", "profession", "random")
"""The names of the kinds of split."""

_HOW = "写法：group:0.1（近似题不拆开）、random:0.1、profession:0.2 或 profession:变电,配电（整个专业）"


@dataclass(frozen=True)
class Split:
    """What a person asked for: a `share` of the questions held out, or the `professions` named."""

    kind: str
    share: float | None = None
    professions: tuple[str, ...] = ()


@dataclass(frozen=True)
class SplitFacts:
    """What a split did: how it was asked for, counts of questions and groups, and what was held out.

    `professions` are the 专业 held out; `held_out_items` are question ids, or places of pairs counted from 1.
    """

    kind: str
    share: float | None
    professions: tuple[str, ...]
    train: int
    held_out: int
    groups: int
    held_out_items: tuple[str, ...]


@dataclass(frozen=True)
class Parted(Generic[Item]):
    """Both sides of a split, each in the order given; neither is empty."""

    train: tuple[Item, ...]
    held_out: tuple[Item, ...]
    facts: SplitFacts


def parse_split(text: str) -> Split:
    """Return the split of `group:0.1`, `random:0.1`, `profession:0.2` or `profession:变电,配电`.

    Raises:
        UsageError: it is none of these.
    """
    kind, _, value = normalize_text(text).partition(":")
    if kind not in KINDS or not value:
        raise UsageError(f"看不懂 --split {text}。{_HOW}。")
    try:
        share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        if kind != PROFESSION:
            raise UsageError(f"--split {text} 里的「{value}」不是数。{_HOW}。") from None
        names = tuple(dict.fromkeys(filter(None, value.replace("、", ",").split(","))))
        if not names:
            raise UsageError(f"--split {text} 没有写专业。{_HOW}。") from None
        return Split(kind, None, names)
    if not 0 < share < 1:
        raise UsageError(f"--split {text} 里的 {value} 应在 0 和 1 之间，例如 0.1 是留出一成。{_HOW}。")
    return Split(kind, share)


def split_questions(questions: Sequence[Question], split: Split, seed: int) -> Parted[Question]:
    """Return the questions in two parts; the same for the same questions, split and seed.

    Raises:
        UsageError: a part would be empty, or a 专业 is unknown.
    """
    if split.kind == PROFESSION:
        groups = _by_profession(questions)
        if split.professions:
            return _without_professions(questions, split)
    elif split.kind == GROUP:
        groups = near_twin_groups(questions)
    else:
        groups = _equal([question.normal_stem for question in questions])
    held = _drawn(groups, len(questions), split, seed)
    return _parted(questions, held, split, len(groups), lambda place: questions[place].id)


def split_pairs(pairs: Sequence[Pair], split: Split, seed: int) -> Parted[Pair]:
    """Return pairs of a file in two parts, as `split_questions` does; equal contents stay together.

    Raises:
        UsageError: a part would be empty, or the split is by 专业, which a file does not tell.
    """
    if split.kind == PROFESSION:
        raise UsageError("训练文件里没有写专业，不能按专业分；请用 --split group:0.1 或 random:0.1。")
    texts = [pair.content for pair in pairs]
    groups = alike_texts(texts) if split.kind == GROUP else _equal(texts)
    held = _drawn(groups, len(pairs), split, seed)
    return _parted(pairs, held, split, len(groups), lambda place: str(place + 1))


def _equal(texts: Sequence[str]) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        found.setdefault(text, []).append(place)
    return list(found.values())


def _by_profession(questions: Sequence[Question]) -> list[list[int]]:
    return _equal([normalize_text(question.profession) for question in questions])


def _without_professions(questions: Sequence[Question], split: Split) -> Parted[Question]:
    names = [normalize_text(question.profession) for question in questions]
    unknown = [name for name in split.professions if name not in names]
    if unknown:
        known = "、".join(sorted(filter(None, set(names)))) or "（都没有写专业）"
        raise UsageError(f"题库里没有专业「{'、'.join(unknown)}」；有：{known}。")
    held = {place for place, name in enumerate(names) if name in split.professions}
    if len(held) == len(questions):
        raise UsageError(
            f"所有题都是专业「{'、'.join(split.professions)}」的，留出后没有题可学；请少写几个专业。"
        )
    return _parted(questions, held, split, len(set(names)), lambda place: questions[place].id)


def _drawn(groups: Sequence[Sequence[int]], count: int, split: Split, seed: int) -> set[int]:
    """Whole groups, drawn at random while they fit into the share; at least the smallest one.

    What comes to less than half the share, or takes most of the bank, is no split.

    Raises:
        UsageError: there is only one group, or none fits.
    """
    assert split.share is not None
    wanted = split.share * count
    order = list(groups)
    Random(f"split-{seed}").shuffle(order)
    held: set[int] = set()
    for group in order:
        if len(held) + len(group) <= wanted:
            held.update(group)
    if not held and order:
        smallest = min(order, key=len)
        held.update(smallest)
    too_few = wanted >= 2 and len(held) < wanted / 2
    too_many = len(held) == count or (len(held) > 0.5 * count and split.share <= 0.5)
    if not held or too_few or too_many:
        raise UsageError(_why_not(groups, count, split))
    return held


def _why_not(groups: Sequence[Sequence[int]], count: int, split: Split) -> str:
    if split.kind == PROFESSION:
        return (
            f"{count} 题只有 {len(groups)} 个专业，按专业分不成两份；请用 --split group:0.1 或 random:0.1。"
        )
    if count < 2:
        return f"只有 {count} 题，分不成学习和留出两份；请去掉 --split，或多给一些题。"
    largest = max(map(len, groups))
    return (
        f"{count} 题里有 {largest} 题互为近似题（题干大体相同），不拆开就分不成两份；"
        "请用 --split random:0.1，或换一个题目更多样的题库。"
    )


def _parted(
    items: Sequence[Item], held: set[int], split: Split, groups: int, name: Callable[[int], str]
) -> Parted[Item]:
    places = sorted(held)
    professions = split.professions
    if split.kind == PROFESSION:
        found = (getattr(items[place], "profession", "") for place in places)
        professions = tuple(dict.fromkeys(map(normalize_text, found)))
    return Parted(
        tuple(item for place, item in enumerate(items) if place not in held),
        tuple(items[place] for place in places),
        SplitFacts(
            kind=split.kind,
            share=split.share,
            professions=professions,
            train=len(items) - len(places),
            held_out=len(places),
            groups=groups,
            held_out_items=tuple(map(name, places)),
        ),
    )
