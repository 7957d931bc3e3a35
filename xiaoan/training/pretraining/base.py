"""Pre-training of a small base from field texts: vocabulary, weights, and the card that says what it is."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from xiaoan.chatglm.checkpoint import save_checkpoint
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.tokenization_chatglm import VOCAB_FILE_NAME, ChatGLMTokenizer
from xiaoan.training.loop import LoopSettings, StepReport, TrainingRun
from xiaoan.training.pairs import PLAIN_FORM
from xiaoan.training.pretraining.texts import FieldText, pretraining_pairs
from xiaoan.training.pretraining.vocabulary import train_vocabulary


@dataclass(frozen=True)
class BaseShape:
    """Size of the base; the rest of its architecture is ChatGLM-6B's."""

    hidden_size: int = 256
    num_layers: int = 6
    num_attention_heads: int = 8
    inner_hidden_size: int = 1024
    max_sequence_length: int = 2048


BASE_SETTINGS = LoopSettings(
    steps=3600, batch_size=64, learning_rate=3e-3, warmup_steps=100, weight_decay=0.01
)


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


def pretrain_base(
    texts: Sequence[FieldText],
    *,
    shape: BaseShape,
    settings: LoopSettings,
    run_folder: Path,
    output: Path,
    on_step: Callable[[StepReport], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Train a base in `run_folder`, going on where a stopped run left off; write it to `output` when it is done.

    Returns whether it is done; false when `should_stop` ended it.

    Raises:
        UsageError: `run_folder` belongs to another run.
        StorageError: `output` is not empty or cannot be written.
    """
    model, tokenizer = build_base(texts, shape, run_folder, seed=settings.seed)
    run = TrainingRun(
        model,
        tokenizer,
        parameters=dict(model.named_parameters()),
        pairs=lambda random_source: pretraining_pairs(texts, random_source),
        settings=settings,
        folder=run_folder,
    )
    run.resume()
    run.run(on_step, should_stop)
    if run.step < settings.steps:
        return False
    card = {
        "demonstration": True,
        "forms": [PLAIN_FORM],
        "texts_sha256": texts_sha256(texts),
        "records": len(texts),
        "parameters": sum(p.numel() for p in model.parameters()),
        "shape": asdict(shape),
        "settings": asdict(settings),
        "training_s": round(run.elapsed_s, 1),
    }
    save_checkpoint(model, tokenizer, output, card=card)
    return True


def texts_sha256(texts: Sequence[FieldText]) -> str:
    """Return the hash of the texts as read."""
    written = json.dumps([asdict(text) for text in texts], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()
