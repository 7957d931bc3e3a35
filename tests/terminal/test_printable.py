import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoan.terminal.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m红\x1b[0m", "红"),
        ("\x1b]0;title\x07甲", "甲"),
        ("\x1b]8;;http://x\x1b\\链接\x1b]8;;\x1b\\", "链接"),
        ("\x9b2J甲", "甲"),
        ("甲\x07\x08\x7f乙", "甲乙"),
        ("\u202e反\u202c\u200b\ufeff", "反"),
        ("甲\t乙\r\n丙", "甲 乙 丙"),
        ("坏\udcff字", "坏字"),
        ("[red]不是标记[/red] 🙋", "[red]不是标记[/red] 🙋"),
    ],
)
def test_nothing_but_text_is_left(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_breaks_stay_when_asked_for() -> None:
    assert printable("甲\r\n乙\u2028丙", newlines=True) == "甲\n乙\n丙"


@given(st.text(), st.booleans())
def test_no_control_character_survives(text: str, newlines: bool) -> None:
    shown = printable(text, newlines=newlines)
    assert all(
        ord(character) >= 32 and not 127 <= ord(character) < 160 for character in shown.replace("\n", "")
    )
    shown.encode("utf-8")
