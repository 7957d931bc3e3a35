"""`xiaoan train`: a base from texts, a prefix on a bank."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import options
from xiaoan.cli.help import HelpfulCommand
from xiaoan.cli.services import Action, Services
from xiaoan.config import Settings, default_paths
from xiaoan.errors import Interrupted, StorageError

if TYPE_CHECKING:
    from xiaoan.training.loop import StepReport

_THREADS = 2
_REPORT_EVERY = 20

app = typer.Typer(help="训练：底座与前缀", no_args_is_help=False, rich_markup_mode=None)

Output = Annotated[str, typer.Option("--output", metavar="文件夹", help="训练好的检查点写到哪里")]
RunFolder = Annotated[
    str | None,
    typer.Option(
        "--run-folder", metavar="文件夹", help="中途状态和曲线放在哪里；同样的命令再跑一次就接着训练"
    ),
]
Steps = Annotated[int | None, typer.Option("--max-steps", metavar="数", min=1, help="训练多少步")]


@app.callback()
def train() -> None:
    """训练：底座与前缀。"""


@app.command("base", cls=HelpfulCommand)
def base(
    context: typer.Context,
    texts: Annotated[str, typer.Option("--texts", metavar="文件", help="语料（JSON Lines）")],
    output: Output,
    run_folder: RunFolder = None,
    steps: Steps = None,
    seed: options.Seed = None,
) -> Action:
    """用自己的语料从零训练一个小底座（结构同 ChatGLM-6B）。

    Ctrl-C 会保存进度，同样的命令再跑一次就接着训练。
    """

    def action() -> int:
        from xiaoan.training.pretraining.base import BASE_SETTINGS, BaseShape, pretrain_base
        from xiaoan.training.pretraining.texts import read_field_texts

        settings = replace(
            BASE_SETTINGS,
            steps=steps or BASE_SETTINGS.steps,
            seed=BASE_SETTINGS.seed if seed is None else seed,
        )
        target = _empty_output(output)
        with _Watch(options.services_of(context)) as watch:
            done = pretrain_base(
                read_field_texts(Path(texts)),
                shape=BaseShape(),
                settings=settings,
                run_folder=_run_folder(run_folder, target),
                output=target,
                on_step=watch.report,
                should_stop=watch.should_stop,
            )
        return watch.close(done, target)

    return action


@app.command("ptuning", cls=HelpfulCommand)
def ptuning(
    context: typer.Context,
    output: Output,
    bank_files: options.Bank = None,
    model: options.Model = None,
    run_folder: RunFolder = None,
    steps: Steps = None,
    pre_seq_len: Annotated[
        int | None, typer.Option("--pre-seq-len", metavar="数", min=1, help="前缀长度")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", metavar="数", help="学习率")
    ] = None,
    seed: options.Seed = None,
    device: options.Device = None,
    config: options.Config = None,
) -> Action:
    """在题库上训练前缀（P-Tuning v2），底座不动。

    Ctrl-C 会保存进度，同样的命令再跑一次就接着训练。
    """
    common = options.Common(model=model, bank=bank_files, device=device, config=config)

    def action() -> int:
        settings = options.settings_for(context, common)
        return _ptuning(
            settings,
            options.services_of(context),
            _empty_output(output),
            run_folder,
            steps=steps,
            pre_seq_len=pre_seq_len,
            learning_rate=learning_rate,
            seed=seed,
        )

    return action


def _ptuning(
    settings: Settings,
    services: Services,
    output: Path,
    run_folder: str | None,
    *,
    steps: int | None,
    pre_seq_len: int | None,
    learning_rate: float | None,
    seed: int | None,
) -> int:
    from xiaoan.chatglm.checkpoint import load_checkpoint
    from xiaoan.training.ptuning import DEMO_SETTINGS, Base, tune_prefix

    bank = options.open_filled_bank(settings, services, "学")
    loop = DEMO_SETTINGS.loop
    chosen = replace(
        DEMO_SETTINGS,
        pre_seq_len=pre_seq_len or DEMO_SETTINGS.pre_seq_len,
        loop=replace(
            loop,
            steps=steps or loop.steps,
            learning_rate=loop.learning_rate if learning_rate is None else learning_rate,
            seed=loop.seed if seed is None else seed,
        ),
    )
    loaded = load_checkpoint(
        settings.model or default_paths().model, device=settings.device, dtype="bfloat16"
    )
    with _Watch(services) as watch:
        done = tune_prefix(
            Base(loaded.model, loaded.tokenizer, loaded.name, loaded.base_sha256),
            tuple(bank.bank),
            chosen,
            run_folder=_run_folder(run_folder, output),
            output=output,
            on_step=watch.report,
            should_stop=watch.should_stop,
        )
    return watch.close(done, output)


class _Watch:
    """Reports progress, and turns Ctrl-C into a stop after the current step, with everything saved."""

    def __init__(self, services: Services) -> None:
        self._screen = services.screen(services.stderr)
        self._stopped = False
        self._previous: Callable[..., object] | int | None = None

    def __enter__(self) -> "_Watch":
        import signal

        self._previous = signal.signal(signal.SIGINT, self._stop)
        _limit_threads()
        return self

    def __exit__(self, *_: object) -> None:
        import signal

        signal.signal(signal.SIGINT, self._previous)

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def should_stop(self) -> bool:
        return self._stopped

    def report(self, step: "StepReport") -> None:
        if step.step % _REPORT_EVERY == 0 or step.step == step.steps:
            left = step.elapsed_s / step.step * (step.steps - step.step)
            self._screen.notice(
                f"第 {step.step}/{step.steps} 步　损失 {step.loss:.4f}　"
                f"已用 {step.elapsed_s / 60:.1f} 分　还要约 {left / 60:.1f} 分"
            )

    def close(self, done: bool, output: Path) -> int:
        if not done:
            raise Interrupted("训练停在当前这一步，进度已保存。同样的命令再跑一次就接着训练。")
        self._screen.notice(f"训练完成，已写到 {output}")
        return 0


def _limit_threads() -> None:
    import torch

    torch.set_num_threads(min(_THREADS, torch.get_num_threads()))


def _run_folder(named: str | None, output: Path) -> Path:
    return Path(named) if named else Path("runs") / output.name


def _empty_output(name: str) -> Path:
    output = Path(name)
    if output.exists() and any(output.iterdir()):
        raise StorageError(f"{output} 里已经有文件，不会覆盖。请换一个文件夹，或先移走原来的。")
    return output
