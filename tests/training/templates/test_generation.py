import random
import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.training.templates.made import MASKS, ROLL_CALL, read, slot, task
from xiaoan.errors import UsageError
from xiaoan.training.data.pairs import Pair
from xiaoan.training.templates.generation import made_pairs, template_source
from xiaoan.training.templates.numerals import chinese
from xiaoan.training.templates.template_file import read_template

SHIPPED = Path(__file__).resolve().parents[3] / "question_banks" / "templates" / "现场点巡检.toml"
NUMERALS = {chinese(Decimal(n)): n for n in range(100)}


def heard_number(pair: Pair, word: str) -> int:
    found = re.search(rf"{word}\D*?(\d+|[零一二三四五六七八九十]+)人", pair.content)
    assert found, pair
    return int(found[1]) if found[1].isdigit() else NUMERALS[found[1]]


def test_one_seed_makes_one_data_set_and_another_another(tmp_path: Path) -> None:
    template = read(tmp_path, ROLL_CALL + MASKS)
    assert made_pairs(template, 60, random.Random(4)) == made_pairs(template, 60, random.Random(4))
    assert made_pairs(template, 60, random.Random(4)) != made_pairs(template, 60, random.Random(5))


def test_the_bytes_for_a_seed_stay_what_they_are(tmp_path: Path) -> None:
    pairs = made_pairs(read(tmp_path, ROLL_CALL + MASKS), 3, random.Random(7))
    assert pairs == [
        Pair("步骤#点名\\*语音#今天应到4人，实到2人，告完完币", "有人缺勤：2人"),
        Pair("步骤#点名\\*语音#今天应到三人，实到6人，报报告完毕", "人数异常"),
        Pair("步骤#点名\\*语音#今天应到4人实到4人，报嗯完毕", "无人缺勤"),
    ]


def test_every_case_has_an_equal_share_and_the_answer_that_its_numbers_ask_for(tmp_path: Path) -> None:
    pairs = made_pairs(read(tmp_path, ROLL_CALL + MASKS), 300, random.Random(1))
    for pair in pairs:
        due, there = heard_number(pair, "应到"), heard_number(pair, "实到")
        right = "无人缺勤" if due == there else f"有人缺勤：{due - there}人" if there < due else "人数异常"
        assert pair.summary == right
    assert sum(pair.summary == "无人缺勤" for pair in pairs) == 100


def test_an_epoch_has_values_and_faults_of_its_own(tmp_path: Path) -> None:
    source = template_source(read(tmp_path, ROLL_CALL + MASKS), 40)
    assert source(random.Random("1-0")) == source(random.Random("1-0"))
    assert source(random.Random("1-0")) != source(random.Random("1-1"))


def test_what_is_held_out_is_never_in_an_epoch(tmp_path: Path) -> None:
    template = read(tmp_path, ROLL_CALL)
    held_out = frozenset(pair.content for pair in made_pairs(template, 9, random.Random(0)))
    made = template_source(template, 60, avoid=held_out)(random.Random(1))
    assert made
    assert not held_out & {pair.content for pair in made}


def test_several_values_are_said_in_any_order_and_answered_in_the_files(tmp_path: Path) -> None:
    slots = slot("工具", 'values = ["靴", "帽", "手套"]\npick = 3\nsorted = true')
    template = read(tmp_path, task('say = "带了{工具}"\nanswer = "{工具}"', slots))
    pairs = made_pairs(template, 30, random.Random(0))
    assert {pair.summary for pair in pairs} == {"靴、帽、手套"}
    assert len({pair.content for pair in pairs}) == 6


def test_parts_come_in_any_order(tmp_path: Path) -> None:
    body = 'say = "{乱序}。"\nparts = ["我姓{姓}", "是{岗位}"]\nanswer = "{岗位}{姓}"'
    slots = slot("姓", 'values = ["张", "李"]') + slot("岗位", 'values = ["监护人"]')
    contents = {p.content for p in made_pairs(read(tmp_path, task(body, slots)), 40, random.Random(0))}
    assert "步骤#报告\\*语音#我姓张，是监护人。" in contents
    assert "步骤#报告\\*语音#是监护人，我姓李。" in contents


def test_slots_within_slots_are_drawn_once_for_a_pair(tmp_path: Path) -> None:
    slots = slot("编号", "from = 1\nto = 9") + slot("位置", 'values = ["{编号}号塔", "{编号}号杆"]')
    template = read(tmp_path, task('say = "我在{位置}"\nanswer = "{编号}号：{位置}"', slots))
    for pair in made_pairs(template, 20, random.Random(2)):
        number, place = pair.summary.split("号：")
        assert place.startswith(f"{number}号")
        assert pair.content.endswith(f"我在{place}")


def test_what_tells_two_answers_of_a_step_apart_is_never_garbled(tmp_path: Path) -> None:
    text = (
        task('say = "设备状态良好"\nanswer = "正常"') + task('say = "设备状态很差"\nanswer = "异常"') + MASKS
    )
    for pair in made_pairs(read(tmp_path, text), 200, random.Random(3)):
        said = pair.content.split("#")[-1]
        assert (("良" in said and "好" in said), ("很" in said and "差" in said)) == (
            pair.summary == "正常",
            pair.summary == "异常",
        )


def test_marked_words_are_never_garbled(tmp_path: Path) -> None:
    template = read(tmp_path, task('say = "经过检查【一切正常】报告完毕"\nanswer = "正常"') + MASKS)
    pairs = made_pairs(template, 100, random.Random(3))
    assert all("一切正常" in pair.content and "【" not in pair.content for pair in pairs)
    assert len({pair.content for pair in pairs}) > 50


def test_numbers_are_said_in_the_digits_asked_for(tmp_path: Path) -> None:
    slots = slot("数", 'from = 11\nto = 12\ndigits = "中文"')
    template = read(tmp_path, task('say = "有{数}个，即{数:阿拉伯}个"\nanswer = "{数}，{数:中文}"', slots))
    assert {(p.content.split("#")[-1], p.summary) for p in made_pairs(template, 20, random.Random(0))} == {
        ("有十一个，即11个", "11，十一"),
        ("有十二个，即12个", "12，十二"),
    }


def test_one_sentence_with_two_answers_is_refused(tmp_path: Path) -> None:
    slots = slot("甲", 'values = ["一", "一二"]') + slot("乙", 'values = ["二三", "三"]')
    template = read(tmp_path, task('say = "{甲}{乙}"\nanswer = "{甲}与{乙}"', slots))
    with pytest.raises(UsageError, match="两个答案"):
        made_pairs(template, 200, random.Random(0))


@pytest.mark.parametrize("count", [0, 200_001])
def test_a_count_out_of_range_is_refused(count: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="应为 1 到"):
        made_pairs(read(tmp_path, ROLL_CALL), count, random.Random(0))


def test_the_shipped_template_makes_short_pairs_without_repeats() -> None:
    pairs = made_pairs(read_template(SHIPPED), 800, random.Random(0))
    assert max(len(pair.content) for pair in pairs) < 60
    assert len({pair.content for pair in pairs}) == 800
