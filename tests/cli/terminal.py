"""A real terminal: the program as a process of its own under a pseudo-terminal, driven by pexpect."""

import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import pexpect

from xiaoan.terminal.wrapping import cell_width

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
"""How long something may take before the test gives up; nothing waits that long when all is well."""

_WHERE = "\x1b[6n"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_=>]")
_CLOCK = re.compile(r"剩 (?:(\d+):)?(\d+):(\d\d)")


class Terminal:
    """One program at one terminal; what it shows is looked for with `see`, in order."""

    def __init__(
        self,
        *arguments: str,
        environ: Mapping[str, str],
        columns: int = 80,
        rows: int = 30,
        before_start: Callable[[], None] | None = None,
    ) -> None:
        """Start `xiaoan` with these arguments; `before_start` runs in the new process."""
        self._rows = rows
        self._log = io.StringIO()
        with warnings.catch_warnings():
            # From Python 3.12 on forking beside threads, which other tests left, is warned of; this child execs.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = pexpect.spawn(
                sys.executable,
                ["-m", "xiaoan", *arguments],
                env={
                    **{name: os.environ[name] for name in ("PATH", "TMPDIR", "HOME") if name in os.environ},
                    **{"TERM": "xterm", "LANG": "C.UTF-8", "NO_COLOR": "1"},
                    **{"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
                    **environ,
                },
                dimensions=(rows, columns),
                encoding="utf-8",
                timeout=PATIENCE_S,
                preexec_fn=before_start,
            )
        self._child.logfile_read = self._log

    def see(self, *texts: str) -> str:
        """Wait until `texts` have come one after the other; return everything shown on the way."""
        start = len(self._log.getvalue())
        for text in texts:
            self.see_one_of(text)
        return plain(self._log.getvalue()[start:])

    def see_one_of(self, *texts: str) -> int:
        """Wait until one of `texts` comes; return which."""
        while True:
            found = int(self._child.expect_exact([*texts, _WHERE]))
            if found < len(texts):
                return found
            # A terminal says where its cursor is: as far down as can be, but for the toolbar.
            self._child.send(f"\x1b[{self._rows - 2};1R")

    def type(self, text: str) -> None:
        """Press the keys of `text`, then Enter."""
        self._child.send(text + "\r")

    def press(self, keys: str) -> None:
        """Press keys."""
        self._child.send(keys)

    def prompt(self) -> str:
        """Wait for the prompt with its toolbar; return everything shown up to it."""
        return self.see("🙋", " · ", "\x1b[?25h")

    def resize(self, columns: int, rows: int = 30) -> None:
        """Make the window another size."""
        self._rows = rows
        self._child.setwinsize(rows, columns)

    def kill(self) -> None:
        """End the program as `kill -9` does."""
        self._child.kill(9)
        self._child.expect(pexpect.EOF)
        self._child.close()

    def end(self) -> int:
        """Wait for the program to end by itself and return its exit code."""
        self._child.expect(pexpect.EOF)
        self._child.close()
        assert self._child.signalstatus is None, f"ended by signal {self._child.signalstatus}"
        return int(self._child.exitstatus)

    @property
    def raw(self) -> str:
        """Everything shown so far as it came."""
        return self._log.getvalue()

    @property
    def text(self) -> str:
        """Everything shown so far, without what moves the cursor."""
        return plain(self._log.getvalue())

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)


def plain(shown: str) -> str:
    """Return what was shown without control sequences."""
    return _CONTROL.sub("", shown).replace("\r\n", "\n").replace("\r", "\n")


def seconds_left(shown: str) -> list[int]:
    """Return the seconds that the toolbars in `shown` say are left, in order."""
    return [int(h or 0) * 3600 + int(m) * 60 + int(s) for h, m, s in _CLOCK.findall(shown)]


def widest(shown: str) -> int:
    """Return the cells of the widest line that is no prompt and no toolbar."""
    lines = [line for line in shown.split("\n") if "🙋" not in line and " · " not in line]
    return max(cell_width(line.rstrip()) for line in lines)
