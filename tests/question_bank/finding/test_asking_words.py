import pytest

from tests.question_bank.factory import bank, judge, single
from xiaoan.question_bank.finding.asking_words import bare_statement
from xiaoan.question_bank.matching import Matcher, MatchKind
from xiaoan.question_bank.parsing import parse_question

STATEMENT = "工作负责人允许变更两次"


def kind(asked: str, banked: str) -> MatchKind:
    return Matcher(bank(judge(banked))).match(parse_question(asked)).kind


@pytest.mark.parametrize(
    "form",
    [
        "{}。对吗？",
        "{}，对不对？",
        "{}。是否正确？",
        "{}，是否正确",
        "{}是否正确？",
        "{}对吗？",
        "{}。这种说法对吗？",
        "{}。上述说法是否正确？",
        "{}。这样做对吗？",
        "{}，是不是这么回事",
        "{}。是这样吗？",
        "{}（对/错）",
        "{}。（√／×）",
        "{}（正确、错误）。",
        "判断：{}。",
        "判断对错：{}。",
        "请判断正误：{}。",
        "下列说法是否正确：{}。",
        "判断以下说法是否正确：{}。对吗？",
        "3、{}。对吗？",
        "依据变电安规，{}。对吗？",
    ],
)
def test_a_statement_with_words_that_ask_for_a_verdict_is_the_statement(form: str) -> None:
    assert kind(form.format(STATEMENT), STATEMENT + "。") is MatchKind.EQUIVALENT


APART = [
    ("工作负责人允许变更两次是错误的，对吗？", STATEMENT),
    ("工作负责人允许变更两次，不对吗？", STATEMENT),
    ("工作负责人允许变更两次是不对的，是否正确？", STATEMENT),
    ("工作负责人不允许变更两次。对吗？", STATEMENT),
    ("应检查设备接线是否正确。", "应检查设备接线。"),
    ("应检查设备接线是否正确？", "应检查设备接线。"),
    ("应核对设备极性对不对？", "应核对设备极性。"),
    ("工作班成员应明确措施是否正确？", "工作班成员应明确措施。"),
    ("运维人员应审查票面措施正确吗？", "运维人员应审查票面措施。"),
]


@pytest.mark.parametrize(("asked", "banked"), APART)
def test_words_that_turn_the_statement_or_belong_to_it_stay(asked: str, banked: str) -> None:
    assert kind(asked, banked) is MatchKind.SIMILAR


def test_only_a_statement_is_asked_so() -> None:
    among = Matcher(bank(single("工作票由谁签发", ["甲", "乙"], "甲")))
    assert among.match(parse_question("工作票由谁签发。对吗？")).questions == ()


@pytest.mark.parametrize("typed", [STATEMENT, "对吗？", "", "（对/错）", "判断："])
def test_nothing_is_taken_off_where_nothing_asks_or_nothing_would_remain(typed: str) -> None:
    assert bare_statement(typed) is None
