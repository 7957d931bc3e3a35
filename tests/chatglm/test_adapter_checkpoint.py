"""LoRA adapters in PEFT's layout: ours in PEFT, PEFT's in ours, and what does not fit."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny_models import prompt, tiny_config, tiny_model
from xiaoan.chatglm.adapter_checkpoint import (
    adapter_parameters,
    has_adapter,
    load_adapter,
    merge_adapter,
    new_adapter,
    read_adapter,
    remove_adapter,
    save_adapter,
)
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.products.int8_planes import int8_fault
from xiaoan.chatglm.products.packed_linear import pack_
from xiaoan.chatglm.quantization import precision_name, quantize_
from xiaoan.errors import CheckpointError

IDS = prompt(9)


def saved_adapter(folder: Path, **changes: Any) -> ChatGLMForConditionalGeneration:
    """A model with an adapter that changes it, written to `folder`."""
    model = tiny_model(dtype=torch.float32)
    settings = {"rank": 2, "alpha": 4, "dropout": 0.0, "targets": ["query_key_value"], **changes}
    parameters = new_adapter(model, base="THUDM/chatglm-6b", seed=1, **settings)
    with torch.no_grad():
        for number, parameter in enumerate(parameters.values()):
            torch.nn.init.normal_(parameter, 0.0, 0.3, torch.Generator().manual_seed(number))
    save_adapter(model.train(False), folder)
    return model


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def test_keys_are_those_that_peft_gives_to_thudms_model(tmp_path: Path) -> None:
    saved_adapter(tmp_path)
    stored = load_file(tmp_path / "adapter_model.safetensors")
    assert sorted(stored) == [
        f"base_model.model.transformer.layers.{layer}.attention.query_key_value.lora_{half}.weight"
        for layer in range(2)
        for half in "AB"
    ]
    config = json.loads((tmp_path / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["peft_type"], config["r"], config["lora_alpha"]) == ("LORA", 2, 4)
    assert (config["target_modules"], config["task_type"]) == (["query_key_value"], "CAUSAL_LM")


def test_peft_itself_loads_our_adapter(tmp_path: Path) -> None:
    from peft import PeftModel

    model = saved_adapter(tmp_path)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # peft asks transformers by an old name
        theirs = PeftModel.from_pretrained(tiny_model(dtype=torch.float32), tmp_path).eval()
    assert torch.equal(theirs(input_ids=IDS).logits, model(IDS).logits)


def test_an_adapter_that_peft_wrote_loads_here(tmp_path: Path) -> None:
    from peft import LoraConfig, PeftModel, get_peft_model

    config = LoraConfig(
        r=2, target_modules=["query_key_value"], init_lora_weights=False, task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        theirs = get_peft_model(tiny_model(dtype=torch.float32), config)
        assert isinstance(theirs, PeftModel)
        theirs.save_pretrained(str(tmp_path), save_embedding_layers=False)
    model = tiny_model(dtype=torch.float32)
    adapter = load_adapter(model, tmp_path, base="tiny", base_sha256="0")
    assert adapter.card is None
    assert torch.equal(model(IDS).logits, theirs.eval()(input_ids=IDS).logits)


def test_an_old_adapter_in_a_bin_file_with_fields_unknown_today_loads(tmp_path: Path) -> None:
    model = saved_adapter(tmp_path)
    stored = load_file(tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_model.safetensors").unlink()
    torch.save({key: tensor.half() for key, tensor in stored.items()}, tmp_path / "adapter_model.bin")
    edit_config(tmp_path, enable_lora=None, merge_weights=False)
    other = tiny_model(dtype=torch.float32)
    load_adapter(other, tmp_path, base="tiny", base_sha256="0")
    assert {p.dtype for p in adapter_parameters(other).values()} == {torch.float32}
    torch.testing.assert_close(other(IDS).logits, model(IDS).logits, atol=0.05, rtol=0.01)


def test_merging_changes_nothing_but_rounding_and_leaves_a_plain_model(tmp_path: Path) -> None:
    model = saved_adapter(tmp_path, targets=["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"])
    before = model(IDS).logits
    merge_adapter(model)
    torch.testing.assert_close(model(IDS).logits, before, atol=1e-4, rtol=1e-4)
    assert not has_adapter(model)
    assert set(model.state_dict()) == set(tiny_model().state_dict())


def test_a_quantised_model_takes_an_adapter_but_no_merging(tmp_path: Path) -> None:
    saved_adapter(tmp_path)
    model = tiny_model(dtype=torch.bfloat16)
    quantize_(model, 8)
    before = model(IDS).logits
    load_adapter(model, tmp_path, base="tiny", base_sha256="0")
    assert not torch.equal(model(IDS).logits, before)
    with pytest.raises(CheckpointError, match="不能和适配器合并"):
        merge_adapter(model)
    remove_adapter(model)
    assert torch.equal(model(IDS).logits, before)


@pytest.mark.skipif(bool(int8_fault()), reason=f"no integer product here: {int8_fault()}")
def test_an_adapter_on_a_quantised_model_stays_when_that_is_packed(tmp_path: Path) -> None:
    saved_adapter(tmp_path)
    model = tiny_model(dtype=torch.float32)
    quantize_(model, 8)
    load_adapter(model, tmp_path, base="tiny", base_sha256="0")
    before = model(IDS).logits
    assert pack_(model) == ()
    assert precision_name(model) == "int8"
    torch.testing.assert_close(model(IDS).logits, before, atol=1e-3, rtol=1e-3)


def test_an_adapter_of_another_base_is_refused_and_both_are_named(tmp_path: Path) -> None:
    saved_adapter(tmp_path)
    card = {"base": "chatglm-6b", "base_sha256": "1" * 64, "forms": ["plain"], "method": "lora"}
    (tmp_path / "run.json").write_text(json.dumps(card), encoding="utf-8")
    model = tiny_model(dtype=torch.float32)
    with pytest.raises(CheckpointError, match=r"chatglm-6b（1{20}…）\n.*tiny（0{20}…）"):
        load_adapter(model, tmp_path, base="tiny", base_sha256="0" * 64)
    assert not has_adapter(model)
    assert load_adapter(model, tmp_path, base="tiny", base_sha256="1" * 64).card is not None


def test_shapes_that_do_not_fit_are_listed_and_the_model_stays_plain(tmp_path: Path) -> None:
    saved_adapter(tmp_path)
    config = tiny_config()
    config.hidden_size, config.num_layers = 64, 3
    model = tiny_model(config, dtype=torch.float32)
    with pytest.raises(CheckpointError) as caught:
        load_adapter(model, tmp_path, base="wide", base_sha256="0")
    assert "缺少 2 个" in caught.value.message
    assert "适配器是 [2, 32]，底座需要 [2, 64]" in caught.value.message
    assert set(model.state_dict()) == set(tiny_model(config).state_dict())


def test_layers_of_another_kind_of_model_are_refused_with_ours(tmp_path: Path) -> None:
    saved_adapter(tmp_path)
    edit_config(tmp_path, target_modules=["q_proj", "v_proj"])
    with pytest.raises(CheckpointError, match=r"q_proj(?s:.*)query_key_value、dense"):
        load_adapter(tiny_model(), tmp_path, base="tiny", base_sha256="0")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "小安只认 LORA"),
        ({"enable_lora": [True, False, True]}, "PEFT 0.2 及更早"),
        ({"modules_to_save": ["lm_head"]}, "整层训练"),
        ({"r": 0}, "应当是正整数"),
    ],
)
def test_kinds_of_adapter_that_are_not_plain_lora_are_refused(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    saved_adapter(tmp_path)
    edit_config(tmp_path, **changes)
    with pytest.raises(CheckpointError, match=words):
        read_adapter(tmp_path)


def test_folders_that_hold_no_adapter_say_what_to_use_instead(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="找不到这个文件夹"):
        read_adapter(tmp_path / "missing")
    with pytest.raises(CheckpointError, match="前缀请用 --prefix"):
        read_adapter(tmp_path)
    saved_adapter(tmp_path)
    save_file({}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(CheckpointError, match="缺少 4 个"):
        load_adapter(tiny_model(), tmp_path, base="tiny", base_sha256="0")
    (tmp_path / "adapter_model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"没有 adapter_model\.safetensors"):
        read_adapter(tmp_path)
