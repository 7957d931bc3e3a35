"""Majority letter and longest option, by hand."""

from tests.evaluation.baselines.papers import judge, paper, several, single
from xiaoan.evaluation.baselines.longest_option import longest_option
from xiaoan.evaluation.baselines.majority_letter import majority_letter
from xiaoan.question_bank.question import Question

FOUR = ("甲", "乙", "丙", "丁")
SINGLES = [single(f"单选第{n}题（ ）。", FOUR["ABCD".index(x)], *FOUR) for n, x in enumerate("BBBCCA")]
SETS = [several(f"多选第{n}题（ ）。", letters, *FOUR) for n, letters in enumerate(["AB", "AB", "ABCD"])]
VERDICTS = [judge(f"第{n}句话。", verdict) for n, verdict in enumerate(["错误", "错误", "正确"])]
BANK: list[Question] = [*SINGLES, *SETS, *VERDICTS]


def chosen(sittings: object) -> list[str]:
    return ["".join(one.chosen) for one in sittings]  # type: ignore[attr-defined]


def test_each_type_is_answered_with_its_most_frequent_letters() -> None:
    sat = majority_letter(paper(BANK), BANK)
    assert chosen(sat) == ["B"] * 6 + ["AB"] * 3 + ["B"] * 3
    assert [sum(one.right for one in sat[a:b]) for a, b in ((0, 6), (6, 9), (9, 12))] == [3, 2, 2]
    assert sat[8].credit == 0.5


def test_of_equally_frequent_letters_the_first_is_taken() -> None:
    bank = [SINGLES[0], SINGLES[3], SINGLES[5], VERDICTS[0], VERDICTS[2]]
    assert chosen(majority_letter(paper(bank), bank)) == ["A", "A", "A", "A", "A"]


def test_letters_beyond_the_options_shown_are_passed_over() -> None:
    short = single("只有两项（ ）。", "甲", "甲", "乙")
    bank = [single(f"第{n}题（ ）。", FOUR["ABCD".index(x)], *FOUR) for n, x in enumerate("DDDCCB")]
    assert chosen(majority_letter(paper([short]), bank)) == ["B"]


def test_a_letter_is_a_place_and_a_verdict_is_a_word_when_options_are_shuffled() -> None:
    for asked in paper([SINGLES[0], VERDICTS[0]], "shuffled", seed=3):
        sat = majority_letter([asked], BANK)[0]
        place = sat.options.index("错误") if asked.judges else 1
        assert sat.chosen == (asked.item.asked.options[place].label,)


def test_without_options_only_statements_are_judged() -> None:
    for guess in (majority_letter, longest_option):
        sat = guess(paper([SINGLES[0], SETS[0], VERDICTS[0]], "plain"), BANK)
        assert [one.answer for one in sat[:2]] == ["", ""]
    assert majority_letter(paper(VERDICTS, "plain"), BANK)[0].answer == "错误"
    assert longest_option(paper(VERDICTS, "plain"), BANK)[0].answer == "正确"


def test_a_bank_without_a_type_has_no_letters_for_it() -> None:
    assert chosen(majority_letter(paper([SINGLES[0], VERDICTS[0]]), SETS)) == ["", "A"]


def test_the_longest_option_is_chosen_and_of_equally_long_ones_the_first() -> None:
    longer = single("最长的是（ ）。", "绝缘靴", "雨靴", "绝缘靴", "绝缘鞋")
    assert chosen(longest_option(paper([longer, SINGLES[1]]), BANK)) == ["B", "A"]


def test_a_set_has_as_many_of_the_longest_as_the_banks_sets_mostly_have() -> None:
    ranked = several("按长短（ ）。", "BD", "一", "二二二", "三三", "四四四四")
    assert chosen(longest_option(paper([ranked]), SETS)) == ["BD"]
    assert chosen(longest_option(paper([ranked]), [SETS[2]])) == ["ABCD"]
    assert chosen(longest_option(paper([ranked]), [SETS[0], SETS[2]])) == ["BD"]
    assert chosen(longest_option(paper([ranked]), [])) == ["BD"]
    assert longest_option(paper([ranked]), SETS)[0].right
