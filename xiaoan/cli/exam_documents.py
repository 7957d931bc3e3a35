"""An exam as a JSON document, and the exam that such a document keeps."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.errors import StorageError, UsageError

if TYPE_CHECKING:
    from xiaoan.evaluation.comparing import Paired
    from xiaoan.evaluation.exam_results import Compared, Contestant, ExamResult, Figures
    from xiaoan.evaluation.scores import Accuracy, LevelScore
    from xiaoan.evaluation.sitting import Sitting
    from xiaoan.figures import Share

_DIGITS = 4


def exam_document(result: "ExamResult") -> dict[str, Any]:
    """Return the document of an exam; the order of its keys is fixed, shares are from 0 to 1."""
    return {
        "bank": result.bank or None,
        "questions": result.questions,
        "model": asdict(result.model),
        "seed": result.seed,
        "date": result.date.isoformat(timespec="seconds"),
        **_figures_document(result.figures),
        "unasked": [{"form": form, "question": stem} for stem, form in result.unasked],
        "wrong": [_wrong_document(sitting) for sitting in result.wrong],
        "sittings": [sitting.to_document() for sitting in result.sittings],
        "others": [_other_document(one, result.others_forms) for one in result.others],
        "comparison": None if result.comparison is None else _comparison_document(result.comparison),
    }


def _figures_document(figures: "Figures") -> dict[str, Any]:
    found = figures
    return {
        "accuracy": _accuracy_document(found.accuracy),
        "shown_first": _share(found.shown_first),
        "wrongly_verified": found.wrongly_verified,
        "partial_credit": round(found.partial_credit, _DIGITS),
        "circular": found.circular
        and {
            "right_in_every": _share(found.circular.right_in_every),
            "consistent": _share(found.circular.consistent),
        },
        "letter_bias": found.letter_bias
        and {"recall": _shares(found.letter_bias.recall), "spread": round(found.letter_bias.spread, _DIGITS)},
        "calibration": found.calibration
        and {
            "ece": round(found.calibration.ece, _DIGITS),
            "brier": round(found.calibration.brier, _DIGITS),
            "bins": [
                {**asdict(one), "mean_confidence": round(one.mean_confidence, _DIGITS)}
                for one in found.calibration.bins
            ],
        },
        "confidence": found.levels and {name: _level(level) for name, level in found.levels.items()},
        "confusion": [
            {"official": official, "given": given, "count": count}
            for (official, given), count in found.confusion.items()
        ],
        "speed": {
            "seconds_per_question": round(found.speed.seconds_per_question, 6),
            "questions_per_second": _rounded(found.speed.questions_per_second),
            "tokens_per_second": _rounded(found.speed.tokens_per_second),
        },
    }


def _accuracy_document(found: "Accuracy") -> dict[str, Any]:
    return {
        "overall": _share(found.overall),
        "by_type": _shares(found.by_type),
        "by_profession": _shares(found.by_profession),
        "by_form": {
            form: {"overall": _share(own.overall), "by_type": _shares(own.by_type)}
            for form, own in found.by_form.items()
        },
    }


def _share(share: "Share") -> dict[str, Any]:
    return {
        "value": round(share.value, _DIGITS),
        "right": share.right,
        "n": share.asked,
        "low": round(share.low, _DIGITS),
        "high": round(share.high, _DIGITS),
    }


def _shares(shares: "Mapping[str, Share]") -> dict[str, Any]:
    return {name: _share(share) for name, share in shares.items()}


def _level(level: "LevelScore") -> dict[str, Any]:
    return {**_share(level.right), "share_of_all": round(level.of_all.value, _DIGITS)}


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, _DIGITS)


def _wrong_document(sitting: "Sitting") -> dict[str, Any]:
    return {
        "id": sitting.id,
        "form": sitting.form,
        "question": sitting.asked,
        "clause": sitting.clause,
        "official": list(sitting.official),
        "answer": sitting.answer,
        "confidence": _rounded(sitting.confidence),
        "status": sitting.status,
    }


def _other_document(one: "Contestant", forms: "tuple[str, ...]") -> dict[str, Any]:
    figures = {} if one.figures is None else _figures_document(one.figures)
    against = None if one.paired is None else _paired_document(one.paired)
    return {
        "name": one.name,
        "forms": list(forms),
        "note": one.note or None,
        **figures,
        "against_xiaoan": against,
    }


def _comparison_document(compared: "Compared") -> dict[str, Any]:
    return {
        "a": compared.a,
        "b": compared.b,
        "overall": _paired_document(compared.overall),
        "by_form": {
            form: {
                "overall": _paired_document(found.overall),
                "by_type": {kind: _paired_document(one) for kind, one in found.by_type.items()},
            }
            for form, found in compared.by_form.items()
        },
        "shown_first": _paired_document(compared.shown_first),
        "asked_otherwise": compared.asked_otherwise,
    }


def _paired_document(one: "Paired") -> dict[str, Any]:
    """The pairs of two runs; `difference` is the second's share less the first's."""
    return {
        "n": one.n,
        "questions": one.questions,
        "both": one.both,
        "only_a": one.only_a,
        "only_b": one.only_b,
        "neither": one.neither,
        "difference": round(one.difference, _DIGITS),
        "low": round(one.low, _DIGITS),
        "high": round(one.high, _DIGITS),
        "p_value": one.p_value,
        "unpaired_a": one.unpaired_a,
        "unpaired_b": one.unpaired_b,
    }


@dataclass(frozen=True)
class SavedExam:
    """What of an exam is kept in a document: who sat it, when, on what, and every answer."""

    name: str
    model: dict[str, Any]
    bank: str
    questions: str
    seed: int
    date: str
    sittings: "tuple[Sitting, ...]"


def read_saved_exam(path: Path) -> SavedExam:
    """Return the exam that `xiaoan exam --json` wrote at `path`.

    Raises:
        UsageError: it is not such a document, or one of another version.
        StorageError: it cannot be read.
    """
    from xiaoan.evaluation.sitting import Sitting

    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise StorageError(f"读不了考试结果 {path}：{error.strerror or error}。检查路径和权限。") from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise _not_an_exam(path, "不是 JSON") from error
    sittings = document.get("sittings") if isinstance(document, dict) else None
    model = document.get("model") if isinstance(document, dict) else None
    if not isinstance(sittings, list) or not sittings or not isinstance(model, dict):
        raise _not_an_exam(path, "里面没有作答（sittings）")
    try:
        kept = tuple(Sitting.from_document(one) for one in sittings)
    except (TypeError, AttributeError) as error:
        raise _not_an_exam(path, "作答的各项和这一版的不一样") from error
    date = str(document.get("date", ""))
    return SavedExam(
        name=f"{path.name}（{date[:10]}）" if date else path.name,
        model=model,
        bank=str(document.get("bank") or ""),
        questions=str(document.get("questions", "")),
        seed=int(document["seed"]) if isinstance(document.get("seed"), int) else 0,
        date=date,
        sittings=kept,
    )


def _not_an_exam(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} 不能用来对照：{why}。应是 xiaoan exam --json > 文件 存下的结果；请重新考一次再比。"
    )
