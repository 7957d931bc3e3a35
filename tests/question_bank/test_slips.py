import random

from hypothesis import given
from hypothesis import strategies as st

from xiaoan.question_bank.slips import drop_characters, is_neutral, is_slip_of, telling_pieces


def test_slips_keep_numbers_negations_and_blanks() -> None:
    stem = "10kV设备不停电时的安全距离不应小于___m,严禁单人进入"
    for seed in range(50):
        slipped = drop_characters(stem, 0.5, random.Random(seed))
        for kept in ("10kV", "不", "___", "m", "严禁", "单"):
            assert kept in slipped


def test_about_a_tenth_of_the_neutral_characters_goes() -> None:
    stem = "工作负责人在开工之前要向全体工作班成员交代清楚现场的情况" * 20
    neutral = sum(map(is_neutral, stem))
    lost = len(stem) - len(drop_characters(stem, 0.1, random.Random(1)))
    assert 0.07 * neutral < lost < 0.13 * neutral


@given(st.text(alphabet="设备不停电时的安全距离应内外,", max_size=40), st.integers(0, 99))
def test_what_lost_characters_is_known_as_a_slip(stem: str, seed: int) -> None:
    assert is_slip_of(stem, stem)
    assert is_slip_of(drop_characters(stem, 0.3, random.Random(seed)), stem)


def test_another_number_a_denial_or_another_word_is_no_slip() -> None:
    stem = "10kV设备不停电时的安全距离应为___m"
    for other in (
        "35kV设备不停电时的安全距离应为___m",
        "10kV设备停电时的安全距离应为___m",
        "10kV设备不停电时的最小距离应为___m",
        "10kV设备不停电时的安全距离应为___",
        stem + "吗",
    ):
        assert not is_slip_of(other, stem)


def test_what_tells_a_question_apart_stays_in_order() -> None:
    assert telling_pieces("10kV设备不停电时应为___m") == ["10kV", "不", "应", "___", "m"]
