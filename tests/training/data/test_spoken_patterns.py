import re

import pytest

from xiaoan.training.data import spoken_patterns
from xiaoan.training.data.spoken_patterns import asking

PATTERNS = [
    *spoken_patterns.QUESTIONS,
    *spoken_patterns.STATEMENTS,
    *spoken_patterns.WITH_OPTIONS,
    *spoken_patterns.IN_A_ROW,
    *spoken_patterns.HELD_OUT_QUESTIONS,
    *spoken_patterns.HELD_OUT_STATEMENTS,
    *spoken_patterns.HELD_OUT_WITH_OPTIONS,
]


@pytest.mark.parametrize(
    ("stem", "answer", "said"),
    [
        ("雷雨天巡视应穿___", "绝缘靴", "雷雨天巡视应穿什么"),
        ("钥匙至少应有___把", "3", "钥匙至少应有多少把"),
        ("安全距离应为___", "0.7 m", "安全距离应为多少"),
        ("巡视每组最少应为___", "两人", "巡视每组最少应为多少"),
        ("保安线应由___装上", "作业者本人", "保安线应由谁装上"),
        ("原因不明时,班组首先应___", "停止工作", "原因不明时,班组首先应做什么"),
        ("登杆前应检查哪些部位", "杆根", "登杆前应检查哪些部位"),
        ("最多用多长时间___", "10s", "最多用多长时间"),
        ("装卸熔断器应使用", "护目镜", "装卸熔断器应使用什么"),
        ("先___再___", "停电", "先什么再什么"),
    ],
)
def test_a_blank_becomes_the_word_that_asks_for_it(stem: str, answer: str, said: str) -> None:
    assert asking(stem, [answer]) == said


def test_patterns_say_no_number_no_unit_and_deny_nothing() -> None:
    for pattern in (*PATTERNS, *spoken_patterns.STRANGE):
        words = re.sub(r"\{\w*\}|对不对", "", pattern)
        assert not re.search("[0-9A-Za-z不未无没非禁勿]", words), pattern


def test_what_is_held_out_is_no_pattern_of_training() -> None:
    held = [
        *spoken_patterns.HELD_OUT_QUESTIONS,
        *spoken_patterns.HELD_OUT_STATEMENTS,
        *spoken_patterns.HELD_OUT_WITH_OPTIONS,
    ]
    assert set(PATTERNS[: -len(held)]).isdisjoint(held)
