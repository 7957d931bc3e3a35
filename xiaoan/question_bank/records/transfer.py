"""A whole file of progress to another place and back."""

import os
from contextlib import closing, suppress
from pathlib import Path

from xiaoan.errors import StorageError, UsageError
from xiaoan.question_bank.records.database import (
    Database,
    UnusableFileError,
    connect_plainly,
    file_and_companions,
    saying,
)
from xiaoan.whole_files import check_place, written_whole

_KEPT_SUFFIX = ".bak"


def back_up(path: Path, target: Path, *, force: bool = False) -> None:
    """Write all progress in `path` to the single file `target`; others may go on answering meanwhile.

    Raises:
        UsageError: there is nothing to back up, or `target` exists and `force` is not given.
        StorageError: `path` cannot be read or `target` not written; then `target` is what it was before.
    """
    if not path.exists():
        raise UsageError(f"还没有进度可以备份：{path} 不存在。做过题以后再备份。")
    if target.exists() and target.samefile(path):
        raise UsageError(f"{target} 就是进度文件，备份不能写在它上面；请写一个新文件名，如 进度备份.sqlite")
    check_place(target, force=force)
    with Database.open(path, read_only=True) as database:
        _copy(database, target)


def restore(path: Path, source: Path) -> Path | None:
    """Replace all progress in `path` by that of the backup `source`; return where the old one was put.

    None where there was nothing to replace. The backup is checked whole before anything changes. Programs that
    have the file open go on with what was restored; only where it is no sound file of ours, another takes its place.

    Raises:
        UsageError: `source` is not there.
        StorageError: `source` is not ours, newer or damaged, or something cannot be written; the old progress stays.
    """
    if not source.is_file():
        raise UsageError(f"没有找到备份文件 {source}；请检查路径")
    if path.exists() and source.samefile(path):
        raise UsageError(f"{source} 就是现在用的进度文件，不用恢复；请写备份文件的名字")
    path = Path(os.path.realpath(path))  # behind a link, what is put aside is the file, not the link
    with Database.open(source, read_only=True) as backup:
        if not source.stat().st_size or backup.faults():
            raise StorageError(f"备份文件 {source} 是空的或坏了，没有恢复，现在的进度没有动。请换一个备份。")
        if not any(each.stat().st_size for each in file_and_companions(path)):
            _copy(backup, path)
            return None
        kept = _free_name(path)
        if _is_sound(path):
            with Database.open(path) as database:
                _copy(database, kept)
                database.replace_with(backup)
        else:
            _copy(backup, path, keep_old_as=kept)
        return kept


def _copy(database: Database, target: Path, *, keep_old_as: Path | None = None) -> None:
    """Write a complete copy that stands for itself, with no log beside it."""
    with written_whole(target) as temporary:
        with saying(target), closing(connect_plainly(temporary)) as copy:
            database.copy_to(copy, target)
            copy.execute("PRAGMA journal_mode = delete")
        if keep_old_as is not None:
            _move_aside(target, keep_old_as)


def _is_sound(path: Path) -> bool:
    """Whether the file is whole and ours. Raises StorageError where that cannot be told: newer, locked."""
    try:
        with Database.open(path) as database:
            return not database.faults()
    except UnusableFileError:
        return False


def _move_aside(path: Path, kept: Path) -> None:
    """Give the file and what belongs to it another name, together. Raises OSError."""
    for each in file_and_companions(path):
        each.replace(kept.with_name(kept.name + each.name.removeprefix(path.name)))
    with suppress(OSError):
        path.with_name(path.name + "-shm").unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    """The first of `….bak`, `….bak2`, `….bak3` … that is not taken."""
    kept, number = path.with_name(path.name + _KEPT_SUFFIX), 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}{_KEPT_SUFFIX}{number}")
    return kept
