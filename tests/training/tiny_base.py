"""A tiny base with a vocabulary of its own, in memory and as a model folder; what is trained in the tests."""

from pathlib import Path

import torch

from xiaoan.chatglm.checkpoint import load_checkpoint, save_checkpoint
from xiaoan.training.data.pairs import Pair
from xiaoan.training.methods import Base, ResultFacts
from xiaoan.training.pretraining.base import BaseShape, build_base
from xiaoan.training.pretraining.texts import FieldText

TEXTS = [
    FieldText(
        ("雷雨天气巡视要穿绝缘靴。",), ("雷雨天气巡视要穿布鞋。",), ("雷雨天巡视穿什么鞋？",), ("绝缘靴",)
    ),
    FieldText(("钥匙至少配3把。",), ("钥匙至少配2把。",), ("钥匙至少几把？",), ("3",)),
]
SHAPE = BaseShape(
    hidden_size=32, num_layers=2, num_attention_heads=2, inner_hidden_size=64, max_sequence_length=128
)
PAIRS = (Pair("雷雨天巡视穿什么鞋?", "绝缘靴"), Pair("钥匙至少几把?", "3"), Pair("验电要戴什么?", "绝缘手套"))
FACTS = ResultFacts(("plain",), "0" * 64, {"exact": 1.0}, 1234, {"method": {}, "loop": {}})


def base_folder(folder: Path, *, seed: int = 1) -> Path:
    """A model folder with random weights, the same for the same seed."""
    model, tokenizer = build_base(TEXTS, SHAPE, folder / "vocabulary", seed=seed)
    save_checkpoint(model, tokenizer, folder / "base", dtype=torch.float16)
    return folder / "base"


def tiny_base(folder: Path, dtype: str = "float32") -> Base:
    """The model of a folder, loaded as the command line loads it."""
    loaded = load_checkpoint(folder, device="cpu", dtype=dtype)
    return Base(loaded.model, loaded.tokenizer, loaded.name, loaded.base_sha256, dtype, folder)


def logits_of(base: Base) -> torch.Tensor:
    """What the model says after each token of one pair, in evaluation mode."""
    ids = base.tokenizer.build_inputs_with_special_tokens(
        base.tokenizer.encode("钥匙至少几把?")[:-2], [9, 10]
    )
    base.model.train(False)
    with torch.inference_mode():
        logits: torch.Tensor = base.model(torch.tensor([ids]), use_cache=False).logits
    return logits.float()


def stir(parameters: dict[str, torch.nn.Parameter], std: float = 0.3) -> None:
    """Stand in for training: move every parameter at random."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=std)
