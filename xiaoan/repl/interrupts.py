"""Ctrl-C while something runs: the first one stops it, a second within a second leaves."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

LEAVE_WITHIN_S = 1.0


class Interrupts:
    """Counts Ctrl-C between `with` and its end instead of raising `KeyboardInterrupt`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a clock in seconds."""
        self.stopped = False
        self.leaving = False
        self._clock = clock
        self.last_s: float | None = None
        """When the last Ctrl-C came, by the clock."""
        self._before: Any = None

    def press(self) -> None:
        """Note one Ctrl-C."""
        now_s = self._clock()
        if self.last_s is not None and now_s - self.last_s <= LEAVE_WITHIN_S:
            self.leaving = True
        self.last_s = now_s
        self.stopped = True

    def should_stop(self) -> bool:
        """Whether Ctrl-C was pressed; asked by the model once a token."""
        return self.stopped

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.press()
