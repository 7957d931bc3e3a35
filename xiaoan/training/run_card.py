"""The card of a training run, `run.json`: what it was given, how it went, and what was better or worse afterwards."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xiaoan.errors import StorageError, UsageError
from xiaoan.figures import Share
from xiaoan.whole_files import write_whole

RUN_CARD_NAME = "run.json"


def _share_document(share: Share) -> dict[str, float]:
    """The share as it stands in `run.json`, interval included."""
    return {
        "right": share.right,
        "asked": share.asked,
        "value": round(share.value, 6),
        "low": round(share.low, 6),
        "high": round(share.high, 6),
    }


def _read_share(document: Mapping[str, Any]) -> Share:
    return Share(int(document["right"]), int(document["asked"]))


@dataclass(frozen=True)
class Accuracy:
    """How many of the questions asked were answered right: all together, and by 题型 (the word as in the bank)."""

    overall: Share
    by_type: Mapping[str, Share] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """Return it as it stands in `run.json`."""
        return {
            "overall": _share_document(self.overall),
            "by_type": {name: _share_document(share) for name, share in self.by_type.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Accuracy":
        """Return the accuracy of such a document."""
        by_type = {name: _read_share(share) for name, share in document["by_type"].items()}
        return cls(_read_share(document["overall"]), by_type)


@dataclass(frozen=True)
class GeneralScore:
    """What a model makes of general pairs that it was not tuned on.

    Attributes:
        exact: pairs whose answer greedy decoding gives token for token.
        loss: mean loss of an answer's token, in nats.
    """

    exact: Share
    loss: float

    def to_document(self) -> dict[str, Any]:
        """Return it as it stands in `run.json`."""
        return {"exact": _share_document(self.exact), "loss": self.loss}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "GeneralScore":
        """Return the score of such a document."""
        return cls(_read_share(document["exact"]), float(document["loss"]))


@dataclass(frozen=True)
class Measured:
    """What was measured of one model: on the bank, and on general pairs; None where nothing was to be asked."""

    accuracy: Accuracy | None = None
    general: GeneralScore | None = None

    def to_document(self) -> dict[str, Any]:
        """Return it as it stands in `run.json`."""
        return {
            "accuracy": self.accuracy and self.accuracy.to_document(),
            "general": self.general and self.general.to_document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Measured":
        """Return what such a document tells."""
        accuracy, general = document["accuracy"], document["general"]
        return cls(
            Accuracy.from_document(accuracy) if accuracy else None,
            GeneralScore.from_document(general) if general else None,
        )


@dataclass(frozen=True)
class RunCard:
    """Everything about a finished run.

    Attributes:
        method: "ptuning", "lora" or "full".
        preset: name of the preset the settings started from.
        reasons: why the preset chose what it chose, as told to the person.
        base: name of the model that was tuned.
        base_sha256: `weights_sha256` of it.
        base_dtype: precision it was in while training.
        base_parameters: how many it has.
        trained_parameters: how many were trained.
        settings: {"loop": …, "method": …}.
        forms: forms of question that were trained.
        data: `DataFacts`: hash, sources, split, forms, mix, seed.
        seed: of the run.
        ending: "done" or "early" (stopped since everything was learnt).
        steps: optimiser steps that were planned.
        step: steps that were made.
        best_step: the step whose state was kept.
        best_exact: exact share there, on held-out pairs if there are any, else on the training pairs; None if it was
            not measured on the way.
        exact_train: exact share on the clean training pairs, with the kept state.
        exact_held_out: exact share on the held-out pairs; None without any.
        final_loss: mean loss of the last steps.
        before: measured before training.
        after: measured with the result.
        targets_cut: answers longer than `max_target_length` allows.
        sources_cut: questions longer than `max_source_length` allows.
        tokens: that were trained on.
        training_s: seconds of training.
        total_s: seconds of everything, measuring included; of the last part only where a run was resumed.
        started: when the run was first started, ISO 8601.
        hardware: the devices in words.
        processes: that trained together.
        versions: of the packages, by name.
    """

    method: str
    preset: str
    reasons: tuple[str, ...]
    base: str
    base_sha256: str
    base_dtype: str
    base_parameters: int
    trained_parameters: int
    settings: Mapping[str, Any]
    forms: tuple[str, ...]
    data: Mapping[str, Any]
    seed: int
    ending: str
    steps: int
    step: int
    best_step: int
    best_exact: float | None
    exact_train: float
    exact_held_out: float | None
    final_loss: float
    before: Measured
    after: Measured
    targets_cut: int
    sources_cut: int
    tokens: int
    training_s: float
    total_s: float
    started: str
    hardware: str
    processes: int
    versions: Mapping[str, str]

    def to_document(self) -> dict[str, Any]:
        """Return the card as it stands in `run.json`."""
        document = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return {**document, "before": self.before.to_document(), "after": self.after.to_document()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "RunCard":
        """Return the card of such a document; KeyError, TypeError or ValueError where it is none."""
        known = {item.name: document[item.name] for item in dataclasses.fields(cls)}
        known["reasons"], known["forms"] = tuple(document["reasons"]), tuple(document["forms"])
        known["before"] = Measured.from_document(document["before"])
        known["after"] = Measured.from_document(document["after"])
        return cls(**known)


def write_run_card(folder: Path, card: RunCard) -> None:
    """Write `run.json` into a folder, whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    text = json.dumps(card.to_document(), ensure_ascii=False, indent=2) + "\n"
    write_whole(folder / RUN_CARD_NAME, text.encode())


def read_run_card(folder: Path) -> RunCard | None:
    """Return the card in a folder; None where there is none, that is, where no run was finished.

    Raises:
        UsageError: `run.json` is broken, or no card.
        StorageError: it cannot be read.
    """
    path = folder / RUN_CARD_NAME
    try:
        return RunCard.from_document(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"读不到训练记录 {path}：{error.strerror}。请检查权限。") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} 不是小安写的训练记录，或者已经损坏（{error!r}）。请换一个输出文件夹，或移走这个文件。"
        ) from error
