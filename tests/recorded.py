"""Values recorded from the published model on tiny random weights: a part is committed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration

RECORDED_FILE = Path(__file__).parent / "chatglm" / "data" / "recorded.safetensors"
QUANTIZED_FILE = RECORDED_FILE.with_name("recorded_quantized.safetensors")
"""`<weight>.weight`, and under `<weight>.int8.` and `<weight>.int4.` what the published code made of it."""
CASES = ("base", "prefix8", "prefix8_proj")


@dataclass(frozen=True)
class Recorded:
    """One case: a configuration, weights, and values under `<prompt>.<what>`."""

    case: str
    settings: dict[str, Any]
    meta: dict[str, Any]
    weights: dict[str, Tensor]
    values: dict[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        """The value called `name`; the test is skipped where it is not at hand."""
        if name not in self.values:
            pytest.skip(f"{self.case} {name} is not committed, and there is no folder of recorded values")
        return self.values[name]

    def model(
        self, attention: str = "eager", dtype: torch.dtype = torch.float32
    ) -> ChatGLMForConditionalGeneration:
        """A model with these weights, in evaluation mode."""
        config = ChatGLMConfig(**self.settings)
        config._attn_implementation = attention
        model = ChatGLMForConditionalGeneration(config)
        missing, unexpected = model.load_state_dict(self.weights, strict=False)
        assert missing == ["lm_head.weight"]
        assert not unexpected
        model.tie_weights()
        torch.nn.Module.to(model, dtype)
        model.train(False)
        return model


def load_recorded(case: str, golden: Path | None) -> Recorded:
    """Read a case from the committed file, and its other values from the folder `golden` if there is one."""
    with safe_open(RECORDED_FILE, "pt") as file:
        settings, meta = (json.loads(file.metadata()[f"{case}.{part}"]) for part in ("config", "meta"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    weights, values = {}, {}
    for name, tensor in tensors.items():
        owner, _, rest = name.partition(".")
        if owner == "weights":
            weights[rest] = tensor
        elif owner == case and rest.startswith("weights."):
            weights[rest.removeprefix("weights.")] = tensor
        elif owner == case:
            values[rest] = tensor
    if golden is not None:
        with safe_open(golden / case / "fixtures.safetensors", "pt") as file:
            values.update({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        meta = json.loads((golden / case / "meta.json").read_text(encoding="utf-8"))
    return Recorded(case, settings, meta, weights, values)
