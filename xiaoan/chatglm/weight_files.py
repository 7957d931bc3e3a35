"""Weight files on disk → named tensors.

Safetensors and PyTorch's `.bin`, whole or in shards with an index. Nothing but tensors is ever read
(`weights_only`), tensors are mapped, not copied, and all faults of the files are reported at once, in words
for the user: the library's own message for a file with code in it advises unsafe loading; it reaches nobody.
"""

import hashlib
import json
import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from xiaoan.errors import CheckpointError

Weights = dict[str, Tensor]

WEIGHT_FILE_NAMES = ("model.safetensors", "pytorch_model.bin")
"""In the order in which they are looked for; each may also come as shards with `<name>.index.json`."""

FULLY_HASHED_BYTES = 256 * 2**20
SAMPLE_BYTES = 4096


@dataclass(frozen=True)
class FileFault:
    """What is wrong with one file, and what to do about it."""

    file: Path
    found: str
    advice: str


def file_fault(path: Path) -> FileFault | None:
    """Return why a file cannot be read at all: missing, locked, or a git-LFS pointer standing in for it."""
    try:
        if not path.is_file():
            return FileFault(path, "找不到这个文件", "把缺少的文件补下载到同一个文件夹")
        with path.open("rb") as file:
            start = file.read(24)
        size = path.stat().st_size
    except OSError as error:
        return FileFault(path, f"读不了（{error.strerror}）", "检查文件的读取权限和磁盘")
    if not start.startswith(b"version https://git-lfs"):
        return None
    return FileFault(
        path,
        f"只有 {size} 字节，是 git-LFS 的指针，真正的内容没有下载下来",
        "在模型文件夹里运行 git lfs pull，或者从下载页面重新下载这个文件",
    )


def raise_faults(faults: Sequence[FileFault]) -> None:
    """Raise one CheckpointError that lists all `faults`; do nothing when there are none."""
    if not faults:
        return
    folder = faults[0].file.parent
    lines = [f"{folder} 里有 {len(faults)} 个文件不能用："]
    lines += [f"  {fault.file.name}：{fault.found}。" for fault in faults]
    lines.append("请" + "；".join(dict.fromkeys(fault.advice for fault in faults)) + "。")
    raise CheckpointError("\n".join(lines))


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        CheckpointError: it is missing, a git-LFS pointer, not UTF-8, not JSON, or not an object.
    """
    if fault := file_fault(path):
        raise_faults([fault])
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        found = "不是正确的 JSON"
        if isinstance(error, json.JSONDecodeError):
            found += f"（第 {error.lineno} 行第 {error.colno} 列）"
        raise CheckpointError(f"{path} {found}。\n请重新下载这个文件，或改正它。") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} 里应当是一个 JSON 对象（花括号），实际不是。\n请重新下载这个文件。")
    return content


def find_weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the weight files of a model folder, safetensors before `.bin`, in the order of their names.

    Raises:
        CheckpointError: there are none, or the index is broken or names files outside the folder.
    """
    for name in WEIGHT_FILE_NAMES:
        if (folder / name).is_file():
            return (folder / name,)
        index = folder / f"{name}.index.json"
        if index.is_file():
            return tuple(folder / shard for shard in _shard_names(index))
    found = "、".join(sorted(path.name for path in folder.iterdir())[:8]) or "空文件夹"
    raise CheckpointError(
        f"{folder} 里没有权重文件：应当有 {' 或 '.join(WEIGHT_FILE_NAMES)}，"
        f"分片的还要有 {WEIGHT_FILE_NAMES[1]}.index.json。现有：{found}。\n请补下载缺少的文件。"
    )


def _shard_names(index: Path) -> list[str]:
    weight_map = read_json(index).get("weight_map")
    names = set(weight_map.values()) if isinstance(weight_map, dict) else set()
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise CheckpointError(
            f"{index} 里应当有 weight_map（键名到分片文件名），实际没有或者写错了。\n请重新下载这个文件。"
        )
    return sorted(names)


def read_weights(files: Sequence[Path]) -> Weights:
    """Return all tensors of `files`, mapped from disk (on cpu, in the stored precision).

    Raises:
        CheckpointError: files are missing, git-LFS pointers, truncated, or hold more than tensors; all are
            listed.
    """
    weights: Weights = {}
    faults: list[FileFault] = []
    for path in files:
        mapped = _map_file(path)
        if isinstance(mapped, FileFault):
            faults.append(mapped)
        else:
            weights.update(mapped)
    raise_faults(faults)
    return weights


def _map_file(path: Path) -> Weights | FileFault:
    if fault := file_fault(path):
        return fault
    return _map_safetensors(path) if path.suffix == ".safetensors" else _map_bin(path)


def _truncated(path: Path) -> FileFault:
    found = f"不完整或已损坏（现有 {path.stat().st_size} 字节）"
    return FileFault(path, found, "删掉它，重新下载")


def _map_safetensors(path: Path) -> Weights | FileFault:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError:
        return _truncated(path)


def _map_bin(path: Path) -> Weights | FileFault:
    is_archive = zipfile.is_zipfile(path)
    with path.open("rb") as file:
        is_old_pickle = file.read(1) == b"\x80"
    try:
        with warnings.catch_warnings(action="ignore"):  # they are for developers, on files of other programs
            stored = torch.load(path, map_location="cpu", weights_only=True, mmap=is_archive)
    except pickle.UnpicklingError:
        return _not_only_weights(path) if is_archive or is_old_pickle else _truncated(path)
    except (OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError):
        return _truncated(path)
    if not isinstance(stored, dict) or not all(isinstance(value, Tensor) for value in stored.values()):
        return _not_only_weights(path)
    return {str(key): value for key, value in stored.items()}


def _not_only_weights(path: Path) -> FileFault:
    return FileFault(
        path,
        "里面不只是权重，还有程序代码或别的对象；小安只读纯权重，绝不运行文件里的代码",
        "改用 safetensors 格式的权重，或从可信的来源重新下载",
    )


def weights_sha256(weights: Mapping[str, Tensor]) -> str:
    """Return a hash of names, shapes, precisions and values, the same in whatever files they are stored.

    Up to 256 MiB every byte counts. Of more only the first and last 4096 bytes of each tensor do, which tells
    any two trainings apart and does not read 12 GiB at every start; the hash then begins with "sampled-".
    """
    sampled = sum(tensor.nbytes for tensor in weights.values()) > FULLY_HASHED_BYTES
    digest = hashlib.sha256()
    for key in sorted(weights):
        tensor = weights[key].detach().cpu().contiguous()
        digest.update(f"{key} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        content = tensor.reshape(-1).view(torch.uint8).numpy().data
        if sampled and len(content) > 2 * SAMPLE_BYTES:
            digest.update(content[:SAMPLE_BYTES])
            content = content[-SAMPLE_BYTES:]
        digest.update(content)
    return ("sampled-" if sampled else "") + digest.hexdigest()
