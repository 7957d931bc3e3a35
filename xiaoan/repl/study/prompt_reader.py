"""The prompt of a study mode at a terminal: toolbar painted anew each second, completion, the end of time."""

import asyncio
from collections.abc import Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout

from xiaoan.repl.harmless_keys import harmless_keys
from xiaoan.repl.study.reader import Signal, Tick, Toolbar
from xiaoan.repl.study.words import Mode, completions

_TICK_S = 1.0


class PromptReader:
    """Reads with prompt_toolkit; while the person thinks, `tick` is called each second."""

    def __init__(
        self,
        terminal_input: Input | None = None,
        terminal_output: Output | None = None,
        *,
        tick_s: float = _TICK_S,
    ) -> None:
        """Take, in tests, where keys come from and go to, and another length of a second."""
        self._tick_s = tick_s
        self._completer = WordCompleter()
        self._session: PromptSession[str | Signal] = PromptSession(
            history=DummyHistory(),
            completer=self._completer,
            complete_while_typing=True,
            key_bindings=harmless_keys(),
            input=terminal_input,
            output=terminal_output,
        )

    @property
    def patient(self) -> bool:
        """A person sits here."""
        return True

    @property
    def keyboard(self) -> int | None:
        """The descriptor that keys come from, None where there is none."""
        try:
            return self._session.app.input.fileno()
        except (NotImplementedError, OSError, ValueError):
            return None

    def read(self, prompt: str, *, mode: Mode, toolbar: Toolbar, tick: Tick) -> str | Signal:
        """Return one line or pasted block, or how reading ended."""
        self._completer.mode = mode
        app = self._session.app

        def bottom() -> str:
            return toolbar(app.output.get_size().columns)

        def watch() -> None:
            app.create_background_task(self._watch(tick))

        try:
            with patch_stdout(raw=True):
                return self._session.prompt(prompt, bottom_toolbar=bottom, pre_run=watch)
        except EOFError:
            return Signal.CLOSED
        except KeyboardInterrupt:
            return Signal.CLEARED if self._session.default_buffer.text else Signal.INTERRUPTED

    async def _watch(self, tick: Tick) -> None:
        """Let `tick` see each second; end the prompt when it says so. Cancelled when the line is there."""
        app = self._session.app
        while True:
            await asyncio.sleep(self._tick_s)
            if tick():
                if not app.is_done:
                    app.exit(result=Signal.TIME_UP)
                return
            app.invalidate()


class WordCompleter(Completer):
    """Completes a mode's word behind a slash, and nothing else."""

    mode = Mode.PRACTICE

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002
    ) -> Iterable[Completion]:
        """Yield the words that begin with what is typed."""
        typed = document.text_before_cursor
        for name, text in completions(typed, self.mode):
            yield Completion(name, start_position=-len(typed), display_meta=text)
