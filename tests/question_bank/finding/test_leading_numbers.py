import pytest

from tests.question_bank.factory import bank, judge
from xiaoan.question_bank.finding.leading_numbers import numbers_agree, without_number_before_quantity
from xiaoan.question_bank.matching import Matcher, MatchKind
from xiaoan.question_bank.parsing import parse_question


def kind(asked: str, banked: str) -> MatchKind:
    return Matcher(bank(judge(banked))).match(parse_question(asked)).kind


@pytest.mark.parametrize(
    "number", ["3、", "12、", "3.", "3．", "56\t", "（5）", "7) ", "第7题 ", "１２、", "3 、", "5. "]
)
@pytest.mark.parametrize(
    "stem",
    [
        "10kV线路停电后应验电。",
        "110 kV母线停电后应验电。",
        "10/0.4kV变压器应停电检修。",
        "0.4千伏线路应停电检修。",
    ],
)
def test_numbering_in_front_of_a_voltage_goes(number: str, stem: str) -> None:
    assert kind(number + stem, stem) is MatchKind.EQUIVALENT


@pytest.mark.parametrize(
    ("number", "stem"),
    [
        ("1、", "24h连续运行的主机应检查。"),
        ("56\t", "24h连续运行的主机应检查。"),
        ("12、", "2.5mm²的软铜线可作接地线。"),
        ("1.", "2.5mm²的软铜线可作接地线。"),
        ("12、", "7.23 工作前应核对图纸。"),
        ("3\t", "7.23 工作前应核对图纸。"),
        ("56\t", "1000V及以下的设备为低压设备。"),
        ("5、", "10、20kV线路应停电检修。"),
        ("12、", "1000V以上的设备为高压设备。"),
    ],
)
def test_numbering_in_front_of_a_quantity_or_a_clause_goes(number: str, stem: str) -> None:
    assert kind(number + stem, stem) is MatchKind.EQUIVALENT
    assert kind(stem, stem) is MatchKind.EQUIVALENT


APART = [
    ("10、20kV线路应停电", "20kV线路应停电"),
    ("35、20kV线路应停电", "10、20kV线路应停电"),
    ("3、6、10kV线路应停电", "6、10kV线路应停电"),
    ("1、2号主变应停电", "2号主变应停电"),
    ("3.10m以上应设围栏", "10m以上应设围栏"),
    ("1.5m以上应设围栏", "5m以上应设围栏"),
    ("0.7m以上应设围栏", "7m以上应设围栏"),
    ("1 5m以上应设围栏", "5m以上应设围栏"),
    ("10.5kV母线应停电", "5kV母线应停电"),
    ("3.6kV电缆应停电", "6kV电缆应停电"),
    ("6.35kV电缆应停电", "35kV电缆应停电"),
    ("2、3人一组巡视线路", "3人一组巡视线路"),
    ("24、48h内应送达票面", "48h内应送达票面"),
    ("16、25mm²导线应接地", "25mm²导线应接地"),
    ("5、10年内应检查一次", "10年内应检查一次"),
    ("1 000V以上为高压设备", "000V以上为高压设备"),
    ("5.3.2 人员应持证上岗", "3.2 人员应持证上岗"),
    ("（1）类设备应停电", "（2）类设备应停电"),
    ("（2）级动火应开票", "（1）级动火应开票"),
    ("（1）类设备应停电", "类设备应停电"),
    ("一、（1）类设备应停电", "一、（2）类设备应停电"),
    ("①号开关应断开", "②号开关应断开"),
    ("①主变应停电检修", "②主变应停电检修"),
    ("（10）kV线路应停电", "（20）kV线路应停电"),
    ("（10）A熔断器应更换", "（20）A熔断器应更换"),
    ("【1】段母线应停电", "【2】段母线应停电"),
]


@pytest.mark.parametrize(("one", "other"), [*APART, *((other, one) for one, other in APART)])
def test_a_list_a_decimal_and_the_number_of_a_thing_are_no_numbering(one: str, other: str) -> None:
    assert kind(one, other) in (MatchKind.SIMILAR, MatchKind.NONE)
    assert kind(one, one) is MatchKind.EQUIVALENT


def test_a_bank_stem_that_begins_with_the_number_goes_before_one_without() -> None:
    with_number, without = judge("3、10kV线路应验电。"), judge("10kV线路应验电。", "错误")
    match = Matcher(bank(without, with_number)).match(parse_question("3、10kV线路应验电。"))
    assert match.questions == (with_number,)


@pytest.mark.parametrize("typed", ["10kV线路", "工作票", "3、停电", "", "12", "3、4 不放过原则"])
def test_a_text_without_such_a_number_stays(typed: str) -> None:
    assert without_number_before_quantity(typed) == typed


def test_numbers_in_brackets_agree_if_they_are_equal_or_only_one_numbers_the_question() -> None:
    assert numbers_agree("（5）工作票", "工作票")
    assert numbers_agree("5. （3）工作票", "（3）工作票")
    assert numbers_agree("12、工作票", "3、工作票")
    assert not numbers_agree("（5）工作票", "（3）工作票")
