"""A tuning run from the command line: material, base, plan, the run itself, and what a person reads before and after."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.cli.run_listeners import RunListeners
from xiaoan.cli.services import Services
from xiaoan.cli.stop_request import StopRequest
from xiaoan.cli.tuning_exam import Exam, exam_for
from xiaoan.cli.tuning_flags import FullFlags, LoraFlags, PtuningFlags, TuningFlags
from xiaoan.cli.tuning_material import Material, read_material
from xiaoan.cli.tuning_plan import check_flags, made_plan
from xiaoan.cli.tuning_results import REPORT_NAME, resume_command, say_result, text_scores, write_report
from xiaoan.config import DTYPES, Settings, default_paths
from xiaoan.errors import Interrupted, StorageError

if TYPE_CHECKING:
    from xiaoan.chatglm.checkpoint import LoadedCheckpoint
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.terminal.screen import Screen
    from xiaoan.training.methods import Base
    from xiaoan.training.run_card import Accuracy, RunCard
    from xiaoan.training.running.devices import Devices
    from xiaoan.training.tuning import TuningPlan, TuningResult

_METHOD_NAMES: dict[type[TuningFlags], str] = {PtuningFlags: "ptuning", LoraFlags: "lora", FullFlags: "full"}
_TITLES = {
    "ptuning": "P-Tuning v2（底座不动，只训练前缀）",
    "lora": "LoRA（底座不动，只训练适配器）",
    "full": "全量微调",
}
_CPU_THREADS = 2
_THREADS_VARIABLE = "OMP_NUM_THREADS"


def tune_from(flags: TuningFlags, settings: Settings, services: Services) -> int:
    """Do the run that `flags` ask for; return the exit code.

    Raises:
        Interrupted: the person stopped it; the message says how to go on.
        XiaoanError: it cannot be done, or stopped by itself.
    """
    name = _METHOD_NAMES[type(flags)]
    check_flags(flags)
    output = Path(flags.output).expanduser()
    if flags.resume and (card := _finished(output)) is not None and card.method == name:
        return _already_finished(card, output, flags, settings, services)
    _check_output(output, resume=flags.resume)
    _limit_threads(services, settings)
    from xiaoan.training.running.devices import launch_notice, open_devices

    devices = open_devices(sharded=name == "full", environ=services.environ)
    try:
        quiet = services if devices.is_main else services.silenced()
        if notice := launch_notice(services.environ):
            quiet.screen(quiet.stderr).warning(notice)
        return _Run(name, flags, settings, quiet, devices, output).do()
    finally:
        devices.close()


@dataclass
class _Run:
    """One run: the pieces that its stages share."""

    name: str
    flags: TuningFlags
    settings: Settings
    services: Services
    devices: "Devices"
    output: Path
    screen: "Screen" = field(init=False)
    notices: list[str] = field(default_factory=list)
    exam_facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.screen = self.services.screen(self.services.stderr, plain=self.settings.plain)

    def do(self) -> int:
        """Read, load, plan, say what will be done, do it, and say what came of it."""
        from xiaoan.training.presets import sizes_of

        seed = self.flags.seed
        material = read_material(self.flags, self.settings, self.services, seed=seed or 0)
        loaded = self._load()
        base = _base_of(loaded, self.settings)
        sizes = sizes_of(base, material.data)
        plan = made_plan(self.name, self.flags, sizes, seed=seed)
        self._say_plan(material, loaded, plan, sizes.parameters)
        result = self._tune(base, material, plan)
        if not self.devices.is_main:
            return 0
        card = result.card
        assert card is not None
        document = self._write_results(card, base, material, plan)
        self._say_result(card, document)
        return 0

    def _load(self) -> "LoadedCheckpoint":
        from xiaoan.chatglm.checkpoint import load_checkpoint

        self.screen.notice("读入底座……")
        device = self.devices.device
        loaded = load_checkpoint(
            self.settings.model or default_paths().model,
            device=self.settings.device if device is None else "cpu" if device.type == "cpu" else str(device),
            dtype=self._dtype(),
            training=True,
        )
        for warning in loaded.warnings:
            self.screen.warning(warning)
        return loaded

    def _dtype(self) -> str:
        """The precision asked for; where none was, float32 for all weights, else what the run began with, else auto.

        What is fastest is measured, and a busy machine may measure otherwise than when the run began.
        """
        from xiaoan.training.running.run_folder import RunFolder

        if self.settings.dtype != "auto":
            return self.settings.dtype
        if self.name == "full":  # what a half precision would round away is not to be had again
            return "float32"
        begun = RunFolder(self.output).begun_with() if self.flags.resume else None
        base = begun.get("base") if begun else None
        kept = str(base.get("dtype", "")) if isinstance(base, dict) else ""
        return kept if kept in DTYPES else "auto"

    def _say_plan(
        self, material: Material, loaded: "LoadedCheckpoint", plan: "TuningPlan", parameters: int
    ) -> None:
        from xiaoan.terminal.screen import Fact
        from xiaoan.training.running.run_folder import RunFolder

        loop = plan.loop
        together = loop.batch_size * loop.gradient_accumulation_steps
        facts = [
            Fact(
                "底座",
                f"{loaded.name}（{parameters / 1e6:.1f} 百万参数，{loaded.device}，{loaded.dtype_name}）",
            ),
            *(Fact("数据" if number == 0 else "", line) for number, line in enumerate(material.told)),
            *(
                Fact(f"方案 {plan.preset}" if number == 0 else "", reason)
                for number, reason in enumerate(plan.reasons)
            ),
            Fact("步数", f"{loop.steps} 步，每步 {together} 条，每 {loop.save_every} 步保存一次"),
            Fact("写到", str(self.output)),
        ]
        if self.flags.resume and (step := RunFolder(self.output).last_step()):
            facts.append(Fact("接着", f"从第 {step} 步接着训练"))
        if self.devices.num_processes > 1:
            facts.insert(1, Fact("进程", f"{self.devices.num_processes} 个一起训练"))
        notes = ["只有 1 条可学：学会它不说明什么，也没有别的可以对照。"] if material.size == 1 else []
        self.screen.page(
            f"训练：{_TITLES[self.name]}", facts, [*notes, "Ctrl-C 停下并保存，之后可以接着训练。"]
        )

    def _tune(self, base: "Base", material: Material, plan: "TuningPlan") -> "TuningResult":
        from xiaoan.repl.quiet_keyboard import quiet_keyboard
        from xiaoan.training.tuning import tune

        listeners = self._listeners()
        exam = exam_for(
            material,
            base,
            seed=self.flags.seed or 0,
            max_source_length=plan.loop.max_source_length,
            max_target_length=plan.loop.max_target_length,
            tell=listeners.say,
        )
        self.exam_facts, self.notices = exam.facts, listeners.notices
        try:
            # The ^C that a terminal echoes would move what is redrawn in place.
            with quiet_keyboard(self.services.keyboard), listeners, StopRequest(listeners.say) as stop:
                result = tune(
                    base,
                    material.data,
                    plan,
                    output=self.output,
                    resume=self.flags.resume,
                    listener=listeners,
                    should_stop=stop,
                    evaluate=_stoppable(exam, stop),
                    devices=self.devices,
                    clock=self.services.clock,
                    now=lambda: self.services.now().isoformat(timespec="seconds"),
                )
        except KeyboardInterrupt as error:
            raise Interrupted(self._how_to_go_on("立即停下了")) from error
        except _Stopped as error:
            raise Interrupted(self._how_to_go_on(error.message)) from error
        if result.card is None:
            raise Interrupted(self._how_to_go_on("训练停在当前这一步"))
        return result

    def _listeners(self) -> RunListeners:
        from xiaoan.terminal.console import make_console
        from xiaoan.terminal.training_view import TrainingView

        console = make_console(self.services.stderr, width=self.services.width)
        view = TrainingView(
            console,
            clock=self.services.clock,
            plain=self.settings.plain,
            wraps=console.is_terminal or self.services.width is not None,
        )
        if not (self.flags.tensorboard and self.devices.is_main):
            return RunListeners(view)
        from xiaoan.training.running.tensorboard_curves import TensorboardCurves

        return RunListeners(view, TensorboardCurves(Path(self.flags.tensorboard).expanduser()))

    def _how_to_go_on(self, what: str) -> str:
        from xiaoan.training.running.run_folder import RunFolder

        step = RunFolder(self.output).last_step()
        kept = f"进度保存到第 {step} 步，在 {self.output}" if step else "还没有保存过进度"
        command = resume_command(self.services.arguments, self.devices.num_processes)
        return f"{what}。{kept}。\n接着训练：\n{command}"

    def _write_results(
        self, card: "RunCard", base: "Base", material: Material, plan: "TuningPlan"
    ) -> dict[str, Any]:
        """Write what lies beside the result: predictions, exports, the report; return the card as JSON."""
        from xiaoan.training.run_card import RUN_CARD_NAME
        from xiaoan.whole_files import write_whole

        document = card.to_document()
        document["exam"] = self.exam_facts
        document["confidence"] = self._measure_confidence(base, material)
        if material.validation:
            document["text_scores"] = self._predict(base, material, plan)
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        write_whole(self.output / RUN_CARD_NAME, text.encode())
        self._export(base)
        write_report(self.output, document, notices=self.notices)
        return document

    def _measure_confidence(self, base: "Base", material: Material) -> dict[str, Any] | None:
        """Write how sure one may be of a prefix or adapter; None where that is not measured."""
        from xiaoan.cli.tuning_confidence import measured_confidence

        if not isinstance(self.flags, PtuningFlags | LoraFlags) or not self.flags.calibrate:
            return None
        seed = self.flags.seed or 0
        return measured_confidence(base, material, self.output, self.settings, self.services, seed=seed)

    def _predict(self, base: "Base", material: Material, plan: "TuningPlan") -> dict[str, Any]:
        """Write the predictions for the validation file; return what they are worth."""
        from xiaoan.training.scoring.predicting import PREDICTIONS_FILE, predict, write_predictions

        labels = [pair.summary for pair in material.validation]
        self.screen.notice(f"预测 {len(labels)} 条……")
        predictions = predict(
            base.model,
            base.tokenizer,
            material.validation,
            max_source_length=plan.loop.max_source_length,
            max_new_tokens=plan.loop.max_target_length,
        )
        write_predictions(self.output / PREDICTIONS_FILE, labels, predictions)
        return text_scores(predictions, labels, self.screen.notice)

    def _export(self, base: "Base") -> None:
        from xiaoan.training.export import MERGED_FOLDER, ORIGINAL_FOLDER, export_original, save_merged

        if isinstance(self.flags, PtuningFlags) and self.flags.export:
            export_original(base, self.output / ORIGINAL_FOLDER)
            self.screen.notice(f"原版格式的前缀已写到 {self.output / ORIGINAL_FOLDER}")
        if isinstance(self.flags, LoraFlags) and self.flags.merge:
            save_merged(
                self.settings.model or default_paths().model, self.output, self.output / MERGED_FOLDER
            )
            self.screen.notice(f"并好的模型已写到 {self.output / MERGED_FOLDER}")

    def _say_result(self, card: "RunCard", document: dict[str, Any]) -> None:
        say_result(card, document, self.output, self.settings, self.services, as_json=self.flags.as_json)


class _Stopped(Interrupted):
    """The person pressed Ctrl-C while the exam was sat; of several processes each hears of it."""


def _stoppable(exam: Exam, stop: StopRequest) -> "Callable[[ChatGLMForConditionalGeneration], Accuracy]":
    def look() -> None:
        if stop():
            raise _Stopped("考到一半停下了")

    return lambda model: exam.sit(model, look)


def _finished(output: Path) -> "RunCard | None":
    """Return the card of a finished run in `output`."""
    from xiaoan.training.run_card import read_run_card
    from xiaoan.training.running.run_folder import Condition, RunFolder

    if not output.is_dir() or RunFolder(output).condition() is not Condition.FINISHED:
        return None
    return read_run_card(output)


def _already_finished(
    card: "RunCard", output: Path, flags: TuningFlags, settings: Settings, services: Services
) -> int:
    from xiaoan.training.run_card import RUN_CARD_NAME

    # The file holds more than the card: the scores of texts.
    document: dict[str, Any] = json.loads((output / RUN_CARD_NAME).read_text(encoding="utf-8"))
    services.screen(services.stderr).notice(f"{output} 里的训练早已做完，没有要接着做的。")
    if not (output / REPORT_NAME).is_file():
        write_report(output, document)
    say_result(card, document, output, settings, services, as_json=flags.as_json)
    return 0


def _check_output(output: Path, *, resume: bool) -> None:
    """Refuse what cannot become the folder of this run, before anything is loaded.

    Raises:
        UsageError: it holds something else.
        StorageError: it cannot be written.
    """
    from xiaoan.training.running.run_folder import Condition, RunFolder

    existing = next(path for path in (output, *output.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise StorageError(f"{existing} 是一个文件，不是文件夹。请换一个 --output。")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise StorageError(f"{existing} 没有写权限，训练结果写不到 {output}。请换一个 --output，或改权限。")
    folder = RunFolder(output)
    if folder.condition() is Condition.EMPTY or (folder.condition() is Condition.UNFINISHED and resume):
        return
    folder.open({}, resume=False)  # which says what is wrong


def _base_of(loaded: "LoadedCheckpoint", settings: Settings) -> "Base":
    from xiaoan.training.methods import Base

    named = Path(settings.model).expanduser() if settings.model else default_paths().model
    return Base(
        loaded.model,
        loaded.tokenizer,
        loaded.name,
        loaded.base_sha256,
        dtype=loaded.dtype_name,
        folder=named if named.is_dir() else None,
    )


def _limit_threads(services: Services, settings: Settings) -> None:
    """Take two threads at most on a CPU, unless the environment says how many."""
    if settings.device not in ("auto", "cpu") or services.environ.get(_THREADS_VARIABLE):
        return
    import torch

    torch.set_num_threads(min(_CPU_THREADS, torch.get_num_threads()))
