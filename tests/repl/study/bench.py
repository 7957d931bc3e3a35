"""A desk without a terminal: keys come from a pipe, everything shown is text, progress lies in memory."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from tests.fakes import FakeEngine
from xiaoan.assistant.engine import Engine
from xiaoan.question_bank.drawing.paper import Paper
from xiaoan.question_bank.progress import Progress
from xiaoan.question_bank.session import PracticeSession, QuizSession
from xiaoan.repl.background import Background
from xiaoan.repl.study.bot import Bot
from xiaoan.repl.study.desk import StudyDesk
from xiaoan.repl.study.prompt_reader import PromptReader
from xiaoan.repl.study.reader import LineReader, Reader
from xiaoan.repl.study.recorder import Recorder
from xiaoan.repl.study.words import Mode
from xiaoan.terminal.console import make_console
from xiaoan.terminal.screen import Screen

NOW = datetime(2030, 3, 4, 9, 30, tzinfo=UTC)
CTRL_C = "\x03"
CTRL_D = "\x04"


class Ticking:
    """A clock that goes on by `step_s` at every look."""

    def __init__(self, step_s: float) -> None:
        self.step_s = step_s
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


@dataclass
class StudyBench:
    """One person's desk. `progress` may be another; `lines` instead of keys come from a stream."""

    keys: PipeInput
    progress: Progress
    engine: FakeEngine = field(default_factory=FakeEngine)
    load: Callable[[Callable[[str], None]], Engine] | None = None
    bot: Bot | None = None
    clock: Callable[[], float] = field(default_factory=lambda: Ticking(2.0))
    width: int = 80
    plain: bool = False
    tick_s: float = 60.0
    kept: bool = True
    session_id: str | None = None
    out: io.StringIO = field(default_factory=io.StringIO)
    exit_code: int = 0

    def __post_init__(self) -> None:
        load = self.load or (lambda _: self.engine)
        self.bot = Bot(Background("载入模型", load))

    @property
    def shown(self) -> str:
        return self.out.getvalue()

    def desk(self, reader: Reader) -> StudyDesk:
        return StudyDesk(
            screen=Screen(make_console(self.out, width=self.width), plain=self.plain),
            reader=reader,
            clock=self.clock,
            now=lambda: NOW,
            bank="变电安规.xlsx（6 题）",
            bot=self.bot,
        )

    def reader(self, *lines: str) -> PromptReader:
        """Return the prompt with `lines` typed, each with Enter, and Ctrl-D behind them."""
        if lines:
            self.keys.send_text("".join(f"{line}\r" for line in lines) + CTRL_D)
        return PromptReader(self.keys, DummyOutput(), tick_s=self.tick_s)

    def recorder(self, mode: Mode) -> Recorder:
        return Recorder(self.progress, mode, session_id=self.session_id, kept=self.kept)

    def practise(self, paper: Paper, *lines: str, mode: Mode = Mode.PRACTICE) -> PracticeSession:
        return self.practise_with(self.reader(*lines), PracticeSession(paper), mode)

    def practise_with(
        self, reader: Reader, session: PracticeSession, mode: Mode = Mode.PRACTICE
    ) -> PracticeSession:
        desk = self.desk(reader)
        session = desk.run_practice(session, self.recorder(mode))
        self.exit_code = desk.exit_code
        return session

    def sit(self, paper: Paper, *lines: str) -> QuizSession:
        return self.sit_with(self.reader(*lines), QuizSession(paper))

    def sit_with(self, reader: Reader, session: QuizSession) -> QuizSession:
        desk = self.desk(reader)
        session = desk.run_quiz(session, self.recorder(Mode.QUIZ))
        self.exit_code = desk.exit_code
        return session

    def recite(self, paper: Paper, *lines: str) -> None:
        self.desk(self.reader(*lines)).run_recital(paper)


def piped(*lines: str) -> LineReader:
    """Return a reader of `lines` from a pipe."""
    return LineReader(io.StringIO("".join(f"{line}\n" for line in lines)))


def pasted(text: str) -> str:
    """The keys that a terminal sends for a pasted text."""
    return f"\x1b[200~{text}\x1b[201~"


def in_memory() -> Progress:
    return Progress.open(None, "张三", now=lambda: NOW)


def on_disk(file: Path) -> Progress:
    return Progress.open(file, "张三", now=lambda: NOW)


def later(**more: float) -> datetime:
    return NOW + timedelta(**more)


@contextmanager
def study_bench() -> Iterator[StudyBench]:
    with create_pipe_input() as keys, in_memory() as progress:
        yield StudyBench(keys, progress)
