"""What finding a question in a large bank costs: this project's index and cache beside rapidfuzz and TF-IDF over all stems.

Asks for made-up questions as people do, prints a table and ends with one JSON line. Memory is told on Linux only.
Run: OMP_NUM_THREADS=1 python benchmarks/bench_bank.py [--questions 217000] [--asked 300]
"""

import argparse
import importlib.util
import json
import multiprocessing
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from made_questions import ask_as_people_do, make_questions

from xiaoan.question_bank.finding.match_index import MatchIndex, Shelf
from xiaoan.question_bank.matching import Matcher, MatchKind
from xiaoan.question_bank.normalization import match_key, normalize_stem
from xiaoan.question_bank.parsing import AskedQuestion, parse_question
from xiaoan.question_bank.question import Question
from xiaoan.question_bank.rows.sheet_reading import SheetReading
from xiaoan.question_bank.spreadsheet import FileReading
from xiaoan.question_bank.store.bank_cache import BankCache

MUST_BE_FOUND = frozenset(["exact", "format", "slip", "filled"])
"""The ways of asking that leave a question the bank's; a match for any other way is false."""


@dataclass
class Result:
    """What one way to find questions did: costs, and by kind of input how many it found and how quickly."""

    build_s: float
    megabytes: float
    ms: dict[str, list[float]] = field(default_factory=dict)
    found: dict[str, list[bool]] = field(default_factory=dict)
    false_matches: int = 0

    def row(self) -> dict[str, Any]:
        """Return the figures: seconds, megabytes, milliseconds, and shares found (0 to 1)."""
        return {
            "build_s": round(self.build_s, 2),
            "megabytes": round(self.megabytes, 1),
            "median_ms": {kind: round(statistics.median(times), 2) for kind, times in self.ms.items()},
            "p95_ms": {
                kind: round(statistics.quantiles(times, n=20)[-1], 2) for kind, times in self.ms.items()
            },
            "recall": {kind: round(statistics.mean(found), 4) for kind, found in self.found.items() if found},
            "false_matches": self.false_matches,
        }


def measure(
    find: Callable[[AskedQuestion], Question | None], asked: Sequence[Question], result: Result
) -> None:
    """Ask for each of `asked` in every way and note time, success and false matches in `result`."""
    source = random.Random(0)
    find(parse_question("什么都还没有问"))  # whatever is loaded on first use is not a question's cost
    for question in asked:
        for kind, text in ask_as_people_do(question, source):
            typed = parse_question(text)
            started = time.perf_counter()
            found = find(typed)
            result.ms.setdefault(kind, []).append(1000 * (time.perf_counter() - started))
            same = found is not None and normalize_stem(found.stem) == normalize_stem(question.stem)
            if kind in MUST_BE_FOUND:
                result.found.setdefault(kind, []).append(same)
            result.false_matches += found is not None and (kind not in MUST_BE_FOUND or not same)


def finder(matcher: Matcher) -> Callable[[AskedQuestion], Question | None]:
    """Return what takes a question for found if the matcher says that it is the bank's."""

    def find(typed: AskedQuestion) -> Question | None:
        match = matcher.match(typed)
        return match.questions[0] if match.kind is MatchKind.EQUIVALENT else None

    return find


def our_index(questions: Sequence[Question], asked: Sequence[Question]) -> tuple[Result, dict[str, float]]:
    """Return what the index over questions in memory does, and how long it takes to load (seconds)."""
    started = time.perf_counter()
    index = MatchIndex.build(questions)
    build_s = time.perf_counter() - started
    data = index.to_bytes()
    started = time.perf_counter()
    matcher = Matcher([Shelf(questions.__getitem__, MatchIndex.from_bytes(data))])
    load_s = time.perf_counter() - started
    result = Result(build_s, len(data) / 1e6)
    measure(finder(matcher), asked, result)
    return result, {"load_s": round(load_s, 3)}


def our_cache(questions: Sequence[Question], asked: Sequence[Question]) -> tuple[Result, dict[str, float]]:
    """Return what the index over questions in the cache does, and what it takes to open the bank again.

    Built from questions that were read already: what reading a workbook takes is not in these figures. The
    bank is opened by a process of its own, as the next start of the program does.
    """
    with tempfile.TemporaryDirectory() as folder:
        bank, cache = Path(folder, "bank"), Path(folder, "banks.sqlite3")
        # Only its digest counts here. As long as a text of the bank, so that taking the digest takes its time.
        bank.write_text("\n".join(question.stem for question in questions), encoding="utf-8")
        sheet = SheetReading("", "", None, {}, questions=tuple(questions))
        started = time.perf_counter()
        BankCache(cache).open([bank], lambda path: FileReading(path, (sheet,)))
        build_s = time.perf_counter() - started
        result = Result(build_s, cache.stat().st_size / 1e6)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as other_process:
            return other_process.submit(reopened, bank, cache, asked, result).result()


def reopened(
    bank: Path, cache: Path, asked: Sequence[Question], result: Result
) -> tuple[Result, dict[str, float]]:
    """Return `result` with what the kept bank does; seconds to open it, then with a matcher; MB at most.

    Raises LookupError if the bank is not in the cache.
    """
    before = peak_megabytes()
    started = time.perf_counter()
    stored = BankCache(cache).open([bank], not_kept)
    opened = time.perf_counter()
    matcher = Matcher(stored.shelves())
    ready = time.perf_counter()
    measure(finder(matcher), asked, result)
    return result, {
        "open_s": round(opened - started, 3),
        "open_and_matcher_s": round(ready - started, 3),
        "process_mb": round(before),
        "process_peak_mb": round(peak_megabytes()),
    }


def not_kept(path: Path) -> FileReading:
    """Raise LookupError: what was just kept is to be found."""
    raise LookupError(f"{path} is not in the cache")


def peak_megabytes() -> float:
    """Return the most memory that this process held so far, in MB; 0 where the system does not tell.

    `getrusage` would count the memory of the process that started this one.
    """
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="ascii")) if status.exists() else None
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def rapidfuzz_over_all(questions: Sequence[Question], asked: Sequence[Question], least: float) -> Result:
    """Return what taking the nearest stem does, where a likeness of `least` (0 to 100) counts as found."""
    from rapidfuzz import fuzz, process

    started = time.perf_counter()
    keys = [match_key(question.stem) for question in questions]
    result = Result(time.perf_counter() - started, sum(len(key.encode("utf-16")) for key in keys) / 1e6)

    def find(typed: AskedQuestion) -> Question | None:
        nearest = process.extractOne(match_key(typed.stem), keys, scorer=fuzz.ratio, score_cutoff=least)
        return questions[nearest[2]] if nearest else None

    measure(find, asked, result)
    return result


def tf_idf(questions: Sequence[Question], asked: Sequence[Question], least: float) -> Result | None:
    """Return what the nearest vector of character 2- and 3-grams does, or None without scikit-learn."""
    if not importlib.util.find_spec("sklearn"):
        return None
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    started = time.perf_counter()
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), dtype=np.float32)
    vectors = vectorizer.fit_transform([match_key(question.stem) for question in questions])
    size = vectors.data.nbytes + vectors.indices.nbytes + vectors.indptr.nbytes
    result = Result(time.perf_counter() - started, size / 1e6)

    def find(typed: AskedQuestion) -> Question | None:
        likeness = (vectors @ vectorizer.transform([match_key(typed.stem)]).T).toarray().ravel()
        best = int(likeness.argmax())
        return questions[best] if likeness[best] >= least else None

    measure(find, asked, result)
    return result


def show(name: str, result: Result) -> None:
    """Print one table: a line for each kind of input."""
    row = result.row()
    costs = f"built in {row['build_s']} s, {row['megabytes']} MB"
    print(f"\n{name}: {costs}, false matches {row['false_matches']}")
    print(f"  {'input':14} {'median ms':>10} {'p95 ms':>10} {'recall':>8}")
    for kind, median in row["median_ms"].items():
        recall = f"{row['recall'][kind]:8.2%}" if kind in row["recall"] else ""
        print(f"  {kind:14} {median:10.2f} {row['p95_ms'][kind]:10.2f} {recall}")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=217_000)
    parser.add_argument("--asked", type=int, default=300, help="questions asked for, each in several ways")
    parser.add_argument("--asked-of-others", type=int, default=30, help="as --asked, for the slow ways")
    arguments = parser.parse_args()
    questions = make_questions(arguments.questions)
    asked = random.Random(1).sample(questions, min(arguments.asked, len(questions)))
    few = asked[: arguments.asked_of_others]
    length = statistics.mean(len(question.stem) for question in questions)
    print(f"{len(questions)} questions of {length:.0f} characters")
    print(f"{len(asked)} asked for ({len(few)} of the others)")
    cached, reopening = our_cache(questions, asked)
    indexed, loading = our_index(questions, asked)
    results = {"cache": cached, "index": indexed, "rapidfuzz 95": rapidfuzz_over_all(questions, few, 95.0)}
    vectors = tf_idf(questions, few, 0.95)
    if vectors is None:
        print("scikit-learn is not installed: TF-IDF is left out")
    else:
        results["tf-idf 0.95"] = vectors
    for name, result in results.items():
        show(name, result)
    print("\ncache, opened again:", ", ".join(f"{name} {value}" for name, value in reopening.items()))
    rows = {name: result.row() for name, result in results.items()}
    rows["cache"].update(reopening)
    rows["index"].update(loading)
    print(json.dumps({"questions": len(questions), "results": rows}, ensure_ascii=False))


if __name__ == "__main__":
    main()
