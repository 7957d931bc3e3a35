import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoan.question_bank.answers.quantities import (
    quantities_in,
    read_quantity,
    same_text,
    unit_at_start,
    unit_spellings,
)
from xiaoan.question_bank.normalization import normalize_text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0.7 m", "0.7米", True),
        ("0.70", "0.7m", True),
        ("35kV", "35 KV", True),
        ("10kV", "10V", False),
        ("2年", "2个月", False),
        ("5", "5以上", False),
        ("正确", "不正确", False),
        ("第一种工作票", "第一种 工作票。", True),
        ("第一种工作票", "第二种工作票", False),
    ],
)
def test_texts_are_the_same_or_not(one: str, other: str, same: bool) -> None:
    assert same_text(one, other) is same
    assert same_text(other, one) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000V", "1000 伏"),
        ("两年", "2年"),
        ("半年", "六个月"),
        ("一年", "12个月"),
        ("二十五", "25"),
        ("一百零五", "105"),
        ("三分之一", "1/3"),
        ("百分之八十", "80％"),
        ("220v", "220伏"),
        ("24H", "24小时"),
        ("25mm²", "25平方毫米"),
        ("10万元", "100000元"),
        ("≥2m", "2米及以上"),
        ("不超过4Ω", "≤4欧姆"),
        ("0.7m~1.0m", "0.7至1米"),
        ("-15~+35 ℃", "零下15到35摄氏度"),
        ("5日", "五天"),
        ("100次/分", "100 次/分钟"),
    ],
)
def test_a_number_is_the_same_in_figures_and_words(one: str, other: str) -> None:
    assert same_text(one, other)
    assert same_text(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("4m", "4cm"),
        ("4m", "400cm"),
        ("4m", "4M"),
        ("4", "-4"),
        ("5mA", "5MA"),
        ("2MΩ", "2mΩ"),
        ("5级以上", "5级及以上"),
        (">5级", "≥5级"),
        ("2m", "≥2m"),
        ("0.7", "0.7~1.0"),
        ("0.7~1.0m", "0.7~1.0cm"),
        ("二次", "两次"),
        ("二级", "两级"),
        ("5/1", "5"),
        ("一百二", "102"),
        ("半年", "5个月"),
        ("80%", "0.8"),
        ("65°", "65℃"),
        ("1个工作日", "1天"),
        ("1.5", "15"),
        ("1,5", "1.5"),
    ],
)
def test_another_value_unit_or_bound_is_not_the_same(one: str, other: str) -> None:
    assert not same_text(one, other)
    assert not same_text(other, one)


@pytest.mark.parametrize(
    "text", ["", "m", "千", "约2m", "2009-05-01", "1.5.2", "7.3.4", "停电", "第2种", "0/2", "十分", "百"]
)
def test_what_is_no_number_as_a_whole_is_not_read(text: str) -> None:
    assert read_quantity(text) is None


def test_a_unit_with_two_meanings_agrees_with_either() -> None:
    assert same_text("65度", "65°")
    assert same_text("35度", "35℃")
    assert same_text("30分", "30min")
    assert not same_text("30分", "30s")


def test_the_longest_unit_is_the_one_that_stands_there() -> None:
    assert unit_at_start("mm。") == {"mm"}
    assert unit_at_start("个月内") == {"个月"}
    assert unit_at_start("kVx") == set()
    assert "千伏" in unit_spellings("kV")
    assert unit_spellings("停电") == set()


def test_numbers_in_a_sentence_keep_their_units() -> None:
    assert quantities_in("至少两人，距离0.7~1.0m，保存1年，一次设备") == ("两人", "0.7", "1.0m", "1年")


@given(st.text(alphabet="0123456789.,+-~/mkVcA%米年个月两半十百零一二三以上及≥ ", max_size=12))
def test_reading_a_number_does_not_depend_on_its_spelling(text: str) -> None:
    assert read_quantity(text) == read_quantity(normalize_text(text))
    assert same_text(text, text)


@given(
    st.integers(1, 9999),
    st.sampled_from(["m", "cm", "kV", "人", "年", "%"]),
    st.sampled_from(["m", "cm", "kV", "人", "年", "%"]),
)
def test_only_the_same_number_with_the_same_unit_is_the_same(number: int, unit: str, other: str) -> None:
    assert same_text(f"{number}{unit}", f"{number} {other}") is (unit == other)
    assert same_text(f"{number}{unit}", str(number))
    assert not same_text(f"{number}{unit}", str(number + 1))
