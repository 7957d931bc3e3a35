import random

from xiaoan.training.pretraining.texts import FieldText, pretraining_pairs


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
