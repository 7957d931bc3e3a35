"""Folders and hub ids that cannot be used are refused with one message that says what to do."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from xiaoan.chatglm.model_folder import load_tokenizer, read_config, resolve_folder
from xiaoan.errors import CheckpointError


def no_fetch(hub_id: str) -> NoReturn:
    pytest.fail(f"{hub_id} was taken for a hub id")


def config_folder(folder: Path, **fields: object) -> Path:
    document = {"model_type": "chatglm", "vocab_size": 200, "hidden_size": 64, "num_attention_heads": 4}
    (folder / "config.json").write_text(json.dumps({**document, **fields}), encoding="utf-8")
    return folder


def test_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert resolve_folder(tmp_path, fetch=no_fetch) == tmp_path
    assert resolve_folder(str(tmp_path), fetch=no_fetch) == tmp_path


@pytest.mark.parametrize("name", ["nowhere", "./a/b", "../a/b", "/a/b", "a/b/c", "C:\\模型\\chatglm", "~/x"])
def test_missing_folder_is_not_looked_for_on_the_hub(name: str) -> None:
    with pytest.raises(CheckpointError, match="找不到这个模型文件夹"):
        resolve_folder(name, fetch=no_fetch)


def test_missing_folder_inside_a_folder_is_not_looked_for_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(CheckpointError, match="找不到这个模型文件夹"):
        resolve_folder("checkpoints/typo", fetch=no_fetch)
    with pytest.raises(CheckpointError, match="找不到这个模型文件夹"):
        resolve_folder(Path("THUDM/chatglm-6b"), fetch=no_fetch)


def test_file_in_place_of_a_folder_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    with pytest.raises(CheckpointError, match="这是一个文件，不是文件夹"):
        resolve_folder(tmp_path / "model.bin", fetch=no_fetch)


def test_hub_id_is_fetched(tmp_path: Path) -> None:
    asked: list[str] = []

    def fetch(hub_id: str) -> str:
        asked.append(hub_id)
        return str(tmp_path)

    assert resolve_folder("THUDM/chatglm-6b", fetch=fetch) == tmp_path
    assert asked == ["THUDM/chatglm-6b"]


@pytest.mark.parametrize(
    "error",
    [
        LocalEntryNotFoundError("offline"),
        HfHubHTTPError.__bases__[0]("no route"),  # the root error of the HTTP library of the day
        ConnectionError("reset"),
        HFValidationError("bad id"),
        OSError(28, "No space left on device"),
    ],
)
def test_failed_download_says_how_to_go_on_without_network(error: Exception) -> None:
    def fetch(_: str) -> NoReturn:
        raise error

    with pytest.raises(CheckpointError, match="拷过来后用 --model 文件夹"):
        resolve_folder("THUDM/chatglm-6b", fetch=fetch)


def test_unknown_hub_id_is_told_from_a_lost_network() -> None:
    def fetch(_: str) -> NoReturn:
        response: Any = SimpleNamespace(headers={}, request=None)
        raise RepositoryNotFoundError("404", response=response)

    with pytest.raises(CheckpointError, match="模型站上没有 THUDM/typo"):
        resolve_folder("THUDM/typo", fetch=fetch)


def test_config_without_a_model_type_is_that_of_a_chatglm(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"num_layers": 2, "auto_map": {"AutoConfig": "x.Y"}}', encoding="utf-8"
    )
    config = read_config(tmp_path)
    assert config.num_layers == 2
    assert not hasattr(config, "auto_map")


@pytest.mark.parametrize("field", ["multi_query_attention", "padded_vocab_size", "ffn_hidden_size"])
def test_later_chatglm_is_told_by_its_fields(tmp_path: Path, field: str) -> None:
    with pytest.raises(CheckpointError, match=f"ChatGLM2.*{field}"):
        read_config(config_folder(tmp_path, **{field: 1}))


def test_other_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="qwen2 模型"):
        read_config(config_folder(tmp_path, model_type="qwen2"))


@pytest.mark.parametrize(("stored", "read"), [(0, 0), (4, 4), (8, 8), (None, 0)])
def test_blocks_in_8_or_4_bits_are_read(tmp_path: Path, stored: int | None, read: int) -> None:
    folder = config_folder(tmp_path, quantization_bit=stored, quantization_embeddings=False)
    assert read_config(folder).quantization_bit == read


def test_other_ways_to_quantise_are_refused(tmp_path: Path) -> None:
    for bits in (2, "4", True):
        with pytest.raises(CheckpointError, match="应当是 0、8 或 4，实际是"):
            read_config(config_folder(tmp_path, quantization_bit=bits))
    with pytest.raises(CheckpointError, match=r"词嵌入也量化过.*\n.*chatglm-6b-int4"):
        read_config(config_folder(tmp_path, quantization_bit=4, quantization_embeddings=True))


def test_all_wrong_values_of_a_config_are_named(tmp_path: Path) -> None:
    folder = config_folder(
        tmp_path, hidden_size="64", num_layers=0, pre_seq_len=-1, position_encoding_2d=False
    )
    with pytest.raises(CheckpointError) as caught:
        read_config(folder)
    for words in (
        "hidden_size 应当是正整数，实际是 '64'",
        "num_layers",
        "pre_seq_len",
        "position_encoding_2d",
    ):
        assert words in caught.value.message


def test_heads_have_to_divide_the_hidden_size(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="整除"):
        read_config(config_folder(tmp_path, num_attention_heads=5))


def test_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json：找不到这个文件"):
        read_config(tmp_path)


def test_pointer_in_place_of_the_vocabulary_asks_for_the_real_file(tiny_folder: Path) -> None:
    (tiny_folder / "ice_text.model").write_text(
        "version https://git-lfs.github.com/spec/v1\n", encoding="utf-8"
    )
    with pytest.raises(CheckpointError, match="git lfs pull") as caught:
        load_tokenizer(tiny_folder)
    assert "ice_text.model：只有 43 字节" in caught.value.message


def test_missing_or_broken_tokenizer_files_are_named(tiny_folder: Path) -> None:
    (tiny_folder / "tokenizer_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json 不是正确的 JSON"):
        load_tokenizer(tiny_folder)
    (tiny_folder / "ice_text.model").unlink()
    with pytest.raises(CheckpointError, match=r"ice_text\.model：找不到这个文件"):
        load_tokenizer(tiny_folder)


def test_vocabulary_alone_is_enough(tiny_folder: Path) -> None:
    (tiny_folder / "tokenizer_config.json").unlink()
    tokenizer = load_tokenizer(tiny_folder)
    assert tokenizer.decode(tokenizer.encode("工作")) == "工作"
