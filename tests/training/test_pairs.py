import random

from tests.fakes import ALONE, BOOTS, TOOLS
from xiaoan.question_bank.normalization import normalize_stem
from xiaoan.question_bank.slips import drop_characters, is_neutral
from xiaoan.training.pairs import bank_pairs, with_slips
from xiaoan.training.pretraining.texts import FieldText, pretraining_pairs


def test_a_question_becomes_its_stem_and_its_answers_in_one_fixed_order() -> None:
    pairs = bank_pairs([BOOTS, TOOLS, ALONE])
    assert [pair.content for pair in pairs] == [normalize_stem(q.stem) for q in (BOOTS, TOOLS, ALONE)]
    assert [pair.summary for pair in pairs] == ["绝缘靴", "; ".join(sorted(["护目镜", "绝缘手套"])), "错误"]


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


def test_copies_with_slips_follow_the_clean_pairs() -> None:
    pairs = bank_pairs([BOOTS, TOOLS])
    made = with_slips(pairs, 0.1, 2, random.Random(0))
    assert made[:2] == pairs
    assert [pair.summary for pair in made[2:]] == [pair.summary for pair in pairs] * 2


def test_texts_become_cloze_judging_and_questions() -> None:
    text = FieldText(
        ("雷雨天气要穿绝缘靴巡视。",), ("雷雨天气穿布鞋巡视。",), ("雷雨天巡视穿什么？",), ("绝缘靴",)
    )
    pairs = pretraining_pairs([text], random.Random(0))
    contents = {pair.content: pair.summary for pair in pairs}
    assert contents["雷雨天气要穿绝缘靴巡视"] == "正确"
    assert contents["雷雨天气穿布鞋巡视"] == "错误"
    assert contents["雷雨天气要穿___巡视"] == "绝缘靴"
    assert contents["雷雨天巡视穿什么"] == "绝缘靴"


def test_one_seed_makes_one_data_set() -> None:
    text = FieldText(
        ("雷雨天气要穿绝缘靴巡视。", "巡视时遇雷雨穿绝缘靴。"), (), ("雷雨天巡视穿什么？",), ("绝缘靴",)
    )
    assert pretraining_pairs([text] * 9, random.Random(5)) == pretraining_pairs([text] * 9, random.Random(5))
