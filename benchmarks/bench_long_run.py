"""Whether many answers leak, and what a long context costs: resident memory over 10,000 answers, and time by context.

The engine is the one that the session uses, with its caches kept from question to question. Every tenth answer is left
in the middle, as Ctrl-C leaves it, and every thousandth grows to a thousand tokens, so that caches grow and are given
back. Then, with the same model, a token at 64 and at 2,000 tokens of context, in turns, the median over the rounds.
Prints both tables and ends with one JSON line; memory is told where /proc is. Every cached answer is also compared with
the first one to the same question.
Run: python benchmarks/bench_long_run.py [--answers 10000] [--threads 1] [--dtype float32] [--rounds 3]
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.assistant.chatglm_engine import load_engine
from xiaoan.config import default_paths

if TYPE_CHECKING:
    from xiaoan.assistant.chatglm_engine import ChatGLMEngine

LEFT_EVERY, LONG_EVERY = 10, 1000
"""Every so many answers one is left after two tokens; one is a thousand tokens long."""
LEFT_AFTER, LONG = 2, 1000
CONTEXTS = (64, 2000)
TIMED_TOKENS = 32

Clock = Callable[[], float]
"""Seconds."""


def resident_mib() -> float | None:
    """Return the resident memory of this process, None where the system does not say."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def answer_many(
    engine: "ChatGLMEngine",
    questions: Sequence[str],
    answers: int,
    *,
    every: int,
    memory: Callable[[], float | None] = resident_mib,
    long: int = LONG,
) -> tuple[list[float | None], int]:
    """Return the memory every `every` answers, and how many answers were not the first ones to the same question."""
    first: dict[str, str] = {}
    differing = 0
    seen = [memory()]
    for number, question in zip(range(1, answers + 1), itertools.cycle(questions), strict=False):
        if number % LONG_EVERY == 0:
            write_long(engine, question, long)
        elif number % LEFT_EVERY == 0:
            for _ in itertools.islice(engine.stream(question), LEFT_AFTER):
                pass
        else:
            said = "".join(piece.text for piece in engine.stream(question))
            differing += first.setdefault(question, said) != said
        if number % every == 0:
            seen.append(memory())
            print(f"{number:8} answers {seen[-1] or 0:10.1f} MiB", flush=True)
    return seen, differing


def write_long(engine: "ChatGLMEngine", question: str, tokens: int) -> None:
    """Have an answer that no end token ends."""
    for _ in timed_tokens(engine, question, tokens, clock=time.perf_counter):
        pass


def timed_tokens(engine: "ChatGLMEngine", text: str, tokens: int, *, clock: Clock) -> list[float]:
    """Return the seconds of each of `tokens` tokens after `text`, an end token ending nothing; the first with the prompt."""
    import torch

    from xiaoan.chatglm.generation import stream_token_ids

    ids = torch.tensor([engine._tokenizer.encode(text)])
    stream = stream_token_ids(
        engine._model, ids, max_length=ids.shape[1] + tokens, eos=(), decoder=engine._decoder
    )
    times, before = [], clock()
    for _ in stream:
        now = clock()
        times.append(now - before)
        before = now
    return times


def by_context(engine: "ChatGLMEngine", question: str, *, rounds: int, clock: Clock) -> dict[int, float]:
    """Return the median milliseconds of a token after each context of `CONTEXTS` tokens, prefix not counted."""
    found: dict[int, list[float]] = {context: [] for context in CONTEXTS}
    tokenizer = engine._tokenizer
    for _ in range(rounds):
        for context, times in found.items():
            text = question
            while len(tokenizer.encode(text)) < context:
                text += question
            # At most the window is left to the answer.
            tokens = min(TIMED_TOKENS, int(engine._model.config.max_sequence_length) - context - 40)
            while len(tokenizer.encode(text)) > context:
                text = text[:-1]
            times.extend(timed_tokens(engine, text, tokens, clock=clock)[1:])
    return {context: 1000 * statistics.median(times) for context, times in found.items()}


def measure(
    engine: "ChatGLMEngine",
    questions: Sequence[str],
    *,
    answers: int,
    rounds: int,
    clock: Clock = time.perf_counter,
) -> dict[str, Any]:
    """Print both tables and return the JSON document."""
    for question in questions[:8]:  # libraries and caches get their memory
        for _ in engine.stream(question):
            pass
    write_long(engine, questions[0], LONG)
    started = clock()
    memory, differing = answer_many(engine, questions, answers, every=max(answers // 10, 1))
    seconds = clock() - started
    tokens = by_context(engine, questions[0], rounds=rounds, clock=clock)
    for context, milliseconds in tokens.items():
        print(f"{context:8} tokens of context {milliseconds:10.3f} ms a token")
    short, long = (tokens[context] for context in CONTEXTS)
    known = [mib for mib in memory if mib is not None]
    return {
        "answers": answers,
        "seconds": round(seconds, 1),
        "answers_that_differ": differing,
        "resident_mib": [round(mib, 1) for mib in known],
        "growth_mib": round(known[-1] - known[1], 1) if len(known) > 1 else None,
        "ms_per_token": {str(context): round(value, 3) for context, value in tokens.items()},
        "long_over_short_context": round(long / short, 2),
    }


def main() -> None:
    """Parse, load, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--answers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", help="folder or hub id; the demonstration model without it")
    parser.add_argument("--prefix", help="folder, or off")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    arguments = parser.parse_args()

    import torch

    from xiaoan.assistant.open_bank import open_bank

    torch.set_num_threads(arguments.threads)
    engine = load_engine(arguments.model, arguments.prefix, arguments.device, arguments.dtype)
    bank = open_bank([default_paths().bank])
    assert bank is not None
    questions = [question.stem for question in bank.bank]
    about = {"device": engine.info.device, "dtype": engine.info.dtype, "threads": arguments.threads}
    print(f"{engine.info.name} {engine.info.device} {engine.info.dtype}, {arguments.threads} threads")
    print(
        json.dumps(
            {**about, **measure(engine, questions, answers=arguments.answers, rounds=arguments.rounds)}
        )
    )


if __name__ == "__main__":
    main()
