"""`xiaoan exam --compare 甲 乙`: two exams on the same questions, each sat now or saved earlier."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.cli.services import Services
from xiaoan.config import Settings, with_flags
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.cli.exam import ExamFlags, RecordPlace
    from xiaoan.cli.exam_documents import SavedExam
    from xiaoan.cli.exam_sitting import ExamRoom
    from xiaoan.evaluation.exam_results import ExamResult, ModelFacts

NOW = "now"
"""The word for the exam with the settings as they are."""

_KEYS = ("model", "prefix", "lora", "bank", "device", "dtype", "decode")
_NEXT_KEY = re.compile(rf",(?=(?:{'|'.join(_KEYS)})=)")
_HOW = "写 now（现在的设置）、存下的 .json 文件，或 prefix=off、dtype=int8,device=cpu 这样的设置"


@dataclass(frozen=True)
class Side:
    """One of the two: the settings that it is sat with, or the file that keeps it."""

    name: str
    changes: dict[str, Any] | None = None
    saved: Path | None = None


def side_of(written: str) -> Side:
    """Return what one word behind --compare means.

    Raises:
        UsageError: it means nothing; the message says what can be written.
    """
    if written == NOW:
        return Side("现在的设置", {})
    first = written.split("=", 1)[0]
    if "=" in written and first in _KEYS:
        changes = dict(part.split("=", 1) for part in _NEXT_KEY.split(written))
        return Side(written, {key: [value] if key == "bank" else value for key, value in changes.items()})
    path = Path(written).expanduser()
    if path.suffix.lower() == ".json" or path.is_file():
        if not path.is_file():
            raise UsageError(f"找不到要对照的考试结果 {path}。{_HOW}。")
        return Side(path.name, saved=path)
    if "=" in written:
        raise UsageError(f"--compare 不认识“{first}”这项设置，可用：{'、'.join(_KEYS)}。")
    raise UsageError(f"--compare 看不懂“{written}”。{_HOW}。")


def compared_exam(
    written: tuple[str, str],
    flags: "ExamFlags",
    forms: tuple[str, ...],
    settings: Settings,
    services: Services,
    *,
    record: "RecordPlace | None",
) -> "ExamResult":
    """Return the second exam with its comparison to the first; what is not saved is sat now, in this order.

    Beside a saved exam, its questions, forms and seed are those of the one sat now, but for what the flags say.

    Raises:
        UsageError: a side cannot be read, or the two have no question in common.
    """
    from xiaoan.evaluation.exam_results import compare

    sides = [side_of(word) for word in written]
    sat = [side for side in sides if side.changes is not None]
    if record is not None and len(sat) != 1:
        raise UsageError(
            "--record 和 --resume 一次只能记一场考试。先分别考，用 --json 存下，再 --compare 甲.json 乙.json。"
        )
    saved = {side.saved: _saved_result(side.saved) for side in sides if side.saved is not None}
    paper = next(iter(saved.values()), None)
    if paper is not None and flags.seed is None:
        settings = replace(settings, seed=paper.seed)
    changed = {side.name: with_flags(settings, side.changes or {}) for side in sat}
    room = _room(flags, forms, settings, services, paper) if sat else None
    results = [
        saved[side.saved] if side.saved is not None else _sat_result(room, side, changed, record)
        for side in sides
    ]
    names = [_named(side, result) for side, result in zip(sides, results, strict=True)]
    first, second = results
    return replace(second, comparison=compare(names[0], first.sittings, names[1], second.sittings))


def _room(
    flags: "ExamFlags",
    forms: tuple[str, ...],
    settings: Settings,
    services: Services,
    paper: "ExamResult | None",
) -> "ExamRoom":
    """The room in which what `paper` asked is asked again; without one, what the flags say."""
    from xiaoan.cli.exam_sitting import ExamRoom

    if paper is not None and not flags.forms:
        forms = tuple(dict.fromkeys(sitting.form for sitting in paper.sittings))
    room = ExamRoom.open(settings, services, flags.questions or (), forms, flags.limit)
    if paper is None or flags.limit is not None:
        return room
    ids = {sitting.id for sitting in paper.sittings}
    same = [question for question in room.questions if question.id in ids]
    if not same:
        raise UsageError(
            f"没有可以比的题：存下的那次考的是 {paper.questions}，现在要考的是 {room.title}，没有一道题相同。"
            "请用 --bank 或 --questions 指定同样的题。"
        )
    return replace(room, questions=same)


def _sat_result(
    room: "ExamRoom | None", side: Side, changed: dict[str, Settings], record: "RecordPlace | None"
) -> "ExamResult":
    from xiaoan.cli.exam_sitting import open_checking_bank

    assert room is not None, "a side that is sat has a room"
    settings = changed[side.name]
    same = settings.bank == room.settings.bank
    bank = room.bank if same else open_checking_bank(settings, room.services)
    run = room.sit(settings, bank, name=side.name, record=record)
    return room.result_of(run, bank)


def _saved_result(path: Path) -> "ExamResult":
    from xiaoan.cli.exam_documents import read_saved_exam
    from xiaoan.evaluation.exam_results import ExamResult, figures_of

    saved = read_saved_exam(path)
    return ExamResult(
        bank=saved.bank,
        questions=saved.questions,
        model=_model_of(saved),
        seed=saved.seed,
        date=_date_of(saved),
        sittings=saved.sittings,
        figures=figures_of(saved.sittings),
    )


def _model_of(saved: "SavedExam") -> "ModelFacts":
    from xiaoan.evaluation.exam_results import ModelFacts

    kept = saved.model
    return ModelFacts(
        name=str(kept.get("name") or ""),
        prefix=_text(kept, "prefix"),
        lora=_text(kept, "lora"),
        device=str(kept.get("device") or ""),
        dtype=str(kept.get("dtype") or ""),
        decode=str(kept.get("decode") or ""),
        demo=kept.get("demo") is True,
    )


def _text(kept: dict[str, Any], key: str) -> str | None:
    return str(kept[key]) if kept.get(key) is not None else None


def _date_of(saved: "SavedExam") -> datetime:
    try:
        return datetime.fromisoformat(saved.date)
    except ValueError:
        return datetime.min


def _named(side: Side, result: "ExamResult") -> str:
    """What a reader calls this side: what was written, and what it came to."""
    model = result.model
    what: Sequence[str] = [model.name, f"前缀 {model.prefix}" if model.prefix else "没有前缀"]
    what = [*what, *([f"适配器 {model.lora}"] if model.lora else []), model.dtype]
    what = [*what, "按内容选" if model.decode == "content" else "自由生成"]
    return f"{side.name}（{'，'.join([*what, '有题库' if result.bank else '没有题库'])}）"
