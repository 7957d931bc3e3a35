"""Several files as one bank whose questions stay where they are stored until one is asked for."""

import threading
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from xiaoan.question_bank.question import Question, QuestionBank, QuestionType
from xiaoan.question_bank.rows.faults import Fault

if TYPE_CHECKING:
    from xiaoan.question_bank.finding.match_index import MatchIndex, Shelf
    from xiaoan.question_bank.spreadsheet import FileReading

Found = TypeVar("Found")

TYPES = tuple(QuestionType)
"""The 题型 by the number that stands for them in a catalogue."""

_AT_ONCE = 500


class RowsLostError(Exception):
    """Stored rows that are no longer there, or no longer what was stored; never leaves this area."""


@dataclass(frozen=True)
class FileCounts:
    """How many rows of one file became what: `rows` = `questions` + `refused`, duplicates included."""

    rows: int = 0
    questions: int = 0
    refused: int = 0
    warned: int = 0
    hidden: int = 0
    faults: int = 0


@dataclass(frozen=True)
class Catalogue:
    """Id, 题型 and 专业 of each different question of one file, in the file's order.

    Ids are the numbers that their hexadecimal digits write, 题型 places in `TYPES`, 专业 places in `names`.
    """

    ids: "array[int]"
    types: bytes
    professions: "array[int]"
    names: tuple[str, ...]

    @classmethod
    def of(cls, questions: Iterable[Question]) -> "Catalogue":
        """Return the catalogue of `questions`, each id of which stands there once."""
        numbers: dict[str, int] = {}
        ids, types, professions = array("Q"), bytearray(), array("I")
        for question in questions:
            ids.append(int(question.id, 16))
            types.append(TYPES.index(question.question_type))
            professions.append(numbers.setdefault(question.profession, len(numbers)))
        return cls(ids, bytes(types), professions, tuple(numbers))

    def __len__(self) -> int:
        return len(self.ids)


class Rows(Protocol):
    """Where the questions of one file lie. Everything raises `RowsLostError` where that is no longer so."""

    def questions(self, places: Sequence[int]) -> list[Question]:
        """Return the questions at these places (from 0), in the order of `places`."""
        ...

    def index(self) -> "MatchIndex":
        """Return the matcher's index over all questions."""
        ...

    def faults(self) -> tuple[Fault, ...]:
        """Return what was wrong in the file."""
        ...


class RowsInMemory:
    """The questions of a file that was just read."""

    def __init__(self, questions: Sequence[Question], faults: Sequence[Fault] = ()) -> None:
        self._questions = tuple(questions)
        self._faults = tuple(faults)
        self._index: MatchIndex | None = None

    def questions(self, places: Sequence[int]) -> list[Question]:
        """Return the questions at `places`."""
        return [self._questions[place] for place in places]

    def index(self) -> "MatchIndex":
        """Return the index, built when first asked for."""
        from xiaoan.question_bank.finding.match_index import MatchIndex

        if self._index is None:
            self._index = MatchIndex.build(self._questions)
        return self._index

    def faults(self) -> tuple[Fault, ...]:
        """Return what was wrong in the file."""
        return self._faults


class StoredFile:
    """One file of a bank. Rows that are lost are read anew from the file itself, and nobody notices."""

    def __init__(
        self,
        path: Path,
        catalogue: Catalogue,
        counts: FileCounts,
        rows: Rows,
        read_anew: Callable[[], Rows] | None = None,
    ) -> None:
        """Take what is known of the file; `read_anew` raises BankError if it has changed meanwhile."""
        self.path = path
        self.catalogue = catalogue
        self.counts = counts
        self.rows = rows
        self._read_anew = read_anew
        self._lock = threading.Lock()

    @classmethod
    def of(cls, reading: "FileReading") -> "StoredFile":
        """Return what was just read, in memory."""
        sheets = reading.sheets
        bank = QuestionBank(reading.questions)
        faults = reading.faults
        counts = FileCounts(
            rows=sum(sheet.rows for sheet in sheets),
            questions=sum(len(sheet.questions) for sheet in sheets),
            refused=sum(sheet.refused for sheet in sheets),
            warned=sum(sheet.warned for sheet in sheets),
            hidden=sum(sheet.hidden for sheet in sheets),
            faults=len(faults),
        )
        return cls(reading.path, Catalogue.of(bank), counts, RowsInMemory(bank.questions, faults))

    def questions(self, places: Sequence[int]) -> list[Question]:
        """Return the questions at `places` of the catalogue."""
        return self._from_rows(lambda rows: rows.questions(places))

    def question(self, place: int) -> Question:
        """Return the question at one place of the catalogue."""
        return self.questions((place,))[0]

    def index(self) -> "MatchIndex":
        """Return the matcher's index, loaded or built now."""
        return self._from_rows(lambda rows: rows.index())

    def faults(self) -> tuple[Fault, ...]:
        """Return what was wrong in the file, loaded now."""
        return self._from_rows(lambda rows: rows.faults())

    def _from_rows(self, fetch: Callable[[Rows], Found]) -> Found:
        rows = self.rows
        try:
            return fetch(rows)
        except RowsLostError:
            assert self._read_anew is not None, "rows in memory are never lost"
            with self._lock:
                if self.rows is rows:
                    self.rows = self._read_anew()
            return fetch(self.rows)


class StoredBank:
    """The questions of several files; the same question in several places is one, with all its sources."""

    def __init__(self, files: Sequence[StoredFile]) -> None:
        self.files = tuple(files)
        self._starts: list[int] = []
        self._first: dict[int, int] = {}
        self._elsewhere: dict[int, list[int]] = {}
        start = 0
        for file in self.files:
            self._starts.append(start)
            for place, number in enumerate(file.catalogue.ids, start):
                if self._first.setdefault(number, place) != place:
                    self._elsewhere.setdefault(number, []).append(place)
            start += len(file.catalogue)

    @classmethod
    def of(cls, questions: Iterable[Question], path: Path = Path()) -> "StoredBank":
        """Return a bank of `questions` that lie in memory, as if read from `path`."""
        bank = QuestionBank(questions)
        counts = FileCounts(rows=len(bank), questions=len(bank))
        return cls([StoredFile(path, Catalogue.of(bank), counts, RowsInMemory(bank.questions))])

    def __len__(self) -> int:
        return len(self._first)

    def __iter__(self) -> Iterator[Question]:
        """Yield all questions in the bank's order, a few hundred in memory at a time."""
        numbers = list(self._first)
        for start in range(0, len(numbers), _AT_ONCE):
            yield from self._questions(numbers[start : start + _AT_ONCE])

    def get(self, question_id: str) -> Question | None:
        """Return the question of that id, or None."""
        number = _number(question_id)
        return self._questions([number])[0] if number in self._first else None

    def questions_of(self, ids: Sequence[str]) -> list[Question]:
        """Return the questions of these ids, in their order. Raises KeyError for an id that is none."""
        return self._questions([_number(question_id) for question_id in ids])

    def ids(self, types: Collection[QuestionType] = (), professions: Collection[str] = ()) -> list[str]:
        """Return the ids of the questions of these 题型 and 专业 (empty: all), in the bank's order."""
        return [
            f"{number:016x}"
            for number, question_type, profession in self._entries()
            if (not types or question_type in types) and (not professions or profession in professions)
        ]

    def by_type(self) -> dict[str, int]:
        """Return how many questions there are of each 题型, most first."""
        return _most_first(str(question_type) for _, question_type, _ in self._entries())

    def by_profession(self) -> dict[str, int]:
        """Return how many questions there are of each 专业 that is named, most first."""
        return _most_first(profession for _, _, profession in self._entries() if profession)

    @property
    def counts(self) -> FileCounts:
        """The counts of all files together."""
        fields = (vars(file.counts) for file in self.files)
        return FileCounts(**sum((Counter(values) for values in fields), Counter()))

    @property
    def duplicates(self) -> int:
        """How many rows are a question that another row was already."""
        return self.counts.questions - len(self)

    def faults(self) -> Iterator[Fault]:
        """Yield what was wrong, file by file, each loaded when its turn comes."""
        for file in self.files:
            if file.counts.faults:
                yield from file.faults()

    def shelves(self) -> "list[Shelf]":
        """Return what a matcher takes: for each file its index, and a way to fetch single questions."""
        from xiaoan.question_bank.finding.match_index import Shelf

        return [Shelf(file.question, file.index()) for file in self.files]

    def _entries(self) -> Iterator[tuple[int, QuestionType, str]]:
        """Yield id, 题型 and 专业 of each question, in the bank's order."""
        for start, file in zip(self._starts, self.files, strict=True):
            known = file.catalogue
            rows = zip(known.ids, known.types, known.professions, strict=True)
            for place, (number, question_type, profession) in enumerate(rows, start):
                if self._first[number] == place:
                    yield number, TYPES[question_type], known.names[profession]

    def _questions(self, numbers: Sequence[int]) -> list[Question]:
        """Return the questions of these ids, with the sources from every file."""
        places = [self._first[number] for number in numbers]
        places += [place for number in numbers for place in self._elsewhere.get(number, ())]
        fetched = self._at(places)
        return [
            fetched[self._first[number]].with_sources(
                source for place in self._elsewhere.get(number, ()) for source in fetched[place].sources
            )
            for number in numbers
        ]

    def _at(self, places: Iterable[int]) -> dict[int, Question]:
        """Return the questions at these places of the whole bank, each file asked once."""
        wanted: dict[int, list[int]] = {}
        for place in places:
            wanted.setdefault(bisect_right(self._starts, place) - 1, []).append(place)
        fetched: dict[int, Question] = {}
        for file, own in wanted.items():
            start = self._starts[file]
            questions = self.files[file].questions([place - start for place in own])
            fetched.update(zip(own, questions, strict=True))
        return fetched


def _number(question_id: str) -> int:
    """The number that an id's digits write; -1, which no question has, for what is no id."""
    try:
        return int(question_id, 16) if len(question_id) == 16 else -1
    except ValueError:
        return -1


def _most_first(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())
