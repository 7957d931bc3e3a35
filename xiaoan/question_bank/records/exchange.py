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
from xiaoan.question_bank.records.entries import Attempt, Mode, clean_user
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


@dataclass(frozen=True)
class _Person:
    name: str
    entries: list[Recorded]
    pins: list[_Pin]


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
    the later one counts.

    Raises:
        UsageError: there is no such file.
        StorageError: it cannot be read or is no such export; says where. Nothing was changed.
    """
    people = _read(source)
    with database.writing() as connection:
        return [_merge(connection, person) for person in people]


def _merge(connection: sqlite3.Connection, person: _Person) -> ImportCounts:
    user = recording.user_id(connection, person.name)
    new = [entry for entry in person.entries if recording.insert(connection, user, entry)]
    if new:
        touched = dict.fromkeys(entry.attempt.question_id for entry in new)
        recording.rebuild_states(connection, user, touched)
        recording.rebuild_days(connection, user)
    pins = sum(
        recording.merge_pin(connection, user, pin.question_id, pinned=pin.pinned, at=pin.at)
        for pin in person.pins
    )
    return ImportCounts(person.name, len(new), len(person.entries) - len(new), pins)


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


def _read(source: Path) -> list[_Person]:
    if not source.is_file():
        raise UsageError(f"没有找到 {source}；请检查路径")
    try:
        document = json.loads(source.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise StorageError(f"{source} 读不了：{error.strerror or error}。请检查权限。") from error
    except (ValueError, RecursionError) as error:
        raise StorageError(_no_export(source, "它不是完整的 JSON")) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise StorageError(_no_export(source, f"开头没有 format: {FORMAT}"))
    version = document.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise StorageError(
            f"{source} 是更新版本的小安导出的（第 {version} 版，这个小安只认得到第 {VERSION} 版），没有导入。请升级小安。"
        )
    return [
        _person(source, place, entry)
        for place, entry in enumerate(_list(source, document, "users", "文件"), 1)
    ]


def _person(source: Path, place: int, entry: Any) -> _Person:
    where = f"第 {place} 个人"
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str):
        raise StorageError(_no_export(source, f"{where}没有名字"))
    try:
        user = clean_user(name)
    except UsageError as error:
        raise StorageError(_no_export(source, f"{where}：{error.message}")) from error
    return _Person(
        user,
        [
            _each(source, f"{user}的第 {number} 个回答", document, _recorded)
            for number, document in enumerate(_list(source, entry, "attempts", where), 1)
        ],
        [
            _each(source, f"{user}的第 {number} 个收藏", document, _pin)
            for number, document in enumerate(_list(source, entry, "pins", where), 1)
        ],
    )


def _list(source: Path, document: Mapping[str, Any], key: str, where: str) -> list[Any]:
    found = document.get(key)
    if not isinstance(found, list):
        raise StorageError(_no_export(source, f"{where}的 {key} 不是一列"))
    return found


def _each(source: Path, where: str, document: Any, make: Callable[[Mapping[str, Any]], Made]) -> Made:
    try:
        if not isinstance(document, dict):
            raise TypeError("no object")
        return make(document)
    except KeyError as error:
        raise StorageError(_no_export(source, f"{where}没有 {error.args[0]}")) from error
    except (TypeError, ValueError) as error:
        raise StorageError(_no_export(source, f"{where}里有不对的值（{error}）")) from error


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
    if at.tzinfo is None:
        raise ValueError(f"at {document['at']!r}")
    return _Pin(_question_id(document), _flag(document, "pinned"), at)


def _question_id(document: Mapping[str, Any]) -> str:
    found = _text(document, "question_id")
    if not 0 < len(found) <= _LONGEST_ID:
        raise ValueError(f"question_id {found[:_LONGEST_ID]!r}")
    return found


def _text(document: Mapping[str, Any], key: str) -> str:
    found = document[key]
    if not isinstance(found, str):
        raise TypeError(f"{key} {found!r}")
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
