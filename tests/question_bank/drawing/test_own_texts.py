"""Options' texts right behind letters."""

import pytest

from xiaoan.question_bank.drawing.own_texts import OwnText, OwnTexts

TEXTS = ("停电", "工作负责人", "0.7m", "相电压", "停电时间", "1")


def behind(text: str, *, begins: bool = True, chosen: bool = False) -> OwnText:
    """What stands behind the first capital letter of `text`."""
    first = next(place for place, sign in enumerate(text) if sign.isupper())
    return OwnTexts(text, TEXTS).behind(first, begins=begins, chosen=chosen)


@pytest.mark.parametrize(
    "text", ["A.停电", "A(停电)后", "A：停电", "B工作负责人", "B 工作 负责人是签发的", "C.0.7m;", "C“0.7m”"]
)
def test_the_options_own_text_is_known(text: str) -> None:
    narrow = text.replace("：", ":")
    assert behind(narrow) is OwnText.ITS_OWN


@pytest.mark.parametrize(
    "text",
    [
        *(
            "A停电",
            "A、停电后",
            "B工作负责人制度",
            "C.0.7mm",
            "D.相电压",
            "F.1",
            "F.1.5",
            "G.停电",
            "A",
            "A.",
        ),
        "A,停电前验电",
    ],
)
def test_a_text_that_may_be_part_of_something_else_tells_nothing(text: str) -> None:
    assert behind(text) is OwnText.NONE


def test_the_longest_text_counts() -> None:
    assert behind("A停电时间,") is OwnText.OF_ANOTHER
    assert behind("E停电时间,", begins=False, chosen=True) is OwnText.ITS_OWN


def test_outside_the_beginning_of_a_clause_only_a_choice_or_a_second_letter_tells() -> None:
    assert behind("B工作负责人", begins=False) is OwnText.NONE
    assert behind("A停电。", begins=False, chosen=True) is OwnText.ITS_OWN
    assert behind("A停电和B工作负责人", begins=False) is OwnText.ITS_OWN


def test_without_texts_nothing_is_known() -> None:
    texts = OwnTexts("A.停电")
    assert not texts.known
    assert texts.behind(0, begins=True, chosen=True) is OwnText.NONE
