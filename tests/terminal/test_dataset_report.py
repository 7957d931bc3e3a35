from pathlib import Path

import pytest

from tests.terminal.shown import shown
from xiaoan.terminal.dataset_report import check_lines
from xiaoan.training.data.dataset_check import DatasetCheck, check_dataset
from xiaoan.training.data.pair_files import PairFile
from xiaoan.training.data.pairs import Pair

OPTIONS = "雷雨天应穿（ ）\nA. 绝缘鞋\nB. 绝缘靴"
SPOILT = (
    *(Pair(f"第{number}个问题" + "很" * 70, "答") for number in range(7)),
    Pair(OPTIONS, "A. 绝缘靴"),
    *[Pair("钥匙几把", "3")] * 2,
    Pair("谁保管", "值班员"),
    Pair("谁保管", "班长"),
)


def file_of(*pairs: Pair, name: str = "训练.json") -> PairFile:
    records = tuple(range(1, len(pairs) + 1))
    return PairFile(Path(name), "0", pairs, records, skipped=(90, 91), by_line=True)


def check_of(*files: PairFile) -> DatasetCheck:
    return check_dataset(files, len, max_source_length=64, max_target_length=64)


@pytest.mark.parametrize("width", [50, 80])
def test_every_kind_of_trouble_is_told_within_the_width(width: int) -> None:
    check = check_of(file_of(*SPOILT), file_of(Pair("钥匙几把", "3"), name="验证.json"))
    text = shown(check_lines(check, everything=False, bars=True), width).replace("\n", "").replace(" ", "")
    for words in (
        "训练.json：12条",
        "7条会被截断",
        "都放得下要--max-source-length",
        "空的2条",
        "第90、91行",
        "还有2处，加--all全部列出",
        "第8行：“A.绝缘靴”A的文字对不上选项A",
        "谁保管：第11行答“值班员”；第12行答“班长”",
        "第9、10行：钥匙几把",
        "训练.json第9、10行、验证.json第1行：钥匙几把",
        "✗有会影响训练的问题",
    ):
        assert words in text


def test_all_lists_everything_and_bars_may_be_left_out() -> None:
    check = check_of(file_of(*SPOILT))
    text = shown(check_lines(check, everything=True, bars=False), 80)
    assert "第 7 行：题目" in text
    assert "还有" not in text
    assert "▇" not in text


def test_repetition_alone_is_a_reminder() -> None:
    file = PairFile(Path("a.json"), "0", (Pair("钥匙几把", "3"),) * 2, (1, 2), (), by_line=False)
    last = list(check_lines(check_of(file), everything=False, bars=True))[-1]
    assert (last.mark, last.text) == ("! ", "可以训练；有重复的记录，请过目。")
