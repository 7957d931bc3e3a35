"""LoRA adapters on a ChatGLM model: made, read, checked against the base, written and merged, all in PEFT's layout.

adapter_config.json         the configuration that PEFT writes
adapter_model.safetensors   `base_model.model.transformer.layers.N.attention.query_key_value.lora_A.weight` … (or .bin)
run.json                    beside ours: the card of the training run; adapters made elsewhere have none

LoRA: Hu et al., 2021, arXiv:2106.09685. Adapters are kept in float32 whatever the base is, as P-Tuning's prefix is.
"""

import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.quantization import QuantizedLinear
from xiaoan.chatglm.weight_files import Weights, read_json, read_weights
from xiaoan.errors import CheckpointError, StorageError

if TYPE_CHECKING:
    from peft import LoraConfig

CONFIG_NAME = "adapter_config.json"
WEIGHTS_NAMES = ("adapter_model.safetensors", "adapter_model.bin")
CARD_NAME = "run.json"
TARGETS = ("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h")
"""The linear layers of a block, by the names that PEFT's `target_modules` takes."""

_ADAPTER = "default"
_STORED_PREFIX = "base_model.model."
_NAME_IN_KEY = re.compile(r"\.(lora_\w+)\.default(?=\.|$)")
_LISTED = 8


@dataclass(frozen=True)
class AdapterCard:
    """What `run.json` beside an adapter says that loading needs: the base, and the forms that were trained."""

    base: str
    base_sha256: str
    forms: tuple[str, ...]


@dataclass(frozen=True)
class Adapter:
    """An adapter read from disk.

    Attributes:
        path: its folder.
        config: the fields of `adapter_config.json`.
        state: tensors under PEFT's names without `base_model.model.`.
        card: None for an adapter made elsewhere.
    """

    path: Path
    config: Mapping[str, Any]
    state: Weights
    card: AdapterCard | None

    @property
    def rank(self) -> int:
        """Rank of the matrices."""
        return int(self.config["r"])


def read_adapter(folder: Path) -> Adapter:
    """Return the LoRA adapter in a folder.

    Raises:
        CheckpointError: there is none, its files are broken, or it is of a kind that is not LoRA.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        found = "这是一个文件，不是文件夹" if folder.exists() else "找不到这个文件夹"
        raise CheckpointError(
            f"{found}：{folder}\n请检查 --lora：写 LoRA 适配器的文件夹（里面有 {CONFIG_NAME}）。"
        )
    if not (folder / CONFIG_NAME).exists():
        raise CheckpointError(
            f"{folder} 里没有 {CONFIG_NAME}，不是 LoRA 适配器的文件夹。\n"
            "前缀请用 --prefix，合并好的整个模型请用 --model。"
        )
    config = read_json(folder / CONFIG_NAME)
    _check_kind(config, folder)
    weights_path = next((folder / name for name in WEIGHTS_NAMES if (folder / name).exists()), None)
    if weights_path is None:
        raise CheckpointError(
            f"{folder} 里没有 {' 或 '.join(WEIGHTS_NAMES)}。\n请重新下载或重新训练这个适配器。"
        )
    state = {_plain_key(key): tensor for key, tensor in read_weights([weights_path]).items()}
    return Adapter(folder, config, state, _read_card(folder / CARD_NAME))


def _plain_key(key: str) -> str:
    return _NAME_IN_KEY.sub(r".\1", key.removeprefix(_STORED_PREFIX))


def _check_kind(config: Mapping[str, Any], folder: Path) -> None:
    path = folder / CONFIG_NAME
    kind = config.get("peft_type")
    if kind != "LORA":
        raise CheckpointError(
            f"{path} 写着 peft_type 是 {kind!r}，小安只认 LORA。\nP-Tuning v2 的前缀请用 --prefix。"
        )
    if config.get("enable_lora"):
        raise CheckpointError(
            f"{path} 是 PEFT 0.2 及更早的写法（enable_lora），它的参数形状和现在的 LoRA 不同。\n请用新版 PEFT 重新训练。"
        )
    if config.get("modules_to_save"):
        raise CheckpointError(
            f"{path} 除 LoRA 外还整层训练了 {config['modules_to_save']}（modules_to_save），小安不支持。\n"
            "请先在训练它的环境里合并成完整的模型，再用 --model 加载。"
        )
    rank = config.get("r")
    if type(rank) is not int or rank < 1:
        raise CheckpointError(f"{path} 里的 r（秩）应当是正整数，实际是 {rank!r}。\n请重新下载这个文件。")


def _read_card(path: Path) -> AdapterCard | None:
    if not path.exists():
        return None
    document = read_json(path)
    base, sha256, forms = (document.get(name) for name in ("base", "base_sha256", "forms"))
    if not isinstance(base, str) or not isinstance(sha256, str) or not isinstance(forms, list):
        raise CheckpointError(
            f"{path} 不是小安写的训练记录：应当有 base、base_sha256 和 forms。\n"
            "请重新拷贝整个适配器文件夹；不是小安训练的适配器，请移走这个文件。"
        )
    return AdapterCard(base, sha256, tuple(str(form) for form in forms))


def load_adapter(
    model: ChatGLMForConditionalGeneration, folder: Path, *, base: str, base_sha256: str
) -> Adapter:
    """Put the adapter of a folder onto `model`, in place, in float32 and frozen; return what was read.

    Args:
        model: without an adapter.
        folder: ours, or one that PEFT wrote for THUDM's ChatGLM-6B.
        base: name of the model, for messages.
        base_sha256: `weights_sha256` of it.

    Raises:
        CheckpointError: there is no usable adapter, or it was made for another base; `model` is then as before.
    """
    adapter = read_adapter(folder)
    card = adapter.card
    if card is not None and card.base_sha256 != base_sha256:
        raise CheckpointError(
            f"适配器 {folder} 是在另一个底座上训练的，答案会不可靠：\n"
            f"  适配器的底座：{card.base}（{_short(card.base_sha256)}）\n"
            f"  现在的底座：{base}（{_short(base_sha256)}）\n"
            "请用 --model 换回原来的底座，或在现在的底座上重新训练。"
        )
    place_adapter(model, adapter, base=base)
    return adapter


def place_adapter(model: ChatGLMForConditionalGeneration, adapter: Adapter, *, base: str) -> None:
    """Put a read adapter onto `model`, which has none, in float32 and frozen.

    Raises:
        CheckpointError: it does not fit; everything that does not is listed, and `model` is as before.
    """
    from peft.utils.save_and_load import set_peft_model_state_dict

    if has_adapter(model):
        raise ValueError("the model has an adapter already")
    _inject(model, _lora_config(adapter), adapter.path)
    expected = {_plain_key(key): value for key, value in _peft_state(model).items()}
    faults = _differences(adapter.state, expected)
    if faults:
        remove_adapter(model)
        raise CheckpointError(
            f"适配器 {adapter.path} 和底座模型 {base} 对不上：\n" + "\n".join(faults) + "\n"
            "请换用在这个底座上训练的适配器，或换回它原来的底座（--model）。"
        )
    set_peft_model_state_dict(model, {key: tensor.float() for key, tensor in adapter.state.items()})
    for parameter in adapter_parameters(model).values():
        parameter.requires_grad_(False)
    model.train(model.training)


def _differences(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    titles = {
        "缺少": [key for key in expected if key not in found],
        "多出": [key for key in found if key not in expected],
        "形状不对": [
            f"{key}：适配器是 {list(found[key].shape)}，底座需要 {list(tensor.shape)}"
            for key, tensor in expected.items()
            if key in found and found[key].shape != tensor.shape
        ],
    }
    return [
        f"{title} {len(keys)} 个：\n  "
        + "\n  ".join([*keys[:_LISTED], *(["……"] if len(keys) > _LISTED else [])])
        for title, keys in titles.items()
        if keys
    ]


def _lora_config(adapter: Adapter) -> "LoraConfig":
    """Return PEFT's configuration of the stored one; fields that this PEFT does not know are left out."""
    import dataclasses

    from peft import LoraConfig

    known = {item.name for item in dataclasses.fields(LoraConfig) if item.init}
    fields = {name: value for name, value in adapter.config.items() if name in known}
    path = adapter.path / CONFIG_NAME
    try:
        return LoraConfig(**{**fields, "inference_mode": True})
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} 的内容 PEFT 读不懂：{error}。\n请重新下载这个文件，或改正它。"
        ) from error


def new_adapter(
    model: ChatGLMForConditionalGeneration,
    *,
    rank: int,
    alpha: float,
    dropout: float,
    targets: Sequence[str],
    base: str,
    seed: int,
) -> dict[str, nn.Parameter]:
    """Freeze `model`, put a fresh adapter onto it, and return name → float32 parameter, all of them trainable.

    The adapter changes nothing yet: one of its two matrices is zero.

    Args:
        model: without an adapter; its linear layers may be quantised.
        rank: of the two matrices.
        alpha: their product is multiplied by alpha / rank.
        dropout: share of the adapter's input dropped in training.
        targets: some of `TARGETS`.
        base: name of the model, for `adapter_config.json`.
        seed: of the initial values.
    """
    from peft import LoraConfig

    config = LoraConfig(
        r=rank,
        lora_alpha=cast(int, alpha),
        lora_dropout=dropout,
        target_modules=list(targets),
        base_model_name_or_path=base,
        task_type="CAUSAL_LM",
    )
    model.requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _inject(model, config, None)
    parameters = adapter_parameters(model)
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    return parameters


def _inject(model: ChatGLMForConditionalGeneration, config: "LoraConfig", path: Path | None) -> None:
    from peft import inject_adapter_in_model
    from peft.tuners.lora.layer import Linear

    # PEFT's plain layer asks nothing of the layer inside but to be called.
    config._register_custom_module({QuantizedLinear: Linear})
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Unsupported layer type", category=UserWarning)
            inject_adapter_in_model(config, model, _ADAPTER)
    except ValueError as error:
        raise CheckpointError(
            f"适配器 {path or ''} 要改的层（target_modules）是 {config.target_modules}，这个模型里没有或不能改。\n"
            f"ChatGLM-6B 可以用的有：{'、'.join(TARGETS)}。"
        ) from error
    for parameter in adapter_parameters(model).values():
        parameter.data = parameter.data.float()


def has_adapter(model: nn.Module) -> bool:
    """Return whether an adapter is on the model."""
    return hasattr(model, "peft_config")


def adapter_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the adapter's parameters by their names in the model; empty without an adapter."""
    return {name: p for name, p in model.named_parameters() if ".lora_" in name}


def _peft_state(model: nn.Module) -> dict[str, Tensor]:
    from peft.utils.save_and_load import get_peft_model_state_dict

    # "auto" would ask the hub about the base.
    state = get_peft_model_state_dict(model, adapter_name=_ADAPTER, save_embedding_layers=False)
    return cast("dict[str, Tensor]", state)


def save_adapter(model: ChatGLMForConditionalGeneration, folder: Path) -> None:
    """Write the model's adapter as PEFT would, in float32, into `folder`; each file appears whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    state = {
        _STORED_PREFIX + key.removeprefix(_STORED_PREFIX): tensor.detach().float().cpu().contiguous()
        for key, tensor in _peft_state(model).items()
    }
    text = json.dumps(_config_document(model), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".xiaoan-", dir=folder) as temporary:
            weights, config = Path(temporary) / WEIGHTS_NAMES[0], Path(temporary) / CONFIG_NAME
            save_file(state, weights, metadata={"format": "pt"})
            config.write_text(text, encoding="utf-8")
            # The library makes its files readable for their owner only.
            shutil.copymode(config, weights)
            for file in (weights, config):
                file.replace(folder / file.name)
    except OSError as error:
        raise StorageError(
            f"适配器写不进 {folder}：{error.strerror}。\n请检查写入权限和磁盘空间。"
        ) from error


def _config_document(model: nn.Module) -> dict[str, Any]:
    config = cast("Mapping[str, Any]", model.peft_config)[_ADAPTER]
    document: dict[str, Any] = {**config.to_dict(), "inference_mode": True, "auto_mapping": None}
    return {name: sorted(value) if isinstance(value, set) else value for name, value in document.items()}


def remove_adapter(model: ChatGLMForConditionalGeneration) -> None:
    """Take the adapter off `model`; its linear layers are the base's own again. Nothing happens without one."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.get_base_layer())
    if has_adapter(model):
        del model.peft_config


def merge_adapter(model: ChatGLMForConditionalGeneration) -> None:
    """Add the adapter to the weights it stands beside and take it off; the sums are made in float32.

    Raises:
        CheckpointError: the weights are quantised, or a sum is not a finite number.
    """
    from peft.tuners.lora.layer import LoraLayer

    layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
    if any(isinstance(layer.get_base_layer(), QuantizedLinear) for layer in layers):
        raise CheckpointError(
            "量化过的底座（int8、int4）不能和适配器合并，合并后会再损失精度。\n"
            "请用没有量化的同一个底座合并：--dtype float16。"
        )
    for layer in layers:
        inner = cast(nn.Linear, layer.get_base_layer())
        dtype = inner.weight.dtype
        inner.to(torch.float32)
        try:
            layer.merge(safe_merge=True)
        except ValueError as error:
            raise CheckpointError("适配器里有无穷大或不是数的值，不能合并。\n请重新训练。") from error
        inner.to(dtype)
    remove_adapter(model)


def _short(sha256: str) -> str:
    return sha256[:20] + "…" if len(sha256) > 20 else sha256
