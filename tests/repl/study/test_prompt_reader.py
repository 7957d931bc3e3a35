from collections.abc import Iterator

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from xiaoan.repl.study.prompt_reader import PromptReader, WordCompleter
from xiaoan.repl.study.reader import Signal
from xiaoan.repl.study.words import Mode


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as pipe:
        yield pipe


def read(keys: PipeInput, typed: str) -> str | Signal:
    keys.send_text(typed)
    reader = PromptReader(keys, DummyOutput(), tick_s=60.0)
    return reader.read("🙋 ", mode=Mode.PRACTICE, toolbar=lambda columns: "x" * columns, tick=lambda: False)


def test_a_line_is_returned_as_typed(keys: PipeInput) -> None:
    assert read(keys, "Ａ、C \r") == "Ａ、C "


def test_a_pasted_block_is_one_answer(keys: PipeInput) -> None:
    assert read(keys, "\x1b[200~先停电\r\n再验电\x1b[201~\r") == "先停电\n再验电"


def test_endings_are_told_apart(keys: PipeInput) -> None:
    assert read(keys, "\x04") is Signal.CLOSED
    assert read(keys, "\x03") is Signal.INTERRUPTED
    assert read(keys, "AB\x03") is Signal.CLEARED


@pytest.mark.parametrize("sent", ["\x1b[31m", "\x1b[0m", "\x1b[<64;8;2M", "\x1b[96;14;13M", "\x1b[Mabc"])
def test_colours_and_mouse_reports_are_no_keys(keys: PipeInput, sent: str) -> None:
    assert read(keys, f"A{sent}C\r") == "AC"


def test_the_end_of_time_ends_the_waiting_prompt(keys: PipeInput) -> None:
    looks = iter([False, False, True])
    reader = PromptReader(keys, DummyOutput(), tick_s=0.01)
    ended = reader.read("🙋 ", mode=Mode.QUIZ, toolbar=str, tick=lambda: next(looks))
    assert ended is Signal.TIME_UP
    assert list(looks) == []


def test_the_next_prompt_is_not_watched_by_the_one_before(keys: PipeInput) -> None:
    reader = PromptReader(keys, DummyOutput(), tick_s=60.0)
    for line in ("A", "B"):
        keys.send_text(f"{line}\r")
        assert reader.read("", mode=Mode.QUIZ, toolbar=str, tick=lambda: False) == line


def test_words_are_completed_behind_a_slash() -> None:
    completer = WordCompleter()
    completer.mode = Mode.QUIZ
    found = completer.get_completions(Document("/交"), CompleteEvent())
    assert [(item.text, item.start_position) for item in found] == [("/交卷", -2)]
