"""Shards are split evenly, written whole, read back, and named by an index."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xiaoan.chatglm.weight_files import find_weight_files, read_weights
from xiaoan.chatglm.weight_shards import (
    check_room,
    differing_names,
    places_of,
    shard_name,
    split_by_bytes,
    write_index,
    write_shard,
)
from xiaoan.errors import StorageError

WEIGHTS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(3, dtype=torch.float16)}


def test_shards_are_named_as_published() -> None:
    assert shard_name(1, 8, "pytorch_model.bin") == "pytorch_model-00001-of-00008.bin"
    assert shard_name(8, 8) == "model-00008-of-00008.safetensors"
    assert shard_name(1, 1) == "model.safetensors"


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.integers(1, 9))
def test_runs_hold_every_name_once_and_in_order(sizes: list[int], count: int) -> None:
    named = {f"k{i}": size for i, size in enumerate(sizes)}
    groups = split_by_bytes(named, count)
    assert [name for group in groups for name in group] == list(named)
    assert len(groups) == min(count, len(sizes))
    assert all(groups)


def test_runs_are_about_equal() -> None:
    sizes = {f"k{i}": 10 for i in range(80)}
    assert [len(group) for group in split_by_bytes(sizes, 8)] == [10] * 8


def test_written_shards_are_found_by_their_index(tmp_path: Path) -> None:
    places = places_of([["a"], ["b"]])
    for name, place in places.items():
        write_shard(tmp_path / place, {name: WEIGHTS[name]})
    write_index(tmp_path, places, 30)
    files = find_weight_files(tmp_path)
    assert [file.name for file in files] == list(places.values())
    read = read_weights(files)
    assert all(torch.equal(read[name], tensor) for name, tensor in WEIGHTS.items())
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text(encoding="utf-8"))
    assert index["metadata"] == {"total_size": 30}


def test_a_shard_is_as_readable_as_other_files(tmp_path: Path) -> None:
    write_shard(tmp_path / "model.safetensors", WEIGHTS)
    (tmp_path / "other").touch()
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_tensors_that_share_memory_or_are_no_whole_are_written_each(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    tensors = {"all": base, "row": base[1], "column": base[:, 1], "again": base.view(4, 3), "none": base[:0]}
    write_shard(tmp_path / "x.safetensors", tensors)
    read = read_weights([tmp_path / "x.safetensors"])
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize(
    "other",
    [
        {"a": WEIGHTS["a"]},
        {**WEIGHTS, "c": torch.ones(1)},
        {**WEIGHTS, "a": WEIGHTS["a"] + 1},
        {**WEIGHTS, "a": -WEIGHTS["a"] * torch.tensor([[-0.0], [-1.0]]).sign()},
        {**WEIGHTS, "b": WEIGHTS["b"].bfloat16()},
        {**WEIGHTS, "a": WEIGHTS["a"].reshape(3, 2)},
    ],
)
def test_any_difference_is_seen(tmp_path: Path, other: dict[str, torch.Tensor]) -> None:
    write_shard(tmp_path / "x.safetensors", WEIGHTS)
    assert differing_names(tmp_path / "x.safetensors", WEIGHTS) == []
    assert differing_names(tmp_path / "x.safetensors", other)


def test_nan_equals_itself_and_broken_files_equal_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_shard(path, {"a": torch.tensor([float("nan")])})
    assert differing_names(path, {"a": torch.tensor([float("nan")])}) == []
    path.write_bytes(path.read_bytes()[:-1])
    assert differing_names(path, {"a": torch.tensor([float("nan")])}) == ["a"]


def test_a_shard_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(StorageError, match="taken"):
        write_shard(tmp_path / "taken", WEIGHTS)


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    check_room(tmp_path / "new" / "folder", 1)
    with pytest.raises(StorageError, match=r"磁盘空间不够：.*要写 1048576\.06 GiB，只剩"):
        check_room(tmp_path, 2**50)
