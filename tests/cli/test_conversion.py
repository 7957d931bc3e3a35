"""`xiaoan doctor --convert` says what it wrote and what to do next; wrong flags are told before anything is done."""

import json
import shlex
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.cli.bench import CommandBench
from tests.tiny_models import tiny_config
from xiaoan.chatglm.model_folder import load_tokenizer
from xiaoan.chatglm.random_model import write_random_model
from xiaoan.config import default_paths


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model in two `.bin` shards."""
    path = tmp_path / "模 型"
    write_random_model(path, tiny_config(), shards=2, form="bin")
    return path


def test_bin_weights_are_converted_beside_the_originals(bench: CommandBench, folder: Path) -> None:
    result = bench.run("doctor", "--convert", "--model", str(folder))
    assert result.code == 0, result.err
    assert "转换好了" in result.out
    assert "2 个文件，30 个权重，0 MiB" in result.out
    assert ".bin 没有动" in result.out
    assert len(list(folder.glob("*.bin"))) == len(list(folder.glob("*.safetensors"))) == 2
    again = bench.run("doctor", "--convert", "--model", str(folder))
    assert again.out == f"{folder} 的权重已经是 safetensors，不用转换。\n"


def test_a_quantised_copy_is_written_and_how_to_start_it_is_told(
    bench: CommandBench, folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "小 的"
    result = bench.run(
        "doctor", "--convert", "--model", str(folder), "--dtype", "int4+head", "--output", str(output)
    )
    assert result.code == 0, result.err
    assert f"xiaoan --model {shlex.quote(str(output))}" in result.out
    weights = load_file(output / "model.safetensors")
    assert weights["lm_head.weight"].shape == (100, 16)
    assert weights["lm_head.weight"].dtype == torch.int8
    assert json.loads((output / "config.json").read_text(encoding="utf-8"))["quantization_bit"] == 4


def test_json_is_one_document_with_everything_that_was_written(bench: CommandBench, folder: Path) -> None:
    result = bench.run("doctor", "--convert", "--json", "--model", str(folder))
    document = json.loads(result.out)
    assert document.pop("seconds") >= 0
    assert document == {
        "converted": True,
        "folder": str(folder),
        "dtype": None,
        "files": [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)],
        "kept": [],
        "tensors": 30,
        "bytes": sum(t.nbytes for file in folder.glob("*.safetensors") for t in load_file(file).values()),
    }
    assert (
        json.loads(bench.run("doctor", "--convert", "--json", "--model", str(folder)).out)["converted"]
        is False
    )


def test_files_of_an_interrupted_run_are_kept(bench: CommandBench, folder: Path) -> None:
    bench.run("doctor", "--convert", "--model", str(folder))
    (folder / "model.safetensors.index.json").unlink()
    result = bench.run("doctor", "--convert", "--model", str(folder))
    assert "其中 2 个是上次写好的" in result.out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--output", "x"), "要和 --convert 一起用"),
        (("--force",), "要和 --convert 一起用"),
        (("--convert", "--dtype", "int4"), "请加 --output 文件夹"),
        (("--convert", "--dtype", "float16", "--output", "x"), "--convert 不改精度"),
        (("--convert", "--output", "x", "--force"), "--force 在这里不管用"),
        (("--convert", "--model", "没有的文件夹"), "找不到这个模型文件夹"),
    ],
)
def test_what_cannot_be_done_is_told(bench: CommandBench, flags: tuple[str, ...], said: str) -> None:
    result = bench.run("doctor", *flags)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_doctor_advises_to_convert_bin_weights(bench: CommandBench, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(default_paths().model)
    write_random_model(tmp_path / "m", tiny_config(vocab_size=5000), tokenizer=tokenizer, form="bin")

    def advice() -> str:
        rows = json.loads(bench.run("doctor", "--json", "--model", str(tmp_path / "m")).out)["findings"]
        model = next(row for row in rows if row["name"] == "模型")
        assert model["status"] == "ok"
        return str(model["advice"])

    assert f"xiaoan doctor --convert --model {tmp_path / 'm'}" in advice()
    bench.run("doctor", "--convert", "--model", str(tmp_path / "m"))
    assert advice() == ""
