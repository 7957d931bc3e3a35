"""Converted folders hold the same model; what is interrupted goes on; nothing that was there is lost."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from xiaoan.chatglm.checkpoint import (
    EMBEDDING_KEY,
    HEAD_KEY,
    LoadedCheckpoint,
    load_checkpoint,
)
from xiaoan.chatglm.conversion import RECORD_NAME, convert_in_place, write_converted
from xiaoan.chatglm.device import Machine
from xiaoan.chatglm.weight_files import find_weight_files, read_weights
from xiaoan.errors import CheckpointError, StorageError

INV_FREQ = "transformer.layers.0.attention.rotary_emb.inv_freq"
UNHURRIED = Machine(clock=lambda: 0.0)


class Interruption(Exception):  # noqa: N818 - what a test does to a run, no fault of it
    """Stands for the process being ended between two files."""


def after_files(count: int) -> Callable[[int, int], None]:
    """A listener that interrupts the run once `count` files are done."""
    calls: list[int] = []

    def listen(done: int, _: int) -> None:
        calls.append(done)
        if len(calls) == count:
            raise Interruption

    return listen


@pytest.fixture
def bin_folder(tiny_folder: Path) -> Path:
    """The tiny model as three `.bin` shards, with a second copy as head, and inverse frequencies."""
    weights = load_file(tiny_folder / "model.safetensors")
    (tiny_folder / "model.safetensors").unlink()
    weights[HEAD_KEY] = weights[EMBEDDING_KEY].clone()
    weights[INV_FREQ] = torch.ones(4)
    places = {key: f"pytorch_model-{i % 3 + 1:05}-of-00003.bin" for i, key in enumerate(sorted(weights))}
    for name in set(places.values()):
        torch.save({key: weights[key] for key, place in places.items() if place == name}, tiny_folder / name)
    index = json.dumps({"metadata": {}, "weight_map": places})
    (tiny_folder / "pytorch_model.bin.index.json").write_text(index, encoding="utf-8")
    return tiny_folder


def load(folder: Path, dtype: str = "float16") -> LoadedCheckpoint:
    return load_checkpoint(folder, device="cpu", dtype=dtype, machine=UNHURRIED)


def same(one: LoadedCheckpoint, other: LoadedCheckpoint) -> bool:
    theirs = dict(other.model.named_parameters())
    return {name: p.dtype for name, p in one.model.named_parameters()} == {
        name: p.dtype for name, p in theirs.items()
    } and all(torch.equal(p, theirs[name]) for name, p in one.model.named_parameters())


def test_bin_shards_become_safetensors_beside_them_tensor_for_tensor(bin_folder: Path) -> None:
    before, originals = load(bin_folder), read_weights(find_weight_files(bin_folder))
    bins = {path: path.stat().st_mtime_ns for path in bin_folder.glob("*.bin")}
    made = convert_in_place(bin_folder)
    files = find_weight_files(bin_folder)
    assert [file.name for file in files] == [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
    assert (made.files, made.kept) == (tuple(file.name for file in files), ())
    converted = read_weights(files)
    assert set(converted) == set(originals)
    assert all(torch.equal(converted[key], tensor) for key, tensor in originals.items())
    assert (made.tensors, made.nbytes) == (len(originals), sum(t.nbytes for t in originals.values()))
    after = load(bin_folder)
    assert same(before, after)
    assert before.base_sha256 == after.base_sha256
    assert {path: path.stat().st_mtime_ns for path in bins} == bins


def test_a_missing_shard_is_named_before_anything_is_written(bin_folder: Path) -> None:
    (bin_folder / "pytorch_model-00002-of-00003.bin").unlink()
    with pytest.raises(CheckpointError, match=r"00002-of-00003.bin：找不到这个文件"):
        convert_in_place(bin_folder)
    assert not list(bin_folder.glob("*.safetensors"))


def test_one_bin_file_becomes_one_safetensors_file(bin_folder: Path) -> None:
    torch.save(read_weights(find_weight_files(bin_folder)), bin_folder / "pytorch_model.bin")
    assert convert_in_place(bin_folder).files == ("model.safetensors",)
    assert [file.name for file in find_weight_files(bin_folder)] == ["model.safetensors"]


def test_safetensors_need_no_conversion(tiny_folder: Path) -> None:
    before = sorted(path.name for path in tiny_folder.iterdir())
    assert convert_in_place(tiny_folder).files == ()
    assert sorted(path.name for path in tiny_folder.iterdir()) == before


def test_an_interrupted_conversion_goes_on_and_does_not_count_before(bin_folder: Path) -> None:
    with pytest.raises(Interruption):
        convert_in_place(bin_folder, on_progress=after_files(2))
    assert {file.suffix for file in find_weight_files(bin_folder)} == {".bin"}
    first = bin_folder / "model-00001-of-00003.safetensors"
    os.utime(first, ns=(1, 1))
    made = convert_in_place(bin_folder)
    assert made.kept == ("model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors")
    assert first.stat().st_mtime_ns == 1
    assert {file.suffix for file in find_weight_files(bin_folder)} == {".safetensors"}


def test_a_file_with_other_content_is_replaced_only_when_asked_for(bin_folder: Path) -> None:
    other = bin_folder / "model-00002-of-00003.safetensors"
    save_file({"mine": torch.ones(2)}, other)
    with pytest.raises(StorageError, match="--force") as caught:
        convert_in_place(bin_folder)
    assert "model-00002-of-00003.safetensors 已经有了" in caught.value.message
    assert list(load_file(other)) == ["mine"]
    convert_in_place(bin_folder, force=True)
    assert "mine" not in load_file(other)
    load(bin_folder)


def test_a_broken_shard_stops_the_conversion_with_its_name(bin_folder: Path) -> None:
    path = bin_folder / "pytorch_model-00002-of-00003.bin"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"pytorch_model-00002-of-00003\.bin：不完整"):
        convert_in_place(bin_folder)
    assert {file.suffix for file in find_weight_files(bin_folder)} == {".bin"}


@pytest.mark.parametrize(
    ("bits", "head", "dtype"), [(8, False, "int8"), (4, False, "int4"), (4, True, "int4+head")]
)
def test_a_quantised_copy_is_the_model_that_loading_quantises(
    bin_folder: Path, tmp_path: Path, bits: int, head: bool, dtype: str
) -> None:
    write_converted(bin_folder, tmp_path / "q", bits=bits, head=head)
    stored, made = load(tmp_path / "q", "auto"), load(bin_folder, dtype)
    assert (stored.dtype_name, stored.stored_bits) == (dtype, bits)
    assert same(stored, made)
    assert stored.tokenizer.encode("工作") == made.tokenizer.encode("工作")
    assert sorted(path.name for path in (tmp_path / "q").iterdir()) == [
        "config.json",
        "ice_text.model",
        "model.safetensors",
        "tokenizer_config.json",
    ]


def test_a_copy_as_it_is_leaves_out_what_no_model_reads(bin_folder: Path, tmp_path: Path) -> None:
    made = write_converted(bin_folder, tmp_path / "copy")
    weights = read_weights(find_weight_files(tmp_path / "copy"))
    assert HEAD_KEY not in weights
    assert INV_FREQ not in weights
    assert made.tensors == len(weights)
    assert same(load(tmp_path / "copy"), load(bin_folder))
    assert load(tmp_path / "copy").base_sha256 == load(bin_folder).base_sha256


def test_an_interrupted_copy_cannot_be_loaded_and_goes_on(bin_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "q"
    with pytest.raises(Interruption):
        write_converted(bin_folder, output, bits=8, shard_bytes=20_000, on_progress=after_files(2))
    (output / ".xiaoan-killed").mkdir()
    with pytest.raises(CheckpointError):
        load(output)
    with pytest.raises(StorageError, match="另一次没做完的转换"):
        write_converted(bin_folder, output, bits=4)
    made = write_converted(bin_folder, output, bits=8, shard_bytes=20_000)
    assert len(made.kept) == 2
    assert len(made.files) > 2
    assert not (output / RECORD_NAME).exists()
    assert not (output / ".xiaoan-killed").exists()
    assert same(load(output, "auto"), load(bin_folder, "int8"))


def test_what_is_quantised_or_in_the_way_is_refused(bin_folder: Path, tmp_path: Path) -> None:
    write_converted(bin_folder, tmp_path / "q", bits=4)
    with pytest.raises(StorageError, match="已经有文件"):
        write_converted(bin_folder, tmp_path / "q", bits=4)
    with pytest.raises(CheckpointError, match="已经量化成 int4"):
        write_converted(tmp_path / "q", tmp_path / "r", bits=8)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="不是文件夹"):
        write_converted(bin_folder, tmp_path / "file")
    assert not (tmp_path / "r").exists()


def test_files_and_settings_that_do_not_fit_are_told_before_anything_is_written(
    bin_folder: Path, tmp_path: Path
) -> None:
    path = bin_folder / "config.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "num_layers": 3}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="缺少 12 个"):
        write_converted(bin_folder, tmp_path / "q", bits=4)
    assert not (tmp_path / "q").exists()
