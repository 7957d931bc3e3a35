"""Template files read whole: `[[slot]]`, `[[task]]` with its cases, `[masks]`; every fault is named with its place."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from xiaoan.errors import UsageError
from xiaoan.question_bank.slips import is_neutral
from xiaoan.training.templates import masks
from xiaoan.training.templates.conditions import (
    OTHERWISE,
    Condition,
    ConditionError,
    Value,
    parse_condition,
)
from xiaoan.training.templates.documents import read_document
from xiaoan.training.templates.fields import Fields, listed, shown
from xiaoan.training.templates.slot_tables import MOST_SLOTS, read_slots
from xiaoan.training.templates.template import Case, Slot, Task, Template
from xiaoan.training.templates.whole_template import (
    check_same_words,
    check_use,
    contents_of,
    named_in,
    with_telling,
)
from xiaoan.training.templates.wording import SHUFFLE, Literal, Wording, parse_wording

SPEECH: Final = "%s"
"""Where the recognised speech stands in a step."""

MOST_TASKS: Final = 1000
MOST_SAYINGS: Final = 1000
MOST_CASES: Final = 50
MOST_COMBINATIONS: Final = 50_000
_FAULTS_SHOWN: Final = 12


def read_template(path: Path) -> Template:
    """Return the template of a `.toml`, `.yaml` or `.yml` file.

    Raises:
        UsageError: the file cannot be used; its faults are listed.
        StorageError: it cannot be read.
    """
    faults: list[str] = []
    document = Fields(read_document(path), "文件", faults)
    document.only("title", "slot", "task", "masks")
    title = document.text("title", path.stem)
    slots = read_slots(document.tables("slot", MOST_SLOTS), faults)
    tables = document.tables("task", MOST_TASKS)
    if document.table.get("task", []) == []:
        faults.append("没有任务：至少要有一个 [[task]]，里面写 step、say 和 answer")
    contents = contents_of(slots)
    tasks = [_TaskReader(table, place, slots, contents, faults).task() for place, table in enumerate(tables)]
    kept = with_telling([task for task in tasks if task is not None])
    garbling = _masks(document, faults)
    if len(kept) == len(tables):
        check_use(slots, kept, faults)
        check_same_words(kept, faults)
    if faults:
        shown_faults = "\n".join(f"- {fault}" for fault in faults[:_FAULTS_SHOWN])
        more = f"\n……共 {len(faults)} 处" if len(faults) > _FAULTS_SHOWN else ""
        raise UsageError(f"模板 {path} 有 {len(faults)} 处不对：\n{shown_faults}{more}")
    return Template(title, slots, tuple(kept), garbling)


class _TaskReader:
    """Reads one `[[task]]` table."""

    def __init__(
        self,
        table: Mapping[str, Any],
        place: int,
        slots: Mapping[str, Slot],
        contents: Mapping[str, frozenset[str]],
        faults: list[str],
    ) -> None:
        step = table.get("step", "")
        self.fields = Fields(
            table, f"第 {place + 1} 个 task" + (f"（{shown(step)}）" if step else ""), faults
        )
        self.slots = slots
        self.numeric = {name: bool(slot.numbers) for name, slot in slots.items()}
        self.contents = contents

    def task(self) -> Task | None:
        """Return the task, or None where a fault was noted."""
        before = len(self.fields.faults)
        self.fields.only("step", "say", "parts", "join", "answer", "case")
        parts = tuple(self._spoken(self.fields, "parts", parts=False))
        step = self._wording(self.fields, "step", self.fields.text("step"), wants=_one_speech)
        says = tuple(self._spoken(self.fields, "say", parts=bool(parts)))
        tables = self.fields.tables("case", MOST_CASES)
        cases, conditions = self._cases(tables, says, bool(parts))
        if parts and not any(say.is_shuffled for case in cases for say in case.says):
            self.fields.fault(f"有 parts，但 say 里没有 {{{SHUFFLE}}}")
        join = self.fields.text("join", "，", blank=True)
        if len(self.fields.faults) > before or step is None:
            return None
        fixed = tuple(
            dict.fromkeys(n for condition in conditions for n in (condition.names if condition else ()))
        )
        depends = frozenset(fixed).union(*(case.answer.names for case in cases))
        task = Task(step, tuple(self._divided(cases, conditions, fixed)), parts, join, fixed, depends)
        self._check_said(task)
        return task if len(self.fields.faults) == before else None

    def _cases(
        self, tables: Sequence[Mapping[str, Any]], says: tuple[Wording, ...], parts: bool
    ) -> tuple[list[Case], list[Condition | None]]:
        if not tables:
            if not says:
                self.fields.fault("缺少 say：写上人会怎么说，至少一句")
            answer = self._wording(self.fields, "answer", self.fields.text("answer"))
            return ([Case(says, answer)] if answer else []), [None]
        if "answer" in self.fields.table:
            self.fields.fault("answer 和 case 只能写一种；其余情况请写成 when = " + f'"{OTHERWISE}" 的 case')
        cases: list[Case] = []
        conditions: list[Condition | None] = []
        for place, table in enumerate(tables):
            fields = Fields(table, f"{self.fields.place}的第 {place + 1} 个 case", self.fields.faults)
            fields.only("when", "say", "answer")
            own = tuple(self._spoken(fields, "say", parts=parts)) or says
            if not own:
                fields.fault("没有 say：任务里和这个 case 里都没有写人会怎么说")
            answer = self._wording(fields, "answer", fields.text("answer"))
            condition = self._condition(fields, last=place + 1 == len(tables))
            if answer is not None:
                cases.append(Case(own, answer))
                conditions.append(condition)
        return cases, conditions

    def _condition(self, fields: Fields, *, last: bool) -> Condition | None:
        """Return the case's condition; None for the one that takes the rest, or when it is wrong (noted)."""
        text = fields.text("when")
        if text.strip() == OTHERWISE:
            if not last:
                fields.fault(f'when = "{OTHERWISE}" 只能是最后一个 case')
            return None
        try:
            condition = parse_condition(text, self.numeric) if text else None
        except ConditionError as error:
            fields.fault(f"when「{shown(text)}」{error}")
            return None
        for name in dict.fromkeys(condition.names if condition else ()):
            if self.slots[name].pick or any(value.names for value in self.slots[name].values):
                fields.fault(f"when 里的「{name}」要选几个值或套着别的槽位，不能用来比较")
        return condition

    def _spoken(self, fields: Fields, name: str, *, parts: bool) -> list[Wording]:
        found = [
            self._wording(fields, f"{name} 的第 {place + 1} 句", text, spoken=True, parts=parts)
            for place, text in enumerate(fields.texts(name, MOST_SAYINGS))
        ]
        return [wording for wording in found if wording is not None]

    def _wording(
        self,
        fields: Fields,
        name: str,
        text: str,
        *,
        spoken: bool = False,
        parts: bool = False,
        wants: Callable[[str], str | None] = lambda _: None,
    ) -> Wording | None:
        if not text:
            return None
        if complaint := wants(text):
            fields.fault(f"{name} {complaint}")
        try:
            return parse_wording(text, self.numeric, spoken=spoken, parts=parts)
        except ConditionError as error:
            fields.fault(f"{name}「{shown(text)}」：{error}")
            return None

    def _divided(
        self, cases: Sequence[Case], conditions: Sequence[Condition | None], fixed: Sequence[str]
    ) -> list[Case]:
        """Return the cases with the combinations of values that lead to each."""
        if not fixed:
            if len(cases) > 1:
                self.fields.fault("case 的条件里没有槽位，分不出哪种情况")
            return list(cases)
        choices = [self._values(name) for name in fixed]
        total = math.prod(len(values) for values in choices)
        if total > MOST_COMBINATIONS:
            self.fields.fault(
                f"条件用到的槽位（{listed(fixed)}）有 {total:,} 种组合，最多 {MOST_COMBINATIONS:,} 种；"
                "请缩小范围或加大 step"
            )
            return list(cases)
        found: list[list[tuple[Value, ...]]] = [[] for _ in cases]
        missing: list[str] = []
        for values in itertools.product(*choices):
            place = _first_true(conditions, dict(zip(fixed, values, strict=True)))
            if place is None:
                missing.append("、".join(f"{n}={v}" for n, v in zip(fixed, values, strict=True)))
            else:
                found[place].append(values)
        if missing:
            self.fields.fault(
                f"{len(missing)} 种情况没有对应的 case，例如 {missing[0]}；请补上条件，"
                f'或最后加一个 when = "{OTHERWISE}" 的 case'
            )
        for place, combinations in enumerate(found):
            if not combinations:
                self.fields.fault(f"第 {place + 1} 个 case 永远轮不到：没有值能满足，或前面的 case 都占去了")
        return [replace(case, combinations=tuple(c)) for case, c in zip(cases, found, strict=True)]

    def _values(self, name: str) -> tuple[Value, ...]:
        slot = self.slots[name]
        return slot.numbers or tuple(
            "".join(p.text for p in value.pieces if isinstance(p, Literal)) for value in slot.values
        )

    def _check_said(self, task: Task) -> None:
        """An answer that depends on what nobody said cannot be learnt."""
        in_parts = frozenset().union(*map(named_in, task.parts))
        for say in dict.fromkeys(say for case in task.cases for say in case.says):
            named = named_in(task.step) | named_in(say) | (in_parts if say.is_shuffled else frozenset())
            told = frozenset().union(*(self.contents[name] for name in named))
            if unsaid := sorted(task.depends - told):
                self.fields.fault(
                    f"say「{shown(say.source)}」没有说到 {listed(unsaid)}，而答案要看它；请补上，或从答案和条件里去掉"
                )


def _one_speech(text: str) -> str | None:
    times = text.count(SPEECH)
    return (
        None
        if times == 1
        else f"里有 {times} 个 {SPEECH}，应正好有一个：识别出的话放在那里（如 步骤#点名\\*语音#%s）"
    )


def _first_true(conditions: Sequence[Condition | None], values: Mapping[str, Value]) -> int | None:
    return next((i for i, c in enumerate(conditions) if c is None or c.holds(values)), None)


def _masks(document: Fields, faults: list[str]) -> masks.Faults | None:
    """Return the faults asked for in `[masks]`, None where there is no such table."""
    table = document.table.get("masks")
    if table is None:
        return None
    if not isinstance(table, dict):
        document.fault("masks 应为一张表（TOML 里写成 [masks]）")
        return None
    fields = Fields(table, "masks", faults)
    fields.only("share", "rate", "kinds", "fillers", "homophones")
    kinds = fields.texts("kinds", len(masks.KINDS)) or list(masks.KINDS)
    if wrong := [kind for kind in kinds if kind not in masks.KINDS]:
        fields.fault(f"kinds 里不认识「{listed(wrong)}」；能写的有 {'、'.join(masks.KINDS)}")
    if twice := [kind for kind, times in Counter(kinds).items() if times > 1]:
        fields.fault(f"kinds 里 {listed(twice)} 写了两次")
    groups = fields.texts("homophones", 1000)
    if wrong := [group for group in groups if len(set(group)) < 2 or not all(map(is_neutral, group))]:
        fields.fault(
            f"homophones 里的「{listed(wrong)}」不行：每组至少两个不同的字，不含数字、字母，"
            "也不含不、没、上、下这类一换就变意思的字"
        )
    return masks.Faults(
        fields.share("share", "0.5"),
        fields.share("rate", "0.1", "0.5"),
        tuple(kinds),
        masks.homophones((*masks.HOMOPHONE_GROUPS, *groups)),
        tuple(fields.texts("fillers", 50)) or masks.FILLERS,
    )
