"""Those who hear how a run goes on: several at once, none of whom can end the run by not being able to write."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xiaoan.training.running.listening import EvaluationReport, StepReport, TrainingListener


class RunListeners:
    """A `TrainingListener` that passes everything on, to be used as a context, which closes those that can be closed.

    A listener whose stream is gone (`2>&1 | tee` ended by the same Ctrl-C, a terminal that was closed) hears nothing
    more; the run goes on and is saved.

    Attributes:
        notices: what the run had to say so far.
    """

    def __init__(self, *listeners: "TrainingListener") -> None:
        self.notices: list[str] = []
        self._listeners = list(listeners)

    def __enter__(self) -> "RunListeners":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for close in [getattr(listener, "close", None) for listener in self._listeners]:
            with contextlib.suppress(OSError):
                if close is not None:
                    close()

    def on_step(self, report: "StepReport") -> None:
        """A step was taken."""
        self._each(lambda listener: listener.on_step(report))

    def on_evaluation(self, report: "EvaluationReport") -> None:
        """Something was measured."""
        self._each(lambda listener: listener.on_evaluation(report))

    def on_save(self, step: int, path: Path) -> None:
        """A state is on disk."""
        self._each(lambda listener: listener.on_save(step, path))

    def on_notice(self, text: str) -> None:
        """Something is worth a line, now and in the report."""
        self.notices.append(text)
        self.say(text)

    def say(self, text: str) -> None:
        """Pass on a line that is of no interest afterwards."""
        self._each(lambda listener: listener.on_notice(text))

    def _each(self, tell: "Callable[[TrainingListener], None]") -> None:
        for listener in list(self._listeners):
            with self._dropped_when_deaf(listener):
                tell(listener)

    @contextlib.contextmanager
    def _dropped_when_deaf(self, listener: "TrainingListener") -> Iterator[None]:
        try:
            yield
        except OSError:
            self._listeners.remove(listener)
