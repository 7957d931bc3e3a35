"""What the commands use of the outside world, in one value: tests hand in another."""

import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from xiaoan.config import Settings

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from xiaoan.assistant.engine import Engine
    from xiaoan.terminal.screen import Screen

Progress = Callable[[str], None]
Action = Callable[[], int]
"""What a parsed command line will do; returns the exit code.

Commands return it instead of doing it, so that nothing of the parser stands between the work and its ending.
"""

_OBEYED = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
"""Characters beyond ASCII that a terminal obeys or hides."""

EngineLoader = Callable[[Settings, Progress], "Engine"]


def load_real_engine(settings: Settings, progress: Progress) -> "Engine":
    """Return the model that the settings name, loaded; `progress` is told each stage.

    Raises:
        CheckpointError, DeviceError: it cannot be used; the message says what to do.
    """
    progress("准备程序库")
    import torch

    from xiaoan.assistant.chatglm_engine import load_engine

    torch.manual_seed(settings.seed)
    return load_engine(
        settings.model, settings.effective_prefix, settings.device, settings.dtype, progress=progress
    )


@dataclass(frozen=True)
class Services:
    """The streams, environment, clock and model loader of one run of the program."""

    load_engine: EngineLoader = load_real_engine
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    # A stream that was closed before the start is None.
    stdin: TextIO = field(default_factory=lambda: sys.stdin or io.StringIO())
    stdout: TextIO = field(default_factory=lambda: sys.stdout or io.StringIO())
    stderr: TextIO = field(default_factory=lambda: sys.stderr or io.StringIO())
    clock: Callable[[], float] = time.perf_counter
    terminal_input: "Input | None" = None
    terminal_output: "Output | None" = None
    width: int | None = None

    @property
    def interactive(self) -> bool:
        """Whether a person sits at both ends."""
        return self.terminal_input is not None or (is_terminal(self.stdin) and is_terminal(self.stdout))

    def screen(self, stream: TextIO) -> "Screen":
        """Return a screen on `stream`: wrapped for a terminal, whole lines without colour elsewhere."""
        from xiaoan.terminal.console import make_console
        from xiaoan.terminal.screen import Screen

        return Screen(
            make_console(stream, width=self.width), wraps=self.width is not None or is_terminal(stream)
        )


def write_json(stream: TextIO, document: Any, *, indent: int | None = None) -> None:
    """Write one document and a line end; no character of it can move a cursor or is lost.

    What a terminal would obey is escaped, and everything beyond ASCII where the stream is not UTF-8.
    """
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(document, ensure_ascii=not encoding.startswith("utf"), indent=indent)
    print(_OBEYED.sub(lambda found: json.dumps(found[0])[1:-1], text), file=stream, flush=True)


def is_terminal(stream: TextIO) -> bool:
    """Whether `stream` is a terminal; a closed one is not."""
    return not stream.closed and stream.isatty()
