"""Random models have the published layout, the same values every time, and load like any other."""

import json
from pathlib import Path

import pytest
import torch

from tests.tiny_models import tiny_config
from xiaoan.chatglm.checkpoint import EMBEDDING_KEY, HEAD_KEY, load_checkpoint, load_model
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.quantization import QuantizedLinear
from xiaoan.chatglm.random_model import RandomWeights, published_shapes, random_model, write_random_model
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.chatglm.weight_files import find_weight_files, read_weights
from xiaoan.errors import DeviceError, StorageError

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["base", "prefix8"])
def test_names_and_shapes_are_those_of_the_original(golden: Path, name: str) -> None:
    config = ChatGLMConfig.from_dict(json.loads((golden / name / "config.json").read_text(encoding="utf-8")))
    recorded = read_weights([golden / name / "model.safetensors"])
    assert published_shapes(config) == {key: tensor.shape for key, tensor in recorded.items()}


def test_a_full_size_model_has_368_tensors_of_13_gigabytes() -> None:
    weights = RandomWeights(ChatGLMConfig())
    assert len(weights) == 368
    assert 13.4e9 < sum(weights.sizes().values()) < 13.5e9
    assert weights["transformer.layers.27.attention.rotary_emb.inv_freq"].shape == (32,)


def test_values_depend_on_name_and_seed_alone() -> None:
    config = tiny_config()
    first, second = RandomWeights(config, seed=1), RandomWeights(config, seed=1)
    names = list(first)
    assert all(torch.equal(second[name], first[name]) for name in reversed(names))
    assert torch.equal(first[HEAD_KEY], first[EMBEDDING_KEY])
    dense = [name for name in names if name.endswith("dense.weight")]
    assert not torch.equal(first[dense[0]], first[dense[1]])
    assert not torch.equal(first[dense[0]], RandomWeights(config, seed=2)[dense[0]])
    assert 0.15 < float(first[dense[0]].float().std()) < 0.25  # the tiny model's range is 0.2


def test_rotary_frequencies_are_those_of_the_original(golden: Path) -> None:
    config = ChatGLMConfig.from_dict(
        json.loads((golden / "base" / "config.json").read_text(encoding="utf-8"))
    )
    name = "transformer.layers.1.attention.rotary_emb.inv_freq"
    recorded = read_weights([golden / "base" / "model.safetensors"])[name]
    torch.testing.assert_close(RandomWeights(config, dtype=torch.float32)[name], recorded, atol=1e-3, rtol=0)


@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_a_written_model_loads_with_its_tokenizer(small: ChatGLMTokenizer, tmp_path: Path, form: str) -> None:
    config = tiny_config(vocab_size=len(small) + 30)
    calls: list[tuple[int, int]] = []
    write_random_model(
        tmp_path / "r",
        config,
        tokenizer=small,
        form=form,
        seed=3,
        on_progress=lambda *call: calls.append(call),
    )
    files = find_weight_files(tmp_path / "r")
    assert len(files) == 8
    assert {file.suffix for file in files} == {f".{form}"}
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert (len(calls), calls[-1][0]) == (8, calls[-1][1])
    loaded = load_checkpoint(tmp_path / "r", device="cpu", dtype="float32")
    embedding = loaded.model.transformer.word_embeddings.weight
    assert not bool(embedding[len(small) :].any())
    without_text = {*small.all_special_ids, small.gmask_token_id, small.end_token_id}
    is_zero = ~embedding[: len(small)].any(dim=1)
    assert set(is_zero.nonzero()[:, 0].tolist()) == without_text
    name = "transformer.layers.1.mlp.dense_4h_to_h.weight"
    assert torch.equal(loaded.model.get_parameter(name), RandomWeights(config, seed=3)[name].float())


def test_one_shard_is_one_file_and_no_tokenizer_is_needed(tmp_path: Path) -> None:
    write_random_model(tmp_path / "r", tiny_config(), shards=1, dtype=torch.float32)
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["config.json", "model.safetensors"]
    assert load_model(tmp_path / "r", device="cpu", dtype="float32").name == "r"


def test_other_files_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(StorageError, match="不会覆盖"):
        write_random_model(tmp_path, tiny_config())


def test_a_model_in_memory_is_that_of_the_files(tmp_path: Path) -> None:
    config = tiny_config()
    write_random_model(tmp_path / "r", config, seed=5)
    stored = load_model(tmp_path / "r", device="cpu", dtype="float16").model.state_dict()
    made = random_model(config, device=CPU, dtype=torch.float16, seed=5)
    assert all(torch.equal(tensor, stored[name]) for name, tensor in made.state_dict().items())
    assert not made.training


def test_a_model_in_memory_can_be_quantised_and_is_refused_where_it_does_not_fit() -> None:
    made = random_model(tiny_config(), device=CPU, dtype=torch.float16, bits=4)
    assert isinstance(made.get_submodule("transformer.layers.0.mlp.dense_4h_to_h"), QuantizedLinear)
    with pytest.raises(DeviceError, match="现在可用"):
        random_model(tiny_config(), device=CPU, dtype=torch.float16, free=1000)


def test_quantised_shapes_and_too_many_pieces_are_a_programmers_error(
    small: ChatGLMTokenizer, tmp_path: Path
) -> None:
    config = tiny_config()
    with pytest.raises(ValueError, match="rows of the embedding"):
        write_random_model(tmp_path / "r", config, tokenizer=small)
    config.quantization_bit = 4
    with pytest.raises(ValueError, match="floating point"):
        RandomWeights(config)
