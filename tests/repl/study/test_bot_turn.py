import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes import CONTENT_INFO, FakeEngine
from tests.question_bank.papers import BOOTS, CLOTHES, FENCE, ORDERS, paper
from tests.repl.study.bench import StudyBench
from tests.repl.waiting import PATIENCE_S, meanwhile, press_ctrl_c, until, when
from xiaoan.assistant.confidence import Calibration
from xiaoan.assistant.engine import Engine
from xiaoan.errors import CheckpointError
from xiaoan.question_bank.session import PracticeSession
from xiaoan.repl.background import Background
from xiaoan.repl.study.bot import Bot

ANSWERED = "✓ 对。\n  正确答案：B. 绝缘靴\n  依据：变电安规 7.2\n"


@pytest.fixture
def with_bot(desk: StudyBench) -> StudyBench:
    assert desk.bot is not None
    desk.bot.on = True
    return desk


def loading(desk: StudyBench, load: Callable[[Callable[[str], None]], Engine], *, on: bool = False) -> None:
    desk.bot = Bot(Background("载入模型", load), on=on)


def test_the_bot_is_asked_beside_the_bank_once_the_person_has_answered(desk: StudyBench) -> None:
    desk.engine.enqueue("雨", "靴")
    desk.practise(paper(BOOTS), "B", "？", "")
    assert (
        f"{ANSWERED}🤖 雨靴\n   即：A. 雨靴\n✗ 小安答的与题库不一致，以题库答案为准。\n\n这次练习\n"
        in desk.shown
    )
    assert desk.engine.queries == [
        "雷雨天到室外高压设备旁巡视，脚上应穿（ ）。\nA. 雨靴\nB. 绝缘靴\nC. 布鞋\nD. 皮鞋"
    ]


def test_how_sure_the_bot_is_stands_below_its_answer(desk: StudyBench) -> None:
    calibration = Calibration(temperature=1.0, familiarity_weight=0.0, bias=0.0)
    desk.engine.info = replace(CONTENT_INFO, calibration=calibration)
    desk.engine.familiarity = 0.5
    desk.engine.enqueue_choice(0)
    desk.practise(paper(BOOTS), "B", "？", "")
    assert "🤖 A. 雨靴\n✗ 小安答的与题库不一致，以题库答案为准。\n  把握：高（90%）\n" in desk.shown


def test_asking_before_answering_shows_the_answer_and_counts_as_looked_up(desk: StudyBench) -> None:
    desk.engine.enqueue("B")
    session = desk.practise(paper(BOOTS), "?", "")
    assert (
        "🤖 B\n   即：B. 绝缘靴\n✓ 小安答的与题库一致\n  正确答案：B. 绝缘靴\n  依据：变电安规 7.2\n"
        in desk.shown
    )
    assert session.revealed == {0}


def test_a_bot_that_is_on_answers_after_each_question_and_the_tally_is_shown(with_bot: StudyBench) -> None:
    with_bot.engine.enqueue("绝缘靴").enqueue("对")
    with_bot.practise(paper(BOOTS, FENCE), "B", "", "错", "")
    assert (
        f"{ANSWERED}🤖 绝缘靴\n   即：B. 绝缘靴\n✓ 小安答的与题库一致\n对题：你 1/1　小安 1/1\n\n第 2/2 题"
        in with_bot.shown
    )
    assert "对题：你 2/2　小安 1/2\n" in with_bot.shown


def test_options_are_decided_by_content_as_they_are_shown(with_bot: StudyBench) -> None:
    with_bot.engine.info = CONTENT_INFO
    with_bot.engine.enqueue_choice(0, 2, 3)
    with_bot.practise(paper(CLOTHES), "ACD", "")
    assert "🤖 A. 安全帽; C. 全棉长袖工作服; D. 绝缘鞋\n✓ 小安答的与题库一致\n" in with_bot.shown


def test_the_bot_is_sent_for_and_away_by_words(desk: StudyBench) -> None:
    desk.engine.enqueue("B")
    desk.practise(paper(BOOTS, FENCE), "小安", "/小安 on", "小安", "B", "", "小安 off", "错", "")
    for said in ("小安没有跟着作答，", "每题之后小安也会作答。", "小安正跟着作答，", "小安不再跟着作答；"):
        assert said in desk.shown
    assert desk.shown.count("🤖") == 1


def test_a_short_answer_of_the_bot_is_not_judged(with_bot: StudyBench) -> None:
    with_bot.engine.enqueue("拒绝执行")
    with_bot.practise(paper(ORDERS), "拒绝执行", "对", "")
    assert "🤖 拒绝执行\n? 简答题请对照参考答案看小安答得怎样。\n对题：你 1/1　小安 0/1\n" in with_bot.shown


def test_in_a_quiz_the_bots_question_is_final_and_the_banks_answer_is_out(with_bot: StudyBench) -> None:
    with_bot.engine.enqueue("B").enqueue("错误")
    session = with_bot.sit(paper(BOOTS, FENCE), "A", "-", "B", "?", "小安 off", "", "错", "小安 on", "")
    assert (
        "已记下：A\n"
        "🤖 B\n   即：B. 绝缘靴\n✓ 小安答的与题库一致\n"
        "✗ 错。\n  你的答案：A. 雨靴\n  正确答案：B. 绝缘靴\n  依据：变电安规 7.2\n"
        "对题：你 0/1　小安 1/1\n"
        "\n第 2/2 题" in with_bot.shown
    )
    assert "! 小安已经答过这道题，答案不能再改\n! 这题小安已经答过了。" in with_bot.shown
    assert session.answers == {0: "A", 1: "错"}
    assert session.final == {0}


def test_ctrl_c_stops_the_bot_and_nothing_else(with_bot: StudyBench) -> None:
    released = threading.Event()
    with_bot.engine.enqueue("绝缘", "靴", hold=released).enqueue("错误")
    with when(with_bot.engine.first_piece_sent, press_ctrl_c):
        session = with_bot.practise(paper(BOOTS, FENCE), "B", "", "错", "")
    assert f"{ANSWERED}🤖 绝缘\n⏹ 已停止，没有核对。\n" in with_bot.shown
    assert session.tally.right == 2
    assert with_bot.exit_code == 0


def test_waiting_for_the_model_is_said(desk: StudyBench) -> None:
    go_on = threading.Event()

    def load(progress: Callable[[str], None]) -> Engine:
        progress("读权重 10%")
        assert go_on.wait(PATIENCE_S)
        return desk.engine

    def release() -> None:
        until(lambda: "… 读权重" in desk.shown)
        go_on.set()

    loading(desk, load)
    desk.engine.enqueue("B")
    with meanwhile(release):
        desk.practise(paper(BOOTS), "B", "?", "")
    assert "模型还在载入，载好小安就作答（Ctrl-C 不等）。\n… 读权重\n🤖 B\n" in desk.shown


def test_ctrl_c_does_not_wait_for_the_model(desk: StudyBench) -> None:
    started, released = threading.Event(), threading.Event()

    def load(_: Callable[[str], None]) -> Engine:
        started.set()
        assert released.wait(PATIENCE_S)
        return FakeEngine()

    def stop() -> None:
        until(lambda: "模型还在载入" in desk.shown)
        press_ctrl_c()

    loading(desk, load)
    with when(started, stop):
        desk.practise(paper(BOOTS), "B", "?", "")
    released.set()
    assert "不等了，这题小安没有作答。模型还在后台载入。\n\n这次练习\n" in desk.shown


def test_a_model_that_cannot_be_loaded_is_said_once_and_the_round_goes_on(desk: StudyBench) -> None:
    def load(_: Callable[[str], None]) -> Engine:
        raise CheckpointError("模型文件夹 x 里没有权重。重新下载。")

    loading(desk, load, on=True)
    session = desk.practise(paper(BOOTS, FENCE), "B", "", "错", "")
    assert desk.shown.count("✗ 模型没有载入，小安不能作答。模型文件夹 x 里没有权重。重新下载。\n") == 1
    assert session.tally.right == 2


def test_an_engine_that_fails_costs_only_its_answer(
    with_bot: StudyBench, caplog: pytest.LogCaptureFixture
) -> None:
    with_bot.engine.enqueue("绝缘", error=RuntimeError("out of memory")).enqueue("错误")
    session = with_bot.practise(paper(BOOTS, FENCE), "B", "", "错", "")
    assert "✗ 小安作答时出了意外：RuntimeError: out of memory。题可以接着做。" in with_bot.shown
    assert "对题：你 2/2　小安 1/1" in with_bot.shown
    assert session.tally.right == 2
    assert "Traceback" in caplog.text


def test_a_question_too_long_for_the_bot_is_said(desk: StudyBench) -> None:
    long = replace(BOOTS, stem="很长的题" * 600)
    desk.practise_with(desk.reader("B", "?", ""), PracticeSession(paper(long)))
    assert "一次最多 2000 个字。这道题小安答不了。" in desk.shown.replace("\n  ", "")


def test_without_a_bot_asking_is_refused(desk: StudyBench) -> None:
    desk.bot = None
    desk.practise(paper(BOOTS), "?", "小安 on", "小安", "B", "")
    assert (
        "! 这次没有带模型，问不了小安。\n! 这次没有带模型，小安不能跟着作答。\n小安没有跟着作答" in desk.shown
    )
