"""Settings by name, chosen from the sizes of base and data, each with its reason for the person to read.

published   the values of ChatGLM-6B's ptuning README, train.sh and ds_train_finetune.sh; for LoRA, which it has not,
            PEFT's usual ones for a model of that size
chat        the values of its train_chat.sh: longer texts, several rounds
exam        a bank learnt by heart: chosen from measurements on the demonstration base (docs/log.md) and, for bases
            of the 6B's width, from the published values; between the two it is a rule of thumb
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xiaoan.chatglm.adapter_checkpoint import TARGETS
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.errors import UsageError
from xiaoan.training.data.lengths import Lengths, longest
from xiaoan.training.methods import Base, Method, parameter_count
from xiaoan.training.methods.full import Full
from xiaoan.training.methods.lora import Lora
from xiaoan.training.methods.ptuning import PTuning
from xiaoan.training.running.loop import LoopSettings

if TYPE_CHECKING:
    from xiaoan.training.dataset import TrainingData

DEFAULT_PRESET = "exam"
METHODS = ("ptuning", "lora", "full")

_LONGEST = (1024, 512)
"""The exam preset takes no question and no answer longer than this, in tokens."""
_SMALL_WIDTH = 1024
"""Up to this hidden size a base is taken for one like ours: small, pre-trained by the person's own commands."""
_RATE_TIMES_WIDTH = 80.0
"""Gives what was published for 4096 (0.02); below 800 the rate stays at what was measured at 256 (0.1)."""


@dataclass(frozen=True)
class Sizes:
    """What a preset chooses by.

    Attributes:
        hidden_size: of the base.
        num_layers: of the base.
        parameters: of the base.
        pairs: clean training pairs: questions, once in every form.
        examples: examples of one epoch, slips and what is mixed in included.
        device: "cpu", "cuda" or "mps".
        lengths: what the longest question and answer need; None: not known.
    """

    hidden_size: int
    num_layers: int
    parameters: int
    pairs: int
    examples: int
    device: str = "cpu"
    lengths: Lengths | None = None

    @classmethod
    def of(
        cls,
        model: ChatGLMForConditionalGeneration,
        *,
        pairs: int,
        examples: int,
        lengths: Lengths | None = None,
    ) -> "Sizes":
        """Return the sizes of a model, quantised or not, and of the data given."""
        config = model.config
        return cls(
            config.hidden_size,
            config.num_layers,
            parameter_count(model),
            pairs,
            examples,
            device=model.device.type,
            lengths=lengths,
        )

    @property
    def small(self) -> bool:
        """Whether the base is of the demonstration base's kind."""
        return self.hidden_size <= _SMALL_WIDTH


def sizes_of(base: Base, data: "TrainingData") -> Sizes:
    """Return the sizes of a base and of what it is to learn; one epoch is made and measured for it."""
    epoch = data.train(random.Random(0))
    return Sizes.of(
        base.model,
        pairs=len(data.fixed_train),
        examples=len(epoch),
        lengths=longest(base.tokenizer, [*epoch, *data.fixed_train, *data.held_out]),
    )


@dataclass(frozen=True)
class Choice:
    """What a preset chose; single values may be replaced by what the person asked for.

    Attributes:
        method: its settings.
        loop: the loop's.
        reasons: why, one sentence each.
    """

    method: Method
    loop: LoopSettings
    reasons: tuple[str, ...]


def choose(name: str, method: str, sizes: Sizes, *, seed: int = 1234) -> Choice:
    """Return what the preset `name` chooses for a method ("ptuning", "lora", "full") and these sizes.

    Raises:
        UsageError: there is no such preset; all are listed.
    """
    preset = PRESETS.get(name)
    if preset is None:
        raise UsageError(f"没有名为“{name}”的预设。可以用的有：{'、'.join(PRESETS)}。")
    return preset(method, sizes, seed)


def _published(method: str, sizes: Sizes, seed: int) -> Choice:
    del sizes
    loop = LoopSettings(
        steps=3000,
        batch_size=1,
        gradient_accumulation_steps=16,
        learning_rate=2e-2,
        seed=seed,
        autocast="float32",
        max_source_length=64,
        max_target_length=64,
        optimizer_epsilon="published",
        labels="published",
        stop_at_exact=False,
        save_every=1000,
        evaluate_every=500,
    )
    lengths = (
        "每步 1 条 × 累积 16 次，输入、输出各最多 64 个词元，共 3000 步：ChatGLM-6B 官方 train.sh 的数值"
    )
    if method == "ptuning":
        chosen = PTuning(pre_seq_len=128, init_std=1.0, dropout=0.1)
        reason = "前缀 128、学习率 0.02：官方 P-Tuning v2 的数值，为 60 亿参数的模型选的；初始幅度 1 是官方代码的默认值"
        return Choice(chosen, loop, (reason, lengths))
    if method == "lora":
        reason = "秩 8、alpha 32、学习率 0.0001：官方没有 LoRA 脚本，用社区在 ChatGLM-6B 上常用的数值"
        return Choice(Lora(), _changed(loop, learning_rate=1e-4), (reason, lengths))
    loop = _changed(
        loop,
        learning_rate=1e-4,
        batch_size=4,
        gradient_accumulation_steps=4,
        steps=5000,
        autocast="bfloat16",
    )
    return Choice(
        Full(),
        loop,
        ("学习率 0.0001、每步 4 条 × 累积 4 次、5000 步：官方全量微调脚本 ds_train_finetune.sh 的数值",),
    )


def _chat(method: str, sizes: Sizes, seed: int) -> Choice:
    published = _published(method, sizes, seed)
    lengths = "输入、输出各最多 256 个词元：官方 train_chat.sh 的数值，多轮对话要更长"
    loop = _changed(published.loop, max_source_length=256, max_target_length=256)
    if method != "ptuning":
        return Choice(published.method, loop, (published.reasons[0], lengths))
    chosen = PTuning(pre_seq_len=8, init_std=1.0, dropout=0.1)
    reason = "前缀 8、学习率 0.01：官方 train_chat.sh 的数值，对话只学语气和格式，短前缀不容易盖掉原有的知识"
    return Choice(chosen, _changed(loop, learning_rate=1e-2), (reason, lengths))


def _exam(method: str, sizes: Sizes, seed: int) -> Choice:
    small = sizes.small
    step_examples = 32 if small else 16
    source, target = _exam_lengths(sizes)
    loop = LoopSettings(
        steps=_exam_steps(sizes, step_examples),
        batch_size=32 if small else 1,
        gradient_accumulation_steps=1 if small else 16,
        learning_rate=_exam_rate(method, sizes),
        seed=seed,
        autocast="bfloat16" if method == "full" else "float32",
        max_source_length=source,
        max_target_length=target,
        stop_at_exact=True,
        save_every=100,
        evaluate_every=_evaluate_every(sizes, step_examples),
    )
    reasons = (_rate_reason(method, sizes, loop), _steps_reason(sizes, loop))
    if method == "lora":
        return _exam_lora(sizes, loop, reasons)
    if method == "full":
        return Choice(Full(), loop, reasons)
    length = _prefix_length(sizes)
    told = f"前缀 {length}：要记 {sizes.pairs} 个问答"
    if small:
        how = "前缀从题目自己的词开始，不做 dropout：小底座上实测比随机数开始记得快"
        return Choice(PTuning(length, init_std=None, dropout=0.0), loop, (told, how, *reasons))
    how = "初始幅度 1、dropout 0.1：官方代码的数值"
    return Choice(PTuning(length, init_std=1.0, dropout=0.1), loop, (told, how, *reasons))


def _exam_lora(sizes: Sizes, loop: LoopSettings, reasons: tuple[str, ...]) -> Choice:
    if sizes.small:
        told = "秩 16，四种线性层都加：小底座要记住新的题，只改一层不够"
        return Choice(Lora(rank=16, targets=TARGETS), loop, (told, *reasons))
    told = "秩 8，只加在 query_key_value 上：ChatGLM-6B 上的通行做法"
    return Choice(Lora(rank=8), loop, (told, *reasons))


def _prefix_length(sizes: Sizes) -> int:
    return 128 if sizes.pairs <= 500 or not sizes.small else 256


def _exam_lengths(sizes: Sizes) -> tuple[int, int]:
    """What the data needs, rounded up: nothing is cut, and memory is not put aside for what does not come."""
    if sizes.lengths is None:
        return _LONGEST
    needed = (sizes.lengths.source, sizes.lengths.target)
    source, target = (min(-(-n // 16) * 16, most) for n, most in zip(needed, _LONGEST, strict=True))
    return source, target


def _exam_rate(method: str, sizes: Sizes) -> float:
    if method == "ptuning":
        return min(0.1, round(_RATE_TIMES_WIDTH / sizes.hidden_size, 3))
    if method == "lora":
        return 5e-3 if sizes.small else 2e-4
    return 1e-3 if sizes.small else 2e-5


def _rate_reason(method: str, sizes: Sizes, loop: LoopSettings) -> str:
    rate = f"学习率 {loop.learning_rate:g}"
    if method != "ptuning":
        return f"{rate}：底座有 {sizes.parameters / 1e6:.1f} 百万参数，越大的底座学习率要越小"
    return f"{rate}：底座宽 {sizes.hidden_size}；宽 256 实测用 0.1，宽 4096 官方用 0.02，中间按宽度估计"


def _exam_steps(sizes: Sizes, step_examples: int) -> int:
    steps = round(2400 * (sizes.pairs / 100) ** 0.6) * 32 // step_examples
    return int(max(600, min(20000, steps)))


def _evaluate_every(sizes: Sizes, step_examples: int) -> int:
    """Often enough to stop in time, and so seldom that measuring (a third of a step's work) takes a tenth of the time."""
    return max(50, 2 * sizes.pairs * 10 // (3 * step_examples) // 50 * 50)


def _steps_reason(sizes: Sizes, loop: LoopSettings) -> str:
    seen = loop.steps * loop.batch_size * loop.gradient_accumulation_steps
    epochs = seen / max(sizes.examples, 1)
    return f"最多 {loop.steps} 步：每遍 {sizes.examples} 条，约学 {epochs:.0f} 遍；全部答对且不再进步就提前停"


def _changed(loop: LoopSettings, **values: object) -> LoopSettings:
    return replace(loop, **values)  # type: ignore[arg-type]


PRESETS: dict[str, Callable[[str, Sizes, int], Choice]] = {
    "exam": _exam,
    "published": _published,
    "chat": _chat,
}
"""Name → function of (method, sizes, seed)."""
