"""LoRA as a method: an adapter in float32 on a frozen base, quantised or not."""

from pathlib import Path

import pytest
import torch

from tests.training.tiny_base import FACTS, logits_of, stir, tiny_base
from xiaoan.chatglm.adapter_checkpoint import load_adapter
from xiaoan.errors import UsageError
from xiaoan.training.methods.lora import Lora


@pytest.mark.parametrize("dtype", ["bfloat16", "int8", "int4"])
def test_a_float32_adapter_alone_is_trained_and_changes_nothing_at_first(
    dtype: str, base_model: Path
) -> None:
    base = tiny_base(base_model, dtype)
    before = logits_of(base)
    parameters = Lora(rank=4).attach(base, seed=1)
    assert len(parameters) == 2 * 2
    assert {p.dtype for p in parameters.values()} == {torch.float32}
    trained = {name for name, p in base.model.named_parameters() if p.requires_grad}
    assert trained == set(parameters)
    assert torch.equal(logits_of(base), before)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_a_saved_adapter_loads_onto_its_base_and_says_the_same(
    dtype: str, base_model: Path, tmp_path: Path
) -> None:
    base = tiny_base(base_model, dtype)
    method = Lora(rank=2, targets=("query_key_value", "dense_4h_to_h"))
    stir(method.attach(base, seed=1))
    method.save(base, tmp_path, FACTS)
    other = tiny_base(base_model, dtype)
    load_adapter(other.model, tmp_path, base=other.name, base_sha256=other.sha256)
    assert torch.equal(logits_of(other), logits_of(base))
    assert not any(p.requires_grad for name, p in other.model.named_parameters() if ".lora_" in name)


def test_without_the_adapter_the_base_is_as_before(base_model: Path) -> None:
    base = tiny_base(base_model)
    before = logits_of(base)
    method = Lora(rank=2)
    stir(method.attach(base, seed=1))
    assert not torch.equal(logits_of(base), before)
    method.detach(base)
    assert torch.equal(logits_of(base), before)
    assert set(base.model.state_dict()) == set(tiny_base(base_model).model.state_dict())


def test_layers_that_do_not_exist_are_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match=r"q_proj.*query_key_value、dense"):
        Lora(targets=("q_proj",))
    with pytest.raises(UsageError, match="秩 0"):
        Lora(rank=0)
