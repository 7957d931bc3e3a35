import io

from xiaoan.repl.study.reader import LineReader, Signal
from xiaoan.repl.study.words import Mode


def read(reader: LineReader, *ticks: bool) -> str | Signal:
    answers = iter([*ticks, False, False])
    return reader.read("作答：", mode=Mode.QUIZ, toolbar=str, tick=lambda: next(answers))


def test_lines_come_without_their_ends_until_the_stream_closes() -> None:
    reader = LineReader(io.StringIO("B\r\n\n对"))
    assert [read(reader) for _ in range(4)] == ["B", "", "对", Signal.CLOSED]


def test_nobody_reads_along_at_a_pipe() -> None:
    shown: list[str] = []
    assert not LineReader(io.StringIO("B\n")).patient
    person = LineReader(io.StringIO("B\n"), show_prompt=shown.append)
    assert person.patient
    read(person)
    assert shown == ["作答："]


def test_a_line_typed_when_the_time_is_up_is_none() -> None:
    reader = LineReader(io.StringIO("B\nC\n"))
    assert read(reader, False, True) is Signal.TIME_UP
    assert read(reader, True) is Signal.TIME_UP
    assert read(reader) == "C"


class _Interrupted:
    def readline(self) -> str:
        raise KeyboardInterrupt

    def fileno(self) -> int:
        raise OSError("no descriptor")


def test_ctrl_c_is_a_signal() -> None:
    assert read(LineReader(_Interrupted())) is Signal.INTERRUPTED


def test_a_stream_without_a_descriptor_has_no_keyboard() -> None:
    assert LineReader(io.StringIO()).keyboard is None


def test_what_no_enter_ended_is_ended_for_the_next_line_to_begin_on_its_own() -> None:
    shown: list[str] = []
    for stream in (_Interrupted(), io.StringIO()):
        read(LineReader(stream, show_prompt=shown.append))
        read(LineReader(stream))
    assert shown == ["作答：", "\n"] * 2
