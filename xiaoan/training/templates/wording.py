"""Texts with slots in braces: `应到{应到}人`, `{应到-实到}人缺勤`, `{应到:中文}`, `【异常】` never to be garbled."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from xiaoan.training.templates.conditions import ConditionError, Sum, parse_sum

SHUFFLE: Final = "乱序"
"""`{乱序}` stands for the parts of a task, in any order."""

ARABIC: Final = "阿拉伯"
CHINESE: Final = "中文"

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_KEPT = re.compile("【([^【】]*)】")


@dataclass(frozen=True)
class Literal:
    """Text that stands as it is; `kept`: no fault may touch it."""

    text: str
    kept: bool = False


@dataclass(frozen=True)
class Mention:
    """A slot's value, or a sum of number slots; `digits` is ARABIC, CHINESE or None for the slot's own way."""

    sum: Sum
    digits: str | None = None

    @property
    def slot(self) -> str | None:
        """The slot's name where nothing is added or subtracted."""
        names = self.sum.names
        return names[0] if len(self.sum.terms) == 1 and names and self.sum.terms[0][0] == 1 else None


@dataclass(frozen=True)
class Shuffled:
    """The place of the task's parts."""


Piece = Literal | Mention | Shuffled


@dataclass(frozen=True)
class Wording:
    """A parsed text; `source` is how the author wrote it."""

    source: str
    pieces: tuple[Piece, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The slots it names, in their order."""
        return tuple(name for piece in self.pieces if isinstance(piece, Mention) for name in piece.sum.names)

    @property
    def is_shuffled(self) -> bool:
        """Whether the task's parts stand in it."""
        return any(isinstance(piece, Shuffled) for piece in self.pieces)


def parse_wording(
    text: str, numeric: Mapping[str, bool], *, spoken: bool = False, parts: bool = False
) -> Wording:
    """Return the pieces of `text`. In a `spoken` one, 【…】 marks what no fault may touch; `parts` allows {乱序}.

    Raises:
        ConditionError: a brace without its other half, an unknown slot, digits asked of a text.
    """
    pieces: list[Piece] = []
    end = 0
    for found in _PIECE.finditer(text):
        pieces += _literals(text[end : found.start()], spoken)
        end = found.end()
        if found[0] in ("{{", "}}"):
            pieces.append(Literal(found[0][0]))
        elif found[1] is None:
            raise ConditionError(f"「{found[0]}」没有配对；要写花括号本身，请写两遍")
        elif found[1].strip() == SHUFFLE:
            if not parts:
                raise ConditionError(f"{{{SHUFFLE}}} 只能写在有 parts 的任务的 say 里")
            pieces.append(Shuffled())
        else:
            pieces.append(_mention(found[1], numeric))
    pieces += _literals(text[end:], spoken)
    return Wording(text, tuple(pieces))


def _literals(text: str, spoken: bool) -> list[Literal]:
    if not spoken:
        return [Literal(text)] if text else []
    if text.count("【") != text.count("】"):
        raise ConditionError("【 】没有配对，或里面有槽位；槽位不用放进【 】")
    parts = _KEPT.split(text)
    return [Literal(part, kept=bool(place % 2)) for place, part in enumerate(parts) if part]


def _mention(inside: str, numeric: Mapping[str, bool]) -> Mention:
    formula, colon, digits = inside.replace("：", ":").partition(":")
    digits = digits.strip()
    if not formula.strip():
        raise ConditionError("{} 里没有槽位")
    found = parse_sum(formula, numeric)
    if not found.names:
        raise ConditionError(f"{{{inside}}} 里没有槽位")
    if colon and digits not in (ARABIC, CHINESE):
        raise ConditionError(f"{{{inside}}} 的冒号后面是「{digits}」，应为 {ARABIC} 或 {CHINESE}")
    if colon and not numeric[found.names[0]]:
        raise ConditionError(f"{{{inside}}}：「{found.names[0]}」不是数，不能指定数字写法")
    return Mention(found, digits or None)
