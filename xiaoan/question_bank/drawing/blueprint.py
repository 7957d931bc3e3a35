"""What a mock paper is made of: parts with their 题型, numbers and points; and the drawing of one from a bank."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.drawing.selection import Wanted, in_any_order, select
from xiaoan.question_bank.drawing.shares import largest_remainder, shares_of
from xiaoan.question_bank.drawing.shuffling import shuffle_options
from xiaoan.question_bank.grading import PartialCredit
from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.question import QuestionType

if TYPE_CHECKING:
    from xiaoan.question_bank.store.stored_bank import StoredBank

TITLE = "模拟测验"
PASS_PERCENT = 80.0


@dataclass(frozen=True)
class Part:
    """So many questions of one 题型, each worth `points`.

    Empty `professions` and `chapters` mean any; a chapter is 变电安规 7, as statistics counts them, or 7 for that
    of any regulation. With weights the number is split in proportion: over the names with a weight and, as if of
    weight 1, the others listed.
    """

    question_type: QuestionType
    count: int
    points: float = 1.0
    professions: tuple[str, ...] = ()
    chapters: tuple[str, ...] = ()
    profession_weights: Mapping[str, float] = field(default_factory=dict)
    chapter_weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The 题型, and in brackets what it is narrowed to."""
        narrowed = [*(self.professions or self.profession_weights), *(self.chapters or self.chapter_weights)]
        return f"{self.question_type}（{'、'.join(narrowed)}）" if narrowed else str(self.question_type)


@dataclass(frozen=True)
class Blueprint:
    """A kind of paper. `minutes` None is no limit; `partial_credit` None leaves it to the settings."""

    title: str
    parts: tuple[Part, ...]
    minutes: float | None = None
    pass_percent: float = PASS_PERCENT
    partial_credit: PartialCredit | None = None

    @property
    def count(self) -> int:
        """How many questions a whole paper has."""
        return sum(part.count for part in self.parts)


DEFAULT_BLUEPRINT = Blueprint(
    TITLE,
    (
        Part(QuestionType.SINGLE, 40),
        Part(QuestionType.MULTIPLE, 15, points=2.0),
        Part(QuestionType.JUDGE, 30),
    ),
    minutes=90.0,
)


def read_blueprint(path: Path) -> Blueprint:
    """Return the blueprint in the TOML file `path`.

    Raises:
        UsageError: no such file, bad TOML, an unknown key or a wrong value; names them all, each with its part.
        StorageError: the file cannot be read.
    """
    from xiaoan.question_bank.drawing.blueprint_file import read

    return read(path)


def narrowed(blueprint: Blueprint, types: Sequence[QuestionType]) -> Blueprint:
    """Return the blueprint with its parts of these 题型 only (empty: all), and the minutes in proportion.

    A 题型 that it has no part for becomes a part as large as its largest, 1 point each.
    """
    if not types:
        return blueprint
    kept = [part for part in blueprint.parts if part.question_type in types]
    known = {part.question_type for part in kept}
    largest = max(part.count for part in blueprint.parts)
    added = [Part(kind, largest) for kind in dict.fromkeys(types) if kind not in known]
    return _with_parts(blueprint, (*kept, *added))


def scaled(blueprint: Blueprint, count: int) -> Blueprint:
    """Return the blueprint with `count` questions, split over its parts as before, and the minutes in proportion.

    Raises:
        UsageError: `count` is no positive number.
    """
    if count < 1:
        raise UsageError(f"题数写的是 {count}，至少要 1 题。")
    shares = largest_remainder({place: part.count for place, part in enumerate(blueprint.parts)}, count)
    parts = [replace(part, count=shares[place]) for place, part in enumerate(blueprint.parts)]
    return _with_parts(blueprint, tuple(part for part in parts if part.count))


def _with_parts(blueprint: Blueprint, parts: tuple[Part, ...]) -> Blueprint:
    changed = replace(blueprint, parts=parts)
    if blueprint.minutes is None or changed.count == blueprint.count:
        return changed
    return replace(
        changed, minutes=max(1.0, float(round(blueprint.minutes * changed.count / blueprint.count)))
    )


def draw_paper(
    bank: "StoredBank",
    blueprint: Blueprint,
    wanted: Wanted,
    *,
    rng: random.Random,
    seed: int,
    partial_credit: PartialCredit,
) -> Paper:
    """Return a paper drawn by `blueprint` from what is `wanted` of the bank, no question twice.

    Parts come in their order, the questions of each in any. What the bank is short of is missing, and said in
    the paper's notes. The same questions, blueprint, wishes and state of `rng` give the same paper.

    Args:
        bank: where the questions come from.
        blueprint: what the paper is made of.
        wanted: what narrows it.
        rng: where chance comes from; of its methods only `random` is used.
        seed: the number that `rng` was made from, to tell it to the person.
        partial_credit: what counts where the blueprint says nothing.

    Raises:
        UsageError: as `select`; or the bank has nothing for any part.
    """
    blueprint = narrowed(blueprint, wanted.types)
    allowed = set(select(bank, wanted)) if wanted != Wanted(types=wanted.types) else None
    candidates = [_candidates(bank, part, allowed) for part in blueprint.parts]
    drawn: dict[int, list[str]] = {}
    used: set[str] = set()
    # Parts with the least to choose from first, so that a wider one takes nothing away from them.
    for place in sorted(range(len(candidates)), key=lambda place: len(candidates[place].ids)):
        drawn[place] = candidates[place].draw(blueprint.parts[place].count, used, rng)
        used.update(drawn[place])
    if not used:
        raise UsageError(
            f"题库里没有“{blueprint.title}”要的题：{'、'.join(p.title for p in blueprint.parts)}。"
        )
    items: list[PaperItem] = []
    for place, part in enumerate(blueprint.parts):
        questions = bank.questions_of(in_any_order(drawn[place], rng))
        items += [PaperItem(shuffle_options(question, rng), part.points) for question in questions]
    return Paper(
        blueprint.title,
        tuple(items),
        seed,
        limit_s=None if blueprint.minutes is None else blueprint.minutes * 60,
        pass_percent=blueprint.pass_percent,
        partial_credit=partial_credit if blueprint.partial_credit is None else blueprint.partial_credit,
        notes=tuple(_shortages(blueprint.parts, drawn)),
    )


def _shortages(parts: Sequence[Part], drawn: Mapping[int, Sequence[str]]) -> list[str]:
    return [
        f"{part.title}要 {part.count} 道，题库里只有 {len(drawn[place])} 道可出，少 {part.count - len(drawn[place])} 道。"
        for place, part in enumerate(parts)
        if len(drawn[place]) < part.count
    ]


@dataclass(frozen=True)
class _Grouping:
    """The group of each id, and the weight of each group; `splits` says that the weights share out the number."""

    group_of: Mapping[str, str]
    weights: Mapping[str, float]
    splits: bool

    def kept(self, ids: Sequence[str]) -> list[str]:
        """Return the ids whose group has a weight."""
        return [one for one in ids if self.weights.get(self.group_of[one])]


@dataclass(frozen=True)
class _Candidates:
    """The questions that may stand in a part, and how its number is shared out over them."""

    ids: tuple[str, ...]
    groupings: tuple[_Grouping, ...]

    def draw(self, count: int, used: set[str], rng: random.Random) -> list[str]:
        """Return the ids of `count` questions that are not `used`, or of all there are."""
        return _draw([one for one in self.ids if one not in used], count, self.groupings, rng)


def _draw(ids: Sequence[str], count: int, groupings: Sequence[_Grouping], rng: random.Random) -> list[str]:
    if not groupings:
        return in_any_order(ids, rng)[:count]
    first, *others = groupings
    groups: dict[str, list[str]] = {name: [] for name in first.weights}
    for question_id in ids:
        groups[first.group_of[question_id]].append(question_id)
    shares = shares_of(first.weights, {name: len(group) for name, group in groups.items()}, count)
    return [one for name, group in groups.items() for one in _draw(group, shares[name], others, rng)]


def _candidates(bank: "StoredBank", part: Part, allowed: set[str] | None) -> _Candidates:
    """What `part` may be made of; question bodies are fetched only where chapters are asked for."""
    ids = [one for one in bank.ids([part.question_type]) if allowed is None or one in allowed]
    groupings: list[_Grouping] = []
    if part.professions or part.profession_weights:
        weights = _weights(part.professions, part.profession_weights, normalize_text)
        of_bank = _professions(bank, part.question_type)
        groupings.append(_Grouping(of_bank, weights, bool(part.profession_weights)))
        ids = groupings[-1].kept(ids)
    if part.chapters or part.chapter_weights:
        from xiaoan.question_bank.statistics import clause_chapter

        weights = _weights(part.chapters, part.chapter_weights, clause_chapter)
        of_bank = {
            question.id: _listed_chapter(clause_chapter(question.clause), weights)
            for question in bank.questions_of(ids)
        }
        groupings.append(_Grouping(of_bank, weights, bool(part.chapter_weights)))
        ids = groupings[-1].kept(ids)
    return _Candidates(tuple(ids), tuple(grouping for grouping in groupings if grouping.splits))


def _listed_chapter(chapter: str, listed: Collection[str]) -> str:
    """The chapter by the name that it is listed by: its own, or its number, which stands for that of any regulation."""
    number = chapter.rpartition(" ")[2]
    return number if number in listed and chapter not in listed else chapter


def _professions(bank: "StoredBank", question_type: QuestionType) -> dict[str, str]:
    return {
        question_id: normalize_text(name)
        for name in ("", *bank.by_profession())
        for question_id in bank.ids([question_type], [name])
    }


def _weights(
    names: Sequence[str], weights: Mapping[str, float], spelt: Callable[[str], str]
) -> dict[str, float]:
    """The weight of each name: of those listed 1 where none is given."""
    return dict.fromkeys(map(spelt, names), 1.0) | {spelt(name): weight for name, weight in weights.items()}
