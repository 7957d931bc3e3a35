"""Parsed banks kept by the content of their files: believed only where every checksum holds.

A file's bytes and everything that decides how they are read make the key: a changed file, another version of
this program or of a reading library finds nothing here. Whatever is wrong with the cache, banks are then read
from their own files.
"""

import hashlib
import json
import sqlite3
import sys
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.errors import BankError
from xiaoan.question_bank.question import Question, Source
from xiaoan.question_bank.rows.faults import Fault, FaultCode, Severity
from xiaoan.question_bank.store.cache_file import CacheFile, DamagedError
from xiaoan.question_bank.store.stored_bank import (
    TYPES,
    Catalogue,
    FileCounts,
    Rows,
    RowsLostError,
    StoredBank,
    StoredFile,
)

if TYPE_CHECKING:
    from xiaoan.question_bank.finding.match_index import MatchIndex
    from xiaoan.question_bank.spreadsheet import FileReading

ReadFile = Callable[[Path], "FileReading"]

_LIBRARIES = ("python-calamine", "openpyxl", "xlrd", "numpy")
_BANKS_KEPT = 32
_PLACES_AT_ONCE = 500
_LARGEST_FILE = 1 << 30
_INDEX, _FAULTS = "index", "faults"

_TABLES = """
CREATE TABLE bank (
    number INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB UNIQUE, used INTEGER,
    counts BLOB, ids BLOB, types BLOB, professions BLOB, names BLOB, seal BLOB
);
CREATE TABLE question (
    bank INTEGER, place INTEGER, payload BLOB, seal BLOB, PRIMARY KEY (bank, place)
) WITHOUT ROWID;
CREATE TABLE attachment (bank INTEGER, kind TEXT, content BLOB, seal BLOB, PRIMARY KEY (bank, kind))
"""
_BANK_PARTS = "counts, ids, types, professions, names"


class BankCache:
    """The cache in `file`, which is made on first use; None for none at all: banks are read into memory."""

    def __init__(
        self,
        file: Path | None,
        *,
        reader: str | None = None,
        timeout_s: float = 10.0,
        banks_kept: int = _BANKS_KEPT,
    ) -> None:
        """Take the file; `reader` is what decides how files are read, by default this program as it is."""
        self._reader = reader_version() if reader is None else reader
        self._file = CacheFile(file, version=self._reader, tables=_TABLES, timeout_s=timeout_s)
        self._banks_kept = banks_kept
        self._in_use: set[bytes] = set()

    def open(self, paths: Sequence[Path], read: ReadFile) -> StoredBank:
        """Return the bank in the files at `paths`; `read` is asked for those that are not stored yet.

        Raises BankError for the first file that cannot be read at all, or changes while it is read.
        """
        files = [self._open(path, read) for path in paths]
        self._remember_use()
        return StoredBank(files)

    def _open(self, path: Path, read: ReadFile) -> StoredFile:
        """Return the file from the cache; else read it, keep it, and take it from the cache then."""
        digest = _digest(path)
        if digest is None or not self._file.usable:
            return _read_file(path, digest, read)
        self._in_use.add(digest)
        held = self._held(path, digest, read)
        if held is not None:
            return held
        fresh = _read_file(path, digest, read)
        self._keep(digest, fresh)
        return self._held(path, digest, read) or fresh

    def _held(self, path: Path, digest: bytes, read: ReadFile) -> StoredFile | None:
        """Return the file as it is stored; None if it is not, or cannot be believed."""
        with self._file.tolerant():
            query = f"SELECT number, seal, {_BANK_PARTS} FROM bank WHERE digest = ?"
            for number, seal, *parts in self._file.ask(query, (digest,)):
                key = self._key(digest)
                _check(key, seal, b"bank", *parts)
                counts, catalogue = _unpacked(parts)
                rows = _RowsInCache(self._file, number, key, path.name, catalogue)
                return StoredFile(path, catalogue, counts, rows, partial(_read_anew, path, digest, read))
        return None

    def _keep(self, digest: bytes, file: StoredFile) -> None:
        """Write everything of one file, and forget the banks that were used longest ago."""
        key = self._key(digest)
        # Built before the lock is taken: no other process waits for it.
        attachments = {_INDEX: file.index().to_bytes(), _FAULTS: _packed_faults(file.faults())}
        with self._file.tolerant(), self._file.transaction() as connection:
            if connection.execute("SELECT 1 FROM bank WHERE digest = ?", (digest,)).fetchone():
                return  # another process was quicker
            parts = _packed(file)
            number = connection.execute(
                f"INSERT INTO bank (digest, used, seal, {_BANK_PARTS})"
                " VALUES (?, (SELECT ifnull(max(used), 0) + 1 FROM bank), ?, ?, ?, ?, ?, ?)",
                (digest, _seal(key, b"bank", *parts), *parts),
            ).lastrowid
            connection.executemany("INSERT INTO question VALUES (?, ?, ?, ?)", _rows(number, key, file))
            for kind, content in attachments.items():
                row = (number, kind, content, _seal(key, kind.encode(), content))
                connection.execute("INSERT INTO attachment VALUES (?, ?, ?, ?)", row)
            self._forget_oldest(connection)

    def _forget_oldest(self, connection: sqlite3.Connection) -> None:
        newest_first = connection.execute("SELECT number, digest FROM bank ORDER BY used DESC").fetchall()
        for number, digest in newest_first[self._banks_kept :]:
            if digest in self._in_use:
                continue
            connection.execute("DELETE FROM question WHERE bank = ?", (number,))
            connection.execute("DELETE FROM attachment WHERE bank = ?", (number,))
            connection.execute("DELETE FROM bank WHERE number = ?", (number,))
        connection.execute("PRAGMA incremental_vacuum").fetchall()

    def _remember_use(self) -> None:
        """Put the banks in use last in the order of forgetting, if any other is behind one of them."""
        marks = ", ".join("?" * len(self._in_use))
        with self._file.tolerant(patient=False):
            oldest = f"(SELECT min(used) FROM bank WHERE digest IN ({marks}))"
            newest_other = f"(SELECT max(used) FROM bank WHERE digest NOT IN ({marks}))"
            if not self._file.ask(
                f"SELECT 1 WHERE {oldest} < {newest_other}", (*self._in_use, *self._in_use)
            ):
                return
            with self._file.transaction() as connection:
                newest = "(SELECT max(used) + 1 FROM bank)"
                connection.execute(
                    f"UPDATE bank SET used = {newest} WHERE digest IN ({marks})", (*self._in_use,)
                )

    def _key(self, digest: bytes) -> bytes:
        """What the seals of one bank are made with: no row of another bank or reader bears them."""
        return hashlib.sha256(self._reader.encode() + b"\0" + digest).digest()


class _RowsInCache:
    """The rows of one bank in the cache, each checked when it is fetched."""

    def __init__(self, file: CacheFile, number: int, key: bytes, name: str, catalogue: Catalogue) -> None:
        self._file = file
        self._number = number
        self._key = key
        self._name = name
        self._catalogue = catalogue

    def questions(self, places: Sequence[int]) -> list[Question]:
        """Return the questions at `places`; raises RowsLostError if one is missing or not as it was."""
        found: dict[int, Question] = {}
        for start in range(0, len(places), _PLACES_AT_ONCE):
            found.update(self._fetch(places[start : start + _PLACES_AT_ONCE]))
        return [found[place] for place in places]

    def _fetch(self, places: Sequence[int]) -> dict[int, Question]:
        marks = ", ".join("?" * len(places))
        query = f"SELECT place, payload, seal FROM question WHERE bank = ? AND place IN ({marks})"
        with self._file.tolerant():
            rows = self._file.ask(query, (self._number, *places))
            stored = {place: (payload, seal) for place, payload, seal in rows}
            if not stored and not self._file.ask("SELECT 1 FROM bank WHERE number = ?", (self._number,)):
                raise RowsLostError  # forgotten by another process
            found: dict[int, Question] = {}
            for place in places:
                payload, seal = stored.get(place, (None, None))
                question_id = f"{self._catalogue.ids[place]:016x}"
                _check(self._key, seal, *_row_parts(place, question_id), payload)
                found[place] = self._question(place, question_id, payload)
            return found
        raise RowsLostError

    def _question(self, place: int, question_id: str, payload: bytes) -> Question:
        stem, options, answer, clause, sources, explanation, any_order = json.loads(payload)
        return Question.known(
            question_id,
            stem=stem,
            options=tuple(options),
            answer=tuple(answer),
            clause=clause,
            profession=self._catalogue.names[self._catalogue.professions[place]],
            question_type=TYPES[self._catalogue.types[place]],
            sources=tuple(Source(self._name, sheet, row) for sheet, row in sources),
            explanation=explanation,
            any_order=any_order,
        )

    def index(self) -> "MatchIndex":
        """Return the stored index; raises RowsLostError if it is missing or not as it was."""
        from xiaoan.question_bank.finding.match_index import MatchIndex

        return MatchIndex.from_bytes(self._attachment(_INDEX))

    def faults(self) -> tuple[Fault, ...]:
        """Return the stored faults; raises RowsLostError if they are missing or not as they were."""
        return tuple(
            Fault(self._name, sheet, row, column, Severity(severity), FaultCode(code), value, message)
            for sheet, row, column, severity, code, value, message in json.loads(self._attachment(_FAULTS))
        )

    def _attachment(self, kind: str) -> bytes:
        query = "SELECT content, seal FROM attachment WHERE bank = ? AND kind = ?"
        with self._file.tolerant():
            for content, seal in self._file.ask(query, (self._number, kind)):
                _check(self._key, seal, kind.encode(), content)
                return bytes(content)
        raise RowsLostError


def reader_version() -> str:
    """Return a name for everything that decides what reading a file gives; empty if that cannot be told.

    Made of this area's source, the versions of the reading libraries, Unicode's tables and the byte order.
    """
    digest = hashlib.sha256(f"{unicodedata.unidata_version} {sys.byteorder}".encode())
    for library in _LIBRARIES:
        try:
            digest.update(f"{library} {version(library)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"{library} -\n".encode())
    sources = sorted(Path(__file__).parents[1].rglob("*.py"))
    try:
        for source in sources:
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    except OSError:
        return ""
    return digest.hexdigest() if sources else ""


def _digest(path: Path) -> bytes | None:
    """The digest of the file's content; None where there is none to take, which reading it will explain."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except (OSError, ValueError):
        return None


def _read_file(path: Path, digest: bytes | None, read: ReadFile) -> StoredFile:
    """Read one file into memory. Raises BankError if it cannot be read, or was changed meanwhile."""
    reading = read(path)
    if digest is not None and _digest(path) != digest:
        raise BankError(f"题库 {path} 在读的时候变了，可能正在保存；请等它保存好再试")
    return StoredFile.of(reading)


def _read_anew(path: Path, digest: bytes, read: ReadFile) -> Rows:
    """Return the rows of a file whose stored ones are lost. Raises BankError if it is no longer the same."""
    if _digest(path) != digest:
        raise BankError(f"题库 {path} 打开之后变了，或不见了；请重新打开")
    return _read_file(path, digest, read).rows


def _packed(file: StoredFile) -> list[bytes]:
    """What is stored of a file besides its rows, in the order of `_BANK_PARTS`."""
    known = file.catalogue
    return [
        _json(vars(file.counts)),
        known.ids.tobytes(),
        known.types,
        known.professions.tobytes(),
        _json(known.names),
    ]


def _unpacked(parts: Sequence[bytes]) -> tuple[FileCounts, Catalogue]:
    counts, ids, types, professions, names = parts
    catalogue = Catalogue(array("Q", ids), types, array("I", professions), tuple(json.loads(names)))
    return FileCounts(**json.loads(counts)), catalogue


def _rows(number: int | None, key: bytes, file: StoredFile) -> Iterator[tuple[int | None, int, bytes, bytes]]:
    for start in range(0, len(file.catalogue), _PLACES_AT_ONCE):
        places = range(start, min(start + _PLACES_AT_ONCE, len(file.catalogue)))
        for place, question in zip(places, file.questions(places), strict=True):
            payload = _packed_question(question)
            yield number, place, payload, _seal(key, *_row_parts(place, question.id), payload)


def _packed_question(question: Question) -> bytes:
    """What the catalogue does not say of a question. The file's name may be another one next time."""
    sources = [(source.sheet, source.row) for source in question.sources]
    return _json(
        [
            question.stem,
            question.options,
            question.answer,
            question.clause,
            sources,
            question.explanation,
            question.any_order,
        ]
    )


def _packed_faults(faults: Sequence[Fault]) -> bytes:
    return _json(
        [
            (fault.sheet, fault.row, fault.column, fault.severity, fault.code, fault.value, fault.message)
            for fault in faults
        ]
    )


def _json(value: Any) -> bytes:
    # One half of a character, which is no UTF-8, passes here as it does in `json.loads`.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _row_parts(place: int, question_id: str) -> tuple[bytes, bytes]:
    return place.to_bytes(8, "big"), question_id.encode()


def _seal(key: bytes, *parts: bytes) -> bytes:
    """A checksum over `parts` and where each of them ends."""
    digest = hashlib.blake2b(key=key, digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def _check(key: bytes, seal: Any, *parts: Any) -> None:
    """Raise DamagedError unless these are the parts that `seal` was made for."""
    if not all(isinstance(part, bytes) for part in parts) or _seal(key, *parts) != seal:
        raise DamagedError
