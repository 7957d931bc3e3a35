"""The training loop: batches → loss → gradients → AdamW, the same whatever is trained, on one process or several.

Everything random is drawn from (seed, epoch) or (seed, step, place in the step), so that a stopped run which is
continued, and a run on more processes, see the same data with the same values dropped.
"""

import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.errors import UsageError
from xiaoan.training.data.pairs import EpochPairs, Pair
from xiaoan.training.running.answer_loss import AnswerLoss, answer_loss
from xiaoan.training.running.batches import Example, WeightedBatch, encode_pair, weighted_batch
from xiaoan.training.running.devices import (
    Devices,
    memory_faults,
    parameters_by_name,
    peak_memory,
    same_everywhere,
)
from xiaoan.training.running.guards import GuardSettings, LossGuard
from xiaoan.training.running.listening import (
    Ending,
    EvaluationReport,
    EvaluationScores,
    RunResult,
    SilentListener,
    StepReport,
    TrainingListener,
)
from xiaoan.training.running.loop_settings import BETAS, LoopSettings
from xiaoan.training.running.memory_need import (
    activation_need,
    calls_for_checkpointing,
    free_memory,
    set_checkpointing,
)
from xiaoan.training.running.run_folder import RunFolder
from xiaoan.training.running.step_rows import Row, row_seed, share_rows, steps_from

_MEAN_OVER = 20

__all__ = [
    "AnswerLoss", "EvaluationReport", "EvaluationScores", "LoopSettings", "RunResult", "SilentListener", "StepReport",
    "TrainingListener", "TrainingRun", "answer_loss",
]  # fmt: skip


@dataclass
class _Progress:
    """Where a run stands: all that a state on disk holds beside parameters and optimiser."""

    step: int = 0
    epoch: int = 0
    taken: int = 0  # batches of that epoch that steps were taken on
    elapsed_s: float = 0.0
    tokens: int = 0
    recent: list[float] = field(default_factory=list)
    best_step: int = 0
    best_key: list[float] = field(default_factory=list)
    best_exact: float | None = None
    evaluations_since_rise: int = 0
    highest_held_out: float = -1.0
    learnt: bool = False

    @property
    def mean_loss(self) -> float:
        return sum(self.recent) / len(self.recent) if self.recent else math.nan


class TrainingRun:
    """A run in a folder: settings, states to resume from, and the curve.

    Args:
        model: moved and cast by the caller; only `parameters` are trained.
        tokenizer: for `pairs`.
        parameters: name → parameter, float32.
        pairs: makes each epoch's pairs.
        settings: see `LoopSettings`.
        folder: of the run; a path stands for the folder there, whatever else lies in it.
        identity: what else the run depends on (method, data, base), ready for JSON.
        devices: alone, or one of several processes.
        listener: hears about steps, measurements and states.
        guard: when a run is stopped because of its loss.
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
        folder: RunFolder | Path,
        identity: Mapping[str, Any] | None = None,
        devices: Devices | None = None,
        listener: TrainingListener | None = None,
        guard: GuardSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.pairs = pairs
        self.settings = settings
        self.devices = devices or Devices()
        self._among_others = isinstance(folder, Path)
        self.folder = RunFolder(folder, writes=self.devices.is_main) if isinstance(folder, Path) else folder
        self.identity = {"loop": settings.identity(), **(identity or {})}
        self.listener = listener if listener is not None and self.devices.is_main else SilentListener()
        self.clock = clock
        self.guard = LossGuard(guard or GuardSettings(), learning_rate=settings.learning_rate)
        self._progress = _Progress()
        loss = AnswerLoss(model)
        again = parameters_by_name(loss, parameters.items())
        self._module = self.devices.prepare(loss, model)
        self.parameters = again()
        self.optimizer = self._new_optimizer()
        self._module = self.devices.adopt(self._module, self.optimizer)
        self._speeds: deque[tuple[float, int]] = deque(maxlen=_MEAN_OVER)
        self._opened = False

    @property
    def step(self) -> int:
        """Steps taken."""
        return self._progress.step

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began, pauses between resumed parts left out."""
        return self._progress.elapsed_s

    def _new_optimizer(self) -> torch.optim.AdamW:
        settings, parameters = self.settings, list(self.parameters.values())
        groups = [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=settings.learning_rate,
            betas=BETAS,
            fused=True,
        )

    # -- states ---------------------------------------------------------------------------------------------------

    def resume(self, *, allowed: bool = True) -> bool:
        """Begin a run in the folder, or go on with the one that is there; return whether it is the latter.

        `allowed`: whether an unfinished run may be gone on with.

        Raises:
            UsageError: the folder belongs to another run or something else, or none of its states is whole.
            StorageError: it cannot be written.
        """
        with self.folder:
            going_on, state = self.devices.in_main(lambda: self._open(allowed))
        self._opened = True
        if state is not None:
            self._take(state)
        return going_on

    def _open(self, allowed: bool) -> tuple[bool, dict[str, Any] | None]:
        """Open the folder, return whether to go on and from which state, and cut the curve to that."""
        if not self.folder.open(self.identity, resume=allowed, among_others=self._among_others):
            return False, None
        state = self.folder.load(self.listener.on_notice)
        self.folder.cut_metrics(0 if state is None else int(state["step"]))
        return True, state

    def save(self, *, best: bool = False) -> None:
        """Write the state, and the parameters as the best so far if `best`; each process has to call this.

        Raises:
            StorageError: it cannot be written; the states that were there still are.
        """
        state = self.devices.whole(
            {
                "step": self._progress.step,
                "parameters": {name: p.detach() for name, p in self.parameters.items()},
                "optimizer": self.optimizer.state_dict() if self.devices.resumes else None,
            }
        )
        state |= {"progress": asdict(self._progress), "guard": self.guard.state()}
        self.devices.in_main(lambda: self._write(state, best))

    def _write(self, state: dict[str, Any], best: bool) -> None:
        chosen = {"step": state["step"], "parameters": state["parameters"]} if best else None
        self.folder.sync_metrics()
        self.listener.on_save(self._progress.step, self.folder.save(state, best=chosen))

    def _take(self, state: Mapping[str, Any]) -> None:
        if state["optimizer"] is None or not self.devices.resumes:
            raise UsageError("用 DeepSpeed 训练的，不能中途接着练。请换一个输出文件夹重新训练。")
        try:
            self._take_parameters(state["parameters"])
            like = {"state": dict(enumerate(_moments_like(self.optimizer)))}
            self.optimizer.load_state_dict(self.devices.spread(state["optimizer"], like))
            self.guard.restore(state["guard"])
            self._progress = _Progress(**state["progress"])
            if state.get("best_lost"):
                self._progress = replace(self._progress, best_step=0, best_key=[], best_exact=None)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"{self.folder.path} 里的续训状态与这次训练对不上（{error}）。请换一个输出文件夹重新训练。"
            ) from error

    def _take_parameters(self, parameters: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(self.devices.spread(parameters[name].to(parameter.device), parameter.data))

    # -- running --------------------------------------------------------------------------------------------------

    def run(
        self,
        should_stop: Callable[[], bool] = lambda: False,
        evaluate: Callable[[], EvaluationScores] | None = None,
    ) -> RunResult:
        """Train to the last step, saving on the way, at the end and when stopped; the model then has the best state.

        Args:
            should_stop: asked between batches; the part of a step that was computed is dropped.
            evaluate: measures the model, in every process; the best state is that with the highest held-out share
                (or, without one, share of the training pairs), then with the lowest loss.

        Raises:
            TrainingStopped: a guard ended the run; the last good state is on disk.
            DeviceError: memory ran out; likewise.
            StorageError: a state could not be written; the one before it is on disk.
        """
        if not self._opened:
            self.resume(allowed=False)
        with self.folder, memory_faults(self._memory_advice):
            self._start()
            ending = self._train(should_stop, evaluate)
            self.model.train(False)
            if ending != "stopped":
                self._take_best()
            self.devices.release(self.model)
        done, loss = self._progress, self._progress.mean_loss
        best = done.best_step if ending != "stopped" and done.best_step else done.step
        return RunResult(done.step, ending, best, done.best_exact, loss, done.elapsed_s, done.tokens)

    def _start(self) -> None:
        if self.devices.is_main:
            count = sum(p.numel() for p in self.parameters.values())
            self.folder.require_room(
                4 * 7 * count
            )  # two states of parameters and both moments, and a best one
        same_everywhere(self.devices, "设置", repr(sorted(self.identity.items())))
        set_checkpointing(self.model, self._checkpointing())
        self.model.train()

    def _train(
        self, should_stop: Callable[[], bool], evaluate: Callable[[], EvaluationScores] | None
    ) -> Ending:
        progress, settings = self._progress, self.settings
        if progress.learnt:
            return "early"
        started = self.clock() - progress.elapsed_s
        steps = steps_from(self._examples, settings, epoch=progress.epoch, taken=progress.taken)
        while progress.step < settings.steps:
            began = self.clock()
            rows = next(steps)
            figures = self._train_step(rows.batches, should_stop)
            if figures is None:
                self._save_if_new()
                return "stopped"
            progress.step += 1
            progress.epoch, progress.taken = rows.epoch, rows.taken
            progress.tokens += rows.tokens
            progress.elapsed_s = self.clock() - started
            self._speeds.append((self.clock() - began, rows.tokens))
            self._report(*figures)
            best = self._evaluate(evaluate, started)
            last = progress.step == settings.steps or progress.learnt
            stop = self.devices.any_of(should_stop())
            if best or last or stop or progress.step % settings.save_every == 0:
                self.save(best=best)
            if progress.learnt:
                return "early"
            if stop and not last:
                return "stopped"
        return "done"

    def _save_if_new(self) -> None:
        if self.devices.in_main(self.folder.last_step) != self._progress.step:
            self.save()

    def _train_step(
        self, batches: Sequence[Sequence[Row]], should_stop: Callable[[], bool]
    ) -> tuple[float, float] | None:
        """Take one step; return its loss and gradient norm, or None if it was given up for a stop."""
        progress, settings, devices = self._progress, self.settings, self.devices
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate_at(progress.step)
            group["eps"] = settings.epsilon_at(progress.step)
        self.optimizer.zero_grad(set_to_none=True)
        torch.manual_seed(
            (settings.seed * 1_000_003 + progress.step) * devices.num_processes + devices.process_index
        )
        losses: list[Tensor] = []
        shares = share_rows(batches, devices.process_index, devices.num_processes)
        for number, rows in enumerate(shares):
            if devices.any_of(should_stop()):
                self.optimizer.zero_grad(set_to_none=True)
                return None
            batch = self._batch(rows)
            with devices.together(self._module, last=number == len(shares) - 1):
                with self._autocast():
                    loss = self._module(batch)
                devices.backward(self._module, loss, last=number == len(shares) - 1)
            losses.append(loss.detach())
        total = devices.total(torch.stack(losses).sum())
        norm = devices.clip(list(self.parameters.values()), settings.clip_norm)
        loss_value, norm_value = float(total), float(norm)
        self.guard.check(progress.step + 1, loss_value, norm_value)
        devices.take_step(self.optimizer)
        return loss_value, norm_value

    def _batch(self, rows: Sequence[Row]) -> WeightedBatch:
        seeds = [row_seed(self.settings.seed, self._progress.step, row.place) for row in rows]
        made = weighted_batch(
            [row.example for row in rows], [row.weight for row in rows], seeds, self.model.config
        )
        return made.to(self.model.device)

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.settings.autocast == "float32":
            return nullcontext()
        return torch.autocast(self.model.device.type, dtype=getattr(torch, self.settings.autocast))

    # -- data -----------------------------------------------------------------------------------------------------

    def _examples(self, random_source: random.Random) -> list[Example]:
        return [self._encode(pair) for pair in self.pairs(random_source)]

    def _encode(self, pair: Pair) -> Example:
        return encode_pair(
            self.tokenizer,
            pair,
            max_source_length=self.settings.max_source_length,
            max_target_length=self.settings.max_target_length,
            with_sop=self.settings.labels == "published",
        )

    # -- reports --------------------------------------------------------------------------------------------------

    def _report(self, loss: float, norm: float) -> None:
        progress, settings = self._progress, self.settings
        progress.recent = [*progress.recent[-(_MEAN_OVER - 1) :], loss]
        seconds = sum(s for s, _ in self._speeds)
        report = StepReport(
            step=progress.step,
            steps=settings.steps,
            loss=progress.mean_loss,
            learning_rate=settings.rate_at(progress.step - 1),
            elapsed_s=progress.elapsed_s,
            gradient_norm=norm,
            tokens_per_s=sum(n for _, n in self._speeds) / seconds if seconds > 0 else 0.0,
            peak_memory=peak_memory(self.model.device),
            remaining_s=progress.elapsed_s / progress.step * (settings.steps - progress.step),
            step_loss=loss,
        )
        if self.devices.is_main:
            self.folder.record(
                {
                    "step": report.step,
                    "loss": loss,
                    "learning_rate": report.learning_rate,
                    "gradient_norm": norm,
                    "tokens": progress.tokens,
                    "tokens_per_s": round(report.tokens_per_s, 1),
                    "peak_memory": report.peak_memory,
                    "elapsed_s": round(report.elapsed_s, 3),
                }
            )
        self.listener.on_step(report)

    def _evaluate(self, evaluate: Callable[[], EvaluationScores] | None, started: float) -> bool:
        """Measure if it is time to; return whether this state is the best so far."""
        progress, settings = self._progress, self.settings
        every = settings.evaluate_every
        if evaluate is None or not every or (progress.step % every and progress.step != settings.steps):
            return False
        self.model.train(False)
        scores = cast(EvaluationScores, self.devices.from_main(evaluate()))
        self.model.train()
        deciding = scores.exact_train if scores.exact_held_out is None else scores.exact_held_out
        key = [deciding, scores.exact_train, -progress.mean_loss]
        best = not progress.best_key or key > progress.best_key
        if best:
            progress.best_key, progress.best_step, progress.best_exact = key, progress.step, deciding
        if deciding > progress.highest_held_out:
            progress.highest_held_out, progress.evaluations_since_rise = deciding, 0
        else:
            progress.evaluations_since_rise += 1
        no_more = deciding == 1.0 or progress.evaluations_since_rise >= settings.patience
        progress.learnt = settings.stop_at_exact and scores.exact_train == 1.0 and no_more
        progress.elapsed_s = self.clock() - started
        report = EvaluationReport(
            progress.step, scores.exact_train, scores.exact_held_out, progress.elapsed_s, best
        )
        if self.devices.is_main:
            self.folder.record({**asdict(report), "elapsed_s": round(report.elapsed_s, 3)})
        self.listener.on_evaluation(report)
        return best

    def _take_best(self) -> None:
        if not self._progress.best_step or self._progress.best_step == self._progress.step:
            return
        best = self.devices.in_main(self.folder.load_best)
        if best is not None:
            self._take_parameters(best["parameters"])

    # -- memory ---------------------------------------------------------------------------------------------------

    @property
    def _all_trained(self) -> bool:
        return any(p.requires_grad for p in self.model.get_input_embeddings().parameters())

    def _checkpointing(self) -> bool:
        settings, config = self.settings, self.model.config
        if settings.gradient_checkpointing != "auto":
            return settings.gradient_checkpointing == "on"
        need = activation_need(
            config,
            rows=-(-settings.batch_size // self.devices.num_processes),
            length=settings.max_source_length + settings.max_target_length,
            answer_length=settings.max_target_length,
            element_bytes=self.model.dtype.itemsize,
            all_trained=self._all_trained,
        )
        on = calls_for_checkpointing(need, free_memory(self.model.device))
        if on:
            self.listener.on_notice("内存（显存）不宽裕，已打开梯度检查点：省内存，每步慢大约三分之一。")
        return self.devices.any_of(on)

    def _memory_advice(self) -> str:
        settings = self.settings
        ways = [
            f"每批题数 --batch-size（现在 {settings.batch_size}）改小，--accumulation 同比例加大",
            f"长度 --max-source-length、--max-target-length（现在 {settings.max_source_length}、"
            f"{settings.max_target_length}）改小",
        ]
        if not self._all_trained:
            ways.append("底座用 --dtype int8 或 int4")
        if settings.gradient_checkpointing != "on":
            ways.insert(0, "加 --gradient-checkpointing on（不影响结果，可以和 --resume 一起用）")
        if settings.batch_size == 1:
            ways = [way for way in ways if not way.startswith("每批")]
        step = self.folder.last_step()
        kept = f"第 {step} 步的状态还在 {self.folder.path}" if step else "还没有保存过状态"
        return f"可以：{'；'.join(ways)}。{kept}。"


def _moments_like(optimizer: torch.optim.Optimizer) -> Iterator[dict[str, Tensor]]:
    """For each parameter, in the order of a state dictionary, tensors laid out as its moments will be."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            yield {"exp_avg": parameter.data, "exp_avg_sq": parameter.data}
