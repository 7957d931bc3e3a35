"""The real engine: a ChatGLM model with or without a prefix, behind the `Engine` protocol."""

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.assistant.confidence import Calibration
from xiaoan.assistant.engine import (
    Choice,
    Evidence,
    ModelInfo,
    OptionQuestion,
    Piece,
    StopSignal,
    never_stop,
)
from xiaoan.assistant.option_scoring import best_sets, texts_of
from xiaoan.config import OFF, default_paths
from xiaoan.errors import CheckpointError, DeviceError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from xiaoan.chatglm.adapter_checkpoint import Adapter
    from xiaoan.chatglm.checkpoint import LoadedCheckpoint
    from xiaoan.chatglm.known_questions import KnownQuestions
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

_WARM_UP = "你好"
_WARM_UP_TOKENS = 2
_WRITTEN_TOGETHER = 64
"""Free answers of one batch: rows leave it as they end, so more of them keep it full."""
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
    """Answers with a model in memory; the prefix's keys and values are computed once, here, and put into the caches.

    Args:
        model: in evaluation mode, with the prefix encoder that it shall answer with, or none.
        tokenizer: the model's.
        info: what is running.
        base: what another prefix has to fit; None for a model that will not change prefixes.
        adapter_path: folder of the LoRA adapter on the model. What prefix or adapter were trained on is read from
            the confidence file beside them.
        compile_step: try torch.compile for the decode step, see `chatglm.decoder.usual_plan`.
    """

    def __init__(
        self,
        model: "ChatGLMForConditionalGeneration",
        tokenizer: "ChatGLMTokenizer",
        info: ModelInfo,
        *,
        base: BaseIdentity | None = None,
        adapter_path: Path | None = None,
        compile_step: bool = False,
    ) -> None:
        from xiaoan.chatglm.decoder import Decoder, usual_plan

        self._model = model
        self._tokenizer = tokenizer
        self._info = info
        self._base = base
        self._answering = 0
        self._known: KnownQuestions | None = None
        self._adapter_path = adapter_path
        # A prefix among the model's own weights is what "none" goes back to.
        self._own_encoder = model.transformer.prefix_encoder if info.prefix is None else None
        self._plan = usual_plan(model.device, compile_step=compile_step)
        self._decoder = Decoder(model, self._plan)
        """Made anew with every change of the prefix; model, precision and device stay what they are."""
        self._learn_what_was_trained()

    @classmethod
    def of_checkpoint(
        cls,
        loaded: "LoadedCheckpoint",
        *,
        load_s: float,
        prefix_path: Path | None = None,
        adapter: "Adapter | None" = None,
        compile_step: bool = False,
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
        adapter_path = adapter.path if adapter is not None else None
        return cls(
            loaded.model,
            loaded.tokenizer,
            info,
            base=base,
            adapter_path=adapter_path,
            compile_step=compile_step,
        )

    @property
    def info(self) -> ModelInfo:
        """What is running; its warnings grow when a way of decoding faster turns out not to work."""
        told = tuple(self._decoder.warnings)
        return replace(self._info, warnings=(*self._info.warnings, *told)) if told else self._info

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:
        """Yield the greedy answer to `query`, single turn, no history."""
        import torch

        from xiaoan.chatglm.generation import build_prompt, stream_pieces, stream_token_ids

        with self._busy():
            ids = self._tokenizer.encode(build_prompt(query))
            token_ids = stream_token_ids(
                self._model,
                torch.tensor([ids]),
                eos=self._tokenizer.eos_token_id,
                should_stop=should_stop,
                decoder=self._decoder,
            )
            for piece in stream_pieces(self._tokenizer, token_ids):
                yield Piece(piece.text, piece.tokens)

    def choose_all(self, questions: Sequence[OptionQuestion]) -> list[Choice]:
        """Return the set of options with the most probable text, of each question.

        Questions that are the same but for the order of their options are searched once.
        """
        from xiaoan.chatglm.answer_weighing import columns_of
        from xiaoan.chatglm.continuations import batches

        places = [texts_of(question) for question in questions]
        alike = [
            replace(question, options=tuple(text for text, _ in own))
            for question, own in zip(questions, places, strict=True)
        ]
        found: dict[OptionQuestion, Choice] = {}
        with self._busy():
            # Those that need one forward pass and those that need several do not wait for each other.
            for only_one in (True, False):
                different = list(dict.fromkeys(one for one in alike if one.only_one == only_one))
                lengths = [columns_of(one.prompt, one.options * _times_read(one)) for one in different]
                for batch in batches(self._model, lengths):
                    asked = [different[place] for place in batch]
                    found.update(zip(asked, self._decide(asked, once=only_one), strict=True))
        return [_as_given(found[one], own) for one, own in zip(alike, places, strict=True)]

    def _decide(self, questions: Sequence[OptionQuestion], *, once: bool) -> list[Choice]:
        """The choices of one batch, all different, options sorted; `once`: exactly one option is right in each."""
        from xiaoan.chatglm.answer_weighing import AnswerScorer

        prompts = [question.prompt for question in questions]
        scorer = AnswerScorer(
            self._model, self._tokenizer, prompts, self._decoder.prefix_key_values, once=once
        )
        choices = best_sets(scorer, questions)
        if any(choice.log_probability == -math.inf for choice in choices):
            raise UsageError("选项太长，和题目合起来超过了模型的窗口。请缩短选项，一次只问一道题。")
        familiarities = self._familiarities(scorer.states)
        return [
            replace(choice, familiarity=familiarity)
            for choice, familiarity in zip(choices, familiarities, strict=True)
        ]

    def write_all(self, queries: Sequence[str], *, max_new_tokens: int | None = None) -> list[Piece]:
        """Return the whole answer to each query."""
        from xiaoan.chatglm.answer_weighing import encode_prompt
        from xiaoan.chatglm.batched_generation import greedy_token_ids
        from xiaoan.chatglm.generation import stream_pieces

        different = list(dict.fromkeys(queries))
        window = int(self._model.config.max_sequence_length)
        with self._busy():
            answers = greedy_token_ids(
                self._model,
                [encode_prompt(self._tokenizer, query, window) for query in different],
                max_new_tokens=window if max_new_tokens is None else max_new_tokens,
                pad=int(self._tokenizer.pad_token_id),
                eos=int(self._tokenizer.eos_token_id),
                batch_size=_WRITTEN_TOGETHER,
                prefix_key_values=self._decoder.prefix_key_values,
            )
        texts = ["".join(piece.text for piece in stream_pieces(self._tokenizer, ids)) for ids in answers]
        found = {
            query: Piece(text, len(ids)) for query, text, ids in zip(different, texts, answers, strict=True)
        }
        return [found[query] for query in queries]

    def weigh_all(self, written: Sequence[tuple[str, str]]) -> list[Evidence]:
        """Return what speaks for each (query, answer)."""
        from xiaoan.chatglm.answer_weighing import weigh_answers

        with self._busy():
            scores, states = weigh_answers(
                self._model, self._tokenizer, written, self._decoder.prefix_key_values
            )
        familiarities = self._familiarities(states)
        return [Evidence(*pair) for pair in zip(scores, familiarities, strict=True)]

    def states_of(self, queries: Sequence[str]) -> "Tensor":
        """Return the state of each query `[n, hidden]`, float32 on the CPU; see `chatglm.known_questions`."""
        from xiaoan.chatglm.answer_weighing import weigh_answers

        with self._busy():
            return weigh_answers(
                self._model,
                self._tokenizer,
                [(query, "") for query in queries],
                self._decoder.prefix_key_values,
            )[1]

    def _learn_what_was_trained(self) -> None:
        """Read the confidence file of the prefix or adapter; without one, or with both together, nothing is known."""
        from xiaoan.chatglm.known_questions import confidence_beside

        trained = [path for path in (self._info.prefix_path, self._adapter_path) if path is not None]
        stored = None
        if len(trained) == 1:
            try:
                stored = confidence_beside(trained[0].expanduser(), int(self._model.config.hidden_size))
            except CheckpointError as error:  # answers are as good without it
                told = f"不显示把握：{error}"
                self._info = replace(self._info, warnings=(*self._info.warnings, told))
        if stored is None:
            self.know(None, None)
        else:
            self.know(stored.known, Calibration.of_numbers(stored.numbers, stored.kinds))

    def _familiarities(self, states: "Tensor") -> list[float | None]:
        return [None] * len(states) if self._known is None else [*self._known.familiarity(states)]

    @contextlib.contextmanager
    def _busy(self) -> Iterator[None]:
        """While an answer is being given, the prefix stays.

        Raises:
            DeviceError: the GPU's memory ran out.
        """
        import torch

        self._answering += 1
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                "显存不够，没有答完。\n请关掉占显存的程序，或改用 --dtype int8、--dtype int4、--device cpu。"
            ) from error
        finally:
            self._answering -= 1

    def know(self, known: "KnownQuestions | None", calibration: Calibration | None) -> None:
        """Answer with this knowledge of what was trained from now on; None for none."""
        self._known = known
        self._info = replace(self._info, calibration=calibration)

    def use_prefix(self, prefix: Path | None) -> None:
        """Answer with another prefix from now on; the base stays where it is. See `Engine.use_prefix`."""
        from xiaoan.chatglm.decoder import Decoder
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
        # Another decoder: its caches and captured steps know the new prefix only.
        self._decoder = Decoder(self._model, self._plan)
        self._info = replace(
            self._info,
            prefix=prefix.expanduser().resolve().name if prefix is not None else None,
            prefix_path=prefix,
            forms=forms,
            warnings=warnings,
        )
        self._learn_what_was_trained()

    def warm_up(self) -> None:
        """Decode a little once, so that the first question does not pay for first-time work."""
        tokens = itertools.count()
        for _ in self.stream(_WARM_UP, lambda: next(tokens) >= _WARM_UP_TOKENS):
            pass
        self.choose_all([OptionQuestion(_WARM_UP, ("正确", "错误"), only_one=True)])


def load_engine(
    model: str | Path | None,
    prefix: str | Path | None,
    device: str = "auto",
    dtype: str = "auto",
    *,
    lora: str | Path | None = None,
    compile_step: bool = False,
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
        compile_step: try torch.compile for the decode step; see `chatglm.decoder.usual_plan`.
        progress: told each stage, for the person.
        clock: seconds.

    Raises:
        CheckpointError: a file is missing or wrong.
        DeviceError: the device is not to be had, or memory is too small.
    """
    from xiaoan.chatglm.adapter_checkpoint import load_adapter
    from xiaoan.chatglm.checkpoint import load_checkpoint
    from xiaoan.chatglm.products.preparing import prepare_for_answering_

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
    progress("整理权重")
    told = prepare_for_answering_(loaded.model)
    loaded = replace(loaded, warnings=(*loaded.warnings, *told))
    progress("热身")
    engine = ChatGLMEngine.of_checkpoint(
        loaded,
        load_s=clock() - started,
        prefix_path=prefix_path,
        adapter=adapter,
        compile_step=compile_step,
    )
    engine.warm_up()
    return engine


def _times_read(question: OptionQuestion) -> int:
    """How many times each option is read if all of them belong into the answer, in the worst case on average."""
    return 1 if question.only_one else -(-(len(question.options) + 1) // 2)


def _as_given(choice: Choice, texts: Sequence[tuple[str, int]]) -> Choice:
    """The choice among sorted texts as one among the options as they were given."""
    return replace(choice, selected=tuple(sorted(texts[place][1] for place in choice.selected)))
