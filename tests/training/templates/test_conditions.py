from decimal import Decimal

import pytest

from xiaoan.training.templates.conditions import ConditionError, Value, parse_condition, parse_sum

NUMERIC = {"应到": True, "实到": True, "天气": False, "N": True}
VALUES: dict[str, Value] = {"应到": Decimal(12), "实到": Decimal(11), "天气": "雷雨", "N": Decimal(3)}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("实到 == 应到", False),
        ("实到<应到", True),
        ("应到 - 实到 = 1", True),
        ("-1 == 实到 - 应到", True),
        ("实到 不小于 12 或 天气 == “雷雨”", True),
        ("天气 != '雷雨' 或 N > 3 且 N < 9", False),
        ("（天气等于「雷雨」）且（实到 ≤ 11）", True),
        ("应到 >= 12 且 (N == 2 或 N == 3)", True),
    ],
)
def test_conditions_hold_as_they_read(text: str, holds: bool) -> None:
    assert parse_condition(text, NUMERIC).holds(VALUES) is holds


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("缺勤 > 1", "不认识「缺勤」"),
        ("天气 == 雷雨", "引号"),
        ("天气 > '晴'", "文字只能用"),
        ("天气 == 3", "一边是文字"),
        ("天气 + 1 == 3", "不能加减"),
        ("实到", "缺少比较符号"),
        ("实到 <", "不完整"),
        ("实到 < 应到 应到", "看不懂"),
        ("(实到 < 应到", "没有配对"),
        ("((((((实到 < 1))))))", "层"),
        ("__import__('os').system('true') == 1", "不认识"),
        ("实到 < 1 且 " * 40, "最长"),
    ],
)
def test_what_is_no_condition_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ConditionError, match=complaint):
        parse_condition(text, NUMERIC)


def test_sums_of_slots_are_worked_out() -> None:
    found = parse_sum("应到 - 实到 + 2", NUMERIC)
    assert found.names == ("应到", "实到")
    assert found.value(VALUES) == 3
