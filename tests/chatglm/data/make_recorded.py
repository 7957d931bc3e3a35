"""Select from the recorded values of the published model what the tests need everywhere.

    python tests/chatglm/data/make_recorded.py GOLDEN_FOLDER

Writes `recorded.safetensors` beside this file: the weights of the tiny network once (the cases with a prefix
share them), each case's prefix, and under `<case>.<name>` values of a few prompts. Settings are its metadata.
`recorded_quantized.safetensors`, beside it too, holds two small weights in int8 and int4, all of what was recorded.
"""

import json
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

CASES = ("base", "prefix8", "prefix8_proj")
PROMPTS = ("p0_len5", "p1_len12", "p3_mask_len9", "p5_both_len11", "p7_with_answer_len20", "batch2mixed")
VALUES = ("input_ids", "attention_mask", "position_ids", "logits", "greedy_ids")
MORE = (
    "p1_len12.hidden_states",
    "p1_eos.greedy_ids",
    "batch3.input_ids",
    "batch3.attention_mask",
    "batch3.position_ids",
    "batch3_eos.greedy_ids",
    "train.input_ids",
    "train.labels",
    "train.loss",
)
META = ("optim_trace", "p1_eos", "batch3_eos", "grad_norms")


def select(golden: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata to keep."""
    tensors: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    names = {f"{prompt}.{value}" for prompt in PROMPTS for value in VALUES} | set(MORE)
    for case in CASES:
        for name, weight in load_file(golden / case / "model.safetensors").items():
            if "prefix_encoder" in name:
                tensors[f"{case}.weights.{name}"] = weight
            elif case == "base" and "inv_freq" not in name and "lm_head" not in name:
                tensors[f"weights.{name}"] = weight
        for name, value in load_file(golden / case / "fixtures.safetensors").items():
            if name in names or name.startswith(("train.grad.", "optim.final.")):
                tensors[f"{case}.{name}"] = value
        meta = json.loads((golden / case / "meta.json").read_text(encoding="utf-8"))
        metadata[f"{case}.meta"] = json.dumps({key: meta[key] for key in META if key in meta})
        metadata[f"{case}.config"] = (golden / case / "config.json").read_text(encoding="utf-8")
    return tensors, metadata


if __name__ == "__main__":
    selected, settings = select(Path(sys.argv[1]))
    save_file(selected, Path(__file__).with_name("recorded.safetensors"), metadata=settings)
    quantized = load_file(Path(sys.argv[1]) / "quant" / "fixtures.safetensors")
    save_file(quantized, Path(__file__).with_name("recorded_quantized.safetensors"))
