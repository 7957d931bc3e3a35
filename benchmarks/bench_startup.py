"""How long a start takes, from the shell to the end: `xiaoan --help`, `xiaoan ask` and the bare libraries it stands on.

The yardstick of `ask` is the time to import torch and the three classes of transformers that any model needs: what the
program does beside (bank, weights, answer) should cost little more. All commands take turns, so that whatever else
happens on the machine meets them alike; shown are medians of wall time and of processor time, and the median of the ratios of
the rounds. Prints a table and ends with one JSON line. Run: python benchmarks/bench_startup.py [--rounds 7]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "电气作业人员前后两次体格检查，间隔最长不得超过（ ）。"
BARE = "bare imports"
COMMANDS = {
    BARE: [
        "-c",
        "import torch; from transformers import PreTrainedModel, GenerationMixin, PreTrainedTokenizer",
    ],
    "ask": ["-m", "xiaoan", "ask", QUESTION],
    "help": ["-m", "xiaoan", "--help"],
    "python": ["-c", "pass"],
}


@dataclass(frozen=True)
class Taken:
    """Seconds of one start."""

    wall_s: float
    processor_s: float


def start(arguments: list[str], home: Path) -> Taken:
    """Run one command to its end.

    Raises:
        CalledProcessError: it failed.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XIAOAN_")}
    # As installed: compiled once, then read.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    before, started = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**kept, "XIAOAN_HOME": str(home), "PYTHONPATH": str(ROOT)},
    )
    wall_s, after = time.perf_counter() - started, os.times()
    return Taken(
        wall_s,
        after.children_user - before.children_user + after.children_system - before.children_system,
    )


def measure(rounds: int, home: Path) -> dict[str, list[Taken]]:
    """Return the times of each command, in turns, after one round that warms the files."""
    taken: dict[str, list[Taken]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            one = start(arguments, home)
            if number:
                taken[name].append(one)
    return taken


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        taken = measure(arguments.rounds, Path(home))
    print(f"{'':14} {'wall s':>8} {'cpu s':>8} {'wall':>8} {'cpu':>8}   (ratio to {BARE}, median of rounds)")
    document = {}
    for name, times in taken.items():
        pairs = list(zip(times, taken[BARE], strict=True))
        figures = {
            "wall_s": statistics.median(one.wall_s for one in times),
            "processor_s": statistics.median(one.processor_s for one in times),
            "wall_ratio": statistics.median(one.wall_s / bare.wall_s for one, bare in pairs),
            "processor_ratio": statistics.median(one.processor_s / bare.processor_s for one, bare in pairs),
        }
        print(f"{name:14} " + " ".join(f"{value:8.2f}" for value in figures.values()))
        document[name] = {key: round(value, 3) for key, value in figures.items()}
    print(json.dumps({"rounds": arguments.rounds, **document}))


if __name__ == "__main__":
    main()
