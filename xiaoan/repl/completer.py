"""Completion of commands, Chinese and English, from the same table as the help."""

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from xiaoan.repl.commands import COMMANDS


class CommandCompleter(Completer):
    """Completes a word behind a slash at the beginning of the line, and nothing else."""

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002
    ) -> Iterable[Completion]:
        """Yield the commands that begin with what is typed."""
        typed = document.text_before_cursor.replace("／", "/").casefold()
        if not typed.startswith("/") or any(character.isspace() for character in typed):
            return
        for command in COMMANDS:
            for name in command.names:
                if f"/{name}".startswith(typed):
                    yield Completion(
                        f"/{name}",
                        start_position=-len(document.text_before_cursor),
                        display_meta=command.help,
                    )
