"""What `xiaoan dataset` prints for scripts: what was written, and what a check found, as JSON knows them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xiaoan.question_bank.question import Question
    from xiaoan.training.data.dataset_check import DatasetCheck, FileCheck, Lengths
    from xiaoan.training.data.pairs import Pair
    from xiaoan.training.data.splits import SplitFacts


@dataclass(frozen=True)
class Built:
    """A data set that was written: its files with their pairs, and what it was made of."""

    files: "tuple[tuple[Path, tuple[Pair, ...]], ...]"
    seed: int
    questions: "tuple[Question, ...]" = ()
    forms: tuple[str, ...] = ()
    refused: int = 0
    asked_plainly: int = 0
    split: "SplitFacts | None" = None

    @property
    def pairs(self) -> "tuple[Pair, ...]":
        """All pairs of all files."""
        return tuple(pair for _, pairs in self.files for pair in pairs)

    @property
    def by_type(self) -> dict[str, int]:
        """How many questions of each 题型."""
        return dict(Counter(str(question.question_type) for question in self.questions))

    @property
    def not_in_bank(self) -> int:
        """How many examples are answered 题库未收录."""
        from xiaoan.training.data.unanswerable import NOT_IN_BANK

        return sum(pair.summary == NOT_IN_BANK for pair in self.pairs)

    @property
    def contradictions(self) -> int:
        """How many contents have several summaries."""
        answers: dict[object, set[str]] = {}
        for pair in self.pairs:
            answers.setdefault((pair.content, pair.history), set()).add(pair.summary)
        return sum(len(summaries) > 1 for summaries in answers.values())


def built_document(built: Built) -> dict[str, Any]:
    """Return what was written."""
    import hashlib

    return {
        "files": [
            {
                "file": str(path),
                "pairs": len(pairs),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path, pairs in built.files
        ],
        "questions": len(built.questions),
        "by_type": built.by_type,
        "forms": list(built.forms),
        "refused_rows": built.refused,
        "asked_plainly": built.asked_plainly,
        "not_in_bank": built.not_in_bank,
        "contradictions": built.contradictions,
        "split": asdict(built.split) if built.split else None,
        "seed": built.seed,
    }


def check_document(check: "DatasetCheck") -> dict[str, Any]:
    """Return what a check found: `spoilt` says whether the exit code is 1."""
    return {
        "files": [_file_document(file) for file in check.files],
        "across": [
            {"content": one.content, "first": list(one.first), "other": list(one.other)}
            for one in check.across
        ],
        "spoilt": check.spoilt,
    }


def _file_document(check: "FileCheck") -> dict[str, Any]:
    return {
        "file": str(check.file.path),
        "sha256": check.file.sha256,
        "pairs": len(check.file.pairs),
        "records_are_lines": check.file.by_line,
        "empty": list(check.file.skipped),
        "source": _lengths_document(check.source),
        "target": _lengths_document(check.target),
        "cut": [asdict(one) for one in check.cut],
        "duplicates": [{"content": one.content, "records": list(one.records)} for one in check.twice],
        "contradictions": [
            {
                "content": one.content,
                "answers": [{"summary": text, "records": list(records)} for text, records in one.answers],
            }
            for one in check.contradictions
        ],
        "answer_not_in_options": [asdict(one) for one in check.no_option],
    }


def _lengths_document(lengths: "Lengths") -> dict[str, Any]:
    histogram: Sequence[tuple[int, int, int]] = lengths.histogram()
    return {
        "limit": lengths.limit,
        "cut": lengths.cut,
        "longest": lengths.longest,
        "median": lengths.share_within(0.5),
        "histogram": [{"from": start, "to": end, "count": count} for start, end, count in histogram],
    }
