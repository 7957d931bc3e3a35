"""A model's weights written anew as safetensors, file by file: beside their `.bin`, or as another folder, quantised or not.

Never more than one file's weights are in memory. Every file is read back and compared before it counts, and what an
interrupted run had finished is not done again. The original files are never changed.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from xiaoan.chatglm.checkpoint import (
    EMBEDDING_KEY,
    HEAD_KEY,
    SCALE_ENDING,
    check_keys,
    is_base_key,
    quantized_in_parts,
)
from xiaoan.chatglm.mapped_pages import MappedFiles
from xiaoan.chatglm.model_folder import MODEL_CARD_NAME, read_config
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_checkpoint import KEY_PREFIX
from xiaoan.chatglm.quantization import BLOCK_LINEARS, SCALE_DTYPE
from xiaoan.chatglm.tokenization_chatglm import VOCAB_FILE_NAME
from xiaoan.chatglm.weight_files import (
    Weights,
    file_fault,
    find_weight_files,
    raise_faults,
    read_json,
    read_weights,
    weights_sha256,
)
from xiaoan.chatglm.weight_shards import (
    check_room,
    differing_names,
    places_of,
    split_by_bytes,
    total_bytes,
    write_index,
    write_shard,
)
from xiaoan.errors import CheckpointError, StorageError
from xiaoan.whole_files import write_whole

Progress = Callable[[int, int], None]
"""Called with the bytes that are done and the bytes of all."""

RECORD_NAME = "conversion.json"
"""In an output folder until it is complete: what it is made of, and which files are finished."""
SHARD_BYTES = 1536 * 2**20
"""About so much goes into one file of an output folder; the embedding of 6B alone takes 1020 MiB."""
_COPIED = (VOCAB_FILE_NAME, "tokenizer_config.json", MODEL_CARD_NAME, "generation_config.json")
_QUANTIZED_ENDINGS = tuple(f".{part}.{name}.weight" for part, name in BLOCK_LINEARS)


@dataclass(frozen=True)
class Conversion:
    """What came of a conversion.

    Attributes:
        folder: where the files are.
        files: names of the weight files there; empty where nothing had to be done.
        kept: those of them that an earlier run had finished.
        tensors: how many are in them.
        nbytes: their bytes.
    """

    folder: Path
    files: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    tensors: int = 0
    nbytes: int = 0


def convert_in_place(folder: Path, *, force: bool = False, on_progress: Progress | None = None) -> Conversion:
    """Write the `.bin` weights of a model folder as safetensors beside them, one file for one, every tensor as it is.

    From the last step on the folder loads from the new files. Without `.bin` weights nothing is done.

    Args:
        folder: the model's.
        force: whether a safetensors file that is there already and holds something else is replaced.
        on_progress: told how far it is.

    Raises:
        CheckpointError: files are missing or broken.
        StorageError: too little room, a file cannot be written, or one is in the way.
    """
    files = find_weight_files(folder)
    if files[0].suffix != ".bin":
        return Conversion(folder)
    raise_faults([fault for file in files if (fault := file_fault(file))])
    names = {file: _converted_name(file.name) for file in files}
    total = sum(file.stat().st_size for file in files)
    check_room(
        folder, sum(file.stat().st_size for file, name in names.items() if not (folder / name).exists())
    )
    done = tensors = nbytes = 0
    places: dict[str, str] = {}
    kept: list[str] = []
    for file, name in names.items():
        stored = read_weights([file])
        if _convert_file(stored, folder / name, source=file, force=force):
            kept.append(name)
        places.update(dict.fromkeys(stored, name))
        tensors, nbytes, done = (
            tensors + len(stored),
            nbytes + total_bytes(stored),
            done + file.stat().st_size,
        )
        if on_progress is not None:
            on_progress(done, total)
        del stored  # before the next file is read
    write_index(folder, places, nbytes)
    return Conversion(folder, tuple(names.values()), tuple(kept), tensors, nbytes)


def _converted_name(name: str) -> str:
    """`pytorch_model-00001-of-00008.bin` → `model-00001-of-00008.safetensors`."""
    return name.removeprefix("pytorch_").removesuffix(".bin") + ".safetensors"


def _convert_file(stored: Weights, path: Path, *, source: Path, force: bool) -> bool:
    """Write one file; return whether it was there already, with these very tensors."""
    if path.exists():
        if not differing_names(path, stored):
            return True
        if not force:
            raise StorageError(
                f"{path} 已经有了，内容和 {source.name} 不一样，没有覆盖。\n"
                "请先移走它，或加 --force 用转换的结果换掉它。"
            )
    write_shard(path, stored)
    return False


def write_converted(
    source: Path,
    output: Path,
    *,
    bits: int = 0,
    head: bool = False,
    shard_bytes: int = SHARD_BYTES,
    on_progress: Progress | None = None,
) -> Conversion:
    """Write a copy of a model folder in safetensors; with `bits`, the blocks quantised in the published layout.

    What no model reads (second copies of a tied embedding, inverse frequencies) is left out. The folder can be loaded
    from the last step on, not before.

    Args:
        source: the model's folder.
        output: a new or empty folder, or one in which an earlier run with the same source and bits was interrupted.
        bits: 8 or 4; 0 leaves the weights as they are.
        head: quantise the head too, which only this program reads.
        shard_bytes: about so much goes into one file.
        on_progress: told how far it is.

    Raises:
        CheckpointError: files are missing, broken, do not fit the configuration, or are quantised already.
        StorageError: too little room, the output holds something else, or it cannot be written.
    """
    config = read_config(source)
    if bits and config.quantization_bit:
        raise CheckpointError(
            f"{source} 的权重已经量化成 int{config.quantization_bit}，不能再量化。\n请用没有量化的权重来转换。"
        )
    files = find_weight_files(source)
    weights = read_weights(files)
    with torch.device("meta"):
        check_keys(weights, ChatGLMForConditionalGeneration(config), source)
    weights = {key: weights[key] for key in weights if is_base_key(key, config) or key.startswith(KEY_PREFIX)}
    record = _Record.open(output, {"source": weights_sha256(weights), "bits": bits, "head": head})
    if head:
        weights.setdefault(HEAD_KEY, weights[EMBEDDING_KEY])
    quantized = frozenset(
        key for key in weights if bits and (key.endswith(_QUANTIZED_ENDINGS) or (head and key == HEAD_KEY))
    )
    plan = _Plan.of(weights, quantized, bits, shard_bytes)
    check_room(output, sum(plan.sizes[key] for key, name in plan.places.items() if name not in record.done))
    record.begin()
    kept = tuple(name for name in plan.files if name in record.done)
    done = 0
    give_back = MappedFiles.of(files).give_back
    for name in plan.files:
        keys = plan.keys_of(name)
        if name not in record.done:
            write_shard(output / name, dict(_made(keys, weights, plan, give_back)))
            for key in keys:
                give_back(weights[key])
            record.add(name)
        done += sum(plan.sizes[key] for key in keys)
        if on_progress is not None:
            on_progress(done, plan.nbytes)
    _finish(source, output, plan, head=head)
    record.remove()
    return Conversion(output, plan.files, kept, len(plan.stored_places), plan.nbytes)


@dataclass(frozen=True)
class _Plan:
    """Which weight goes into which file; `sizes` are bytes after quantising, scales counted with their weights."""

    quantized: frozenset[str]
    bits: int
    sizes: Mapping[str, int]
    places: Mapping[str, str]

    @classmethod
    def of(cls, weights: Weights, quantized: frozenset[str], bits: int, shard_bytes: int) -> "_Plan":
        sizes = {
            key: tensor.numel() * bits // 8 + tensor.shape[0] * SCALE_DTYPE.itemsize
            if key in quantized
            else tensor.nbytes
            for key, tensor in weights.items()
        }
        groups = split_by_bytes(sizes, -(-sum(sizes.values()) // shard_bytes))
        return cls(quantized, bits, sizes, places_of(groups))

    @property
    def stored_places(self) -> dict[str, str]:
        """File by name of everything that is stored: scales too."""
        return {**self.places, **{_scale_key(key): self.places[key] for key in self.quantized}}

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.places.values()))

    @property
    def nbytes(self) -> int:
        return sum(self.sizes.values())

    def keys_of(self, name: str) -> list[str]:
        return [key for key, place in self.places.items() if place == name]


def _scale_key(key: str) -> str:
    return key.removesuffix(".weight") + SCALE_ENDING


def _made(
    keys: Sequence[str], weights: Weights, plan: _Plan, give_back: Callable[[Tensor], None]
) -> Iterator[tuple[str, Tensor]]:
    """Yield what goes into a file: weights as they are mapped, and quantised ones with their scales."""
    for key in keys:
        if key not in plan.quantized:
            yield key, weights[key]
            continue
        numbers, scale = quantized_in_parts(weights[key], plan.bits)
        give_back(weights[key])
        yield key, numbers
        yield _scale_key(key), scale


class _Record:
    """The file in an output folder that says what the folder is made of and which of its files are finished."""

    def __init__(self, path: Path, facts: Mapping[str, object], done: Sequence[str]) -> None:
        self._path = path
        self._facts = facts
        self.done = list(done)

    @classmethod
    def open(cls, output: Path, facts: Mapping[str, object]) -> "_Record":
        """Return the record of an interrupted run into `output`, or a new one where the folder is new or empty."""
        path = output / RECORD_NAME
        if output.exists() and not output.is_dir():
            raise StorageError(f"{output} 不是文件夹。\n请给 --output 换一个文件夹。")
        if path.is_file():
            document = read_json(path)
            done = document.pop("done", [])
            if document != facts or not isinstance(done, list):
                raise StorageError(
                    f"{output} 里有另一次没做完的转换（模型或精度不同）。\n请换一个文件夹，或先删掉它。"
                )
            return cls(path, facts, [name for name in done if (output / str(name)).is_file()])
        if output.exists() and any(output.iterdir()):
            raise StorageError(f"{output} 里已经有文件，不会覆盖。\n请换一个文件夹，或先移走原来的。")
        return cls(path, facts, [])

    def begin(self) -> None:
        """Mark the folder as ours, and clear away the half-written file of a run that was killed."""
        self._write()
        for draft in self._path.parent.glob(".xiaoan-*"):
            shutil.rmtree(draft, ignore_errors=True)

    def add(self, name: str) -> None:
        """Note that a file is finished."""
        self.done.append(name)
        self._write()

    def _write(self) -> None:
        write_whole(self._path, json.dumps({**self._facts, "done": self.done}).encode("utf-8"))

    def remove(self) -> None:
        """Take the record away: the folder is complete."""
        self._path.unlink(missing_ok=True)


def _finish(source: Path, output: Path, plan: _Plan, *, head: bool) -> None:
    """Write everything but the weights, the index last."""
    try:
        for name in _COPIED:
            if (source / name).is_file():
                shutil.copyfile(source / name, output / name)
    except OSError as error:
        raise StorageError(f"模型写不进 {output}：{error.strerror}。\n请检查写入权限和磁盘空间。") from error
    document: dict[str, Any] = read_json(source / "config.json")
    document.pop("auto_map", None)  # names code that is not copied
    if plan.bits:
        document.update(quantization_bit=plan.bits, quantization_embeddings=False)
    if head:
        document.update(quantization_head=True, tie_word_embeddings=False)
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    write_whole(output / "config.json", text.encode("utf-8"))
    write_index(output, plan.stored_places, plan.nbytes)
