"""The settings of the training loop, with the learning rate and epsilon of each step."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from xiaoan.errors import UsageError

BETAS = (0.9, 0.999)
"""AdamW's, as published."""

_EPSILON = 1e-8
_FREE_TO_CHANGE = ("save_every", "gradient_checkpointing")
"""Settings that a resumed run may have otherwise: they do not change what comes out."""


@dataclass(frozen=True)
class LoopSettings:
    """What a run depends on; stored with it, and a resumed run must have the same.

    Attributes:
        steps: steps of the optimiser.
        batch_size: examples of one forward, over all processes together.
        learning_rate: at its highest.
        seed: of everything random.
        warmup_steps: steps of linear warm-up; then the rate falls linearly to 0.
        weight_decay: of matrices; vectors have none.
        clip_norm: gradients are scaled down to this total norm.
        autocast: precision of the products ("bfloat16", "float16" or "float32"); parameters that are trained stay
            in float32.
        save_every: steps between two states on disk.
        gradient_accumulation_steps: batches whose mean losses are averaged before a step.
        max_source_length: of a prompt, in tokens, [gMASK] included.
        max_target_length: of an answer, in tokens, <sop> and <eop> included.
        optimizer_epsilon: "torch" adds epsilon to the corrected second moment's root; "published" to the uncorrected
            one, as transformers 4's AdamW does, with which the published prefixes were trained.
        labels: "answer" is the answer with its <eop>; "published" has the <sop> before it too.
        evaluate_every: steps between two measurements; 0: never.
        stop_at_exact: stop once all training pairs are answered exactly and the held-out share rises no more.
        patience: measurements without a rise of the held-out share before that stop.
        gradient_checkpointing: "on", "off", or "auto": where the activations would not fit.
    """

    steps: int
    batch_size: int
    learning_rate: float
    seed: int = 1234
    warmup_steps: int = 0
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    autocast: str = "bfloat16"
    save_every: int = 100
    gradient_accumulation_steps: int = 1
    max_source_length: int = 64
    max_target_length: int = 64
    optimizer_epsilon: str = "torch"
    labels: str = "answer"
    evaluate_every: int = 0
    stop_at_exact: bool = False
    patience: int = 3
    gradient_checkpointing: str = "auto"

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or not 0 < self.learning_rate < math.inf:
            raise UsageError(
                f"训练设置不对：steps={self.steps}、batch_size={self.batch_size}、"
                f"learning_rate={self.learning_rate}，三者都应是大于 0 的数。"
            )
        least = {
            "gradient_accumulation_steps": 1,
            "save_every": 1,
            "max_source_length": 2,
            "max_target_length": 3,
        }
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise UsageError(f"训练设置不对：{name}={getattr(self, name)}，至少应为 {smallest}。")
        choices = {
            "autocast": ("bfloat16", "float16", "float32"),
            "optimizer_epsilon": ("torch", "published"),
            "labels": ("answer", "published"),
            "gradient_checkpointing": ("auto", "on", "off"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise UsageError(f"训练设置不对：{name}={getattr(self, name)}，可以用 {'、'.join(allowed)}。")

    def rate_at(self, step: int) -> float:
        """Learning rate of step `step` (from 0): linear warm-up, then linear decay to 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        return self.learning_rate * (self.steps - step) / max(self.steps - self.warmup_steps, 1)

    def epsilon_at(self, step: int) -> float:
        """What torch's AdamW needs as epsilon in step `step` (from 0)."""
        if self.optimizer_epsilon == "torch":
            return _EPSILON
        return _EPSILON / math.sqrt(1 - BETAS[1] ** (step + 1))

    def identity(self) -> dict[str, Any]:
        """Return what a resumed run must have the same."""
        return {name: value for name, value in asdict(self).items() if name not in _FREE_TO_CHANGE}
