import random

from xiaoan.question_bank.slips import drop_characters, is_neutral


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
