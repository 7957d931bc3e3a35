"""How long a person waits: from Enter to the first piece of the answer, with the default model, once loaded.

Asks bank questions through the same `Assistant` that the session uses, without options (streamed) and with options
(decided by content). Warms up, repeats, prints a table and ends with one JSON line. Run: python benchmarks/bench_answer.py
"""

import argparse
import json
import os
import random
import statistics
import time
from pathlib import Path

from xiaoan.process_environment import prepare_environment

prepare_environment(os.environ)

import torch

from xiaoan.assistant.answering import Answer, Assistant
from xiaoan.assistant.chatglm_engine import load_engine
from xiaoan.assistant.engine import Piece
from xiaoan.assistant.open_bank import open_bank
from xiaoan.config import default_paths
from xiaoan.evaluation.forms import form_named

FORMS = ("plain", "shuffled")


def measure(assistant: Assistant, texts: list[str]) -> dict[str, float]:
    """Return median and 95th percentile of the first piece, in ms, and tokens per second of the streamed answers."""
    first_ms: list[float] = []
    tokens, decoding_s = 0, 0.0
    for text in texts:
        started = time.perf_counter()
        first: float | None = None
        for item in assistant.ask(text):
            if isinstance(item, Piece) and first is None:
                first = time.perf_counter() - started
            if isinstance(item, Answer):
                tokens += item.tokens
                decoding_s += item.total_s
        first_ms.append(1000 * (first or 0.0))
    return {
        "median_ms": statistics.median(first_ms),
        "p95_ms": statistics.quantiles(first_ms, n=20)[-1],
        "tokens_per_s": tokens / decoding_s,
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bank", type=Path, default=default_paths().bank)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    engine = load_engine(None, None)
    bank = open_bank([arguments.bank])
    assert bank is not None
    assistant = Assistant(engine, bank.matcher, clock=time.perf_counter)
    questions = random.Random(0).sample(list(bank.bank), min(arguments.questions, len(bank.bank)))
    results = {}
    print(f"{engine.info.name} {engine.info.device} {engine.info.dtype}, {arguments.threads} threads")
    print(f"{'form':10} {'median ms':>10} {'p95 ms':>10} {'tokens/s':>10}")
    for name in FORMS:
        texts = [form_named(name)(question, random.Random(question.id))[0] for question in questions]
        measure(assistant, texts[:5])
        result = measure(assistant, texts)
        results[name] = {key: round(value, 1) for key, value in result.items()}
        print(
            f"{name:10} {result['median_ms']:10.1f} {result['p95_ms']:10.1f} {result['tokens_per_s']:10.0f}"
        )
    print(
        json.dumps(
            {"load_s": round(engine.info.load_s, 2), "dtype": engine.info.dtype, "first_piece": results}
        )
    )


if __name__ == "__main__":
    main()
