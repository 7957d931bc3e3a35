"""One tuning run from base to result: measured before, trained, measured after, written down."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.training.data.lengths import Cut, check_answers, cut_by, cut_notices
from xiaoan.training.methods import Base, Method, ResultFacts, library_versions, parameter_count
from xiaoan.training.run_card import Accuracy, Measured, RunCard, read_run_card, write_run_card
from xiaoan.training.running.devices import Devices, memory_faults
from xiaoan.training.running.exactness import scores_on
from xiaoan.training.running.loop import (
    EvaluationScores,
    LoopSettings,
    RunResult,
    TrainingListener,
    TrainingRun,
)
from xiaoan.training.running.run_folder import Condition, RunFolder
from xiaoan.training.scoring.forgetting import score_general
from xiaoan.whole_files import write_whole

if TYPE_CHECKING:
    from xiaoan.training.dataset import TrainingData

Evaluate = Callable[[ChatGLMForConditionalGeneration], Accuracy]
"""Sits the exam with a model in memory; handed in, since the exam knows the assistant and training does not."""

BEFORE_FILE = "before.json"
"""In `state/`: when the run began, and what was measured then; a resumed run need not measure it again."""


@dataclass(frozen=True)
class TuningPlan:
    """What is trained and how: the method's settings, the loop's, and where they come from (for the card)."""

    method: Method
    loop: LoopSettings
    preset: str = "exam"
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class TuningResult:
    """How a run ended.

    Attributes:
        output: the folder of the run and its result.
        card: of the finished run; None when it was stopped and can be resumed.
        already_finished: nothing was done, for the run had been finished before.
    """

    output: Path
    card: RunCard | None
    already_finished: bool = False


def tune(
    base: Base,
    data: "TrainingData",
    plan: TuningPlan,
    *,
    output: Path,
    resume: bool,
    listener: TrainingListener,
    should_stop: Callable[[], bool],
    evaluate: Evaluate | None,
    devices: Devices,
    clock: Callable[[], float],
    now: Callable[[], str],
) -> TuningResult:
    """Tune `base` and write the result into `output`, going on where a stopped run left off if `resume`.

    The model in memory has the result afterwards. Until `run.json` is written the run can be resumed, whatever
    ends it. With several processes only the main one measures before and after, and writes.

    Args:
        base: the model, as loaded.
        data: what is learnt, held out and not to be forgotten.
        plan: how.
        output: new, empty, or of this run.
        resume: go on with an unfinished run in `output`; without one, begin.
        listener: hears how it goes.
        should_stop: asked while training.
        evaluate: sits the exam; None where there is none.
        devices: this process alone, or one of several.
        clock: seconds.
        now: the time of day in ISO 8601, for the card.

    Raises:
        UsageError: the output folder holds something else or another run, or nothing can be learnt.
        StorageError: the output cannot be written.
        DeviceError: memory ran out.
        TrainingStopped: the loss showed that nothing good can come of it.
    """
    folder = RunFolder(output, writes=devices.is_main)
    if resume and devices.in_main(lambda: folder.condition() is Condition.FINISHED):
        return TuningResult(output, read_run_card(output), already_finished=True)
    run = _Tuning(base, data, plan, folder, listener, evaluate, devices, clock)
    with folder:
        return run.do(should_stop, resume=resume, now=now)


@dataclass
class _Tuning:
    """The parts that the stages of one run share."""

    base: Base
    data: "TrainingData"
    plan: TuningPlan
    folder: RunFolder
    listener: TrainingListener
    evaluate: Evaluate | None
    devices: Devices
    clock: Callable[[], float]

    def do(self, should_stop: Callable[[], bool], *, resume: bool, now: Callable[[], str]) -> TuningResult:
        began = self.clock()
        cut = self._checked_lengths()
        base_parameters = parameter_count(self.base.model)
        self._open(resume=resume)
        before, started = self._before(now)
        parameters = self.plan.method.attach(self.base, self.plan.loop.seed, self.data.fixed_train)
        trained = sum(p.numel() for p in parameters.values())
        run = TrainingRun(
            self.base.model,
            self.base.tokenizer,
            parameters=parameters,
            pairs=self.data.train,
            settings=self.plan.loop,
            folder=self.folder,
            identity=self._identity(),
            devices=self.devices,
            listener=self.listener,
            clock=self.clock,
        )
        run.resume(allowed=True)
        result = run.run(should_stop, self._scores if self.data.fixed_train else None)
        if result.ending == "stopped":
            return TuningResult(self.folder.path, None)
        self.plan.method.settle(self.base)
        scores, after = self._after()
        card = self._card(result, scores, before, after, cut)
        card = dataclasses.replace(
            card,
            base_parameters=base_parameters,
            trained_parameters=trained,
            started=started,
            total_s=round(self.clock() - began, 1),
        )
        if self.devices.is_main:
            self._write(card, cut)
        self.devices.wait()
        return TuningResult(self.folder.path, card)

    # -- before ---------------------------------------------------------------------------------------------------

    def _checked_lengths(self) -> Cut:
        pairs, loop = self.data.fixed_train, self.plan.loop
        limits = {"max_source_length": loop.max_source_length, "max_target_length": loop.max_target_length}
        cut = cut_by(self.base.tokenizer, pairs, **limits)
        check_answers(cut, len(pairs), max_target_length=loop.max_target_length)
        if self.devices.is_main:
            for notice in cut_notices(cut, **limits):
                self.listener.on_notice(notice)
        return cut

    def _open(self, *, resume: bool) -> None:
        """Begin or go on; the other processes look only when the main one has written its settings."""
        identity = {"loop": self.plan.loop.identity(), **self._identity()}
        self.devices.in_main(lambda: self.folder.open(identity, resume=resume))

    def _identity(self) -> dict[str, Any]:
        """What a resumed run must have the same, beside the loop's settings."""
        method = self.plan.method
        facts = _json_ready(asdict(self.data.facts))
        facts.pop("sources", None)  # the same data may lie elsewhere by then
        return {
            "method": {"name": method.name, **_settings_of(method)},
            "base": {"name": self.base.name, "sha256": self.base.sha256, "dtype": self.base.dtype},
            "data": facts,
        }

    def _before(self, now: Callable[[], str]) -> tuple[Measured, str]:
        """What the base can do and when the run began: read if it was measured before, else measured and kept."""
        path = self.folder.states / BEFORE_FILE
        if not self.devices.is_main:
            return Measured.from_document(self.devices.from_main(None)["measured"]), ""
        document = _read_before(path)
        if document is None:
            if path.exists():
                self.listener.on_notice(f"{path} 读不出来：底座还没有变，训练前的成绩重新量一遍。")
            document = {"started": now(), "measured": self._measure().to_document()}
            write_whole(path, (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())
        self.devices.from_main(document)
        return Measured.from_document(document["measured"]), str(document["started"])

    # -- measuring ------------------------------------------------------------------------------------------------

    def _measure(self) -> Measured:
        model, loop = self.base.model, self.plan.loop
        model.train(False)
        with memory_faults(
            lambda: "这是在测量成绩的时候；可以换更小的精度（--dtype），处理好后加 --resume。"
        ):
            return Measured(
                self.evaluate(model) if self.evaluate is not None else None,
                score_general(
                    model,
                    self.base.tokenizer,
                    self.data.general,
                    max_source_length=loop.max_source_length,
                    max_target_length=loop.max_target_length,
                ),
            )

    def _scores(self) -> EvaluationScores:
        loop = self.plan.loop
        return scores_on(
            self.base.model,
            self.base.tokenizer,
            self.data,
            max_source_length=loop.max_source_length,
            max_target_length=loop.max_target_length,
        )

    def _after(self) -> tuple[EvaluationScores, Measured]:
        """The final scores and the exam, measured by the main process."""
        measured = (self._scores(), self._measure()) if self.devices.is_main else None
        found: tuple[EvaluationScores, Measured] = self.devices.from_main(measured)
        return found

    # -- writing --------------------------------------------------------------------------------------------------

    def _card(
        self, result: RunResult, scores: EvaluationScores, before: Measured, after: Measured, cut: Cut
    ) -> RunCard:
        plan, facts = self.plan, self.data.facts
        return RunCard(
            method=plan.method.name,
            preset=plan.preset,
            reasons=plan.reasons,
            base=self.base.name,
            base_sha256=self.base.sha256,
            base_dtype=self.base.dtype,
            base_parameters=0,
            trained_parameters=0,
            settings={"method": _settings_of(plan.method), "loop": asdict(plan.loop)},
            forms=tuple(facts.forms),
            data=_json_ready(asdict(facts)),
            seed=plan.loop.seed,
            ending=result.ending,
            steps=plan.loop.steps,
            step=result.step,
            best_step=result.best_step,
            best_exact=result.best_exact,
            exact_train=scores.exact_train,
            exact_held_out=scores.exact_held_out,
            final_loss=round(result.final_loss, 6),
            before=before,
            after=after,
            targets_cut=len(cut.targets),
            sources_cut=len(cut.sources),
            tokens=result.tokens,
            training_s=round(result.elapsed_s, 1),
            total_s=0.0,
            started="",
            hardware=hardware_words(self.base.model.device),
            processes=self.devices.num_processes,
            versions=library_versions(),
        )

    def _write(self, card: RunCard, cut: Cut) -> None:
        """Write what inference loads, then `run.json`, and only then let go of what a resumed run would need."""
        method = self.plan.method
        metrics: dict[str, Any] = {"exact": card.exact_train, "training_s": card.training_s}
        if card.exact_held_out is not None:
            metrics["exact_held_out"] = card.exact_held_out
        if card.after.accuracy is not None:
            metrics["accuracy"] = card.after.accuracy.to_document()["overall"]
        facts = ResultFacts(
            forms=card.forms,
            data_sha256=self.data.facts.sha256,
            metrics=metrics,
            seed=card.seed,
            settings=_json_ready(dict(card.settings)),
            library_versions=card.versions,
            pairs=tuple(pair for pair in cut.whole if not pair.history),
        )
        method.save(self.base, self.folder.path, facts)
        write_run_card(self.folder.path, card)
        self.folder.remove_states()


def _read_before(path: Path) -> dict[str, Any] | None:
    """What was measured before training, or None where that is missing or damaged."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        Measured.from_document(document["measured"])
        return {"started": str(document["started"]), "measured": document["measured"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _settings_of(method: Method) -> dict[str, Any]:
    return _json_ready({item.name: getattr(method, item.name) for item in dataclasses.fields(method)})  # type: ignore[arg-type]


def _json_ready(document: dict[str, Any]) -> dict[str, Any]:
    """`document` as it is when it is read back from JSON: what is compared and stored must be the same."""
    read: dict[str, Any] = json.loads(json.dumps(document, ensure_ascii=False, default=_plain))
    return read


def _plain(value: object) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def hardware_words(device: torch.device) -> str:
    """Return what `device` is, in words: the GPU's name, or the CPU with the threads that compute."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "CPU" + (f"（{torch.get_num_threads()} 线程）" if device.type == "cpu" else f"（{device.type}）")
