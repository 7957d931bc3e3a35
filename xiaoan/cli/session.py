"""`xiaoan` without a command: the session at the terminal, or `ask` where there is no terminal."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan import __version__
from xiaoan.cli.logs import noting
from xiaoan.cli.options import bank_cache
from xiaoan.cli.services import Seat, Services, is_terminal
from xiaoan.config import Settings, bank_paths, default_paths, home_path, prepare_home
from xiaoan.errors import StorageError, UsageError

if TYPE_CHECKING:
    from prompt_toolkit.history import History

    from xiaoan.assistant.open_bank import OpenBank
    from xiaoan.question_bank.store.stored_bank import StoredBank
    from xiaoan.repl.study.bot import Bot
    from xiaoan.terminal.screen import Screen


def open_session(settings: Settings, services: Services) -> int:
    """Run the session, or answer the lines of a pipe as `xiaoan ask` does; return the exit code."""
    if not services.interactive:
        return _without_terminal(settings, services)
    from xiaoan.assistant.open_bank import open_bank
    from xiaoan.repl.app import Repl
    from xiaoan.repl.prefixes import Shelf

    screen = services.screen(services.stdout, plain=settings.plain)
    home = home_path(services.environ)
    history = _prepare(home, screen)
    shared = _SharedBank(lambda: open_bank(bank_paths(settings), bank_cache(services.environ)))

    def study(arguments: Sequence[str], bot: "Bot") -> int:
        from xiaoan.cli.app import run_inside

        return run_inside(arguments, replace(services, seat=Seat(settings, bot, shared.questions)))

    session = Repl(
        settings=settings,
        version=__version__,
        screen=screen,
        history=history,
        load_engine=lambda progress: services.load_engine(settings, progress),
        load_bank=shared.load,
        study=study,
        shelf=Shelf(default_paths().prefix, (home / "prefixes", Path("runs"))),
        clock=services.clock,
        terminal_input=services.terminal_input,
        terminal_output=services.terminal_output,
    )
    with noting(home):
        return session.run()


class _SharedBank:
    """The bank that the session opens in the background, for the commands inside it once it is there."""

    def __init__(self, load: "Callable[[], OpenBank | None]") -> None:
        self._load = load
        self._opened: OpenBank | None = None

    def load(self) -> "OpenBank | None":
        """Open the bank and return it."""
        self._opened = self._load()
        return self._opened

    def questions(self) -> "StoredBank | None":
        """Return the questions, None as long as the bank is not open."""
        return self._opened.bank if self._opened else None


def _without_terminal(settings: Settings, services: Services) -> int:
    if is_terminal(services.stdin):
        raise UsageError("标准输出不是终端，开不了问答界面。请用 xiaoan ask 加题目。")
    from xiaoan.cli.ask import answer_all, questions_from

    return answer_all(questions_from(None, services.stdin), settings, services, "text")


def _prepare(home: Path, screen: "Screen") -> "History":
    """Make the home folder ready for history; where that fails, say so and go on without."""
    from xiaoan.repl.history import HISTORY_NAME, QuestionHistory, session_history

    try:
        prepare_home(home)
        return QuestionHistory(home / HISTORY_NAME)
    except StorageError as error:
        screen.warning(f"{error.message} 这次不保存历史记录。")
        return session_history()
