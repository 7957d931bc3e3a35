"""The page of an exam: what it says first, that all of it is there, and that nothing in it acts."""

from dataclasses import replace

import pytest

from tests.exams import (
    ALONE,
    BOOTS,
    MODEL,
    WRONG,
    result_of,
    sittings_of,
    small_exam,
    with_comparison,
    with_others,
)
from tests.reports.page_reading import HOSTILE, Page
from xiaoan.evaluation.exam_results import ExamResult
from xiaoan.reports.exam_page import exam_page


def page_of(result: ExamResult) -> Page:
    return Page(exam_page(result))


def rows_of(page: Page, number: int) -> list[str]:
    """The body rows of table `number`, each on one line."""
    body = page.all("tbody")[number].text
    return [" ".join(body.split())]


def test_the_verdict_comes_first_and_what_it_is_not_beside_it() -> None:
    page = page_of(result_of())
    assert page.all("p", "verdict")[0].text.strip() == "模型自己答对 85.7%（60–96%）"
    assert "不说明 ChatGLM-6B 会考多少分" in page.all("ul", "warnings")[0].text
    assert "warnings" not in exam_page(result_of(model=replace(MODEL, demo=False))).split("</style>")[1]


def test_forms_and_types_stand_with_their_intervals() -> None:
    assert rows_of(page_of(result_of()), 0) == [
        "带选项 14 85.7% （60–96%） 90% （59–99%） 75% （30–96%） "
        "漏字 14 85.7% （60–96%） 90% （59–99%） 75% （30–96%） "
        "合计 28 85.7% （60–96%） 90% （59–99%） 75% （30–96%）"
    ]


def test_every_wrong_answer_is_there_with_its_question_and_clause() -> None:
    page = page_of(result_of(sittings_of(1, 60)))
    assert len(page.all("article", "wrong")) == 60
    assert " ".join(page.all("article")[0].text.split()) == (
        "1 单选题 带选项 变电 雷雨天气巡视室外高压设备应穿（ ）。 A. 绝缘鞋 B. 绝缘靴 C. 雨靴 "
        "小安答 A. 绝缘鞋 应为 绝缘靴 依据 变电安规 5.2 把握 35% 核对 与题库不一致，以题库为准"
    )


def test_a_wrong_answer_shown_as_verified_is_a_warning() -> None:
    page = page_of(result_of([replace(BOOTS, **{**WRONG, "status": "match"})]))
    assert "一次也不该有" in page.all("ul", "warnings")[0].text
    assert "（不该如此）" in page.text


def test_the_plot_is_there_if_confidence_was_measured() -> None:
    assert len(page_of(result_of()).all("svg")) == 1
    page = page_of(result_of([replace(BOOTS, confidence=None)]))
    assert page.all("svg") == []
    assert "没有校准过" in page.text


def test_others_stand_beside_the_bot() -> None:
    page = page_of(with_others(result_of()))
    assert "和别的办法比（带选项）" in page.text
    assert "总选最长的选项 0% （0–22%） 0% （0–28%） 0% （0–49%）" in page.text
    assert "总选最长的选项 -85.7 （-96.0 到 -45.7） 12 0 <0.001" in page.text
    assert "TF-IDF + 逻辑回归：还缺程序库" in page.text


def test_two_runs_are_compared_by_form_and_type() -> None:
    page = page_of(with_comparison(result_of(), [*sittings_of(5, 5), *sittings_of(1, 3, ALONE)]))
    assert "模型自己的回答：B 更好，不像碰巧。 屏幕上先看到的：看不出差别" in page.text
    assert "带选项 单选题 10 50% 90%" in page.text
    assert "A 0 次，B 14 次" in page.text


def test_without_sittings_there_is_still_a_page() -> None:
    page = page_of(result_of([], unasked=(("很长的题", "plain"),)))
    assert "没有一道题能问" in page.text
    assert "很长的题" in page.text


def test_rotations_are_told() -> None:
    turned = [replace(BOOTS, form="circular", turn=turn) for turn in range(3)]
    assert "每一轮都对 100%" in page_of(result_of(turned)).text


def test_nothing_runs_or_reaches_outside() -> None:
    assert page_of(with_others(with_comparison(result_of(), small_exam()))).outside == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_texts_of_banks_and_models_are_only_texts(text: str) -> None:
    sitting = replace(
        BOOTS,
        **{**WRONG, "answer": text},
        asked=text,
        clause=text,
        official=(text,),
        profession=text,
        form=text,
    )
    result = result_of([sitting], questions=text, bank=text, unasked=((text, text),))
    page = page_of(with_comparison(result, [sitting]))
    assert page.outside == []
    assert not set("\x00\x07\x1b\u202e\ud842") & set(page.source)
