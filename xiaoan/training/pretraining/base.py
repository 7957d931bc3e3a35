"""Pre-training of a small base from field texts: vocabulary, weights, and the card that says what it is."""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from xiaoan.chatglm.checkpoint import load_checkpoint, save_checkpoint
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.tokenization_chatglm import VOCAB_FILE_NAME, ChatGLMTokenizer
from xiaoan.question_bank.normalization import normalize_stem
from xiaoan.training.data.bank_forms import PLAIN
from xiaoan.training.data.pairs import Pair
from xiaoan.training.pretraining.drills import drill_pairs
from xiaoan.training.pretraining.texts import FieldText, pretraining_pairs
from xiaoan.training.pretraining.vocabulary import common_characters, train_vocabulary
from xiaoan.training.running.loop import LoopSettings, SilentListener, StepReport, TrainingRun


@dataclass(frozen=True)
class BaseShape:
    """Size of the base; the rest of its architecture is ChatGLM-6B's."""

    hidden_size: int = 256
    num_layers: int = 6
    num_attention_heads: int = 8
    inner_hidden_size: int = 1024
    max_sequence_length: int = 2048


BASE_SETTINGS = LoopSettings(
    steps=3600,
    batch_size=64,
    learning_rate=3e-3,
    warmup_steps=100,
    weight_decay=0.01,
    max_source_length=512,
    max_target_length=256,
)


class _Steps(SilentListener):
    """Hands on the steps alone."""

    def __init__(self, on_step: Callable[[StepReport], None]) -> None:
        self._on_step = on_step

    def on_step(self, report: StepReport) -> None:
        """Hand it on."""
        self._on_step(report)


def build_base(
    texts: Sequence[FieldText], shape: BaseShape, folder: Path, *, seed: int
) -> tuple[ChatGLMForConditionalGeneration, ChatGLMTokenizer]:
    """Return an untrained float32 base with a vocabulary made from `texts`; the vocabulary is written to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    vocab_file = folder / VOCAB_FILE_NAME
    vocab_file.write_bytes(train_vocabulary(sentence for text in texts for sentence in text.sentences()))
    tokenizer = ChatGLMTokenizer(str(vocab_file))
    config = ChatGLMConfig(
        **asdict(shape),
        vocab_size=-(-tokenizer.vocab_size // 8) * 8,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        mask_token_id=tokenizer.mask_token_id,
        gmask_token_id=tokenizer.gmask_token_id,
    )
    config._attn_implementation = "sdpa"
    torch.manual_seed(seed)
    return ChatGLMForConditionalGeneration(config), tokenizer


DRILL_SHARE = 0.4
"""How much of the pairs are drills unless told otherwise."""


@torch.no_grad()
def refresh_unread(
    model: ChatGLMForConditionalGeneration,
    tokenizer: ChatGLMTokenizer,
    texts: Sequence[FieldText],
    *,
    seed: int,
) -> int:
    """Give the characters that `texts` never show new embeddings, spread like those of the others; return how many.

    Weight decay and the head, which is tied, have pressed them into one point: what was never a target is never
    likely. From there they would take long to come apart.
    """
    read = {token for text in texts for line in text.sentences() for token in tokenizer.encode(line)}
    characters = set(tokenizer.encode(common_characters(), add_special_tokens=False))
    unread = sorted(characters - read)
    weight = model.transformer.word_embeddings.weight
    known = weight[sorted(characters & read)]
    noise = torch.randn(len(unread), weight.shape[1], generator=torch.Generator().manual_seed(seed))
    weight[unread] = known.mean(dim=0) + noise * known.std(dim=0)
    return len(unread)


def epoch_pairs(texts: Sequence[FieldText], drill_share: float, random_source: random.Random) -> list[Pair]:
    """Return the pairs of one epoch: one pass over the texts, and drills that make up `drill_share` of all."""
    pairs = pretraining_pairs(texts, random_source)
    sentences = [normalize_stem(statement) for text in texts for statement in text.statements]
    count = round(len(pairs) * drill_share / (1 - drill_share))
    return [*pairs, *drill_pairs(sentences, count, random_source)]


def pretrain_base(
    texts: Sequence[FieldText],
    *,
    shape: BaseShape,
    settings: LoopSettings,
    run_folder: Path,
    output: Path,
    start: Path | None = None,
    drill_share: float = DRILL_SHARE,
    on_step: Callable[[StepReport], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Train a base in `run_folder`, going on where a stopped run left off; write it to `output` when it is done.

    `start` is a base to train further instead of random weights of `shape`; `drill_share`, from 0 to below 1, is the
    share of drills (see drills.py). Returns whether it is done; false when `should_stop` ended it.

    Raises:
        UsageError: `run_folder` belongs to another run.
        CheckpointError: `start` cannot be loaded.
        StorageError: `output` is not empty or cannot be written.
    """
    origin: dict[str, object] = {"shape": asdict(shape)}
    if start is None:
        model, tokenizer = build_base(texts, shape, run_folder, seed=settings.seed)
    else:
        loaded = load_checkpoint(start, device="cpu", dtype="float32")
        model, tokenizer = loaded.model, loaded.tokenizer
        refreshed = refresh_unread(model, tokenizer, texts, seed=settings.seed)
        origin = {
            "start": loaded.model_card,
            "start_sha256": loaded.base_sha256,
            "refreshed_characters": refreshed,
        }
    run = TrainingRun(
        model,
        tokenizer,
        parameters=dict(model.named_parameters()),
        pairs=lambda random_source: epoch_pairs(texts, drill_share, random_source),
        settings=settings,
        folder=run_folder,
        identity={"drill_share": drill_share, "start": str(origin.get("start_sha256", ""))},
        listener=_Steps(on_step),
    )
    run.resume()
    run.run(should_stop)
    if run.step < settings.steps:
        return False
    card = {
        "demonstration": True,
        "forms": [PLAIN],
        "texts_sha256": texts_sha256(texts),
        "records": len(texts),
        "parameters": sum(p.numel() for p in model.parameters()),
        **origin,
        "drill_share": drill_share,
        "settings": asdict(settings),
        "training_s": round(run.elapsed_s, 1),
    }
    save_checkpoint(model, tokenizer, output, card=card)
    return True


def texts_sha256(texts: Sequence[FieldText]) -> str:
    """Return the hash of the texts as read."""
    written = json.dumps([asdict(text) for text in texts], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()
