"""What the text of an answer costs: µs a token for making it of ids and for correcting it, short answers and long ones.

An answer's text is made while it is decoded, so it must cost far less than a decoding step (2.5 ms at 400 tokens a second) and no
more at the two-thousandth token than at the first. Measured with the demonstration model's tokenizer, or another one, on
clauses of regulations, on a text with Latin letters and marks, and on text that comes byte by byte. The ways that decode everything
anew for each token, as the published `stream_chat` does, are measured beside it. Prints a table and ends with one JSON line.
Run: OMP_NUM_THREADS=1 python benchmarks/bench_text.py [--tokenizer ice_text.model] [--rounds 9]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

from xiaoan.chatglm.response_text import AnswerText, process_response
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.config import default_paths

TEXTS = {
    "clauses": "在高压设备上工作，应至少由两人进行，并完成保证安全的组织措施和技术措施。①验电；②装设接地线；③悬挂标示牌。",
    "mixed": "10 kV线路: 停电, 验电!  SF6 < 1000 μL/L?  It's 'on' .\n\t35 kV; [[训练时间]] 安全,第一",
    "bytes": "𠮷𡘙㧟👷🏗",
}
LENGTHS = (100, 2000)
REPEATED = 200
"""Tokens of the way that decodes everything anew: it costs too much for more."""

Make = Callable[[list[int]], object]


def ids_of(tokenizer: ChatGLMTokenizer, text: str, length: int) -> list[int]:
    """Return `length` ids of `text` said again and again."""
    return list(islice(cycle(tokenizer.encode(text, add_special_tokens=False)), length))


def streamed(tokenizer: ChatGLMTokenizer) -> Make:
    """Return what makes an answer's text token by token."""

    def make(ids: list[int]) -> str:
        answer = AnswerText(tokenizer)
        return "".join([*map(answer.feed, ids), answer.finish()])

    return make


def decoded_anew(tokenizer: ChatGLMTokenizer) -> Make:
    """Return what decodes the whole answer for each token."""

    def make(ids: list[int]) -> str:
        text = ""
        for end in range(1, len(ids) + 1):
            text = process_response(str(tokenizer.decode(ids[:end])))
        return text

    return make


def cost_us(make: Make, ids: list[int], rounds: int) -> float:
    """Return the median µs a token."""
    make(ids)
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        make(ids)
        times.append(time.perf_counter() - started)
    return 1e6 * statistics.median(times) / len(ids)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tokenizer", type=Path, default=default_paths().model / "ice_text.model")
    arguments = parser.parse_args()
    tokenizer = ChatGLMTokenizer(str(arguments.tokenizer))
    document = {}
    print(f"{'µs a token':12} {'100':>8} {'2000':>8} {'ratio':>8} {f'anew {REPEATED}':>10}")
    for name, text in TEXTS.items():
        costs = [
            cost_us(streamed(tokenizer), ids_of(tokenizer, text, length), arguments.rounds)
            for length in LENGTHS
        ]
        anew = cost_us(decoded_anew(tokenizer), ids_of(tokenizer, text, REPEATED), 3)
        ratio = costs[1] / costs[0]
        print(f"{name:12} {costs[0]:8.2f} {costs[1]:8.2f} {ratio:8.2f} {anew:10.1f}")
        document[name] = {
            "us_100": round(costs[0], 2),
            "us_2000": round(costs[1], 2),
            "ratio_2000_to_100": round(ratio, 2),
            "us_anew": round(anew, 1),
        }
    print(json.dumps({"tokenizer": str(arguments.tokenizer.name), **document}))


if __name__ == "__main__":
    main()
