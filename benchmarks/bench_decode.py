"""Milliseconds a token by precision, beside the published way: random weights, everything in one process, in turns.

The reference is a plain eager float32 loop with concatenated caches, as the published code decodes
(`xiaoan.measuring.reference`), on the memory pages that its own program gets. Every precision has the same random weights,
answers the same prompt, and takes its turn in every round; a time is the median over the steps of a turn, then over the rounds, a
ratio the median of the ratios within a round. `of reading` is what a token cannot do without reading (weights, head, keys and
values) by its time, as a share of a plain read of as many bytes on huge pages, measured in the same run. Accuracy: the largest
difference from float32's logits, and how many of the tokens that float32 takes are taken too (random weights say nothing about
a trained model). The reference's own time stands beside the original's on such a machine when idle.
Prints a table for each vocabulary and ends with one JSON line.
Run: python benchmarks/bench_decode.py [--vocab 130528 8192] [--precisions float32 bfloat16 float16 int8 int4] [--rounds 5]
On a machine that others use: chrt -r 9 taskset -c 0,1 python benchmarks/bench_decode.py …
"""

import argparse
import json
import os
import sys
import time
from typing import Final

from xiaoan.process_environment import prepare_environment

prepare_environment(os.environ)  # before torch is imported

import torch

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.measuring.comparison import REFERENCE, Case, Comparison, Plan, compare
from xiaoan.measuring.machine_rates import MachineRates, ReadingRate, machine_rates
from xiaoan.measuring.shapes import cpu_shape, shape_text
from xiaoan.measuring.subjects import RandomSubject
from xiaoan.measuring.variants import PRECISIONS, floating_dtype, variant_named, variant_text

ORIGINAL_MS: Final = {130528: (46.0, 51.0), 8192: (26.0, 26.0)}
"""Vocabulary → milliseconds a token of the original code, least and most, on an idle machine with 2 cores."""

TOLERANCE: Final = 0.15
CPU: Final = torch.device("cpu")


def beside_the_original(vocab_size: int, ms: float) -> dict[str, object] | None:
    """Return the original's figures and whether `ms` lies within 15 % of them; None where there are none."""
    if vocab_size not in ORIGINAL_MS:
        return None
    least, most = ORIGINAL_MS[vocab_size]
    verdict = "within 15 %"
    if ms < least * (1 - TOLERANCE):
        verdict = "faster than within 15 %: memory is faster here, and ratios are the smaller for it"
    elif ms > most * (1 + TOLERANCE):
        verdict = "slower than within 15 %: is the machine idle?"
    return {
        "original_ms": [least, most],
        "within_15_percent": verdict == "within 15 %",
        "verdict": verdict,
    }


def print_table(found: Comparison) -> None:
    """Print a line for each precision."""
    print(
        f"{'precision':10} {'ms/token':>8} {'tokens/s':>8} {'speedup (least–most)':>21} {'first ms':>8} "
        f"{'GB/s':>6} {'of reading':>10} {'logits off':>10} {'same':>7} {'MB held':>8}"
    )
    for row in found.rows:
        ratio, loss, held = row.speedup, found.losses.get(row.name), found.held.get(row.name)
        times = f"{ratio.median:.2f} ({ratio.least:.2f}–{ratio.most:.2f})" if ratio else ""
        print(
            f"{row.name:10} {1000 * row.step_s:8.2f} {row.tokens_per_s:8.1f} {times:>21} {1000 * row.first_s:8.1f} "
            f"{row.read_bytes / row.step_s / 1e9:6.1f} {100 * row.read_share:8.0f} % "
            f"{'' if loss is None else f'{loss.largest_difference:.3f}':>10} "
            f"{'' if loss is None else f'{loss.same}/{loss.tokens}':>7} "
            f"{'' if held is None else f'{held / 1e6:.0f}':>8}"
        )


def measure(
    config: ChatGLMConfig, arguments: argparse.Namespace, rates: MachineRates, reading: ReadingRate
) -> dict[str, object]:
    """Print the table of one shape and return its document."""
    floating = floating_dtype(config, CPU, time.perf_counter)
    if arguments.floating:
        floating = getattr(torch, arguments.floating)
    variants = [variant_named(name, floating) for name in arguments.precisions]
    plan = Plan(
        cases=[Case(arguments.prompt, 1, arguments.new_tokens, arguments.rounds)],
        reference=not arguments.no_reference,
        loss_tokens=0 if arguments.no_accuracy else 16,
    )
    print(f"\n{shape_text(config)}; {', '.join(map(variant_text, variants))}")
    found = compare(
        RandomSubject(config, CPU),
        variants,
        plan,
        rates,
        reading=reading,
        clock=time.perf_counter,
        tell=lambda what: print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True),
    )
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    print_table(found)
    document: dict[str, object] = {**found.to_document(), "reference_beside_original": None}
    reference = found.row(REFERENCE, prompt=arguments.prompt)
    beside = beside_the_original(config.vocab_size, 1000 * reference.step_s) if reference else None
    if reference and beside:
        least, most = ORIGINAL_MS[config.vocab_size]
        print(
            f"reference {1000 * reference.step_s:.1f} ms, original {least:.0f} to {most:.0f} ms: {beside['verdict']}"
        )
        document["reference_beside_original"] = beside
    return document


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vocab", type=int, nargs="+", default=list(ORIGINAL_MS))
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS))
    parser.add_argument(
        "--floating", help="precision of what is not quantised; as the program chooses without it"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=64, help="tokens")
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-reference", action="store_true", help="only the precisions")
    parser.add_argument("--no-accuracy", action="store_true", help="only times")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    reading = ReadingRate(CPU, time.perf_counter)
    rates = machine_rates(CPU, [], clock=time.perf_counter, reading=reading)
    print(
        f"plain read of 1 GiB, {arguments.threads} threads: {rates.read / 1e9:.1f} GB/s on huge pages, "
        f"{(rates.read_ordinary or 0) / 1e9:.1f} GB/s on ordinary ones"
    )
    document: dict[str, object] = {"threads": arguments.threads, "machine": rates.to_document()}
    for vocab_size in arguments.vocab:
        document[f"vocabulary_{vocab_size}"] = measure(cpu_shape(vocab_size), arguments, rates, reading)
    print(json.dumps(document))


if __name__ == "__main__":
    main()
