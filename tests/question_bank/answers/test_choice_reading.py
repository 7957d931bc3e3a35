import pytest

from xiaoan.question_bank.answers.choice_reading import (
    label_options,
    names_only_labels,
    read_choice,
    read_verdict,
)
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.rows.option_cells import read_options

PHASES = label_options(["A相", "B相", "C相"])


def test_contradicting_label_and_text_are_not_read() -> None:
    options = label_options(["停电", "验电"])
    assert read_choice("A. 验电", options) is None
    assert read_choice("A. 验电", options, trust_text=True) == (1,)


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


def test_a_judgement_against_the_label_before_it_is_not_read() -> None:
    options = [AskedOption("A", "错误"), AskedOption("B", "正确")]
    assert read_verdict("A. 对", options) is None
    assert read_verdict("B. 对", options) == "正确"


@pytest.mark.parametrize("written", ["AB相", "BA相", "A、B相", "A B相"])
def test_letters_that_are_also_in_the_options_are_read_in_one_way_or_not_at_all(written: str) -> None:
    assert read_choice("AB", PHASES) == (0, 1)
    assert read_choice("A相B相", PHASES) == (0, 1)
    assert read_choice("B. A相", PHASES, trust_text=True) == (0,)
    assert read_choice(written, PHASES, trust_text=True) is None


def test_an_option_inside_another_is_not_taken_for_it() -> None:
    options = label_options(["停电", "停电、验电", "停电后", "验电"])
    assert read_choice("停电", options) == (0,)
    assert read_choice("停电、验电", options) == (1,)
    assert read_choice("停电后；停电", options) == (0, 2)
    assert read_choice("停电前", options) is None


def test_a_list_of_options_that_is_nearly_a_longer_option_is_not_read() -> None:
    assert read_choice("停电、验电", label_options(["停电", "验电", "停电验电"])) is None
    assert (
        read_choice("A. 停电、验电", label_options(["停电", "验电", "停电、验电"]), trust_text=True) is None
    )


def test_options_that_differ_in_marks_only_are_told_apart_by_them() -> None:
    options = label_options(["10", "(10)", "甲乙", "甲、乙"])
    assert read_choice("（10）", options) == (1,)
    assert read_choice("10", options) == (0,)
    assert read_choice("甲、乙", options) == (3,)


@pytest.mark.parametrize(
    ("written", "read"), [("A-B", (0, 1)), ("A-D", None), ("A-B-D", (0, 1, 3)), ("A~D", None)]
)
def test_a_dash_between_two_letters_may_be_a_range(written: str, read: tuple[int, ...] | None) -> None:
    assert read_choice(written, label_options(["甲", "乙", "丙", "丁"])) == read


@pytest.mark.parametrize(
    "written", ["我选A", "应选 A。", "选项A", "答：A", "答案是A", "正确答案为 A", "故选Ａ", "我的答案：甲"]
)
def test_words_that_announce_an_answer_are_no_part_of_it(written: str) -> None:
    assert read_choice(written, label_options(["甲", "乙"])) == (0,)


def test_a_sign_that_nobody_can_type_is_answered_by_its_figure() -> None:
    signs = [AskedOption(label, text) for label, text in zip("①②③", ["6m", "4m", "2m"], strict=True)]
    assert read_choice("1", signs) == (0,)
    assert read_choice("13", signs) == (0, 2)
    assert read_choice("2", signs) is None  # ②, or 2m without its unit


def test_a_sign_is_the_figure_that_it_shows() -> None:
    figures = [AskedOption(label, text) for label, text in zip("12", ["停电", "验电"], strict=True)]
    for written in ("②", "⑵", "（2）", "2"):
        assert read_choice(written, figures) == (1,)
    assert read_choice("①②", figures) == (0, 1)


def test_numbers_are_read_by_value_and_unit() -> None:
    assert read_choice("1，000", label_options(["100V", "1000V"])) == (1,)
    assert read_choice("两年", label_options(["1年", "2年", "3年"])) == (1,)
    assert read_choice("4", label_options(["4m", "4cm"])) is None
    assert read_choice("4", label_options(["-4", "4"])) == (1,)
    assert read_choice("0.7-1.0", label_options(["0.7m", "0.7m~1.0m", "1.0m"])) == (1,)
    assert read_choice("不小于2米", label_options(["2m", "≥2m"])) == (1,)


def test_a_range_is_not_its_two_ends() -> None:
    assert read_choice("0.7~1.0", label_options(["0.7", "1.0"])) is None
    assert read_choice("-0.7", label_options(["0.7", "1.0"])) is None


@pytest.mark.parametrize(
    ("written", "only"), [("AD", True), ("答案：A、D", True), ("A. 甲", False), ("甲", False), ("AE", False)]
)
def test_labels_alone_are_told_from_texts(written: str, only: bool) -> None:
    assert names_only_labels(written, label_options(["甲", "乙", "丙", "丁"])) is only


@pytest.mark.parametrize(
    ("word", "verdict"),
    [("答案：对", "正确"), ("我选错", "错误"), ("✔️", "正确"), ("是否", None), ("√×", None)],
)
def test_a_verdict_is_one_word(word: str, verdict: str | None) -> None:
    assert read_verdict(word) == verdict


def test_a_label_before_a_letter_may_be_two_labels() -> None:
    options = label_options(["B", "停电", "验电"])
    assert read_choice("A. B", options) is None
    assert read_choice("B", options) is None
    assert read_choice("A", options) == (0,)
    assert read_choice("AC", options) == (0, 2)


def test_texts_run_together_are_read_only_if_there_is_one_way() -> None:
    assert read_choice("停电验电接地", label_options(["停电", "验电", "接地"])) == (0, 1, 2)
    assert read_choice("停电验电接地", label_options(["停电", "验电", "接地", "停电验电"])) is None
    assert read_choice("B. 停电", label_options(["B", "停电"])) is None


def test_a_figure_before_a_number_is_no_label() -> None:
    options = read_options("1) 2m 2) 4m").options
    for number in ("12m", "1.2m", "1，2m；24m"):
        assert read_choice(number, options) is None
    assert read_choice("1) 2m", options) == (0,)
    assert read_choice("2）4米", options) is None or read_choice("2）4米", options) == (1,)


def test_a_long_repetitive_answer_is_read_in_no_time() -> None:
    options = label_options(["电" * length for length in range(1, 12)])
    assert read_choice("电" * 3000, options) is None
    assert read_choice("A" * 3000, options) == (0,)


def test_a_label_on_a_line_of_its_own_is_no_unit_of_the_figure_before_it() -> None:
    options = label_options(["截面为25mm2", "配有线夹", "长 2"])
    assert read_choice("A. 截面为25mm2\nB. 配有线夹", options, trust_text=True) == (0, 1)
    assert read_choice("C. 长2\n\nB、配有线夹\n", options) == (1, 2)
