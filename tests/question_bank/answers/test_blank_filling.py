from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.question_bank.factory import fill
from xiaoan.question_bank.answers.blank_filling import filled_right, fills, offered, split_blanks

STEPS = fill("检修前应先（ ），再（ ）。", ["停电", "验电"])


@pytest.mark.parametrize(
    "given_answer",
    [
        *("停电；验电", "停电|验电", "停电\n验电", "停电、验电", "停电，验电", "停电 验电", "停电验电"),
        *("(1)停电(2)验电", "①停电；②验电", "1.停电 2.验电", "1、停电\n2、验电", ";停电;验电"),
        ["停电", "验电"],
    ],
)
def test_blanks_are_told_apart_in_many_ways(given_answer: str | list[str]) -> None:
    assert filled_right(given_answer, STEPS) == (True, True)


def test_a_blank_may_be_left_empty() -> None:
    assert filled_right("停电；", STEPS) == (True, False)
    assert filled_right("；验电", STEPS) == (False, True)
    assert filled_right(["", "验电"], STEPS) == (False, True)


@pytest.mark.parametrize("given_answer", ["停电", "停电、验电、接地", ["停电"], "电停验电"])
def test_blanks_that_cannot_be_told_apart_are_not_read(given_answer: str | list[str]) -> None:
    assert filled_right(given_answer, STEPS) is None


def test_a_separator_inside_a_blank_is_kept_where_a_stronger_one_parts() -> None:
    assert split_blanks("停电、验电；接地", 2) == ["停电、验电", "接地"]
    assert split_blanks("1.5；2.0", 2) == ["1.5", "2.0"]
    assert split_blanks("1,000", 1) == ["1,000"]


def test_order_counts_unless_the_bank_says_otherwise() -> None:
    assert filled_right("验电；停电", STEPS) == (False, False)
    assert filled_right("验电；停电", replace(STEPS, any_order=True)) == (True, True)


def test_in_any_order_a_text_serves_one_blank_only() -> None:
    question = replace(fill("两项措施：（ ）和（ ）。", ["停电", "验电"]), any_order=True)
    assert filled_right("停电；停电", question) == (True, False)
    assert filled_right("接地；停电", question) == (False, True)
    wide = replace(fill("（ ）和（ ）", ["停电/断电", "停电"]), any_order=True)  # two words for one thing
    assert filled_right("停电；断电", wide) == (True, True)


def test_a_unit_must_be_that_of_its_own_blank() -> None:
    question = fill("距离不小于（ ）m，时间不少于（ ）min。", ["0.7", "30"])
    assert filled_right("0.70 米；30分钟", question) == (True, True)
    assert filled_right("0.7min；30m", question) == (False, False)


@pytest.mark.parametrize(
    ("official", "words"),
    [
        ("停电/断电", ["停电", "断电", "停电/断电"]),
        ("绝缘靴（鞋）", ["绝缘靴", "绝缘鞋", "绝缘靴鞋"]),
        ("断路器（开关）", ["断路器", "开关", "断路器(开关)"]),
        ("停电、验电", ["停电和验电", "停电验电", "停电以及验电"]),
        ("两年", ["2年", "２ 年", "二年"]),
        ("2或3", ["2或3。"]),
    ],
)
def test_a_blank_takes_every_word_that_its_official_answer_offers(official: str, words: list[str]) -> None:
    for word in words:
        assert fills(word, official), word


@pytest.mark.parametrize(
    ("official", "word"),
    [
        ("2或3", "2"),
        ("两人或三人", "两人"),
        ("停电/送电", "停电"),
        ("停电/验电", "停电"),
        ("母线/线路", "线路"),
        ("绝缘手套/绝缘靴", "绝缘靴"),
        ("拉开/合上", "拉开"),
        ("工作负责人/工作许可人", "工作负责人"),
        ("个人保安线（接地线）", "接地线"),
        ("停送（电）", "停电"),
        ("1/2", "1"),
        ("km/h", "km"),
        ("10kV/35kV", "10kV"),
        ("第一种/第二种", "第一种"),
        ("带电/不带电", "带电"),
        ("停电、验电", "验电、停电"),
        ("停电", "不停电"),
        ("4m", "4cm"),
        ("停电", " "),
    ],
)
def test_half_an_answer_or_another_one_fills_no_blank(official: str, word: str) -> None:
    assert not fills(word, official)


def test_what_an_answer_offers_begins_with_the_whole() -> None:
    assert offered("停电/断电") == ("停电/断电", "停电", "断电")
    assert offered("室内（外）") == ("室内（外）",)


@given(
    st.lists(
        st.sampled_from(["停电", "验电", "0.7m", "两人", "接地线"]), min_size=1, max_size=5, unique=True
    ),
    st.data(),
)
def test_in_any_order_only_the_set_counts(answers: list[str], data: st.DataObject) -> None:
    question = replace(fill("（ ）" * len(answers), answers), any_order=True)
    shuffled = data.draw(st.permutations(answers))
    assert filled_right("；".join(shuffled), question) == (True,) * len(answers)
    spoilt = ["别的", *shuffled[1:]]
    assert filled_right(spoilt, question) == (False, *(True,) * (len(answers) - 1))
