"""A number in front of a stem that begins with a number or a measure word itself: is it the question's or the stem's?

`3、10kV线路…` is question 3; `10、20kV线路…`, `1、2号主变…`, `3.10m以上…` and `（1）类设备…` are no numbering at all.
"""

import re

from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.option_labels import half_width

_NUMBER = re.compile(r"\s*(?P<number>[1-9]\d{0,3})(?:\s?(?P<mark>[、.])\s?|\s+)(?=\d)")
_VOLTAGE = re.compile(
    r"(?P<listed>\d{1,3}、)?(?P<level>\d{1,4}(?:\.\d{1,2})?)(?:\s?[/~\-]\s?\d{1,4}(?:\.\d{1,2})?|\(\d{1,3}\))?"
    r"\s?(?:[kK][vV]|千伏)(?![A-Za-z])"
)
_QUANTITY = re.compile(
    r"(?P<value>\d{1,5}(?:\.\d{1,3})?)\s?(?P<unit>"
    r"(?P<latin>mm[²2]?|cm|km|m²?|h|min|s|kA|mA|A(?![相段级类型组母])|V|kW|MW|kN|kg|t|MΩ|kΩ|Ω|MPa|dB|lx|Hz|℃|°C|%)(?![A-Za-z])"
    r"|(?P<time>小时|分钟|秒|天|年|个月|周)|毫米|厘米|公里|千米|米|平方毫米|千克|公斤|吨|兆欧|欧姆|伏|人|名|次|倍)"
)
_TIME_IN_LETTERS = frozenset(["h", "min", "s"])
_CLAUSE = re.compile(r"\d{1,2}(?:\.\d{1,2}){2,4}(?![\d.])|\d{1,2}\.\d{1,2}\s+(?=[\u4e00-\u9fff])")

_LEVELS = frozenset([0.22, 0.38, 0.4, 3, 6, 10, 15.75, 20, 35, 60, 63, 66, 110, 220, 330, 500, 750, 1000])
_LISTED_BEFORE_OTHERS = frozenset([6, 10, 20, 35, 60, 63, 66, 110, 154, 220, 330, 500, 660, 750, 800, 1000])
_LISTED_BEFORE_LISTS = _LISTED_BEFORE_OTHERS | {1, 3}
_REAL_DECIMALS = frozenset(["6.35"])  # rated voltages with a level behind the point

_IN_BRACKETS = r"(?:[(\[]\s?\d{1,3}\s?[)\]]|[①-⑳⑴-⒇])"
_ALL_NUMBERS = re.compile(rf"(?:(?:{_IN_BRACKETS}|\d{{1,4}}\s?[.、:)])[.、:]*\s?)+")
_LAST_BRACKETS = re.compile(rf"(?:{_IN_BRACKETS}[.、:]*\s?)+$")
_THING = re.compile(
    r"号(?![码令])|级(?!别)|类(?![似别型])|种(?![类植])|段(?!落)|相(?![关邻间互应同当对线序位量比继信])|侧(?!面)|回(?=[线架电出进])"
    r"|组(?![织合成件长装])|项(?!目)|条(?![件例])|款|栏(?!杆)|型(?![号式材])|[#千]|(?:kV|kA|mA|V|mm|cm|km|m|h|min|kN|kg)(?![A-Za-z])"
)
_FAR = 10
"""A list's next value is hardly ten times the one before: 1、24h is question 1."""

_LARGER = 3
_NUMBER_WITHIN = 40


def without_number_before_quantity(typed: str) -> str:
    """Return a typed stem without a number that stands in front of a quantity or a clause number; or as it is.

    As it is wherever the number may be part of a list (`10、20kV`, `2、3人`) or of a decimal (`3.10m`).
    """
    narrow = half_width(typed)
    found = _NUMBER.match(narrow)
    if not found:
        return typed
    tells = {"、": _no_list, ".": _no_decimal, None: _no_group}[found["mark"]]
    return typed[found.end() :] if tells(found["number"], narrow[found.end() :]) else typed


def numbers_agree(asked: str, banked: str) -> bool:
    """Return whether the numbers in front of two texts leave it open that both ask the same.

    Not if both begin with other numbers in brackets (or circles), or if one lacks a number that belongs to the
    words behind it: `（1）类设备`, `①号开关`.
    """
    (number, thing), (other_number, other_thing) = _in_front(asked), _in_front(banked)
    return thing == other_thing and (number == other_number or not number or not other_number)


def _no_list(number: str, rest: str) -> bool:
    if _CLAUSE.match(rest):
        return True
    if (voltage := _VOLTAGE.match(rest)) and float(voltage["level"]) in _LEVELS:
        return int(number) not in (_LISTED_BEFORE_LISTS if voltage["listed"] else _LISTED_BEFORE_OTHERS)
    quantity = _QUANTITY.match(rest)
    if not quantity:
        return False
    value = float(quantity["value"])
    return value >= _FAR * int(number) or int(number) >= _LARGER * value


def _no_decimal(number: str, rest: str) -> bool:
    if (voltage := _VOLTAGE.match(rest)) and float(voltage["level"]) in _LEVELS and not voltage["listed"]:
        level = voltage["level"]
        return "." in level or (len(level) > 1 and f"{number}.{level}" not in _REAL_DECIMALS)
    quantity = _QUANTITY.match(rest)
    return bool(quantity and quantity["latin"] and "." in quantity["value"])


def _no_group(number: str, rest: str) -> bool:
    """A tab is a space by now, which also parts thousands (1 000 V) and may stand for a lost point (1 5m)."""
    if _CLAUSE.match(rest):
        return True
    if (voltage := _VOLTAGE.match(rest)) and float(voltage["level"]) in _LEVELS:
        return len(voltage["level"]) > 1 and f"{number}.{voltage['level']}" not in _REAL_DECIMALS
    quantity = _QUANTITY.match(rest)
    if not quantity:
        return False
    is_time = quantity["time"] or quantity["unit"] in _TIME_IN_LETTERS
    digits = len(quantity["value"])
    return "." in quantity["value"] or digits > 3 or bool(is_time and digits == 2)


def _in_front(text: str) -> tuple[str, str]:
    """The last number in brackets in front of `text`, and all of them if they belong to the words behind."""
    start = normalize_text(text[:_NUMBER_WITHIN])
    found = _ALL_NUMBERS.match(start)
    if not found:
        return "", ""
    belongs = _THING.match(start, found.end())
    brackets = _LAST_BRACKETS.search(found[0])
    if not brackets:
        return "", found[0].strip(".、:) ") if belongs and belongs[0] == "号" else ""
    numbers = re.findall(r"\d+|[①-⑳⑴-⒇]", brackets[0])
    return numbers[-1], "+".join(numbers) if belongs else ""
