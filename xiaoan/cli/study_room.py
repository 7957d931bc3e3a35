"""One visit to practice, quiz or review: what is kept, the bank, and a desk with reader, screen and bot."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from xiaoan.cli.ask import read_lines
from xiaoan.cli.logs import noting
from xiaoan.cli.services import Services
from xiaoan.cli.study import is_plain, open_progress, open_study_bank
from xiaoan.config import Settings, bank_paths, home_path
from xiaoan.errors import StorageError, UsageError
from xiaoan.figures import number_text

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.paper import Paper
    from xiaoan.question_bank.progress import Mode, Progress
    from xiaoan.question_bank.store.stored_bank import StoredBank
    from xiaoan.repl.study.bot import Bot
    from xiaoan.repl.study.desk import StudyDesk
    from xiaoan.repl.study.reader import Reader
    from xiaoan.repl.study.recorder import Recorder
    from xiaoan.terminal.screen import Screen

Session = TypeVar("Session")

_TITLES: "Mapping[Mode, str]" = {"practice": "练习", "quiz": "测验", "review": "错题"}
_NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Room:
    """Where one person studies: settings, what is kept of it, and the ways to bank, desk and bot."""

    settings: Settings
    services: Services
    progress: "Progress"
    kept: bool

    @cached_property
    def bank(self) -> "StoredBank":
        """The questions, opened when first asked for; errors as `open_study_bank`."""
        return open_study_bank(self.settings, self.services)

    @property
    def bank_title(self) -> str:
        """The names of the bank's files."""
        paths = bank_paths(self.settings)
        more = f"等 {len(paths)} 个" if len(paths) > _NAMED_AT_MOST else ""
        return "、".join(path.name for path in paths[:_NAMED_AT_MOST]) + more

    @cached_property
    def screen(self) -> "Screen":
        """The screen; without a person in front of it everything is said in words."""
        plain = is_plain(self.settings, self.services) or not self.services.interactive
        return self.services.screen(self.services.stdout, plain=plain)

    @property
    def bot_follows(self) -> bool:
        """Whether the bot answers along in the session around this."""
        return self.services.seat is not None and self.services.seat.bot.on

    @property
    def user(self) -> str:
        """Who studies here."""
        return self.progress.user

    @property
    def command(self) -> str:
        """What stands before a command's name when the person is told of one."""
        return "xiaoan " if self.services.seat is None else "/"

    @property
    def end_of_today(self) -> datetime:
        """The midnight, in local time, before which a question is due today."""
        from xiaoan.question_bank.records.views import end_of_day

        return end_of_day(self.services.now())

    def announce(self, paper: "Paper", *, resumed: bool = False) -> None:
        """Say what paper this is, by which number it can be had again, and what a person should know about it."""
        if not resumed:
            for note in paper.notes:
                self.screen.warning(note)
        between = "，" if self.screen.plain else "　"
        title = f"接着做：{paper.title}" if resumed else paper.title
        self.screen.notice(between.join([title, f"{len(paper)} 题", f"卷号 {paper.seed}"]))
        if paper.pass_percent is not None:  # a paper with marks, not a round of practice
            limit = "不限时" if paper.limit_s is None else f"{number_text(paper.limit_s / 60)} 分钟"
            marks = [f"满分 {number_text(paper.points)} 分", f"{number_text(paper.pass_percent)}% 及格"]
            self.screen.notice(between.join([limit, *marks]))

    def tell_keys(self, *, kept: bool = True, answers: bool = True) -> None:
        """Tell a person what to press first of all; `answers` off where there is nothing to answer."""
        from xiaoan.terminal.verdict import Line

        if self.services.interactive:
            leave = "保存并离开" if kept else "离开"
            first = "输入答案，按 Enter" if answers else "只看不答，Enter 到下一题"
            self.screen.notice(f"{first}。help 看还能输入什么，Ctrl-D {leave}。")
            if not self.screen.plain:
                self.screen.lines([Line("")])

    def seed(self, own: int | None) -> int:
        """Return the number that the paper is drawn by: the one asked for, or a fresh one."""
        return self.services.fresh_seed() if own is None else own

    def desk(self, *, with_bot: bool) -> "StudyDesk":
        """Return the desk to sit down at."""
        from xiaoan.repl.study.desk import StudyDesk

        return StudyDesk(
            screen=self.screen,
            reader=_reader(self.settings, self.services),
            clock=self.services.clock,
            now=self.services.now,
            bank=self.bank_title,
            bot=_bot(self.settings, self.services, on=with_bot),
            command=self.command,
        )

    def recorder(self, mode: "Mode", session_id: str | None = None) -> "Recorder":
        """Return what keeps every step of a session of this mode; `session_id` of one that is gone on with."""
        from xiaoan.repl.study.recorder import Recorder
        from xiaoan.repl.study.words import Mode as StudyMode

        return Recorder(self.progress, StudyMode(mode), session_id=session_id, kept=self.kept)

    def resume(
        self, mode: "Mode", build: "Callable[[Paper, Mapping[str, Any]], Session]"
    ) -> tuple[Session, str]:
        """Return the newest unfinished session of this mode as `build` makes it, held from now on, and its id.

        Says which one it is, and how many others wait.

        Raises:
            UsageError: there is none, or other processes hold all of them.
            StorageError: it cannot be read.
        """
        from xiaoan.question_bank.drawing.paper import Paper

        title = _TITLES[mode]
        left = self.progress.unfinished(mode)
        free = [session for session in left if not session.held]
        if not free:
            elsewhere = "有一份正在另一个窗口里做，在那里接着做，或等那里离开。" if left else ""
            raise UsageError(f"没有可以接着做的{title}。{elsewhere}重新开始就不写 --resume。")
        document, state = self.progress.resume(free[0].session_id)
        try:
            paper = Paper.from_document(document)
            session = build(paper, state)
        except ValueError as error:
            raise StorageError(
                f"上次那份{title}存坏了，接不上：{error}。请重新开始，不写 --resume。"
            ) from error
        self.announce(paper, resumed=True)
        if others := len(free) - 1:
            self.screen.notice(f"没做完的{title}另外还有 {others} 份，做完这份再用 --resume 接着做。")
        return session, free[0].session_id

    def tell_unfinished(self, mode: "Mode") -> None:
        """Say that there is something to go on with, if there is."""
        free = [session for session in self.progress.unfinished(mode) if not session.held]
        if not free:
            return
        last = free[0]
        others = f"，另外还有 {len(free) - 1} 份" if len(free) > 1 else ""
        self.screen.notice(f"上次的{_TITLES[mode]}还没做完（{last.answered}/{last.total} 题）{others}。")
        self.screen.notice(f"接着做用 {self.command}{mode} --resume")


@contextmanager
def open_room(
    settings: Settings, services: Services, *, save: bool = True, read_only: bool = False
) -> "Iterator[Room]":
    """Open a place to study, and let go of the session and the database at the end.

    Raises:
        StorageError: progress cannot be kept (or read, if nothing is to be written).
    """
    with open_progress(settings, services, save=save, read_only=read_only) as progress:
        room = Room(settings, services, progress, kept=save)
        if services.seat is not None:  # the session around it notes what happens
            yield room
            return
        with noting(home_path(services.environ)):
            yield room


def _reader(settings: Settings, services: Services) -> "Reader":
    """Return where answers come from: a prompt, plain lines of a terminal, or a pipe."""
    from xiaoan.repl.study.reader import LineReader

    if not services.interactive:
        return LineReader(_InputLines(services.stdin))
    if is_plain(settings, services) and services.terminal_input is None:
        return LineReader(services.stdin, show_prompt=lambda text: _write(services, text))
    from xiaoan.repl.study.prompt_reader import PromptReader

    return PromptReader(services.terminal_input, services.terminal_output)


def _write(services: Services, text: str) -> None:
    services.stdout.write(text)
    services.stdout.flush()


class _InputLines:
    """Standard input line by line as lines come, in UTF-8 or else GB18030."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines = read_lines(stream)

    def readline(self) -> str:
        """Return the next line, '' at the end."""
        return next(self._lines, "")

    def fileno(self) -> int:
        """Return the stream's descriptor."""
        return self._stream.fileno()


def _bot(settings: Settings, services: Services, *, on: bool) -> "Bot":
    """Return the bot: inside a session the session's own, unless another model is asked for."""
    from xiaoan.repl.background import Background
    from xiaoan.repl.study.bot import Bot

    seat = services.seat
    if seat is not None and _model(seat.settings) == _model(settings):
        same = (seat.bot.on, seat.bot.decode) == (on, settings.decode)
        return seat.bot if same else Bot(seat.bot.engine, on=on, decode=settings.decode)

    engine = Background("载入模型", lambda progress: services.load_engine(settings, progress))
    return Bot(engine, on=on, decode=settings.decode)


def _model(settings: Settings) -> tuple[object, ...]:
    """What makes two loaded models the same."""
    return (
        settings.model,
        settings.effective_prefix,
        settings.device,
        settings.dtype,
        settings.seed,
    )
