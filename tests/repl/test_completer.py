from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from xiaoan.repl.commands import COMMANDS
from xiaoan.repl.completer import CommandCompleter


def completions(text: str) -> list[str]:
    return [item.text for item in CommandCompleter().get_completions(Document(text), CompleteEvent())]


def test_a_slash_offers_every_name_of_every_command() -> None:
    assert completions("/") == [f"/{name}" for command in COMMANDS for name in command.names]


def test_beginnings_are_completed_in_both_languages_and_widths() -> None:
    assert completions("/he") == ["/help"]
    assert completions("／H") == ["/help", "/history"]
    assert completions("/题") == ["/题库"]


def test_a_question_is_left_alone() -> None:
    assert completions("高压") == []
    assert completions("/bank x") == []


def test_no_name_or_word_belongs_to_two_commands() -> None:
    names = [name for command in COMMANDS for name in command.names]
    words = [word for command in COMMANDS for word in command.words]
    assert len(set(names)) == len(names)
    assert len(set(words)) == len(words)
