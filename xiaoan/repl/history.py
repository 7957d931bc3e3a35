"""What was typed before: kept in the home folder where that can be written, else for this session only."""

from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from xiaoan.errors import StorageError
from xiaoan.printable import printable

HISTORY_NAME = "history"


class QuestionHistory(FileHistory):
    """A history file that never stops the session: after a failed write it goes on in memory."""

    def __init__(self, path: Path) -> None:
        """Take the file; raise `StorageError` if it cannot be written."""
        try:
            path.touch(mode=0o600)
            with path.open("ab"):
                pass
        except OSError as error:
            raise StorageError(
                f"历史记录 {path} 写不了（{error.strerror}），这次问过的题不会保存。"
                "检查权限和磁盘，或用环境变量 XIAOAN_HOME 换一个文件夹。"
            ) from error
        super().__init__(str(path))

    def append_string(self, string: str) -> None:
        """Keep one line or block, without characters that a file or a terminal could not take."""
        super().append_string(printable(string, newlines=True))

    def store_string(self, string: str) -> None:
        """Append to the file; a full or vanished disk costs the entry, not the session."""
        try:
            super().store_string(string)
        except OSError:
            return

    def load_history_strings(self) -> Iterable[str]:
        """Return the entries, newest first; none if the file cannot be read."""
        try:
            return list(super().load_history_strings())
        except OSError:
            return []


def entries(history: History) -> list[str]:
    """Return everything that was typed, oldest first."""
    return history.get_strings() or list(reversed(list(history.load_history_strings())))


def session_history() -> History:
    """Return a history that is forgotten at the end."""
    return InMemoryHistory()
