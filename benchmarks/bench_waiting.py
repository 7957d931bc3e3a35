"""How OpenMP's threads should wait: time per piece with nothing else running, and beside busy neighbours.

Between two parallel products a thread of libgomp spins for a while, which keeps a processor from others: on a loaded
machine the thread that has work waits for one that only spins. Each setting runs in a process of its own (it is read
when torch is loaded); the processes take turns round by round, so that whatever else happens on the machine meets all alike.
Measured are the demonstration model's answers and the products of one decoding step (hidden 1024, 8 layers, vocabulary 8192,
float32). Prints a table and ends with one JSON line. Run: python benchmarks/bench_waiting.py [--rounds 15] [--neighbours 0 1 2]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

SETTINGS: dict[str, dict[str, str]] = {
    "as it comes": {},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "spin 100": {"GOMP_SPINCOUNT": "100"},
    "spin 1000": {"GOMP_SPINCOUNT": "1000"},
    "spin 10000": {"GOMP_SPINCOUNT": "10000"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
WORK = ("demo", "products")
_OURS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_QUESTIONS = ("电气作业人员前后两次体格检查，间隔最长不得超过（ ）。", "高压室的钥匙至少应有（ ）把。")


class Worker:
    """A process with one setting that does a round when told."""

    def __init__(self, work: str, setting: dict[str, str], threads: int) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in _OURS}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker", work],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**kept, "OMP_NUM_THREADS": str(threads), **setting},
        )
        self.round_ms()

    def round_ms(self) -> float:
        """Do one round; return its milliseconds a token."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print("go", file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextmanager
def busy_neighbours(count: int) -> Iterator[None]:
    """Let `count` other processes be busy."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def demo_round() -> Callable[[], float]:
    """Return what answers the questions with the demonstration model and returns milliseconds a piece."""
    from xiaoan.assistant.chatglm_engine import load_engine

    engine = load_engine(None, None)

    def once() -> float:
        started = time.perf_counter()
        tokens = sum(1 for text in _QUESTIONS for _ in engine.stream(text))
        return 1000 * (time.perf_counter() - started) / tokens

    return once


def products_round() -> Callable[[], float]:
    """Return what does the products of twenty decoding steps and returns milliseconds a step."""
    import torch
    from torch.nn.functional import gelu, layer_norm, linear

    hidden = 1024
    torch.manual_seed(0)
    shapes = ((3 * hidden, hidden), (hidden, hidden), (4 * hidden, hidden), (hidden, 4 * hidden))
    layers = [[torch.randn(shape) for shape in shapes] for _ in range(8)]
    head, first = torch.randn(8192, hidden), torch.randn(1, hidden)

    @torch.inference_mode()
    def once() -> float:
        started = time.perf_counter()
        for _ in range(20):
            state = first
            for qkv, dense, up, down in layers:
                mixed = linear(linear(layer_norm(state, (hidden,)), qkv)[:, :hidden], dense)
                state = linear(gelu(linear(layer_norm(mixed, (hidden,)), up)), down)
            int(linear(state, head).argmax())
        return 1000 * (time.perf_counter() - started) / 20

    return once


def work(name: str) -> None:
    """Be a worker: a round for each line."""
    once = demo_round() if name == "demo" else products_round()
    for _ in range(3):
        once()
    for _ in sys.stdin:
        print(once(), flush=True)


def measure(name: str, counts: list[int], rounds: int, threads: int) -> dict[int, dict[str, float]]:
    """Return the median milliseconds of each setting, by the number of neighbours."""
    results: dict[int, dict[str, float]] = {}
    with ExitStack() as open_workers:
        workers = {label: Worker(name, setting, threads) for label, setting in SETTINGS.items()}
        for worker in workers.values():
            open_workers.callback(worker.close)
        for count in counts:
            taken: dict[str, list[float]] = {label: [] for label in workers}
            with busy_neighbours(count):
                for _ in range(rounds):
                    for label, worker in workers.items():
                        taken[label].append(worker.round_ms())
            results[count] = {label: round(statistics.median(times), 2) for label, times in taken.items()}
            shown = "  ".join(f"{label} {ms:7.2f}" for label, ms in results[count].items())
            print(f"{name:9} neighbours {count}: {shown}", flush=True)
    return results


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--neighbours", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--worker", choices=WORK, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker)
        return
    print("median ms a piece (demo) or a step (products)")
    found = {name: measure(name, arguments.neighbours, arguments.rounds, arguments.threads) for name in WORK}
    print(json.dumps({"threads": arguments.threads, "ms": found}))


if __name__ == "__main__":
    main()
