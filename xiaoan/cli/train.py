"""`xiaoan train`: a base from texts; a prefix, an adapter or the whole model on a bank."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import options
from xiaoan.cli.flag_sets import taking
from xiaoan.cli.help import HelpfulCommand
from xiaoan.cli.services import Action, Services
from xiaoan.cli.tuning_flags import FullFlags, LoraFlags, PtuningFlags, TuningFlags
from xiaoan.errors import Interrupted, StorageError

if TYPE_CHECKING:
    from xiaoan.training.running.loop import StepReport

_THREADS = 2
_REPORT_EVERY = 20

app = typer.Typer(
    help="训练：前缀、LoRA、全量微调，或从零训练底座", no_args_is_help=False, rich_markup_mode=None
)

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
    """训练：前缀、LoRA、全量微调，或从零训练底座。"""


@app.command("ptuning", cls=HelpfulCommand)
@taking(PtuningFlags)
def ptuning(context: typer.Context, flags: PtuningFlags) -> Action:
    """在题库上训练前缀（P-Tuning v2），底座不动。

    例：xiaoan train ptuning --bank 本单位题库.xlsx --output runs/本单位
    训练完给出训练前后的正确率；Ctrl-C 会保存进度，加 --resume 就接着训练。
    """
    return _tuning(context, flags)


@app.command("lora", cls=HelpfulCommand)
@taking(LoraFlags)
def lora(context: typer.Context, flags: LoraFlags) -> Action:
    """训练 LoRA 适配器（PEFT 格式），底座不动。

    例：xiaoan train lora --bank 本单位题库.xlsx --output runs/本单位-lora
    用的时候写 --lora runs/本单位-lora；--merge 另写一份并好的完整模型。
    """
    return _tuning(context, flags)


@app.command("full", cls=HelpfulCommand)
@taking(FullFlags)
def full(context: typer.Context, flags: FullFlags) -> Action:
    """全量微调：底座的全部参数都学，写出一个新的模型文件夹。

    例：xiaoan train full --bank 本单位题库.xlsx --output runs/本单位-full
    最占内存，也最容易忘掉原来会的；题库一般用 ptuning 就够。
    """
    return _tuning(context, flags)


def _tuning(context: typer.Context, flags: TuningFlags) -> Action:
    def action() -> int:
        from xiaoan.cli.tuning_run import tune_from

        return tune_from(flags, options.settings_for(context, flags.common), options.services_of(context))

    return action


@app.command("base", cls=HelpfulCommand)
def base(
    context: typer.Context,
    texts: Annotated[str, typer.Option("--texts", metavar="文件", help="语料（JSON Lines）")],
    output: Output,
    run_folder: RunFolder = None,
    steps: Steps = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", metavar="数", min=1e-9, help="学习率")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", metavar="模型", help="不从零开始，接着训练这个底座文件夹")
    ] = None,
    drills: Annotated[
        float | None,
        typer.Option("--drills", metavar="份额", min=0, max=0.9, help="认字练习占几成，0 到 0.9"),
    ] = None,
    seed: options.Seed = None,
) -> Action:
    """用自己的语料训练一个小底座（结构同 ChatGLM-6B），从零开始或接着一个底座。

    Ctrl-C 会保存进度，同样的命令再跑一次就接着训练。
    """

    def action() -> int:
        from xiaoan.training.pretraining.base import (
            BASE_SETTINGS,
            DRILL_SHARE,
            BaseShape,
            pretrain_base,
        )
        from xiaoan.training.pretraining.texts import read_field_texts

        settings = replace(
            BASE_SETTINGS,
            steps=steps or BASE_SETTINGS.steps,
            learning_rate=learning_rate or BASE_SETTINGS.learning_rate,
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
                start=None if start is None else Path(start),
                drill_share=DRILL_SHARE if drills is None else drills,
                on_step=watch.report,
                should_stop=watch.should_stop,
            )
        return watch.close(done, target)

    return action


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
