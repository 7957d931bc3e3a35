"""Options in an order of their own, and everything that has to follow them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.question_bank.factory import fill, judge, multiple, single
from xiaoan.question_bank.drawing.shuffling import ShownQuestion, shuffle_options
from xiaoan.question_bank.grading import same_answer
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import Question, QuestionType

TEXTS = ["停电", "验电", "装设接地线", "悬挂标示牌", "0.70 m", "10A", "A相", "SF6断路器"]


def explained(explanation: str, options: tuple[str, ...] = ("停电", "验电", "接地", "挂牌")) -> Question:
    return Question(
        "保证安全的技术措施，第一步是（ ）。",
        options,
        options[:1],
        "变电安规 7",
        "变电",
        QuestionType.SINGLE,
        explanation=explanation,
    )


def orders(question: Question) -> set[tuple[int, ...]]:
    """The orders that a hundred seeds lead to."""
    return {shuffle_options(question, random.Random(seed)).order for seed in range(100)}


@st.composite
def questions(draw: st.DrawFn) -> Question:
    options = draw(st.lists(st.sampled_from(TEXTS), min_size=2, max_size=6, unique=True))
    answer = draw(st.lists(st.sampled_from(options), min_size=1, unique=True))
    return multiple("下列正确的有（ ）。", options, answer)


@given(questions(), st.integers(0, 2**32))
def test_shuffling_is_a_bijection_that_keeps_the_answer(question: Question, seed: int) -> None:
    shown = shuffle_options(question, random.Random(seed))
    assert sorted(option.text for option in shown.options) == sorted(question.options)
    assert [option.label for option in shown.options] == list("ABCDEF"[: len(question.options)])
    by_letter = {option.label: option.text for option in shown.options}
    assert sorted(by_letter[letter] for letter in shown.answer_letters) == sorted(question.answer)
    assert list(shown.answer_letters) == sorted(shown.answer_letters)
    assert shown.answer_lines == tuple(f"{one}. {by_letter[one]}" for one in shown.answer_letters)
    assert same_answer("".join(shown.answer_letters), question, shown.options)


@given(questions(), st.integers(0, 2**32))
def test_a_seed_gives_the_same_order_again(question: Question, seed: int) -> None:
    first, again = (shuffle_options(question, random.Random(seed)) for _ in range(2))
    assert first == again


def test_every_order_comes_up() -> None:
    assert len(orders(explained("", ("停电", "验电", "接地")))) == 6


@given(
    st.integers(0, 2**32),
    st.sampled_from(
        [
            "故选A。",
            "A项正确，BC错误，故选A",
            "B、C、D不符合题意，答案：A",
            "选项B验电、C接地、D挂牌都在停电之后，故选A",
        ]
    ),
)
def test_the_explanation_names_the_same_texts(seed: int, explanation: str) -> None:
    shown = shuffle_options(explained(explanation), random.Random(seed))
    (letter,) = shown.answer_letters
    assert shown.options["ABCD".index(letter)].text == "停电"
    assert shown.explanation.count(letter) == explanation.count("A")
    assert shown.explanation.rstrip("。").endswith((f"选{letter}", f"答案：{letter}"))


def test_the_order_of_the_bank_shows_the_bank_as_it_is() -> None:
    question = explained("A缺少监护人，故选A。")
    shown = ShownQuestion.as_stored(question)
    assert [option.text for option in shown.options] == list(question.options)
    assert (shown.answer_letters, shown.answer_lines) == (("A",), ("A. 停电",))
    assert shown.explanation == question.explanation


@pytest.mark.parametrize(
    "explanation", ["A母线停电", "A～C错误", "第二项错误", "①正确", "故选E", "先A后B", "前者正确"]
)
def test_what_nobody_can_remap_is_shown_in_the_order_of_the_bank(explanation: str) -> None:
    assert orders(explained(explanation)) == {(0, 1, 2, 3)}


@pytest.mark.parametrize(
    "options",
    [
        ("停电", "验电", "A和B"),
        ("停电", "验电", "AB都对"),
        ("停电", "验电", "A、B均不对"),
        ("停电", "同上", "验电"),
        ("停电", "前两项", "验电"),
        ("停电", "以上都对", "验电"),
        ("停电", "验电", "接地", "以上两项都对"),
        ("停电", "验电", "接地", "两者都是"),
        ("停电", "验电", "第一项和第二项"),
        ("停电", "其余都不对", "验电"),
        ("停电", "验电", "上两项都对"),
        ("停电", "都需要", "验电"),
    ],
)
def test_options_that_speak_of_others_by_place_or_letter_stay(options: tuple[str, ...]) -> None:
    assert orders(explained("", options)) == {tuple(range(len(options)))}


@pytest.mark.parametrize(
    "last",
    [
        *(
            "以上都对",
            "以上都是",
            "以上都不对",
            "以上全部",
            "以上均可",
            "上述都不是",
            "以上三项都对",
            "以上三种情况均可",
        ),
        *(
            "全部",
            "全部正确",
            "都正确",
            "都对",
            "均可",
            "都不是",
            "全对",
            "三者都是",
            "没有正确答案",
            "其他选项都不对",
            "其他",
            "都有可能",
            "均需要",
            "任意一种",
            "所有选项",
            "（以上都对）",
            "上列各项都是",
        ),
    ],
)
def test_options_that_speak_of_all_others_stay_last(last: str) -> None:
    found = orders(explained("", ("停电", "验电", "接地", last)))
    assert len(found) == 6
    assert {order[-1] for order in found} == {3}


def test_two_last_options_keep_their_order() -> None:
    found = orders(explained("", ("停电", "验电", "接地", "以上都对", "以上都不对")))
    assert len(found) == 6
    assert {order[-2:] for order in found} == {(3, 4)}


@pytest.mark.parametrize("text", ["10kV及以上", "全部停电", "都停电", "三种人", "A相", "10A", "TA", "35 kV"])
def test_options_that_only_look_like_that_are_shuffled(text: str) -> None:
    assert {order.index(3) for order in orders(explained("", ("停电", "验电", "接地", text)))} == {0, 1, 2, 3}


def test_a_stem_that_names_options_keeps_the_order_of_the_bank() -> None:
    stem = "下列选项A和选项B的区别是（ ）。"
    assert orders(single(stem)) == {(0, 1, 2)}
    assert len(orders(single("A相接地时（ ）。"))) == 6


def test_a_judgement_is_never_shuffled() -> None:
    shown = shuffle_options(judge("单人操作时可以登杆。", "错误"), random.Random(1))
    assert shown.options == (AskedOption("A", "正确"), AskedOption("B", "错误"))
    assert (shown.answer_letters, shown.answer_lines) == (("B",), ("错误",))


def test_a_judgement_with_options_of_its_own_shows_them_in_order() -> None:
    options = ("说法正确", "说法错误", "正确")
    question = Question("可以登杆。", options, ("正确",), "", "变电", QuestionType.JUDGE)
    assert orders(question) == {(0, 1, 2)}
    shown = ShownQuestion.as_stored(question)
    assert [option.text for option in shown.options] == list(options)
    assert (shown.answer_letters, shown.answer_lines) == (("C",), ("正确",))


def test_a_question_without_options_has_no_letters() -> None:
    shown = shuffle_options(fill("安全帽每___月检查一次。", ["12"]), random.Random(1))
    assert (shown.order, shown.options, shown.answer_letters) == ((), (), ())
    assert shown.answer_lines == ("12",)


def test_of_two_equal_options_the_same_one_stays_the_answer() -> None:
    question = single("先做什么？", ("停电", "停电", "验电"), "停电")
    shown = ShownQuestion(question, (1, 2, 0))
    assert shown.answer_letters == ("C",)


@pytest.mark.parametrize("order", [(), (0, 1), (0, 0, 1), (0, 1, 3)])
def test_an_order_is_a_permutation(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="orders no 3 options"):
        ShownQuestion(single("距离是多少？"), order)


def test_letters_that_an_order_from_elsewhere_leaves_unclear_are_said_to_be_the_banks() -> None:
    shown = ShownQuestion(explained("A母线停电，故选A。"), (1, 0, 2, 3))
    assert (
        shown.explanation
        == "（解析里的字母按题库原来的选项顺序，与上面的字母不一定相同。）A母线停电，故选A。"
    )


def test_an_options_own_text_tells_its_letter_unless_letters_mean_something_else_too() -> None:
    explanation = "A停电、B验电都是技术措施。"
    assert len(orders(explained(explanation))) == 24
    phases = Question(
        "A相接地时应先（ ）。",
        ("停电", "验电", "接地"),
        ("停电",),
        "",
        "变电",
        QuestionType.SINGLE,
        explanation=explanation,
    )
    assert orders(phases) == {(0, 1, 2)}


@pytest.mark.parametrize("explanation", ["故选C。", "答案：E", "【答案】AB【解析】先停电。"])
def test_an_explanation_that_names_another_answer_is_left_alone_and_said(explanation: str) -> None:
    question = explained(explanation)  # the bank's answer is A
    assert orders(question) == {(0, 1, 2, 3)}
    shown = ShownQuestion.as_stored(question)
    assert shown.explanation == f"（解析里写的答案字母与题库的答案对不上，请查对规程。）{explanation}"


def test_of_two_equal_options_either_letter_is_the_answers() -> None:
    question = explained("故选B。", ("停电", "停电", "验电"))
    assert ShownQuestion.as_stored(question).explanation == "故选B。"


JUDGED = "（解析里的字母按题库原来的写法，与这里的 A 正确、B 错误不一定相同。）"


@pytest.mark.parametrize(
    ("explanation", "said"),
    [
        ("故选B。", ""),
        ("【答案】B。登杆应有人监护。", ""),
        ("登杆应有人监护，A相带电。", ""),
        ("A母线停电，额定电流10A。", ""),
        ("故选A。", JUDGED),
        ("A、错误；B、正确。答案：A", JUDGED),
        ("选项A的说法不对", JUDGED),
    ],
)
def test_letters_for_right_and_wrong_that_may_be_others_here_are_said(explanation: str, said: str) -> None:
    question = Question(
        "可以独自登杆。", ("错误", "正确"), ("错误",), "", "变电", QuestionType.JUDGE, explanation=explanation
    )
    assert ShownQuestion.as_stored(question).explanation == f"{said}{explanation}"
