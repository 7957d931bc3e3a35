"""Full fine-tuning as a method: float32 master weights, one tied head, a model folder."""

from pathlib import Path

import pytest
import torch

from tests.training.tiny_base import FACTS, logits_of, stir, tiny_base
from xiaoan.errors import StorageError, UsageError
from xiaoan.training.methods.full import Full


def test_every_weight_is_trained_in_float32_and_the_tied_head_counts_once(base_model: Path) -> None:
    base = tiny_base(base_model, "bfloat16")
    parameters = Full().attach(base, seed=1)
    assert {p.dtype for p in parameters.values()} == {torch.float32}
    assert "lm_head.weight" not in parameters
    assert base.model.lm_head.weight is base.model.transformer.word_embeddings.weight
    assert all(p.requires_grad for p in base.model.parameters())


def test_what_is_saved_loads_as_a_model_and_says_what_was_measured(base_model: Path, tmp_path: Path) -> None:
    base = tiny_base(base_model)
    method = Full()
    stir(method.attach(base, seed=1), std=0.05)
    method.settle(base)
    (tmp_path / "metrics.jsonl").write_text("{}\n", encoding="utf-8")
    method.save(base, tmp_path, FACTS)
    again = tiny_base(tmp_path)
    assert torch.equal(logits_of(again), logits_of(base))
    assert again.model.lm_head.weight is again.model.transformer.word_embeddings.weight
    assert (tmp_path / "metrics.jsonl").exists()
    assert not list(tmp_path.glob(".xiaoan-*"))


def test_the_bases_own_folder_is_never_written(base_model: Path) -> None:
    base = tiny_base(base_model)
    before = {file.name: file.read_bytes() for file in base_model.iterdir()}
    with pytest.raises(StorageError, match="底座自己的文件夹"):
        Full().save(base, base_model, FACTS)
    assert {file.name: file.read_bytes() for file in base_model.iterdir()} == before


def test_a_quantised_base_is_refused_with_what_to_do(base_model: Path) -> None:
    with pytest.raises(UsageError, match=r"int8.*train lora"):
        Full().attach(tiny_base(base_model, "int8"), seed=1)
