"""From a preset and the command line's own wishes to the plan of a run, in words and in settings."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xiaoan.cli.tuning_flags import FullFlags, LoraFlags, PtuningFlags, TuningFlags
from xiaoan.config import DTYPES
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.training.methods import Method
    from xiaoan.training.presets import Sizes
    from xiaoan.training.tuning import TuningPlan

_SAID = {
    "steps": "步数",
    "batch_size": "每次条数",
    "gradient_accumulation_steps": "累积次数",
    "learning_rate": "学习率",
    "max_source_length": "问题长度上限",
    "max_target_length": "回答长度上限",
    "save_every": "保存间隔",
    "evaluate_every": "测量间隔",
    "stop_at_exact": "提前结束",
    "gradient_checkpointing": "梯度检查点",
    "pre_seq_len": "前缀长度",
    "prefix_projection": "前缀网络",
    "init_std": "初始幅度",
    "dropout": "丢弃率",
    "rank": "秩",
    "alpha": "alpha",
    "targets": "改的层",
}
_CHECKPOINTING = ("auto", "on", "off")
ORIGINAL = "original"


_QUANTISED = tuple(name for name in DTYPES if name.startswith("int"))


def check_flags(flags: TuningFlags) -> None:
    """Refuse values that no run can use, before anything is loaded.

    Raises:
        UsageError: a wrong word.
    """
    if flags.gradient_checkpointing not in (None, *_CHECKPOINTING):
        raise UsageError(
            f"--gradient-checkpointing 写的是 {flags.gradient_checkpointing}，可用：{'、'.join(_CHECKPOINTING)}。"
        )
    if isinstance(flags, PtuningFlags) and flags.export not in (None, ORIGINAL):
        raise UsageError(
            f"--export 写的是 {flags.export}，可用：{ORIGINAL}（原版 ChatGLM-6B 的前缀文件夹）。"
        )
    if isinstance(flags, FullFlags) and flags.dtype in _QUANTISED:
        raise UsageError(
            f"全量微调不能在 {flags.dtype} 的底座上做：压缩过的权重没法学。"
            "请去掉 --dtype，或改用 xiaoan train ptuning、xiaoan train lora。"
        )


def made_plan(name: str, flags: TuningFlags, sizes: "Sizes", *, seed: int | None) -> "TuningPlan":
    """Return the plan of the method `name`: the preset's choice, changed where the command line says so.

    Raises:
        UsageError: there is no such preset, or a value is impossible.
    """
    from xiaoan.training.presets import choose
    from xiaoan.training.tuning import TuningPlan

    choice = (
        choose(flags.preset, name, sizes) if seed is None else choose(flags.preset, name, sizes, seed=seed)
    )
    loop_wishes = _given(
        steps=flags.max_steps,
        batch_size=flags.batch_size,
        gradient_accumulation_steps=flags.accumulation,
        learning_rate=flags.learning_rate,
        max_source_length=flags.max_source_length,
        max_target_length=flags.max_target_length,
        save_every=flags.save_every,
        evaluate_every=flags.evaluate_every,
        stop_at_exact=flags.early_stop,
        gradient_checkpointing=flags.gradient_checkpointing,
    )
    method_wishes = _method_wishes(flags)
    return TuningPlan(
        method=_changed(choice.method, method_wishes),
        loop=replace(choice.loop, **loop_wishes),
        preset=flags.preset,
        reasons=(*choice.reasons, *_wishes_told({**loop_wishes, **method_wishes})),
    )


def _method_wishes(flags: TuningFlags) -> dict[str, Any]:
    if isinstance(flags, PtuningFlags):
        return _given(
            pre_seq_len=flags.pre_seq_len,
            prefix_projection=flags.prefix_projection,
            init_std=flags.init_std,
            dropout=flags.prefix_dropout,
        )
    if isinstance(flags, LoraFlags):
        return _given(
            rank=flags.rank,
            alpha=flags.alpha,
            dropout=flags.lora_dropout,
            targets=tuple(flags.target) if flags.target else None,
        )
    return {}


def _changed(method: "Method", wishes: dict[str, Any]) -> "Method":
    # Every method is a frozen dataclass; the protocol cannot say so.
    return replace(method, **wishes) if wishes else method  # type: ignore[type-var]


def _given(**wishes: Any) -> dict[str, Any]:
    return {name: value for name, value in wishes.items() if value is not None}


def _wishes_told(wishes: dict[str, Any]) -> tuple[str, ...]:
    if not wishes:
        return ()
    return (
        "按命令行改了：" + "，".join(f"{_SAID[name]} {_in_words(value)}" for name, value in wishes.items()),
    )


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "开" if value else "关"
    return (
        "、".join(value)
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
