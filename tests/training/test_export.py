"""Results in other programs' layouts, loaded again."""

import json
from pathlib import Path

import pytest
import torch

from tests.training.tiny_base import FACTS, logits_of, stir, tiny_base
from xiaoan.chatglm.checkpoint import load_checkpoint
from xiaoan.errors import StorageError, UsageError
from xiaoan.training.export import export_original, save_merged
from xiaoan.training.methods import Base
from xiaoan.training.methods.lora import Lora
from xiaoan.training.methods.ptuning import PTuning


@pytest.mark.parametrize("projection", [False, True])
def test_the_original_layout_loads_as_a_prefix_and_says_the_same(
    projection: bool, base_model: Path, tmp_path: Path
) -> None:
    base = tiny_base(base_model)
    stir(PTuning(pre_seq_len=4, prefix_projection=projection).attach(base, seed=1))
    export_original(base, tmp_path / "checkpoint-6")
    loaded = load_checkpoint(base_model, prefix=tmp_path / "checkpoint-6", device="cpu", dtype="float32")
    assert loaded.card is None
    assert torch.equal(logits_of(Base(loaded.model, loaded.tokenizer, "", "")), logits_of(base))


def test_the_original_layout_holds_the_prefix_alone_and_the_published_settings(
    base_model: Path, tmp_path: Path
) -> None:
    base = tiny_base(base_model, "bfloat16")
    PTuning(pre_seq_len=4).attach(base, seed=1)
    export_original(base, tmp_path / "out")
    stored = torch.load(tmp_path / "out" / "pytorch_model.bin", weights_only=True)
    assert {name: tensor.dtype for name, tensor in stored.items()} == {
        "transformer.prefix_encoder.embedding.weight": torch.float32
    }
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert (config["pre_seq_len"], config["prefix_projection"], config["model_type"]) == (4, False, "chatglm")
    assert {"ice_text.model", "tokenizer_config.json"} <= {file.name for file in (tmp_path / "out").iterdir()}


def test_what_is_there_is_not_overwritten_and_a_model_without_prefix_is_refused(
    base_model: Path, tmp_path: Path
) -> None:
    base = tiny_base(base_model)
    with pytest.raises(UsageError, match="没有前缀"):
        export_original(base, tmp_path / "out")
    PTuning(pre_seq_len=4).attach(base, seed=1)
    (tmp_path / "mine.txt").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="已经有文件"):
        export_original(base, tmp_path)


def test_a_merged_model_equals_base_and_adapter_within_rounding(base_model: Path, tmp_path: Path) -> None:
    base = tiny_base(base_model)
    untouched = logits_of(base)
    method = Lora(rank=4, alpha=8, targets=("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"))
    stir(method.attach(base, seed=1), std=0.1)
    method.save(base, tmp_path / "adapter", FACTS)
    save_merged(base_model, tmp_path / "adapter", tmp_path / "merged")
    merged, together = logits_of(tiny_base(tmp_path / "merged")), logits_of(base)
    assert float((merged - together).abs().max()) < 0.01 * float((together - untouched).abs().max())
