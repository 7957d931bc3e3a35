"""Named tensors → weight files with their index; each file is whole and read back, or not there.

The index is written last: `find_weight_files` does not see shards without one, so an unfinished folder is never loaded.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from xiaoan.chatglm.device import GIB
from xiaoan.chatglm.mapped_pages import MappedFiles
from xiaoan.chatglm.weight_files import WEIGHT_FILE_NAMES, Weights
from xiaoan.errors import StorageError
from xiaoan.whole_files import write_whole, written_whole

SPARE_BYTES = 64 * 2**20
"""Room that writing leaves on a disk: indexes, tokenizers, whatever else the system writes meanwhile."""


def shard_name(number: int, count: int, whole: str = WEIGHT_FILE_NAMES[0]) -> str:
    """Return the published name of a shard, `number` counted from 1; `whole` itself where there is only one."""
    if count == 1:
        return whole
    stem, _, ending = whole.rpartition(".")
    return f"{stem}-{number:05}-of-{count:05}.{ending}"


def split_by_bytes(sizes: Mapping[str, int], count: int) -> list[list[str]]:
    """Return names in `count` runs of about the same bytes, in the order given, none empty (so never more than names)."""
    names = list(sizes)
    groups: list[list[str]] = []
    left = sum(sizes.values())
    start = 0
    for number in range(min(count, len(names)), 0, -1):
        end, size = start, 0
        # The run takes another name while that brings it nearer to its share, and leaves one for each run to come.
        while end == start or (
            len(names) - end > number - 1 and (number == 1 or size + sizes[names[end]] / 2 <= left / number)
        ):
            size += sizes[names[end]]
            end += 1
            if end == len(names):
                break
        groups.append(names[start:end])
        start, left = end, left - size
    return groups


def check_room(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk cannot take.

    Args:
        folder: where the files go; it or a folder above it exists.
        needed: their bytes.

    Raises:
        StorageError: there is less free than that and a little to spare.
    """
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if needed + SPARE_BYTES > free:
        raise StorageError(
            f"磁盘空间不够：{folder} 里要写 {(needed + SPARE_BYTES) / GIB:.2f} GiB，"
            f"只剩 {free / GIB:.2f} GiB。\n请先腾出空间，或换一个磁盘。"
        )


def write_shard(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write `tensors` (on the CPU) as one safetensors file and compare every byte of what is read back.

    Tensors that share their memory are written one by one. The file becomes `path` once it is on the disk and equal.

    Raises:
        StorageError: it cannot be written, or what comes back is something else; `path` is then as it was.
    """
    with written_whole(path) as draft:
        _save(path, draft, tensors)
        _set_free(draft)
        if differing := differing_names(draft, tensors):
            raise StorageError(
                f"写好的 {path.name} 读回来和原来的不一样（{differing[0]} 等 {len(differing)} 个），没有采用。\n"
                "磁盘可能有问题：请换一个磁盘再试。"
            )


def _save(path: Path, draft: Path, tensors: Mapping[str, Tensor]) -> None:
    draft.touch()  # The library makes files that only their owner can read; this one has the usual mode.
    mode = draft.stat().st_mode & 0o777
    try:
        save_file(dict(_apart(tensors)), draft, metadata={"format": "pt"})
    except SafetensorError as error:
        raise StorageError(
            f"写不了 {path}：{error}。\n请检查磁盘空间和写入权限，再运行同一条命令。"
        ) from error
    draft.chmod(mode)


def _apart(tensors: Mapping[str, Tensor]) -> Iterable[tuple[str, Tensor]]:
    """Yield the tensors so that each is whole in memory of its own; only what is not so already is copied."""
    ends: dict[int, int] = {}
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1].data_ptr()):
        own = tensor.detach().contiguous()
        storage = tensor.untyped_storage().data_ptr()
        if own.nbytes and own.data_ptr() < ends.get(storage, 0):
            own = own.clone()
        else:
            ends[storage] = own.data_ptr() + own.nbytes
        yield name, own


def differing_names(path: Path, tensors: Mapping[str, Tensor]) -> list[str]:
    """Return the names under which a safetensors file holds other bytes, shape or precision than `tensors`, or nothing.

    A file that cannot be read, or with further tensors, differs in all names.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            if set(file.keys()) != set(tensors):
                return sorted(tensors)
            give_back = MappedFiles.of([path]).give_back
            differing = []
            for name in sorted(tensors):
                read = file.get_tensor(name)
                if not _same_bytes(read, tensors[name]):
                    differing.append(name)
                give_back(read)
            return differing
    except (SafetensorError, OSError):
        return sorted(tensors)


def _same_bytes(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same to the last bit; equal numbers are not enough, and NaN equals itself here."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    bits = [tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (one, other)]
    return bool(torch.equal(bits[0], bits[1]))


def _set_free(path: Path) -> None:
    """Bring a file to the disk and out of the system's memory, where it can be asked to, so that reading reads it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write_index(
    folder: Path, places: Mapping[str, str], total: int, whole: str = WEIGHT_FILE_NAMES[0]
) -> None:
    """Write the index of shards: file name by tensor name, and the bytes of all; a single whole file needs none.

    Raises:
        StorageError: it cannot be written.
    """
    if set(places.values()) == {whole}:
        return
    document = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    write_whole(folder / f"{whole}.index.json", (json.dumps(document, indent=2) + "\n").encode("utf-8"))


def places_of(groups: Sequence[Sequence[str]], whole: str = WEIGHT_FILE_NAMES[0]) -> dict[str, str]:
    """Return file name by tensor name, for runs as `split_by_bytes` makes them."""
    return {
        name: shard_name(number, len(groups), whole)
        for number, group in enumerate(groups, start=1)
        for name in group
    }


def total_bytes(weights: Weights) -> int:
    """Return the bytes of all tensors."""
    return sum(tensor.nbytes for tensor in weights.values())
