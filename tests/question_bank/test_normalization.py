import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.patience import does_not_hang
from xiaoan.question_bank.normalization import (
    clean_text,
    match_key,
    normalize_stem,
    normalize_text,
    strip_question_number,
    text_key,
)

BLANKS = [
    "( )",
    "（　　）",
    "（ ）",
    "()",
    "（)",
    "(）",
    "___",
    "____",
    "_(1)_",
    "__(2)__",
    "【 】",
    "（？）",
    "（（ ））",
]
AWKWARD = st.text(
    alphabet=st.sampled_from("工作，。.、（）()[]_ 　1２aKkVm：:;?？\t\n-—…²①½“’́ﾞ\u200b\x1b[3"), max_size=40
)


@pytest.mark.parametrize("blank", BLANKS)
def test_every_form_of_a_blank_is_the_same_blank(blank: str) -> None:
    assert normalize_stem(f"工作票的有效期，以{blank}为限。") == "工作票的有效期,以___为限"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("设备 电压  为 220 KV ，及以上", "设备电压为220kV,及以上"),
        ("ＡＢ两相：“停电”！", 'AB两相:"停电"!'),
        ("Safety  first 10 kV", "Safety first 10kV"),
        ("停电. 验电.", "停电。验电。"),
        ("25 mm² ～ 10² ①", "25mm2~10^2①"),
        ("温度 −5℃", "温度-5°C"),
        ("1.5 m / 0.7 m", "1.5m/0.7m"),
        ("\x1b[31m红\x1b[0m\u202e字\u200b", "红字"),
    ],
)
def test_a_text_has_one_spelling(written: str, normal: str) -> None:
    assert normalize_text(written) == normal


@pytest.mark.parametrize(
    "numbered",
    ["1.{}", "12、{}", "1．{}", "56\t{}", "（3）{}", "4) {}", "第5题：{}", "3:{}", "1. {}", "２．{}"],
)
def test_leading_question_numbers_go(numbered: str) -> None:
    assert normalize_stem(numbered.format("工作前应验电。")) == "工作前应验电"


@pytest.mark.parametrize(
    "stem",
    ["7.23 工作前应验电", "1.5m以内", "220 千伏线路", "220\t千伏线路", "1、2号主变", "10:30开工", "1.220kV"],
)
def test_clause_numbers_and_quantities_stay(stem: str) -> None:
    assert strip_question_number(stem) == stem


def test_the_place_for_a_verdict_after_the_last_full_stop_goes() -> None:
    assert normalize_stem("应先验电。（　　）") == normalize_stem("应先验电") == "应先验电"


def test_a_blank_at_the_end_of_a_question_stays() -> None:
    assert normalize_stem("安全距离是（ ）。") == "安全距离是___"


@given(st.one_of(st.text(max_size=60), AWKWARD))
def test_normalisation_is_idempotent(text: str) -> None:
    for normalise in (normalize_text, normalize_stem, clean_text):
        once = normalise(text)
        assert normalise(once) == once


@given(AWKWARD)
def test_width_and_surrounding_spaces_never_matter(text: str) -> None:
    wide = text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F) if chr(code) not in "\"'`[_-~"})
    if "\x1b" not in text:
        assert normalize_text(f" {wide} ") == normalize_text(text)


@given(st.text(max_size=60))
def test_clean_text_leaves_nothing_that_steers_a_terminal(text: str) -> None:
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in clean_text(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5m", "15m"),
        ("10²", "102"),
        ("5mA", "5MA"),
        ("-5℃", "5℃"),
        ("1、2", "12"),
        ("（1）（3）", "（2）（3）"),
        ("≥4m", "≤4m"),
        ("±5", "5"),
        ("75%", "75"),
        ("1:2", "12"),
    ],
)
def test_keys_keep_numbers_units_and_signs_apart(one: str, other: str) -> None:
    assert text_key(one) != text_key(other)


def test_keys_pass_over_marks_that_mean_nothing() -> None:
    assert match_key("“两票”，即工作票、操作票。") == match_key("两票 即工作票,操作票")


@pytest.mark.parametrize(
    "text",
    ["(" * 10_000, "()" * 5_000, "(" * 5_000 + ")" * 5_000, "_" * 10_000, "。___" * 2_500, "1." * 5_000],
)
def test_ten_thousand_characters_cost_little(text: str) -> None:
    with does_not_hang():
        match_key(text)


@given(
    st.text(alphabet=st.sampled_from("停电应的 \t\n　（）()[]【】_＿．.。，,、:?“”'—-~·…×±12kKvVmMhHz%第题"))
)
def test_the_quick_way_for_plain_texts_gives_what_the_long_way_gives(text: str) -> None:
    unseen = "\u200b"  # makes the text take the long way, and leaves nothing behind
    assert normalize_text(text) == normalize_text(text + unseen)
    assert normalize_stem(text) == normalize_stem(text + unseen)


def test_every_character_below_the_surrogates_goes_both_ways_alike() -> None:
    for character in map(chr, range(0xD800)):
        text = f"停{character}电1"
        assert normalize_text(text) == normalize_text(text + "\u200b")
