from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoan.question_bank.answers.choice_reading import label_options
from xiaoan.question_bank.asked_types import (
    are_alike,
    inferred_type,
    judged_statement,
    lacks_its_options,
    may_be_judged,
    needs_its_options,
    verdicts_of,
)
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import RIGHT, WRONG, QuestionType

JUDGE, SINGLE, MULTIPLE = QuestionType.JUDGE, QuestionType.SINGLE, QuestionType.MULTIPLE


@pytest.mark.parametrize(
    "typed",
    [
        "电气作业人员前后两次体格检查，间隔最长不得超过三年。",
        "单人操作时可以登杆",
        "单人操作时可以登杆，对吗？",
        "听说单人操作时可以登杆，是真的吗",
        "请判断：单人操作可以登杆",
        "登杆验电，近侧先验，远侧后验。",
        "一张工作票能用到什么时候，以签发人估计的时间为准。",
        "单人操作时可以登杆。A. 对 B. 错",
        "单人操作时可以登杆\n①√\n②×",
    ],
)
def test_a_statement_is_to_be_judged(typed: str) -> None:
    assert inferred_type(parse_question(typed)) is JUDGE


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("10kV设备不停电时的安全距离是多少", SINGLE),
        ("高压室的钥匙至少应有（ ）把。", SINGLE),
        ("保证安全的技术措施有哪些", MULTIPLE),
        ("关于高压室钥匙的管理，正确的有（ ）。", MULTIPLE),
        ("雷雨天气巡视室外高压设备应穿（ ）。", None),
        ("雷雨天气巡视室外高压设备应穿", None),
        ("单人操作能不能登杆？", None),
        ("工作负责人应具备的条件", None),
        ("高压室的钥匙管理要求", None),
        ("你好，我想了解一下工作票。", None),
        ("检查接线是否正确", None),
        ("How many keys?", None),
        ("", None),
    ],
)
def test_what_is_no_statement_is_never_called_one(typed: str, expected: QuestionType | None) -> None:
    assert inferred_type(parse_question(typed)) is expected


@pytest.mark.parametrize(
    ("typed", "may"),
    [
        ("工作负责人应具备的条件", True),
        ("单人操作时可以登杆", True),
        ("单人操作时可以登杆，对吗？", True),
        ("安全距离", False),
        ("雷雨天气应穿（ ）。", False),
        ("单人操作能不能登杆", False),
    ],
)
def test_what_a_verdict_can_answer(typed: str, *, may: bool) -> None:
    assert may_be_judged(parse_question(typed)) is may


def test_the_words_that_ask_for_a_verdict_are_no_part_of_the_statement() -> None:
    for typed in ("单人操作时可以登杆。", "单人操作时可以登杆，对吗？", "单人操作时可以登杆,对不对"):
        assert judged_statement(parse_question(typed)) == "单人操作时可以登杆"
    assert judged_statement(parse_question("应检查接线是否正确")) == "应检查接线是否正确"


def test_verdicts_are_read_in_any_words_but_not_out_of_figures() -> None:
    assert verdicts_of(label_options(["对", "×"])) == (RIGHT, WRONG)
    assert verdicts_of(label_options(["错误", "正确"])) == (WRONG, RIGHT)
    for texts in ([], ["1", "0"], ["对", "正确"], ["正确", "错误", "不一定"]):
        assert verdicts_of(label_options(texts)) == ()


def test_a_stem_that_may_speak_of_options_is_known() -> None:
    for stem in ("下列说法正确的是___", "接地时,以下做法正确的是___", "应选哪一项"):
        assert needs_its_options(stem)
    for stem in ("35kV以下设备应___", "断口以上应___", "由哪一级批准"):
        assert not needs_its_options(stem)


@pytest.mark.parametrize(
    ("typed", "lacks"),
    [
        ("下列说法正确的是（ ）。", True),
        ("关于接地，以下做法正确的是（ ）。", True),
        ("停电检修，下面哪些做法合规？", True),
        ("关于高压室钥匙的管理，正确的是（ ）。", True),
        ("哪种说法是对的", True),
        ("下列说法正确的是（ ）。A. 停电 B. 验电", False),
        ("下列情况应停止工作。", False),
        ("下列说法是否正确：单人操作可以登杆", False),
        ("停用防误闭锁装置应经哪个单位批准？", False),
        ("35kV以下设备应（ ）。", False),
        ("把小工具递给下面的人，正确的办法是什么？", False),
        ("先拉哪个？", False),
    ],
)
def test_missing_options_are_missed_only_where_the_question_speaks_of_them(typed: str, lacks: bool) -> None:
    asked = parse_question(typed)
    assert lacks_its_options(asked, inferred_type(asked)) is lacks


@given(
    st.text(alphabet="应可以不得穿绝缘靴对错吗几哪，。？（）的是有___A12"),
    st.lists(st.text(max_size=3), max_size=4),
)
def test_any_text_has_some_kind_or_none_whatever_its_labels(stem: str, texts: list[str]) -> None:
    asked = replace(parse_question(stem), options=label_options(texts))
    relabelled = tuple(AskedOption(f"{9 - place}", text) for place, text in enumerate(texts))
    assert inferred_type(asked) is inferred_type(replace(asked, options=relabelled[::-1]))


@pytest.mark.parametrize(
    ("texts", "alike"),
    [
        (["正确", "正确"], True),
        (["正确", "对"], True),
        (["停电", " 停电"], True),
        (["正确", "错误"], False),
        (["停电", "停电", "验电"], False),
        (["1", "T"], False),
        ([], False),
    ],
)
def test_options_that_say_the_same_leave_nothing_to_choose(texts: list[str], *, alike: bool) -> None:
    assert are_alike(label_options(texts)) is alike
