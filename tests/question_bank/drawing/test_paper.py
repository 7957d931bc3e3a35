"""A paper in memory and as JSON."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import ALONE, BOOTS, small_bank
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.drawing.shuffling import ShownQuestion, shuffle_options
from xiaoan.question_bank.grading import PartialCredit
from xiaoan.question_bank.question import Question, QuestionType


def paper() -> Paper:
    rng = random.Random(3)
    items = tuple(PaperItem(shuffle_options(one, rng), 0.1 * n) for n, one in enumerate(small_bank(), 1))
    return Paper("月考", items, 3, 5400.0, 80.0, PartialCredit.HALF, ("多选题只有 1 道。",))


def test_a_paper_comes_back_from_json_as_it_was() -> None:
    document = json.loads(json.dumps(paper().to_document(), ensure_ascii=False))
    again = Paper.from_document(document)
    assert again == paper()
    assert [item.shown.question.id for item in again.items] == [one.id for one in small_bank()]
    assert again.to_document() == document


def test_blanks_in_any_order_and_explanations_come_back() -> None:
    fields: dict[str, Any] = {"explanation": "故选A。", "any_order": True}
    question = Question("先___再___。", (), ("停电", "验电"), "", "", QuestionType.BLANK, **fields)
    one = Paper("练习", (PaperItem(ShownQuestion.as_stored(question)),), 1)
    (item,) = Paper.from_document(one.to_document()).items
    assert item.shown.question == question
    assert item.shown.question.id == question.id


def test_points_add_up_to_the_cent() -> None:
    items = tuple(replace(item, points=0.1) for item in paper().items)
    assert replace(paper(), items=items).points == 0.6
    assert len(paper()) == 6


def test_a_question_stands_in_a_paper_once() -> None:
    item = PaperItem(ShownQuestion.as_stored(ALONE))
    with pytest.raises(ValueError, match="twice"):
        Paper("练习", (item, item), 1)


def without(key: str) -> dict[str, Any]:
    document = paper().to_document()
    del document[key]
    return document


def with_item(**changed: Any) -> dict[str, Any]:
    document = paper().to_document()
    document["items"][1] |= changed
    return document


def with_question(**changed: Any) -> dict[str, Any]:
    return with_item(question={**paper().to_document()["items"][1]["question"], **changed})


@pytest.mark.parametrize(
    "document",
    [
        without("items"),
        without("seed"),
        with_item(order=[0, 1]),
        with_item(order=None),
        with_item(question={}),
        with_item(question={**paper().to_document()["items"][1]["question"], "answer": ["布鞋"]}),
        {**paper().to_document(), "partial_credit": "double"},
        {**paper().to_document(), "items": [1]},
        {**paper().to_document(), "limit_s": float("inf")},
        {**paper().to_document(), "pass_percent": "80"},
        {**paper().to_document(), "seed": 3.5},
        {**paper().to_document(), "notes": "多选题"},
        with_item(points=float("nan")),
        with_item(points=-1),
        with_item(order=["0", "1", "2"]),
        with_question(options="停验挂", answer=["停"]),
        with_question(explanation=None),
        with_question(any_order=0),
        with_question(id=7),
        with_question(sources=[["题库.xlsx", "题库"]]),
        with_question(question_type="判断题", options=["正确", "错误"], answer=["对"]),
    ],
)
def test_what_is_no_paper_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Paper.from_document(document)


def test_the_answer_of_a_stored_question_is_still_right() -> None:
    item = paper().items[1]
    assert item.shown.question == BOOTS
    assert item.shown.answer_lines[0].endswith("绝缘靴")
