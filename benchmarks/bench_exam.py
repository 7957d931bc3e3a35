"""What batches gain: the same questions sat as an exam and asked one at a time, and how long a decided answer lets wait.

Three measures in one process, on one loaded model. Questions a second of `sit_exam`, which answers in batches, beside
`Assistant.ask` one question after the other: same texts, same bank, in turns, the median over the rounds, by the clock
and by processor time (which others on the machine disturb less; it says nothing on a GPU). The answers must be the same.
Then, for 单选题 and 判断题 with options, from the question to the first piece that a person sees: decided by content
beside decoded freely, question by question in turns. Warms up, prints two tables and ends with one JSON line.
Run: OMP_NUM_THREADS=1 python benchmarks/bench_exam.py [--questions 200] [--rounds 3] [--form plain --form options]
"""

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xiaoan.assistant.answering import Assistant
from xiaoan.assistant.engine import Engine
from xiaoan.config import default_paths
from xiaoan.evaluation.exam import sit_exam
from xiaoan.evaluation.forms import TYPE_IS_TOLD
from xiaoan.evaluation.paper import PaperItem, write_paper
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.question import Question, QuestionType

FORMS = ("plain", "options")
WARM_UP = 8
"""Questions asked both ways before anything is timed."""

Clock = Callable[[], float]
"""Seconds."""


@dataclass(frozen=True)
class Throughput:
    """Questions a second of one form, both ways; `differing` answers were not the same and should be none.

    `processor_speedup` is `speedup` by processor time.
    """

    batched: float
    one_at_a_time: float
    processor_speedup: float
    differing: int

    @property
    def speedup(self) -> float:
        """How many times as many questions a second the exam answers."""
        return self.batched / self.one_at_a_time

    def to_document(self) -> dict[str, float]:
        """Return the figures, rounded."""
        return {
            "batched_questions_per_s": round(self.batched, 1),
            "one_at_a_time_questions_per_s": round(self.one_at_a_time, 1),
            "speedup": round(self.speedup, 2),
            "speedup_by_processor_time": round(self.processor_speedup, 2),
            "answers_that_differ": self.differing,
        }


def throughput(
    engine: Engine,
    matcher: Matcher | None,
    questions: Sequence[Question],
    form: str,
    *,
    rounds: int,
    clock: Clock = time.perf_counter,
    processor: Clock = time.process_time,
) -> Throughput:
    """Return how fast `questions` are answered in `form`, the medians over the rounds."""
    assistant = Assistant(engine, matcher, clock=clock)
    paper = write_paper(questions, [form])
    batched: list[tuple[float, float]] = []
    alone: list[tuple[float, float]] = []
    differing = 0
    for _ in range(rounds):
        start = clock(), processor()
        report = sit_exam(assistant, questions, [form])
        middle = clock(), processor()
        answers = [assistant.answer(as_typed(item)).answer for item in paper]
        end = clock(), processor()
        batched.append((middle[0] - start[0], middle[1] - start[1]))
        alone.append((end[0] - middle[0], end[1] - middle[1]))
        together = {(one.id, one.form, one.turn): one.answer for one in report.sittings}
        differing = sum(together.get(item.key) != text for item, text in zip(paper, answers, strict=True))
    (batched_s, batched_cpu_s), (alone_s, alone_cpu_s) = _medians(batched), _medians(alone)
    return Throughput(
        len(paper) / batched_s, len(paper) / alone_s, alone_cpu_s / max(batched_cpu_s, 1e-9), differing
    )


def _medians(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(one for one, _ in times), statistics.median(other for _, other in times)


def as_typed(item: PaperItem) -> str:
    """Return the question as a person types it who knows what the exam is told: the 题型, in some forms."""
    told = item.form in TYPE_IS_TOLD
    return f"（{item.question.question_type}）{item.text}" if told else item.text


def first_pieces(
    engine: Engine,
    matcher: Matcher | None,
    questions: Sequence[Question],
    *,
    clock: Clock = time.perf_counter,
) -> dict[str, float]:
    """Return the median milliseconds to the first piece, decided by content and decoded freely, and their ratio.

    Of the 单选题 and 判断题 among `questions`, asked with their options.
    """
    ways = {decode: Assistant(engine, matcher, clock=clock, decode=decode) for decode in ("content", "free")}
    found: dict[str, list[float]] = {decode: [] for decode in ways}
    single_answers = [q for q in questions if q.question_type in (QuestionType.SINGLE, QuestionType.JUDGE)]
    for item in write_paper(single_answers, ["options"]):
        for decode, assistant in ways.items():
            started = clock()
            pieces = assistant.ask(as_typed(item))
            next(pieces)
            found[decode].append(1000 * (clock() - started))
            for _ in pieces:  # an answer is not cut off: the next one would wait for it
                pass
    content, free = (statistics.median(found[decode]) for decode in ways)
    return {
        "content_ms": round(content, 2),
        "free_ms": round(free, 2),
        "content_over_free": round(content / free, 2),
    }


def measure(
    engine: Engine,
    matcher: Matcher | None,
    questions: Sequence[Question],
    forms: Sequence[str],
    *,
    rounds: int,
    clock: Clock = time.perf_counter,
) -> dict[str, Any]:
    """Print both tables and return the JSON document."""
    for form in forms:
        throughput(engine, matcher, questions[:WARM_UP], form, rounds=1, clock=clock)
    print(
        f"{'form':10} {'batched q/s':>12} {'one by one q/s':>15} {'speedup':>8} {'processor':>10} {'other answers':>14}"
    )
    found = {}
    for form in forms:
        found[form] = throughput(engine, matcher, questions, form, rounds=rounds, clock=clock)
        own = found[form]
        print(
            f"{form:10} {own.batched:12.1f} {own.one_at_a_time:15.1f} {own.speedup:8.2f}"
            f" {own.processor_speedup:10.2f} {own.differing:14}"
        )
    first_pieces(engine, matcher, questions[:WARM_UP], clock=clock)
    pieces = first_pieces(engine, matcher, questions, clock=clock)
    print(f"\n{'first piece':12} {'content ms':>11} {'free ms':>9} {'ratio':>6}")
    print(f"{'':12} {pieces['content_ms']:11} {pieces['free_ms']:9} {pieces['content_over_free']:6}")
    batched_s = sum(1 / own.batched for own in found.values())
    alone_s = sum(1 / own.one_at_a_time for own in found.values())
    return {
        "questions": len(questions),
        "rounds": rounds,
        "speedup": round(alone_s / batched_s, 2),
        "forms": {form: own.to_document() for form, own in found.items()},
        "first_piece": pieces,
    }


def main() -> None:
    """Parse, load, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--form", action="append", dest="forms", help="one of `xiaoan exam --form`; repeatable"
    )
    parser.add_argument("--bank", type=Path, default=default_paths().bank)
    parser.add_argument("--model", help="folder or hub id; the demonstration model without it")
    parser.add_argument("--prefix", help="folder, or off")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    arguments = parser.parse_args()

    from xiaoan.process_environment import prepare_environment

    prepare_environment(os.environ)
    import torch

    from xiaoan.assistant.chatglm_engine import load_engine
    from xiaoan.assistant.open_bank import open_bank

    torch.set_num_threads(arguments.threads)
    engine = load_engine(arguments.model, arguments.prefix, arguments.device, arguments.dtype)
    bank = open_bank([arguments.bank])
    assert bank is not None
    everything = list(bank.bank)
    questions = random.Random(0).sample(everything, min(arguments.questions, len(everything)))
    print(f"{engine.info.name} {engine.info.device} {engine.info.dtype}, {arguments.threads} threads")
    found = measure(engine, bank.matcher, questions, arguments.forms or FORMS, rounds=arguments.rounds)
    about = {"device": engine.info.device, "dtype": engine.info.dtype, "threads": arguments.threads}
    print(json.dumps({**about, **found}))


if __name__ == "__main__":
    main()
