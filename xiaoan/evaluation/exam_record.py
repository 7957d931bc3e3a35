"""The record of an exam, written while it is sat, so that an exam that was interrupted goes on where it ended.

A file of JSON Lines: the first line says which exam it is (`ExamFacts`), each further line is a `Sitting`. Only whole
lines count: what a power cut left of the last one is dropped, and that question asked again.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xiaoan.assistant.engine import ModelInfo
from xiaoan.errors import StorageError, UsageError
from xiaoan.evaluation.sitting import Sitting
from xiaoan.question_bank.question import Question
from xiaoan.whole_files import check_place, write_whole

_KIND = "xiaoan-exam-record"
_VERSION = 1
_NAMES = {
    "model": "模型",
    "prefix": "前缀",
    "lora": "适配器",
    "device": "设备",
    "dtype": "精度",
    "weights": "权重内容",
    "decode": "解码",
    "seed": "种子",
    "bank": "核对用的题库",
}
_FRESH = "请换一个记录文件重新考，或用和上次一样的参数接着考"

Facts = Mapping[str, str | int | None]
"""What has to be equal for two sittings to be of one exam, by name; the names are those of `exam_facts`."""


def exam_facts(info: ModelInfo, bank: Iterable[Question] | None, *, decode: str, seed: int) -> Facts:
    """Return what makes an exam the same exam: who sits it, how, and which bank looks over its shoulder.

    Questions and forms are not among it: a sitting says itself what was asked. A prefix counts by its contents, not
    by its name alone; of base and adapter the names have to do, a `ModelInfo` knows no more.
    """
    return {
        "model": info.name,
        "prefix": info.prefix,
        "lora": info.lora,
        "device": info.device,
        "dtype": info.dtype,
        "weights": _contents_of(info.prefix_path),
        "decode": decode,
        "seed": seed,
        "bank": None if bank is None else _digest("\n".join(sorted(one.id for one in bank)).encode()),
    }


@dataclass(frozen=True)
class ExamRecord:
    """A record to be gone on with: `known` is what it held when it was opened, `add` writes more."""

    path: Path
    known: tuple[Sitting, ...] = ()

    def add(self, sittings: Sequence[Sitting]) -> None:
        """Write these at the end; they are on the disk when this returns.

        Raises:
            StorageError: they cannot be written.
        """
        lines = b"".join(_line(one.to_document()) for one in sittings)
        try:
            with self.path.open(
                "r+b"
            ) as file:  # a record that is gone is not begun anew without its first line
                file.seek(0, os.SEEK_END)
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _failed("写不进", self.path, error) from error


def start_record(path: Path, facts: Facts, *, force: bool = False) -> ExamRecord:
    """Return a new record without sittings at `path`.

    Raises:
        UsageError: a file is there and `force` is not given.
        StorageError: it cannot be written.
    """
    check_place(path, force=force)
    write_whole(path, _line(_header(facts)))
    return ExamRecord(path)


def resume_record(path: Path, facts: Facts) -> ExamRecord:
    """Return the record at `path`, to be gone on with; a new one where there is none.

    Raises:
        UsageError: it is the record of another exam; the message says what differs.
        StorageError: it cannot be read or written, or is no such record.
    """
    if not path.exists():
        return start_record(path, facts)
    recorded, sittings, whole = _read(path)
    names = [name for name in {**facts, **recorded} if recorded.get(name) != facts.get(name)]
    if names:
        told = "；".join(_difference(name, recorded.get(name), facts.get(name)) for name in names)
        raise UsageError(f"{path} 记的是另一场考试：{told}。{_FRESH}。")
    if not whole:
        lines = (_header(recorded), *(one.to_document() for one in sittings))
        write_whole(path, b"".join(map(_line, lines)))
    return ExamRecord(path, sittings)


def read_record(path: Path) -> tuple[Facts, tuple[Sitting, ...]]:
    """Return which exam a record is of, and its sittings; the file is left as it is.

    Raises:
        StorageError: it cannot be read, or is no such record.
    """
    facts, sittings, _ = _read(path)
    return facts, sittings


def _read(path: Path) -> tuple[Facts, tuple[Sitting, ...], bool]:
    """The record's facts and sittings (of equal ones the first), and whether the file ends with a whole line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _failed("读不出", path, error) from error
    *lines, rest = data.split(b"\n")
    facts = _facts_of(lines[0] if lines else rest, path)
    sittings: dict[tuple[str, str, int], Sitting] = {}
    for number, line in enumerate(lines[1:], 2):
        sitting = _sitting_of(line)
        if sitting is None:
            raise StorageError(
                f"{path} 第 {number} 行不是一道题的记录，应是小安写的一行 JSON；文件坏了或被改过。{_FRESH}。"
            )
        sittings.setdefault((sitting.id, sitting.form, sitting.turn), sitting)
    return facts, tuple(sittings.values()), not rest and bool(lines)


def _facts_of(line: bytes, path: Path) -> Facts:
    document = _document_of(line)
    if document is None or document.get("kind") != _KIND or not isinstance(document.get("exam"), dict):
        raise StorageError(f"{path} 不是考试记录：第一行应写明是哪一场考试。请换一个文件名。")
    if document.get("version") != _VERSION:
        raise StorageError(
            f"{path} 是第 {document.get('version')} 版的考试记录，这个小安只认第 {_VERSION} 版。{_FRESH}。"
        )
    facts: Facts = document["exam"]
    return facts


def _sitting_of(line: bytes) -> Sitting | None:
    document = _document_of(line)
    try:
        return None if document is None else Sitting.from_document(document)
    except TypeError:
        return None


def _document_of(line: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except ValueError:  # UnicodeDecodeError is one too
        return None
    return document if isinstance(document, dict) else None


def _header(facts: Facts) -> dict[str, Any]:
    return {"kind": _KIND, "version": _VERSION, "exam": dict(facts)}


def _line(document: Mapping[str, Any]) -> bytes:
    # Half a surrogate pair has no UTF-8; the escape that stands for it then is JSON's own.
    return json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def _difference(name: str, recorded: str | int | None, now: str | int | None) -> str:
    if name in ("weights", "bank"):  # nobody reads a hash
        return f"{_NAMES[name]}不同"
    return f"{_NAMES.get(name, name)}上次是 {_said(recorded)}，这次是 {_said(now)}"


def _said(value: str | int | None) -> str:
    return "无" if value is None else str(value)


def _contents_of(folder: Path | None) -> str | None:
    """The hash of a prefix folder's weights, whatever format they are in; None without one."""
    if folder is None or not folder.is_dir():
        return None
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin", ".pt"))
        return _digest(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files))
    except OSError as error:
        raise _failed("读不出", folder, error) from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _failed(what: str, path: Path, error: OSError) -> StorageError:
    return StorageError(f"{what} {path}：{error.strerror or error}。请检查磁盘空间和权限，或换个位置。")
