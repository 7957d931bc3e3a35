import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoan.printable import UNSEEN, printable

FAMILY = "👨\u200d👩\u200d👧 ❤️\u200d🔥"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("绝缘靴 A. 10kV　𠮷𪚥", "绝缘靴 A. 10kV　𠮷𪚥"),
        ("\x1b[31m红\x1b[0m", "红"),
        ("\x1b]0;title\x07甲", "甲"),
        ("\x1b]8;;http://x\x1b\\链接\x1b]8;;\x1b\\", "链接"),
        ("\x9b2J甲", "甲"),
        ("甲\x00\x07\x08\x7f\x1b乙", "甲乙"),
        ("\u202e反\u202c\u2066\u200f\u200b\ufeff", "反"),
        ("甲\t乙\r\n丙\x85丁\u2028戊\v己", "甲 乙 丙 丁 戊 己"),
        ("坏\udcff字\ufffe\ufdd0\U0001ffff", "坏字"),
        ("[red]不是标记[/red] 🙋", "[red]不是标记[/red] 🙋"),
        ("葛\U000e0100", "葛\U000e0100"),
    ],
)
def test_only_what_a_person_can_see_is_left(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_breaks_stay_when_asked_for() -> None:
    assert printable("甲\r\n乙\r丙\u2028丁\x85戊\t己", newlines=True) == "甲\n乙\n丙\n丁\n戊 己"


@pytest.mark.parametrize(
    ("text", "shown"),
    [(FAMILY, FAMILY), ("甲\u200d乙\u200d", "甲乙"), ("👨\u200d\u200b\u200d👩", "👨👩"), ("\u200d👨", "👨")],
)
def test_emoji_stay_joined_when_asked_for_and_nothing_else(text: str, shown: str) -> None:
    assert printable(text, joiners=True) == shown
    assert "\u200d" not in printable(text)


@given(st.text(), st.booleans(), st.booleans())
def test_what_is_left_can_be_written_and_stays(text: str, newlines: bool, joiners: bool) -> None:
    shown = printable(text, newlines=newlines, joiners=joiners)
    assert printable(shown, newlines=newlines, joiners=joiners) == shown
    assert shown.encode().decode() == shown
    assert not UNSEEN.search(shown.replace("\u200d", "") if joiners else shown)


def test_just_what_unicode_calls_control_or_format_is_unseen() -> None:
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert {unicodedata.category(character) for character in UNSEEN.findall(everything)} == {*unseen, "Cn"}
    missed = [each for each in UNSEEN.sub("", everything) if unicodedata.category(each) in unseen]
    assert missed == ["\n"]
