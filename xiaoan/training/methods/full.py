"""Full fine-tuning: every weight of the base learns, in float32, and a model folder comes out."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from xiaoan.chatglm.checkpoint import EMBEDDING_KEY, HEAD_KEY, save_checkpoint
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.quantization import QuantizedLinear
from xiaoan.errors import StorageError, UsageError
from xiaoan.training.data.pairs import Pair
from xiaoan.training.methods import Base, ResultFacts

_LAST = "config.json"
"""Without it a folder is no model folder, so it is put in place last."""


@dataclass(frozen=True)
class Full:
    """All weights are trained; head and embedding stay one.

    Attributes:
        saved_dtype: precision of the saved model: "float16" (as published), "bfloat16" or "float32".
    """

    saved_dtype: str = "float16"

    def __post_init__(self) -> None:
        if self.saved_dtype not in ("float16", "bfloat16", "float32"):
            raise UsageError(f"保存的精度 {self.saved_dtype} 不对，可以用 float16、bfloat16、float32。")

    @property
    def name(self) -> str:
        """The method's name."""
        return "full"

    def attach(
        self,
        base: Base,
        seed: int,  # noqa: ARG002 - the protocol
        pairs: Sequence[Pair] = (),  # noqa: ARG002 - the protocol
    ) -> dict[str, nn.Parameter]:
        """Bring the base to float32 master weights, all trainable, and return them; a tied head counts once.

        Raises:
            UsageError: it is quantised, or has a prefix.
        """
        model = base.model
        if any(isinstance(module, QuantizedLinear) for module in model.modules()):
            raise UsageError(
                f"全量微调不能在量化过的底座上做（现在是 {base.dtype or '量化'}）：压缩过的权重没法学。"
                "请去掉 --dtype，或改用 xiaoan train ptuning、xiaoan train lora。"
            )
        if model.transformer.prefix_encoder is not None:
            raise UsageError(
                f"底座 {base.name} 自带前缀，全量微调不保存前缀。请用没有前缀的底座，或改用 xiaoan train ptuning。"
            )
        nn.Module.to(model, torch.float32)
        model.requires_grad_(True)
        return dict(model.named_parameters())

    def settle(self, base: Base) -> None:
        """Round the weights to the precision they are saved in."""
        dtype = getattr(torch, self.saved_dtype)
        with torch.no_grad():
            for parameter in base.model.parameters():
                parameter.copy_(parameter.to(dtype))

    def save(self, base: Base, folder: Path, facts: ResultFacts) -> None:
        """Write a model folder's files into `folder`.

        Raises:
            StorageError: they cannot be written, or `folder` is the base's own.
        """
        if base.folder is not None and folder.resolve() == base.folder.resolve():
            raise StorageError(f"{folder} 是底座自己的文件夹，不会覆盖。请换一个输出文件夹。")
        card = {
            "base": base.name,
            "base_sha256": base.sha256,
            "forms": list(facts.forms),
            "data_sha256": facts.data_sha256,
            "metrics": dict(facts.metrics),
            "seed": facts.seed,
            "settings": dict(facts.settings),
            "library_versions": dict(facts.library_versions),
            "method": asdict(self),
        }
        save_model_files(base, folder, dtype=getattr(torch, self.saved_dtype), card=card)

    def detach(self, base: Base) -> None:
        """Nothing to do: the weights themselves were trained."""


def save_model_files(base: Base, folder: Path, *, dtype: torch.dtype, card: dict[str, object]) -> None:
    """Put the files of a model folder into `folder` beside whatever is there, `config.json` last.

    Raises:
        StorageError: they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".xiaoan-", dir=folder) as temporary:
            made = Path(temporary) / "model"
            save_checkpoint(_plain(base.model), base.tokenizer, made, dtype=dtype, card=card)
            for file in sorted(made.iterdir(), key=lambda file: file.name == _LAST):
                file.replace(folder / file.name)
    except OSError as error:
        raise StorageError(f"模型写不进 {folder}：{error.strerror}。\n请检查写入权限和磁盘空间。") from error


def _plain(model: ChatGLMForConditionalGeneration) -> ChatGLMForConditionalGeneration:
    """Return a model around the same weights that no process group has ever touched.

    One that was trained in shards goes back to them as soon as it is asked for its state.
    """
    state = {name: parameter.detach() for name, parameter in model.named_parameters()}
    if model.config.tie_word_embeddings:
        state[HEAD_KEY] = state[EMBEDDING_KEY]
    with torch.device("meta"):
        plain = ChatGLMForConditionalGeneration(model.config)
    plain.load_state_dict(state, strict=True, assign=True)
    plain.tie_weights()
    return plain
