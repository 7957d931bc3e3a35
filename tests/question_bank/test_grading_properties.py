"""What holds for every question and every way to write an answer down."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.question_bank.factory import fill, judge, multiple, single
from xiaoan.question_bank.grading import PartialCredit, Verdict, grade, same_answer
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import Question

PLAIN = [
    "停电",
    "验电",
    "装设接地线",
    "悬挂标示牌",
    "0.7m",
    "1.5 m",
    "10kV及以下",
    "(1)(3)",
    "工作负责人",
    "80%",
]
TRICKY = [
    "停电",
    "验电",
    "停电、验电",
    "停电验电后",
    "A相",
    "B相",
    "4m",
    "4cm",
    "4",
    "-4",
    "0.7~1.0m",
    "0.7m",
    "1,000V",
]
TRICKY += [
    "100V",
    "1/3",
    "两年",
    "3年",
    "≥2m",
    "2m",
    "2",
    "不停电",
    "第一种工作票",
    "第二种工作票",
    "以上都对",
    "B",
    "D",
]
ANSWER_LETTERS = "ABCDEFabcdefＡＢＣＤ、，,;；. 和对错√×0.7m停电验"


def _questions(texts: list[str]) -> st.SearchStrategy[Question]:
    options = st.lists(st.sampled_from(texts), min_size=2, max_size=6, unique=True)
    chosen = options.flatmap(
        lambda found: st.tuples(st.just(found), st.lists(st.sampled_from(found), min_size=1, unique=True))
    )
    return chosen.map(lambda pair: multiple("下列正确的有（ ）", *pair))


def _letters(question: Question, texts: list[str]) -> str:
    return "".join(place_letters(place) for place, text in enumerate(question.options) if text in texts)


def _labelled(question: Question, texts: list[str]) -> str:
    labelled = [
        f"{place_letters(place)}. {text}" for place, text in enumerate(question.options) if text in texts
    ]
    return "; ".join(labelled)


@given(_questions(PLAIN), st.randoms(use_true_random=False))
def test_reordering_and_relabelling_change_nothing(question: Question, chance: random.Random) -> None:
    order = list(question.options)
    chance.shuffle(order)
    for labels in ("ABCDEF", "abcdef", "①②③④⑤⑥", "123456"):
        shown = [AskedOption(label, text) for label, text in zip(labels, order, strict=False)]
        right = [option.label for option in shown if option.text in question.answer]
        assert same_answer("".join(right), question, shown)
        assert same_answer("、".join(reversed(right)), question, shown)
    assert same_answer([text for text in order if text in question.answer], question)


@given(_questions(TRICKY), st.data())
def test_a_strict_subset_or_superset_is_never_right(question: Question, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(question.options), unique=True))
    same = set(chosen) == set(question.answer)
    assert same_answer(chosen, question) is same
    for written in (_letters(question, chosen), _labelled(question, chosen), "；".join(chosen)):
        assert same or not same_answer(written, question)


@given(_questions(PLAIN), st.data())
def test_every_plain_way_to_write_a_set_of_options_is_read(question: Question, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(question.options), min_size=1, unique=True))
    same = set(chosen) == set(question.answer)
    letters = _letters(question, chosen)
    for written in (letters, letters.lower(), " ".join(letters), "、".join(letters), "答案：" + letters):
        assert same_answer(written, question) is same
    for written in (_labelled(question, chosen), "；".join(chosen), "、".join(chosen)):
        assert same_answer(written, question) is same


@given(_questions(TRICKY), st.sampled_from(PartialCredit), st.data())
def test_credit_is_full_for_the_whole_set_and_nothing_with_a_wrong_option(
    question: Question, partial_credit: PartialCredit, data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(question.options), min_size=1, unique=True))
    graded = grade(chosen, question, partial_credit=partial_credit)
    wrong = set(chosen) - set(question.answer)
    assert set(graded.extra) == wrong
    assert set(graded.found) | set(graded.missing) == set(question.answer)
    assert (
        (graded.credit == 1.0) is (set(chosen) == set(question.answer)) is (graded.verdict is Verdict.RIGHT)
    )
    assert graded.credit == 0.0 or not wrong
    assert (0.0 < graded.credit < 1.0) is (graded.verdict is Verdict.PARTLY)


@given(st.lists(st.sampled_from(TRICKY), min_size=2, max_size=6, unique=True), st.data())
def test_another_option_is_never_right_by_letter_or_by_text(options: list[str], data: st.DataObject) -> None:
    answer, other = data.draw(st.lists(st.sampled_from(options), min_size=2, max_size=2, unique=True))
    question = single("应选（ ）。", options, answer)
    shown = [AskedOption(place_letters(place), text) for place, text in enumerate(options)]
    letter = place_letters(options.index(other))
    for written in (letter, other, f"{letter}. {other}", f"{letter}、{other}", f"答案：{letter}", [other]):
        assert not same_answer(written, question)
        assert not same_answer(written, question, shown)


@given(_questions(TRICKY), st.data())
def test_grading_the_normalised_answer_gives_the_same_grade(question: Question, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(question.options), unique=True))
    typed = data.draw(st.text(ANSWER_LETTERS, max_size=8))
    for written in (_labelled(question, chosen), "；".join(chosen), "、 ".join(chosen), typed):
        wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in written)
        assert grade(wide, question) == grade(written, question) == grade(normalize_text(written), question)


@given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=4), st.data())
def test_blanks_are_graded_alike_before_and_after_normalisation(
    answers: list[str], data: st.DataObject
) -> None:
    question = fill("（ ）" * len(answers), answers)
    typed = data.draw(
        st.lists(st.sampled_from([*PLAIN, "", "别的"]), min_size=len(answers), max_size=len(answers))
    )
    for mark in ("；", ";", "|"):
        assert grade(mark.join(typed), question) == grade(normalize_text(mark.join(typed)), question)
    graded = grade(typed, question)
    assert graded.blanks in ((), tuple(map(str.__eq__, typed, answers)))


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_can_be_graded(text: str, other: str) -> None:
    questions = [
        multiple("甲", PLAIN, PLAIN[:2]),
        single("乙"),
        judge("丙"),
        fill("丁（ ）", ["停电"]),
        fill("戊（ ）（ ）", PLAIN[:2]),
    ]
    for question in questions:
        for written in (text, [text, other]):
            graded = grade(written, question)
            assert same_answer(written, question) is (graded.verdict is Verdict.RIGHT)
            assert 0.0 <= graded.credit <= 1.0


@given(
    st.sampled_from(["正确", "对", "√", "T", "Y", "是", "错误", "错", "×", "F", "N", "否"]),
    st.sampled_from(["", " ", "。", "\n"]),
)
def test_a_judging_word_is_right_for_one_verdict_only(word: str, after: str) -> None:
    statements = [judge("应先验电后接地。", verdict) for verdict in ("正确", "错误")]
    assert [same_answer(word + after, statement) for statement in statements].count(True) == 1
    shown = [AskedOption("A", "错误"), AskedOption("B", "正确")]
    for statement in statements:
        assert same_answer(word, statement, shown) is same_answer(word + after, statement)
