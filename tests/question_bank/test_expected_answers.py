"""What is asked for, and what is said to somebody who typed something else."""

import pytest

from tests.question_bank.factory import fill, multiple, single
from tests.question_bank.papers import BOOTS, CLOTHES, FENCE, ORDERS, STEPS
from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.expected_answers import UnreadableAnswerError, expected_answer, read_answer
from xiaoan.question_bank.grading import PartialCredit, Verdict
from xiaoan.question_bank.question import Question, QuestionType


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (BOOTS, "输入一个选项字母，如 B"),
        (CLOTHES, "输入全部正确选项的字母，如 ACD"),
        (FENCE, "输入 对 或 错（A 正确，B 错误）"),
        (STEPS, "输入 2 个空的内容，用分号隔开（如 甲；乙），不会的空着，分号留着"),
        (
            fill("（ ）（ ）（ ）（ ）", "一二三四"),
            "输入 4 个空的内容，用分号隔开（如 甲；乙；丙；…），不会的空着，分号留着",
        ),
        (fill("安规每（ ）考一次。", ["年"]), "输入要填的内容"),
        (ORDERS, "输入答案的要点"),
        (multiple("现场着装有哪些？", (), ("安全帽", "绝缘鞋")), "输入全部答案，用分号隔开"),
    ],
)
def test_every_type_says_what_it_expects(question: Question, expected: str) -> None:
    assert expected_answer(question) == expected


def test_the_example_names_no_letter_that_is_not_there() -> None:
    assert expected_answer(single("选哪个？", ("唯一",), "唯一")) == "输入一个选项字母，如 A"
    assert (
        expected_answer(multiple("选哪些？", ("甲类", "乙类"), ("甲类",))) == "输入全部正确选项的字母，如 A"
    )
    options = ("甲类", "乙类", "丙类")
    assert expected_answer(multiple("选哪些？", options, options)) == "输入全部正确选项的字母，如 AC"


def test_a_judgement_with_options_of_its_own_names_their_letters() -> None:
    question = Question("可以。", ("错误", "正确", "不清楚"), ("正确",), "", "变电", QuestionType.JUDGE)
    assert expected_answer(question) == "输入 对 或 错（A 错误，B 正确）"


def test_blanks_with_options_are_asked_for_by_letter() -> None:
    options = ("停电", "验电", "接地")
    question = Question("先（ ）后（ ）。", options, ("停电", "验电"), "", "变电", QuestionType.BLANK)
    assert expected_answer(question) == "输入选项字母，如 B；不止一个就连着写，如 AC"


@pytest.mark.parametrize(
    ("question", "typed", "message"),
    [
        (BOOTS, "E", "没有选项 E，这道题的选项是 A–D。请输入一个选项字母，如 B"),
        (BOOTS, "ｂｅｆ", "没有选项 E、F，这道题的选项是 A–D。请输入一个选项字母，如 B"),
        (BOOTS, "a、c", "单选题只选一项，“a、c”是 2 项，这道题的选项是 A–D。请输入一个选项字母，如 B"),
        (BOOTS, "1", "看不懂“1”，这道题的选项是 A–D。请输入一个选项字母，如 B"),
        (BOOTS, " \u200b\t", "还没有输入答案，这道题的选项是 A–D。请输入一个选项字母，如 B"),
        (CLOTHES, "A-D", "看不懂“A-D”，这道题的选项是 A–D。请输入全部正确选项的字母，如 ACD"),
        (CLOTHES, "acx", "没有选项 X，这道题的选项是 A–D。请输入全部正确选项的字母，如 ACD"),
        (FENCE, "AB", "判断题只选一项，“AB”是 2 项，这道题的选项是 A–B。请输入 对 或 错（A 正确，B 错误）"),
        (FENCE, "嗯", "看不懂“嗯”，这道题的选项是 A–B。请输入 对 或 错（A 正确，B 错误）"),
        (ORDERS, "", "还没有输入答案。请输入答案的要点"),
    ],
)
def test_an_unreadable_answer_says_what_was_found_and_what_is_expected(
    question: Question, typed: str, message: str
) -> None:
    with pytest.raises(UnreadableAnswerError) as raised:
        read_answer(typed, ShownQuestion.as_stored(question))
    assert raised.value.message == message


def test_where_a_letter_is_another_options_text_the_text_is_asked_for() -> None:
    shown = ShownQuestion.as_stored(single("故障相是（ ）。", ("无", "A", "C"), "A"))
    with pytest.raises(UnreadableAnswerError) as raised:
        read_answer("a", shown)
    assert raised.value.message == (
        "看不懂“a”，这道题的选项是 A–C。请写选项的内容，如 无，因为 A 也是一个选项的内容"
    )
    assert read_answer("无", shown)[1].verdict is Verdict.WRONG


def test_blanks_that_cannot_be_told_apart_are_counted() -> None:
    with pytest.raises(UsageError, match="这道题有 2 个空，“停电”分不成 2 份"):
        read_answer("停电", ShownQuestion.as_stored(STEPS))


def test_a_long_answer_is_quoted_in_part() -> None:
    with pytest.raises(UnreadableAnswerError) as raised:
        read_answer("不知道\n" * 1000, ShownQuestion.as_stored(BOOTS))
    assert len(raised.value.message) < 100
    assert "\n" not in raised.value.message


@pytest.mark.parametrize("typed", ["错", "B", "ｂ", "×", "错误", "F", "答案：错"])
def test_a_judgement_is_read_as_word_sign_or_letter(typed: str) -> None:
    assert read_answer(typed, ShownQuestion.as_stored(FENCE))[1].verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    "typed", ["ACD", "acd", "ＡＣＤ", "d c a", "A、C、D", "安全帽；全棉长袖工作服；绝缘鞋"]
)
def test_a_set_of_options_is_read_in_any_order_width_and_case(typed: str) -> None:
    assert read_answer(typed, ShownQuestion.as_stored(CLOTHES))[1].verdict is Verdict.RIGHT


def test_partial_credit_counts_only_when_asked_for() -> None:
    shown = ShownQuestion.as_stored(CLOTHES)
    assert read_answer("AC", shown)[1].verdict is Verdict.WRONG
    partly = read_answer("AC", shown, partial_credit=PartialCredit.HALF)[1]
    assert (partly.verdict, partly.credit, partly.missing) == (Verdict.PARTLY, 0.5, ("绝缘鞋",))


def test_what_nobody_can_see_is_no_part_of_an_answer() -> None:
    text, graded = read_answer("\x1b[31m b\u202e\ud800 ", ShownQuestion.as_stored(BOOTS))
    assert (text, graded.verdict) == ("b", Verdict.RIGHT)
