"""How fast and how large P-Tuning is: our loop beside a plain fixed-length one; a learning curve; the 6B's shape on a GPU.

The plain loop does what the published training script is described to do, on the same model code: every example is padded to
`max_source_length + max_target_length`, logits are made for every place, the labels of prompt and padding are -100, the mean
loss of a batch is divided by the accumulation, gradients are clipped, AdamW steps with a linearly falling rate. Tokens are those of
prompt and answer in both loops; padding is not counted. Both train a prefix of the same size on the same pairs with the same batches
a step, in turns; a ratio is the median over the turns, by the clock and by processor time (which others on the machine
disturb less). Peak memory is the whole process's (`ru_maxrss`: interpreter, torch, weights,
optimiser, activations), each loop in a child process of its own.

`--learn BANK.xlsx` adds how a bank is learnt over time for several prefix lengths. On a CUDA device, the third part trains a prefix
on a model of ChatGLM-6B's shape with random weights made on the device; without one it is left out. Prints tables and ends
with one JSON line. Run: OMP_NUM_THREADS=1 python benchmarks/bench_training.py [--rounds 7] [--learn BANK.xlsx]
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from xiaoan.chatglm.checkpoint import load_checkpoint
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues
from xiaoan.chatglm.quantization import QUANTIZED_BITS, QuantizedLinear
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.config import default_paths
from xiaoan.question_bank.spreadsheet import read_bank
from xiaoan.training.data.bank_forms import BankRecipe, bank_source, plain_pairs
from xiaoan.training.data.pairs import Pair
from xiaoan.training.methods import Base
from xiaoan.training.methods.ptuning import PTuning
from xiaoan.training.presets import Sizes, choose
from xiaoan.training.running.batches import IGNORED, Example, encode_pair
from xiaoan.training.running.devices import peak_memory
from xiaoan.training.running.exactness import exact_share
from xiaoan.training.running.loop import (
    EvaluationReport,
    EvaluationScores,
    LoopSettings,
    SilentListener,
    StepReport,
    TrainingRun,
)
from xiaoan.training.running.run_folder import METRICS_FILE

WARM_UP_STEPS: Final = 2
SOURCE_LENGTH: Final = 64
TARGET_LENGTH: Final = 64
SHAPES: Final = {"published": (1, 16), "batched": (16, 1)}
"""Name → batch size and accumulation; the first is the published script's."""

GPU_STEPS: Final = 12
GPU_PRECISIONS: Final = ("float16", "int8", "int4")
GPU_LIMITS_GB: Final = {"float16": 13.8, "int8": 8.5, "int4": 6.5}
"""Peak memory to stay within, in 10⁹ bytes."""


@dataclass(frozen=True)
class Job:
    """What both loops train: a prefix of `pre_seq_len` on `pairs`, so many examples a batch, so many batches a step."""

    base: Base
    pairs: Sequence[Pair]
    batch_size: int
    accumulation: int
    pre_seq_len: int = 128
    learning_rate: float = 2e-2
    autocast: str = "float32"

    @property
    def steps(self) -> int:
        """Those of one pass over the pairs, after the warm-up."""
        return WARM_UP_STEPS + max(1, len(self.pairs) // (self.batch_size * self.accumulation))

    def attach(self) -> dict[str, nn.Parameter]:
        """Give the base a fresh prefix; return its parameters."""
        return PTuning(pre_seq_len=self.pre_seq_len, init_std=0.3).attach(self.base, seed=1)

    def examples(self) -> list[Example]:
        """Return the pairs in tokens, cut to the lengths of the run."""
        return [
            encode_pair(
                self.base.tokenizer,
                pair,
                max_source_length=SOURCE_LENGTH,
                max_target_length=TARGET_LENGTH,
            )
            for pair in self.pairs
        ]


@dataclass(frozen=True)
class Speed:
    """Tokens of prompts and answers, and the seconds they took: on the clock, and of the processor."""

    tokens: int
    seconds: float
    processor_s: float

    @property
    def tokens_per_s(self) -> float:
        """Tokens a second."""
        return self.tokens / self.seconds


# -- the two loops ------------------------------------------------------------------------------------------------


class _Times(SilentListener):
    """Notes when each step was done."""

    def __init__(self) -> None:
        self.at: list[tuple[float, float]] = []

    def on_step(self, report: StepReport) -> None:
        del report
        self.at.append(_now())


def our_speed(job: Job) -> Speed:
    """Train with `TrainingRun`, in a folder of its own, as `xiaoan train ptuning` does; the warm-up is not counted.

    Writing the curve after each step is counted, saving the result at the end is not.
    """
    settings = LoopSettings(
        steps=job.steps,
        batch_size=job.batch_size,
        gradient_accumulation_steps=job.accumulation,
        learning_rate=job.learning_rate,
        autocast=job.autocast,
        save_every=job.steps,
        gradient_checkpointing="off",
        max_source_length=SOURCE_LENGTH,
        max_target_length=TARGET_LENGTH,
    )
    times = _Times()
    with tempfile.TemporaryDirectory() as folder:
        run = TrainingRun(
            job.base.model,
            job.base.tokenizer,
            parameters=job.attach(),
            pairs=lambda _: job.pairs,
            settings=settings,
            folder=Path(folder),
            listener=times,
        )
        run.run()
        lines = (Path(folder) / METRICS_FILE).read_text(encoding="utf-8").splitlines()
    tokens = [int(json.loads(line)["tokens"]) for line in lines]
    return _speed(tokens[-1] - tokens[WARM_UP_STEPS - 1], times.at[WARM_UP_STEPS - 1], times.at[-1])


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _speed(tokens: int, start: tuple[float, float], end: tuple[float, float]) -> Speed:
    return Speed(tokens, end[0] - start[0], end[1] - start[1])


def plain_speed(job: Job) -> Speed:
    """Train with the plain fixed-length loop; the warm-up is not counted."""
    model = job.base.model
    parameters = list(job.attach().values())
    optimizer = torch.optim.AdamW(parameters, lr=job.learning_rate, weight_decay=0.0)
    batches = fixed_length_batches(job)
    tokens, started = 0, _now()
    model.train()
    for step in range(job.steps):
        if step == WARM_UP_STEPS:
            tokens, started = 0, _now()
        optimizer.zero_grad()
        for _ in range(job.accumulation):
            input_ids, labels, filled = next(batches)
            loss = plain_loss(model, input_ids.to(model.device), labels.to(model.device))
            (loss / job.accumulation).backward()
            tokens += filled
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = job.learning_rate * (job.steps - step) / job.steps
        optimizer.step()
        float(loss.detach())  # waits for the device, as a loop that logs does
    ended = _now()
    model.train(False)
    return _speed(tokens, started, ended)


def plain_loss(model: ChatGLMForConditionalGeneration, input_ids: Tensor, labels: Tensor) -> Tensor:
    """Return the mean loss over answers of `[b, s]`, with logits made for every place; each row drops its own values."""
    prefix = _expanded_prefix(model, len(input_ids))
    outputs = model(input_ids, labels=labels, use_cache=False, prefix_key_values=prefix)
    loss = outputs.loss
    assert isinstance(loss, Tensor)
    return loss


def _expanded_prefix(model: ChatGLMForConditionalGeneration, rows: int) -> PrefixKeyValues:
    """The prefix for every row, dropped from after it was expanded."""
    encoder = model.transformer.prefix_encoder
    assert encoder is not None
    values = encoder.embedding.weight.expand(rows, -1, -1).to(model.dtype)
    shape = (rows, encoder.pre_seq_len, 2 * encoder.num_layers, encoder.num_attention_heads, encoder.head_dim)
    stacked = F.dropout(values.view(shape), encoder.dropout.p, model.training).permute(2, 0, 3, 1, 4)
    return tuple((stacked[2 * i], stacked[2 * i + 1]) for i in range(encoder.num_layers))


def fixed_length_batches(job: Job) -> Iterator[tuple[Tensor, Tensor, int]]:
    """Yield ids and labels `[b, max_source + max_target]` and the number of tokens in them, shuffled, without end."""
    width = SOURCE_LENGTH + TARGET_LENGTH
    pad = int(job.base.tokenizer.pad_token_id)
    examples = job.examples()
    source = random.Random(0)
    queue: list[Example] = []
    while True:
        while len(queue) < job.batch_size:
            queue += source.sample(examples, len(examples))
        chosen, queue = queue[: job.batch_size], queue[job.batch_size :]
        ids = [e.input_ids + [pad] * (width - len(e.input_ids)) for e in chosen]
        labels = [e.labels + [IGNORED] * (width - len(e.labels)) for e in chosen]
        yield torch.tensor(ids), torch.tensor(labels), sum(len(e.input_ids) for e in chosen)


LOOPS: Final[dict[str, Callable[[Job], Speed]]] = {"plain": plain_speed, "ours": our_speed}


def compared(job: Job, rounds: int) -> dict[str, Any]:
    """Return the medians of tokens a second of both loops and of their ratios, run in turns after one round to warm up."""
    speeds: dict[str, list[Speed]] = {name: [] for name in LOOPS}
    for turn in range(rounds + 1):
        for name in list(LOOPS) if turn % 2 else reversed(LOOPS):
            speed = LOOPS[name](job)
            if turn:
                speeds[name].append(speed)
    turns = list(zip(speeds["plain"], speeds["ours"], strict=True))
    ratios = [ours.tokens_per_s / plain.tokens_per_s for plain, ours in turns]
    of_processor = [
        (ours.tokens / ours.processor_s) / (plain.tokens / plain.processor_s) for plain, ours in turns
    ]
    return {
        **{
            f"{name}_tokens_per_s": round(statistics.median(s.tokens_per_s for s in speeds[name]), 1)
            for name in LOOPS
        },
        "speedup": round(statistics.median(ratios), 2),
        "speedup_least": round(min(ratios), 2),
        "speedup_most": round(max(ratios), 2),
        "speedup_of_processor_time": round(statistics.median(of_processor), 2),
    }


# -- memory -------------------------------------------------------------------------------------------------------


def memory_of(loop: str, arguments: argparse.Namespace, shape: str) -> dict[str, int]:
    """Return the peak bytes of a child process that trains with one loop, and those before training.

    To be called while this process is still small: on Linux a child's `ru_maxrss` begins with its parent's.
    """
    command = [sys.executable, __file__, "--child", loop, "--shape", shape, "--pairs", str(arguments.pairs)]
    command += ["--threads", str(arguments.threads), "--pre-seq-len", str(arguments.pre_seq_len)]
    command += ["--model", str(arguments.model), "--bank", str(arguments.bank)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return figures


def child(arguments: argparse.Namespace) -> dict[str, int | None]:
    """Train once, in this process; return its peak memory in bytes, and what it was before."""
    job = default_job(arguments, arguments.shape)
    before = peak_memory(torch.device("cpu"))
    LOOPS[arguments.child](job)
    return {"loaded": before, "peak": peak_memory(torch.device("cpu"))}


def default_job(arguments: argparse.Namespace, shape: str) -> Job:
    """Return the job on the default base (or `--model`) with questions of the default bank (or `--bank`)."""
    loaded = load_checkpoint(arguments.model, device="cpu", dtype="float32")
    base = Base(loaded.model, loaded.tokenizer, loaded.name, loaded.base_sha256, "float32")
    pairs = plain_pairs(tuple(read_bank([arguments.bank]).bank))
    chosen = random.Random(0).sample(pairs, min(arguments.pairs, len(pairs)))
    batch_size, accumulation = SHAPES[shape]
    return Job(base, chosen, batch_size, accumulation, arguments.pre_seq_len)


# -- learning a bank ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CurvePoint:
    """The share of a bank's questions answered token for token, so many seconds of training after the start."""

    seconds: float
    exact: float


class _Curve(SilentListener):
    def __init__(self) -> None:
        self.points: list[CurvePoint] = []

    def on_evaluation(self, report: EvaluationReport) -> None:
        self.points.append(CurvePoint(round(report.elapsed_s, 1), round(report.exact_train, 4)))


def learning_curve(
    base: Base,
    pairs: Sequence[Pair],
    source: Callable[[random.Random], Sequence[Pair]],
    *,
    pre_seq_len: int,
    longest_s: float,
    evaluate_every: int,
    clock: Callable[[], float] = time.monotonic,
) -> list[CurvePoint]:
    """Return how a bank is learnt with the `exam` preset and another prefix length, until all is learnt or time is up."""
    examples = len(source(random.Random(0)))
    choice = choose("exam", "ptuning", Sizes.of(base.model, pairs=len(pairs), examples=examples))
    assert isinstance(choice.method, PTuning)
    method = replace(choice.method, pre_seq_len=pre_seq_len)
    curve = _Curve()
    started = clock()
    with tempfile.TemporaryDirectory() as folder:
        run = TrainingRun(
            base.model,
            base.tokenizer,
            parameters=method.attach(base, choice.loop.seed, pairs),
            pairs=source,
            settings=replace(choice.loop, evaluate_every=evaluate_every),
            folder=Path(folder),
            listener=curve,
        )
        run.run(
            lambda: clock() - started > longest_s,
            lambda: EvaluationScores(exact_share(base.model, base.tokenizer, pairs)),
        )
    return curve.points


def learnt(arguments: argparse.Namespace) -> dict[str, list[list[float]]]:
    """Return prefix length → [seconds, exact share] along the way, for the bank of `--learn`."""
    loaded = load_checkpoint(arguments.model, device="cpu", dtype="float32")
    base = Base(loaded.model, loaded.tokenizer, loaded.name, loaded.base_sha256, "float32")
    questions = tuple(read_bank([arguments.learn]).bank)
    curves: dict[str, list[list[float]]] = {}
    for pre_seq_len in arguments.learn_lengths:
        points = learning_curve(
            base,
            plain_pairs(questions),
            bank_source(questions, BankRecipe()),
            pre_seq_len=pre_seq_len,
            longest_s=arguments.learn_seconds,
            evaluate_every=arguments.learn_every,
        )
        curves[str(pre_seq_len)] = [[point.seconds, point.exact] for point in points]
    print(
        f"\n{len(questions)} questions of {arguments.learn.name}, exam preset, plain form, exact share of all"
    )
    print(f"{'pre_seq_len':>11} {'seconds':>8} {'exact':>7}")
    for name, points_of in curves.items():
        for seconds, exact in points_of:
            print(f"{name:>11} {seconds:8.0f} {100 * exact:6.1f}%")
    return curves


# -- the 6B's shape -----------------------------------------------------------------------------------------------


def random_model(
    config: ChatGLMConfig, dtype: str, device: torch.device, floating: torch.dtype = torch.float16
) -> ChatGLMForConditionalGeneration:
    """Return a model of `config` with random weights made on `device`, a layer at a time.

    `dtype` is the name of a quantised precision ("int8", "int4"), whose other tensors are in `floating`, or anything
    else for all in `floating`. No second copy of a weight ever exists, so a small device can hold what it will train.
    """
    config.quantization_bit = QUANTIZED_BITS.get(dtype, 0)
    with torch.device("meta"), _default_dtype(floating):
        model = ChatGLMForConditionalGeneration(config)
    generator = torch.Generator(device=device).manual_seed(0)
    model.to_empty(device=device)
    model.tie_weights()
    assert model.lm_head.weight is model.transformer.word_embeddings.weight
    with torch.no_grad():
        for module in model.modules():
            _fill(module, config.initializer_range, generator)
    return model.requires_grad_(False)


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _fill(module: nn.Module, std: float, generator: torch.Generator) -> None:
    """Fill a layer: weights of that deviation, biases 0, norms 1."""
    if isinstance(module, QuantizedLinear):
        module.weight.random_(-128, 128, generator=generator)
        spread = 128 if module.bits == 8 else 8
        module.weight_scale.fill_(std / (spread / 3**0.5))  # evenly spread numbers
    elif isinstance(module, nn.Linear | nn.Embedding):
        module.weight.normal_(std=std, generator=generator)
    elif isinstance(module, nn.LayerNorm):
        module.weight.fill_(1.0)
    if isinstance(bias := getattr(module, "bias", None), Tensor):
        bias.zero_()


def six_billion_config(tokenizer: ChatGLMTokenizer) -> ChatGLMConfig:
    """Return ChatGLM-6B's shape with the special ids of a tokenizer at hand (the 6B's own is not)."""
    return ChatGLMConfig(
        bos_token_id=int(tokenizer.bos_token_id),
        eos_token_id=int(tokenizer.eos_token_id),
        pad_token_id=int(tokenizer.pad_token_id),
        mask_token_id=int(tokenizer.mask_token_id),
        gmask_token_id=tokenizer.gmask_token_id,
    )


def full_pairs(count: int) -> list[Pair]:
    """Return made-up pairs that fill both lengths, so that every example has their sum in tokens."""
    source = random.Random(0)
    characters = [chr(code) for code in range(0x4E00, 0x4E00 + 2000)]
    return [
        Pair("".join(source.choices(characters, k=200)), "".join(source.choices(characters, k=200)))
        for _ in range(count)
    ]


def step_operations(config: ChatGLMConfig, tokens: int, answer_tokens: int) -> float:
    """Return the multiplications and additions that training a prefix on one example takes.

    Forward and the gradient of the activations; frozen weights get none. Per token and block 12 h² weights (with the
    inner size 4 h), twice each way; attention over prefix and example twice as much back as forth; the head for the answer's
    tokens. Dequantising and recomputing (checkpointing) are not counted: they are this way of doing it, not the task.
    """
    hidden, layers = config.hidden_size, config.num_layers
    weights = 4 * hidden * hidden + 2 * hidden * config.inner_hidden_size
    keys = tokens + (config.pre_seq_len or 0)
    attention = 4 * hidden * keys  # scores and sums, forward
    blocks = layers * tokens * (2 * 2 * weights + 3 * attention)
    return blocks + 2 * 2 * answer_tokens * hidden * config.vocab_size


def arithmetic_peak(device: torch.device, dtype: torch.dtype, size: int, repeats: int = 20) -> float:
    """Return the operations a second of the best of several products of square matrices: what the device can do."""
    left = torch.ones(size, size, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(repeats):
        _wait(device)
        started = time.perf_counter()
        left @ left
        _wait(device)
        best = min(best, time.perf_counter() - started)
    return 2.0 * size**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def shape_figures(
    config: ChatGLMConfig,
    dtype: str,
    tokenizer: ChatGLMTokenizer,
    *,
    device: torch.device,
    floating: torch.dtype = torch.float16,
    accumulation: int = 16,
    steps: int = GPU_STEPS,
    peak_size: int = 8192,
) -> dict[str, float]:
    """Return peak memory in 10⁹ bytes (CUDA: of all tensors, weights included), tokens a second, and the share of the peak.

    Trains a prefix with batch 1 × `accumulation`, lengths 64/64 full of tokens, through our own loop.
    """
    peak = arithmetic_peak(device, floating, peak_size)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    model = random_model(config, dtype, device, floating)
    pairs = full_pairs(accumulation * (steps - WARM_UP_STEPS))
    job = Job(Base(model, tokenizer, "random", "", dtype), pairs, 1, accumulation)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    speed = our_speed(job)
    example = job.examples()[0]
    tokens = len(example.input_ids)
    operations = step_operations(model.config, tokens, example.answer_tokens) / tokens
    return {
        "peak_gb": round((peak_memory(device) or 0) / 1e9, 3),
        "tokens_per_s": round(speed.tokens_per_s, 1),
        "peak_tflops": round(peak / 1e12, 3),
        "share_of_peak": round(speed.tokens_per_s * operations / peak, 4),
    }


def gpu_part(tokenizer: ChatGLMTokenizer) -> dict[str, dict[str, float]]:
    """Return the figures of the 6B's shape in each precision, each printed as it comes."""
    device = torch.device("cuda")
    print(
        f"\nChatGLM-6B's shape, random weights, {torch.cuda.get_device_name(device)}, batch 1 × 16, lengths 64/64"
    )
    print(f"{'precision':10} {'peak GB':>8} {'to stay within':>14} {'tokens/s':>9} {'share of peak':>13}")
    found: dict[str, dict[str, float]] = {}
    for dtype in GPU_PRECISIONS:
        figures = shape_figures(six_billion_config(tokenizer), dtype, tokenizer, device=device)
        found[dtype] = {**figures, "limit_gb": GPU_LIMITS_GB[dtype]}
        print(
            f"{dtype:10} {figures['peak_gb']:8.2f} {GPU_LIMITS_GB[dtype]:14.1f} {figures['tokens_per_s']:9.0f} "
            f"{100 * figures['share_of_peak']:12.1f}%"
        )
    return found


# -- all of it ----------------------------------------------------------------------------------------------------


def cpu_part(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return memory and speed of both loops in every shape, printed as a table."""
    memory = {shape: {loop: memory_of(loop, arguments, shape) for loop in LOOPS} for shape in SHAPES}
    job = default_job(arguments, "published")
    lengths = [len(example.input_ids) for example in job.examples()]
    print(
        f"{job.base.name}, {len(job.pairs)} pairs of {statistics.mean(lengths):.0f} tokens on average "
        f"(padded: {SOURCE_LENGTH + TARGET_LENGTH}), prefix {job.pre_seq_len}, {arguments.threads} threads, {arguments.rounds} rounds"
    )
    print(
        f"{'batch':>10} {'plain tok/s':>12} {'ours tok/s':>11} {'ratio (least–most)':>20} {'by CPU time':>12} {'peak MB plain/ours':>19}"
    )
    found: dict[str, Any] = {}
    for shape, (batch_size, accumulation) in SHAPES.items():
        figures = compared(replace(job, batch_size=batch_size, accumulation=accumulation), arguments.rounds)
        peaks = {loop: round(memory[shape][loop]["peak"] / 1e6, 1) for loop in LOOPS}
        loaded = {loop: round(memory[shape][loop]["loaded"] / 1e6, 1) for loop in LOOPS}
        found[shape] = {**figures, "peak_mb": peaks, "before_training_mb": loaded}
        print(
            f"{f'{batch_size} × {accumulation}':>10} {figures['plain_tokens_per_s']:12.0f} {figures['ours_tokens_per_s']:11.0f} "
            f"{figures['speedup']:8.2f} ({figures['speedup_least']:.2f}–{figures['speedup_most']:.2f}) {figures['speedup_of_processor_time']:12.2f} "
            f"{peaks['plain']:10.0f}/{peaks['ours']:.0f}"
        )
    return found


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each loop")
    parser.add_argument("--pairs", type=int, default=64, help="questions in one turn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pre-seq-len", type=int, default=128)
    parser.add_argument("--model", type=Path, default=default_paths().model)
    parser.add_argument("--bank", type=Path, default=default_paths().bank)
    parser.add_argument("--learn", type=Path, metavar="BANK.xlsx", help="learn this bank, for the curve")
    parser.add_argument("--learn-lengths", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--learn-seconds", type=float, default=600, help="for each length")
    parser.add_argument("--learn-every", type=int, default=50, help="steps between two measurements")
    parser.add_argument("--skip-cpu", action="store_true", help="only the parts that were asked for beside")
    parser.add_argument("--child", choices=list(LOOPS), help=argparse.SUPPRESS)
    parser.add_argument("--shape", choices=list(SHAPES), default="published", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.child:
        print(json.dumps(child(arguments)))
        return
    figures: dict[str, Any] = {}
    if not arguments.skip_cpu:
        figures["cpu"] = cpu_part(arguments)
    if arguments.learn:
        figures["learn"] = learnt(arguments)
    if torch.cuda.is_available():
        figures["gpu"] = gpu_part(ChatGLMTokenizer.from_pretrained(arguments.model))
    else:
        print("\nno CUDA device: the 6B's shape was left out")
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
