"""The options of `xiaoan train ptuning`, `lora` and `full`: the shared ones once, and what each has of its own."""

from dataclasses import dataclass
from typing import Annotated

import typer

from xiaoan.cli import options

_PRESETS = "exam 背题库；published 原版脚本的数值；chat 日常对话"


@dataclass(frozen=True, kw_only=True)
class TuningFlags:
    """What one command line gave; None and empty mean not given."""

    output: Annotated[
        str,
        typer.Option(
            "--output", metavar="文件夹", help="训练结果和过程都写在这里；没训练完就用 --resume 接着来"
        ),
    ]
    bank: options.Bank = None
    train_file: Annotated[
        str | None,
        typer.Option("--train-file", metavar="文件", help="不用题库，用自己的问答数据（JSON 或 JSONL）"),
    ] = None
    validation_file: Annotated[
        str | None,
        typer.Option(
            "--validation-file",
            metavar="文件",
            help="训练后用来打分的数据，预测写到 generated_predictions.txt",
        ),
    ] = None
    prompt_column: Annotated[
        str, typer.Option("--prompt-column", metavar="列名", help="问题在哪一列，默认 content")
    ] = "content"
    response_column: Annotated[
        str, typer.Option("--response-column", metavar="列名", help="回答在哪一列，默认 summary")
    ] = "summary"
    history_column: Annotated[
        str | None, typer.Option("--history-column", metavar="列名", help="之前几轮对话在哪一列")
    ] = None
    template: Annotated[
        str | None, typer.Option("--template", metavar="文件", help="用模板生成的数据训练（TOML 或 YAML）")
    ] = None
    count: Annotated[int | None, typer.Option("--count", metavar="数", min=1, help="从模板生成多少条")] = None
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--form", metavar="问法", help="plain、options、spoken 或 all，可写多次；不写就是 plain"
        ),
    ] = None
    split: Annotated[
        str | None,
        typer.Option(
            "--split", metavar="分法", help="留出一部分题只考不学，如 group:0.1、profession:变电、random:0.1"
        ),
    ] = None
    mix: Annotated[
        list[str] | None,
        typer.Option("--mix", metavar="文件:份额", help="掺进通用数据防遗忘，如 通用.jsonl:0.2，可写多次"),
    ] = None
    general: Annotated[
        str | None, typer.Option("--general", metavar="文件", help="训练前后各考一遍的通用数据，看忘了多少")
    ] = None
    preset: Annotated[str, typer.Option("--preset", metavar="方案", help=_PRESETS)] = "exam"
    max_steps: Annotated[int | None, typer.Option("--max-steps", metavar="数", min=1, help="训练多少步")] = (
        None
    )
    resume: Annotated[bool, typer.Option("--resume", help="接着上次没训练完的来")] = False
    batch_size: Annotated[int | None, typer.Option("--batch-size", metavar="数", min=1, help="一次几条")] = (
        None
    )
    accumulation: Annotated[
        int | None,
        typer.Option(
            "--accumulation", metavar="数", min=1, help="攒几次再更新一步；显存不够时把它加大、批量减小"
        ),
    ] = None
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", metavar="数", help="学习率")] = (
        None
    )
    max_source_length: Annotated[
        int | None,
        typer.Option("--max-source-length", metavar="数", min=1, help="问题最多几个词元，长的截断"),
    ] = None
    max_target_length: Annotated[
        int | None,
        typer.Option("--max-target-length", metavar="数", min=1, help="回答最多几个词元，长的截断"),
    ] = None
    seed: options.Seed = None
    save_every: Annotated[
        int | None, typer.Option("--save-every", metavar="数", min=1, help="每几步存一次进度")
    ] = None
    evaluate_every: Annotated[
        int | None, typer.Option("--evaluate-every", metavar="数", min=1, help="每几步量一次准确率")
    ] = None
    early_stop: Annotated[
        bool | None, typer.Option("--early-stop/--no-early-stop", help="全部学会、留出的题不再变好就提前结束")
    ] = None
    gradient_checkpointing: Annotated[
        str | None,
        typer.Option("--gradient-checkpointing", metavar="方式", help="auto、on、off：用时间换显存"),
    ] = None
    tensorboard: Annotated[
        str | None, typer.Option("--tensorboard", metavar="文件夹", help="另写一份 TensorBoard 曲线")
    ] = None
    model: options.Model = None
    device: options.Device = None
    dtype: options.Dtype = None
    config: options.Config = None
    as_json: options.AsJson = False

    @property
    def common(self) -> options.Common:
        """The options that other commands have too."""
        return options.Common(
            model=self.model,
            bank=self.bank,
            device=self.device,
            dtype=self.dtype,
            seed=self.seed,
            config=self.config,
        )


Calibrate = Annotated[
    bool,
    typer.Option("--calibrate/--no-calibrate", help="训练完量一量答案有多大把握，以后作答就显示“把握”"),
]


@dataclass(frozen=True, kw_only=True)
class PtuningFlags(TuningFlags):
    """What P-Tuning v2 can be told besides."""

    calibrate: Calibrate = True

    pre_seq_len: Annotated[
        int | None, typer.Option("--pre-seq-len", metavar="数", min=1, help="前缀长度")
    ] = None
    prefix_projection: Annotated[
        bool | None, typer.Option("--prefix-projection/--no-prefix-projection", help="前缀由一个小网络生成")
    ] = None
    init_std: Annotated[float | None, typer.Option("--init-std", metavar="数", help="前缀初值的标准差")] = (
        None
    )
    prefix_dropout: Annotated[
        float | None, typer.Option("--prefix-dropout", metavar="数", help="训练时随机丢掉前缀的几成，0 到 1")
    ] = None
    export: Annotated[
        str | None,
        typer.Option(
            "--export",
            metavar="格式",
            help="original：另写一份原版 ChatGLM-6B 能读的前缀，在 original 子文件夹",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class LoraFlags(TuningFlags):
    """What LoRA can be told besides."""

    calibrate: Calibrate = True

    rank: Annotated[int | None, typer.Option("--rank", metavar="数", min=1, help="低秩矩阵的秩")] = None
    alpha: Annotated[float | None, typer.Option("--alpha", metavar="数", help="缩放系数")] = None
    lora_dropout: Annotated[
        float | None, typer.Option("--lora-dropout", metavar="数", help="丢弃率，0 到 1")
    ] = None
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", metavar="名字", help="装在哪些线性层上，如 query_key_value、dense，可写多次"
        ),
    ] = None
    merge: Annotated[bool, typer.Option("--merge", help="另写一份并进底座的完整模型，在 merged 子文件夹")] = (
        False
    )


@dataclass(frozen=True, kw_only=True)
class FullFlags(TuningFlags):
    """Full fine-tuning has no options of its own."""
