"""Marking: what an answer without a model earns, and which of the options shown are right."""

import random

import pytest

from tests.fakes import ALONE, KEYS, TOOLS, question
from xiaoan.evaluation.forms import form_named
from xiaoan.evaluation.marking import mark_options, mark_text, right_options
from xiaoan.evaluation.paper import PaperItem
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import Question, QuestionType

BLANKS = question("验电前应（ ），验电后应（ ）。", "自检", "接地", question_type=QuestionType.BLANK)
SHORT = question("简述停电步骤。", "断开电源；验电；接地", question_type=QuestionType.SHORT)


def item(asked: Question, form: str = "options") -> PaperItem:
    return PaperItem(asked, form, 0, form_named(form)(asked, random.Random(0))[0])


@pytest.mark.parametrize(
    ("places", "answer", "credit"),
    [
        ([], "", 0.0),
        ([0], "A. 护目镜", 0.5),
        ([1, 0, 1], "A. 护目镜; B. 绝缘手套", 1.0),
        ([0, 2], "A. 护目镜; C. 雨衣", 0.0),
    ],
)
def test_options_are_marked_as_a_set(places: list[int], answer: str, credit: float) -> None:
    found = mark_options(item(TOOLS), places, seconds=0.25)
    assert (found.answer, found.credit, found.right, found.shown_right) == (
        answer,
        credit,
        credit == 1.0,
        credit == 1.0,
    )
    assert found.chosen == tuple(part[0] for part in answer.split("; ") if part)
    assert (found.right_labels, found.official, found.options) == (("A", "B"), TOOLS.answer, TOOLS.options)
    assert (found.status, found.confidence, found.tokens, found.seconds) == (None, None, 0, 0.25)


@pytest.mark.parametrize(
    ("asked", "text", "credit"),
    [
        (KEYS, "3", 1.0),
        (KEYS, "3把", 1.0),
        (KEYS, "4", 0.0),
        (ALONE, "错", 1.0),
        (ALONE, "正确", 0.0),
        (BLANKS, "自检; 接地", 1.0),
        (BLANKS, "自检; 汇报", 0.5),
        (SHORT, "断开电源；验电；接地", 1.0),
        (SHORT, "断开电源；验电", 0.0),
        (TOOLS, "", 0.0),
    ],
)
def test_texts_are_marked_as_a_teacher_would(asked: Question, text: str, credit: float) -> None:
    found = mark_text(item(asked, "plain"), text)
    assert (found.credit, found.right) == (credit, credit == 1.0)
    assert (found.options, found.right_labels, found.chosen) == ((), (), ())


def test_a_sitting_says_what_was_asked_in_the_words_used() -> None:
    one = PaperItem(KEYS, "shuffled", 2, "高压室的钥匙至少应有（ ）把。\n①4\n②3\n③2")
    found = mark_options(one, [1])
    assert (found.id, found.form, found.turn, found.asked) == (KEYS.id, "shuffled", 2, one.text)
    assert (found.chosen, found.right_labels, found.answer) == (("②",), ("②",), "②. 3")
    assert found.right


def test_the_right_verdict_is_found_in_the_words_of_the_options() -> None:
    shown = (AskedOption("A", "对"), AskedOption("B", "错"))
    assert right_options(shown, ALONE) == shown[1:]
