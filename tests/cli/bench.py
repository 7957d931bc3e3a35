"""Runs command lines in this process, with a fake model and streams that can be read afterwards."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TextIO

from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from tests.fakes import FakeEngine, small_bank
from xiaoan.assistant.engine import Engine
from xiaoan.cli.app import run
from xiaoan.cli.services import Progress, Services
from xiaoan.config import Settings
from xiaoan.errors import XiaoanError
from xiaoan.question_bank.canonical import write_canonical
from xiaoan.question_bank.question import Question, QuestionBank


@dataclass
class Result:
    """What one command line left behind."""

    code: int
    out: str
    err: str


@dataclass
class CommandBench:
    """A home folder, a bank file and an engine; `run` does one command line."""

    home: Path
    engine: FakeEngine = field(default_factory=FakeEngine)
    environ: dict[str, str] = field(default_factory=dict)
    loaded_with: list[Settings] = field(default_factory=list)
    load_error: XiaoanError | None = None
    encoding: str = "utf-8"
    questions: QuestionBank = field(default_factory=small_bank)
    now: datetime = datetime(2026, 6, 1, 9, tzinfo=timezone(timedelta(hours=8)))

    def __post_init__(self) -> None:
        self.bank = self.home.parent / "小题库.xlsx"
        self.replace_bank(self.questions)
        self.environ.update(XIAOAN_HOME=str(self.home), XIAOAN_BANK=str(self.bank))

    def replace_bank(self, questions: Iterable[Question]) -> None:
        write_canonical(QuestionBank(questions), self.bank)

    def load_engine(self, settings: Settings, progress: Progress) -> Engine:
        self.loaded_with.append(settings)
        progress("读权重")
        if self.load_error is not None:
            raise self.load_error
        return self.engine

    def run(self, *arguments: str, stdin: bytes = b"", err: io.StringIO | None = None) -> Result:
        out = io.TextIOWrapper(io.BytesIO(), encoding=self.encoding, errors="replace", write_through=True)
        err = io.StringIO() if err is None else err
        code = run(arguments, self._services(io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"), out, err))
        assert isinstance(out.buffer, io.BytesIO)
        return Result(code, out.buffer.getvalue().decode(self.encoding), err.getvalue())

    def sit(self, *arguments: str, keys: str, width: int = 80) -> Result:
        """Do one command line for a person at a terminal who types `keys`; what is shown is `out`."""
        out, err = io.StringIO(), io.StringIO()
        with create_pipe_input() as typed:
            typed.send_text(keys)
            services = replace(
                self._services(io.StringIO(), out, err),
                terminal_input=typed,
                terminal_output=DummyOutput(),
                width=width,
            )
            code = run(arguments, services)
        return Result(code, out.getvalue(), err.getvalue())

    def _services(self, stdin: TextIO, out: TextIO, err: TextIO) -> Services:
        return Services(
            load_engine=self.load_engine,
            environ=self.environ,
            stdin=stdin,
            stdout=out,
            stderr=err,
            now=lambda: self.now,
            fresh_seed=lambda: 123456,
            login=lambda: "张三",
        )
