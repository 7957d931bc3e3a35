import pytest

from tests.evaluation.baselines.papers import judge, paper, several, single
from tests.fakes import ALONE, BOOTS, KEYS, TOOLS
from xiaoan.evaluation.baselines.bank_lookup import exact_lookup, nearest_lookup

BANK = [KEYS, BOOTS, TOOLS, ALONE]


@pytest.mark.parametrize("look_up", [exact_lookup, nearest_lookup])
@pytest.mark.parametrize("form", ["plain", "options", "shuffled", "marks", "circular"])
def test_what_stands_in_the_bank_is_found_in_every_form_that_keeps_its_words(look_up, form) -> None:  # type: ignore[no-untyped-def]
    sat = look_up(paper(BANK, form, seed=2), BANK)
    assert all(one.right for one in sat), [one.answer for one in sat]


def test_other_words_are_not_found_to_the_letter_but_by_likeness() -> None:
    asked = paper([single("雷雨天巡视室外的高压设备，要穿（ ）。", "绝缘靴", "雨靴", "绝缘靴")])
    assert exact_lookup(asked, BANK)[0].answer == ""
    assert nearest_lookup(asked, BANK)[0].answer == "B. 绝缘靴"


def test_an_answer_becomes_the_option_most_like_it() -> None:
    asked = paper([single("雷雨天气巡视室外高压设备应穿（ ）。", "穿绝缘靴", "雨靴", "穿绝缘靴", "便鞋")])
    assert exact_lookup(asked, BANK)[0].answer == ""
    assert nearest_lookup(asked, BANK)[0].answer == "B. 穿绝缘靴"


def test_the_nearest_question_is_taken_however_far_it_is() -> None:
    asked = paper([single("三相异步电动机的转速取决于（ ）。", "频率", "频率", "气温", "颜色")])
    assert nearest_lookup(asked, BANK)[0].chosen != ()
    assert exact_lookup(asked, BANK)[0].chosen == ()


def test_of_several_questions_of_one_stem_the_one_with_these_options_is_meant() -> None:
    stem = "下列说法正确的是（ ）。"
    bank = [single(stem, "甲", "甲", "乙"), single(stem, "丙", "丙", "丁")]
    sat = exact_lookup(paper(bank, "options"), bank)
    assert [one.answer for one in sat] == ["A. 甲", "A. 丙"]


def test_statements_are_sought_among_statements() -> None:
    bank = [
        single("单人操作时，可以登杆（ ）。", "严禁", "严禁", "可以"),
        judge("单人操作不应当去登杆。", "正确"),
    ]
    for asked in paper([judge("单人操作时可以登杆。", "错误")], "plain", "options"):
        assert nearest_lookup([asked], bank)[0].answer.endswith("正确")
        assert nearest_lookup([asked], bank[:1])[0].answer == ""


def test_a_set_is_answered_as_a_set() -> None:
    asked = paper([several("装卸高压熔断器，须用（ ）。", "BD", "雨衣", "绝缘手套", "便鞋", "护目镜")])
    sat = nearest_lookup(asked, BANK)[0]
    assert (sat.chosen, sat.right) == (("B", "D"), True)


def test_an_empty_bank_answers_nothing() -> None:
    for look_up in (exact_lookup, nearest_lookup):
        assert [one.answer for one in look_up(paper(BANK), [])] == [""] * 4
