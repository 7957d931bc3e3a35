"""What the commands use of the outside world, in one value: tests hand in another."""

import io
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

from xiaoan.config import Settings
from xiaoan.printable import UNSEEN
from xiaoan.resting_collector import resting_collector

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from xiaoan.assistant.engine import Engine
    from xiaoan.question_bank.store.stored_bank import StoredBank
    from xiaoan.repl.study.bot import Bot
    from xiaoan.terminal.screen import Screen

Progress = Callable[[str], None]
Action = Callable[[], int]
"""What a parsed command line will do; returns the exit code.

Commands return it instead of doing it, so that nothing of the parser stands between the work and its ending.
"""

EngineLoader = Callable[[Settings, Progress], "Engine"]


def load_real_engine(settings: Settings, progress: Progress) -> "Engine":
    """Return the model that the settings name, loaded; `progress` is told each stage.

    Raises:
        CheckpointError, DeviceError: it cannot be used; the message says what to do.
    """
    progress("准备程序库")
    with resting_collector():
        import torch

        from xiaoan.assistant.chatglm_engine import load_engine

        import_module("xiaoan.chatglm.adapter_checkpoint")  # `load_engine` will; transformers comes with it

    torch.manual_seed(settings.seed)
    return load_engine(
        settings.model,
        settings.effective_prefix,
        settings.device,
        settings.dtype,
        lora=settings.effective_lora,
        compile_step=settings.compile,
        progress=progress,
    )


def local_now() -> datetime:
    """Return the time with this place's offset from UTC."""
    return datetime.now().astimezone()


def six_digits() -> int:
    """Return a number of six digits that nobody could foresee: short enough to be said on the telephone."""
    import secrets

    return 100_000 + secrets.randbelow(900_000)


def login_name() -> str:
    """Return the name that this person logged in by; a fixed one where the system knows none."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "本机用户"


@dataclass(frozen=True)
class Seat:
    """What a session shares with a command that runs inside it: its settings, its bot and its open bank."""

    settings: Settings
    bot: "Bot"
    bank: "Callable[[], StoredBank | None]"


@dataclass(frozen=True)
class Services:
    """The streams, environment, clocks, chance and model loader of one run of the program.

    `clock` counts seconds, `now` says the local time with its offset, `seat` is there inside a session only,
    `arguments` is the command line that is being done.
    """

    load_engine: EngineLoader = load_real_engine
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    # A stream that was closed before the start is None.
    stdin: TextIO = field(default_factory=lambda: sys.stdin or io.StringIO())
    stdout: TextIO = field(default_factory=lambda: sys.stdout or io.StringIO())
    stderr: TextIO = field(default_factory=lambda: sys.stderr or io.StringIO())
    clock: Callable[[], float] = time.perf_counter
    now: Callable[[], datetime] = local_now
    fresh_seed: Callable[[], int] = six_digits
    login: Callable[[], str] = login_name
    seat: Seat | None = None
    terminal_input: "Input | None" = None
    terminal_output: "Output | None" = None
    width: int | None = None
    arguments: tuple[str, ...] = ()

    def silenced(self) -> "Services":
        """Return services that show nothing: those of a process that works along with the one that speaks."""
        return replace(self, stdin=io.StringIO(), stdout=io.StringIO(), stderr=io.StringIO(), width=None)

    @property
    def interactive(self) -> bool:
        """Whether a person sits at both ends."""
        return self.terminal_input is not None or (is_terminal(self.stdin) and is_terminal(self.stdout))

    @property
    def keyboard(self) -> int | None:
        """The descriptor that keys come from, None where nobody sits at one or the program is in the background."""
        if not is_terminal(self.stdin):
            return None
        keyboard = self.stdin.fileno()
        if not hasattr(os, "tcgetpgrp"):
            return keyboard
        try:
            # The system halts a background process that changes the terminal.
            return keyboard if os.tcgetpgrp(keyboard) == os.getpgrp() else None
        except OSError:  # the terminal is another session's
            return None

    def screen(self, stream: TextIO, *, plain: bool = False) -> "Screen":
        """Return a screen on `stream`: wrapped for a terminal, whole lines without colour elsewhere.

        `plain`: words for symbols, nothing in columns.
        """
        from xiaoan.terminal.console import make_console
        from xiaoan.terminal.screen import Screen

        wraps = self.width is not None or is_terminal(stream)
        return Screen(make_console(stream, width=self.width), wraps=wraps, plain=plain)


def write_json(stream: TextIO, document: Any, *, indent: int | None = None) -> None:
    """Write one document and a line end; no character of it can move a cursor or is lost.

    What a terminal would obey is escaped, and everything beyond ASCII where the stream is not UTF-8.
    """
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(document, ensure_ascii=not encoding.startswith("utf"), indent=indent)
    print(UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text), file=stream, flush=True)


def is_terminal(stream: TextIO) -> bool:
    """Whether `stream` is a terminal; a closed one is not."""
    return not stream.closed and stream.isatty()
