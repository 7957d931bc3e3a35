"""The real engine: a ChatGLM model with or without a prefix, behind the `Engine` protocol."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.assistant.engine import Choice, ModelInfo, Piece, StopSignal, never_stop
from xiaoan.assistant.option_scoring import ModelContinuations, best_set
from xiaoan.config import OFF, default_paths
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    import torch

    from xiaoan.chatglm.adapter_checkpoint import Adapter
    from xiaoan.chatglm.checkpoint import LoadedCheckpoint
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

_WARM_UP = "你好"
_TOGETHER = "前缀和适配器一起用：前缀训练时底座上没有这个适配器，答案可能和训练时不同。"


@dataclass(frozen=True)
class BaseIdentity:
    """What a prefix is held against: the base's name, its hash, and the forms that it knows without a prefix.

    `stored_bits` as in `LoadedModel`.
    """

    name: str
    sha256: str
    forms: frozenset[str] = frozenset()
    stored_bits: int = 0


class ChatGLMEngine:
    """Answers with a model in memory; the prefix's keys and values are computed once, here.

    Args:
        model: in evaluation mode, with the prefix encoder that it shall answer with, or none.
        tokenizer: the model's.
        info: what is running.
        base: what another prefix has to fit; None for a model that will not change prefixes.
    """

    def __init__(
        self,
        model: "ChatGLMForConditionalGeneration",
        tokenizer: "ChatGLMTokenizer",
        info: ModelInfo,
        *,
        base: BaseIdentity | None = None,
    ) -> None:
        import torch

        self._model = model
        self._tokenizer = tokenizer
        self._info = info
        self._base = base
        self._answering = 0
        # A prefix among the model's own weights is what "none" goes back to.
        self._own_encoder = model.transformer.prefix_encoder if info.prefix is None else None
        with torch.inference_mode():
            self._prefix = model.transformer.prefix_key_values(_working_dtype(model))

    @classmethod
    def of_checkpoint(
        cls,
        loaded: "LoadedCheckpoint",
        *,
        load_s: float,
        prefix_path: Path | None = None,
        adapter: "Adapter | None" = None,
    ) -> "ChatGLMEngine":
        """Return the engine of a checkpoint that `load_checkpoint` read, and of the adapter that was put onto it."""
        own_forms = frozenset(loaded.model_card.get("forms", ()))
        if adapter is not None:
            own_forms = frozenset(adapter.card.forms if adapter.card else ())
        card_forms = frozenset(loaded.card.forms if loaded.card else ())
        together = adapter is not None and loaded.prefix is not None
        info = ModelInfo(
            name=loaded.name,
            prefix=loaded.prefix,
            device=str(loaded.device),
            dtype=loaded.dtype_name,
            demo=bool(loaded.model_card.get("demonstration", False)),
            forms=own_forms if loaded.prefix is None else card_forms,
            load_s=load_s,
            warnings=(*loaded.warnings, *((_TOGETHER,) if together else ())),
            lora=adapter.path.resolve().name if adapter is not None else None,
            prefix_path=prefix_path,
        )
        base = BaseIdentity(loaded.name, loaded.base_sha256, own_forms, loaded.stored_bits)
        return cls(loaded.model, loaded.tokenizer, info, base=base)

    @property
    def info(self) -> ModelInfo:
        """What is running."""
        return self._info

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:
        """Yield the greedy answer to `query`, single turn, no history."""
        import torch

        from xiaoan.chatglm.generation import build_prompt, stream_pieces, stream_token_ids

        self._answering += 1
        try:
            ids = self._tokenizer.encode(build_prompt(query))
            token_ids = stream_token_ids(
                self._model,
                torch.tensor([ids]),
                eos=self._tokenizer.eos_token_id,
                should_stop=should_stop,
                prefix_key_values=self._prefix,
            )
            for piece in stream_pieces(self._tokenizer, token_ids):
                yield Piece(piece.text, piece.tokens)
        finally:
            self._answering -= 1

    def choose(self, stem: str, options: Sequence[str], *, only_one: bool = False) -> Choice:
        """Return the set of options with the most probable text after `stem`."""
        continuations = ModelContinuations(self._model, self._tokenizer, stem, self._prefix)
        return best_set(continuations, options, only_one=only_one)

    def use_prefix(self, prefix: Path | None) -> None:
        """Answer with another prefix from now on; the base stays where it is. See `Engine.use_prefix`."""
        import torch

        from xiaoan.chatglm.prefix_swap import place_encoder, read_encoder

        if self._answering:
            raise UsageError("小安正在作答。等这道题答完（或按 Ctrl-C 停下）再换前缀。")
        if self._base is None:
            raise UsageError("正在训练的模型不能换前缀。")
        warnings: tuple[str, ...]
        if prefix is None:
            encoder, forms, warnings = self._own_encoder, self._base.forms, ()
        else:
            read = read_encoder(
                self._model,
                self._tokenizer,
                prefix,
                base=self._base.name,
                base_sha256=self._base.sha256,
                stored_bits=self._base.stored_bits,
            )
            encoder, forms = read.encoder, frozenset(read.card.forms if read.card else ())
            warnings = (*read.warnings, *((_TOGETHER,) if self._info.lora else ()))
        place_encoder(self._model, encoder)
        with torch.inference_mode():
            self._prefix = self._model.transformer.prefix_key_values(_working_dtype(self._model))
        self._info = replace(
            self._info,
            prefix=prefix.expanduser().resolve().name if prefix is not None else None,
            prefix_path=prefix,
            forms=forms,
            warnings=warnings,
        )

    def warm_up(self) -> None:
        """Decode a little once, so that the first question does not pay for first-time work."""
        for count, _ in enumerate(self.stream(_WARM_UP)):
            if count >= 1:
                break
        self.choose(_WARM_UP, ["正确", "错误"])


def load_engine(
    model: str | Path | None,
    prefix: str | Path | None,
    device: str = "auto",
    dtype: str = "auto",
    *,
    lora: str | Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.perf_counter,
) -> ChatGLMEngine:
    """Return a loaded and warmed engine.

    Args:
        model: folder or hub id; None is the demonstration model that ships with the program.
        prefix: prefix folder; None is the demonstration model's own (only with `model` None); "off" is none.
        device: "auto", "cpu", "cuda", "mps".
        dtype: "auto", "float16", "bfloat16", "float32", "int8", "int4".
        lora: folder of a LoRA adapter, None for none.
        progress: told each stage, for the person.
        clock: seconds.

    Raises:
        CheckpointError: a file is missing or wrong.
        DeviceError: the device is not to be had, or memory is too small.
    """
    from xiaoan.chatglm.adapter_checkpoint import load_adapter
    from xiaoan.chatglm.checkpoint import load_checkpoint

    started = clock()
    defaults = default_paths()
    if prefix is None and model is None:
        prefix = defaults.prefix
    prefix_path = None if prefix in (None, OFF) else Path(prefix).expanduser()
    loaded = load_checkpoint(
        defaults.model if model is None else model,
        prefix=prefix_path,
        device=device,
        dtype=dtype,
        on_progress=lambda done, total: progress(f"读入权重 {100 * done // max(total, 1)}%"),
    )
    adapter = None
    if lora is not None:
        progress("装上适配器")
        adapter = load_adapter(loaded.model, Path(lora), base=loaded.name, base_sha256=loaded.base_sha256)
    progress("热身")
    engine = ChatGLMEngine.of_checkpoint(
        loaded, load_s=clock() - started, prefix_path=prefix_path, adapter=adapter
    )
    engine.warm_up()
    return engine


def _working_dtype(model: "ChatGLMForConditionalGeneration") -> "torch.dtype":
    """The precision in which the layers pass on their values: quantised weights have none of their own."""
    return model.transformer.word_embeddings.weight.dtype
