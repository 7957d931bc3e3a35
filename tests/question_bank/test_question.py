from dataclasses import replace

import pytest

from tests.question_bank.factory import bank, fill, judge, multiple, single
from xiaoan.question_bank.question import Question, QuestionType, Source, judge_word


def test_an_id_survives_other_order_spelling_and_source() -> None:
    one = multiple("1、停电（　　）。", ["甲", "乙", "丙"], ["甲", "丙"])
    other = multiple("停电( )", ["丙", "甲", "乙"], ["丙", "甲"])
    assert one.id == replace(other, sources=(), clause="另一条").id


@pytest.mark.parametrize(
    "changed",
    [
        {"stem": "不停电（ ）"},
        {"options": ("甲", "乙", "丁")},
        {"answer": ("乙",)},
        {"profession": "线路"},
        {"question_type": QuestionType.MULTIPLE},
    ],
)
def test_an_id_changes_with_what_the_question_asks(changed: dict[str, object]) -> None:
    question = single("停电（ ）", ["甲", "乙", "丙"], "甲")
    if "options" in changed:
        question = single("停电（ ）", ["甲", "乙", "丙"], "甲")
    assert replace(question, **changed).id != question.id  # type: ignore[arg-type]


def test_an_id_never_changes_between_versions() -> None:
    assert single("停电（ ）", ["甲", "乙"], "甲").id == "8a184151bd3af061"


def test_answer_letters_follow_the_banks_order_of_options() -> None:
    assert multiple("x", ["甲", "乙", "丙"], ["丙", "甲"]).answer_letters == ("A", "C")
    assert single("x", ["装", "拆", "拆"], "拆").answer_letters == ("B",)
    assert judge("x").answer_letters == ()


def test_a_judgement_is_settled_to_one_word_without_options() -> None:
    question = replace(judge("x"), options=("对", "错"), answer=("√",))
    assert (question.options, question.answer) == ((), ("正确",))


def test_an_answer_outside_the_options_is_no_question() -> None:
    with pytest.raises(ValueError, match="not among the options"):
        single("x", ["甲", "乙"], "丙")
    with pytest.raises(ValueError, match="正确 or 错误"):
        judge("x", "也许")
    with pytest.raises(ValueError, match="stem and an answer"):
        fill(" ", ["甲"])


def test_a_bank_merges_exact_duplicates_and_keeps_all_places() -> None:
    first = single("停电（ ）")
    second = replace(first, stem="停电(  )。", sources=(Source("b.xlsx", "s", 9),))
    merged = bank(first, judge("验电"), second)
    assert len(merged) == 2
    found = merged.get(first.id)
    assert found is not None
    assert [str(source) for source in found.sources] == ["题库.xlsx:题库:2", "b.xlsx:s:9"]
    assert [question.stem for question in merged] == ["停电（ ）", "验电"]
    assert merged.of_type(QuestionType.JUDGE) == (merged.questions[1],)
    assert merged.get("0" * 16) is None


def test_a_question_met_very_often_keeps_all_places_in_order() -> None:
    questions = [replace(judge("验电"), sources=(Source("a.xlsx", "s", row),)) for row in range(3000)]
    (merged,) = bank(*questions, *questions)
    assert [source.row for source in merged.sources] == list(range(3000))
    assert (merged.id, merged.answer) == (questions[0].id, questions[0].answer)


def test_a_known_question_is_the_same_without_being_checked_again() -> None:
    question = single("停电（ ）")
    fields = {name: value for name, value in vars(question).items() if name != "id"}
    again = Question.known(question.id, **fields)
    assert (again, again.id, again.answer_letters) == (question, question.id, question.answer_letters)


@pytest.mark.parametrize("word", ["对", "正确", "√", "T", "y", "是", "1", "（√）", "Ｔ", "true"])
def test_words_for_right(word: str) -> None:
    assert judge_word(word) == "正确"


@pytest.mark.parametrize("word", ["错", "错误", "×", "F", "n", "否", "0", "不正确", "x", "不对"])
def test_words_for_wrong(word: str) -> None:
    assert judge_word(word) == "错误"


@pytest.mark.parametrize("word", ["", "不", "正确错误", "A", "10"])
def test_other_words_judge_nothing(word: str) -> None:
    assert judge_word(word) is None
