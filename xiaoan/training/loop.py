"""The training loop: AdamW, warm-up and linear decay, clipping, curves on disk, and an exact resume.

One loop serves pre-training and prefix tuning; they differ in which parameters move and in where the pairs come from.
Everything random is drawn from (seed, epoch) or (seed, step), so a stopped run that is continued sees the same data.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import PreTrainedTokenizerBase

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.errors import UsageError, XiaoanError
from xiaoan.training.batches import IGNORED, Batch, Example, collate, encode_pair, length_sorted
from xiaoan.training.pairs import Pair

EpochPairs = Callable[[random.Random], Sequence[Pair]]
"""Makes the pairs of one epoch; called with a generator of that epoch's own."""

STATE_FILE = "state.pt"
METRICS_FILE = "metrics.jsonl"


@dataclass(frozen=True)
class LoopSettings:
    """What a run depends on; stored with it, and a resumed run must have the same.

    `autocast` is the precision of the products ("bfloat16", "float16" or "float32"); parameters that are trained
    stay in float32.
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

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or self.learning_rate <= 0:
            raise UsageError(
                f"训练设置不对：steps={self.steps}、batch_size={self.batch_size}、"
                f"learning_rate={self.learning_rate}，三者都应大于 0。"
            )

    def rate_at(self, step: int) -> float:
        """Learning rate of step `step` (from 0): linear warm-up, then linear decay to 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        return self.learning_rate * (self.steps - step) / max(self.steps - self.warmup_steps, 1)


@dataclass(frozen=True)
class StepReport:
    """What the loop tells its listener after a step; `loss` is the mean over the last few steps."""

    step: int
    steps: int
    loss: float
    learning_rate: float
    elapsed_s: float


def answer_loss(model: ChatGLMForConditionalGeneration, batch: Batch) -> Tensor:
    """Return the same mean loss as `forward(labels=…)`, with the head applied to the answers' tokens only."""
    hidden = model.transformer(batch.input_ids, use_cache=False).last_hidden_state[:, :-1]
    targets = batch.labels[:, 1:]
    wanted = targets != IGNORED
    logits = model.lm_head(hidden[wanted])
    return F.cross_entropy(logits.float(), targets[wanted])


class TrainingRun:
    """A run in a folder: settings, state to resume from, and the curve.

    Args:
        model: moved and cast by the caller; only `parameters` are trained.
        tokenizer: for `pairs`.
        parameters: name → parameter, float32.
        pairs: makes each epoch's pairs.
        settings: see `LoopSettings`.
        folder: created; holds `settings.json`, `state.pt`, `metrics.jsonl`.
        clock: seconds, for the elapsed time.
    """

    def __init__(
        self,
        model: ChatGLMForConditionalGeneration,
        tokenizer: PreTrainedTokenizerBase,
        *,
        parameters: dict[str, nn.Parameter],
        pairs: EpochPairs,
        settings: LoopSettings,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.parameters = parameters
        self.pairs = pairs
        self.settings = settings
        self.folder = folder
        self.clock = clock
        self.step = 0
        self.elapsed_s = 0.0
        decayed = [p for p in parameters.values() if p.dim() > 1]
        plain = [p for p in parameters.values() if p.dim() <= 1]
        groups = [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.learning_rate)
        self.folder.mkdir(parents=True, exist_ok=True)

    def resume(self) -> bool:
        """Load the folder's last state; return false when there is none.

        Raises:
            UsageError: the folder belongs to a run with other settings, or its state is damaged.
        """
        state_file = self.folder / STATE_FILE
        if not state_file.exists():
            return False
        try:
            state: dict[str, Any] = torch.load(state_file, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, EOFError, ValueError) as error:
            raise UsageError(f"续训状态 {state_file} 损坏：{error}。请删除该文件夹后重新训练。") from error
        if state["settings"] != asdict(self.settings):
            raise UsageError(
                f"{self.folder} 里是另一次训练（设置不同）。原设置：{state['settings']}；这次：{asdict(self.settings)}。"
                "请换一个输出文件夹，或用原来的设置续训。"
            )
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state["parameters"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.elapsed_s = int(state["step"]), float(state["elapsed_s"])
        return True

    def save(self) -> None:
        """Write the state to a temporary name, then rename: a stop in between leaves the last one whole."""
        state = {
            "settings": asdict(self.settings),
            "parameters": {name: p.detach() for name, p in self.parameters.items()},
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
        }
        temporary = self.folder / (STATE_FILE + ".tmp")
        torch.save(state, temporary)
        temporary.replace(self.folder / STATE_FILE)

    def run(
        self,
        on_step: Callable[[StepReport], None] = lambda _: None,
        should_stop: Callable[[], bool] = lambda: False,
        evaluate: Callable[[int], dict[str, float]] | None = None,
        evaluate_every: int = 0,
    ) -> None:
        """Train to the last step, saving on the way, at the end and when stopped.

        Raises:
            XiaoanError: the loss is not a number.
        """
        self.model.train()
        started = self.clock() - self.elapsed_s
        recent: list[float] = []
        for batch in self._batches():
            loss = self._train_step(batch)
            if loss != loss:
                raise XiaoanError(f"第 {self.step} 步的损失不是数（NaN）。请降低学习率后重新训练。")
            recent = [*recent[-19:], loss]
            self.step += 1
            self.elapsed_s = self.clock() - started
            report = StepReport(
                self.step,
                self.settings.steps,
                sum(recent) / len(recent),
                self.settings.rate_at(self.step - 1),
                self.elapsed_s,
            )
            on_step(report)
            if self.step % 20 == 0 or self.step == self.settings.steps:
                self._record(asdict(report))
            if evaluate is not None and evaluate_every and self.step % evaluate_every == 0:
                self.model.train(False)
                self._record({"step": self.step, **evaluate(self.step)})
                self.model.train()
            if self.step % self.settings.save_every == 0 or self.step == self.settings.steps or should_stop():
                self.save()
            if should_stop():
                break
        self.model.train(False)

    def _train_step(self, batch: Batch) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate_at(self.step)
        torch.manual_seed(self.settings.seed * 1_000_003 + self.step)  # dropout, the same after a resume
        with self._autocast():
            loss = answer_loss(self.model, batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(list(self.parameters.values()), self.settings.clip_norm)
        self.optimizer.step()
        return float(loss.detach())

    def _autocast(self) -> AbstractContextManager[None]:
        if self.settings.autocast == "float32":
            return nullcontext()
        return torch.autocast(self.model.device.type, dtype=getattr(torch, self.settings.autocast))

    def _batches(self) -> Iterator[Batch]:
        """Yield the batches from the current step on; what a resumed run has already seen is skipped over."""
        position, epoch = 0, 0
        pad = int(self.tokenizer.pad_token_id)
        while position < self.settings.steps:
            random_source = random.Random(f"{self.settings.seed}-{epoch}")
            examples = [self._encode(pair) for pair in self.pairs(random_source)]
            for chosen in length_sorted(examples, self.settings.batch_size, random_source):
                if position >= self.settings.steps:
                    return
                if position >= self.step:
                    batch = collate(chosen, pad)
                    device = self.model.device
                    yield Batch(batch.input_ids.to(device), batch.labels.to(device))
                position += 1
            epoch += 1

    def _encode(self, pair: Pair) -> Example:
        return encode_pair(self.tokenizer, pair)

    def _record(self, metrics: dict[str, Any]) -> None:
        with (self.folder / METRICS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics, ensure_ascii=False) + "\n")
