"""The questions that a prefix or adapter was trained on, as the model sees them; kept in a file beside the weights.

A question's state is the mean of the last hidden states of its own tokens. How near a new question is to the nearest
known one (Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", 2022) tells whether the model may
know its answer. `confidence.safetensors` holds the states and the three numbers that turn evidence into a probability:

mean    float32 [d]      of the known questions' states
scale   float32 [d]      their standard deviation
states  float16 [n, d]   (state - mean) / scale, of length 1

`d` is the hidden size, or 256 by a fixed random projection where that is larger.
"""

import hashlib
import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from xiaoan.chatglm.adapter_checkpoint import WEIGHTS_NAMES as ADAPTER_WEIGHTS_NAMES
from xiaoan.chatglm.prefix_checkpoint import WEIGHTS_NAME as PREFIX_WEIGHTS_NAME
from xiaoan.chatglm.weight_files import file_fault, find_weight_files, raise_faults
from xiaoan.errors import CheckpointError
from xiaoan.whole_files import write_whole

FILE_NAME = "confidence.safetensors"
LARGEST_WIDTH = 256
"""States of wider models are projected to this many values; cosines stay within about 0.06 (one in a thousand over 0.2)."""

_SEED = 6
_NAMES = ("mean", "scale", "states")
_NUMBERS = ("temperature", "familiarity_weight", "bias")


@dataclass(frozen=True)
class KnownQuestions:
    """Standardised states of known questions; see the head of this file. All tensors float32 on the CPU."""

    mean: Tensor
    scale: Tensor
    states: Tensor

    @classmethod
    def of(cls, states: Tensor) -> "KnownQuestions":
        """Return the known questions with these states `[n, hidden]`, n at least 1."""
        narrow = _narrowed(states)
        mean, scale = narrow.mean(dim=0), narrow.std(dim=0, correction=0)
        if len(narrow) == 1:  # one question has no spread: it is compared as it is
            mean, scale = torch.zeros_like(mean), torch.ones_like(scale)
        scale = torch.where(scale > 0, scale, 1.0)
        # Rounded as in the file, so that a fit and what is loaded later see the same numbers.
        return cls(mean, scale, _unit((narrow - mean) / scale).half().float())

    def familiarity(self, states: Tensor) -> list[float]:
        """Return for each of `states` `[m, hidden]` the cosine to the nearest known question, at most 1."""
        standard = _unit((_narrowed(states) - self.mean) / self.scale)
        nearest = (standard @ self.states.T).amax(dim=1).clamp(max=1.0)
        return [float(cosine) for cosine in nearest]


@dataclass(frozen=True)
class StoredConfidence:
    """What a confidence file holds.

    Attributes:
        known: the questions that were trained.
        temperature: as in `assistant.confidence.Calibration`.
        familiarity_weight: likewise.
        bias: likewise.
        kinds: the same three numbers for one kind of answers each, by its name; may be empty.
        fitted_on: what they were fitted on, and how many questions of it.
        answers_with: sha256 of the weights file that it belongs to.
    """

    known: KnownQuestions
    temperature: float
    familiarity_weight: float
    bias: float
    fitted_on: Mapping[str, Any]
    answers_with: str
    kinds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def numbers(self) -> dict[str, float]:
        """The three numbers by their names."""
        return _numbers(vars(self))


def save_confidence(
    folder: Path,
    known: KnownQuestions,
    *,
    temperature: float,
    familiarity_weight: float,
    bias: float,
    fitted_on: Mapping[str, Any],
    answers_with: str,
    kinds: Mapping[str, Mapping[str, float]] | None = None,
) -> Path:
    """Write the confidence file of the weights in `folder`, whole or not at all, and return its path.

    Arguments as the attributes of `StoredConfidence`; `fitted_on` must be fit for JSON.

    Raises:
        StorageError: it cannot be written.
    """
    described = {
        "temperature": temperature,
        "familiarity_weight": familiarity_weight,
        "bias": bias,
        "kinds": {name: dict(numbers) for name, numbers in (kinds or {}).items()},
        "fitted_on": dict(fitted_on),
        "answers_with": answers_with,
    }
    tensors = {"mean": known.mean, "scale": known.scale, "states": known.states.half()}
    content = save(
        {name: tensor.contiguous() for name, tensor in tensors.items()},
        metadata={name: json.dumps(value, ensure_ascii=False) for name, value in described.items()},
    )
    write_whole(folder / FILE_NAME, content)
    return folder / FILE_NAME


def load_confidence(folder: Path) -> StoredConfidence | None:
    """Return what the confidence file in `folder` holds, None where there is none.

    Raises:
        CheckpointError: it cannot be read, or lacks what it should hold.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    if fault := file_fault(path):
        raise_faults([fault])
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            described = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} 不完整或已损坏。\n{_REMEDY}") from error
    if faults := _faults(tensors, described):
        raise CheckpointError(f"{path} 有问题：{'；'.join(faults)}。\n{_REMEDY}")
    known = KnownQuestions(*(tensors[name].float() for name in _NAMES))
    return StoredConfidence(
        known,
        **_numbers(described),
        fitted_on=described["fitted_on"],
        answers_with=described["answers_with"],
        kinds={name: _numbers(numbers) for name, numbers in described.get("kinds", {}).items()},
    )


def _numbers(described: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(described[name]) for name in _NUMBERS}


def confidence_beside(weights: Path, hidden_size: int) -> StoredConfidence | None:
    """Return what the confidence file beside a prefix or adapter holds, None where there is none.

    Args:
        weights: the folder or weight file of the prefix or adapter.
        hidden_size: of the model.

    Raises:
        CheckpointError: the file cannot be read, was made for a model of another width, or belongs to other weights.
    """
    folder = weights if weights.is_dir() else weights.parent
    stored = load_confidence(folder)
    if stored is None:
        return None
    expected, found = min(hidden_size, LARGEST_WIDTH), len(stored.known.mean)
    if found != expected:
        raise CheckpointError(
            f"{folder / FILE_NAME} 里每道题有 {found} 个值，这个模型应当有 {expected} 个。\n{_REMEDY}"
        )
    if stored.answers_with != trained_sha256(weights):
        raise CheckpointError(f"{folder / FILE_NAME} 是给另一份权重做的，不能用。\n{_REMEDY}")
    return stored


def trained_sha256(weights: Path) -> str:
    """Return the sha256 of a weight file, or of the one in a folder of a prefix or adapter.

    Raises:
        CheckpointError: there is none.
    """
    if weights.is_dir():
        ours = (weights / name for name in (PREFIX_WEIGHTS_NAME, *ADAPTER_WEIGHTS_NAMES))
        weights = next((path for path in ours if path.is_file()), None) or find_weight_files(weights)[0]
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_REMEDY = "请用 xiaoan calibrate 重新生成它，或删掉它（答案照常，只是不显示把握）。"


def _faults(tensors: Mapping[str, Tensor], described: Mapping[str, Any]) -> list[str]:
    """What is wrong with the contents of a file, empty if nothing is."""
    faults = [f"缺少 {name}" for name in _NAMES if name not in tensors]
    kinds = described.get("kinds", {})
    for numbers in (described, *(kinds.values() if isinstance(kinds, dict) else [{}])):
        numbers = numbers if isinstance(numbers, dict) else {}
        faults += [f"{name} 应当是数" for name in _NUMBERS if not _is_number(numbers.get(name))]
        if not faults and not numbers["temperature"] > 0:
            faults.append("temperature 应当大于 0")
    if not isinstance(described.get("answers_with"), str):
        faults.append("缺少 answers_with")
    if not isinstance(described.get("fitted_on"), dict):
        faults.append("缺少 fitted_on")
    if faults:
        return faults
    mean, scale, states = (tensors[name] for name in _NAMES)
    if states.dim() != 2 or len(states) == 0 or not mean.shape == scale.shape == states.shape[1:]:
        found = "、".join(f"{name} {list(tensors[name].shape)}" for name in _NAMES)
        faults.append(f"形状对不上（{found}），应当是 [d]、[d]、[题数, d]")
    elif not all(bool(torch.isfinite(tensor).all()) for tensor in (mean, scale, states)):
        faults.append("有不是数的值")
    return faults


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(float(str(value)))


def _unit(states: Tensor) -> Tensor:
    unit: Tensor = torch.nn.functional.normalize(states, dim=1)
    return unit


def _narrowed(states: Tensor) -> Tensor:
    """`[n, hidden]` in float32 on the CPU; projected by random signs where it is wider than `LARGEST_WIDTH`.

    Signs keep lengths and angles as normal numbers do (Achlioptas, "Database-friendly random projections", 2003), and
    Python's generator gives the same ones on every machine and version.
    """
    states = states.detach().float().cpu()
    hidden = states.shape[1]
    if hidden <= LARGEST_WIDTH:
        return states
    count = hidden * LARGEST_WIDTH
    packed = random.Random(_SEED).getrandbits(count).to_bytes(-(-count // 8), "little")
    bits = torch.frombuffer(bytearray(packed), dtype=torch.uint8)[:, None] >> torch.arange(8) & 1
    signs = bits.flatten()[:count].view(hidden, LARGEST_WIDTH).float() * 2 - 1
    return cast(Tensor, states @ signs / LARGEST_WIDTH**0.5)
