"""Broken weight files are named in words for the user, and nothing but tensors is ever read."""

import io
import json
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from xiaoan.chatglm.weight_files import find_weight_files, read_json, read_weights, weights_sha256
from xiaoan.errors import CheckpointError

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:5e974d9a\nsize 2706249\n"
WEIGHTS = {"a": torch.arange(600.0).reshape(20, 30), "b": torch.ones(3, dtype=torch.float16)}


def as_bin(content: Any, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


class Dangerous:
    """Unpickled without care, it leaves a folder behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


def read(path: Path, content: bytes) -> str:
    """Return the message with which a file of this content is refused."""
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_weights([path])
    message = caught.value.message
    assert path.name in message
    assert "weights_only" not in message
    assert caught.value.__cause__ is None
    return message


@pytest.mark.parametrize("zipped", [True, False])
def test_bin_files_of_both_ages_are_read(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(as_bin(WEIGHTS, zipped=zipped))
    weights = read_weights([path])
    assert list(weights) == ["a", "b"]
    assert torch.equal(weights["a"], WEIGHTS["a"])


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_bin_file_is_not_run_and_nobody_is_told_to_run_it(tmp_path: Path, zipped: bool) -> None:
    trace = tmp_path / "code was run"
    message = read(tmp_path / "pytorch_model.bin", as_bin({"a": Dangerous(trace)}, zipped=zipped))
    assert "绝不运行文件里的代码" in message
    assert not trace.exists()


def test_plain_pickle_and_other_objects_are_no_weights(tmp_path: Path) -> None:
    trace = tmp_path / "code was run"
    assert "代码" in read(tmp_path / "x.bin", pickle.dumps({"a": Dangerous(trace)}))
    assert "不只是权重" in read(tmp_path / "x.bin", as_bin([1, 2]))
    assert "不只是权重" in read(tmp_path / "x.bin", as_bin({"a": 1}))
    assert not trace.exists()


@pytest.mark.parametrize("keep", [0, 10, 900, -1])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_truncated_file_is_to_be_downloaded_again(tmp_path: Path, name: str, keep: int) -> None:
    path = tmp_path / name
    save_file(WEIGHTS, path) if path.suffix == ".safetensors" else path.write_bytes(as_bin(WEIGHTS))
    content = path.read_bytes()[:keep]
    message = read(path, content)
    assert f"不完整或已损坏（现有 {len(content)} 字节）" in message
    assert "重新下载" in message


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("content", [bytes(4000), b"<!DOCTYPE html><html>404</html>", b"\xff" * 500])
def test_file_of_something_else_counts_as_broken(tmp_path: Path, name: str, content: bytes) -> None:
    assert "不完整或已损坏" in read(tmp_path / name, content)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_lfs_pointer_is_told_from_weights(tmp_path: Path, name: str) -> None:
    message = read(tmp_path / name, POINTER)
    assert f"只有 {len(POINTER)} 字节，是 git-LFS 的指针" in message
    assert "git lfs pull" in message


def shard_folder(folder: Path, count: int = 4) -> list[Path]:
    shards = [folder / f"pytorch_model-{i:05}-of-{count:05}.bin" for i in range(count)]
    for i, shard in enumerate(shards):
        torch.save({f"k{i}": torch.ones(50)}, shard)
    index = {"weight_map": {f"k{i}": shard.name for i, shard in enumerate(shards)}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index), encoding="utf-8")
    return shards


def test_faults_of_all_shards_are_listed_at_once(tmp_path: Path) -> None:
    shards = shard_folder(tmp_path)
    shards[0].unlink()
    shards[1].write_bytes(POINTER)
    shards[3].write_bytes(shards[3].read_bytes()[:-50])
    with pytest.raises(CheckpointError, match="有 3 个文件不能用") as caught:
        read_weights(find_weight_files(tmp_path))
    lines = caught.value.message.splitlines()
    assert [line.split("：")[0].strip() for line in lines[1:4]] == [shards[i].name for i in (0, 1, 3)]
    for words in ("找不到这个文件", "git-LFS", "不完整"):
        assert words in caught.value.message


def test_whole_safetensors_come_first(tmp_path: Path) -> None:
    shard_folder(tmp_path)
    assert [path.suffix for path in find_weight_files(tmp_path)] == [".bin"] * 4
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    assert find_weight_files(tmp_path) == (tmp_path / "model.safetensors",)


def test_folder_without_weights_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "chatglm-6b.zip").touch()
    with pytest.raises(CheckpointError, match="没有权重文件") as caught:
        find_weight_files(tmp_path)
    assert "现有：chatglm-6b.zip" in caught.value.message


@pytest.mark.parametrize(
    "index", ["{}", '{"weight_map": []}', '{"weight_map": {"a": "../../x.bin"}}', '{"weight_map": {"a": 1}}']
)
def test_index_that_names_no_files_of_the_folder_is_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / "pytorch_model.bin.index.json").write_text(index, encoding="utf-8")
    with pytest.raises(CheckpointError, match="weight_map"):
        find_weight_files(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1,\n', "不是正确的 JSON（第 2 行第 1 列）"),
        ("{'甲': 1}".encode("gbk"), "不是正确的 JSON"),
        (b"[" * 100_000, "不是正确的 JSON"),
        (b"[]", "JSON 对象"),
        (POINTER, "git-LFS"),
    ],
)
def test_broken_json_is_named_with_its_place(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_json(path)
    assert words in caught.value.message
    assert "config.json" in caught.value.message


def test_hash_is_that_of_the_values_not_of_the_file(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    torch.save(dict(reversed(WEIGHTS.items())), tmp_path / "pytorch_model.bin")
    first = weights_sha256(read_weights([tmp_path / "model.safetensors"]))
    assert first == weights_sha256(read_weights([tmp_path / "pytorch_model.bin"]))
    changed = {**WEIGHTS, "b": torch.tensor([1.0, 1.0, 2.0]).half()}
    assert weights_sha256(changed) != first
    assert weights_sha256({"a": WEIGHTS["a"], "c": WEIGHTS["b"]}) != first


def test_hash_of_much_is_sampled() -> None:
    much = {f"k{i}": torch.zeros(1).expand(17 * 2**20) for i in range(4)}
    assert sum(tensor.nbytes for tensor in much.values()) > 2**28
    assert weights_sha256(much).startswith("sampled-")


def test_reading_gives_no_warnings(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.save(WEIGHTS, tmp_path / "pytorch_model.bin")
        read_weights([tmp_path / "pytorch_model.bin"])
