import io
import threading
from collections.abc import Iterator

import pytest

from tests.fakes import BOOTS, FakeClock, FakeEngine
from tests.repl.waiting import PATIENCE_S, meanwhile, until
from xiaoan.assistant.answering import Answer, Assistant
from xiaoan.assistant.engine import Piece, StopSignal
from xiaoan.repl.background import Background
from xiaoan.repl.interrupts import Interrupts
from xiaoan.repl.streaming import Ask, stream_answer, wait_for_model
from xiaoan.terminal.console import make_console
from xiaoan.terminal.screen import Screen


class Shown:
    """A screen and what stands on it."""

    def __init__(self) -> None:
        self._out = io.StringIO()
        self.screen = Screen(make_console(self._out, width=80))

    @property
    def text(self) -> str:
        return self._out.getvalue()


def asking(engine: FakeEngine) -> Ask:
    assistant = Assistant(engine, None, clock=FakeClock())
    return lambda should_stop: assistant.ask(BOOTS.stem, should_stop)


def test_pieces_are_shown_and_the_answer_returned() -> None:
    shown = Shown()
    streamed = stream_answer(
        asking(FakeEngine().enqueue("绝缘", "靴")), shown.screen, Interrupts(FakeClock())
    )
    assert streamed is not None
    assert (streamed.text, streamed.answer.answer) == ("绝缘靴", "绝缘靴")
    assert shown.text == "🤖 绝缘靴"


def test_what_the_engine_raises_is_raised_here() -> None:
    engine = FakeEngine().enqueue("绝缘", error=RuntimeError("out of memory"))
    with pytest.raises(RuntimeError, match="out of memory"):
        stream_answer(asking(engine), Shown().screen, Interrupts(FakeClock()))


def test_who_leaves_does_not_wait_for_the_answer() -> None:
    shown, interrupts, released = Shown(), Interrupts(FakeClock()), threading.Event()

    def deaf(_: StopSignal) -> Iterator[Piece | Answer]:
        yield Piece("绝缘", 1)
        interrupts.press()
        interrupts.press()
        assert released.wait(PATIENCE_S)

    assert stream_answer(deaf, shown.screen, interrupts) is None
    released.set()
    assert shown.text.endswith("\n")


class StuckOut(io.StringIO):
    """A terminal that takes its first piece of an answer only once the engine is done; it counts its writes."""

    def __init__(self, done: threading.Event) -> None:
        super().__init__()
        self._done = done
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        if "安" in text:
            assert self._done.wait(PATIENCE_S)
            self.pieces.append(text)
        return super().write(text)


def test_a_terminal_that_is_stuck_does_not_stop_the_model_and_gets_the_rest_at_once() -> None:
    engine = FakeEngine().enqueue(*["安"] * 500)
    out = StuckOut(engine.finished)
    streamed = stream_answer(
        asking(engine), Screen(make_console(out, width=2000)), Interrupts(FakeClock()), clock=lambda: 0.0
    )
    assert streamed is not None
    assert streamed.text == "安" * 500
    # The first piece, or what had come by then, and all others together.
    assert len(out.pieces) <= 2


def test_waiting_says_each_stage_once_until_all_is_there() -> None:
    shown, go_on = Shown(), threading.Event()

    def load(progress: object) -> str:
        assert callable(progress)
        for stage in ("读权重 10%", "读权重 20%"):
            progress(stage)
        assert go_on.wait(PATIENCE_S)
        return "model"

    def release() -> None:
        until(lambda: "读权重" in shown.text)
        go_on.set()

    model = Background("载入模型", load)
    with meanwhile(release):
        assert wait_for_model(model, shown.screen, Interrupts(FakeClock()), saying="请等")
    assert shown.text == "请等\n… 读权重\n"
    assert model.result == "model"


def test_ctrl_c_ends_the_waiting() -> None:
    go_on, interrupts = threading.Event(), Interrupts(FakeClock())
    interrupts.press()
    model = Background("载入模型", lambda _: go_on.wait(PATIENCE_S))
    assert not wait_for_model(model, Shown().screen, interrupts, saying="请等")
    go_on.set()
