"""Answers kept on disk while a file of questions is being answered, so that nothing answered is answered twice.

A file of JSON Lines beside the output: the first line says what was asked of whom, each further line is the answer to
one question, by its number. Only whole lines count; what a power cut left of the last one is dropped.
"""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from xiaoan.errors import StorageError, UsageError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_KIND = "xiaoan-ask-part"
_SUFFIX = ".part.jsonl"

Kept = dict[str, Any]
"""What is kept of one answer: JSON values."""


def part_path(output: Path) -> Path:
    """Return where the answers are kept that will become `output`."""
    return output.with_name(output.name + _SUFFIX)


class KeptAnswers:
    """The answers so far, by the question's number, and the file they are kept in. To be used as a context.

    Another process that answers into the same file at the same time is refused.
    """

    def __init__(self, path: Path, facts: Mapping[str, str], *, afresh: bool = False) -> None:
        """Take the file and what was asked of whom (Chinese name → value); `afresh` drops what was kept before.

        Raises:
            UsageError: the file keeps answers to other questions or of another model, or is in use.
            StorageError: it cannot be read or written.
        """
        self.path = path
        self.answers: dict[int, Kept] = {}
        self._lock = _locked(path)
        self._file: FileIO | None = None
        try:
            self._file = self._opened(dict(facts), afresh=afresh)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            if self._file is None:
                self._unlock()

    def __enter__(self) -> "KeptAnswers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; it stays, unless nothing was kept in it."""
        self.close(remove=not self.answers)

    def add(self, answers: Sequence[tuple[int, Kept]]) -> None:
        """Keep these; they are on the disk when this returns.

        Raises:
            StorageError: they cannot be written; what was kept before is whole.
        """
        assert self._file is not None
        end = self._file.tell()
        try:
            _write(self._file, b"".join(_line({"row": row, **kept}) for row, kept in answers))
        except OSError as error:
            self._cut(end)
            raise self._unwritable(error) from error
        self.answers.update(answers)

    def close(self, *, remove: bool = False) -> None:
        """Close the file, and with `remove` take it away: all of it is in the output."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            self._file.close()
        self._file = None
        if remove:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
        self._unlock()

    def _opened(self, facts: dict[str, str], *, afresh: bool) -> FileIO:
        data = self.path.read_bytes() if self.path.exists() and not afresh else b""
        if not data:
            return self._begun(facts)
        whole = data[: data.rfind(b"\n") + 1]
        lines = [_document(line) for line in whole.splitlines()]
        self._check(lines[0] if lines else None, facts)
        for line in lines[1:]:
            if line is not None and isinstance(line.get("row"), int):
                self.answers[line.pop("row")] = line
        file = self.path.open("r+b", buffering=0)
        file.truncate(len(whole))
        file.seek(len(whole))
        return file

    def _begun(self, facts: dict[str, str]) -> FileIO:
        file = self.path.open("wb", buffering=0)
        try:
            _write(file, _line({"kind": _KIND, "made_with": facts}))
        except OSError:
            file.close()
            self.path.unlink(missing_ok=True)
            raise
        return file

    def _check(self, header: Kept | None, facts: dict[str, str]) -> None:
        known = header.get("made_with") if header is not None and header.get("kind") == _KIND else None
        if not isinstance(known, dict):
            raise UsageError(f"{self.path} 不是小安答了一半的记录，没有动它；请把它移开，或者换一个 --output")
        differing = [name for name in {**facts, **known} if facts.get(name) != known.get(name)]
        if differing:
            raise UsageError(
                f"{self.path} 里是上次答了一半的答案，但{'、'.join(differing)}和这次的不一样，不能接着答；"
                "加 --no-resume 从头答（上次的不再保留），或者换一个 --output"
            )

    def _cut(self, end: int) -> None:
        """Take off what may have been half written."""
        assert self._file is not None
        with contextlib.suppress(OSError):
            self._file.seek(end)
            self._file.truncate(end)

    def _unwritable(self, error: OSError) -> StorageError:
        kept = f"已答的 {len(self.answers)} 题都还在。" if self.answers else ""
        return StorageError(
            f"写不了 {self.path}：{error.strerror or error}。{kept}请检查磁盘空间和权限，再运行同一条命令"
        )

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
            with contextlib.suppress(OSError):
                _lock_path(self.path).unlink(missing_ok=True)


def _lock_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _locked(path: Path) -> "BaseFileLock | None":
    """The lock on the file; None where the folder's file system has no locks."""
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_path(path), thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UsageError(f"{path} 正被另一个小安用着；请等它答完，或者换一个 --output") from error
    except PermissionError as error:
        raise StorageError(f"写不了 {path}：没有权限；请检查文件夹的权限，或者换一个 --output") from error
    except (OSError, NotImplementedError):
        return None
    return lock


def _write(file: FileIO, data: bytes) -> None:
    """Write all of `data`, on the disk when this returns; unbuffered, so that what failed is not tried again later."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]
    os.fsync(file.fileno())


def _line(document: Mapping[str, Any]) -> bytes:
    # Half a character, which UTF-8 cannot hold, becomes its JSON escape.
    return json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def _document(line: bytes) -> Kept | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
