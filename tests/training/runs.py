"""What the tests of training runs share: a small base, a few pairs, and a run over them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import torch
from torch import nn

from tests.tiny_models import tiny_config, tiny_model
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_encoder import PrefixEncoder
from xiaoan.chatglm.tokenization_chatglm import VOCAB_FILE_NAME, ChatGLMTokenizer
from xiaoan.training.data.pairs import Pair
from xiaoan.training.pretraining.vocabulary import train_vocabulary
from xiaoan.training.running.devices import Devices
from xiaoan.training.running.guards import GuardSettings
from xiaoan.training.running.loop import LoopSettings, TrainingListener, TrainingRun
from xiaoan.training.running.run_folder import RunFolder

PAIRS = (
    Pair("雷雨天气巡视应穿___", "绝缘靴"),
    Pair("高压室的钥匙至少应有___把", "3"),
    Pair("验电前先在___设备上试验", "有电"),
    Pair("接地线先接___端", "接地"),
    Pair("工作票应由___签发", "工作票签发人"),
    Pair("梯子与地面的夹角约为___度", "60"),
    Pair("电气设备着火先___", "切断电源"),
)
LOOP = LoopSettings(
    steps=8,
    batch_size=3,
    learning_rate=0.05,
    gradient_accumulation_steps=2,
    autocast="float32",
    save_every=3,
    gradient_checkpointing="off",
)


def tokenizer_in(folder: Path) -> ChatGLMTokenizer:
    """A tokenizer of the pairs' own characters."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / VOCAB_FILE_NAME
    file.write_bytes(train_vocabulary(text for pair in PAIRS for text in (pair.content, pair.summary)))
    return ChatGLMTokenizer(str(file))


def shuffled_pairs(random_source: Random) -> Sequence[Pair]:
    """The pairs of an epoch; one of them differs from epoch to epoch."""
    return [*PAIRS, replace(PAIRS[0], summary=random_source.choice(["绝缘靴", "绝缘 靴"]))]


def model_with_prefix(
    tokenizer: ChatGLMTokenizer, *, dropout: float = 0.1
) -> tuple[ChatGLMForConditionalGeneration, dict[str, nn.Parameter]]:
    """A frozen float32 model with a fresh prefix of 4, and the prefix's parameters."""
    model = tiny_model(tiny_config(tokenizer=tokenizer, attention="sdpa"), dtype=torch.float32)
    model.requires_grad_(False)
    model.config.pre_seq_len = 4
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        encoder = PrefixEncoder(model.config)
    encoder.dropout.p = dropout
    model.transformer.prefix_encoder = encoder
    return model, dict(encoder.named_parameters())


def whole_model(
    tokenizer: ChatGLMTokenizer,
) -> tuple[ChatGLMForConditionalGeneration, dict[str, nn.Parameter]]:
    """A float32 model all of whose parameters are trained."""
    model = tiny_model(tiny_config(tokenizer=tokenizer, attention="sdpa"), dtype=torch.float32)
    return model, dict(model.named_parameters())


def prefix_run(
    folder: Path | RunFolder,
    tokenizer: ChatGLMTokenizer,
    settings: LoopSettings = LOOP,
    *,
    listener: TrainingListener | None = None,
    guard: GuardSettings | None = None,
    devices: Devices | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> TrainingRun:
    """A run that trains a prefix on the pairs."""
    model, parameters = model_with_prefix(tokenizer)
    return TrainingRun(
        model,
        tokenizer,
        parameters=parameters,
        pairs=shuffled_pairs,
        settings=settings,
        folder=folder,
        devices=devices,
        listener=listener,
        guard=guard,
        clock=clock,
    )
