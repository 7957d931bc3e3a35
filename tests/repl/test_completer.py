from pathlib import Path

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory

from tests.fakes import FakeEngine
from tests.repl.test_prefixes import put_prefix
from xiaoan.assistant.engine import Engine
from xiaoan.assistant.open_bank import OpenBank
from xiaoan.config import Settings
from xiaoan.repl.background import Background
from xiaoan.repl.commands import COMMANDS, State
from xiaoan.repl.completer import CommandCompleter
from xiaoan.repl.prefixes import Shelf
from xiaoan.repl.study.bot import Bot


def completions(text: str) -> list[str]:
    return [item.text for item in CommandCompleter().get_completions(Document(text), CompleteEvent())]


def test_a_slash_offers_every_name_of_every_command() -> None:
    assert completions("/") == [f"/{name}" for command in COMMANDS for name in command.names]


def test_beginnings_are_completed_in_both_languages_and_widths() -> None:
    assert completions("/he") == ["/help"]
    assert completions("／H") == ["/help", "/history"]
    assert completions("/题") == ["/题库"]
    assert completions("/前") == ["/前缀"]


def test_a_question_is_left_alone() -> None:
    assert completions("高压") == []
    assert completions("/bank x") == []


def test_no_name_or_word_belongs_to_two_commands() -> None:
    names = [name for command in COMMANDS for name in command.names]
    words = [word for command in COMMANDS for word in command.words]
    assert len(set(names)) == len(names)
    assert len(set(words)) == len(words)


def following(typed: str, shelf: Shelf) -> list[str]:
    engine: Background[Engine] = Background("载入模型", lambda _: FakeEngine())
    bank: Background[OpenBank | None] = Background("读题库", lambda _: None)
    state = State(Settings(), engine, bank, InMemoryHistory(), Bot(engine), shelf)
    found = CommandCompleter(state).get_completions(Document(typed), CompleteEvent())
    return [item.text for item in found]


def test_prefixes_are_completed_by_name_and_by_path(tmp_path: Path) -> None:
    put_prefix(tmp_path / "变电前缀")
    put_prefix(tmp_path / "配电前缀")
    shelf = Shelf(folders=(tmp_path,))
    assert following("/prefix ", shelf) == ["变电前缀", "配电前缀", "off"]
    assert following("/前缀　变", shelf) == ["变电前缀"]
    assert following(f"/prefix {tmp_path}/配", shelf) == ["电前缀"]
    assert following("/bank ", shelf) == []
