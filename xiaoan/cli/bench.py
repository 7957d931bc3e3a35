"""`xiaoan bench`: how fast this machine answers, by precision, and how much of what the machine can do that is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xiaoan.cli import options
from xiaoan.cli.services import Action, Services, write_json
from xiaoan.config import OFF, Settings, bank_paths, default_paths
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    import torch

    from xiaoan.chatglm.device import Machine
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.measuring.benches import Bench, Measured
    from xiaoan.terminal.progress_bar import ProgressBar

Quick = Annotated[bool, typer.Option("--quick", help="只量个大概：题短、轮数少")]
RandomShapes = Annotated[
    bool, typer.Option("--random", help="不读模型，用两个随机权重的小模型（词表大、小各一）测处理器")
]
RandomSixBillion = Annotated[
    bool,
    typer.Option("--random-6b", help="不读模型，用 ChatGLM-6B 大小的随机权重测（int4 也要约 5 GiB 内存）"),
]
Threads = Annotated[int | None, typer.Option("--threads", metavar="数", min=1, help="处理器用几个线程")]
_TITLE = "测速"
_QUESTIONS = 8


def bench(
    context: typer.Context,
    as_json: options.AsJson = False,
    quick: Quick = False,
    random: RandomShapes = False,
    random_6b: RandomSixBillion = False,
    threads: Threads = None,
    model: options.Model = None,
    prefix: options.Prefix = None,
    bank_files: options.Bank = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    config: options.Config = None,
) -> Action:
    """测一测这台机器答题有多快：各种精度、题的长短、一次几道，和机器的上限比，也和原版的写法比。

    不写模型就测随程序带的演示模型。--dtype 只测一种精度。测的时候别的程序越少越准；Ctrl-C 停止。
    """
    common = options.Common(model, prefix, bank_files, device, dtype, None, None, config)
    wanted = _Wanted(quick, random, random_6b, threads)

    def action() -> int:
        settings = options.settings_for(context, common)
        return _bench(settings, options.services_of(context), wanted, as_json=as_json)

    return action


@dataclass(frozen=True)
class _Wanted:
    """The flags of this command."""

    quick: bool
    random: bool
    random_6b: bool
    threads: int | None

    def check(self, settings: Settings) -> None:
        """Refuse what excludes each other.

        Raises:
            UsageError: more than one thing is to be measured.
        """
        named = [
            flag
            for flag, given in (
                ("--random", self.random),
                ("--random-6b", self.random_6b),
                ("--model", settings.model is not None),
            )
            if given
        ]
        if len(named) > 1:
            raise UsageError(f"{'、'.join(named)} 一次只能写一个：要么测模型，要么测随机权重。")


def _bench(settings: Settings, services: Services, wanted: _Wanted, *, as_json: bool) -> int:
    wanted.check(settings)
    with _progress(services, settings) as bar:
        bar.tell("准备程序库")
        import torch

        from xiaoan.chatglm.device import choose_device, this_machine
        from xiaoan.measuring.benches import run_benches

        if wanted.threads is not None:
            torch.set_num_threads(wanted.threads)
        machine = this_machine()
        device = choose_device(settings.device, machine)
        benches = _benches(settings, services, wanted, device, machine)
        measured = run_benches(benches, device, clock=services.clock, quick=wanted.quick, tell=bar.tell)
    document = _document(measured, device)
    if as_json:
        write_json(services.stdout, document)
    else:
        _show(settings, services, measured, device)
        write_json(services.stdout, document)
    return 0


@contextmanager
def _progress(services: Services, settings: Settings) -> "Iterator[ProgressBar]":
    """A line on standard error that says what is being measured."""
    from xiaoan.terminal.console import make_console
    from xiaoan.terminal.progress_bar import ProgressBar

    console = make_console(services.stderr, width=services.width)
    with ProgressBar(console, _TITLE, clock=services.clock, plain=bool(settings.plain)) as bar:
        yield bar


def _benches(
    settings: Settings, services: Services, wanted: _Wanted, device: "torch.device", machine: "Machine"
) -> "list[Bench]":
    """What was asked for, each with the precisions that there is room for.

    Raises:
        DeviceError: there is room for none.
    """
    from xiaoan.measuring.benches import plan_bench
    from xiaoan.measuring.shapes import PUBLISHED_VOCABULARY, SMALL_VOCABULARY, cpu_shape, six_billion_shape
    from xiaoan.measuring.subjects import RandomSubject
    from xiaoan.measuring.variants import PRECISIONS

    precisions = PRECISIONS if settings.dtype == "auto" else (settings.dtype,)
    if wanted.random_6b:
        subject = RandomSubject(six_billion_shape(), device, keep=False)
        title = "ChatGLM-6B 大小，随机权重"
        return [plan_bench(title, subject, device, machine, precisions=precisions, quick=wanted.quick)]
    if wanted.random:
        return [
            plan_bench(
                f"随机权重：隐层 1024，8 层，16 头，词表 {size}",
                RandomSubject(cpu_shape(size), device),
                device,
                machine,
                precisions=precisions,
                quick=wanted.quick,
            )
            for size in (PUBLISHED_VOCABULARY, SMALL_VOCABULARY)
        ]
    return [_stored(settings, services, wanted, device, machine, precisions)]


def _stored(
    settings: Settings,
    services: Services,
    wanted: _Wanted,
    device: "torch.device",
    machine: "Machine",
    precisions: Sequence[str],
) -> "Bench":
    """The bench of the model that the settings name."""
    from xiaoan.chatglm.checkpoint import load_checkpoint
    from xiaoan.chatglm.model_folder import fetch_from_hub, load_tokenizer, read_config, resolve_folder
    from xiaoan.chatglm.prefix_checkpoint import load_prefix
    from xiaoan.chatglm.quantization import WITH_HEAD
    from xiaoan.measuring.benches import plan_bench
    from xiaoan.measuring.subjects import StoredSubject

    defaults = default_paths()
    folder = resolve_folder(settings.model or defaults.model, fetch=fetch_from_hub)
    named = settings.effective_prefix
    prefix = defaults.prefix if named is None else None if named == OFF else Path(named).expanduser()
    config = read_config(folder)
    if config.quantization_bit and settings.dtype == "auto":
        own = f"int{config.quantization_bit}"
        precisions = [own + WITH_HEAD] if config.quantization_head else [own, own + WITH_HEAD]
    if prefix is not None:
        config.pre_seq_len = load_prefix(prefix).pre_seq_len
    tokenizer = load_tokenizer(folder)

    def load(precision: str) -> "ChatGLMForConditionalGeneration":
        return load_checkpoint(folder, prefix=prefix, device=str(device), dtype=precision).model

    questions = [tokenizer.encode(text) for text in _questions(settings, services)]
    subject = StoredSubject(load, config, questions)
    title = f"{folder.resolve().name}" + (f"，前缀 {prefix.resolve().name}" if prefix is not None else "")
    return plan_bench(
        title,
        subject,
        device,
        machine,
        precisions=precisions,
        quick=wanted.quick,
        eos=int(tokenizer.eos_token_id),
        reference=not config.quantization_bit,
    )


def _questions(settings: Settings, services: Services) -> list[str]:
    """A few questions of the bank, by whose answers the accuracy is measured; a greeting where there is no bank."""
    from xiaoan.assistant.open_bank import open_bank

    bank = open_bank(bank_paths(settings), options.bank_cache(services.environ))
    stems = (
        []
        if bank is None
        else [question.stem for question in bank.bank][:: max(1, len(bank.bank) // _QUESTIONS)]
    )
    return stems[:_QUESTIONS] or ["你好"]


def _document(measured: "Measured", device: "torch.device") -> dict[str, Any]:
    """The one JSON line."""
    import torch

    from xiaoan.training.running.devices import peak_memory

    peak = peak_memory(device)
    return {
        "device": str(device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": measured.rates.to_document(),
        "benches": [bench.to_document(found) for bench, found in measured.comparisons],
        "peak_memory_mb": None if peak is None else round(peak / 1e6, 1),
    }


def _show(settings: Settings, services: Services, measured: "Measured", device: "torch.device") -> None:
    import torch

    from xiaoan.terminal.bench_report import bench_lines, machine_facts
    from xiaoan.terminal.screen import Fact

    screen = services.screen(services.stdout, plain=settings.plain)
    facts = [Fact("设备", f"{device}，{torch.get_num_threads()} 个线程，PyTorch {torch.__version__}")]
    facts += [Fact(name, value) for name, value in machine_facts(measured.rates)]
    screen.page(_TITLE, facts)
    screen.lines(bench_lines(measured, width=screen.width, plain=screen.plain))
