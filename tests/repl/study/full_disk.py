"""Progress whose writes fail when a test says so."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.repl.study.bench import NOW
from xiaoan.errors import StorageError
from xiaoan.question_bank.progress import Attempt, Progress


class FullDisk(Progress):
    """Progress in memory as on a disk that is full while `is_full`; remembers which elapsed times were saved."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.is_full = False
        self.saved_s: list[float] = []

    def _check(self) -> None:
        if self.is_full:
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
        super().save(session_id, state, answered, elapsed_s, attempts)
        self.saved_s.append(elapsed_s)

    def finish(self, session_id: str, attempts: Iterable[Attempt] = ()) -> None:
        self._check()
        super().finish(session_id, attempts)


@contextmanager
def full_disk() -> Iterator[FullDisk]:
    with FullDisk.open(None, "张三", now=lambda: NOW) as progress:
        yield progress
