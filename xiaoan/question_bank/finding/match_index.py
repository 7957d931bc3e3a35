"""Arrays that say quickly which questions of a bank may be the one asked; whether one is, the question itself says.

Nothing here decides a match: hashes lead to places, and the matcher compares the words of what stands there.
"""

import hashlib
import struct
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import TYPE_CHECKING, Any

from xiaoan.question_bank.finding.content_sums import character_codes, content_sums
from xiaoan.question_bank.finding.fillings import unit_at_end
from xiaoan.question_bank.finding.neutral_words import RULES_FINGERPRINT
from xiaoan.question_bank.finding.stem_keys import StemForm, forms_of_question
from xiaoan.question_bank.normalization import BLANK, normalize_text
from xiaoan.question_bank.question import Question, QuestionType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAGIC = b"XIAOANMI"
_VERSION = 2
_CHUNK = 8192
_RANKED_CHARACTERS = 400
"""How much of a stem counts for likeness; a cell may hold 32,767 characters."""

_POSTINGS_AT_MOST = 200_000
_RANKED_AT_MOST = 256
_LIKENESS = 60.0
"""Least likeness (0 to 100) of two keys for a question to be shown as similar."""

_PARTS_KNOWN = 8
"""Characters around the blanks from which on a stem is known by them, whatever was filled in."""

_SIXTY_FOUR_BITS = 0xFFFFFFFFFFFFFFFF
_UNDERSCORE = ord("_")
_UNIT_ENDS = frozenset("米秒天年人个次倍伏分时月°%Ω℃％ＶＡｍ") | set(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
_STEM_WEIGHT, _OPTIONS_WEIGHT = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F


@dataclass(frozen=True)
class Shelf:
    """Questions that are fetched one by one by their place, and the index over them."""

    question: Callable[[int], Question]
    index: "MatchIndex"


@dataclass(frozen=True, eq=False)
class MatchIndex:
    """Where the questions of one bank may be found; places are 0 … n-1 in the bank's order. Safe to share.

    `exact_*`: hash of a stem's reduced key. `filled_*`: sum over the characters of the stem and its official
    answer, in whatever order. `whole_*`: the same over stem and options. `gram_*`: which stems have two characters
    side by side; `text*`: the stems' keys, for ranking.
    """

    professions: "NDArray[np.uint32]"
    exact_hashes: "NDArray[np.uint64]"
    exact_places: "NDArray[np.uint32]"
    filled_hashes: "NDArray[np.uint64]"
    filled_places: "NDArray[np.uint32]"
    whole_hashes: "NDArray[np.uint64]"
    whole_places: "NDArray[np.uint32]"
    gram_codes: "NDArray[np.uint32]"
    gram_starts: "NDArray[np.uint32]"
    gram_places: "NDArray[np.uint32]"
    text_starts: "NDArray[np.uint32]"
    text: "NDArray[np.uint16]"

    @classmethod
    def build(cls, questions: Iterable[Question]) -> "MatchIndex":
        """Return the index over `questions`; their places are their order."""
        building = _Building()
        remaining = iter(questions)
        while chunk := list(islice(remaining, _CHUNK)):
            building.add(chunk)
        return building.finished()

    def __len__(self) -> int:
        return len(self.professions)

    def to_bytes(self) -> bytes:
        """Return the index as bytes for `from_bytes`, with a checksum at the end."""
        parts = [_MAGIC, struct.pack("<I", _VERSION), RULES_FINGERPRINT, bytes(4)]
        for values in self._arrays():
            data = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
            parts += [struct.pack("<Q", len(data)), data, bytes(-len(data) % 8)]
        body = b"".join(parts)
        return body + hashlib.blake2b(body, digest_size=16).digest()

    @classmethod
    def from_bytes(cls, data: bytes) -> "MatchIndex":
        """Return the index that `to_bytes` wrote; raises ValueError for anything else, or for other rules."""
        import numpy as np

        view = memoryview(data)
        start = _head_of(view)
        arrays: list[Any] = []
        for field in fields(cls):
            kind = np.dtype("<" + _KINDS[field.name])
            (size,) = struct.unpack_from("<Q", view, start)
            arrays.append(np.frombuffer(view, kind, size // kind.itemsize, start + 8))
            start += 8 + size + -size % 8
        index = cls(*arrays)
        index._validate()
        return index

    def exact(self, key: str) -> "NDArray[np.uint32]":
        """Return the places of stems whose reduced key may be `key`."""
        return _found(self.exact_hashes, self.exact_places, _hash(key))

    def filled(self, words: str) -> "NDArray[np.uint32]":
        """Return the places of stems that may read `words` once their blanks hold the official answer."""
        return _found(self.filled_hashes, self.filled_places, int(content_sums([words])[0]))

    def whole(self, words: str, options: Sequence[str]) -> "NDArray[np.uint32]":
        """Return the places of stems that may read `words` and have these options in some order."""
        stem, choices = (int(total) for total in content_sums([words, "".join(options)]))
        return _found(self.whole_hashes, self.whole_places, _whole(stem, choices))

    def of_professions(self, places: "NDArray[np.uint32]", names: Iterable[str]) -> "NDArray[np.uint32]":
        """Return those of `places` whose 专业 may be one of `names`."""
        import numpy as np

        codes = np.array([_code(normalize_text(name)) for name in names], np.uint32)
        return places[np.isin(self.professions[places], codes)]

    def nearest(self, words: str, at_most: int) -> list[tuple[float, int]]:
        """Return the likeness (60 to 100) and the place of the stems most like `words`, best first."""
        from rapidfuzz import fuzz, process

        places = self._sharing_rare_grams(words)
        texts = [self._text(place) for place in places]
        found = {
            place: score
            for _, score, place in process.extract(
                words[: 2 * _RANKED_CHARACTERS],
                texts,
                scorer=fuzz.ratio,
                limit=at_most,
                score_cutoff=_LIKENESS,
            )
        }
        for place, text in enumerate(texts):
            if BLANK in text and place not in found and (score := _parts_in(text, words)):
                found[place] = score
        best = sorted(found, key=lambda place: (-found[place], places[place]))[:at_most]
        return [(found[place], places[place]) for place in best]

    def _sharing_rare_grams(self, words: str) -> list[int]:
        """The places that share most with `words`, by pairs of characters that are rare in this bank."""
        import numpy as np

        codes = np.unique(_grams(character_codes(words[: 2 * _RANKED_CHARACTERS])))
        at = np.searchsorted(self.gram_codes, codes)
        at = at[at < len(self.gram_codes)]
        at = at[np.isin(self.gram_codes[at], codes)]
        starts, ends = self.gram_starts[at].astype(np.int64), self.gram_starts[at + 1].astype(np.int64)
        order = np.argsort(ends - starts, kind="stable")
        starts, ends = starts[order], ends[order]
        cheap = int(np.searchsorted(np.cumsum(ends - starts), _POSTINGS_AT_MOST, side="right"))
        if not len(starts):
            return []
        cheap = max(cheap, 1)
        postings = [
            self.gram_places[start:end][:_POSTINGS_AT_MOST]
            for start, end in zip(starts[:cheap], ends[:cheap], strict=True)
        ]
        weights = np.log1p(len(self) / (ends - starts)[:cheap])
        shared = np.bincount(
            np.concatenate(postings), np.repeat(weights, [len(part) for part in postings]), len(self)
        )
        close = np.flatnonzero(shared > 0.2 * shared.max())
        if len(close) > _RANKED_AT_MOST:
            close = close[np.argpartition(-shared[close], _RANKED_AT_MOST)[:_RANKED_AT_MOST]]
        return [int(place) for place in close]

    def _text(self, place: int) -> str:
        start, end = self.text_starts[place], self.text_starts[place + 1]
        return self.text[start:end].tobytes().decode("utf-16-le", "replace")

    def _arrays(self) -> "Iterator[NDArray[Any]]":
        return (getattr(self, field.name) for field in fields(self))

    def _validate(self) -> None:
        """Raise ValueError where an array could lead out of another."""
        count = len(self)
        sound = (
            len(self.exact_hashes) == len(self.exact_places)
            and len(self.filled_hashes) == len(self.filled_places)
            and len(self.whole_hashes) == len(self.whole_places)
            and _bounds(self.gram_starts, len(self.gram_codes), len(self.gram_places))
            and _bounds(self.text_starts, count, len(self.text))
            and all(
                not len(places) or int(places.max()) < count
                for places in (self.exact_places, self.filled_places, self.whole_places, self.gram_places)
            )
        )
        if not sound:
            raise ValueError("the index's arrays do not fit together")


_KINDS = {
    field.name: "u2" if field.name == "text" else "u8" if field.name.endswith("_hashes") else "u4"
    for field in fields(MatchIndex)
}


class _Entries:
    """Hashes and their places, as they come."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._places = array("I")

    def add(self, value: int, place: int) -> None:
        self._hashes.append(value)
        self._places.append(place)

    def sorted(self) -> "tuple[NDArray[np.uint64], NDArray[np.uint32]]":
        """The hashes in ascending order, each with its place; of one hash the places ascend."""
        import numpy as np

        hashes, places = np.array(self._hashes, np.uint64), np.array(self._places, np.uint32)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], places[order]


class _Building:
    """Gathers the arrays, some thousand questions at a time."""

    def __init__(self) -> None:
        self._count = 0
        self._professions = array("I")
        self._exact = _Entries()
        self._filled = _Entries()
        self._whole = _Entries()
        self._grams: list[Any] = []
        self._text: list[Any] = []
        self._lengths: list[Any] = []

    def add(self, questions: Sequence[Question]) -> None:
        forms = [forms_of_question(question) for question in questions]
        first = self._count
        self._count += len(questions)
        for place, (question, readings) in enumerate(zip(questions, forms, strict=True), first):
            self._professions.append(_code(normalize_text(question.profession)))
            for form in readings:
                if form.key.strip("_"):
                    self._exact.add(_hash(form.key), place)
        self._add_sums(questions, forms, first)
        self._add_texts([readings[0].words[:_RANKED_CHARACTERS] for readings in forms], first)

    def _add_sums(
        self, questions: Sequence[Question], forms: Sequence[tuple[StemForm, ...]], first: int
    ) -> None:
        stems = content_sums([readings[0].words for readings in forms]).tolist()
        answers = content_sums(["".join(question.answer) for question in questions]).tolist()
        options = content_sums(["".join(question.options) for question in questions]).tolist()
        for offset, (question, readings) in enumerate(zip(questions, forms, strict=True)):
            sums = [stems[offset], *(int(content_sums([form.words])[0]) for form in readings[1:])]
            units = _twice_named_units(question, readings[0].words)
            for total in sums:
                if question.options:
                    self._whole.add(_whole(total, options[offset]), first + offset)
                for unit in units if _may_be_filled(question, readings[0].words) else ():
                    self._filled.add(total + answers[offset] - unit & _SIXTY_FOUR_BITS, first + offset)

    def _add_texts(self, texts: Sequence[str], first: int) -> None:
        import numpy as np

        codes = character_codes("".join(texts))
        lengths = np.array([len(text) for text in texts])
        self._text.append(codes)
        self._lengths.append(lengths)
        place = np.repeat(np.arange(first, first + len(texts), dtype=np.uint64), lengths)
        kept = (place[1:] == place[:-1]) & (codes[1:] != _UNDERSCORE) & (codes[:-1] != _UNDERSCORE)
        grams = (codes[:-1].astype(np.uint64) << np.uint64(16) | codes[1:]) << np.uint64(32) | place[1:]
        self._grams.append(_sorted_once(grams[kept]))

    def finished(self) -> MatchIndex:
        import numpy as np

        grams = np.concatenate(self._grams) if self._grams else np.zeros(0, np.uint64)
        self._grams.clear()
        grams.sort()
        pairs = (grams >> np.uint64(32)).astype(np.uint32)
        at = np.flatnonzero(np.diff(pairs, prepend=pairs[:1] + 1)) if len(pairs) else np.zeros(0, np.int64)
        lengths = np.concatenate([np.zeros(1, np.int64), *self._lengths])
        return MatchIndex(
            np.array(self._professions, np.uint32),
            *self._exact.sorted(),
            *self._filled.sorted(),
            *self._whole.sorted(),
            pairs[at],
            np.append(at, len(pairs)).astype(np.uint32),
            grams.astype(np.uint32),
            np.cumsum(lengths).astype(np.uint32),
            np.concatenate([np.zeros(0, np.uint16), *self._text]),
        )


def _may_be_filled(question: Question, words: str) -> bool:
    """A stem that is nothing but blanks asks nothing, so its answer alone is not the question."""
    return question.question_type is not QuestionType.JUDGE and BLANK in words and bool(words.strip("_"))


def _twice_named_units(question: Question, words: str) -> set[int]:
    """The sums to take away where a unit ends an answer and stands behind a blank too; 0 for nothing."""
    parts = words.split(BLANK)[1:]
    if not any(answer.rstrip()[-1:] in _UNIT_ENDS for answer in question.answer) or not any(parts):
        return {0}
    units = [unit_at_end(normalize_text(answer)) for answer in question.answer]
    twice = [
        unit
        for unit in units
        if unit and any(part.startswith(unit.lower()) for part in map(str.lower, parts))
    ]
    if not twice:
        return {0}
    sums = [int(total) for total in content_sums(twice)]
    return {0, sum(sums) & _SIXTY_FOUR_BITS, *sums}


def _grams(codes: "NDArray[np.uint16]") -> "NDArray[np.uint32]":
    import numpy as np

    kept = (codes[1:] != _UNDERSCORE) & (codes[:-1] != _UNDERSCORE)
    pairs: NDArray[np.uint32] = (codes[:-1].astype(np.uint32) << np.uint32(16) | codes[1:])[kept]
    return pairs


def _sorted_once(values: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    """As `numpy.unique`, which is slower on numbers of this size."""
    import numpy as np

    values.sort()
    return values[np.flatnonzero(np.append(True, values[1:] != values[:-1]))] if len(values) else values


def _parts_in(stem: str, words: str) -> float:
    """Likeness of `words` to a stem with blanks: high where they begin, go on and end like it, else 0."""
    parts = stem.split(BLANK)
    known = sum(map(len, parts))
    if known < _PARTS_KNOWN or not words.startswith(parts[0]) or not words.endswith(parts[-1]):
        return 0.0
    place = len(parts[0])
    for part in parts[1:]:
        place = words.find(part, place)
        if place < 0:
            return 0.0
        place += len(part)
    return 100.0 * (known / len(words)) ** 0.1 if place <= len(words) else 0.0


def _found(hashes: "NDArray[np.uint64]", places: "NDArray[np.uint32]", wanted: int) -> "NDArray[np.uint32]":
    import numpy as np

    value = np.uint64(wanted)
    start, end = np.searchsorted(hashes, value, "left"), np.searchsorted(hashes, value, "right")
    return places[start:end]


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _whole(stem: int, options: int) -> int:
    return (stem * _STEM_WEIGHT + options * _OPTIONS_WEIGHT) & _SIXTY_FOUR_BITS


def _code(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "replace"))


def _bounds(starts: "NDArray[np.uint32]", count: int, size: int) -> bool:
    """Whether `starts` parts an array of `size` into `count` pieces."""
    ascending = len(starts) == count + 1 and bool((starts[1:] >= starts[:-1]).all())
    return ascending and int(starts[0]) == 0 and int(starts[-1]) == size


def _head_of(view: memoryview) -> int:
    """Check the frame of a written index and return where its arrays start; raises ValueError."""
    head = _MAGIC + struct.pack("<I", _VERSION) + RULES_FINGERPRINT + bytes(4)
    if len(view) < len(head) + 16 or view[: len(head)] != head:
        raise ValueError("no index of this version")
    if hashlib.blake2b(view[:-16], digest_size=16).digest() != view[-16:]:
        raise ValueError("the index is damaged")
    return len(head)
