"""A result in the layouts of other programs: THUDM's prefix folder, and base and adapter merged to one model."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from xiaoan.chatglm.adapter_checkpoint import load_adapter, merge_adapter, read_adapter
from xiaoan.chatglm.checkpoint import load_checkpoint, save_checkpoint
from xiaoan.chatglm.device import dtype_name
from xiaoan.chatglm.prefix_checkpoint import KEY_PREFIX
from xiaoan.errors import StorageError, UsageError
from xiaoan.training.methods import Base

ORIGINAL_FOLDER = "original"
"""Where in a run's folder `--export original` writes."""
MERGED_FOLDER = "merged"
"""Where in a run's folder `--merge` writes."""


def export_original(base: Base, folder: Path) -> None:
    """Write the base's prefix as THUDM's ptuning script saves a `checkpoint-N`, all at once.

    `pytorch_model.bin` holds `transformer.prefix_encoder.*` in float32 and nothing else, `config.json` says
    `pre_seq_len` and `prefix_projection`, and the tokenizer's files lie beside them.

    Raises:
        UsageError: the model has no prefix.
        StorageError: the folder exists and is not empty, or cannot be written.
    """
    encoder = base.model.transformer.prefix_encoder
    if encoder is None:
        raise UsageError(
            "--export original 写的是前缀，这个模型没有前缀。请用 xiaoan train ptuning 训练一个。"
        )
    state = {
        KEY_PREFIX + name: tensor.detach().float().cpu() for name, tensor in encoder.state_dict().items()
    }

    def fill(draft: Path) -> None:
        torch.save(state, draft / "pytorch_model.bin")
        base.model.config.save_pretrained(draft)
        base.tokenizer.save_pretrained(draft)

    _written_folder(folder, fill)


def save_merged(
    model: str | Path, adapter: Path, folder: Path, *, dtype: torch.dtype = torch.float16
) -> None:
    """Write base and adapter as one model folder that `--model` loads; sums in float32, on the CPU.

    Args:
        model: the base as stored, so that nothing of it is lost to the precision it was trained in.
        adapter: a LoRA adapter's folder.
        folder: new or empty.
        dtype: of the written weights; also that in which the base is held meanwhile.

    Raises:
        CheckpointError: the adapter was not made for this base, or the base is quantised.
        StorageError: the folder is not empty or cannot be written.
    """
    loaded = load_checkpoint(model, device="cpu", dtype=dtype_name(dtype))
    read = read_adapter(adapter)
    load_adapter(loaded.model, adapter, base=loaded.name, base_sha256=loaded.base_sha256)
    merge_adapter(loaded.model)
    card = {
        "base": loaded.name,
        "base_sha256": loaded.base_sha256,
        "adapter": adapter.resolve().name,
        "forms": list(read.card.forms) if read.card else [],
    }
    save_checkpoint(loaded.model, loaded.tokenizer, folder, dtype=dtype, card=card)


def _written_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Make `folder` of what `fill` writes into a folder beside it, so that it appears whole or not at all."""
    if folder.exists() and any(folder.iterdir()):
        raise StorageError(f"{folder} 里已经有文件，不会覆盖。\n请换一个文件夹，或先移走原来的。")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".xiaoan-", dir=folder.parent) as temporary:
            draft = Path(temporary) / folder.name
            draft.mkdir()
            fill(draft)
            if folder.exists():
                folder.rmdir()
            draft.replace(folder)
    except OSError as error:
        raise StorageError(f"写不进 {folder}：{error.strerror}。\n请检查写入权限和磁盘空间。") from error
