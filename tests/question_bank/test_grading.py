from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.question_bank.factory import fill, judge, multiple, single
from xiaoan.question_bank.grading import label_options, read_choice, read_verdict, same_answer, same_text
from xiaoan.question_bank.parsing import AskedOption, parse_options
from xiaoan.question_bank.question import Question

STAFF = multiple(
    "许可人可以是（ ）",
    ["值班调控人员", "实习人员", "外来人员", "运维负责人"],
    ["值班调控人员", "运维负责人"],
)
DISTANCE = single("安全距离是（ ）", ["2m", "4m", "6m"], "4m")
WRONG_JUDGEMENT = judge("应先接地后验电。", "错误")

OPTION_TEXTS = st.lists(
    st.sampled_from(
        [
            "停电",
            "验电",
            "装设接地线",
            "悬挂标示牌",
            "停电、验电",
            "0.7m",
            "1.5 m",
            "10kV及以下",
            "A相",
            "(1)(3)",
        ]
    ),
    min_size=2,
    max_size=6,
    unique=True,
)


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
    shown = parse_options("A. 6m B. 2m C. 4m")
    assert same_answer("C", DISTANCE, shown)
    assert not same_answer("B", DISTANCE, shown)
    assert not same_answer("B. 4m", DISTANCE, shown)


def test_without_options_shown_a_text_outweighs_its_letter() -> None:
    assert same_answer("A. 4m", DISTANCE)
    assert not same_answer("B. 2m", DISTANCE)


def test_labels_may_be_figures_or_signs() -> None:
    assert same_answer("②", DISTANCE, parse_options("①6m②4m③2m"))
    assert same_answer("2", DISTANCE, parse_options("1) 6m 2) 4m 3) 2m"))
    assert same_answer("B", DISTANCE, parse_options("1) 6m 2) 4m 3) 2m"))


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
    shown = parse_options("A. 错误 B. 正确")
    assert same_answer("A", WRONG_JUDGEMENT, shown)
    assert not same_answer("B", WRONG_JUDGEMENT, shown)


def test_blanks_are_graded_in_order() -> None:
    question = fill("先（ ），后（ ）", ["停电", "验电"])
    assert same_answer("停电；验电", question)
    assert same_answer(["停电", " 验电。"], question)
    assert not same_answer("验电；停电", question)
    assert not same_answer("停电", question)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0.7 m", "0.7米", True),
        ("0.70", "0.7m", True),
        ("35kV", "35 KV", True),
        ("10kV", "10V", False),
        ("2年", "2个月", False),
        ("5", "5以上", False),
        ("正确", "不正确", False),
        ("第一种工作票", "第一种 工作票。", True),
        ("第一种工作票", "第二种工作票", False),
    ],
)
def test_texts_are_the_same_or_not(one: str, other: str, same: bool) -> None:
    assert same_text(one, other) is same
    assert same_text(other, one) is same


def test_contradicting_label_and_text_are_not_read() -> None:
    options = label_options(["停电", "验电"])
    assert read_choice("A. 验电", options) is None
    assert read_choice("A. 验电", options, trust_text=True) == (1,)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    options = draw(OPTION_TEXTS)
    answer = draw(st.lists(st.sampled_from(options), min_size=1, unique=True))
    return multiple("下列正确的有（ ）", options, answer)


@given(questions(), st.randoms(use_true_random=False))
def test_reordering_and_relabelling_change_nothing(question: Question, random: object) -> None:
    order = list(question.options)
    random.shuffle(order)  # type: ignore[attr-defined]
    for labels in ("ABCDEF", "abcdef", "①②③④⑤⑥"):
        shown = [AskedOption(label, text) for label, text in zip(labels, order, strict=False)]
        right = [option.label for option in shown if option.text in question.answer]
        assert same_answer("".join(right), question, shown)
        assert same_answer("、".join(reversed(right)), question, shown)
    assert same_answer([text for text in order if text in question.answer], question)


@given(questions(), st.data())
def test_a_strict_subset_or_superset_is_never_right(question: Question, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(question.options), unique=True))
    right = set(chosen) == set(question.answer)
    letters = [letter for letter, text in zip("ABCDEF", question.options, strict=False) if text in chosen]
    assert same_answer("".join(letters), question) is right
    assert same_answer(chosen, question) is right
    labelled = "; ".join(
        f"{letter}. {text}"
        for letter, text in zip("ABCDEF", question.options, strict=False)
        if text in chosen
    )
    assert same_answer(labelled, question) is right


@given(st.text(max_size=20))
def test_any_text_can_be_graded(text: str) -> None:
    assert same_answer(text, STAFF) in (True, False)
    assert same_answer(text, WRONG_JUDGEMENT) in (True, False)


def test_a_unit_that_the_official_answer_lacks_is_the_one_behind_the_blank() -> None:
    choice = single("距离不得小于（ ）mm。", ["3", "4", "5"], "3")
    blank = fill("距离不得小于（ ）mm。", ["3"])
    for question in (choice, blank):
        assert same_answer("3", question)
        assert same_answer("3毫米", question)
        assert not same_answer("3m", question)
        assert not same_answer("3年", question)


def test_two_options_are_not_taken_for_a_third_that_names_both() -> None:
    options = label_options(["停电", "验电", "停电、验电", "接地"])
    assert read_choice("停电; 验电", options) == (0, 1)
    assert read_choice("停电、验电", options) == (2,)
    assert read_choice("停电、验电; 接地", options) == (2, 3)
    assert read_choice("停电、验电、接地", options) is None


def test_two_labels_before_a_word_are_not_a_label_and_a_text() -> None:
    options = label_options(["A相", "B相", "C相"])
    assert read_choice("A、B相", options, trust_text=True) is None
    assert read_choice("A. B相", options, trust_text=True) == (1,)


def test_an_option_that_begins_with_a_word_for_choosing_stays_whole() -> None:
    options = label_options(["选用甲", "用甲"])
    assert read_choice("选用甲", options) == (0,)
    assert read_choice("选A", options) == (0,)


def test_units_that_differ_by_case_only_are_different_answers() -> None:
    question = single("电阻的单位是（ ）。", ["MΩ", "mΩ"], "MΩ")
    assert same_answer("MΩ", question)
    assert not same_answer("mΩ", question)


def test_a_judgement_against_the_label_before_it_is_not_read() -> None:
    options = [AskedOption("A", "错误"), AskedOption("B", "正确")]
    assert read_verdict("A. 对", options) is None
    assert read_verdict("B. 对", options) == "正确"
