"""Forms: each asks the question that the bank has, in other clothes."""

import random

import pytest

from tests.fakes import ALONE, BOOTS, KEYS, TOOLS, question
from xiaoan.errors import UsageError
from xiaoan.evaluation import forms
from xiaoan.evaluation.forms import DEFAULT_FORMS, FORMS, TYPE_IS_TOLD, form_named
from xiaoan.evaluation.paper import write_paper
from xiaoan.question_bank.normalization import BLANK, normalize_stem, normalize_text
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.training.data import spoken_patterns

QUESTIONS = (KEYS, BOOTS, TOOLS, ALONE)


def written(name: str, asked: Question, seed: int = 0) -> list[str]:
    return form_named(name)(asked, random.Random(seed))


def test_every_form_but_noisy_and_spoken_keeps_the_words() -> None:
    for name in ("plain", "options", "shuffled", "marks", "circular"):
        for seed in range(20):
            for known in QUESTIONS:
                for text in written(name, known, seed):
                    asked = parse_question(text)
                    assert normalize_stem(asked.stem) == normalize_stem(known.stem), (name, asked)
                    if name in TYPE_IS_TOLD:
                        shown = {normalize_text(option.text) for option in asked.options}
                        expected = known.options or ("正确", "错误")
                        assert shown == {normalize_text(option) for option in expected}


def test_more_options_than_circled_figures_are_shuffled_too() -> None:
    many = question("不得从事的是（ ）。", "甲0", options=tuple(f"甲{number}" for number in range(12)))
    for seed in range(30):
        (text,) = written("shuffled", many, seed)
        assert {option.text for option in parse_question(text).options} == set(many.options)


def test_circular_turns_every_option_to_every_place_once() -> None:
    texts = [[option.text for option in parse_question(text).options] for text in written("circular", KEYS)]
    assert texts == [["2", "3", "4"], ["3", "4", "2"], ["4", "2", "3"]]
    assert [text.split("\n")[1:] for text in written("circular", ALONE)] == [
        ["A. 正确", "B. 错误"],
        ["A. 错误", "B. 正确"],
    ]


def test_nothing_is_turned_where_there_are_no_options() -> None:
    assert written("circular", question("作业前应（ ）。", "验电", question_type=QuestionType.BLANK)) == []


@pytest.mark.parametrize("seed", range(12))
def test_what_is_said_aloud_has_no_blank_and_is_one_line_without_options(seed: int) -> None:
    for known in (KEYS, BOOTS, TOOLS, ALONE):
        (said,) = written("spoken", known, seed)
        assert BLANK not in normalize_stem(said)
        assert "\n" not in said
        assert said != known.stem


def test_numbers_are_asked_for_with_an_asking_word_of_their_own() -> None:
    asked = question("人员与10kV设备的距离不得小于（ ）。", "0.7m", options=("0.7m", "1.0m"))
    assert all("不得小于多少" in written("spoken", asked, seed)[0] for seed in range(10))


def test_a_question_that_asks_already_loses_its_blank_only() -> None:
    asked = question("变电站里由谁许可（ ）", "值班员", options=("值班员", "调度员"))
    assert all("由谁许可" in written("spoken", asked, seed)[0] for seed in range(10))
    assert not any(word in written("spoken", asked, seed)[0] for seed in range(10) for word in ("什么", "啥"))


def test_what_speaks_of_its_options_is_said_with_them() -> None:
    asked = question("下列属于基本安全用具的是（ ）。", "验电器", options=("验电器", "安全帽"))
    (said,) = written("spoken", asked)
    assert said.split("\n")[1:] == ["A. 验电器", "B. 安全帽"]
    assert [option.text for option in parse_question(said).options] == ["验电器", "安全帽"]


def test_no_spoken_sentence_is_known_to_training() -> None:
    own = {*forms.SPOKEN_QUESTIONS, *forms.SPOKEN_STATEMENTS, *forms.SPOKEN_WITH_OPTIONS}
    theirs: set[str] = set()
    for value in vars(spoken_patterns).values():
        if isinstance(value, tuple) and all(isinstance(one, str) for one in value):
            theirs.update(value)
    assert len(theirs) > 50
    assert not own & theirs


def test_an_unknown_form_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"plain、options"):
        form_named("backwards")


def test_the_usual_exam_leaves_out_only_what_takes_long_or_tells_little() -> None:
    assert set(FORMS) - set(DEFAULT_FORMS) == {"marks", "circular"}


def test_a_paper_is_the_same_whatever_else_is_on_it() -> None:
    alone = write_paper([TOOLS], ["shuffled"], seed=3)
    among = write_paper(QUESTIONS, [*FORMS, "shuffled"], seed=3)
    assert [item for item in among if item.key == alone[0].key] == list(alone)
    assert write_paper([TOOLS], ["noisy"], seed=4) != write_paper([TOOLS], ["noisy"], seed=5)


def test_items_have_keys_of_their_own() -> None:
    paper = write_paper([*QUESTIONS, KEYS], FORMS)
    assert len({item.key for item in paper}) == len(paper)
    assert [item.turn for item in paper if item.form == "circular" and item.question is KEYS] == [0, 1, 2]


def test_a_written_exam_tells_the_type_and_a_spoken_question_does_not() -> None:
    for item in write_paper(QUESTIONS, FORMS):
        told = item.question.question_type if item.form in TYPE_IS_TOLD else None
        assert item.asked.question_type == told
