"""What a person names as a bank, into files: a file, a folder with all that lies below it, or a pattern."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from xiaoan.errors import BankError

SUFFIXES = (".xlsx", ".xls", ".xlsm", ".et", ".ods", ".csv")
"""What the banks of a folder are told by, in any letter case."""

_KINDS = "、".join(SUFFIXES)
_DIGITS = re.compile(r"(\d+)")


def bank_files(names: Sequence[str | Path]) -> tuple[Path, ...]:
    """Return the files that `names` stand for, each file once, in the order named.

    Raises BankError for a name that stands for nothing.
    """
    files: dict[str, Path] = {}
    for name in names:
        for path in expand(name):
            files.setdefault(os.path.realpath(path), path)
    return tuple(files.values())


def expand(name: str | Path) -> list[Path]:
    """Return the files that one name stands for; those of a folder or pattern sorted as a person would.

    `~` is understood everywhere, and patterns (`*`, `?`, `[…]`, `**` for folders in folders) on every system.
    A name that exists is that file, whatever characters it has; its content decides whether it is a bank.
    Raises BankError for a name that stands for nothing.
    """
    try:
        path = Path(name).expanduser()
        if path.is_dir():
            return _found(_below(path), f"文件夹 {name} 里没有题库文件（{_KINDS}）；请检查路径")
        if path.exists() or not glob.has_magic(str(path)):
            return [path] if path.exists() else _found([], f"没有找到题库 {name}；请检查路径")
        return _found(_matching(path), f"没有题库文件符合 {name}（{_KINDS}）；请检查路径")
    except (OSError, ValueError, RuntimeError) as error:
        # A name too long, with a NUL, of a user that is not, or of a folder that may not be looked into.
        reason = getattr(error, "strerror", None) or str(error)
        raise BankError(f"题库 {str(name)[:80]} 找不了：{reason}；请检查路径和权限") from error


def _found(paths: Sequence[Path], otherwise: str) -> list[Path]:
    if not paths:
        raise BankError(otherwise)
    return sorted(paths, key=_natural)


def _below(folder: Path) -> list[Path]:
    """The bank files in `folder` and the folders in it. Raises OSError where one cannot be looked into."""
    return [path for path in _walk(folder) if _is_bank(path)]


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        yield from (Path(place) / name for name in files)


def _matching(pattern: Path) -> list[Path]:
    """The bank files that match; a pattern that spells a suffix out is taken at its word."""
    existing, rest = _existing_part(pattern)
    asked_for = pattern.suffix if not glob.has_magic(pattern.suffix) else None
    found: list[Path] = []
    for name in glob.glob(os.path.join(glob.escape(str(existing)), *rest), recursive=True):  # noqa: PTH118, PTH207
        path = Path(name)
        if path.is_dir():
            found += _below(path)
        elif _is_bank(path) or (path.suffix == asked_for and not _is_leftover(path)):
            found.append(path)
    return list(dict.fromkeys(found))


def _existing_part(pattern: Path) -> tuple[Path, tuple[str, ...]]:
    """The leading folders that exist as they are written, with their brackets, and the parts behind them."""
    parts = pattern.parts
    depth = next(count for count in range(len(parts) - 1, -1, -1) if Path(*parts[:count]).is_dir())
    return Path(*parts[:depth]), parts[depth:]


def _is_bank(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not _is_leftover(path)


def _is_leftover(path: Path) -> bool:
    """Whether it is what programs leave beside an open workbook, or hide."""
    return path.name.startswith(("~$", ".~", "."))


def _natural(path: Path) -> list[list[tuple[int, str]]]:
    """Folder by folder, with 第2章 before 第10章."""
    return [
        [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in _DIGITS.split(part) if piece]
        for part in path.parts
    ]
