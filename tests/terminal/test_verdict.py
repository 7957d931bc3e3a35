"""What stands below an answer, whole screens of it."""

import io
from dataclasses import replace

import pytest

from tests.fakes import BOOTS, PLAIN_INFO, FakeClock, FakeEngine, question, small_bank
from tests.terminal.shown import shown
from xiaoan.assistant.answering import Answer, Assistant
from xiaoan.assistant.confidence import Calibration
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.question import QuestionBank
from xiaoan.terminal.console import make_console
from xiaoan.terminal.screen import Screen
from xiaoan.terminal.verdict import verdict_lines

INFO = replace(PLAIN_INFO, calibration=Calibration(temperature=1.0, familiarity_weight=0.0, bias=0.0))
SURE, DOUBTING = -0.02, -3.0
LISTED = question("下列应穿戴的是（ ）。", "雨靴", options=("雨靴", "布鞋"), clause="")
OTHER = question("下列应穿戴的是（ ）。", "布鞋", options=("布鞋", "草鞋"), clause="", row=3)


def answered(
    text: str, *pieces: str, log_probability: float, chosen: int | None = None, bank: QuestionBank | None
) -> Answer:
    engine = FakeEngine(info=INFO, log_probability=log_probability, familiarity=0.5).enqueue(*pieces)
    if chosen is not None:
        engine.enqueue_choice(chosen)
    return Assistant(engine, Matcher(bank) if bank else None, clock=FakeClock()).answer(text)


def below(answer: Answer, width: int = 80) -> str:
    return shown(verdict_lines(answer), width)


def test_how_sure_the_model_is_stands_below_the_banks_proof() -> None:
    answer = answered(BOOTS.stem, "绝缘靴", log_probability=SURE, bank=small_bank())
    assert below(answer) == (
        "✓ 与题库一致\n"
        "  题干：雷雨天气巡视室外高压设备应穿（ ）。\n"
        "  专业：变电　题型：单选题\n"
        "  依据：变电安规 5.2\n"
        "  把握：高（98%）\n"
    )


def test_a_doubtful_answer_is_called_none() -> None:
    answer = answered(
        "水电厂的检修人员不得登杆。", log_probability=DOUBTING, chosen=0, bank=QuestionBank([LISTED])
    )
    assert below(answer, 50) == (
        "? 题库里没有这道题，小安也没有把握，不要当答案用。\n"
        "  题型：判断题（按题目写法推断）\n"
        "  把握：低（4%）\n"
    )


def test_an_answer_that_is_sure_is_still_not_proven() -> None:
    answer = answered(
        "水电厂的检修人员不得登杆。", log_probability=SURE, chosen=0, bank=QuestionBank([LISTED])
    )
    assert below(answer).startswith("? 题库中没有这道题，小安的回答无从核对。\n  题型：判断题")


@pytest.mark.parametrize(
    ("log_probability", "said"),
    [
        (SURE, "? 没有打开题库，这个回答没有核对过。\n  把握：高（98%）\n"),
        (DOUBTING, "? 没有打开题库，小安也没有把握，这个回答不要当答案用。\n  把握：低（4%）\n"),
    ],
)
def test_without_a_bank_only_the_models_own_word_is_there(log_probability: float, said: str) -> None:
    assert below(answered(BOOTS.stem, "绝缘靴", log_probability=log_probability, bank=None)) == said


MISSING = "水电厂检修，下列说法正确的是（ ）。"


def test_missing_options_are_asked_for() -> None:
    answer = answered(MISSING, "雨靴", log_probability=DOUBTING, bank=QuestionBank([BOOTS]))
    assert below(answer).splitlines()[0] == "? 这道题要看选项才能答，没有看到选项。请把题目和选项一起贴进来。"
    assert "把握" not in below(answer)
    sure = answered(MISSING, "雨靴", log_probability=SURE, bank=None)
    assert (
        below(sure) == "? 没有看到选项，小安是按记得的题答的；把选项一起贴进来更可靠。\n  把握：高（98%）\n"
    )


def test_a_bank_question_without_its_options_is_the_banks() -> None:
    answer = answered(LISTED.stem, "布鞋", log_probability=SURE, bank=QuestionBank([LISTED]))
    assert below(answer) == (
        "✗ 与题库不一致，以题库答案为准。\n"
        "  题库答案：雨靴\n"
        "  题干：下列应穿戴的是（ ）。\n"
        "  专业：变电　题型：单选题\n"
        "  没有看到选项，按题库里的同一道题核对。\n"
        "  把握：高（98%）\n"
    )


def test_of_several_bank_questions_without_options_all_are_shown() -> None:
    answer = answered(LISTED.stem, "布鞋", log_probability=SURE, bank=QuestionBank([LISTED, OTHER]))
    assert below(answer) == (
        "? 题库里有 2 道这样的题，说不准是哪一道，请自己对照：\n"
        "  1. 下列应穿戴的是（ ）。（变电，单选题）\n"
        "     题库答案：雨靴\n"
        "  2. 下列应穿戴的是（ ）。（变电，单选题）\n"
        "     题库答案：布鞋\n"
        "? 这道题要看选项才能答，没有看到选项。请把题目和选项一起贴进来。\n"
    )


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0.8999, "中（89%）"), (0.9, "高（90%）"), (0.5999, "低（59%）"), (1.0, "高（99%）"), (0.0, "低（1%）")],
)
def test_a_level_is_never_reached_by_rounding(probability: float, said: str) -> None:
    from xiaoan.assistant.confidence import Confidence

    answer = answered(BOOTS.stem, "绝缘靴", log_probability=SURE, bank=small_bank())
    assert said in below(replace(answer, confidence=Confidence(probability)))


def test_an_answer_shown_whole_begins_with_its_doubt() -> None:
    out = io.StringIO()
    screen = Screen(make_console(out, width=80), wraps=False)
    screen.plain_answer(answered("水电厂应穿（ ）。", "雨靴", log_probability=DOUBTING, bank=None))
    assert out.getvalue().splitlines()[:2] == ["🙋 水电厂应穿（ ）。", "🤖 没有把握，硬要说的话：雨靴"]


@pytest.mark.parametrize(
    ("streamed", "repeated"),
    [("没有把握，硬要选的话：A. 雨靴", False), ("A. 雨靴", False), ("A", True)],
)
def test_the_option_is_repeated_only_where_it_was_not_seen(streamed: str, repeated: bool) -> None:
    out = io.StringIO()
    answer = answered("水电厂应穿（ ）。A. 雨靴 B. 布鞋", log_probability=DOUBTING, chosen=0, bank=None)
    Screen(make_console(out, width=80)).end_answer(answer, streamed)
    assert ("即：A. 雨靴" in out.getvalue()) is repeated


def test_a_statement_made_of_a_bank_question_is_judged_and_shown_as_one() -> None:
    filled = "雷雨天气巡视室外高压设备应穿绝缘靴。"
    right = answered(filled, log_probability=SURE, chosen=0, bank=small_bank())
    assert below(right) == (
        "✓ 与题库一致\n"
        "  题库答案：绝缘靴\n"
        "  题干：雷雨天气巡视室外高压设备应穿（ ）。\n"
        "  专业：变电　题型：单选题\n"
        "  依据：变电安规 5.2\n"
        "  空里填的就是题库的答案，小安按判断题判对错；题库里是单选题。\n"
        "  把握：高（98%）\n"
    )
    out = io.StringIO()
    wrong = answered(filled, log_probability=SURE, chosen=1, bank=small_bank())
    Screen(make_console(out, width=80), wraps=False).plain_answer(wrong)
    assert out.getvalue().splitlines()[1:4] == [
        "🤖 正确（空里填的是题库答案）",
        "   小安的回答：错误",
        "✗ 与题库不一致，以题库答案为准。",
    ]


def test_options_that_could_not_be_read_or_chosen_among_are_told() -> None:
    unread = answered("应穿（ ）的鞋。 A 雨靴 C 布鞋 D 草鞋", "雨靴", log_probability=SURE, bank=None)
    assert below(unread, 100).endswith(
        "! 看到了 A、C、D，但没有读成选项；请从 A 起依次写，一行一个，如“A. 停电”。\n"
    )
    alike = answered("水电厂应穿（ ）。A. 雨靴 B. 雨靴", log_probability=SURE, chosen=0, bank=None)
    assert below(alike) == "? 请核对题目里的选项，再问一次。\n"
    out = io.StringIO()
    Screen(make_console(out, width=80)).end_answer(alike, alike.shown)
    assert "即：" not in out.getvalue()
