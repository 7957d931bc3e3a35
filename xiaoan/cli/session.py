"""`xiaoan` without a command: the session at the terminal, or `ask` where there is no terminal."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan import __version__
from xiaoan.cli.options import bank_cache
from xiaoan.cli.services import Services, is_terminal
from xiaoan.config import Settings, bank_paths, home_path, prepare_home
from xiaoan.errors import StorageError, UsageError

if TYPE_CHECKING:
    from prompt_toolkit.history import History

    from xiaoan.terminal.screen import Screen

_LOG_NAME = "xiaoan.log"
_LOG_BYTES = 1_000_000


def open_session(settings: Settings, services: Services) -> int:
    """Run the session, or answer the lines of a pipe as `xiaoan ask` does; return the exit code."""
    if not services.interactive:
        return _without_terminal(settings, services)
    from xiaoan.assistant.open_bank import open_bank
    from xiaoan.repl.app import Repl

    screen = services.screen(services.stdout)
    history = _prepare(home_path(services.environ), screen)
    session = Repl(
        settings=settings,
        version=__version__,
        screen=screen,
        history=history,
        load_engine=lambda progress: services.load_engine(settings, progress),
        load_bank=lambda: open_bank(bank_paths(settings), bank_cache(services.environ)),
        clock=services.clock,
        terminal_input=services.terminal_input,
        terminal_output=services.terminal_output,
    )
    return session.run()


def _without_terminal(settings: Settings, services: Services) -> int:
    if is_terminal(services.stdin):
        raise UsageError("标准输出不是终端，开不了问答界面。请用 xiaoan ask 加题目。")
    from xiaoan.cli.ask import answer_all, questions_from

    return answer_all(questions_from(None, services.stdin), settings, services, "text")


def _prepare(home: Path, screen: "Screen") -> "History":
    """Make the home folder ready for history and log; where that fails, say so and go on without."""
    from xiaoan.repl.history import HISTORY_NAME, QuestionHistory, session_history

    try:
        prepare_home(home)
        history = QuestionHistory(home / HISTORY_NAME)
    except StorageError as error:
        screen.warning(f"{error.message} 这次不保存历史记录。")
        logging.getLogger("xiaoan").addHandler(logging.NullHandler())
        return session_history()
    handler = RotatingFileHandler(
        home / _LOG_NAME, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("xiaoan")
    logger.addHandler(handler)
    logger.propagate = False
    return history
