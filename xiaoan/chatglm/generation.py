"""Answering with a ChatGLM model, on three floors: token ids, pieces of text, whole answers.

1. `stream_token_ids` knows no strings. It is `prefill` once, then `decode_one_token` again and again over a
   static cache whose first `pre_seq_len` rows hold the prefix. A step takes one token through the model and
   concatenates nothing; the cache grows by whole buckets. A `Decoder` keeps caches from answer to answer.
2. `stream_pieces` turns ids into text that is never taken back, with counts and times.
3. `stream_chat` and `chat` take a question and a history, as people know them from the published model.
"""

import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name

from xiaoan.chatglm.decoding_cache import CACHE_BUCKET, DecodingCache, whole_buckets
from xiaoan.chatglm.decoding_step import RowsInUse, step_logits
from xiaoan.chatglm.modeling_chatglm import additive_mask, two_dimensional_positions
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues
from xiaoan.chatglm.response_text import AnswerText
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.chatglm.decoder import Decoder
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

GREEDY_TEMPERATURE = 0.01
"""At or below this temperature the most probable token is taken, always."""

INVALID_SCORE_TOKEN, INVALID_SCORE = 5, 5e4
"""Where a row of scores is no number any more the published model goes on with this token."""

History = Sequence[tuple[str, str]]
"""Earlier (question, answer) pairs."""


# -- scores -------------------------------------------------------------------------------------------------


def clean_scores(scores: Tensor) -> Tensor:
    """Return `scores` `[b, vocab]` as they are, or the fallback for all when any is NaN or infinite."""
    fallback = torch.zeros_like(scores)
    fallback[..., INVALID_SCORE_TOKEN] = INVALID_SCORE
    return torch.where(torch.isfinite(scores).all(), scores, fallback)


def keep_top_k(scores: Tensor, top_k: int) -> Tensor:
    """Return `scores` `[b, vocab]` with all but the `top_k` best of each row at -inf (0: all are kept)."""
    if top_k <= 0:
        return scores
    worst_kept = scores.topk(min(top_k, scores.shape[-1])).values[..., -1:]
    return scores.masked_fill(scores < worst_kept, -math.inf)


def keep_top_p(scores: Tensor, top_p: float) -> Tensor:
    """Return `scores` `[b, vocab]` with the tokens at -inf that the best ones reach `top_p` without."""
    if top_p >= 1.0:
        return scores
    ascending, order = scores.sort(dim=-1)
    dropped = ascending.softmax(dim=-1).cumsum(dim=-1) <= 1 - top_p
    dropped[..., -1] = False  # the best one always stays
    return scores.masked_fill(dropped.scatter(-1, order, dropped), -math.inf)


def process_scores(logits: Tensor, *, temperature: float, top_p: float, top_k: int = 50) -> Tensor:
    """Return the scores `[b, vocab]` to sample from: cleaned, then temperature, top k and top p applied."""
    scores = clean_scores(logits.float()) / temperature
    return keep_top_p(keep_top_k(scores, top_k), top_p)


def best_token(logits: Tensor) -> Tensor:
    """Return the best id of each row `[b, 1]` of `logits` `[b, vocab]`; the fallback in all when any is broken."""
    if logits.device.type == "cpu":  # one cheap pass instead of four; NaN goes through to both ends
        lowest, highest = logits.aminmax()
        if math.isfinite(lowest) and math.isfinite(highest):
            # The first of the largest, as `argmax`, which takes three times as long over a large vocabulary.
            return logits.max(dim=-1, keepdim=True).indices
    return clean_scores(logits).argmax(dim=-1, keepdim=True)


def best_tokens(logits: Tensor) -> Tensor:
    """Return the best id of each row `[b, 1]`; the published fallback in a row that is broken, and in no other.

    Nothing is read back from the device.
    """
    usable = torch.isfinite(logits).all(dim=-1, keepdim=True)
    return torch.where(usable, logits.argmax(dim=-1, keepdim=True), INVALID_SCORE_TOKEN)


def choose_token(
    logits: Tensor,
    *,
    temperature: float,
    top_p: float,
    top_k: int = 50,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the next token id of each row `[b, 1]` for `logits` `[b, vocab]`."""
    if temperature <= GREEDY_TEMPERATURE:
        return best_token(logits)
    scores = process_scores(logits, temperature=temperature, top_p=top_p, top_k=top_k)
    return torch.multinomial(scores.softmax(dim=-1), 1, generator=generator)


# -- token ids ----------------------------------------------------------------------------------------------


@dataclass
class DecodingState:
    """What decoding carries from token to token.

    Attributes:
        cache: keys and values; rows `[prefix, prompt, answer so far, free]`.
        padding: bool `[b, rows of prefix and prompt]`, true where a prompt is padded; None where none is.
        position_ids: int64 `[b, 2, 1]` of the token decoded last.
    """

    cache: DecodingCache
    padding: Tensor | None
    position_ids: Tensor
    _mask: Tensor | None = None

    @property
    def filled(self) -> int:
        """Rows of the cache in use."""
        return self.cache.filled

    def mask(self, rows: int) -> Tensor | None:
        """What is added to the scores of a new token, `[b, 1, 1, at least rows]`; None where nothing is padded.

        Made anew only when the cache has grown; the rows after the prompt are open.
        """
        if self.padding is None:
            return None
        if self._mask is None or self._mask.shape[-1] < rows:
            blocked = F.pad(self.padding, (0, self.cache.rows - self.padding.shape[1]))
            self._mask = additive_mask(blocked[:, None, None], self.cache.pairs.dtype)
        return self._mask

    def keep_sequences(self, index: Tensor) -> None:
        """Let all sequences but those of `index` (int64 `[kept]`) leave."""
        self.cache.keep_sequences(index)
        self.padding = None if self.padding is None else self.padding[index]
        self._mask = None
        self.position_ids = self.position_ids[index]


def working_dtype(model: "ChatGLMForConditionalGeneration") -> torch.dtype:
    """Return the precision of a model's hidden states, keys and values; that of its weights may be another."""
    return model.transformer.word_embeddings.weight.dtype


def new_cache(
    model: "ChatGLMForConditionalGeneration",
    prefix: PrefixKeyValues | None,
    *,
    batch_size: int,
    rows: int,
    share_prefix: bool = False,
) -> DecodingCache:
    """Return a cache for `model` with `prefix` in it, and at least `rows` rows; see `DecodingCache`."""
    return DecodingCache(
        model.config,
        prefix,
        batch_size=batch_size,
        rows=rows,
        dtype=working_dtype(model),
        device=model.device,
        share_prefix=share_prefix,
    )


@torch.inference_mode()
def prefill(
    model: "ChatGLMForConditionalGeneration",
    input_ids: Tensor,
    *,
    attention_mask: Tensor | None = None,
    prefix_key_values: PrefixKeyValues | None = None,
    cache_length: int | None = None,
    cache: DecodingCache | None = None,
) -> tuple[Tensor, DecodingState]:
    """Run the prompts through the model and return the logits that follow them `[b, vocab]`, and the state.

    Args:
        model: in evaluation mode.
        input_ids: `[b, s]`, each row with [gMASK] or [MASK] and `<sop>`; shorter ones padded on the left. On the CPU
            positions are made there, without waiting for a device.
        attention_mask: `[b, s]`, 1 for tokens and 0 for padding; None where there is no padding.
        prefix_key_values: the prefix's keys and values if already computed; None lets the model compute them.
        cache_length: rows to begin with, when the caller knows how many tokens will come; None: whole buckets.
        cache: to be filled, with the prefix in it and nothing behind; None: a new one. It grows as needed.
    """
    b, s = input_ids.shape
    starts = None if attention_mask is None else attention_mask.int().argmax(dim=1)
    positions = two_dimensional_positions(input_ids, model.config, starts).to(model.device)
    if cache is None:
        if prefix_key_values is None:
            prefix_key_values = model.transformer.prefix_key_values(working_dtype(model))
        cache = new_cache(model, prefix_key_values, batch_size=b, rows=0)
    assert cache.batch_size == b
    assert cache.filled == cache.prefix_rows, "another answer is in the cache"
    filled = cache.prefix_rows + s
    cache.grow(whole_buckets(filled + 1) if cache_length is None else max(filled + 1, cache_length))
    outputs = model(
        input_ids=input_ids.to(model.device),
        attention_mask=None if attention_mask is None else attention_mask.to(model.device),
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
        prefix_key_values=(),
    )
    padding = None
    if attention_mask is not None:
        padding = F.pad(attention_mask.to(model.device) == 0, (cache.prefix_rows, 0))
    return outputs.logits[:, -1], DecodingState(cache, padding, positions[..., -1:].clone())


@torch.inference_mode()
def decode_one_token(
    model: "ChatGLMForConditionalGeneration",
    token_ids: Tensor,
    state: DecodingState,
    *,
    greedy: bool = False,
) -> Tensor:
    """Run one more token of each row `[b, 1]` through the model; return the logits that follow `[b, vocab]`.

    `state` is updated in place. `greedy`: only which is the largest has to be right. With eager attention the readable
    path is taken, `ChatGLMModel.forward`; else the short one of `decoding_step`.
    """
    cache = state.cache
    if cache.filled == cache.rows:
        cache.grow(cache.filled + CACHE_BUCKET)
    state.position_ids[:, 1] += 1
    if model.config._attn_implementation != "eager":
        attend = RowsInUse(cache, state.mask(cache.filled + 1))
        return step_logits(model, token_ids, state.position_ids, attend, greedy=greedy)
    mask = None
    if state.padding is not None:
        mask = F.pad(state.padding, (0, cache.filled + 1 - state.padding.shape[1]))[:, None, None]
    outputs = model(
        input_ids=token_ids,
        attention_mask=mask,
        position_ids=state.position_ids,
        past_key_values=cache,
        use_cache=True,
        prefix_key_values=(),
    )
    return cast(Tensor, outputs.logits[:, -1])


class TokenSteps(Protocol):
    """An answer that is being made: every call of `begin` sets the next token going and returns what waits for it.

    `ahead` is how many tokens may be begun before an earlier one is waited for.
    """

    ahead: int

    def begin(self) -> Callable[[], int]:
        """Begin the next token; the first one runs the prompt through the model."""
        ...


class PlainSteps:
    """`prefill`, then `decode_one_token` again and again, operator by operator.

    Args:
        model: in evaluation mode.
        input_ids: the prompt `[1, s]`.
        choose: logits `[1, vocab]` → token `[1, 1]`; None: the best one.
        prefix_key_values: as in `prefill`.
        cache: as in `prefill`.
    """

    ahead = 0

    def __init__(
        self,
        model: "ChatGLMForConditionalGeneration",
        input_ids: Tensor,
        choose: Callable[[Tensor], Tensor] | None,
        *,
        prefix_key_values: PrefixKeyValues | None = None,
        cache: DecodingCache | None = None,
    ) -> None:
        self._model = model
        self._choose = choose or best_token
        self._greedy = choose is None
        self._prefix = prefix_key_values
        self._cache = cache
        self._token_ids = input_ids
        self._state: DecodingState | None = None

    @classmethod
    def resumed(
        cls,
        model: "ChatGLMForConditionalGeneration",
        choose: Callable[[Tensor], Tensor] | None,
        token_ids: Tensor,
        state: DecodingState,
    ) -> "PlainSteps":
        """Return the steps that follow `token_ids` `[1, 1]`, decoded so far into `state`."""
        made = cls(model, token_ids, choose)
        made._state = state
        return made

    def begin(self) -> Callable[[], int]:
        """See `TokenSteps`."""
        if self._state is None:
            logits, self._state = prefill(
                self._model, self._token_ids, prefix_key_values=self._prefix, cache=self._cache
            )
        else:
            logits = decode_one_token(self._model, self._token_ids, self._state, greedy=self._greedy)
        self._token_ids = self._choose(logits)
        return cast("Callable[[], int]", self._token_ids.item)


def stream_token_ids(
    model: "ChatGLMForConditionalGeneration",
    input_ids: Tensor,
    *,
    max_length: int = 2048,
    temperature: float = GREEDY_TEMPERATURE,
    top_p: float = 1.0,
    top_k: int = 50,
    eos: int | Collection[int] | None = None,
    generator: torch.Generator | None = None,
    should_stop: Callable[[], bool] | None = None,
    prefix_key_values: PrefixKeyValues | None = None,
    decoder: "Decoder | None" = None,
) -> Iterator[int]:
    """Yield the ids of the answer to one prompt, the last one included, the end token not.

    Args:
        model: in evaluation mode.
        input_ids: the prompt `[1, s]`, best on the CPU.
        max_length: tokens in total, prompt and answer; never more than the model's `max_sequence_length`.
        temperature: at most 0.01: greedy.
        top_p: see `keep_top_p`.
        top_k: see `keep_top_k`.
        eos: end token or tokens; None: the model's own.
        generator: source of randomness, on the model's device.
        should_stop: asked before every token; true ends the answer.
        prefix_key_values: as in `prefill`.
        decoder: of this model; its caches hold the prefix already, and its steps may be captured. Without one every
            answer makes a cache of its own.

    Raises:
        UsageError: the prompt leaves no room for an answer.
    """
    longest = min(max_length, model.config.max_sequence_length)
    if input_ids.shape[0] != 1:
        raise ValueError(f"one prompt at a time, not {input_ids.shape[0]}")
    if input_ids.shape[1] >= longest:
        raise UsageError(
            f"问题太长：有 {input_ids.shape[1]} 个词元，问题和答案合计最多 {longest} 个。\n"
            "请缩短问题，一次只问一道题。"
        )
    ends = _end_tokens(model.config.eos_token_id if eos is None else eos)

    def choose(logits: Tensor) -> Tensor:
        return choose_token(logits, temperature=temperature, top_p=top_p, top_k=top_k, generator=generator)

    greedy = temperature <= GREEDY_TEMPERATURE
    with contextlib.ExitStack() as lent:
        steps: TokenSteps
        if decoder is None:
            steps = PlainSteps(
                model, input_ids, None if greedy else choose, prefix_key_values=prefix_key_values
            )
        else:
            steps = lent.enter_context(decoder.answering(input_ids, None if greedy else choose))
        yield from _tokens(steps, longest - input_ids.shape[1], ends, should_stop)


def _tokens(
    steps: TokenSteps, room: int, ends: Collection[int], should_stop: Callable[[], bool] | None
) -> Iterator[int]:
    """Yield tokens until one of `ends`, at most `room`; up to `steps.ahead` more are begun than were asked for.

    What was begun too much, past an end token or a stop, is dropped.
    """
    waiting: deque[Callable[[], int]] = deque()
    begun = 0
    for _ in range(room):
        if should_stop is not None and should_stop():
            return
        while begun < room and len(waiting) <= steps.ahead:
            waiting.append(steps.begin())
            begun += 1
        token_id = waiting.popleft()()
        if token_id in ends:
            return
        yield token_id


def _end_tokens(eos: int | Collection[int] | None) -> frozenset[int]:
    if eos is None:
        return frozenset()
    return frozenset([eos]) if isinstance(eos, int) else frozenset(eos)


# -- text ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextPiece:
    """Some more of an answer's text.

    Attributes:
        text: to be appended to what came before; empty in the last piece when nothing was held back.
        tokens: ids decoded so far.
        elapsed_s: seconds since the answer was asked for.
    """

    text: str
    tokens: int
    elapsed_s: float


def stream_pieces(
    tokenizer: "ChatGLMTokenizer", token_ids: Iterable[int], *, clock: Callable[[], float] = time.perf_counter
) -> Iterator[TextPiece]:
    """Yield the text of `token_ids` as soon as no later id can change it; a last piece has the final counts.

    All texts joined are `process_response(tokenizer.decode(token_ids))`.
    """
    begun = clock()
    answer = AnswerText(tokenizer)
    tokens = 0
    for token_id in token_ids:
        tokens += 1
        text = answer.feed(token_id)
        if text:
            yield TextPiece(text, tokens, clock() - begun)
    yield TextPiece(answer.finish(), tokens, clock() - begun)


# -- questions ----------------------------------------------------------------------------------------------


def build_prompt(query: str, history: History | None = None) -> str:
    """Return the text that the published model is asked with: the bare question, or numbered rounds."""
    if not history:
        return query
    rounds = [f"[Round {i}]\n问：{question}\n答：{answer}\n" for i, (question, answer) in enumerate(history)]
    return "".join(rounds) + f"[Round {len(history)}]\n问：{query}\n答："


def stream_chat(
    model: "ChatGLMForConditionalGeneration",
    tokenizer: "ChatGLMTokenizer",
    query: str,
    history: History | None = None,
    max_length: int = 2048,
    temperature: float = GREEDY_TEMPERATURE,
    top_p: float = 1.0,
    *,
    generator: torch.Generator | None = None,
    should_stop: Callable[[], bool] | None = None,
    prefix_key_values: PrefixKeyValues | None = None,
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield (answer so far, history with it) whenever the answer grows, and at least once.

    Every answer begins with the one before. Arguments as in `stream_token_ids`.

    Raises:
        UsageError: question and history leave no room for an answer.
    """
    ids = tokenizer.encode(build_prompt(query, history))
    token_ids = stream_token_ids(
        model,
        torch.tensor([ids]),
        max_length=max_length,
        temperature=temperature,
        top_p=top_p,
        eos=tokenizer.eos_token_id,
        generator=generator,
        should_stop=should_stop,
        prefix_key_values=prefix_key_values,
    )
    earlier = [(question, answer) for question, answer in history or ()]
    response = ""
    yielded = False
    for piece in stream_pieces(tokenizer, token_ids):
        response += piece.text
        if piece.text:
            yield response, [*earlier, (query, response)]
            yielded = True
    if not yielded:
        yield response, [*earlier, (query, response)]


def chat(
    model: "ChatGLMForConditionalGeneration",
    tokenizer: "ChatGLMTokenizer",
    query: str,
    history: History | None = None,
    max_length: int = 2048,
    temperature: float = GREEDY_TEMPERATURE,
    top_p: float = 1.0,
    *,
    generator: torch.Generator | None = None,
    prefix_key_values: PrefixKeyValues | None = None,
) -> tuple[str, list[tuple[str, str]]]:
    """Return the whole answer, and the history with it. Arguments as in `stream_chat`."""
    *_, last = stream_chat(
        model,
        tokenizer,
        query,
        history,
        max_length,
        temperature,
        top_p,
        generator=generator,
        prefix_key_values=prefix_key_values,
    )
    return last
