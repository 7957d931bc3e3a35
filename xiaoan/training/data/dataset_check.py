"""What would go wrong in training on a file of pairs: what is cut, said twice, contradicts itself or is no option.

Lengths are counted as the published script counts them: of `content` (with its rounds) `max_source_length - 1`
tokens are kept, of `summary` `max_target_length - 2`.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xiaoan.question_bank.normalization import ANSWER_SEPARATOR, normalize_text, text_key
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import judge_word
from xiaoan.training.data.pair_files import PairFile
from xiaoan.training.data.pairs import Pair, prompt_of
from xiaoan.training.data.unanswerable import NOT_IN_BANK

_BUCKETS = 8
_ROUND_WIDTHS = (1, 2, 4, 5, 8, 10, 16, 20, 32, 40, 50, 64, 100, 128, 200, 256, 500, 512, 1000)


@dataclass(frozen=True)
class Lengths:
    """Token counts of one side of the pairs: `limit` of them are kept, `counts` are sorted."""

    limit: int
    counts: tuple[int, ...]

    @property
    def longest(self) -> int:
        """The largest count, 0 without pairs."""
        return self.counts[-1] if self.counts else 0

    @property
    def cut(self) -> int:
        """How many are longer than what is kept."""
        return sum(count > self.limit for count in self.counts)

    def share_within(self, share: float) -> int:
        """Return the count within which `share` of all lie (0.5: the median)."""
        return self.counts[max(math.ceil(share * len(self.counts)) - 1, 0)] if self.counts else 0

    def histogram(self) -> list[tuple[int, int, int]]:
        """Return at most nine buckets as (from, to, how many), of one round width, from the shortest to the longest."""
        if not self.counts:
            return []
        width = next((w for w in _ROUND_WIDTHS if w * _BUCKETS > self.longest), self.longest // _BUCKETS + 1)
        first = self.counts[0] // width * width
        return [
            (start, start + width - 1, sum(start <= count < start + width for count in self.counts))
            for start in range(first, self.longest + 1, width)
        ]


@dataclass(frozen=True)
class Twice:
    """One content that stands in several records of the file: `records` by number."""

    content: str
    records: tuple[int, ...]


@dataclass(frozen=True)
class Contradiction:
    """One content with several summaries: (summary, record numbers) of each."""

    content: str
    answers: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class NoOption:
    """An answer that is not among its options: `why` says what is wrong with it."""

    record: int
    summary: str
    why: str


@dataclass(frozen=True)
class Cut:
    """A record that does not fit: tokens of both sides."""

    record: int
    source: int
    target: int


@dataclass(frozen=True)
class FileCheck:
    """What was found in one file."""

    file: PairFile
    source: Lengths
    target: Lengths
    cut: tuple[Cut, ...]
    twice: tuple[Twice, ...]
    contradictions: tuple[Contradiction, ...]
    no_option: tuple[NoOption, ...]

    @property
    def spoilt(self) -> bool:
        """Whether training would learn something wrong or lose a record."""
        return bool(self.cut or self.contradictions or self.no_option or self.file.skipped)


@dataclass(frozen=True)
class Across:
    """One content in two files: what is learnt is asked in the validation, too. Records of the first, of the other."""

    content: str
    first: tuple[int, ...]
    other: tuple[int, ...]


@dataclass(frozen=True)
class DatasetCheck:
    """What was found in a training file, and in the validation file beside it."""

    files: tuple[FileCheck, ...]
    across: tuple[Across, ...]

    @property
    def spoilt(self) -> bool:
        """Whether anything is wrong that training or its measuring would suffer from."""
        return bool(self.across) or any(file.spoilt for file in self.files)


def check_dataset(
    files: Sequence[PairFile], count: Callable[[str], int], *, max_source_length: int, max_target_length: int
) -> DatasetCheck:
    """Return what is to be known of one file, or of a training file and its validation file.

    Args:
        files: one or two files.
        count: the number of tokens of a text, without special tokens.
        max_source_length: as training is told it.
        max_target_length: as training is told it.
    """
    limits = (max_source_length - 1, max_target_length - 2)
    return DatasetCheck(tuple(_check_file(file, count, *limits) for file in files), tuple(_across(files)))


def _check_file(file: PairFile, count: Callable[[str], int], most_source: int, most_target: int) -> FileCheck:
    counted = [
        Cut(record, count(prompt_of(pair)), count(pair.summary))
        for record, pair in zip(file.records, file.pairs, strict=True)
    ]
    asked = _records_by_content(file)
    return FileCheck(
        file=file,
        source=Lengths(most_source, tuple(sorted(one.source for one in counted))),
        target=Lengths(most_target, tuple(sorted(one.target for one in counted))),
        cut=tuple(one for one in counted if one.source > most_source or one.target > most_target),
        twice=tuple(_twice(file)),
        contradictions=tuple(_contradictions(file, asked)),
        no_option=tuple(_no_options(file)),
    )


def _key(pair: Pair) -> str:
    return normalize_text(prompt_of(pair))


def _records_by_content(file: PairFile) -> dict[str, list[int]]:
    """Content → places among the pairs."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, pair in enumerate(file.pairs):
        found[_key(pair)].append(place)
    return found


def _twice(file: PairFile) -> Iterator[Twice]:
    """Records that say the same, question and answer."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for record, pair in zip(file.records, file.pairs, strict=True):
        found[_key(pair), text_key(pair.summary)].append(record)
    for (content, _), records in found.items():
        if len(records) > 1:
            yield Twice(content, tuple(records))


def _contradictions(file: PairFile, asked: dict[str, list[int]]) -> Iterator[Contradiction]:
    for content, places in asked.items():
        answers: dict[str, tuple[str, list[int]]] = {}
        for place in places:
            summary = file.pairs[place].summary
            answers.setdefault(_answer_key(summary), (summary, []))[1].append(file.records[place])
        if len(answers) > 1:
            yield Contradiction(content, tuple((text, tuple(records)) for text, records in answers.values()))


def _answer_key(summary: str) -> str:
    return "\n".join(sorted(map(text_key, _parts_of(summary))))


def _across(files: Sequence[PairFile]) -> Iterator[Across]:
    for one, other in pairwise(files):
        first, second = _records_by_content(one), _records_by_content(other)
        for content, places in first.items():
            if content in second:
                yield Across(
                    content,
                    tuple(one.records[place] for place in places),
                    tuple(other.records[place] for place in second[content]),
                )


def _no_options(file: PairFile) -> Iterator[NoOption]:
    for record, pair in zip(file.records, file.pairs, strict=True):
        options = parse_question(pair.content).options if not pair.history else ()
        if len(options) > 1 and (why := _why_no_option(pair.summary, options)):
            yield NoOption(record, pair.summary, why)


def _why_no_option(summary: str, options: Sequence[AskedOption]) -> str:
    """What is wrong with an answer to a question with options, or nothing."""
    if summary.strip() == NOT_IN_BANK:
        return ""
    texts = {option.label: text_key(option.text) for option in options}
    if set(summary.strip()) <= set("".join(texts)) | set(" ,、;"):
        return ""  # letters alone
    if text_key(summary) in texts.values():
        return ""
    for part in _parts_of(summary):
        label, text = _label_of(part, texts)
        if label and text_key(text) != texts[label]:
            return f"{label} 的文字对不上选项 {label}"
        if not label and text_key(text) not in texts.values() and not _judges(text, texts):
            return "不在选项里"
    return ""


def _parts_of(summary: str) -> list[str]:
    lines = [line for line in summary.split("\n") if line.strip()]
    return lines if len(lines) > 1 else summary.split(ANSWER_SEPARATOR)


def _label_of(part: str, texts: dict[str, str]) -> tuple[str, str]:
    """The label in front of `B. 绝缘靴` and the text behind it; no label where the whole part is an option."""
    part = part.strip()
    if text_key(part) not in texts.values():
        for sign in (".", "、", "．", ":", "：", ")", "）"):
            label, found, text = part.partition(sign)
            if found and label.strip() in texts:
                return label.strip(), text.strip()
    return "", part


def _judges(text: str, texts: dict[str, str]) -> bool:
    """Whether 正确 or 错误 is said to options that are a judgement too."""
    word = judge_word(text)
    return word is not None and word in {judge_word(option) for option in texts.values()}
