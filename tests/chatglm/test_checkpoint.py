"""Model folders of every layout become the same model; what does not fit is named, all at once."""

import json
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from xiaoan.chatglm.checkpoint import (
    EMBEDDING_KEY,
    HEAD_KEY,
    fill,
    load_checkpoint,
    load_model,
    parameter_bytes,
    quantized_in_parts,
    save_checkpoint,
)
from xiaoan.chatglm.device import Machine
from xiaoan.chatglm.model_folder import read_config
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.quantization import (
    BLOCK_LINEARS,
    QUANTIZED_BITS,
    WITH_HEAD,
    quantize_,
    quantize_rows,
)
from xiaoan.errors import CheckpointError, DeviceError, StorageError

Weights = dict[str, Tensor]
LINEAR_ENDINGS = tuple(f".{part}.{name}.weight" for part, name in BLOCK_LINEARS)
DENSE = "transformer.layers.0.attention.dense.weight"

UNHURRIED = Machine(clock=lambda: 0.0)
"""Every product takes no time here, so that what is not quantised is float32 at every loading."""


def stored(folder: Path) -> Weights:
    return load_file(folder / "model.safetensors")


def rewrite(folder: Path, change: Callable[[Weights], None]) -> None:
    weights = stored(folder)
    change(weights)
    save_file(weights, folder / "model.safetensors")


def edit_config(folder: Path, **fields: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **fields}), encoding="utf-8")


def as_shards(folder: Path, suffix: str, count: int = 8) -> list[Path]:
    """Replace the weights by shards with an index, as published: with a second copy as head, and inv_freq."""
    weights = stored(folder)
    (folder / "model.safetensors").unlink()
    weights[HEAD_KEY] = weights[EMBEDDING_KEY].clone()
    for layer in range(2):
        weights[f"transformer.layers.{layer}.attention.rotary_emb.inv_freq"] = torch.ones(4)
    name = "pytorch_model" if suffix == "bin" else "model"
    shards = [folder / f"{name}-{i + 1:05}-of-{count:05}.{suffix}" for i in range(count)]
    weight_map: dict[str, str] = {}
    for i, shard in enumerate(shards):
        part = {key: weights[key] for key in sorted(weights)[i::count]}
        weight_map |= dict.fromkeys(part, shard.name)
        torch.save(part, shard) if suffix == "bin" else save_file(part, shard)
    index = folder / f"{name}.{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), encoding="utf-8")
    return shards


def empty_model(folder: Path) -> ChatGLMForConditionalGeneration:
    """A model of the folder's settings without memory."""
    with torch.device("meta"):
        return ChatGLMForConditionalGeneration(read_config(folder))


def parameters(model: ChatGLMForConditionalGeneration) -> Weights:
    return dict(model.named_parameters())


@pytest.mark.parametrize("folder", ["base", "prefix8", "prefix8_proj", "e2e"])
def test_recorded_folders_load_as_they_are(golden: Path, folder: str) -> None:
    loaded = load_model(golden / folder, device="cpu", dtype="float32")
    assert loaded.model.lm_head.weight is loaded.model.transformer.word_embeddings.weight
    assert not loaded.model.training
    assert not any(p.is_meta for p in loaded.model.parameters())
    assert (loaded.name, loaded.dtype_name, loaded.card) == (folder, "float32", None)


@pytest.mark.parametrize("form", ["model.safetensors", "pytorch_model.bin"])
def test_both_forms_of_the_recorded_weights_give_the_recorded_logits(
    golden: Path, tmp_path: Path, form: str
) -> None:
    for name in ("config.json", form):
        (tmp_path / name).write_bytes((golden / "base" / name).read_bytes())
    recorded = load_file(golden / "base" / "fixtures.safetensors")
    model = load_model(tmp_path, device="cpu", dtype="float32").model
    with torch.inference_mode():
        logits = model(recorded["p1_len12.input_ids"]).logits
    torch.testing.assert_close(logits, recorded["p1_len12.logits"], atol=1e-4, rtol=0)


def test_embedding_stored_in_half_precision_is_cast(golden: Path) -> None:
    loaded = load_model(golden / "e2e", device="cpu", dtype="float32")
    embedding = load_file(golden / "e2e" / "model.safetensors")[EMBEDDING_KEY]
    assert embedding.dtype == torch.float16
    assert torch.equal(loaded.model.transformer.word_embeddings.weight, embedding.float())


@pytest.mark.parametrize("suffix", ["bin", "safetensors"])
def test_eight_published_shards_give_the_same_model_as_one_file(tiny_folder: Path, suffix: str) -> None:
    one = load_checkpoint(tiny_folder, device="cpu", dtype="float32")
    as_shards(tiny_folder, suffix)
    many = load_checkpoint(tiny_folder, device="cpu", dtype="float32")
    for name, parameter in parameters(one.model).items():
        assert torch.equal(parameter, parameters(many.model)[name]), name
    assert one.base_sha256 == many.base_sha256
    assert many.tokenizer.decode(many.tokenizer.encode("工作")) == "工作"


def test_weights_are_a_copy_that_outlives_its_files(tiny_folder: Path) -> None:
    loaded = load_model(tiny_folder, device="cpu", dtype="float16")
    before = loaded.model.lm_head.weight.clone()
    size = (tiny_folder / "model.safetensors").stat().st_size
    with (tiny_folder / "model.safetensors").open("r+b") as file:
        file.write(bytes(size))
    assert torch.equal(loaded.model.lm_head.weight, before)


def test_progress_ends_with_everything_loaded(tiny_folder: Path) -> None:
    calls: list[tuple[int, int]] = []
    load_model(tiny_folder, device="cpu", dtype="float16", on_progress=lambda *call: calls.append(call))
    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert calls[-1][0] == calls[-1][1] > 0


def test_saved_model_loads_as_the_same_model_and_same_files(tiny_folder: Path, tmp_path: Path) -> None:
    loaded = load_checkpoint(tiny_folder, device="cpu", dtype="float16")
    save_checkpoint(loaded.model, loaded.tokenizer, tmp_path / "二")
    files = {path.name: path.read_bytes() for path in tiny_folder.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "二").iterdir()} == files
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_saved_files_are_readable_alike(tiny_folder: Path) -> None:
    assert len({path.stat().st_mode for path in tiny_folder.iterdir()}) == 1


def test_saving_over_other_files_is_refused(tiny_folder: Path) -> None:
    loaded = load_checkpoint(tiny_folder, device="cpu", dtype="float16")
    with pytest.raises(StorageError, match="不会覆盖"):
        save_checkpoint(loaded.model, loaded.tokenizer, tiny_folder)


def test_folder_with_remote_code_loads_with_standard_input_closed(tiny_folder: Path) -> None:
    edit_config(tiny_folder, auto_map={"AutoConfig": "configuration_chatglm.ChatGLMConfig"})
    (tiny_folder / "configuration_chatglm.py").write_text("raise SystemExit('remote code')", encoding="utf-8")
    assert not hasattr(load_checkpoint(tiny_folder, device="cpu").model.config, "auto_map")


@pytest.mark.slow
def test_library_loads_a_saved_folder_by_its_auto_classes_without_asking(tiny_folder: Path) -> None:
    code = (
        "import sys, xiaoan.chatglm.checkpoint\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        "model = AutoModelForCausalLM.from_pretrained(sys.argv[1], trust_remote_code=False)\n"
        "tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], trust_remote_code=False)\n"
        "print(type(model).__name__, type(tokenizer).__name__)"
    )
    edit_config(tiny_folder, auto_map={"AutoModel": "modeling_chatglm.ChatGLMForConditionalGeneration"})
    command = [sys.executable, "-c", code, str(tiny_folder)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["ChatGLMForConditionalGeneration", "ChatGLMTokenizer"], done.stderr


def test_all_keys_that_do_not_fit_are_listed_at_once(tiny_folder: Path) -> None:
    def spoil(weights: Weights) -> None:
        weights["transformer.layers.9.mlp.extra"] = torch.ones(1)
        del (
            weights["transformer.final_layernorm.bias"],
            weights["transformer.layers.1.mlp.dense_h_to_4h.bias"],
        )
        weights[DENSE] = torch.ones(16, 32)

    rewrite(tiny_folder, spoil)
    with pytest.raises(CheckpointError) as caught:
        load_model(tiny_folder, device="cpu")
    message = caught.value.message
    assert "缺少 2 个" in message
    assert "transformer.final_layernorm.bias" in message
    assert "transformer.layers.1.mlp.dense_h_to_4h.bias" in message
    assert "多出 1 个：\n  transformer.layers.9.mlp.extra" in message
    assert f"形状不对 1 个：\n  {DENSE}：文件里是 [16, 32]，config.json 需要 [32, 32]" in message


def test_many_missing_keys_still_fit_on_one_screen(tiny_folder: Path) -> None:
    first = dict(list(stored(tiny_folder).items())[:1])
    save_file(first, tiny_folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="缺少 26 个") as caught:
        load_model(tiny_folder, device="cpu")
    assert "还有 14 个" in caught.value.message
    assert len(caught.value.message.splitlines()) <= 20


def test_head_that_differs_from_the_embedding_is_an_error(tiny_folder: Path) -> None:
    rewrite(tiny_folder, lambda weights: weights.update({HEAD_KEY: weights[EMBEDDING_KEY] + 1}))
    with pytest.raises(CheckpointError, match="应当相同"):
        load_model(tiny_folder, device="cpu")


def test_head_is_needed_where_it_is_not_tied(tiny_folder: Path) -> None:
    edit_config(tiny_folder, tie_word_embeddings=False)
    with pytest.raises(CheckpointError, match="lm_head"):
        load_model(tiny_folder, device="cpu")
    rewrite(tiny_folder, lambda weights: weights.update({HEAD_KEY: weights[EMBEDDING_KEY] + 1}))
    model = load_model(tiny_folder, device="cpu", dtype="float32").model
    assert not torch.equal(model.lm_head.weight, model.transformer.word_embeddings.weight)


def quantize_files(folder: Path, bits: int) -> None:
    """Make the folder one of the published pre-quantised kind: int8 numbers, scales, and the bits in its settings."""

    def quantize(weights: Weights) -> None:
        for key in [key for key in weights if key.endswith(LINEAR_ENDINGS)]:
            weights[key], weights[key + "_scale"] = quantize_rows(weights[key], bits)

    rewrite(folder, quantize)
    edit_config(folder, quantization_bit=bits, quantization_embeddings=False)


@pytest.mark.parametrize(("precision", "bits"), QUANTIZED_BITS.items())
def test_weights_quantised_at_loading_are_those_of_a_quantised_model(
    tiny_folder: Path, precision: str, bits: int
) -> None:
    floating = load_model(tiny_folder, device="cpu", dtype="float16")
    loaded = load_model(tiny_folder, device="cpu", dtype=precision, machine=UNHURRIED)
    quantize_(floating.model, bits, head=precision.endswith(WITH_HEAD))
    for name, parameter in parameters(floating.model).items():
        assert torch.equal(parameters(loaded.model)[name].to(parameter.dtype), parameter), name
    assert (loaded.dtype_name, loaded.stored_bits) == (precision, 0)
    assert loaded.dtype in (torch.float16, torch.bfloat16, torch.float32)
    assert loaded.base_sha256 == floating.base_sha256


@pytest.mark.parametrize(("precision", "bits"), [("int8", 8), ("int4", 4)])
def test_published_quantised_shards_load_as_they_are(tiny_folder: Path, precision: str, bits: int) -> None:
    at_loading = load_model(tiny_folder, device="cpu", dtype=precision, machine=UNHURRIED)
    quantize_files(tiny_folder, bits)
    as_shards(tiny_folder, "bin")
    for dtype in ("auto", precision):
        loaded = load_model(tiny_folder, device="cpu", dtype=dtype, machine=UNHURRIED)
        assert (loaded.dtype_name, loaded.stored_bits) == (precision, bits)
        for name, parameter in parameters(at_loading.model).items():
            assert torch.equal(parameters(loaded.model)[name].to(parameter.dtype), parameter), name
        assert loaded.base_sha256 != at_loading.base_sha256


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8"])
def test_a_precision_that_stored_bits_contradict_is_refused(tiny_folder: Path, dtype: str) -> None:
    quantize_files(tiny_folder, 4)
    with pytest.raises(CheckpointError, match=f"已经量化成 int4，变不回 {dtype}") as caught:
        load_model(tiny_folder, device="cpu", dtype=dtype)
    assert "去掉 --dtype" in caught.value.message


@pytest.mark.parametrize("bits", [8, 4])
def test_the_head_of_a_quantised_base_can_be_quantised_too_and_not_back(
    tiny_folder: Path, tmp_path: Path, bits: int
) -> None:
    quantize_files(tiny_folder, bits)
    loaded = load_checkpoint(tiny_folder, device="cpu", dtype=f"int{bits}+head")
    assert loaded.dtype_name == f"int{bits}+head"
    embedding = parameters(loaded.model)["transformer.word_embeddings.weight"]
    numbers, scale = quantize_rows(embedding.half(), bits)  # as it is stored
    assert torch.equal(parameters(loaded.model)["lm_head.weight"], numbers)
    assert torch.equal(parameters(loaded.model)["lm_head.weight_scale"], scale)
    save_checkpoint(loaded.model, loaded.tokenizer, tmp_path / "q")
    with pytest.raises(CheckpointError, match=f"变不回 int{bits}"):
        load_model(tmp_path / "q", device="cpu", dtype=f"int{bits}")


@pytest.mark.parametrize(("precision", "bits"), QUANTIZED_BITS.items())
def test_a_saved_quantised_model_loads_as_the_same_numbers_and_same_files(
    tiny_folder: Path, tmp_path: Path, precision: str, bits: int
) -> None:
    loaded = load_checkpoint(tiny_folder, device="cpu", dtype=precision)
    save_checkpoint(loaded.model, loaded.tokenizer, tmp_path / "q")
    again = load_checkpoint(tmp_path / "q", device="cpu")
    assert (again.dtype_name, again.stored_bits) == (precision, bits)
    for name, parameter in parameters(loaded.model).items():
        assert torch.equal(parameters(again.model)[name].to(parameter.dtype), parameter), name
    save_checkpoint(again.model, again.tokenizer, tmp_path / "q2")
    for path in (tmp_path / "q").iterdir():
        assert (tmp_path / "q2" / path.name).read_bytes() == path.read_bytes()
    if precision.endswith(WITH_HEAD):  # no published layout to compare with
        return
    quantize_files(tiny_folder, bits)
    kinds = {name: (tensor.dtype, tensor.shape) for name, tensor in stored(tiny_folder).items()}
    assert {name: (tensor.dtype, tensor.shape) for name, tensor in stored(tmp_path / "q").items()} == kinds


def test_never_more_than_one_weight_is_in_memory_twice(tiny_folder: Path) -> None:
    files = stored(tiny_folder)
    model = empty_model(tiny_folder)
    quantize_(model, 8)
    alive: list[weakref.ref[Tensor]] = []

    class Mapped(dict[str, Tensor]):
        def __getitem__(self, name: str) -> Tensor:
            assert [ref for ref in alive if ref() is not None] == []
            tensor = files[name].clone()
            alive.append(weakref.ref(tensor))
            return tensor

    fill(model, Mapped(), torch.device("cpu"), torch.float16)
    assert len(alive) == len(files)


def test_each_stored_weight_is_given_back_once_it_is_copied(tiny_folder: Path) -> None:
    files = stored(tiny_folder)
    model = empty_model(tiny_folder)
    given: list[int] = []
    fill(
        model,
        files,
        torch.device("cpu"),
        torch.float16,
        give_back=lambda tensor: given.append(tensor.data_ptr()),
    )
    assert sorted(given) == sorted(tensor.data_ptr() for tensor in files.values())


@pytest.mark.parametrize("bits", [8, 4])
def test_quantising_some_rows_at_a_time_gives_the_same_numbers(bits: int) -> None:
    weight = torch.randn(37, 32, generator=torch.Generator().manual_seed(1)).half()
    for part, whole in zip(
        quantized_in_parts(weight, bits, at_once=100), quantize_rows(weight, bits), strict=True
    ):
        assert torch.equal(part, whole)


def test_bfloat16_of_float16_is_rounded_once(tiny_folder: Path) -> None:
    every = torch.arange(-(2**15), 2**15, 5, dtype=torch.int32).to(torch.int16).view(torch.float16)
    changed = stored(tiny_folder)[EMBEDDING_KEY].clone()
    values = every[every.isfinite()][: changed.numel()]
    changed.view(-1)[: len(values)] = values
    rewrite(tiny_folder, lambda weights: weights.update({EMBEDDING_KEY: changed}))
    loaded = load_model(tiny_folder, device="cpu", dtype="bfloat16")
    assert torch.equal(loaded.model.transformer.word_embeddings.weight, changed.bfloat16())


@pytest.mark.parametrize(("precision", "bits"), QUANTIZED_BITS.items())
def test_the_estimate_of_memory_counts_stored_bits(tiny_folder: Path, precision: str, bits: int) -> None:
    calls: list[tuple[int, int]] = []
    loaded = load_model(
        tiny_folder, device="cpu", dtype=precision, on_progress=lambda *call: calls.append(call)
    )
    held = sum(parameter.nbytes for parameter in loaded.model.parameters())
    assert calls[-1] == (held, held)
    model = empty_model(tiny_folder)
    quantize_(model, bits, head=precision.endswith(WITH_HEAD))
    assert parameter_bytes(model, loaded.dtype) == held
    assert held < parameter_bytes(empty_model(tiny_folder), loaded.dtype)


def test_bits_in_weights_and_settings_that_contradict_each_other_are_told(tiny_folder: Path) -> None:
    edit_config(tiny_folder, quantization_bit=8)
    with pytest.raises(CheckpointError, match="quantization_bit 改为 0"):
        load_model(tiny_folder, device="cpu")
    edit_config(tiny_folder, quantization_bit=0)
    quantize_files(tiny_folder, 8)
    edit_config(tiny_folder, quantization_bit=0)
    with pytest.raises(CheckpointError, match="没有写 quantization_bit") as caught:
        load_model(tiny_folder, device="cpu")
    assert "数的类型不对 8 个" in caught.value.message
    assert f"{DENSE}：int8" in caught.value.message
    edit_config(tiny_folder, quantization_bit=4)
    with pytest.raises(CheckpointError, match="形状不对 8 个"):
        load_model(tiny_folder, device="cpu")


def test_a_weight_that_is_not_finite_is_not_quantised(tiny_folder: Path) -> None:
    rewrite(tiny_folder, lambda weights: weights.update({DENSE: torch.full((32, 32), float("inf"))}))
    with pytest.raises(CheckpointError, match="无穷大"):
        load_model(tiny_folder, device="cpu", dtype="int8")


def test_prefix_promised_by_the_config_but_not_stored_is_asked_for(tiny_folder: Path) -> None:
    edit_config(tiny_folder, pre_seq_len=4)
    with pytest.raises(CheckpointError, match="--prefix"):
        load_model(tiny_folder, device="cpu")


def test_config_of_another_size_is_refused_with_both_shapes(tiny_folder: Path) -> None:
    edit_config(tiny_folder, inner_hidden_size=96)
    with pytest.raises(CheckpointError, match=r"文件里是 \[64, 32\]，config.json 需要 \[96, 32\]"):
        load_model(tiny_folder, device="cpu")


def test_too_little_memory_is_refused_before_loading(tiny_folder: Path) -> None:
    machine = Machine(available_memory=lambda _: 50_000)
    calls: list[int] = []
    with pytest.raises(DeviceError, match=r"(?s)内存不够.*float32.*--dtype float16") as caught:
        load_model(
            tiny_folder, dtype="float32", machine=machine, on_progress=lambda done, _: calls.append(done)
        )
    assert calls == []
    assert "现在可用 0.00 GiB" in caught.value.message


def test_model_that_only_fits_in_half_precision_gets_it(tiny_folder: Path) -> None:
    weights = sum(parameter.numel() for parameter in load_model(tiny_folder).model.parameters())
    machine = Machine(available_memory=lambda _: weights * 3)
    assert load_model(tiny_folder, machine=machine).dtype in (torch.float16, torch.bfloat16)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gpu_holds_the_model_in_half_precision_and_answers_like_the_cpu(tiny_folder: Path) -> None:
    loaded = load_checkpoint(tiny_folder)
    assert (loaded.device.type, loaded.dtype) == ("cuda", torch.float16)
    assert {parameter.device.type for parameter in loaded.model.parameters()} == {"cuda"}
    encoding = loaded.tokenizer("工作", return_tensors="pt")
    cpu = load_checkpoint(tiny_folder, device="cpu", dtype="float32")
    with torch.inference_mode():
        logits = loaded.model(**encoding.to("cuda")).logits.float().cpu()
        torch.testing.assert_close(logits, cpu.model(**encoding.to("cpu")).logits, atol=0.05, rtol=0)


def test_tokenizer_of_other_weights_is_refused(tiny_folder: Path) -> None:
    edit_config(tiny_folder, bos_token_id=77, vocab_size=100)
    with pytest.raises(CheckpointError, match="不配套") as caught:
        load_checkpoint(tiny_folder, device="cpu")
    assert "bos_token_id：config.json 是 77" in caught.value.message
    assert "模型只有 100 个" in caught.value.message


def test_hub_id_is_the_name_of_what_was_fetched(tiny_folder: Path) -> None:
    loaded = load_checkpoint("THUDM/chatglm-6b", device="cpu", fetch=lambda _: str(tiny_folder))
    assert loaded.name == "THUDM/chatglm-6b"
    assert load_checkpoint(tiny_folder, device="cpu").name == "tiny"
