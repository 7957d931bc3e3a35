"""The `[[slot]]` tables of a template file: value lists, ranges, and no slot that contains itself."""

import graphlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from xiaoan.training.templates.conditions import RESERVED, ConditionError
from xiaoan.training.templates.fields import LONGEST_TEXT, Fields, as_number, listed, shown
from xiaoan.training.templates.numerals import LARGEST, arabic
from xiaoan.training.templates.template import Slot
from xiaoan.training.templates.wording import ARABIC, CHINESE, SHUFFLE, Wording, parse_wording

MOST_SLOTS: Final = 200
MOST_VALUES: Final = 10_000
EITHER: Final = "都有"

_NAME = re.compile(r"[^\W\d][\w]{0,19}")
_KNOWN = ("name", "values", "from", "to", "step", "digits", "pick", "join", "sorted")


def read_slots(tables: Sequence[Mapping[str, Any]], faults: list[str]) -> dict[str, Slot]:
    """Return the slots by name; faults are noted, and what is faulty is left out or empty."""
    found: dict[str, tuple[Fields, list[str], tuple[Decimal, ...]]] = {}
    for place, table in enumerate(tables):
        name = str(table.get("name", ""))
        fields = Fields(table, f"第 {place + 1} 个 slot" + (f"（{shown(name)}）" if name else ""), faults)
        fields.only(*_KNOWN)
        name = fields.text("name")
        if name in found:
            fields.fault(f"槽位「{name}」前面已经有了")
        elif name and _is_name(name, fields):
            values = fields.texts("values", MOST_VALUES)
            found[name] = (fields, values, _numbers(fields, values))
    numeric = {name: bool(numbers) or "from" in fields.table for name, (fields, _, numbers) in found.items()}
    slots = {name: _slot(name, *parts, numeric) for name, parts in found.items()}
    endless = _check_nesting(slots, faults)
    return {name: replace(slot, values=()) if name in endless else slot for name, slot in slots.items()}


def _is_name(name: str, fields: Fields) -> bool:
    if not _NAME.fullmatch(name) or name in RESERVED or name == SHUFFLE:
        fields.fault(f"槽位不能叫「{shown(name)}」：用 1 到 20 个字，数字不打头，不用空格、标点和比较用的词")
        return False
    return True


def _numbers(fields: Fields, values: Sequence[str]) -> tuple[Decimal, ...]:
    """Return the numbers of a range, or of a list of nothing but numbers; else nothing."""
    table = fields.table
    if "values" in table:
        if clash := [name for name in ("from", "to", "step") if name in table]:
            fields.fault(f"values 和 {'、'.join(clash)} 只能写一种")
        numbers = [as_number(value) for value in values]
        plain = [n for n, v in zip(numbers, values, strict=True) if n is not None and arabic(n) == v]
        return tuple(plain) if len(plain) == len(values) and "pick" not in table else ()
    first, last, step = fields.number("from"), fields.number("to"), fields.number("step", "1")
    if "from" not in table or "to" not in table:
        fields.fault('没有值：写 values = ["…", "…"]，或写 from 和 to')
    if first is None or last is None or step is None:
        return ()
    if step <= 0:
        fields.fault(f"step 是 {step}，应大于 0")
    elif first > last:
        fields.fault(f"范围写反了：from 是 {first}，to 是 {last}")
    elif max(abs(first), abs(last)) > LARGEST:
        fields.fault(f"范围 {first} 到 {last} 太大，应在 ±{LARGEST:,} 以内")
    elif (last - first) // step >= MOST_VALUES:
        fields.fault(f"范围里有 {(last - first) // step + 1:f} 个数，最多 {MOST_VALUES} 个；请加大 step")
    else:
        return tuple(first + step * place for place in range(int((last - first) // step) + 1))
    return ()


def _slot(
    name: str,
    fields: Fields,
    values: Sequence[str],
    numbers: tuple[Decimal, ...],
    numeric: Mapping[str, bool],
) -> Slot:
    digits = fields.text("digits", ARABIC)
    if digits not in (ARABIC, CHINESE, EITHER):
        fields.fault(f"digits 是「{shown(digits)}」，应为 {ARABIC}、{CHINESE} 或 {EITHER}")
    if "digits" in fields.table and not numbers:
        fields.fault("digits 只能用于数")
    wordings: list[Wording] = []
    for value in [] if numbers else values:
        try:
            wordings.append(parse_wording(value, numeric))
        except ConditionError as error:
            fields.fault(f"值「{shown(value)}」：{error}")
    if twice := [value for value, times in Counter(values).items() if times > 1]:
        fields.fault(f"有重复的值：{listed(twice)}")
    return Slot(
        name,
        tuple(wordings),
        numbers,
        None if digits == EITHER else digits,
        _pick(fields, len(values)),
        fields.text("join", "、", blank=True),
        fields.flag("sorted"),
    )


def _pick(fields: Fields, available: int) -> tuple[int, int] | None:
    if "pick" not in fields.table:
        if extra := [name for name in ("join", "sorted") if name in fields.table]:
            fields.fault(f"{'、'.join(extra)} 要和 pick 一起用")
        return None
    bounds = [as_number(text) for text in fields.texts("pick", 2)]
    whole = [int(bound) for bound in bounds if bound is not None and bound == int(bound)]
    if len(whole) != len(bounds) or not whole or not 1 <= whole[0] <= whole[-1] <= available:
        found = shown(fields.table["pick"])
        fields.fault(
            f"pick 是「{found}」，应为一个数或 [最少, 最多]，在 1 到 {available}（values 的个数）之间"
        )
        return None
    return whole[0], whole[-1]


def _check_nesting(slots: Mapping[str, Slot], faults: list[str]) -> Collection[str]:
    """Note slots that contain themselves, which are returned, and values that grow too long by what they contain."""
    uses = {
        name: [inner for value in slot.values for inner in value.names if inner in slots]
        for name, slot in slots.items()
    }
    try:
        order = list(graphlib.TopologicalSorter(uses).static_order())
    except graphlib.CycleError as error:
        faults.append(f"槽位互相套用，没有尽头：{' → '.join(reversed(error.args[1]))}")
        return slots
    longest: dict[str, int] = {}
    for name in order:
        slot = slots[name]
        values = [len(v.source) + sum(longest.get(inner, 0) for inner in v.names) for v in slot.values]
        longest[name] = max(values, default=20) * (slot.pick[1] if slot.pick else 1)
        if longest[name] > LONGEST_TEXT:
            faults.append(f"槽位「{name}」填满后可能有 {longest[name]} 个字，最多 {LONGEST_TEXT} 个")
            return slots
    return ()
