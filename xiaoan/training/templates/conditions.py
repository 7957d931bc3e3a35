"""Comparisons on slot values, such as `实到 < 应到 且 应到 >= 10`: a small language of its own, nothing is executed."""

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

Value = Decimal | str
Values = Mapping[str, Value]

LONGEST: Final = 200
_DEEPEST = 5
OTHERWISE: Final = "其他"
"""The condition of the case for whatever is left."""

_COMPARISONS: Mapping[str, Callable[[Value, Value], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SPELLINGS: Mapping[str, str] = {
    **{"＝": "==", "=": "==", "等于": "==", "≠": "!=", "不等于": "!=", "＜": "<", "小于": "<", "少于": "<"},
    **{"≤": "<=", "不大于": "<=", "不多于": "<=", "＞": ">", "大于": ">", "多于": ">"},
    **{"≥": ">=", "不小于": ">=", "不少于": ">=", "＋": "+", "－": "-", "（": "(", "）": ")"},
    **{"and": "且", "并且": "且", "or": "或", "或者": "或"},
}
_SIGNS = (*_COMPARISONS, "+", "-", "(", ")", "且", "或", *_SPELLINGS)
RESERVED: Final = frozenset({*_SIGNS, OTHERWISE})
"""Words that no slot can be named after."""

_TEXT = re.compile("\"([^\"]*)\"|'([^']*)'|“([^”]*)”|「([^」]*)」")
_NUMBER = re.compile(r"\d{1,8}(?:\.\d{1,4})?")


class ConditionError(ValueError):
    """A condition that cannot be read; the message is for the author of the template."""


@dataclass(frozen=True)
class Sum:
    """Slots, numbers or one text, added and subtracted: `应到 - 实到`."""

    terms: tuple[tuple[int, str | None, Value], ...]
    """Of each: its sign, the slot's name or None, and the constant where there is no slot."""

    @property
    def names(self) -> tuple[str, ...]:
        """The slots in it, in their order."""
        return tuple(name for _, name, _ in self.terms if name is not None)

    def value(self, values: Values) -> Value:
        """Return the text of a single text, else the sum."""
        found = [(sign, constant if name is None else values[name]) for sign, name, constant in self.terms]
        if len(found) == 1 and isinstance(found[0][1], str):
            return found[0][1]
        return sum((sign * number for sign, number in found if isinstance(number, Decimal)), Decimal(0))


@dataclass(frozen=True)
class Comparison:
    """Two sums and what has to hold between them."""

    left: Sum
    sign: str
    right: Sum

    @property
    def names(self) -> tuple[str, ...]:
        """The slots in it."""
        return (*self.left.names, *self.right.names)

    def holds(self, values: Values) -> bool:
        """Whether it is true of `values`."""
        return _COMPARISONS[self.sign](self.left.value(values), self.right.value(values))


@dataclass(frozen=True)
class Joined:
    """Conditions of which all (且) or one (或) must hold."""

    word: str
    parts: tuple["Condition", ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The slots in it."""
        return tuple(name for part in self.parts for name in part.names)

    def holds(self, values: Values) -> bool:
        """Whether it is true of `values`."""
        return (all if self.word == "且" else any)(part.holds(values) for part in self.parts)


Condition = Comparison | Joined


def parse_condition(text: str, numeric: Mapping[str, bool]) -> Condition:
    """Return the condition; `numeric` says of every slot whether its values are numbers.

    Raises:
        ConditionError: an unknown slot, text compared with numbers, or not a comparison.
    """
    reader = _Reader(text, numeric)
    condition = reader.either(0)
    reader.end()
    return condition


def parse_sum(text: str, numeric: Mapping[str, bool]) -> Sum:
    """Return a sum of number slots and numbers; raises ConditionError for anything else."""
    reader = _Reader(text, numeric)
    found = reader.sum()
    reader.end()
    return found


class _Reader:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, numeric: Mapping[str, bool]) -> None:
        if len(text) > LONGEST:
            raise ConditionError(f"有 {len(text)} 个字，最长 {LONGEST} 个")
        self.numeric = numeric
        self.tokens = _tokens(text, numeric)
        self.place = 0

    def either(self, depth: int) -> Condition:
        return self._joined("或", lambda: self._joined("且", lambda: self._single(depth)))

    def end(self) -> None:
        if self.place < len(self.tokens):
            raise ConditionError(f"在「{self.tokens[self.place][1]}」处看不懂")

    def sum(self) -> Sum:
        sign = -1 if self._take("-") else 1
        terms = [(sign, *self._term())]
        while (sign := 1 if self._take("+") else -1 if self._take("-") else 0) != 0:
            terms.append((sign, *self._term()))
        texts = sum(self._is_text(name, constant) for _, name, constant in terms)
        if texts and (len(terms) > 1 or terms[0][0] < 0):
            raise ConditionError("文字不能加减")
        return Sum(tuple(terms))

    def _joined(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _single(self, depth: int) -> Condition:
        if self._take("("):
            if depth >= _DEEPEST:
                raise ConditionError(f"括号超过 {_DEEPEST} 层")
            inside = self.either(depth + 1)
            if not self._take(")"):
                raise ConditionError("括号没有配对")
            return inside
        left = self.sum()
        kind, sign = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
        if kind != "sign" or sign not in _COMPARISONS:
            raise ConditionError(f"缺少比较符号（{' '.join(_COMPARISONS)}）")
        self.place += 1
        right = self.sum()
        self._check_kinds(left, sign, right)
        return Comparison(left, sign, right)

    def _check_kinds(self, left: Sum, sign: str, right: Sum) -> None:
        texts = [self._is_text(*one.terms[0][1:]) for one in (left, right)]
        if texts[0] != texts[1]:
            raise ConditionError("一边是文字，一边是数，不能比较")
        if texts[0] and sign not in ("==", "!="):
            raise ConditionError(f"文字只能用 == 和 != 比较，这里是 {sign}")

    def _is_text(self, name: str | None, constant: Value) -> bool:
        return isinstance(constant, str) if name is None else not self.numeric[name]

    def _term(self) -> tuple[str | None, Value]:
        if self.place >= len(self.tokens):
            raise ConditionError("不完整，后面缺少槽位或数")
        kind, text = self.tokens[self.place]
        self.place += 1
        if kind == "slot":
            return text, Decimal(0)
        if kind == "number":
            return None, Decimal(text)
        if kind == "text":
            return None, text
        raise ConditionError(f"「{text}」前面缺少槽位或数")

    def _take(self, sign: str) -> bool:
        found = self.place < len(self.tokens) and self.tokens[self.place] == ("sign", sign)
        self.place += found
        return found


def _tokens(text: str, names: Collection[str]) -> list[tuple[str, str]]:
    """Return (kind, text) of each token: "slot", "number", "text" or "sign"."""
    found: list[tuple[str, str]] = []
    place = 0
    signs = sorted(_SIGNS, key=len, reverse=True)
    slots = sorted(names, key=len, reverse=True)
    while place < len(text):
        rest = text[place:]
        if rest[0].isspace():
            place += 1
        elif quoted := _TEXT.match(rest):
            found.append(("text", next(group for group in quoted.groups() if group is not None)))
            place += quoted.end()
        elif slot := _first_at(rest, slots):
            found.append(("slot", slot))
            place += len(slot)
        elif number := _NUMBER.match(rest):
            found.append(("number", number[0]))
            place += number.end()
        elif sign := _first_at(rest, signs):
            found.append(("sign", _SPELLINGS.get(sign, sign)))
            place += len(sign)
        else:
            word = re.match(r"\w+|.", rest, re.DOTALL)
            raise ConditionError(
                f"不认识「{word[0] if word else rest}」：没有这个槽位；文字要放在引号里"
                f"（已有的槽位：{'、'.join(names) or '无'}）"
            )
    return found


def _first_at(text: str, words: Sequence[str]) -> str | None:
    return next((word for word in words if text.startswith(word)), None)
