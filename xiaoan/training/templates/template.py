"""What a template consists of once it has been read and checked: slots, tasks with their cases, faults."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from xiaoan.training.templates.conditions import Value
from xiaoan.training.templates.masks import Faults
from xiaoan.training.templates.wording import Wording


@dataclass(frozen=True)
class Slot:
    """A named place for a value.

    Attributes:
        name: as it stands in braces.
        values: texts to choose from, which may name other slots; empty for a number slot.
        numbers: numbers to choose from; empty for a text slot.
        digits: how a number is said: ARABIC, CHINESE or, with None, either.
        pick: least and most of the values that are said at once, in any order; None: one value.
        join: what stands between several.
        sorted: whether the answer has several in the file's order rather than as they were said.
    """

    name: str
    values: tuple[Wording, ...] = ()
    numbers: tuple[Decimal, ...] = ()
    digits: str | None = None
    pick: tuple[int, int] | None = None
    join: str = "、"
    sorted: bool = False


@dataclass(frozen=True)
class Case:
    """One branch of a task: the answer, how it is said, and which values lead here.

    `combinations` are values of the task's `fixed` slots, in their order, for which this is the first case whose
    condition holds.
    """

    says: tuple[Wording, ...]
    answer: Wording
    combinations: tuple[tuple[Value, ...], ...] = ((),)


@dataclass(frozen=True)
class Task:
    """A step and its cases.

    Attributes:
        step: the content; `%s` in it becomes what was said.
        parts: said in any order where `{乱序}` stands, with `join` between them.
        fixed: the slots in conditions.
        depends: all slots that the answer depends on, those in it and those in conditions.
        telling: characters that tell the answers of this step apart; faults neither touch nor bring them.
    """

    step: Wording
    cases: tuple[Case, ...]
    parts: tuple[Wording, ...] = ()
    join: str = "，"
    fixed: tuple[str, ...] = ()
    depends: frozenset[str] = frozenset()
    telling: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Template:
    """A checked template: every pair drawn from it has its answer in what was said."""

    title: str
    slots: Mapping[str, Slot]
    tasks: tuple[Task, ...]
    faults: Faults | None = None
