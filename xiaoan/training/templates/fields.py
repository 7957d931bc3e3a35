"""Values taken out of a template's tables one by one; what is wrong with them is gathered, not raised."""

import difflib
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from xiaoan.printable import UNSEEN

LONGEST_TEXT = 2000
_SHOWN = 40


class Fields:
    """One table of the file: its values by name, `place` for the messages, `faults` shared by all tables."""

    def __init__(self, table: Mapping[str, Any], place: str, faults: list[str]) -> None:
        self.table = table
        self.place = place
        self.faults = faults

    def fault(self, message: str) -> None:
        """Note a fault of this table."""
        self.faults.append(f"{self.place}：{message}")

    def only(self, *known: str) -> None:
        """Note every name that is not one of `known`."""
        for name in self.table:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"，是不是 {near[0]}？" if near else f"；能写的有 {'、'.join(known)}"
                self.fault(f"不认识「{shown(name)}」{hint}")

    def text(self, name: str, default: str | None = None, *, blank: bool = False) -> str:
        """Return a text; without a default it must be there. Empty when it is wrong."""
        found = self.table.get(name, default)
        if found is None:
            self.fault(f"缺少 {name}")
            return ""
        return self._checked(found, name, blank)

    def texts(self, name: str, most: int) -> list[str]:
        """Return a list of texts or numbers as texts, empty when it is not there; one alone will do."""
        found = self.table.get(name)
        if found is None:
            return []
        several = list(found) if isinstance(found, list) else [found]
        if not several:
            self.fault(f"{name} 是空的列表，至少要有一个值")
        if len(several) > most:
            self.fault(f"{name} 有 {len(several)} 个值，最多 {most} 个")
        return [
            self._checked(one, f"{name} 的第 {place + 1} 个值", False)
            for place, one in enumerate(several[:most])
        ]

    def number(self, name: str, default: str | None = None) -> Decimal | None:
        """Return a number; None when it is missing without a default, or wrong (noted)."""
        found = self.table.get(name, default)
        if found is None:
            return None
        number = as_number(found)
        if number is None:
            self.fault(f"{name} 是「{shown(found)}」，应为数")
        return number

    def share(self, name: str, default: str, most: str = "1") -> float:
        """Return a number from 0 to `most`."""
        number = self.number(name, default)
        if number is not None and not 0 <= number <= Decimal(most):
            self.fault(f"{name} 是 {number}，应为 0 到 {most}")
        return float(number or 0)

    def flag(self, name: str) -> bool:
        """Return true or false, false when it is missing."""
        found = self.table.get(name, False)
        if found not in (True, False, "true", "false"):
            self.fault(f"{name} 是「{shown(found)}」，应为 true 或 false")
        return found in (True, "true")

    def tables(self, name: str, most: int) -> list[Mapping[str, Any]]:
        """Return a list of tables, empty when there is none."""
        found = self.table.get(name, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.fault(f"{name} 应为一组表（TOML 里每个写成 [[{name}]]）")
            return []
        if len(found) > most:
            self.fault(f"{name} 有 {len(found)} 个，最多 {most} 个")
        return found[:most]

    def _checked(self, found: object, name: str, blank: bool) -> str:
        is_text = isinstance(found, str | int | Decimal) and not isinstance(found, bool)
        if not is_text:
            self.fault(f"{name} 是「{shown(found)}」，应为文字（放在引号里）")
            return ""
        text = str(found)
        if not blank and not text.strip():
            self.fault(f"{name} 是空的")
        if len(text) > LONGEST_TEXT:
            self.fault(f"{name} 有 {len(text)} 个字，最多 {LONGEST_TEXT} 个")
        if UNSEEN.search(text):
            self.fault(f"{name} 里有看不见的字符，请删掉后重新输入")
        return text


def as_number(found: object) -> Decimal | None:
    """Return int, Decimal or a text of plain digits as a finite Decimal, else None."""
    if isinstance(found, bool) or not isinstance(found, int | Decimal | str):
        return None
    try:
        number = Decimal(found)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**9 else None


def shown(found: object) -> str:
    """Return a value as a message shows it, on one line, cut when it is long."""
    text = UNSEEN.sub("", str(found)).replace("\n", " ")
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def listed(names: Sequence[str]) -> str:
    """Return names as a message lists them, a few of many."""
    return "、".join(names[:6]) + ("…" if len(names) > 6 else "")
