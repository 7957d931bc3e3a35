"""Runs command lines in this process, with a fake model and streams that can be read afterwards."""

import io
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes import FakeEngine, small_bank
from xiaoan.assistant.engine import Engine
from xiaoan.cli.app import run
from xiaoan.cli.services import Progress, Services
from xiaoan.config import Settings
from xiaoan.errors import XiaoanError
from xiaoan.question_bank.canonical import write_canonical


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

    def __post_init__(self) -> None:
        self.bank = self.home.parent / "小题库.xlsx"
        write_canonical(small_bank(), self.bank)
        self.environ.update(XIAOAN_HOME=str(self.home), XIAOAN_BANK=str(self.bank))

    def load_engine(self, settings: Settings, progress: Progress) -> Engine:
        self.loaded_with.append(settings)
        progress("读权重")
        if self.load_error is not None:
            raise self.load_error
        return self.engine

    def run(self, *arguments: str, stdin: bytes = b"") -> Result:
        out = io.TextIOWrapper(io.BytesIO(), encoding=self.encoding, errors="replace", write_through=True)
        err = io.StringIO()
        services = Services(
            load_engine=self.load_engine,
            environ=self.environ,
            stdin=io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"),
            stdout=out,
            stderr=err,
        )
        code = run(arguments, services)
        assert isinstance(out.buffer, io.BytesIO)
        return Result(code, out.buffer.getvalue().decode(self.encoding), err.getvalue())
