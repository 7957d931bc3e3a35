from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.question_bank.factory import fill, judge, multiple, single
from xiaoan.question_bank.grading import Grade, PartialCredit, Verdict, grade, same_answer
from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.question_bank.rows.option_cells import read_options

STAFF = multiple(
    "许可人可以是（ ）",
    ["值班调控人员", "实习人员", "外来人员", "运维负责人"],
    ["值班调控人员", "运维负责人"],
)
DISTANCE = single("安全距离是（ ）", ["2m", "4m", "6m"], "4m")
WRONG_JUDGEMENT = judge("应先接地后验电。", "错误")


@pytest.mark.parametrize(
    "given_answer",
    [
        "AD",
        "DA",
        "ＡＤ",
        "Ａ、Ｄ",
        "d a",
        "a,d",
        "（AD）",
        "A和D",
        "答案：AD",
        "选AD",
        "A. 值班调控人员; D. 运维负责人",
        "D、运维负责人 A、值班调控人员",
        "值班调控人员、运维负责人",
        "运维负责人;值班调控人员",
        ["运维负责人", "值班调控人员"],
        ["D", "A"],
    ],
)
def test_a_set_of_options_may_be_written_in_many_ways(given_answer: str | Sequence[str]) -> None:
    assert same_answer(given_answer, STAFF)


@pytest.mark.parametrize(
    "given_answer",
    ["A", "D", "ABD", "ABCD", "AC", "ADZ", "", " ", "值班调控人员", "值班调控人员等", "不是AD", "负责人", []],
)
def test_any_other_set_is_wrong(given_answer: str | Sequence[str]) -> None:
    assert not same_answer(given_answer, STAFF)


@pytest.mark.parametrize("given_answer", ["4m", "4", "4米", "４ M", "4.0m", "B", "b.", "B、4m", "4 m。"])
def test_a_number_may_lack_its_unit(given_answer: str) -> None:
    assert same_answer(given_answer.replace("M", "m"), DISTANCE)


@pytest.mark.parametrize(
    "given_answer", ["40", "4mm", "4km", "4kV", "-4", "0.4", "4m以上", "A", "AB", "2m、4m"]
)
def test_another_number_or_unit_is_wrong(given_answer: str) -> None:
    assert not same_answer(given_answer, DISTANCE)


def test_a_number_that_fits_two_options_is_not_read() -> None:
    assert not same_answer("4", single("x", ["4m", "4cm"], "4m"))
    assert same_answer("4", single("x", ["4", "4m"], "4"))


def test_letters_are_those_of_the_options_shown() -> None:
    shown = read_options("A. 6m B. 2m C. 4m").options
    assert same_answer("C", DISTANCE, shown)
    assert not same_answer("B", DISTANCE, shown)
    assert not same_answer("B. 4m", DISTANCE, shown)


def test_without_options_shown_a_text_outweighs_its_letter() -> None:
    assert same_answer("A. 4m", DISTANCE)
    assert not same_answer("B. 2m", DISTANCE)


def test_labels_may_be_figures_or_signs() -> None:
    assert same_answer("②", DISTANCE, read_options("①6m②4m③2m").options)
    assert same_answer("2", DISTANCE, read_options("1) 6m 2) 4m 3) 2m").options)
    assert same_answer("B", DISTANCE, read_options("1) 6m 2) 4m 3) 2m").options)


@pytest.mark.parametrize(
    "word", ["错", "错误", "×", "F", "f", "N", "否", "不对", "0", "B", "B. 错误", "（×）"]
)
def test_a_statement_is_judged_in_many_words(word: str) -> None:
    assert same_answer(word, WRONG_JUDGEMENT)
    assert not same_answer(word, judge("应先验电后接地。"))


@pytest.mark.parametrize("word", ["", "对错", "不", "可能", "正确错误", "AB"])
def test_no_judgement_is_no_answer(word: str) -> None:
    assert not same_answer(word, WRONG_JUDGEMENT)
    assert not same_answer(word, judge("应先验电后接地。"))


def test_letters_of_a_judgement_follow_the_options_shown() -> None:
    shown = read_options("A. 错误 B. 正确").options
    assert same_answer("A", WRONG_JUDGEMENT, shown)
    assert not same_answer("B", WRONG_JUDGEMENT, shown)


def test_blanks_are_graded_in_order() -> None:
    question = fill("先（ ），后（ ）", ["停电", "验电"])
    assert same_answer("停电；验电", question)
    assert same_answer(["停电", " 验电。"], question)
    assert not same_answer("验电；停电", question)
    assert not same_answer("停电", question)


def test_a_unit_that_the_official_answer_lacks_is_the_one_behind_the_blank() -> None:
    choice = single("距离不得小于（ ）mm。", ["3", "4", "5"], "3")
    blank = fill("距离不得小于（ ）mm。", ["3"])
    for question in (choice, blank):
        assert same_answer("3", question)
        assert same_answer("3毫米", question)
        assert not same_answer("3m", question)
        assert not same_answer("3年", question)


def test_units_that_differ_by_case_only_are_different_answers() -> None:
    question = single("电阻的单位是（ ）。", ["MΩ", "mΩ"], "MΩ")
    assert same_answer("MΩ", question)
    assert not same_answer("mΩ", question)


def test_a_unit_asked_for_in_words_is_the_one_that_counts() -> None:
    question = single("人身与带电体的距离不小于多少米？", ["3", "4", "5"], "4")
    assert same_answer("4米", question)
    assert not same_answer("4mm", question)


def test_an_answer_that_names_two_options_of_a_single_choice_is_not_read() -> None:
    assert grade("AB", DISTANCE) == Grade(Verdict.UNREADABLE)
    assert grade("2m、4m", DISTANCE).verdict is Verdict.UNREADABLE


@pytest.mark.parametrize("nothing", ["", "  ", "？", "不知道", [], [""]])
def test_what_cannot_be_read_is_told_from_what_is_wrong(nothing: str | list[str]) -> None:
    for question in (STAFF, DISTANCE, WRONG_JUDGEMENT):
        assert grade(nothing, question) == Grade(Verdict.UNREADABLE)
    assert grade("A", DISTANCE).verdict is Verdict.WRONG


def test_a_choice_says_what_was_found_missed_and_wrong() -> None:
    assert grade("AB", STAFF) == Grade(
        Verdict.WRONG, 0.0, found=("值班调控人员",), missing=("运维负责人",), extra=("实习人员",)
    )
    assert grade("×", WRONG_JUDGEMENT) == Grade(Verdict.RIGHT, 1.0, found=("错误",))
    assert grade("对", WRONG_JUDGEMENT) == Grade(Verdict.WRONG, 0.0, missing=("错误",), extra=("正确",))


@pytest.mark.parametrize(
    ("partial_credit", "few", "some"),
    [(PartialCredit.NONE, 0.0, 0.0), (PartialCredit.HALF, 0.5, 0.5), (PartialCredit.SHARE, 0.25, 0.75)],
)
def test_too_few_options_earn_what_the_setting_says(
    partial_credit: PartialCredit, few: float, some: float
) -> None:
    question = multiple(
        "措施有（ ）", ["停电", "验电", "接地", "挂牌", "值班"], ["停电", "验电", "接地", "挂牌"]
    )
    earned = [grade(letters, question, partial_credit=partial_credit) for letters in ("A", "ABC", "ABCD")]
    assert [one.credit for one in earned] == [few, some, 1.0]
    assert earned[0].verdict is (Verdict.PARTLY if few else Verdict.WRONG)
    assert not same_answer("ABC", question)


@pytest.mark.parametrize("partial_credit", PartialCredit)
def test_a_wrong_option_earns_nothing_whatever_the_setting(partial_credit: PartialCredit) -> None:
    for letters in ("AB", "ABD", "ABCD", "B"):
        assert grade(letters, STAFF, partial_credit=partial_credit).credit == 0.0


def test_blanks_are_counted_one_by_one() -> None:
    question = fill("先（ ），再（ ），后（ ）", ["停电", "验电", "接地"])
    assert grade("停电；放电；接地", question) == Grade(
        Verdict.PARTLY, 2 / 3, ("停电", "接地"), ("验电",), blanks=(True, False, True)
    )
    assert grade("停电；验电；接地", question).verdict is Verdict.RIGHT
    assert grade("甲；乙；丙", question).verdict is Verdict.WRONG
    assert grade("停电", question).verdict is Verdict.UNREADABLE


def test_blanks_in_any_order_count_as_a_set() -> None:
    question = replace(fill("措施：（ ）和（ ）", ["停电", "验电"]), any_order=True)
    assert grade("验电；停电", question).credit == 1.0
    assert grade("停电；停电", question) == Grade(Verdict.PARTLY, 0.5, blanks=(True, False))


def test_an_essay_gets_a_suggestion_and_never_a_verdict() -> None:
    question = _essay("（1）停电；（2）验电；（3）装设接地线；（4）距离不小于0.7m。")
    suggestion = grade("先停电，再验电，距离0.7米", question)
    assert suggestion.verdict is Verdict.OPEN
    assert suggestion.found == ("停电", "验电", "0.7m")
    assert suggestion.missing == ("装设接地线", "距离不小于0.7m")
    assert suggestion.credit == pytest.approx(0.6)
    assert grade(question.answer[0], question).verdict is Verdict.OPEN


def test_an_essay_is_the_same_answer_only_word_for_word() -> None:
    question = _essay("停电；验电；接地。")
    assert same_answer("停电，验电，接地", question)
    assert not same_answer("停电，验电", question)


def test_options_that_were_the_same_twice_are_one_answer() -> None:
    question = multiple("步骤有（ ）", ["安装", "调试", "加固", "加固"], ["安装", "加固"])
    assert same_answer("AC", question)
    assert same_answer("AD", question)
    assert same_answer("ACD", question)


def test_several_texts_are_texts_before_they_are_labels() -> None:
    question = multiple("图中带电的部分是（ ）", ["B", "A", "D", "C"], ["B", "D"])
    assert same_answer(["B", "D"], question)
    assert not same_answer(["A", "C"], question)
    assert grade("BD", question) == Grade(Verdict.UNREADABLE)  # two labels, or two texts


def test_options_lost_from_a_bank_leave_their_texts_to_answer_by() -> None:
    question = Question("措施有", (), ("停电", "验电"), "", "变电", QuestionType.MULTIPLE)
    assert same_answer("验电、停电", question)
    assert not same_answer("停电", question)
    assert grade("停电", question, partial_credit=PartialCredit.HALF).credit == 0.5


def _essay(answer: str) -> Question:
    return Question("试述保证安全的技术措施。", (), (answer,), "变电安规 7", "变电", QuestionType.SHORT)
