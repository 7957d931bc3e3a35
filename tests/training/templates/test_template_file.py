from pathlib import Path

import pytest

from tests.training.templates.made import MASKS, ROLL_CALL, read, slot, task
from xiaoan.errors import StorageError, UsageError
from xiaoan.training.templates.template_file import read_template

GOOD = 'say = "来了{甲}"\nanswer = "{甲}"'
ONE = slot("甲", 'values = ["张", "李"]')

YAML = r"""
title: 点名
slot:
  - {name: 应到, from: 3, to: 6}
  - {name: 实到, from: 2, to: 7, digits: 都有}
task:
  - step: 步骤#点名\*语音#%s
    say: [今天应到{应到}人，实到{实到}人，报告完毕]
    case:
      - {when: 实到 == 应到, answer: 无人缺勤}
      - {when: 实到 < 应到, answer: '有人缺勤：{应到-实到}人'}
      - {when: 实到 > 应到, answer: 人数异常}
"""


def test_yaml_says_the_same_as_toml(tmp_path: Path) -> None:
    yaml = YAML.replace("say: [今", 'say: ["今').replace("完毕]", '完毕"]')
    assert read(tmp_path, yaml, "模板.yaml") == read(tmp_path, ROLL_CALL)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    windows = "\ufeff" + ROLL_CALL.replace("\n", "\r\n")
    assert read(tmp_path, windows, "w.toml") == read(tmp_path, ROLL_CALL)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "没有任务"),
        ("task = []", "没有任务|至少"),
        (task('say = "来了{乙}"\nanswer = "好"'), "say 的第 1 句.*不认识「乙」"),
        (task(GOOD, ONE + slot("乙", 'values = ["一"]')), "没有用到的槽位：乙"),
        (task(GOOD, slot("甲", "values = []")), "第 1 个 slot（甲）：values 是空的列表"),
        (task(GOOD, slot("甲", 'values = ["张", ""]')), "values 的第 2 个值 是空的"),
        (task(GOOD, slot("甲", 'values = ["张", "张"]')), "有重复的值：张"),
        (task(GOOD, slot("甲", "")), "没有值"),
        (task(GOOD, slot("甲", "from = 9\nto = 3")), "范围写反了：from 是 9，to 是 3"),
        (task(GOOD, slot("甲", "from = 1\nto = 3\nstep = 0")), "step 是 0，应大于 0"),
        (task(GOOD, slot("甲", "from = 1\nto = 99999")), "最多 10000 个"),
        (task(GOOD, slot("甲", "from = 1\nto = 1e12")), "to 是|太大"),
        (task(GOOD, slot("甲", "from = true\nto = 3")), "from 是「True」，应为数"),
        (task(GOOD, slot("甲", 'values = ["张"]\nform = 1')), "不认识「form」，是不是 from"),
        (task(GOOD, slot("甲", 'values = ["张"]\npick = 2')), "pick 是「2」"),
        (task(GOOD, slot("甲", 'values = ["张"]\ndigits = "中文"')), "digits 只能用于数"),
        (task(GOOD, ONE + ONE), "前面已经有了"),
        (task(GOOD, slot("甲 乙", 'values = ["张"]')), "槽位不能叫"),
        (task(GOOD, slot("甲", 'values = ["{乙}"]') + slot("乙", 'values = ["{甲}"]')), "没有尽头：.*→"),
        (task(GOOD, slot("甲", 'values = ["{甲}甲"]')), "没有尽头：甲 → 甲"),
        (
            task(
                GOOD, slot("甲", 'values = ["' + "{乙}" * 9 + '"]') + slot("乙", f'values = ["{"长" * 300}"]')
            ),
            "最多 2000",
        ),
        (task('answer = "好"'), "缺少 say"),
        (task('say = "来了"'), "缺少 answer"),
        (task('say = "来了{甲"\nanswer = "好"', ONE), "没有配对"),
        (task('say = "来了"\nanswer = "{甲}"', ONE), "没有说到 甲"),
        (task('say = "{甲}来了"\nanswer = "{甲+1}"', ONE), "文字不能加减"),
        (task('say = "{甲}【来"\nanswer = "好"', ONE), "【 】没有配对"),
        (task('say = "{乱序}"\nanswer = "好"'), "有 parts 的任务"),
        (task('say = "好"\nparts = ["来", "了"]\nanswer = "好"'), "say 里没有 {乱序}"),
        ("[[task]]\nstep = '步骤#点名'\nsay = '来了'\nanswer = '好'", "有 0 个 %s"),
        ("[[task]]\nstep = '%s%s'\nsay = '来了'\nanswer = '好'", "有 2 个 %s"),
        (task('say = "来"\nanswer = "好"') + task('say = "来"\nanswer = "坏"'), "有两个答案"),
        (task('say = "来"\nanswer = "好"') + "[masks]\nshare = 2", "share 是 2，应为 0 到 1"),
        (task('say = "来"\nanswer = "好"') + '[masks]\nkinds = ["掉字"]', "kinds 里不认识「掉字」"),
        (task('say = "来"\nanswer = "好"') + '[masks]\nhomophones = ["不布"]', "homophones"),
        ("tasks = 1\n" + task('say = "来"\nanswer = "好"'), "不认识「tasks」，是不是 task"),
        ("slot = 3\n" + task('say = "来"\nanswer = "好"'), "slot 应为一组表"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=complaint):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('when = "实到 > 应到"', 'when = "实到 > 应到 + 1"', "种情况没有对应的 case，例如 实到=4、应到=3"),
        ('when = "实到 > 应到"', 'when = "实到 > 99"', "第 3 个 case 永远轮不到"),
        ('when = "实到 == 应到"', 'when = "其他"', "只能是最后一个 case"),
        ('when = "实到 == 应到"', 'when = "缺勤 == 0"', "第 1 个 case.*不认识「缺勤」"),
        ("to = 6", "to = 9999", "种组合，最多 50,000 种"),
        ("say = [", 'answer = "好"\nsay = [', "只能写一种"),
        ("，实到{实到}人", "", "没有说到 实到"),
    ],
)
def test_cases_that_leave_a_gap_are_refused(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=complaint):
        read(tmp_path, ROLL_CALL.replace(old, new))


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="有 2 处不对") as caught:
        read(tmp_path, task('say = "来了"\nanswer = "好"\nsays = 1', slot("甲", "from = 2\nto = 1")))
    assert "范围写反了" in caught.value.message
    assert "是不是 say" in caught.value.message


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("a.toml", 'title = "点\\*名"'.encode(), "第 1 行.*单引号"),
        ("a.toml", "title = “点名”".encode(), "全角符号"),
        ("a.toml", b"a = " + b"[" * 5000, "看不懂|太深"),
        ("a.toml", "标题".encode("gbk"), "第 1 行不是 UTF-8"),
        ("a.xlsx", b"", "应为 .toml"),
        ("a.toml", b" " * 1_000_001, "超过 1,000,000 字节"),
        ("a.yaml", "title: [点名".encode(), "看不懂"),
        ("a.yaml", b"a: &x [1]\nb: *x", "第 2 行用了"),
        ("a.yaml", b"[" * 50 + b"]" * 50, "套得太深"),
        ("a.yaml", b"title: a\ntitle: b", "第 2 行的「title」写了两次"),
        ("a.yaml", b"- a", "最外层"),
        ("a.yaml", b"\x00", "看不懂"),
    ],
)
def test_files_that_cannot_be_read_say_where(name: str, data: bytes, complaint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=complaint):
        read_template(tmp_path / name)


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="读不了模板"):
        read_template(tmp_path / "没有.toml")


def test_the_masks_table_is_read_with_the_authors_own_homophones(tmp_path: Path) -> None:
    text = task('say = "来"\nanswer = "好"') + MASKS + 'homophones = ["虎唬"]\nkinds = "同音字"'
    faults = read(tmp_path, text).faults
    assert faults is not None
    assert (faults.share, faults.rate, faults.kinds) == (1.0, 0.3, ("同音字",))
    assert faults.alike["虎"] == "唬"
