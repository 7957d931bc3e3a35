"""Progress whose writes fail when a test says so."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.repl.study.bench import NOW
from xiaoan.errors import StorageError
from xiaoan.question_bank.progress import Attempt, Progress


class FullDisk(Progress):
    """Progress in memory as on a disk that is full while `is_full`; remembers which elapsed times were saved.

    `writes_left` more writes find room, and states of at most `largest_state` characters.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.is_full = False
        self.writes_left = sys.maxsize
        self.largest_state = sys.maxsize
        self.saved_s: list[float] = []

    def _check(self) -> None:
        self.writes_left -= not self.is_full
        if self.is_full or self.writes_left < 0:
            raise StorageError("磁盘满了。腾出一些空间。")

    def record(self, attempts: Iterable[Attempt]) -> None:
        self._check()
        super().record(attempts)

    def save(
        self,
        session_id: str,
        state: Mapping[str, Any],
        answered: int,
        elapsed_s: float,
        attempts: Iterable[Attempt] = (),
    ) -> None:
        self._check()
        if len(str(state)) > self.largest_state:
            raise StorageError("磁盘满了。腾出一些空间。")
        super().save(session_id, state, answered, elapsed_s, attempts)
        self.saved_s.append(elapsed_s)

    def finish(
        self, session_id: str, attempts: Iterable[Attempt] = (), state: Mapping[str, Any] | None = None
    ) -> None:
        self._check()
        super().finish(session_id, attempts, state)


@contextmanager
def full_disk() -> Iterator[FullDisk]:
    with FullDisk.open(None, "张三", now=lambda: NOW) as progress:
        yield progress
