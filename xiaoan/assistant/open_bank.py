"""A bank that is open: its questions, what was wrong in its files, and the matcher over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.question_bank.store.bank_files import bank_files
from xiaoan.question_bank.store.stored_bank import StoredBank

if TYPE_CHECKING:
    from xiaoan.question_bank.cells.reading_process import SheetReader
    from xiaoan.question_bank.matching import Matcher
    from xiaoan.question_bank.rows.faults import Fault
    from xiaoan.question_bank.spreadsheet import FileReading

_NAMED_AT_MOST = 3


@dataclass(frozen=True)
class OpenBank:
    """The bank in the files `paths`, ready to be matched against."""

    paths: tuple[Path, ...]
    bank: StoredBank
    matcher: "Matcher"

    @property
    def title(self) -> str:
        """The file names and the number of questions, for one line."""
        return bank_title(self.paths, len(self.bank))

    @property
    def fault_count(self) -> int:
        """How many things were wrong in the files."""
        return self.bank.counts.faults

    def first_faults(self, count: int) -> "list[Fault]":
        """Return the first `count` things that were wrong."""
        return list(islice(self.bank.faults(), count))

    def counts(self) -> list[tuple[str, int]]:
        """Return the number of questions by 题型, then by 专业."""
        return [*self.bank.by_type().items(), *self.bank.by_profession().items()]


def bank_title(paths: Sequence[Path], count: int) -> str:
    """Return the names of at most three of the files `paths`, and how many questions they hold, for one line."""
    names = "、".join(path.name for path in paths[:_NAMED_AT_MOST])
    more = f"等 {len(paths)} 个文件" if len(paths) > _NAMED_AT_MOST else ""
    return f"{names}{more}（{count} 题）"


def open_bank(names: Sequence[Path], cache: Path | None = None) -> OpenBank | None:
    """Return the bank in the files, folders and patterns `names`; None if there are none.

    What was read once is taken from the file `cache`; where that cannot be used, or is None, from memory.

    Raises:
        BankError: a name stands for nothing, or a file cannot be read at all.
    """
    from xiaoan.question_bank.matching import Matcher  # not at the top: practice and quiz need no matcher

    if not names:
        return None
    bank = open_questions(names, cache)
    return OpenBank(tuple(file.path for file in bank.files), bank, Matcher(bank.shelves()))


def open_questions(names: Sequence[str | Path], cache: Path | None = None) -> StoredBank:
    """Return the questions in the files, folders and patterns `names`, without a matcher over them.

    Raises BankError as `open_bank` does.
    """
    from xiaoan.question_bank.store.bank_cache import BankCache

    with _Reader() as read:
        return BankCache(cache).open(bank_files(names), read)


class _Reader:
    """Reads files: one child process for all while the bank is opened, one each for what is lost later."""

    def __init__(self) -> None:
        self._shared: SheetReader | None = None

    def __enter__(self) -> "_Reader":
        from xiaoan.question_bank.cells.reading_process import SheetReader

        self._shared = SheetReader()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._shared is not None
        self._shared.close()
        self._shared = None

    def __call__(self, path: Path) -> "FileReading":
        from xiaoan.question_bank.cells.reading_process import SheetReader
        from xiaoan.question_bank.spreadsheet import read_file

        if self._shared is not None:
            return read_file(path, self._shared)
        with SheetReader() as reader:
            return read_file(path, reader)
