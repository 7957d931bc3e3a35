"""Folder or hub id → model, tokenizer and prefix, checked key by key.

The model is built without memory (meta device) and every stored tensor is put in its place in the wanted
precision; int8 and int4 are made of a stored weight as it comes, so that no more than one is in memory twice. What does
not fit is an error that lists everything at once; the library's own loading only logs.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.device import Machine, choose_device, choose_dtype, dtype_name, memory_error, this_machine
from xiaoan.chatglm.mapped_pages import MappedFiles
from xiaoan.chatglm.model_folder import (
    MODEL_CARD_NAME,
    Fetch,
    check_special_ids,
    fetch_from_hub,
    load_tokenizer,
    read_config,
    read_model_card,
    resolve_folder,
)
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_checkpoint import KEY_PREFIX, Prefix, PrefixCard, check_fits, load_prefix
from xiaoan.chatglm.prefix_probe import measurable, probe_warnings
from xiaoan.chatglm.quantization import (
    QUANTIZED_BITS,
    WITH_HEAD,
    precision_name,
    quantize_,
    quantize_rows,
)
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.chatglm.weight_files import (
    FULLY_HASHED_BYTES,
    WEIGHT_FILE_NAMES,
    Weights,
    find_weight_files,
    read_weights,
    weights_sha256,
)
from xiaoan.errors import CheckpointError, StorageError

Progress = Callable[[int, int], None]
"""Called with the bytes of weights in place and the bytes of all."""

EMBEDDING_KEY = "transformer.word_embeddings.weight"
HEAD_KEY = "lm_head.weight"
IGNORED_KEY = re.compile(r"transformer\.layers\.\d+\.attention\.rotary_emb\.inv_freq")
"""Stored in every published checkpoint; the model computes its own."""
SCALE_ENDING = ".weight_scale"
LISTED_KEYS = 12
_HANDLED_AT_ONCE = 2**18
"""Numbers quantised or converted at once on a CPU, so that what is computed in between stays in its caches."""
_COMPARED_ROWS = 512
"""Of a large head and its embedding only so many rows are compared, evenly spread: two trainings differ in every row."""


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory, in evaluation mode.

    Attributes:
        model: with a prefix encoder (float32) when there is a prefix.
        name: hub id or folder name.
        prefix: name of the prefix's folder or file, None without one.
        card: of the prefix; None without one and for published prefixes.
        device: where it is.
        dtype: of everything but the prefix, and but the blocks' weights where these are int8 or int4.
        base_sha256: `weights_sha256` of the stored weights without prefix; goes on the card of a prefix that
            is trained on it. Quantising at loading does not change it.
        model_card: of the base, see `read_model_card`.
        stored_bits: 8 or 4 where the base's files hold quantised blocks, 0 where they were in floating point.
        warnings: what the person should read before the first answer, such as a prefix on another precision.
    """

    model: ChatGLMForConditionalGeneration
    name: str
    prefix: str | None
    card: PrefixCard | None
    device: torch.device
    dtype: torch.dtype
    base_sha256: str
    model_card: Mapping[str, Any]
    stored_bits: int = field(default=0, kw_only=True)
    warnings: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def dtype_name(self) -> str:
        """The precision as a word: "float16", "bfloat16", "float32", "int8" or "int4"."""
        return precision_name(self.model)


@dataclass(frozen=True)
class LoadedCheckpoint(LoadedModel):
    """A model in memory with its tokenizer."""

    tokenizer: ChatGLMTokenizer


def load_checkpoint(
    model: str | Path,
    *,
    prefix: Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    attn_implementation: str = "sdpa",
    machine: Machine | None = None,
    fetch: Fetch | None = None,
    on_progress: Progress | None = None,
    training: bool = False,
) -> LoadedCheckpoint:
    """Return the model of a folder or hub id with its tokenizer, and a prefix if one is given.

    Args:
        model: a folder, or an id on the hub such as "THUDM/chatglm-6b".
        prefix: folder or weight file of a prefix, ours or published. None keeps a prefix that the model's own
            weights contain.
        device: "auto" (cuda, else mps, else cpu), "cpu", "cuda", "cuda:0", "mps".
        dtype: "auto" (as stored if quantised, else float16, on a CPU the fastest), "float16", "bfloat16", "float32",
            "int8" or "int4" (made of stored floating point block by block).
        attn_implementation: "sdpa", or "eager" for the readable reference.
        machine: to choose device and precision by; this one when None.
        fetch: downloads a hub id; the hub's own client when None.
        on_progress: told how far loading is.
        training: whether "auto" is to be the fastest for training.

    Raises:
        CheckpointError: something about the files is wrong.
        PrefixMismatchError: the prefix was not made for this model, or gives gibberish on this precision of it.
        DeviceError: the device is not to be had, or memory is too small.
    """
    folder = resolve_folder(model, fetch=fetch or fetch_from_hub)
    tokenizer = load_tokenizer(folder)
    check_special_ids(tokenizer, read_config(folder), folder)
    loaded = load_model(
        folder,
        name=folder.resolve().name if Path(model).expanduser().is_dir() else str(model),
        prefix=prefix,
        device=device,
        dtype=dtype,
        attn_implementation=attn_implementation,
        machine=machine,
        on_progress=on_progress,
        tokenizer=tokenizer,
        training=training,
    )
    return LoadedCheckpoint(**vars(loaded), tokenizer=tokenizer)


def load_model(
    folder: Path,
    *,
    name: str | None = None,
    prefix: Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    attn_implementation: str = "sdpa",
    machine: Machine | None = None,
    on_progress: Progress | None = None,
    tokenizer: ChatGLMTokenizer | None = None,
    training: bool = False,
) -> LoadedModel:
    """Return the model of a folder; `tokenizer` is read from it where a prefix has to be measured and none is given.

    Other arguments and errors as in `load_checkpoint`.
    """
    machine = machine or this_machine()
    name = name or folder.resolve().name
    target = choose_device(device, machine)
    config = read_config(folder)
    stored_bits = config.quantization_bit
    bits, head = wanted_bits(dtype, config, folder)
    files = find_weight_files(folder)
    weights = read_weights(files)
    base_sha256 = weights_sha256({key: weights[key] for key in weights if is_base_key(key, config)})
    read = load_prefix(prefix.expanduser()) if prefix is not None else None
    if read is not None:
        later = read.card is not None and measurable(read.card, stored_bits=stored_bits)
        check_fits(
            read, config, base=name, base_sha256=base_sha256, base_weights=weights, measured_later=later
        )
        config.pre_seq_len, config.prefix_projection = read.pre_seq_len, read.prefix_projection
        weights = with_prefix(weights, read)
    config._attn_implementation = attn_implementation
    with torch.device("meta"):
        model = ChatGLMForConditionalGeneration(config)
    check_keys(weights, model, folder)
    if bits:
        quantize_(model, bits, head=head)
    if head:  # stored once, where it was tied
        weights.setdefault(HEAD_KEY, weights[EMBEDDING_KEY])
    precision = choose_dtype(
        f"int{bits}" if bits else dtype,
        target,
        machine,
        hidden_size=config.hidden_size,
        needed_bytes=lambda candidate: parameter_bytes(model, candidate),
        training=training,
    )
    fill(model, weights, target, precision, on_progress, give_back=MappedFiles.of(files).give_back)
    warnings = () if read is None else _prefix_warnings(read, model, base_sha256, folder, tokenizer)
    return LoadedModel(
        model=model,
        name=name,
        prefix=read.path.resolve().name if read is not None else None,
        card=read.card if read is not None else None,
        device=target,
        dtype=precision,
        base_sha256=base_sha256,
        model_card=read_model_card(folder),
        stored_bits=stored_bits,
        warnings=warnings,
    )


def wanted_bits(dtype: str, config: ChatGLMConfig, folder: Path) -> tuple[int, bool]:
    """Return in how many bits the blocks' weights are to be, 8 or 4, or 0 for floating point; and whether the head, too.

    Raises:
        CheckpointError: the stored weights are quantised, and `dtype` asks for something else.
    """
    stored, stored_head = config.quantization_bit, config.quantization_head
    wanted, wanted_head = QUANTIZED_BITS.get(dtype, 0), dtype.endswith(WITH_HEAD)
    if not stored:
        return wanted, wanted_head
    if dtype == "auto":
        return stored, stored_head
    if (
        stored == wanted and wanted_head >= stored_head
    ):  # the head can still be quantised, never the other way
        return stored, wanted_head
    found = f"int{stored}" + (WITH_HEAD if stored_head else "")
    raise CheckpointError(
        f"{folder} 里的权重已经量化成 {found}，变不回 {dtype}。\n"
        f"请去掉 --dtype（或写 --dtype {found}）；要用 {dtype}，请用 --model 换成没有量化的权重。"
    )


def _prefix_warnings(
    prefix: Prefix,
    model: ChatGLMForConditionalGeneration,
    base_sha256: str,
    folder: Path,
    tokenizer: ChatGLMTokenizer | None,
) -> tuple[str, ...]:
    return probe_warnings(
        prefix.card,
        model,
        lambda: tokenizer or load_tokenizer(folder),
        prefix=str(prefix.path),
        base_sha256=base_sha256,
    )


def is_base_key(key: str, config: ChatGLMConfig) -> bool:
    """Return whether a stored tensor is a weight of the base: no prefix, not ignored, no second copy."""
    is_copy = key == HEAD_KEY and config.tie_word_embeddings
    return not key.startswith(KEY_PREFIX) and not IGNORED_KEY.fullmatch(key) and not is_copy


def with_prefix(weights: Weights, prefix: Prefix) -> Weights:
    """Return the weights with `prefix` in place of one they may contain."""
    base = {key: tensor for key, tensor in weights.items() if not key.startswith(KEY_PREFIX)}
    return {**base, **{KEY_PREFIX + name: tensor for name, tensor in prefix.state.items()}}


def check_keys(weights: Mapping[str, Tensor], model: ChatGLMForConditionalGeneration, folder: Path) -> None:
    """Compare the stored tensors with the parameters of `model`.

    Raises:
        CheckpointError: keys are missing, unexpected, wrongly shaped or of the wrong kind of number, or head and
            embedding should be one and differ; everything is listed.
    """
    places = model.state_dict()
    expected = {key: tensor.shape for key, tensor in places.items()}
    tied = model.config.tie_word_embeddings
    missing = [key for key in expected if key not in weights and not (tied and key == HEAD_KEY)]
    unexpected = [key for key in weights if key not in expected and not IGNORED_KEY.fullmatch(key)]
    misshapen = [
        f"{key}：文件里是 {list(weights[key].shape)}，config.json 需要 {list(shape)}"
        for key, shape in expected.items()
        if key in weights and weights[key].shape != shape
    ]
    wrong_kind = [
        f"{key}：{dtype_name(weights[key].dtype)}"
        for key, place in places.items()
        if key in weights and not _same_kind(weights[key], place)
    ]
    parts = [
        _listed("缺少", missing),
        _listed("多出", unexpected),
        _listed("形状不对", misshapen),
        _listed("数的类型不对", wrong_kind),
    ]
    if not misshapen and tied and not _heads_agree(weights):
        parts.append(f"{HEAD_KEY} 和 {EMBEDDING_KEY} 应当相同，文件里却不同")
    faults = [part for part in parts if part]
    if faults:
        raise CheckpointError(
            f"{folder} 的权重和它的 config.json 对不上：\n"
            + "\n".join(faults)
            + "\n"
            + _advice(missing, unexpected)
        )


def _same_kind(stored: Tensor, place: Tensor) -> bool:
    """Return whether a tensor is of floating point where that is wanted, and int8 where that is."""
    return stored.is_floating_point() if place.is_floating_point() else stored.dtype == place.dtype


def _listed(title: str, keys: list[str]) -> str:
    if not keys:
        return ""
    more = f"\n  ……还有 {len(keys) - LISTED_KEYS} 个" if len(keys) > LISTED_KEYS else ""
    return f"{title} {len(keys)} 个：\n  " + "\n  ".join(keys[:LISTED_KEYS]) + more


def _heads_agree(weights: Mapping[str, Tensor]) -> bool:
    if HEAD_KEY not in weights or EMBEDDING_KEY not in weights:
        return True
    head, embedding = weights[HEAD_KEY], weights[EMBEDDING_KEY]
    if embedding.nbytes > FULLY_HASHED_BYTES:
        every = max(1, embedding.shape[0] // _COMPARED_ROWS)
        head, embedding = head[::every], embedding[::every]
    return head.to(embedding.dtype).equal(embedding)


def _advice(missing: list[str], unexpected: list[str]) -> str:
    if any(key.endswith(".weight_scale") for key in unexpected):
        return (
            "权重是 int8 或 int4 量化过的，config.json 却没有写 quantization_bit："
            "请换上和权重一起发布的 config.json，或补上 8 或 4。"
        )
    if any(key.endswith(".weight_scale") for key in missing):
        return (
            "config.json 写着权重量化过（quantization_bit），权重文件却没有量化："
            "请换上和权重一起发布的 config.json，或把 quantization_bit 改为 0。"
        )
    if missing and all(key.startswith(KEY_PREFIX) for key in missing):
        return (
            "config.json 写着有前缀（pre_seq_len），权重里却没有："
            "请用 --prefix 给出前缀，或把 pre_seq_len 改为 null。"
        )
    if unexpected and all(key.startswith(KEY_PREFIX) for key in unexpected):
        return "权重里有前缀，config.json 却没有写 pre_seq_len：请补上它的长度，或换用没有前缀的权重。"
    return "请检查 config.json 和权重文件是不是同一个模型的，必要时一起重新下载。"


def parameter_bytes(model: ChatGLMForConditionalGeneration, dtype: torch.dtype) -> int:
    """Return the bytes of all parameters in `dtype`, tied ones counted once; the prefix in float32, int8 as it is."""
    return sum(p.numel() * _stored_in(name, p, dtype).itemsize for name, p in model.named_parameters())


def _stored_in(name: str, place: Tensor, dtype: torch.dtype) -> torch.dtype:
    """Return the precision that a parameter has in a model of `dtype`."""
    if name.startswith(KEY_PREFIX):
        return torch.float32
    is_quantised = not place.is_floating_point() or name.endswith(SCALE_ENDING)
    return place.dtype if is_quantised else dtype


def fill(
    model: ChatGLMForConditionalGeneration,
    weights: Mapping[str, Tensor],
    device: torch.device,
    dtype: torch.dtype,
    on_progress: Progress | None = None,
    *,
    give_back: Callable[[Tensor], None] | None = None,
) -> None:
    """Give a model without memory its weights: copied to `device` in `dtype`, the prefix in float32.

    The weights of quantised layers are copied as they are, or made of a weight in floating point. `give_back` is told
    each stored tensor that has been copied.

    Raises:
        DeviceError: memory ran out all the same.
        CheckpointError: a weight cannot be quantised.
    """
    total = parameter_bytes(model, dtype)
    state: Weights = {}
    done = 0
    try:
        for name, place in model.named_parameters():
            if name in state:
                continue  # the scale of a weight that was quantised just now
            stored = weights[name]
            made = _placed(name, place, stored, device, dtype)
            if give_back is not None:
                give_back(stored)
            del stored
            state |= made
            done += sum(tensor.nbytes for tensor in made.values())
            if on_progress is not None:
                on_progress(done, total)
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        quantised = precision_name(model)  # where it is not, the model does not know yet what it will be
        precision = quantised if quantised in QUANTIZED_BITS else dtype_name(dtype)
        raise memory_error(precision, device, total, "装到一半就用完了") from error
    if model.config.tie_word_embeddings:
        state[HEAD_KEY] = state[EMBEDDING_KEY]
    model.load_state_dict(state, strict=True, assign=True)
    model.tie_weights()
    model.config.dtype = dtype
    model.train(False)


def _placed(name: str, place: Tensor, stored: Tensor, device: torch.device, dtype: torch.dtype) -> Weights:
    """Return the parameter called `name` on `device`; a weight that has to be quantised comes with its scale."""
    if place.is_floating_point() or not stored.is_floating_point():
        return {name: _copied(stored, device, _stored_in(name, place, dtype))}
    numbers, scale = quantized_in_parts(stored.to(device), 8 * place.shape[1] // stored.shape[1])
    return {name: numbers, name.removesuffix(".weight") + SCALE_ENDING: scale}


def _copied(stored: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return a copy, also where nothing changes: a mapped file could be replaced while the model runs."""
    if (device.type, stored.dtype, dtype) != ("cpu", torch.float16, torch.bfloat16):
        return stored.to(device=device, dtype=dtype, copy=True)
    # From one half precision to the other torch goes number by number; over float32 in a cache it takes half the time.
    made = torch.empty(stored.shape, dtype=dtype)
    for part, into in zip(
        stored.reshape(-1).split(_HANDLED_AT_ONCE), made.reshape(-1).split(_HANDLED_AT_ONCE), strict=True
    ):
        into.copy_(part.float())
    return made


def quantized_in_parts(
    weight: Tensor, bits: int, *, at_once: int = _HANDLED_AT_ONCE
) -> tuple[Tensor, Tensor]:
    """Return what `quantize_rows` does; on a CPU computed for some rows at a time, which is faster and needs little room.

    The numbers are the same: those of a row do not depend on other rows. `at_once`: about so many of them.

    Raises:
        CheckpointError: as `quantize_rows`.
    """
    if weight.device.type != "cpu":
        return quantize_rows(weight, bits)
    rows = max(1, at_once // weight.shape[1])
    numbers, scales = zip(*(quantize_rows(part, bits) for part in weight.split(rows)), strict=True)
    return torch.cat(numbers), torch.cat(scales)


def save_checkpoint(
    model: ChatGLMForConditionalGeneration,
    tokenizer: ChatGLMTokenizer,
    folder: Path,
    *,
    dtype: torch.dtype = torch.float16,
    card: Mapping[str, Any] | None = None,
) -> None:
    """Write base model and tokenizer as a model folder (safetensors, without prefix), all at once, with its card if any.

    Quantised blocks are written as they are, in the published layout, so that loading them quantises nothing again;
    the rest is written in `dtype`.

    Raises:
        StorageError: the folder exists and is not empty, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise StorageError(f"{folder} 里已经有文件，不会覆盖。\n请换一个文件夹，或先移走原来的。")
    weights = {
        key: tensor.detach().to("cpu", _stored_in(key, tensor, dtype)).contiguous()
        for key, tensor in model.state_dict().items()
        if is_base_key(key, model.config)
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.parent / f".{folder.name}-{os.getpid()}"
        temporary.mkdir()
        try:
            save_file(weights, temporary / WEIGHT_FILE_NAMES[0], metadata={"format": "pt"})
            _base_config(model.config, dtype).save_pretrained(temporary)
            tokenizer.save_pretrained(temporary)
            if card is not None:
                text = json.dumps(card, ensure_ascii=False, indent=2) + "\n"
                (temporary / MODEL_CARD_NAME).write_text(text, encoding="utf-8")
            # The library makes its files readable for their owner only.
            shutil.copymode(temporary / "config.json", temporary / WEIGHT_FILE_NAMES[0])
            if folder.exists():
                folder.rmdir()
            temporary.replace(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"模型写不进 {folder}：{error.strerror}。\n请检查写入权限和磁盘空间。") from error


def _base_config(config: ChatGLMConfig, dtype: torch.dtype) -> ChatGLMConfig:
    document: dict[str, Any] = config.to_dict()
    document.update(pre_seq_len=None, prefix_projection=False, dtype=dtype_name(dtype))
    document["architectures"] = [ChatGLMForConditionalGeneration.__name__]
    return ChatGLMConfig.from_dict(document)
