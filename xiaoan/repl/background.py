"""Work that goes on behind the prompt: one thread, its progress, and its result or its failure."""

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from xiaoan.errors import XiaoanError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Progress = Callable[[str], None]


class Background(Generic[Result]):
    """Runs `work` in a thread that ends with the program.

    `progress` is the last stage that the work reported, `error` what a person should read if it failed.
    """

    def __init__(self, name: str, work: Callable[[Progress], Result]) -> None:
        """Take a name for messages, and the work."""
        self.progress = ""
        self.error: XiaoanError | None = None
        self._name = name
        self._work = work
        self._result: Result | None = None
        self._started = False
        self._finished = threading.Event()

    def start(self) -> None:
        """Begin, unless it has begun; returns at once."""
        if self._started:
            return
        self._started = True
        threading.Thread(target=self._run, name=f"xiaoan-{self._name}", daemon=True).start()

    def wait(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds; return whether the work has ended, well or badly."""
        return self._finished.wait(timeout_s)

    @property
    def finished(self) -> bool:
        """Whether the work has ended, well or badly."""
        return self._finished.is_set()

    @property
    def result(self) -> Result | None:
        """What the work returned; None before the end or after a failure."""
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._work(self._report)
        except XiaoanError as error:
            self.error = error
        except Exception as error:  # the session must stay alive whatever a library raises
            logger.exception("%s failed", self._name)
            self.error = XiaoanError(f"{self._name}时出了意外：{type(error).__name__}: {error}")
        finally:
            self._finished.set()

    def _report(self, stage: str) -> None:
        self.progress = stage
