"""Files that appear whole or not at all, and never in the place of another unless that was asked for."""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from xiaoan.errors import StorageError, UsageError


def check_place(path: Path, *, force: bool = False) -> None:
    """Raise before any work is done if a file at `path`, as a person named it, is not to be written.

    Raises UsageError for a folder, for something that is no file, and, without `force`, for a file that is
    there already; StorageError where the folder is missing (a stick that is not plugged in) or takes no new files.
    """
    folder = path.parent
    try:
        if path.is_dir():
            raise UsageError(f"{path} 是文件夹，应写文件名；请在后面加上文件名")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} 不是普通文件；请换一个文件名")
        if path.exists() and not force:
            raise UsageError(f"{path} 已经有了，没有覆盖；请换个文件名，或加 --force 覆盖它")
        if not folder.is_dir():
            found = "不是文件夹" if folder.exists() else "不存在"
            raise StorageError(f"写不了 {path}：文件夹 {folder} {found}；请先建好它，或换个位置")
    except OSError as error:
        raise _unwritable(path, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"写不了 {path}：文件夹 {folder} 不让写；请换个位置")


def check_apart(path: Path, read: Iterable[Path], *, name: str = "要写的文件") -> None:
    """Raise UsageError where `path` is one of the files that are `read`: those are never written over, also with force.

    `name` is what the person calls the one to be written, such as `--output`.
    """
    for other in read:
        if _same(path, other):
            raise UsageError(f"{name} {path} 就是要读的 {other}；请写到另一个文件")


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.realpath(one) == os.path.realpath(other) or (
            one.exists() and other.exists() and one.samefile(other)
        )
    except OSError:
        return False


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield where to write; what lies there after the block becomes `path`, unless the block raised.

    Whoever looks meanwhile sees the old file or the new one. A missing folder is made; behind a link, the file
    that it leads to is replaced, not the link; a file that is replaced hands on its permissions.

    Raises:
        StorageError: an OSError, in the block too; then `path` is as it was.
    """
    if "\0" in str(path):  # the system calls would raise ValueError
        raise StorageError(f"写不了 {str(path)!r}：文件名里有空字符；请换一个文件名")
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own: whatever a library writes beside the file goes with it.
        with tempfile.TemporaryDirectory(
            prefix=".xiaoan-", dir=target.parent, ignore_cleanup_errors=True
        ) as folder:
            draft = Path(folder) / target.name
            yield draft
            # After a power cut, the new name must not stand for an empty file.
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            if target.is_file():
                draft.chmod(target.stat().st_mode & 0o777)
            draft.replace(target)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` at `path` as `written_whole` does; StorageError where that fails."""
    with written_whole(path) as draft:
        draft.write_bytes(data)


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"写不了 {path}：{error.strerror or error}；什么也没有写下。"
        "请检查磁盘空间和权限，换个位置，或关闭占用它的程序"
    )
