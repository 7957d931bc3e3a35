"""Numbers with their units as people write them (4米, 0.70 m, 两年, ≥2m, 65°~75°), read as values to compare.

Nothing is converted from one unit to another, but for years to months (半年 is 六个月), which the regulation
itself uses side by side. What can be read in two ways, such as 二次 (twice, or the secondary side), is no number.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from xiaoan.question_bank.normalization import normalize_text, text_key

_SYNONYMS = (
    "m 米 公尺 | mm 毫米 | cm 厘米 公分 | km 千米 公里 | mm2 mm^2 平方毫米 | cm2 cm^2 平方厘米 | "
    "m2 m^2 平方米 平米 | m3 m^3 立方米 | V 伏 伏特 | kV 千伏 | mV 毫伏 | A 安 安培 | mA 毫安 | "
    "kA 千安 | μA uA 微安 | W 瓦 瓦特 | kW 千瓦 | MW 兆瓦 | VA 伏安 | kVA 千伏安 | MVA 兆伏安 | "
    "kvar 千乏 | kWh kW·h 千瓦时 | Ω 欧 欧姆 | mΩ 毫欧 | kΩ 千欧 | MΩ 兆欧 兆欧姆 | Ω·m 欧·米 | "
    "s 秒 秒钟 | ms 毫秒 | min 分钟 | h 小时 个小时 钟头 | 天 日 | 周 星期 个星期 | 个月 月 | "
    "年 周年 | % | ‰ | °C 摄氏度 | ° | kg 千克 公斤 | g 克 | mg 毫克 | t 吨 | N 牛 牛顿 | kN 千牛 | "
    "Pa 帕 | kPa 千帕 | MPa 兆帕 | Hz 赫 赫兹 | kHz 千赫 | dB 分贝 | lx 勒克斯 | L 升 | "
    "mL ml 毫升 | μL/L uL/L | m/s 米/秒 | km/h 千米/小时 公里/小时 | 次/min 次/分 次/分钟 | "
    "人 名 个人 | 元 | V/m | kV/m | 倍 | 级 | 种 | 类 | 层 | 次 | 个 | 把 | 根 | 条 | 张 | 份 | "
    "片 | 块 | 台 | 套 | 处 | 项 | 组 | 只 | 支 | 道 | 步 | 页 | 件 | 班 | 节 | 度 | 分 | "
    "μF uF 微法 | mm/s | cm/s"
).split(" | ")
_DOUBTFUL = {"度": frozenset(["度", "°C", "°"]), "分": frozenset(["分", "min"])}
_UNITS = {word: frozenset([words.split()[0]]) for words in _SYNONYMS for word in words.split()} | _DOUBTFUL
_LONGEST_UNIT = max(map(len, _UNITS))
# Nobody means another thing by 220v or 24H. Units with m stay out: mA is not MA, and 4M is nothing.
_WRITTEN_IN_ANY_CASE = "V kV A kA W kW VA kVA kvar kWh h s Pa kPa km cm kg N kN Hz kHz dB L"
_ANY_CASE = {unit.lower(): unit for unit in _WRITTEN_IN_ANY_CASE.split()}
_CONVERTED = {"年": ("个月", 12)}

_BOUNDS_BEFORE = {
    "≥": "≥ >= ≧ ⩾ 大于等于 大于或等于 不小于 不少于 不低于 至少 不得小于 不得少于 不得低于 不应小于 不应少于 不应低于",
    "≤": "≤ <= ≦ ⩽ 小于等于 小于或等于 不大于 不多于 不高于 不超过 至多 不得大于 不得高于 不得超过 不应大于 不应超过",
    ">": "> 大于 超过 高于 多于",
    "<": "< 小于 低于 少于 不足 不到",
    "±": "±",
}
_BEFORE = {word: bound for bound, words in _BOUNDS_BEFORE.items() for word in words.split()}
# 以上 alone is its own bound: the rules for distribution say 5级以上 where those for lines say 5级及以上.
_BEHIND = {
    **dict.fromkeys(["及以上", "及其以上", "(含)以上", "以上(含)"], "≥"),
    **dict.fromkeys(["及以下", "及其以下", "(含)以下", "以下(含)"], "≤"),
    **{word: word for word in ("以上", "以下", "以内", "以外", "之内", "左右")},
}
_BOUND_BEFORE = re.compile("|".join(sorted(map(re.escape, _BEFORE), key=len, reverse=True)))
_BOUND_BEHIND = re.compile("(?:" + "|".join(sorted(map(re.escape, _BEHIND), key=len, reverse=True)) + ")$")
_BETWEEN_ENDS = re.compile("(?<=.)(?:~|至|到|-{1,2})")

_DECIMAL = re.compile(r"([+-]|零下|负)?(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})?(\.\d{1,15})?([万亿]?)")
_PART = re.compile(r"(\d{1,4})/(\d{1,4})")
_FIGURES = {figure: value for value, figure in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_NUMERAL = re.compile(
    "(?:([一二三四五六七八九两])千)?(?:(零?)([一二三四五六七八九两])百)?"
    "(?:(零?)([一二三四五六七八九]?)十)?(?:(零?)([一二三四五六七八九两]))?"
)
# 二次 is the secondary side, 二级 a grade and 两级 a number of them: only the text itself is the same as these.
_NO_NUMBER = frozenset(["二次", "二种", "二类", "二层", "二节", "两级", "半个", "半次", "半人", "十分"])
_LONGEST = 40

_NUMBER_IN_TEXT = re.compile(
    r"(?<![0-9A-Za-z.])\d{1,15}(?:,\d{3})*(?:\.\d{1,15})?(?![\d.]*\d)|[零〇一二三四五六七八九十两百千半]+"
)
# In a sentence 一个 and 一次 are mostly no numbers; with these units a numeral is one.
_COUNTED = frozenset(["年", "个月", "天", "周", "h", "min", "s", "m", "kV", "V", "人", "把", "%"])


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, or the range from `low` to `high`, with its bound (`≥`, `以上`, '' for none).

    `units` are those that the written unit may mean, none where no unit stands there.
    """

    low: Fraction
    high: Fraction
    units: frozenset[str] = frozenset()
    bound: str = ""

    def equals(self, other: "Quantity") -> bool:
        """Return whether both are the same, where a unit may be left out on one side."""
        if self.bound != other.bound:
            return False
        if not self.units or not other.units:
            return (self.low, self.high) == (other.low, other.high)
        return not _by_unit(self).isdisjoint(_by_unit(other))


def same_text(one: str, other: str) -> bool:
    """Return whether two texts say the same but for width, marks, spaces, or the unit of one left out."""
    if text_key(one) == text_key(other):
        return True
    first, second = read_quantity(one), read_quantity(other)
    return first is not None and second is not None and first.equals(second)


def read_quantity(text: str) -> Quantity | None:
    """Return the quantity that `text` is as a whole; None for anything else.

    Figures, 1,000 and 10万, fractions (1/3, 三分之一), 百分之八十, numerals up to thousands (两, 二十五, 半),
    a bound before or behind, and ranges whose unit may stand once.
    """
    text = normalize_text(text).rstrip("。.;,、:!?")
    if not text or len(text) > _LONGEST or text in _NO_NUMBER:
        return None
    bound = ""
    if before := _BOUND_BEFORE.match(text):
        bound, text = _BEFORE[before[0]], text[before.end() :]
    elif behind := _BOUND_BEHIND.search(text):
        bound, text = _BEHIND[behind[0]], text[: behind.start()]
    read = _read_one(text) or _read_range(text)
    return Quantity(read.low, read.high, read.units, bound) if read else None


def quantities_in(text: str) -> tuple[str, ...]:
    """Return the numbers in a normalised text, each with its unit if one stands behind it."""
    found = []
    for number in _NUMBER_IN_TEXT.finditer(text):
        unit = _unit_at_start(text[number.end() : number.end() + _LONGEST_UNIT + 1])
        if number[0][0].isdigit() or (unit and not _COUNTED.isdisjoint(_units_of(unit))):
            found.append(number[0] + unit)
    return tuple(quantity for quantity in found if read_quantity(quantity))


def unit_at_start(text: str) -> frozenset[str]:
    """Return what the longest unit that `text` begins with may mean; empty without one."""
    return _units_of(_unit_at_start(text))


def unit_spellings(word: str) -> frozenset[str]:
    """Return every spelling of the unit that `word` is; empty if it is none."""
    meant = _units_of(word)
    return frozenset(spelling for spelling, units in _UNITS.items() if not units.isdisjoint(meant))


def _unit_at_start(text: str) -> str:
    for size in range(min(_LONGEST_UNIT, len(text)), 0, -1):
        word, rest = text[:size], text[size : size + 1]
        goes_on = word[-1].isascii() and rest.isascii() and rest.isalnum()
        if not goes_on and _units_of(word):
            return word
    return ""


def _units_of(word: str) -> frozenset[str]:
    return _UNITS.get(word) or _UNITS.get(_ANY_CASE.get(word.lower(), ""), frozenset())


def _by_unit(quantity: Quantity) -> set[tuple[str, Fraction, Fraction]]:
    """One reading for each unit that is meant, with what is converted in its basic unit."""
    readings = set()
    for unit in quantity.units:
        basic, factor = _CONVERTED.get(unit, (unit, 1))
        readings.add((basic, quantity.low * factor, quantity.high * factor))
    return readings


def _read_one(text: str) -> Quantity | None:
    """A single number with or without unit; of 五千伏 the longest unit is the unit."""
    for prefix, unit in (("百分之", "%"), ("千分之", "‰")):
        if text.startswith(prefix):
            number = _read_number(text.removeprefix(prefix))
            return None if number is None else Quantity(number, number, frozenset([unit]))
    for size in range(min(_LONGEST_UNIT, len(text) - 1), -1, -1):
        cut = len(text) - size
        units = _units_of(text[cut:])
        number = _read_number(text[:cut]) if units or not size else None
        if number is not None:
            return Quantity(number, number, units)
    return None


def _read_range(text: str) -> Quantity | None:
    """0.7~1.0m, 0.7m至1.0m, -15~+35°C: the lower end first."""
    for mark in _BETWEEN_ENDS.finditer(text):
        low, high = _read_one(text[: mark.start()]), _read_one(text[mark.end() :])
        if low is None or high is None or low.low >= high.low:
            continue
        if not low.units or not high.units or low.units == high.units:
            return Quantity(low.low, high.low, high.units or low.units)
    return None


def _read_number(text: str) -> Fraction | None:
    """The value of a number without unit."""
    if (found := _DECIMAL.fullmatch(text)) and (found[2] or found[3]):
        value = Fraction((found[2] or "0").replace(",", "") + (found[3] or ""))
        value *= {"": 1, "万": 10_000, "亿": 100_000_000}[found[4]]
        return value if found[1] in (None, "+") else -value
    whole, parted, part = text.partition("分之")
    if parted:
        above, below = _read_numeral(part), _read_numeral(whole)
    elif found := _PART.fullmatch(text):
        above, below = Fraction(int(found[1])), Fraction(int(found[2]))
    else:
        return _read_numeral(text)
    # 5/1 is a date, and 0/2 nothing.
    return above / below if above and below and above < below else None


def _read_numeral(text: str) -> Fraction | None:
    """二十五, 一百零五, 两千, 半; not 一百二, which leaves out what it counts."""
    if text in ("半", "零", "〇"):
        return Fraction(1, 2) if text == "半" else Fraction(0)
    found = _NUMERAL.fullmatch(text)
    if not text or found is None:
        return None
    thousands, gap_before_hundreds, hundreds, gap_before_tens, tens, gap, ones = found.groups()
    has_tens = "十" in text
    # A power that is skipped must be spoken as 零, and only then: 一百零五, 二十五.
    if gap_before_hundreds or bool(gap_before_tens) != bool(has_tens and thousands and not hundreds):
        return None
    if bool(gap) != bool(ones and not has_tens and (hundreds or thousands)):
        return None
    if has_tens and not tens and (thousands or hundreds):
        return None
    value = 1000 * _FIGURES.get(thousands or "", 0) + 100 * _FIGURES.get(hundreds or "", 0)
    value += 10 * (_FIGURES[tens] if tens else int(has_tens)) + _FIGURES.get(ones or "", 0)
    return Fraction(value)
