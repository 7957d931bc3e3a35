"""How much memory and time it takes until a model of a given size answers, by precision, each in a process of its own.

The model is made of random weights where the folder is not there yet (13.4 GB on the disk for 6B, in eight shards as
published). Loading goes through the same engine as the session's. `peak / weights` is the process's highest resident
memory (VmHWM: interpreter, libraries, weights, working memory, mapped pages that have not been given back) by the bytes
of all parameters. The system keeps files that were just read or written in memory: a second loading reads no disk.
Prints a table and one JSON line. Run: python benchmarks/bench_load.py --folder DIR [--shape small] [--dtypes bfloat16,int4]
"""

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

SHAPES: dict[str, dict[str, int]] = {
    "6b": {},
    "small": {
        "hidden_size": 1024,
        "num_layers": 8,
        "num_attention_heads": 16,
        "inner_hidden_size": 4096,
    },
}
"""What differs from ChatGLM-6B's shape; `small` is that of the figures for a CPU (`bench_decode.py`)."""
QUESTION = "在高压设备上工作，应至少由几人进行？"
GIB = 2**30


def main() -> None:
    """Parse, measure each precision in a child process, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--shape", choices=SHAPES, default="6b")
    parser.add_argument("--form", choices=("safetensors", "bin"), default="safetensors")
    parser.add_argument("--dtypes", default="bfloat16,int4")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(arguments)))
        return
    made_s = make(arguments)
    head = f"{'precision':10} {'load s':>8} {'weights GiB':>12} {'peak GiB':>9} {'peak / weights':>15} {'first ms':>9} {'tokens/s':>9}"
    print(head, flush=True)
    results = []
    for dtype in arguments.dtypes.split(","):
        row = in_child(arguments, dtype)
        results.append(row)
        print(
            f"{dtype:10} {row['load_s']:8.1f} {row['weights_gib']:12.2f} {row['peak_gib']:9.2f} "
            f"{row['peak_over_weights']:15.3f} {row['first_ms']:9.0f} {row['tokens_per_s']:9.2f}",
            flush=True,
        )
    print(json.dumps({"shape": arguments.shape, "made_s": made_s, "loads": results}))


def make(arguments: argparse.Namespace) -> float | None:
    """Write the model where it is not there; return the seconds that took."""
    if arguments.folder.exists():
        return None
    from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
    from xiaoan.chatglm.model_folder import load_tokenizer
    from xiaoan.chatglm.random_model import write_random_model
    from xiaoan.config import default_paths

    started = time.perf_counter()
    write_random_model(
        arguments.folder,
        ChatGLMConfig.from_dict(SHAPES[arguments.shape]),
        tokenizer=load_tokenizer(default_paths().model),
        form=arguments.form,
        on_progress=lambda done, total: print(
            f"written {done / GIB:.1f} of {total / GIB:.1f} GiB", file=sys.stderr, flush=True
        ),
    )
    return round(time.perf_counter() - started, 1)


def in_child(arguments: argparse.Namespace, dtype: str) -> dict[str, float]:
    """Measure one precision in a fresh process."""
    words = [sys.executable, __file__, "--child", dtype, "--folder", str(arguments.folder)]
    words += ["--device", arguments.device, "--threads", str(arguments.threads)]
    words += ["--tokens", str(arguments.tokens)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Load, answer, and return what that took."""
    import torch

    from xiaoan.assistant.chatglm_engine import load_engine
    from xiaoan.chatglm.generation import stream_token_ids
    from xiaoan.config import OFF

    torch.set_num_threads(arguments.threads)
    libraries_gib = memory_gib("VmRSS")
    started = time.perf_counter()
    engine = load_engine(arguments.folder, OFF, arguments.device, arguments.child)
    load_s = time.perf_counter() - started
    loaded_gib = memory_gib("VmHWM")
    nbytes = sum(parameter.nbytes for parameter in engine._model.parameters())
    times = [time.perf_counter()]
    # Token by token: a random model may repeat a token that has no text.
    ids = torch.tensor([engine._tokenizer.encode(QUESTION)])
    tokens = stream_token_ids(engine._model, ids, eos=engine._tokenizer.eos_token_id, decoder=engine._decoder)
    for count, _ in enumerate(tokens, start=1):
        times.append(time.perf_counter())
        if count == arguments.tokens:
            break
    peak_gib = memory_gib("VmHWM")
    return {
        "dtype": engine.info.dtype,
        "load_s": round(load_s, 2),
        "libraries_gib": round(libraries_gib, 2),
        "weights_gib": round(nbytes / GIB, 3),
        "peak_while_loading_gib": round(loaded_gib, 2),
        "peak_gib": round(peak_gib, 2),
        "peak_over_weights": round(peak_gib * GIB / nbytes, 3),
        "first_ms": round(1000 * (times[1] - times[0]), 1),
        "tokens_per_s": round((len(times) - 2) / (times[-1] - times[1]), 2),
    }


def memory_gib(name: str) -> float:
    """Return a figure of this process's memory, such as VmHWM, in GiB; 0 where the system does not say."""
    status = Path("/proc/self/status")
    found = (
        re.search(rf"^{name}:\s*(\d+) kB", status.read_text(encoding="ascii"), re.MULTILINE)
        if status.exists()
        else None
    )
    return int(found[1]) * 1024 / GIB if found else 0.0


if __name__ == "__main__":
    main()
