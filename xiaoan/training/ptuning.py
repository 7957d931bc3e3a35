"""P-Tuning v2: a prefix encoder learns a bank on a frozen base (Liu et al., 2022, arXiv:2110.07602)."""

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from xiaoan import __version__
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_checkpoint import PrefixCard, save_prefix
from xiaoan.chatglm.prefix_encoder import PrefixEncoder
from xiaoan.question_bank.question import Question
from xiaoan.training.batches import IGNORED, collate, encode_pair
from xiaoan.training.loop import LoopSettings, StepReport, TrainingRun
from xiaoan.training.pairs import PLAIN_FORM, Pair, bank_pairs, with_slips

_VERSIONS_OF = ("torch", "transformers")


@dataclass(frozen=True)
class PTuningSettings:
    """How a prefix is trained.

    The published values (`pre_seq_len` 128, learning rate 2e-2, initial std 0.02) suit the 6B. On the demonstration
    base a prefix moves fast enough only with larger ones: at 0.3 it first destroys what the base knows, at 0.1 it
    learns steadily (docs/log.md).

    Attributes:
        loop: steps, batch size, learning rate, seed.
        pre_seq_len: number of prefix positions.
        prefix_projection: whether a small MLP makes the prefix.
        init_std: standard deviation of the prefix at the start.
        dropout: share of the prefix's values dropped in training.
        slip_rate: share of a stem's neutral characters dropped in a copy with slips.
        slip_copies: copies with slips beside the clean one, in every epoch.
    """

    loop: LoopSettings
    pre_seq_len: int = 128
    prefix_projection: bool = False
    init_std: float = 0.3
    dropout: float = 0.1
    slip_rate: float = 0.1
    slip_copies: int = 2


DEMO_SETTINGS = PTuningSettings(
    LoopSettings(steps=2000, batch_size=32, learning_rate=0.1, autocast="float32")
)


@dataclass(frozen=True)
class Base:
    """The frozen model that a prefix is trained on: `name` and `sha256` go into the prefix's card."""

    model: ChatGLMForConditionalGeneration
    tokenizer: PreTrainedTokenizerBase
    name: str
    sha256: str


def attach_prefix(model: ChatGLMForConditionalGeneration, settings: PTuningSettings) -> PrefixEncoder:
    """Freeze `model`, give it a fresh float32 prefix encoder that alone gets gradients, and return that."""
    model.requires_grad_(False)
    model.config.pre_seq_len = settings.pre_seq_len
    model.config.prefix_projection = settings.prefix_projection
    torch.manual_seed(settings.loop.seed)
    encoder = PrefixEncoder(model.config).to(model.device)
    nn.init.normal_(encoder.embedding.weight, std=settings.init_std)
    encoder.dropout.p = settings.dropout
    model.transformer.prefix_encoder = encoder
    return encoder


def tune_prefix(
    base: Base,
    questions: Sequence[Question],
    settings: PTuningSettings,
    *,
    run_folder: Path,
    output: Path,
    on_step: Callable[[StepReport], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Train a prefix on the bank, going on where a stopped run left off; write prefix and card when it is done.

    Returns whether it is done. `base.model` keeps the prefix.

    Raises:
        UsageError: `run_folder` belongs to another run.
        StorageError: `output` cannot be written.
    """
    pairs = bank_pairs(questions)
    encoder = attach_prefix(base.model, settings)
    run = TrainingRun(
        base.model,
        base.tokenizer,
        parameters=dict(encoder.named_parameters()),
        pairs=lambda random_source: with_slips(
            pairs, settings.slip_rate, settings.slip_copies, random_source
        ),
        settings=settings.loop,
        folder=run_folder,
    )
    run.resume()
    run.run(
        on_step,
        should_stop,
        evaluate=lambda _: {"exact": exact_share(base.model, base.tokenizer, pairs)},
        evaluate_every=100,
    )
    if run.step < settings.loop.steps:
        return False
    metrics = {"exact": exact_share(base.model, base.tokenizer, pairs), "training_s": round(run.elapsed_s, 1)}
    save_prefix(encoder, output, _card(base, pairs, settings, metrics))
    return True


def _card(
    base: Base, pairs: Sequence[Pair], settings: PTuningSettings, metrics: dict[str, float]
) -> PrefixCard:
    return PrefixCard(
        base=base.name,
        base_sha256=base.sha256,
        pre_seq_len=settings.pre_seq_len,
        prefix_projection=settings.prefix_projection,
        forms=(PLAIN_FORM,),
        data_sha256=pairs_sha256(pairs),
        metrics=metrics,
        seed=settings.loop.seed,
        library_versions={
            "xiaoan": __version__,
            **{name: importlib.metadata.version(name) for name in _VERSIONS_OF},
        },
        settings=asdict(settings),
    )


def pairs_sha256(pairs: Sequence[Pair]) -> str:
    """Return the hash of the training pairs, in their order."""
    written = json.dumps([[pair.content, pair.summary] for pair in pairs], ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


@torch.inference_mode()
def exact_share(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    batch_size: int = 64,
) -> float:
    """Return the share of pairs whose answer greedy decoding would give token for token, end included.

    Greedy decoding reproduces an answer if and only if each of its tokens is the most likely one after the right
    tokens before it, so one forward pass tells.
    """
    model.train(False)
    exact = 0
    for start in range(0, len(pairs), batch_size):
        examples = [encode_pair(tokenizer, pair) for pair in pairs[start : start + batch_size]]
        batch = collate(examples, int(tokenizer.pad_token_id))
        logits = model(batch.input_ids.to(model.device), use_cache=False).logits[:, :-1]
        labels = batch.labels[:, 1:].to(model.device)
        exact += int(((logits.argmax(-1) == labels) | (labels == IGNORED)).all(dim=1).sum())
    return exact / len(pairs) if pairs else 0.0
