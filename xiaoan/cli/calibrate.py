"""`xiaoan calibrate`: how sure one may be of a prefix's or adapter's answers, measured and kept beside its weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xiaoan.cli import options
from xiaoan.cli.services import Action, Services, write_json
from xiaoan.config import OFF, Settings, default_paths
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.assistant.open_bank import OpenBank
    from xiaoan.evaluation.calibrating import Calibrated, QuestionSet
    from xiaoan.question_bank.matching import Matcher
    from xiaoan.question_bank.question import Question
    from xiaoan.terminal.progress_bar import ProgressBar

Questions = Annotated[
    list[str] | None,
    typer.Option(
        "--questions", metavar="文件", help="另外一些知道答案的题，如换了说法的，可写多次；训练时没有学过"
    ),
]
Outside = Annotated[
    list[str] | None,
    typer.Option(
        "--outside", metavar="文件", help="题库以外的题，可写多次；不写就用随程序带的，off 表示不用"
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="数", min=1, help="每组题最多问这么多道")]
_TITLE = "量把握"


def calibrate(
    context: typer.Context,
    questions: Questions = None,
    outside: Outside = None,
    limit: Limit = None,
    as_json: options.AsJson = False,
    model: options.Model = None,
    prefix: options.Prefix = None,
    lora: options.Lora = None,
    bank_files: options.Bank = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    seed: options.Seed = None,
    config: options.Config = None,
) -> Action:
    """量一量前缀或适配器的答案有多大把握，结果写在它的文件夹里，以后作答就显示“把握”。

    --bank 写训练时用的题库。训练完会自动量一次；换了题外题、加了换说法的题，再用这个命令重量。
    """
    common = options.Common(model, prefix, bank_files, device, dtype, seed, None, config, lora=lora)

    def action() -> int:
        settings = options.settings_for(context, common)
        beside = _Beside(tuple(questions or ()), tuple(outside or ()), limit)
        return _calibrate(settings, options.services_of(context), beside, as_json=as_json)

    return action


@dataclass(frozen=True)
class _Beside:
    """What is asked beside the bank, and how much of it."""

    questions: tuple[str, ...]
    outside: tuple[str, ...]
    limit: int | None

    def sets(self, matcher: "Matcher") -> "list[QuestionSet]":
        """Read the files.

        Raises:
            BankError: one cannot be read.
            UsageError: one has no questions.
        """
        from xiaoan.evaluation.calibrating import QuestionSet

        named = [QuestionSet(Path(name).stem, _questions_in([name])) for name in self.questions]
        return named if self.outside == (OFF,) else [*named, outside_set(matcher, self.outside)]


def outside_set(matcher: "Matcher", files: Sequence[str] = ()) -> "QuestionSet":
    """Return the questions of elsewhere: of these files, else the shipped ones; those of the matcher's bank left out.

    Raises:
        BankError: a file cannot be read.
        UsageError: one has no questions.
    """
    from xiaoan.evaluation.calibrating import OUTSIDE, QuestionSet, outside_of

    return QuestionSet(OUTSIDE, outside_of(matcher, _questions_in(files or [str(default_paths().outside)])))


def _questions_in(files: Sequence[str]) -> "tuple[Question, ...]":
    from xiaoan.question_bank.spreadsheet import read_bank

    bank = read_bank([Path(name).expanduser() for name in files]).bank
    if not len(bank):
        raise UsageError(f"{'、'.join(files)} 里没有读得出的题。用 xiaoan bank check 逐行查看。")
    return tuple(bank)


def _calibrate(settings: Settings, services: Services, beside: _Beside, *, as_json: bool) -> int:
    from xiaoan.evaluation.calibrating import (
        MOST_QUESTIONS,
        KnowingEngine,
        calibrate,
        save_calibrated,
        without_held_out,
    )

    folder = _folder(settings)
    bank = options.open_filled_bank(settings, services, _TITLE)
    trained, held_out = without_held_out(bank.bank, _held_out_ids(folder))
    others = beside.sets(bank.matcher)
    screen = services.screen(services.stderr, plain=settings.plain)
    engine = services.load_engine(settings, lambda _: None)
    for warning in engine.info.warnings:
        screen.warning(warning)
    assert isinstance(engine, KnowingEngine)
    with calibration_bar(services, settings) as bar:
        calibrated = calibrate(
            engine,
            trained,
            [*held_out, *others],
            seed=settings.seed,
            limit=beside.limit or MOST_QUESTIONS,
            clock=services.clock,
            on_progress=bar.show,
        )
    path = save_calibrated(calibrated, folder)
    if as_json:
        write_json(services.stdout, {"file": str(path), **calibration_document(calibrated)}, indent=2)
    else:
        _show(settings, services, bank, calibrated, path)
    return 0


def _folder(settings: Settings) -> Path:
    """Return the folder of what answers; its file is put there.

    Raises:
        UsageError: neither prefix nor adapter, or both, or no folder.
        StorageError: nothing can be written there.
    """
    from xiaoan.chatglm.known_questions import FILE_NAME
    from xiaoan.whole_files import check_place

    prefix, lora = settings.effective_prefix, settings.effective_lora
    if prefix is None and settings.model is None and lora is None:
        prefix = str(default_paths().prefix)
    trained = [name for name in (prefix, lora) if name not in (None, OFF)]
    if len(trained) != 1:
        found = "前缀和适配器都写了" if trained else "没有前缀，也没有适配器"
        raise UsageError(f"{found}。把握是给一个前缀或一个适配器量的，请用 --prefix 或 --lora 指定一个。")
    folder = Path(str(trained[0])).expanduser()
    if not folder.is_dir():
        raise UsageError(f"{folder} 不是文件夹。请写训练结果的文件夹，结果要写在里面。")
    check_place(folder / FILE_NAME, force=True)
    return folder


def _held_out_ids(folder: Path) -> Sequence[str]:
    """Return the ids of the questions that the run in `folder` held out; none where no run was made there."""
    from xiaoan.training.run_card import read_run_card

    card = read_run_card(folder)
    split = card.data.get("split") if card is not None else None
    return [str(one) for one in split.get("held_out_items", ())] if split else ()


def calibration_bar(services: Services, settings: Settings) -> "ProgressBar":
    """Return the bar that shows how far the asking is."""
    from xiaoan.terminal.console import make_console
    from xiaoan.terminal.progress_bar import ProgressBar

    console = make_console(services.stderr, width=services.width)
    return ProgressBar(console, _TITLE, clock=services.clock, plain=bool(settings.plain), unit="次")


def calibration_document(calibrated: "Calibrated") -> dict[str, Any]:
    """Return what was fitted, and how it does on each kind of questions, as JSON values."""
    return {
        **calibrated.calibration.numbers,
        "kinds": {str(kind): own.numbers for kind, own in calibrated.calibration.kinds.items()},
        "known": len(calibrated.known.states),
        "sets": [
            {
                "name": one.name,
                "asked": one.right.asked,
                "right": one.right.right,
                "levels": {
                    str(level): {"asked": share.asked, "right": share.right}
                    for level, share in one.levels.items()
                },
            }
            for one in calibrated.sets
        ],
    }


def _show(
    settings: Settings, services: Services, bank: "OpenBank", calibrated: "Calibrated", path: Path
) -> None:
    from xiaoan.terminal.calibration_report import calibration_lines
    from xiaoan.terminal.verdict import Line

    screen = services.screen(services.stdout, plain=settings.plain)
    screen.page(f"{_TITLE}：{path.parent.resolve().name}", (), [f"学过的题：{bank.title}"])
    screen.lines(calibration_lines(calibrated, width=screen.width, plain=screen.plain))
    screen.lines([Line(f"已写到 {path}，以后用它作答就显示“把握”。")])
