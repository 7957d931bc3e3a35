"""Numbers as people and recognisers write them: Arabic digits or Chinese numerals."""

from decimal import Decimal
from typing import Final

LARGEST: Final = 99_999_999
"""Numbers of a template lie between minus this and this."""

_DIGITS = "零一二三四五六七八九"
_POWERS = ("", "十", "百", "千")


def arabic(number: Decimal) -> str:
    """Return the number in Arabic digits, without an exponent and without needless zeros: `12`, `3.5`."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def chinese(number: Decimal) -> str:
    """Return the number in Chinese numerals: 12 十二, 105 一百零五, 3.5 三点五, -2 负二.

    Raises:
        ValueError: the number is beyond `LARGEST`.
    """
    if abs(number) > LARGEST:
        raise ValueError(number)
    whole, _, decimals = arabic(abs(number)).partition(".")
    thousands, units = divmod(int(whole), 10_000)
    text = _below_ten_thousand(units)
    if thousands:
        gap = "零" if 0 < units < 1000 else ""
        text = f"{_below_ten_thousand(thousands)}万{gap}{text if units else ''}"
    text = text.removeprefix("一") if text.startswith("一十") else text
    spoken = "点" + "".join(_DIGITS[int(digit)] for digit in decimals) if decimals else ""
    return ("负" if number < 0 else "") + text + spoken


def _below_ten_thousand(number: int) -> str:
    if number == 0:
        return "零"
    digits = [int(digit) for digit in str(number)]
    pieces: list[str] = []
    for place, digit in enumerate(digits):
        if digit:
            pieces.append(_DIGITS[digit] + _POWERS[len(digits) - place - 1])
        elif pieces and pieces[-1] != "零":
            pieces.append("零")
    return "".join(pieces).rstrip("零")
