"""What waiting there is in practice, quiz, review and stats: first prompt, answer to verdict, and a long history.

Makes a bank of made-up questions and a history of answers in a folder of its own, runs the program under a
pseudo-terminal (so not on Windows), prints a table and ends with one JSON line.
Run: OMP_NUM_THREADS=1 python benchmarks/bench_session.py [--questions 12000] [--attempts 1000000] [--runs 15]
"""

import argparse
import codecs
import json
import os
import pty
import random
import re
import select
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from made_questions import make_questions

from xiaoan.question_bank.canonical import write_canonical
from xiaoan.question_bank.progress import Attempt, Progress
from xiaoan.question_bank.question import Question

BASELINE = ("-c", "import prompt_toolkit, rich, typer")
PROMPT = "🙋"
NEXT = "Enter 继续"
VERDICT = "[✓✗!] (?:对|错|部分对)"
NOTED = "已记下"
DAYS = 730
AT_ONCE = 20_000
LONGEST_S = 120.0
_CONTROL = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07]*\x07|[\x00-\x09\x0b-\x1f]")
_WHERE_IS_THE_CURSOR = b"\x1b[6n"
_IN_ROW_20 = b"\x1b[20;1R"


class Seat:
    """One run of the program at a terminal of 80 columns, by someone who reads and types."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self._fd, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (30, 80))
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(theirs)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._uncut = ""
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    def type(self, keys: str) -> float:
        """Press keys; return when, in seconds of the clock."""
        at = time.perf_counter()
        os.write(self._fd, keys.encode())
        return at

    def see(self, pattern: str) -> float:
        """Wait for the next text that matches; return when it stood there. Raises RuntimeError where it never does."""
        patience = time.perf_counter() + LONGEST_S
        while time.perf_counter() < patience:
            if found := re.search(pattern, self._shown):
                self._shown = self._shown[found.end() :]
                return time.perf_counter()
            if not self._read():
                break
        raise RuntimeError(f"no {pattern!r} in {self._said()}")

    def end(self) -> float:
        """Read until the program ends; return when it did. Raises RuntimeError where it failed."""
        while self._read():
            pass
        ended = time.perf_counter()
        if code := self._process.wait():
            raise RuntimeError(f"exit code {code}: {self._said()}")
        return ended

    def _read(self) -> bool:
        """Read what is there, answering as a terminal does; False at the end."""
        ready, _, _ = select.select([self._fd], [], [], LONGEST_S)
        if not ready:
            raise RuntimeError(f"nothing for {LONGEST_S:g} s after {self._said()}")
        try:
            piece = os.read(self._fd, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self._show(self._decoder.decode(piece))
        if _WHERE_IS_THE_CURSOR in piece:
            os.write(self._fd, _IN_ROW_20)
        return bool(piece)

    def _show(self, text: str) -> None:
        """Add text without its control sequences; one that is still cut in two waits for its other half."""
        text = self._uncut + text
        last = text.rfind("\x1b")
        whole = last < 0 or _CONTROL.match(text, last)
        self._uncut = "" if whole else text[last:]
        self._shown += _CONTROL.sub("", text if whole else text[:last])

    def _said(self) -> str:
        return self._shown[-2000:]


def wall_s(arguments: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return how long a run of Python takes from its start to its end, at a terminal."""
    with Seat(arguments, environ) as seat:
        return seat.end() - seat.started


def until_prompt_s(command: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return how long a command of the program takes from its start to its first prompt."""
    with Seat(["-m", "xiaoan", *command], environ) as seat:
        return seat.see(PROMPT) - seat.started


def practice_ms(answers: int, environ: Mapping[str, str]) -> list[float]:
    """Return how long it took from Enter to each verdict of a practice."""
    found: list[float] = []
    with Seat(["-m", "xiaoan", "practice", "--count", str(answers), "--seed", "5"], environ) as seat:
        for number in range(answers):
            seat.see(PROMPT)
            seat.type("A")
            seat.see("A")
            pressed = seat.type("\r")
            found.append(1000 * (seat.see(VERDICT) - pressed))
            seat.see(NEXT)
            if number + 1 < answers:
                seat.type("\r")
    return found


def quiz_ms(answers: int, environ: Mapping[str, str]) -> list[float]:
    """Return how long it took from Enter until each answer of a quiz was noted (and on disk)."""
    found: list[float] = []
    with Seat(["-m", "xiaoan", "quiz", "--count", str(answers), "--seed", "5"], environ) as seat:
        for _ in range(answers):
            seat.see(PROMPT)
            seat.type("A")
            seat.see("A")
            pressed = seat.type("\r")
            found.append(1000 * (seat.see(NOTED) - pressed))
    return found


def make_history(home: Path, questions: Sequence[Question], count: int) -> float:
    """Write `count` answers of one person over two years and return how many seconds that took."""
    started = time.perf_counter()
    now = datetime.now().astimezone()
    attempts = _attempts(questions, count, now)
    with Progress.open(home / "progress.sqlite", "测试", now=lambda: now) as progress:
        while some := list(islice(attempts, AT_ONCE)):
            progress.record(some)
    return time.perf_counter() - started


def _attempts(questions: Sequence[Question], count: int, now: datetime) -> Iterator[Attempt]:
    source = random.Random(7)
    for number in range(count):
        question = questions[source.randrange(len(questions))]
        right = source.random() < 0.5 + 0.4 * number / count
        yield Attempt(
            question_id=question.id,
            profession=question.profession,
            question_type=str(question.question_type),
            mode="practice",
            given="A",
            verdict="right" if right else "wrong",
            credit=float(right),
            seconds=5 + 60 * source.random(),
            marked=False,
            at=now - timedelta(days=DAYS * (1 - number / count)),
        )


def spread(values: Sequence[float], digits: int) -> dict[str, float]:
    """Return the least, which other programs disturb least, the median and the 95th percentile."""
    return {
        "least": round(min(values), digits),
        "median": round(statistics.median(values), digits),
        "p95": round(statistics.quantiles(values, n=20)[-1], digits),
    }


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return all figures; the two sides of the ratio take turns, so that both meet the same machine."""
    questions = [
        replace(question, clause=f"变电安规 {number % 18 + 1}.{number % 7 + 1}")
        for number, question in enumerate(make_questions(arguments.questions))
    ]
    bank = folder / "题库.xlsx"
    write_canonical(questions, bank)
    empty, full = folder / "empty", folder / "full"
    full.mkdir()
    history_s = make_history(full, questions, arguments.attempts)
    homes = {home: _environ(home, bank) for home in (empty, full)}
    for environ in homes.values():
        until_prompt_s(["quiz"], environ)  # reads the workbook and fills the cache
    times: dict[str, list[float]] = {}
    for _ in range(arguments.runs + 1):
        for name, value in (
            ("imports", wall_s(BASELINE, homes[empty])),
            ("quiz", until_prompt_s(["quiz"], homes[empty])),
            ("quiz_long_history", until_prompt_s(["quiz"], homes[full])),
            ("practice_long_history", until_prompt_s(["practice"], homes[full])),
            ("stats", wall_s(["-m", "xiaoan", "stats"], homes[full])),
            ("review", until_prompt_s(["review"], homes[full])),
        ):
            times.setdefault(name, []).append(value)
    seconds = {name: spread(values[1:], 3) for name, values in times.items()}  # the first run warms up
    return {
        "questions": len(questions),
        "attempts": arguments.attempts,
        "history_written_s": round(history_s, 1),
        "database_mb": round((full / "progress.sqlite").stat().st_size / 1e6, 1),
        "seconds": seconds,
        "quiz_over_imports": {
            figure: round(seconds["quiz"][figure] / seconds["imports"][figure], 2)
            for figure in ("least", "median")
        },
        "answer_ms": {
            "practice": spread(practice_ms(arguments.answers, homes[full])[1:], 1),
            "quiz": spread(quiz_ms(arguments.answers, homes[full])[1:], 1),
        },
    }


def _environ(home: Path, bank: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XIAOAN_")}
    return {**kept, "XIAOAN_HOME": str(home), "XIAOAN_BANK": str(bank), "XIAOAN_USER": "测试"}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=12_000)
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=15, help="starts of each command")
    parser.add_argument("--answers", type=int, default=60, help="answers given in practice and in a quiz")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(arguments, Path(folder))
    print(f"{figures['questions']} questions, {figures['attempts']} stored attempts")
    print(f"{'':28} {'least':>8} {'median':>8} {'p95':>8}")
    rows = {f"{name}, s": row for name, row in figures["seconds"].items()}
    rows |= {f"answer in {name}, ms": row for name, row in figures["answer_ms"].items()}
    for name, row in rows.items():
        print(f"{name:28} " + " ".join(f"{value:8g}" for value in row.values()))
    ratios = ", ".join(f"{value} ({figure})" for figure, value in figures["quiz_over_imports"].items())
    print(f"first prompt of quiz over the imports alone: {ratios}")
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
