import random

from xiaoan.question_bank.normalization import BLANK, normalize_stem
from xiaoan.training.pretraining.base import epoch_pairs
from xiaoan.training.pretraining.drills import COPY_INSTRUCTION, drill_pairs
from xiaoan.training.pretraining.texts import FieldText, pretraining_pairs
from xiaoan.training.pretraining.vocabulary import common_hanzi

SENTENCES = ["雷雨天气巡视要穿绝缘靴", "钥匙至少配3把"]
TEXT = FieldText(("雷雨天气要穿绝缘靴巡视。",), ("雷雨天气穿布鞋巡视。",), ("穿什么靴？",), ("绝缘靴",))


def test_the_answer_of_every_drill_can_be_read_off_its_question() -> None:
    for pair in drill_pairs(SENTENCES, 300, random.Random(1)):
        assert pair.summary
        assert pair.summary in pair.content
        assert pair.content.startswith(COPY_INSTRUCTION) != (BLANK in pair.content)


def test_a_filled_gap_gives_a_part_of_the_first_text_again() -> None:
    gaps = [p for p in drill_pairs(SENTENCES, 200, random.Random(2)) if p.content.count(";") == 1]
    for pair in gaps:
        text, gap = pair.content.split(";")
        assert gap.replace(BLANK, pair.summary) in text or ":" in text


def test_drills_are_asked_as_the_bot_asks() -> None:
    for pair in drill_pairs(SENTENCES, 200, random.Random(3)):
        assert pair.content.isprintable()
        assert normalize_stem(SENTENCES[0]) == SENTENCES[0]


def test_drills_come_to_use_every_common_character() -> None:
    written = {c for pair in drill_pairs(SENTENCES, 20_000, random.Random(4)) for c in pair.summary}
    assert set(common_hanzi()) <= written


def test_an_epoch_has_the_share_of_drills_asked_for() -> None:
    texts = [TEXT] * 50
    told = len(pretraining_pairs(texts, random.Random(5)))
    assert len(epoch_pairs(texts, 0.0, random.Random(5))) == told
    made = epoch_pairs(texts, 0.4, random.Random(5))
    assert abs((len(made) - told) / len(made) - 0.4) < 0.01


def test_one_seed_makes_one_set_of_drills() -> None:
    assert drill_pairs(SENTENCES, 50, random.Random(6)) == drill_pairs(SENTENCES, 50, random.Random(6))
