from dataclasses import replace

import pytest

from tests.patience import does_not_hang
from tests.question_bank.factory import fill, judge, multiple, single
from xiaoan.question_bank.search import Hit, search, split_words


def _stems(hits: list[Hit]) -> list[str]:
    return [hit.question.stem for hit in hits]


def _found(text: str, words: str) -> bool:
    return bool(search([replace(judge(text), clause="")], words))


def test_all_words_must_occur_wherever_they_stand() -> None:
    both = single("停电后应（ ）", ["验电", "挂牌"], "验电")
    bank = [judge("应先停电。"), both, judge("应先验电。")]
    assert [hit.question for hit in search(bank, "停电 验电")] == [both]
    assert search(bank, "停电 验电")[0].missing == ()


def test_without_a_question_that_has_all_words_those_with_most_are_named_so() -> None:
    bank = [judge("应先停电。"), judge("停电后验电。"), judge("巡视。")]
    hits = search(bank, "停电 验电 绝缘手套")
    assert [(hit.question.stem, hit.found, hit.missing) for hit in hits] == [
        ("停电后验电。", ("停电", "验电"), ("绝缘手套",))
    ]


def test_nothing_is_found_for_no_words_or_for_strange_ones() -> None:
    assert search([judge("停电。")], "  ") == []
    assert search([judge("停电。")], "动火") == []
    assert search([], "停电") == []


def test_a_stem_comes_before_an_option_before_an_answer_or_clause_and_short_before_long() -> None:
    in_clause = replace(judge("甲。"), clause="停电安规 3")
    in_option = single("乙（ ）", ["停电", "验电"], "验电")
    bank = [in_clause, in_option, judge("很长的一句话里才说到停电。"), judge("停电。")]
    assert _stems(search(bank, "停电")) == ["停电。", "很长的一句话里才说到停电。", "乙（ ）", "甲。"]


def test_words_side_by_side_come_first() -> None:
    bank = [judge("绝缘杆和手套。"), judge("戴好护目镜和 绝缘 手套再操作。")]
    assert _stems(search(bank, "绝缘 手套")) == ["戴好护目镜和 绝缘 手套再操作。", "绝缘杆和手套。"]


def test_equal_hits_keep_the_order_of_the_bank_and_the_limit_holds() -> None:
    bank = [judge(f"停电{sign}。") for sign in "丙甲乙丁"]
    assert _stems(search(bank, "停电", limit=3)) == ["停电丙。", "停电甲。", "停电乙。"]
    assert len(search(bank, "停电", limit=None)) == 4


def test_places_are_those_of_the_texts_as_written() -> None:
    question = multiple("先停　电，再Ａ相验电", ["a相停电", "验电"], ["a相停电"])
    hit = search([question], "停电 A相")[0]
    assert hit.stem == ((1, 4), (6, 8))
    assert hit.options == (((0, 4),), ())  # places that touch are one
    assert hit.answer == (((0, 4),),)
    assert hit.clause == ()
    assert search([question], "变电安规")[0].clause == ((0, 4),)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("220kv", "２２０ＫＶ线路"),
        ("220 kV", "220kV线路"),
        ("sf6", "ＳＦ6气体"),
        ("０．７ｍ", "不小于0.7m"),
        ("0.7m", "不小于0.70 米"),
        ("0.7 m", "不小于0.7m。"),
        ("1000V", "不超过1,000 伏"),
        ("25mm2", "截面25mm²"),
        ("35°C", "不高于35℃"),
        ("工作票", "工作 票"),
        ("停电-验电", "停电—验电"),
        ("“停电”", '"停电"'),
        ("[a", "数组[A]"),
    ],
)
def test_width_case_spacing_and_spelling_of_units_do_not_matter(words: str, text: str) -> None:
    assert _found(text, words)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("0.7", "10.7m"),
        ("0.7", "0.75m"),
        ("0.7m", "0.7mm"),
        ("0.7m", "0.7cm"),
        ("5.2", "见15.2"),
        ("5.2", "见5.2.4"),
        ("5.2.4", "15.2.4"),
        ("5.2.4", "5.2.41"),
        ("4", "14根"),
        ("2", "220kV"),
        ("100", "1,000"),
    ],
)
def test_a_number_is_not_found_inside_another(words: str, text: str) -> None:
    assert not _found(text, words)


def test_among_clauses_a_number_stands_for_what_it_contains() -> None:
    clauses = ["变电安规 5.2", "变电安规 5.2.4", "变电安规 15.2.4", "变电安规 5.21", "变电安规 1.5.2"]
    bank = [replace(fill(f"{clause}（ ）".replace(".", "点"), ["甲"]), clause=clause) for clause in clauses]
    assert {hit.question.clause for hit in search(bank, "5.2")} == {"变电安规 5.2", "变电安规 5.2.4"}
    assert {hit.question.clause for hit in search(bank, "变电安规 15")} == {"变电安规 15.2.4"}


def test_words_are_parted_by_spaces_and_a_number_keeps_its_unit() -> None:
    assert split_words(" 停电　验电 停电 ") == ("停电", "验电")
    assert split_words("距离 0.7 m 220 千伏 3 班") == ("距离", "0.7m", "220千伏", "3班")
    assert split_words("5 安规") == ("5", "安规")


def test_signs_of_patterns_are_only_signs() -> None:
    assert _found("(.*)+[^$", "(.*)+[^$")
    assert not _found("停电", ".*")
    assert not _found("停电", "停|电")


def test_twelve_thousand_questions_are_searched_at_once() -> None:
    options = ["0.7m", "1.0m", "验电后再装设接地线", "悬挂标示牌"]
    bank = [single(f"第{number}号线路停电检修时的安全距离不小于（ ）", options) for number in range(12_000)]
    with does_not_hang():
        assert _stems(search(bank, "线路 0.7m 11999"))[0].startswith("第11999号")
