"""Ctrl-C during a long run: once asks for a stop at a good place, twice stops at once."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class StopRequest:
    """Between `with` and its end, Ctrl-C and a polite kill (SIGTERM) ask for a stop; a second Ctrl-C is a KeyboardInterrupt.

    Args:
        tell: called with what the person should know, from the work itself and never inside a signal.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.requested = False
        self._tell = tell
        self._told = False
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether a stop is asked for; the work looks here between its steps."""
        if self.requested and not self._told:
            self._told = True
            self._tell("这就停下：做完这一步就保存。再按一次 Ctrl-C 立即停（只留下上次保存的进度）。")
        return self.requested

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._before = {
                number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)
            }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # A launcher passes Ctrl-C on as SIGTERM, which is therefore never the second one.
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
