"""The real engine: a ChatGLM checkpoint with or without a prefix, behind the `Engine` protocol."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.assistant.engine import Choice, ModelInfo, Piece, StopSignal, never_stop
from xiaoan.assistant.option_scoring import ModelContinuations, best_set
from xiaoan.config import OFF, default_paths

if TYPE_CHECKING:
    from xiaoan.chatglm.checkpoint import LoadedCheckpoint

_WARM_UP = "你好"


class ChatGLMEngine:
    """Answers with a loaded checkpoint; the prefix's keys and values are computed once, here."""

    def __init__(self, loaded: "LoadedCheckpoint", *, load_s: float) -> None:
        import torch

        self._model = loaded.model
        self._tokenizer = loaded.tokenizer
        with torch.inference_mode():
            self._prefix = loaded.model.transformer.prefix_key_values(loaded.dtype)
        card = loaded.model_card
        forms = card.get("forms", ()) if loaded.prefix is None else loaded.card.forms if loaded.card else ()
        self._info = ModelInfo(
            name=loaded.name,
            prefix=loaded.prefix,
            device=str(loaded.device),
            dtype=loaded.dtype_name,
            demo=bool(card.get("demonstration", False)),
            forms=frozenset(forms),
            load_s=load_s,
        )

    @property
    def info(self) -> ModelInfo:
        """What is running."""
        return self._info

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:
        """Yield the greedy answer to `query`, single turn, no history."""
        import torch

        from xiaoan.chatglm.generation import build_prompt, stream_pieces, stream_token_ids

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

    def choose(self, stem: str, options: Sequence[str], *, only_one: bool = False) -> Choice:
        """Return the set of options with the most probable text after `stem`."""
        continuations = ModelContinuations(self._model, self._tokenizer, stem, self._prefix)
        return best_set(continuations, options, only_one=only_one)

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
    progress: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.perf_counter,
) -> ChatGLMEngine:
    """Return a loaded and warmed engine.

    Args:
        model: folder or hub id; None is the demonstration model that ships with the program.
        prefix: prefix folder; None is the demonstration model's own (only with `model` None); "off" is none.
        device: "auto", "cpu", "cuda", "mps".
        dtype: "auto", "float16", "bfloat16", "float32".
        progress: told each stage, for the person.
        clock: seconds.

    Raises:
        CheckpointError: a file is missing or wrong.
        DeviceError: the device is not to be had, or memory is too small.
    """
    from xiaoan.chatglm.checkpoint import load_checkpoint

    started = clock()
    defaults = default_paths()
    if prefix is None and model is None:
        prefix = defaults.prefix
    loaded = load_checkpoint(
        defaults.model if model is None else model,
        prefix=None if prefix in (None, OFF) else Path(prefix),
        device=device,
        dtype=dtype,
        on_progress=lambda done, total: progress(f"读入权重 {100 * done // max(total, 1)}%"),
    )
    progress("热身")
    engine = ChatGLMEngine(loaded, load_s=clock() - started)
    engine.warm_up()
    return engine
