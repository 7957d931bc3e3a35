"""A stored number under its number format, as the spreadsheet program shows it in a Chinese setting."""

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache

GENERAL = "General"

BUILT_IN: Mapping[int, str] = {
    0: GENERAL,
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    5: '"¥"#,##0;"¥"\\-#,##0',
    6: '"¥"#,##0;[Red]"¥"\\-#,##0',
    7: '"¥"#,##0.00;"¥"\\-#,##0.00',
    8: '"¥"#,##0.00;[Red]"¥"\\-#,##0.00',
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "yyyy/m/d",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy/m/d h:mm",
    27: 'yyyy"年"m"月"',
    28: 'm"月"d"日"',
    29: 'm"月"d"日"',
    30: "m-d-yy",
    31: 'yyyy"年"m"月"d"日"',
    32: 'h"时"mm"分"',
    33: 'h"时"mm"分"ss"秒"',
    34: '上午/下午h"时"mm"分"',
    35: '上午/下午h"时"mm"分"ss"秒"',
    36: 'yyyy"年"m"月"',
    37: "#,##0 ;(#,##0)",
    38: "#,##0 ;[Red](#,##0)",
    39: "#,##0.00 ;(#,##0.00)",
    40: "#,##0.00 ;[Red](#,##0.00)",
    41: '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ ',
    42: '_ "¥"* #,##0_ ;_ "¥"* -#,##0_ ;_ "¥"* "-"_ ;_ @_ ',
    43: '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ',
    44: '_ "¥"* #,##0.00_ ;_ "¥"* -#,##0.00_ ;_ "¥"* "-"??_ ;_ @_ ',
    45: "mm:ss",
    46: "[h]:mm:ss",
    48: "##0.0E+0",
    49: "@",
    50: 'yyyy"年"m"月"',
    51: 'm"月"d"日"',
    52: 'yyyy"年"m"月"',
    53: 'm"月"d"日"',
    54: 'm"月"d"日"',
    55: '上午/下午h"时"mm"分"',
    56: '上午/下午h"时"mm"分"ss"秒"',
    57: 'yyyy"年"m"月"',
    58: 'm"月"d"日"',
}
"""Number formats that files name by number only, in the wording of the Chinese edition."""

_DIGITS = 15
_WHOLE_UP_TO = 1e15
_PLAIN_UP_TO = Decimal(10) ** 21
_PLAIN_DOWN_TO = Decimal(10) ** -10
_MOST_PLACES = 30
_LAST_SERIAL = 2_958_466
"""The day after 9999-12-31."""
_LEAP_BUG_SERIAL = 60
_EPOCH_1904_OFFSET = 1462
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?'
    r"|\\(?P<escaped>.)"
    r"|_(?P<space>.)"
    r"|\*(?P<fill>.)"
    r"|\[(?P<bracket>[^\]]*)\]"
    r"|(?P<half>AM/PM|A/P|上午/下午)"
    r"|(?P<part>y+|m+|d+|h+|s+(?:\.0+)?|a{3,4}|b+|e(?![+-]))"
    r"|(?P<general>General|G/通用格式)"
    r"|(?P<exponent>E[+-]0+)"
    r"|(?P<digits>[0#?,.]*[0#?][0#?,.]*)"
    r"|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_COLOURS = re.compile(
    r"(?:black|blue|cyan|green|magenta|red|white|yellow|color\s?\d+|[黑蓝青绿红白黄]色?|洋红|颜色\d+)", re.I
)
_ELAPSED = re.compile(r"(?:h+|m+|s+)", re.IGNORECASE)
_CURRENCY = re.compile(r"\$([^-]*)(?:-[0-9A-Fa-f]+)?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = "一二三四五六日"
_LITERALS = frozenset(" $-+/():!^&'~{}<>=%,.·￥¥€£，。、：；（）～")
_PER_CENT = "%"


@dataclass(frozen=True, slots=True)
class _Token:
    """`kind` is a group's name of `_TOKEN`, or `literal` for what stands for itself."""

    kind: str
    text: str


def general(value: float) -> str:
    """Return a number as the format General gives it: 15 significant digits, no needless decimals."""
    if -_WHOLE_UP_TO < value < _WHOLE_UP_TO and value == int(value):
        return str(int(value))
    if not math.isfinite(value):
        return str(value)
    number = _exact(value)
    if not number:
        return "0"
    if _PLAIN_DOWN_TO <= abs(number) < _PLAIN_UP_TO:
        plain = f"{number:f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    digits, _, exponent = f"{number.normalize():E}".partition("E")
    return f"{digits}E{int(exponent):+03d}"


def iso_date(serial: float, *, epoch_1904: bool = False) -> str | None:
    """Return a date's stored number as ISO writes it (`2009-05-01`, `08:30:00`), None where it is no date."""
    moment = _moment(serial, epoch_1904)
    if moment is None:
        return None
    date, clock = moment
    if not clock:
        return _date_text(date)
    time = f"{clock // 3600:02d}:{clock // 60 % 60:02d}:{clock % 60:02d}"
    return time if 0 <= serial < 1 else f"{_date_text(date)} {time}"


def is_date_format(code: str) -> bool:
    """Whether numbers under this format are dates or times."""
    return any(_is_date(section) for section in _sections(code))


def is_plain(code: str) -> bool:
    """Whether the format shows a number as General does: General itself and text."""
    return code in ("", "@") or code.casefold() in ("general", "g/通用格式")


def shown(value: float, code: str, *, epoch_1904: bool = False) -> str | None:
    """Return the text that the cell shows, None where the format is not one that is rendered here.

    `epoch_1904` tells that the workbook counts its days from 1904.
    """
    if is_plain(code):
        return general(value)
    if not math.isfinite(value):
        return None
    sections = _sections(code)
    section, value = _section_for(value, sections)
    if section is None:
        return None
    text = _date_shown(section, value, epoch_1904) if _is_date(section) else _number_shown(section, value)
    return None if text is None else text.strip()


@lru_cache(maxsize=512)
def _sections(code: str) -> tuple[tuple[_Token, ...], ...]:
    sections: list[list[_Token]] = [[]]
    for match in _TOKEN.finditer(code):
        kind, text = str(match.lastgroup), match[str(match.lastgroup)]
        if kind == "other" and text == ";":
            sections.append([])
        else:
            sections[-1].extend(_settled(kind, text))
    return tuple(tuple(section) for section in sections)


def _settled(kind: str, text: str) -> list[_Token]:
    """Without what only moves or colours the text; `unknown` for what is not understood."""
    if kind in ("space", "fill"):
        return [_Token("literal", " ")] if kind == "space" else []
    if kind in ("quoted", "escaped"):
        return [_Token("literal", text)]
    if kind == "other":
        if text == _PER_CENT:
            return [_Token("percent", text)]
        if text == "@":
            return [_Token("text", text)]
        known = text in _LITERALS or ord(text) > 0x2E7F
        return [_Token("literal" if known else "unknown", text)]
    if kind != "bracket":
        return [_Token(kind, text)]
    if _COLOURS.fullmatch(text) or text.upper().startswith("DBNUM0"):
        return []
    if _ELAPSED.fullmatch(text):
        return [_Token("elapsed", text)]
    currency = _CURRENCY.fullmatch(text)
    if currency:
        return [_Token("literal", currency[1])]
    return [_Token("unknown", text)]


def _section_for(
    value: float, sections: Sequence[tuple[_Token, ...]]
) -> tuple[tuple[_Token, ...] | None, float]:
    """The section of the format that applies, and the value that it is to show (without a sign it adds)."""
    numeric = [section for section in sections if not any(token.kind == "text" for token in section)][:3]
    if not numeric:
        return None, value
    if value < 0 and len(numeric) >= 2:
        return numeric[1], -value
    if value == 0 and len(numeric) >= 3:
        return numeric[2], value
    return numeric[0], value


def _is_date(section: Sequence[_Token]) -> bool:
    kinds = {token.kind for token in section}
    return bool(kinds & {"part", "half", "elapsed"})


def _number_shown(section: Sequence[_Token], value: float) -> str | None:
    kinds = [token.kind for token in section]
    if set(kinds) - {"literal", "digits", "percent", "general", "exponent"}:
        return None
    slots = kinds.count("digits") + kinds.count("general")
    if slots == 0:
        return "".join(token.text for token in section) if kinds else None
    if slots > 1 or any(token.text == "/" for token in section):
        return None
    number = _exact(value).scaleb(2 * kinds.count("percent"))
    exponent = next((token.text for token in section if token.kind == "exponent"), None)
    parts: list[str] = []
    for token in section:
        if token.kind == "general":
            parts.append(general(float(number)))
        elif token.kind == "digits":
            digits = _scientific(number, token.text, exponent) if exponent else _fixed(number, token.text)
            if digits is None:
                return None
            parts.append(digits)
        elif token.kind != "exponent":
            parts.append(token.text)
    return _with_sign_first(parts, kinds)


def _with_sign_first(parts: list[str], kinds: Sequence[str]) -> str:
    """A minus stands before everything else: -¥5, not ¥-5."""
    text = "".join(parts)
    slot = next(place for place, kind in enumerate(kinds) if kind in ("digits", "general"))
    own = "".join(parts[:slot])
    number = text[len(own) :]
    return f"-{own}{number[1:]}" if own and number.startswith("-") else text


def _fixed(number: Decimal, pattern: str) -> str | None:
    """Fixed decimals, leading zeros and thousands."""
    whole, _, decimals = pattern.partition(".")
    if "." in decimals or len(decimals) > _MOST_PLACES or number.adjusted() > 3 * _MOST_PLACES:
        return None
    scaled = len(pattern) - len(pattern.rstrip(","))
    grouped = "," in whole.strip(",")
    whole, decimals = whole.replace(",", ""), decimals.replace(",", "")
    with localcontext(Context(prec=200)):
        step = Decimal(1).scaleb(-len(decimals))
        rounded = number.scaleb(-3 * scaled).quantize(step, rounding=ROUND_HALF_UP)
    left, _, right = f"{abs(rounded):f}".partition(".")
    left = left.lstrip("0")
    if grouped and left:
        left = f"{int(left):,}"
    least = len(decimals.rstrip("#?"))
    right = right[:least] + right[least:].rstrip("0")
    return (
        ("-" if rounded < 0 else "")
        + left.rjust(whole.count("0"), "0")
        + ("." if "." in pattern else "")
        + right
    )


def _scientific(number: Decimal, pattern: str, exponent: str) -> str | None:
    whole, _, decimals = pattern.partition(".")
    if whole != "0" or decimals.strip("0"):
        return None
    digits, _, power = f"{number:.{len(decimals)}E}".partition("E")
    sign = "-" if int(power) < 0 else "+" if exponent[1] == "+" else ""
    return f"{digits}E{sign}{abs(int(power)):0{len(exponent) - 2}d}"


def _date_shown(section: Sequence[_Token], value: float, epoch_1904: bool) -> str | None:
    if value < 0 or {token.kind for token in section} & {"unknown", "percent", "exponent", "general"}:
        return None
    places = max((len(t.text.partition(".")[2]) for t in section if t.kind == "part"), default=0)
    if places or any(token.kind == "digits" and token.text.strip(".,") for token in section):
        return None
    moment = _moment(value, epoch_1904)
    if moment is None:
        return None
    date, clock = moment
    halves = any(token.kind == "half" for token in section)
    parts: list[str] = []
    for place, token in enumerate(section):
        text = _date_part(token, _is_minute(section, place), date, clock, halves, value)
        if text is None:
            return None
        parts.append(text)
    return "".join(parts)


def _date_part(
    token: _Token, minute: bool, date: tuple[int, int, int, int], clock: int, halves: bool, value: float
) -> str | None:
    """One token of a date format; `date` is year, month, day and weekday from 0 (Monday)."""
    text = token.text
    if token.kind == "elapsed":
        seconds = int(_exact(value * 86_400).to_integral_value(ROUND_HALF_UP))
        unit = {"h": 3600, "m": 60, "s": 1}[text[0].lower()]
        return str(seconds // unit).rjust(len(text), "0")
    if token.kind == "half":
        return {"上午/下午": ("上午", "下午"), "AM/PM": ("AM", "PM"), "A/P": ("A", "P")}[text.upper()][
            clock >= 43_200
        ]
    if token.kind != "part":
        return text
    letter, length = text[0].lower(), len(text)
    if letter == "m" and minute:
        return _padded(clock // 60 % 60, length)
    hour = clock // 3600
    if letter == "h":
        return _padded((hour - 1) % 12 + 1 if halves else hour, length)
    if letter == "s":
        return _padded(clock % 60, length)
    return _calendar_part(letter, length, date)


def _calendar_part(letter: str, length: int, date: tuple[int, int, int, int]) -> str | None:
    year, month, day, weekday = date
    if letter == "y":
        return f"{year % 100:02d}" if length <= 2 else f"{year:04d}"
    if letter == "e":
        return str(year)
    if letter == "m":
        return _padded(month, length) if length <= 2 else _MONTHS[month - 1] if length == 3 else None
    if letter == "d":
        return _padded(day, length) if length <= 2 else None
    if letter == "a":
        return ("星期" if length == 4 else "") + _WEEKDAYS[weekday]
    return None


def _padded(number: int, length: int) -> str | None:
    return str(number).rjust(length, "0") if length <= 2 else None


def _is_minute(section: Sequence[_Token], place: int) -> bool:
    """Whether an `m` stands for minutes: right after hours or right before seconds."""

    def letter(token: _Token) -> str:
        return token.text[0].lower() if token.kind in ("part", "elapsed") and token.text else ""

    before = next((letter(t) for t in reversed(section[:place]) if letter(t)), "")
    after = next((letter(t) for t in section[place + 1 :] if letter(t)), "")
    return before == "h" or after == "s"


def _moment(serial: float, epoch_1904: bool) -> tuple[tuple[int, int, int, int], int] | None:
    """(year, month, day, weekday) and the second of the day, rounded to whole seconds."""
    if not 0 <= serial < _LAST_SERIAL:
        return None
    seconds = math.floor(serial * 86_400 + 0.5)
    days, clock = divmod(seconds, 86_400)
    if epoch_1904:
        days += _EPOCH_1904_OFFSET
    if days >= _LAST_SERIAL:
        return None
    # The spreadsheet world holds 1900 to be a leap year: its day 60 is 29 February, its day 0 the "0 January".
    if days == 0:
        return (1900, 1, 0, 5), clock
    if days == _LEAP_BUG_SERIAL and not epoch_1904:
        return (1900, 2, 29, 2), clock
    epoch = datetime.date(1899, 12, 31 if days < _LEAP_BUG_SERIAL else 30)
    date = epoch + datetime.timedelta(days=days)
    return (date.year, date.month, date.day, date.weekday()), clock


def _date_text(date: tuple[int, int, int, int]) -> str:
    return f"{date[0]:04d}-{date[1]:02d}-{date[2]:02d}"


def _exact(value: float) -> Decimal:
    """The value with 15 significant digits, as the programs keep it for showing."""
    return Decimal(f"{value:.{_DIGITS}g}")
