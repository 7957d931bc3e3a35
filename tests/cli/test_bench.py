"""`xiaoan bench`: what is refused before any work, and a short run of a small stored model."""

import json
from pathlib import Path

import pytest
import torch

from tests.chatglm.conftest import SPECIAL_PIECES, train_pieces
from tests.cli.bench import CommandBench
from tests.tiny_models import tiny_config, tiny_model
from xiaoan.chatglm.checkpoint import load_checkpoint, save_checkpoint
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers in a millisecond."""
    vocabulary = tmp_path_factory.mktemp("词表") / "ice_text.model"
    vocabulary.write_bytes(train_pieces(SPECIAL_PIECES))
    tokenizer = ChatGLMTokenizer(str(vocabulary))
    folder = tmp_path_factory.mktemp("模型") / "小模型"
    save_checkpoint(tiny_model(tiny_config(tokenizer=tokenizer), dtype=torch.float32), tokenizer, folder)
    return folder


def test_one_precision_of_a_stored_model_beside_the_reference(bench: CommandBench, folder: Path) -> None:
    result = bench.run("bench", "--model", str(folder), "--dtype", "float32", "--quick", "--threads", "1")
    assert result.code == 0, result.err
    *table, line, empty = result.out.split("\n")
    assert empty == ""
    assert table[0] == "测速"
    assert any(row.startswith("原版写法") for row in table)
    document = json.loads(line)
    assert document["threads"] == 1
    (own,) = document["benches"]
    assert own["name"] == "小模型"
    assert [(row["precision"], row["batch"]) for row in own["rows"]] == [
        ("reference", 1),
        ("float32", 1),
        ("float32", 8),
    ]
    assert own["rows"][1]["speedup"] > 0


@pytest.mark.parametrize(
    "flags", [("--random", "--random-6b"), ("--random", "--model", "x"), ("--random-6b", "--model", "x")]
)
def test_one_thing_at_a_time(bench: CommandBench, flags: tuple[str, ...]) -> None:
    result = bench.run("bench", *flags)
    assert result.code == 2
    assert "一次只能写一个" in result.err


def test_a_model_that_is_not_there_is_said(bench: CommandBench, tmp_path: Path) -> None:
    result = bench.run("bench", "--model", str(tmp_path / "无"), "--quick")
    assert result.code == 2
    assert "无" in result.err


def test_only_one_document_and_no_reference_for_quantised_weights(
    bench: CommandBench, folder: Path, tmp_path: Path
) -> None:
    loaded = load_checkpoint(folder, device="cpu", dtype="int8")
    save_checkpoint(loaded.model, loaded.tokenizer, tmp_path / "量化")
    result = bench.run("bench", "--model", str(tmp_path / "量化"), "--quick", "--json", "--bank", "off")
    assert result.code == 0, result.err
    (own,) = json.loads(result.out)["benches"]
    assert {row["precision"] for row in own["rows"]} == {"int8", "int8+head"}
    assert own["accuracy_against"] == "int8"
