"""Completion of commands, Chinese and English, and of what can follow them, from the same table as the help."""

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from xiaoan.repl.commands import COMMANDS, State


class CommandCompleter(Completer):
    """Completes a word behind a slash at the beginning of the line, and what can follow some of the commands.

    Args:
        state: where commands find what can follow them; None completes commands only.
    """

    def __init__(self, state: State | None = None) -> None:
        self._state = state
        self._folders = PathCompleter(only_directories=True, expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield the commands that begin with what is typed, or what can follow the command."""
        typed = document.text_before_cursor.replace("／", "/")
        if not typed.startswith("/"):
            return
        name, space, argument = typed.replace("　", " ").partition(" ")
        if space:
            yield from self._following(name[1:].casefold(), argument.lstrip(), complete_event)
            return
        for command in COMMANDS:
            for known in command.names:
                if f"/{known}".startswith(typed.casefold()):
                    yield Completion(
                        f"/{known}",
                        start_position=-len(document.text_before_cursor),
                        display_meta=command.help,
                    )

    def _following(self, name: str, argument: str, complete_event: CompleteEvent) -> Iterable[Completion]:
        command = next((command for command in COMMANDS if name in command.names), None)
        if command is None or self._state is None:
            return
        if command.completions is not None:
            for word in command.completions(self._state):
                if word.casefold().startswith(argument.casefold()):
                    yield Completion(word, start_position=-len(argument))
        if command.takes_folder and any(mark in argument for mark in "/\\~."):
            yield from self._folders.get_completions(Document(argument), complete_event)
