"""Prefixes in our layout and the published one; one that was not made for its base is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from xiaoan.chatglm.checkpoint import LoadedModel, load_model
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.prefix_checkpoint import (
    KEY_PREFIX,
    PrefixCard,
    load_prefix,
    prefix_shapes,
    save_prefix,
)
from xiaoan.chatglm.prefix_encoder import PrefixEncoder
from xiaoan.errors import CheckpointError, PrefixMismatchError, StorageError


@pytest.fixture
def base(tiny_folder: Path) -> LoadedModel:
    return load_model(tiny_folder, device="cpu", dtype="float32")


def encoder(
    base: LoadedModel, pre_seq_len: int = 4, *, projection: bool = False, **config: int
) -> PrefixEncoder:
    torch.manual_seed(1)
    fields = {**base.model.config.to_dict(), **config}
    fields.update(pre_seq_len=pre_seq_len, prefix_projection=projection)
    return PrefixEncoder(ChatGLMConfig.from_dict(fields))


def card(base: LoadedModel, pre_seq_len: int = 4, *, projection: bool = False) -> PrefixCard:
    return PrefixCard(
        base=base.name,
        base_sha256=base.base_sha256,
        pre_seq_len=pre_seq_len,
        prefix_projection=projection,
        forms=("plain", "options"),
        data_sha256="0" * 64,
        metrics={"exact": 0.98},
        seed=3,
        library_versions={"torch": "2.13.0"},
        settings={"learning_rate": 0.3},
    )


def save_published(prefix: PrefixEncoder, folder: Path, start: str = KEY_PREFIX) -> Path:
    folder.mkdir()
    torch.save(
        {start + key: value for key, value in prefix.state_dict().items()}, folder / "pytorch_model.bin"
    )
    return folder


@pytest.mark.parametrize("projection", [False, True])
def test_our_prefix_comes_back_with_its_card(
    base: LoadedModel, tiny_folder: Path, tmp_path: Path, projection: bool
) -> None:
    prefix, folder = encoder(base, projection=projection), tmp_path / "前缀"
    save_prefix(prefix, folder, card(base, projection=projection))
    loaded = load_model(tiny_folder, prefix=folder, device="cpu", dtype="float16")
    assert loaded.model.transformer.prefix_encoder is not None
    for key, value in loaded.model.transformer.prefix_encoder.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, prefix.state_dict()[key])
    assert loaded.card is not None
    assert replace(loaded.card, prefix_sha256="") == card(base, projection=projection)
    assert loaded.prefix == "前缀"
    assert loaded.dtype == torch.float16
    assert sorted(path.name for path in folder.iterdir()) == ["prefix.json", "prefix.safetensors"]


@pytest.mark.parametrize("projection", [False, True])
@pytest.mark.parametrize("start", [KEY_PREFIX, "prefix_encoder."])
def test_published_prefix_needs_no_card(
    base: LoadedModel, tiny_folder: Path, tmp_path: Path, projection: bool, start: str
) -> None:
    prefix = encoder(base, 6, projection=projection)
    folder = save_published(prefix, tmp_path / "checkpoint-3000", start)
    for path in (folder, folder / "pytorch_model.bin"):
        loaded = load_model(tiny_folder, prefix=path, device="cpu")
        assert loaded.card is None
        assert loaded.model.config.pre_seq_len == 6
        assert loaded.model.config.prefix_projection is projection


@pytest.mark.parametrize("folder", ["prefix8", "prefix8_proj"])
def test_recorded_prefixes_on_the_recorded_base_give_the_recorded_logits(golden: Path, folder: str) -> None:
    recorded = load_file(golden / folder / "fixtures.safetensors")
    for prefix in (golden / folder, golden / folder / "ptuning_pytorch_model.bin"):
        model = load_model(golden / "base", prefix=prefix, device="cpu", dtype="float32").model
        with torch.inference_mode():
            logits = model(recorded["p1_len12.input_ids"]).logits
        torch.testing.assert_close(logits, recorded["p1_len12.logits"], atol=1e-4, rtol=0)


def test_prefix_beside_the_weights_of_the_same_model_is_taken(golden: Path) -> None:
    loaded = load_model(golden / "e2e", prefix=golden / "e2e_prefix4", device="cpu", dtype="float32")
    assert loaded.model.config.pre_seq_len == 4


def test_given_prefix_replaces_the_models_own(golden: Path) -> None:
    loaded = load_model(golden / "prefix8", prefix=golden / "prefix8_proj" / "ptuning_pytorch_model.bin")
    assert loaded.model.config.prefix_projection is True
    assert loaded.base_sha256 == load_model(golden / "base").base_sha256


def test_prefix_of_another_shape_is_refused_with_both_shapes(
    base: LoadedModel, tiny_folder: Path, tmp_path: Path
) -> None:
    folder = save_published(encoder(base, 4, num_layers=28), tmp_path / "big")
    with pytest.raises(PrefixMismatchError) as caught:
        load_model(tiny_folder, prefix=folder, device="cpu")
    assert "embedding.weight：前缀是 [4, 1792]，这个底座需要 [4, 128]" in caught.value.message


def test_projection_of_another_width_is_refused_with_all_shapes(
    base: LoadedModel, tiny_folder: Path, tmp_path: Path
) -> None:
    folder = save_published(encoder(base, 4, projection=True, hidden_size=16), tmp_path / "narrow")
    with pytest.raises(PrefixMismatchError) as caught:
        load_model(tiny_folder, prefix=folder, device="cpu")
    assert caught.value.message.count("这个底座需要") == 5


def test_prefix_of_another_training_of_the_base_is_refused(
    base: LoadedModel, tiny_folder: Path, tmp_path: Path
) -> None:
    save_prefix(encoder(base), tmp_path / "p", replace(card(base), base="旧底座", base_sha256="f" * 64))
    with pytest.raises(PrefixMismatchError, match="另一个底座") as caught:
        load_model(tiny_folder, prefix=tmp_path / "p", device="cpu")
    assert "旧底座（ffff" in caught.value.message
    assert f"{base.name}（{base.base_sha256[:20]}" in caught.value.message


def test_fully_tuned_model_is_no_prefix_for_another_base(
    base: LoadedModel, tiny_folder: Path, tmp_path: Path
) -> None:
    weights = load_file(tiny_folder / "model.safetensors")
    weights["transformer.final_layernorm.bias"] += 1
    weights |= {KEY_PREFIX + key: value for key, value in encoder(base).state_dict().items()}
    save_file(weights, tmp_path / "tuned.safetensors")
    with pytest.raises(PrefixMismatchError, match="整体微调"):
        load_model(tiny_folder, prefix=tmp_path / "tuned.safetensors", device="cpu")


def test_folder_without_a_prefix_is_told_from_one(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="里没有前缀"):
        load_prefix(tiny_folder)
    with pytest.raises(CheckpointError, match="--prefix off"):
        load_prefix(tmp_path / "nowhere")


def test_missing_and_unknown_parameters_are_all_named(base: LoadedModel, tmp_path: Path) -> None:
    folder = save_published(encoder(base, projection=True), tmp_path / "p")
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    del state[KEY_PREFIX + "trans.0.bias"]
    state[KEY_PREFIX + "lora"] = torch.ones(1)
    torch.save(state, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"缺少 trans\.0\.bias；不认识 lora"):
        load_prefix(folder)


@pytest.mark.parametrize("shape", [(0, 128), (128,), ()])
def test_embedding_without_positions_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    torch.save({KEY_PREFIX + "embedding.weight": torch.ones(shape)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="前缀长度"):
        load_prefix(tmp_path)


def test_weights_and_card_of_different_savings_are_noticed(base: LoadedModel, tmp_path: Path) -> None:
    save_prefix(encoder(base), tmp_path / "p", card(base))
    old_card = (tmp_path / "p" / "prefix.json").read_bytes()
    changed = {key: value + 1 for key, value in encoder(base).state_dict().items()}
    save_prefix(changed, tmp_path / "p", card(base))
    (tmp_path / "p" / "prefix.json").write_bytes(old_card)
    with pytest.raises(CheckpointError, match="不是同一次保存的"):
        load_prefix(tmp_path / "p")


def test_saving_again_replaces_both_files(base: LoadedModel, tmp_path: Path) -> None:
    save_prefix(encoder(base), tmp_path / "p", card(base))
    save_prefix(encoder(base, 5), tmp_path / "p", card(base, 5))
    assert load_prefix(tmp_path / "p").pre_seq_len == 5


def test_same_prefix_is_saved_as_the_same_bytes(base: LoadedModel, tmp_path: Path) -> None:
    for name in ("一", "二"):
        save_prefix(encoder(base), tmp_path / name, card(base))
    for file in ("prefix.json", "prefix.safetensors"):
        assert (tmp_path / "一" / file).read_bytes() == (tmp_path / "二" / file).read_bytes()


def test_prefix_without_its_other_file_is_refused(base: LoadedModel, tmp_path: Path) -> None:
    for missing in ("prefix.json", "prefix.safetensors"):
        save_prefix(encoder(base), tmp_path / "p", card(base))
        (tmp_path / "p" / missing).unlink()
        with pytest.raises(CheckpointError, match=f"{missing}：找不到这个文件"):
            load_prefix(tmp_path / "p")


def test_all_faults_of_a_card_are_named(base: LoadedModel, tmp_path: Path) -> None:
    save_prefix(encoder(base), tmp_path / "p", card(base))
    path = tmp_path / "p" / "prefix.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    del document["base"]
    document.update(seed="三", rank=8)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CheckpointError, match="缺少 base；不认识 rank；seed 应当是 int"):
        load_prefix(tmp_path / "p")
    document.update(base="底座", seed=3, probes=[{"content": "问", "summary": "答", "exact": 1}, 7])
    del document["rank"]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"probes 的第 1 项应当正好有.*；probes 的第 2 项"):
        load_prefix(tmp_path / "p")


def test_a_card_written_before_probes_were_known_still_loads(base: LoadedModel, tmp_path: Path) -> None:
    save_prefix(encoder(base), tmp_path / "p", card(base))
    path = tmp_path / "p" / "prefix.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    del document["dtype"], document["probes"]
    path.write_text(json.dumps(document), encoding="utf-8")
    read = load_prefix(tmp_path / "p").card
    assert read is not None
    assert (read.dtype, read.probes) == ("", ())


def test_folder_that_cannot_be_written_is_a_storage_error(base: LoadedModel, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="写不进"):
        save_prefix(encoder(base), tmp_path / "file" / "p", card(base))


@pytest.mark.parametrize("projection", [False, True])
def test_expected_shapes_are_those_of_the_encoder(base: LoadedModel, projection: bool) -> None:
    state = encoder(base, 4, projection=projection).state_dict()
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    assert prefix_shapes(base.model.config, 4, projection=projection) == shapes
