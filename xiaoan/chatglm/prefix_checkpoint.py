"""Prefix encoders on disk: our layout (`prefix.safetensors` and a card) and the published one.

ours          prefix.safetensors   parameters under their names in the encoder (`embedding.weight` …)
              prefix.json          the card: which base, which forms of question, which data, how good
published     pytorch_model.bin    the same parameters as `transformer.prefix_encoder.…`, no card
"""

import dataclasses
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor, nn

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.weight_files import Weights, find_weight_files, read_json, read_weights
from xiaoan.errors import CheckpointError, PrefixMismatchError, StorageError

WEIGHTS_NAME = "prefix.safetensors"
CARD_NAME = "prefix.json"
KEY_PREFIX = "transformer.prefix_encoder."
PROJECTION_KEYS = {"trans.0.weight", "trans.0.bias", "trans.2.weight", "trans.2.bias"}
_STORED_KEY = re.compile(r"(?:transformer\.)?prefix_encoder\.(.+)")

_KINDS: dict[str, type] = {
    "pre_seq_len": int,
    "prefix_projection": bool,
    "forms": list,
    "metrics": dict,
    "seed": int,
    "library_versions": dict,
    "settings": dict,
    "probes": list,
}
"""What the fields of a card are in JSON; all others are texts."""


@dataclass(frozen=True)
class Probe:
    """A training pair and what the trained prefix gave for it; measured again on another precision of the base.

    Attributes:
        content: what is asked.
        summary: the answer that was learnt.
        log_probability: of the answer, its end included: mean over its tokens.
        exact: whether greedy decoding gives just this answer.
    """

    content: str
    summary: str
    log_probability: float
    exact: bool


_PROBE_KINDS = {"content": str, "summary": str, "log_probability": float, "exact": bool}


@dataclass(frozen=True)
class PrefixCard:
    """What is known about a trained prefix.

    Attributes:
        base: name of the model it was trained on.
        base_sha256: `weights_sha256` of that model; no other model is accepted, but a copy of it in other bits.
        pre_seq_len: number of prefix positions.
        prefix_projection: whether an MLP makes the prefix.
        forms: forms of question it was trained on, such as "plain" and "options".
        data_sha256: hash of the training data.
        metrics: what was measured with it, by name.
        seed: of the training run.
        library_versions: by package name.
        settings: everything else the training run was given.
        prefix_sha256: of `prefix.safetensors`; filled in by `save_prefix`.
        dtype: precision of the base in training, such as "float16" or "int4"; empty on older cards.
        probes: at most eight training pairs with what was measured on them; empty on older cards.
    """

    base: str
    base_sha256: str
    pre_seq_len: int
    prefix_projection: bool
    forms: tuple[str, ...]
    data_sha256: str
    metrics: Mapping[str, Any]
    seed: int
    library_versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    prefix_sha256: str = ""
    dtype: str = ""
    probes: tuple[Probe, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return the card as it stands in `prefix.json`."""
        document = dataclasses.asdict(self)
        return {**document, "forms": list(self.forms), "probes": list(document["probes"])}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], path: Path) -> "PrefixCard":
        """Return the card of a document read from `path`.

        Raises:
            CheckpointError: fields are missing, unknown or of the wrong kind; all are listed.
        """
        fields = {item.name: item for item in dataclasses.fields(cls)}
        faults = [
            f"缺少 {name}"
            for name, item in fields.items()
            if name not in document and item.default is item.default_factory is dataclasses.MISSING
        ]
        faults += [f"不认识 {name}" for name in document if name not in fields]
        faults += [
            f"{name} 应当是 {_KINDS.get(name, str).__name__}"
            for name, value in document.items()
            if name in fields and type(value) is not _KINDS.get(name, str)
        ]
        probes = document.get("probes", [])
        faults += _probe_faults(probes) if isinstance(probes, list) else []
        if faults:
            raise CheckpointError(
                f"前缀说明 {path} 有问题：{'；'.join(faults)}。\n"
                "它应当由小安训练时写出；如果是更新版本的小安写的，请先升级小安。"
            )
        read = tuple(Probe(**probe) for probe in probes)
        return cls(**{**document, "forms": tuple(document["forms"]), "probes": read})


def _probe_faults(probes: list[Any]) -> list[str]:
    expected = "、".join(_PROBE_KINDS)
    return [
        f"probes 的第 {number} 项应当正好有 {expected}，各是各的类型"
        for number, probe in enumerate(probes, start=1)
        if not isinstance(probe, dict) or {name: type(value) for name, value in probe.items()} != _PROBE_KINDS
    ]


@dataclass(frozen=True)
class Prefix:
    """A prefix read from disk.

    Attributes:
        path: where it was read from.
        state: parameters under their names in the encoder, float32 or as stored.
        card: None for a published prefix.
        other: model weights that lay in the same file, under their names in the model.
    """

    path: Path
    state: Weights
    card: PrefixCard | None
    other: Weights

    @property
    def pre_seq_len(self) -> int:
        """Number of prefix positions."""
        return self.state["embedding.weight"].shape[0]

    @property
    def prefix_projection(self) -> bool:
        """Whether an MLP makes the prefix."""
        return "trans.0.weight" in self.state


def load_prefix(path: Path) -> Prefix:
    """Return the prefix in a folder or weight file, ours or published.

    Raises:
        CheckpointError: there is none, its files are broken, parameters are missing or unknown, or weights
            and card are not of one saving.
    """
    if not path.exists():
        raise CheckpointError(f"找不到前缀 {path}。\n请检查 --prefix；不用前缀就写 --prefix off。")
    card_path = (path if path.is_dir() else path.parent) / CARD_NAME
    ours = path / WEIGHTS_NAME if path.is_dir() else path
    if ours.name == WEIGHTS_NAME and (ours.exists() or card_path.exists()):
        prefix = Prefix(path, _checked(read_weights([ours]), path), _read_card(card_path), {})
        _check_same_saving(ours, prefix)
        return prefix
    weights = read_weights(find_weight_files(path) if path.is_dir() else [path])
    names = {key: match[1] for key in weights if (match := _STORED_KEY.fullmatch(key))}
    state = {name: weights[key] for key, name in names.items()}
    other = {key: tensor for key, tensor in weights.items() if key not in names}
    return Prefix(path, _checked(state, path), None, other)


def _read_card(path: Path) -> PrefixCard:
    return PrefixCard.from_document(read_json(path), path)


def _checked(state: Weights, path: Path) -> Weights:
    """Return `state`, which holds just the parameters of a prefix encoder with or without projection."""
    if not state:
        raise CheckpointError(
            f"{path} 里没有前缀：应当有 {KEY_PREFIX}embedding.weight。\n"
            "请给出 P-Tuning 训练出来的文件夹（不是底座模型的文件夹）。"
        )
    names = {"embedding.weight"} | (PROJECTION_KEYS if any("trans." in name for name in state) else set())
    faults = [f"缺少 {name}" for name in sorted(names - state.keys())]
    faults += [f"不认识 {name}" for name in sorted(state.keys() - names)]
    embedding = state.get("embedding.weight")
    if embedding is not None and (embedding.dim() != 2 or embedding.numel() == 0):
        faults.append(f"embedding.weight 的形状是 {list(embedding.shape)}，应当是 [前缀长度, 宽度]")
    if faults:
        raise CheckpointError(
            f"前缀 {path} 的参数不对：{'；'.join(faults)}。\n请重新训练或重新下载这个前缀。"
        )
    return state


def _check_same_saving(weights_path: Path, prefix: Prefix) -> None:
    card = prefix.card
    if card is None or (
        (card.pre_seq_len, card.prefix_projection) == (prefix.pre_seq_len, prefix.prefix_projection)
        and card.prefix_sha256 in ("", _file_sha256(weights_path))
    ):
        return
    raise CheckpointError(
        f"{weights_path} 和它的说明 {CARD_NAME} 不是同一次保存的，或者文件已损坏。\n"
        "请重新训练，或重新拷贝整个前缀文件夹。"
    )


def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_fits(
    prefix: Prefix,
    config: ChatGLMConfig,
    *,
    base: str,
    base_sha256: str,
    base_weights: Weights,
    measured_later: bool = False,
) -> None:
    """Refuse a prefix that was not made for this base.

    Args:
        prefix: the prefix.
        config: the base's.
        base: name of the base.
        base_sha256: `weights_sha256` of the base.
        base_weights: against which model weights that lie beside a published prefix are compared.
        measured_later: another hash is no reason to refuse, since `probe_warnings` will measure what that does:
            files in other bits have another hash though they hold the same base.

    Raises:
        PrefixMismatchError: shapes differ (both are given), the card names another base, or the prefix's file
            also holds model weights that differ from the base's.
    """
    expected = prefix_shapes(config, prefix.pre_seq_len, projection=prefix.prefix_projection)
    wrong = [
        f"  {name}：前缀是 {list(tensor.shape)}，这个底座需要 {list(expected[name])}"
        for name, tensor in prefix.state.items()
        if tuple(tensor.shape) != expected[name]
    ]
    if wrong:
        raise PrefixMismatchError(
            f"前缀 {prefix.path} 和底座模型 {base} 的形状对不上：\n" + "\n".join(wrong) + "\n"
            f"这个底座有 {config.num_layers} 层、隐藏宽度 {config.hidden_size}。"
            "请换用在这个底座上训练的前缀，或换回前缀原来的底座（--model）。"
        )
    if prefix.card and prefix.card.base_sha256 != base_sha256 and not measured_later:
        raise PrefixMismatchError(
            f"前缀 {prefix.path} 是在另一个底座上训练的，形状虽同，答案会不可靠：\n"
            f"  前缀的底座：{prefix.card.base}（{_short(prefix.card.base_sha256)}）\n"
            f"  现在的底座：{base}（{_short(base_sha256)}）\n"
            "请用 --model 换回原来的底座，或在现在的底座上重新训练前缀；也可以用 --prefix off。"
        )
    differing = [
        key
        for key, tensor in prefix.other.items()
        if key in base_weights and not tensor.to(base_weights[key].dtype).equal(base_weights[key])
    ]
    if differing:
        raise PrefixMismatchError(
            f"前缀 {prefix.path} 的文件里还有模型权重，其中 {len(differing)} 个和底座 {base} 不同"
            f"（例如 {differing[0]}）。\n"
            "它是一个整体微调过的模型：请用 --model 直接加载它，或换一个只有前缀的文件。"
        )


def _short(sha256: str) -> str:
    return sha256[:20] + "…" if len(sha256) > 20 else sha256


def prefix_shapes(config: ChatGLMConfig, pre_seq_len: int, *, projection: bool) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter of a prefix encoder, by its name in the encoder."""
    hidden, width = config.hidden_size, config.num_layers * 2 * config.hidden_size
    if not projection:
        return {"embedding.weight": (pre_seq_len, width)}
    return {
        "embedding.weight": (pre_seq_len, hidden),
        "trans.0.weight": (hidden, hidden),
        "trans.0.bias": (hidden,),
        "trans.2.weight": (width, hidden),
        "trans.2.bias": (width,),
    }


def save_prefix(encoder: nn.Module | Mapping[str, Tensor], folder: Path, card: PrefixCard) -> None:
    """Write a prefix encoder (or its state) in float32 and its card into `folder`, replacing an earlier one.

    Each file appears whole or not at all, and the card holds the other's hash, so that a saving which was cut
    off between the two is noticed.

    Raises:
        StorageError: the folder cannot be written.
    """
    state = encoder.state_dict() if isinstance(encoder, nn.Module) else encoder
    arrays = {name: tensor.detach().float().cpu().contiguous() for name, tensor in state.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".xiaoan-", dir=folder) as temporary:
            weights = Path(temporary) / WEIGHTS_NAME
            save_file(arrays, weights, metadata={"format": "pt"})
            card = dataclasses.replace(card, prefix_sha256=_file_sha256(weights))
            text = json.dumps(card.to_document(), ensure_ascii=False, indent=2) + "\n"
            (Path(temporary) / CARD_NAME).write_text(text, encoding="utf-8")
            # The library makes its files readable for their owner only.
            shutil.copymode(Path(temporary) / CARD_NAME, weights)
            for name in (WEIGHTS_NAME, CARD_NAME):
                (Path(temporary) / name).replace(folder / name)
    except OSError as error:
        raise StorageError(f"前缀写不进 {folder}：{error.strerror}。\n请检查写入权限和磁盘空间。") from error
