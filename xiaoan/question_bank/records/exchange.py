"""Answers and pins as JSON that other programs and other machines can read, and back without counting any twice."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from xiaoan.errors import StorageError, UsageError
from xiaoan.question_bank.records import recording, views
from xiaoan.question_bank.records.database import Database
from xiaoan.question_bank.records.entries import YEARS, Attempt, Mode, clean_user
from xiaoan.question_bank.records.json_reader import JsonReader, NoJsonError
from xiaoan.question_bank.records.recording import Recorded
from xiaoan.question_bank.records.schedule import RATINGS, from_microseconds
from xiaoan.whole_files import check_place, written_whole

FORMAT: Final = "xiaoan-progress"
VERSION: Final = 1

Made = TypeVar("Made")

_RATING_NAMES = {rating: name for name, rating in RATINGS.items()}
_LONGEST_ID = 64


@dataclass(frozen=True)
class ImportCounts:
    """What an import brought for one person: answers new and known already, pins changed."""

    user: str
    new: int
    known: int
    pins: int


@dataclass(frozen=True)
class _Pin:
    question_id: str
    pinned: bool
    at: datetime


def export_progress(
    database: Database, target: Path, names: Sequence[str] | None, *, force: bool = False
) -> None:
    """Write the answers and pins of these people (None: of all) to `target`, whole or not at all.

    Raises:
        UsageError: there is nobody of that name, or `target` exists and `force` is not given.
        StorageError: it cannot be written.
    """
    check_place(target, force=force)
    with written_whole(target) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(exported(database, names))


def exported(database: Database, names: Sequence[str] | None) -> Iterator[str]:
    """Yield the JSON of these people (None: of all) piece by piece; one line for each attempt, pin and card.

    Cards say when FSRS has a question due: for other programs to read, an import works them out anew.
    Raises UsageError where there is nobody of that name.
    """
    with database.reading() as connection:
        known = views.users(connection)
        for name in names or ():
            if name not in known:
                everybody = "、".join(known) or "还没有人"
                raise UsageError(f"进度里没有 {name} 这个人；有的是：{everybody}")
        yield f'{{"format": "{FORMAT}", "version": {VERSION}, "users": ['
        for place, name in enumerate(known if names is None else names):
            user = recording.known_user_id(connection, name)
            yield (
                "," if place else ""
            ) + f'\n{{"name": {json.dumps(name, ensure_ascii=False)}, "attempts": ['
            yield from _lines(map(_attempt_document, recording.attempts_of(connection, user)))
            yield '], "pins": ['
            yield from _lines(map(_pin_document, views.pins(connection, user)))
            yield '], "cards": ['
            yield from _lines(map(_card_document, views.cards(connection, user)))
            yield "]}"
        yield "\n]}\n"


def import_progress(database: Database, source: Path) -> list[ImportCounts]:
    """Add what an export wrote to what is there, all or nothing; return what was new for each person.

    Answers known already are not counted again, so that a file may be imported twice. Of two changes of one pin
    the later one counts. However many answers the file has, few of them are in memory at a time.

    Raises:
        UsageError: there is no such file.
        StorageError: it cannot be read or is no such export; says where. Nothing was changed.
    """
    if not source.is_file():
        raise UsageError(f"没有找到 {source}；请检查路径")
    try:
        with source.open(encoding="utf-8-sig") as file, database.writing() as connection:
            return _Import(connection, source, JsonReader(file)).run()
    except NoJsonError as error:
        raise StorageError(_no_export(source, "它不是完整的 JSON")) from error
    except OSError as error:
        raise StorageError(f"{source} 读不了：{error.strerror or error}。请检查权限。") from error


class _Import:
    """A file on its way into the tables; whatever is raised ends the transaction around it."""

    def __init__(self, connection: sqlite3.Connection, source: Path, reader: JsonReader) -> None:
        self._connection = connection
        self._source = source
        self._reader = reader

    def run(self) -> list[ImportCounts]:
        """Take over everybody; return what was new."""
        reader, head, counts = self._reader, dict[str, Any](), None
        if not reader.starts_with("{"):
            reader.skip()
        else:
            for key in reader.members():
                if key == "users" and reader.starts_with("["):
                    counts = [self._person(f"第 {place} 个人") for place, _ in enumerate(reader.items(), 1)]
                elif key in ("format", "version"):
                    head[key] = reader.value()
                    self._check_head(head)
                else:
                    reader.skip()
        reader.end()
        self._check_head({"format": None, "version": None, **head})
        if counts is None:
            raise self._refusal("文件的 users 不是一列")
        return counts

    def _check_head(self, head: Mapping[str, Any]) -> None:
        if head.get("format", FORMAT) != FORMAT:
            raise self._refusal(f"开头没有 format: {FORMAT}")
        version = head.get("version", VERSION)
        if not isinstance(version, int) or version > VERSION:
            raise StorageError(
                f"{self._source} 是更新版本的小安导出的（第 {version} 版，这个小安只认得到第 {VERSION} 版），"
                "没有导入。请升级小安。"
            )

    def _person(self, where: str) -> ImportCounts:
        reader, fields, done = self._reader, dict[str, Any](), dict[str, tuple[int, int]]()
        take = {"attempts": self._attempts, "pins": self._pins}
        if not reader.starts_with("{"):
            reader.skip()
        else:
            for key in reader.members():
                if key in take and "name" in fields and reader.starts_with("["):
                    documents = (reader.value() for _ in reader.items())
                    done[key] = take[key](self._name(where, fields), documents)
                elif key in (*take, "name"):
                    fields[key] = reader.value()
                else:
                    reader.skip()
        name = self._name(where, fields)
        for key in take:
            if key not in done:  # it came before the name, as in a file that something else has sorted
                if not isinstance(fields.get(key), list):
                    raise self._refusal(f"{where}的 {key} 不是一列")
                done[key] = take[key](name, fields[key])
        return ImportCounts(name, *done["attempts"], done["pins"][0])

    def _name(self, where: str, fields: Mapping[str, Any]) -> str:
        name = fields.get("name")
        if not isinstance(name, str):
            raise self._refusal(f"{where}没有名字")
        try:
            return clean_user(name)
        except UsageError as error:
            raise self._refusal(f"{where}：{error.message}") from error

    def _attempts(self, name: str, documents: Iterable[Any]) -> tuple[int, int]:
        """Take over the answers; return how many were new and how many known."""
        user = recording.user_id(self._connection, name)
        known, touched, new = 0, dict[str, None](), 0
        for number, document in enumerate(documents, 1):
            entry = self._each(f"{name}的第 {number} 个回答", document, _recorded)
            if recording.insert(self._connection, user, entry):
                touched[entry.attempt.question_id] = None
                new += 1
            else:
                known += 1
        if touched:
            recording.rebuild_states(self._connection, user, touched)
            recording.rebuild_days(self._connection, user)
        return new, known

    def _pins(self, name: str, documents: Iterable[Any]) -> tuple[int, int]:
        """Take over the pins; return how many changed and how many did not."""
        user = recording.user_id(self._connection, name)
        pins = [
            self._each(f"{name}的第 {number} 个收藏", document, _pin)
            for number, document in enumerate(documents, 1)
        ]
        changed = sum(
            recording.merge_pin(self._connection, user, pin.question_id, pinned=pin.pinned, at=pin.at)
            for pin in pins
        )
        return changed, len(pins) - changed

    def _each(self, where: str, document: Any, make: Callable[[Mapping[str, Any]], Made]) -> Made:
        try:
            if not isinstance(document, dict):
                raise TypeError("no object")
            return make(document)
        except KeyError as error:
            raise self._refusal(f"{where}没有 {error.args[0]}") from error
        except (TypeError, ValueError) as error:
            raise self._refusal(f"{where}里有不对的值（{error}）") from error

    def _refusal(self, reason: str) -> StorageError:
        return StorageError(_no_export(self._source, reason))


def _lines(documents: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each document on a line of its own, with commas between."""
    lead = "\n"
    for document in documents:
        yield lead + json.dumps(document, ensure_ascii=False)
        lead = ",\n"


def _attempt_document(entry: Recorded) -> dict[str, Any]:
    attempt = entry.attempt
    return {
        "uid": f"{attempt.uid:016x}",
        "question_id": attempt.question_id,
        "profession": attempt.profession,
        "question_type": attempt.question_type,
        "mode": attempt.mode,
        "given": attempt.given,
        "verdict": attempt.verdict,
        "credit": attempt.credit,
        "seconds": attempt.seconds,
        "marked": attempt.marked,
        "at": attempt.at.isoformat(),
        "day": entry.day.isoformat(),
        "rating": _RATING_NAMES[entry.rating],
    }


def _pin_document(row: tuple[str, int, int]) -> dict[str, Any]:
    question_id, pinned, changed_at = row
    return {
        "question_id": question_id,
        "pinned": bool(pinned),
        "at": from_microseconds(changed_at).isoformat(),
    }


def _card_document(row: tuple[str, int, float, float, int]) -> dict[str, Any]:
    question_id, streak, stability, difficulty, due = row
    return {
        "question_id": question_id,
        "streak": streak,
        "stability": stability,
        "difficulty": difficulty,
        "due": from_microseconds(due).isoformat(),
    }


def _recorded(document: Mapping[str, Any]) -> Recorded:
    attempt = Attempt(
        question_id=_question_id(document),
        profession=_text(document, "profession"),
        question_type=_text(document, "question_type"),
        mode=cast("Mode", _text(document, "mode")),
        given=_text(document, "given"),
        verdict=_text(document, "verdict"),
        credit=_number(document, "credit"),
        seconds=_number(document, "seconds"),
        marked=_flag(document, "marked"),
        at=datetime.fromisoformat(_text(document, "at")),
        uid=int(_text(document, "uid"), 16),
    )
    rating = RATINGS.get(_text(document, "rating"))
    if rating is None:
        raise ValueError(f"rating {document['rating']!r}")
    return Recorded(attempt, date.fromisoformat(_text(document, "day")), rating)


def _pin(document: Mapping[str, Any]) -> _Pin:
    at = datetime.fromisoformat(_text(document, "at"))
    if at.tzinfo is None or at.year not in YEARS:
        raise ValueError(f"at {document['at']!r}")
    return _Pin(_question_id(document), _flag(document, "pinned"), at)


def _question_id(document: Mapping[str, Any]) -> str:
    found = _text(document, "question_id")
    if not 0 < len(found) <= _LONGEST_ID or not found.isprintable():
        raise ValueError(f"question_id {found[:_LONGEST_ID]!r}")
    return found


def _text(document: Mapping[str, Any], key: str) -> str:
    found = document[key]
    if not isinstance(found, str):
        raise TypeError(f"{key} {found!r}")
    found.encode()  # raises where half a character stands
    return found


def _number(document: Mapping[str, Any], key: str) -> float:
    found = document[key]
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TypeError(f"{key} {found!r}")
    return float(found)


def _flag(document: Mapping[str, Any], key: str) -> bool:
    found = document[key]
    if not isinstance(found, bool):
        raise TypeError(f"{key} {found!r}")
    return found


def _no_export(source: Path, reason: str) -> str:
    return (
        f"{source} 不是小安导出的进度：{reason}。没有导入任何东西；请用 xiaoan progress export 写出的文件。"
    )
