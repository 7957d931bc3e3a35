import pytest

from tests.patience import does_not_hang
from xiaoan.question_bank.option_labels import bare_text


@pytest.mark.parametrize(
    "text",
    [
        "停电；",
        "停电;",
        "停电，",
        "停电、",
        " 停电|",
        "停电**",
        "##停电",
        "$;$停电",
        "停电$|$ ",
        "停电#",
        "*停电",
    ],
)
def test_what_parts_options_is_no_part_of_their_texts(text: str) -> None:
    assert bare_text(text) == "停电"


@pytest.mark.parametrize(
    "text", ["#1主变", "2#", "*.exe", "$5", "停电。", "x=1;y=2", "A、B相", "*", "#", "$"]
)
def test_a_single_sign_of_a_word_stays(text: str) -> None:
    assert bare_text(text) == text
    for mark in ("；", "，", "|", " "):
        assert bare_text(f"{text}{mark}") == bare_text(f"{mark}{text}") == text
    assert bare_text("#1主变$;$") == bare_text("**#1主变") == "#1主变"
    assert bare_text("2#$;$") == bare_text("2#**") == "2#"


def test_nothing_but_separators_is_no_text() -> None:
    assert [bare_text(text) for text in ("", " ", "；", "**", "$;$", "|，")] == [""] * 6
    assert bare_text("、") == "、"


def test_ten_thousand_signs_cost_no_time() -> None:
    with does_not_hang():
        for sign in "#*$；、|":
            bare_text(sign * 30_000 + "停电" + sign * 30_000)
