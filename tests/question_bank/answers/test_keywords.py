import pytest

from xiaoan.question_bank.answers.keywords import MOST_KEYWORDS, keywords, named


def test_items_of_an_enumeration_are_keywords() -> None:
    assert keywords("（1）停电；（2）验电；（3）装设接地线。") == ("停电", "验电", "装设接地线")
    assert keywords("一、停电；二、验电") == ("停电", "验电")
    assert keywords("1.停电\n2.验电\n3.停电") == ("停电", "验电")


def test_clauses_and_numbers_with_units_are_keywords() -> None:
    assert keywords("答：至少两人进行，距离不小于0.70 m。") == (
        "至少两人进行",
        "两人",
        "距离不小于0.70m",
        "0.70m",
    )


def test_joining_words_are_no_part_of_a_keyword() -> None:
    assert keywords("停电，并且验电，以及悬挂标示牌") == ("停电", "验电", "悬挂标示牌")


def test_a_long_answer_names_only_so_many() -> None:
    assert len(keywords("；".join(f"第{number}号线路停电" for number in range(99)))) == MOST_KEYWORDS


@pytest.mark.parametrize(
    ("keyword", "answer"),
    [
        ("装设接地线", "然后装设 接地线！"),
        ("0.7m", "距离大于0.70 米"),
        ("两人", "要有2人在场"),
        ("距离不小于0.7m", "人身距离不得小于0.7米"),
        ("悬挂标示牌和装设遮栏", "悬挂标示牌，装设遮栏"),
    ],
)
def test_a_keyword_is_found_in_other_words_near_enough(keyword: str, answer: str) -> None:
    assert named(keyword, answer)


@pytest.mark.parametrize(
    ("keyword", "answer"),
    [
        ("0.7m", "10.7m"),
        ("0.7m", "0.7cm"),
        ("距离不小于0.7m", "距离不小于1.7m"),
        ("不得约时停送电", "可以约时停送电"),
        ("装设接地线", "验电"),
        ("停电", "可以不停电"),
        ("两人", "一人"),
    ],
)
def test_another_number_or_the_opposite_is_not_found(keyword: str, answer: str) -> None:
    assert not named(keyword, answer)
