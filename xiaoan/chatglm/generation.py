"""Answering with a ChatGLM model, on three floors: token ids, pieces of text, whole answers.

1. `stream_token_ids` knows no strings. It is `prefill` once, then `decode_one_token` again and again over a
   static cache whose first `pre_seq_len` rows hold the prefix. A step takes one token through the model and
   concatenates nothing; the cache and its mask grow by whole buckets.
2. `stream_pieces` turns ids into text that is never taken back, with counts and times.
3. `stream_chat` and `chat` take a question and a history, as people know them from the published model.
"""

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the ecosystem's name
from transformers.cache_utils import StaticCache, StaticLayer

from xiaoan.chatglm.prefix_encoder import PrefixKeyValues
from xiaoan.chatglm.response_text import AnswerText
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

CACHE_BUCKET = 128
"""A decoding cache has a multiple of this many rows."""

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
        return clean_scores(logits).argmax(dim=-1, keepdim=True)
    scores = process_scores(logits, temperature=temperature, top_p=top_p, top_k=top_k)
    return torch.multinomial(scores.softmax(dim=-1), 1, generator=generator)


# -- token ids ----------------------------------------------------------------------------------------------


@dataclass
class DecodingState:
    """What decoding carries from token to token.

    Attributes:
        cache: keys and values; rows `[prefix, prompt, answer so far, free]`.
        blocked: bool `[b, 1, 1, rows]`, true where a new token may not look: padding and free rows.
        position_ids: int64 `[b, 2, 1]` of the token decoded last.
        filled: number of rows in use.
    """

    cache: StaticCache
    blocked: Tensor
    position_ids: Tensor
    filled: int


@torch.inference_mode()
def prefill(
    model: "ChatGLMForConditionalGeneration",
    input_ids: Tensor,
    *,
    attention_mask: Tensor | None = None,
    prefix_key_values: PrefixKeyValues | None = None,
    cache_length: int | None = None,
) -> tuple[Tensor, DecodingState]:
    """Run the prompts through the model and return the logits that follow them `[b, vocab]`, and the state.

    Args:
        model: in evaluation mode.
        input_ids: `[b, s]`, each row with [gMASK] or [MASK] and `<sop>`; shorter ones padded on the left.
        attention_mask: `[b, s]`, 1 for tokens and 0 for padding; None where there is no padding.
        prefix_key_values: the prefix's keys and values if already computed; None lets the model compute them.
        cache_length: rows to begin with, when the caller knows how many tokens will come; None: whole buckets.
    """
    from xiaoan.chatglm.modeling_chatglm import two_dimensional_positions

    b, s = input_ids.shape
    filled = s + (model.config.pre_seq_len or 0)
    rows = _whole_buckets(filled + 1) if cache_length is None else max(filled + 1, cache_length)
    cache = StaticCache(config=model.config, max_cache_len=rows)
    starts = None if attention_mask is None else attention_mask.int().argmax(dim=1)
    positions = two_dimensional_positions(input_ids, model.config, starts)
    outputs = model(
        input_ids=input_ids,
        attention_mask=attention_mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
        prefix_key_values=prefix_key_values,
    )
    blocked = torch.ones(b, 1, 1, cache.get_max_length(), dtype=torch.bool, device=input_ids.device)
    blocked[..., :filled] = False
    if attention_mask is not None:
        blocked[:, 0, 0, filled - s : filled] = attention_mask == 0
    return outputs.logits[:, -1], DecodingState(cache, blocked, positions[..., -1:].clone(), filled)


@torch.inference_mode()
def decode_one_token(
    model: "ChatGLMForConditionalGeneration", token_ids: Tensor, state: DecodingState
) -> Tensor:
    """Run one more token of each row `[b, 1]` through the model; return the logits that follow `[b, vocab]`.

    `state` is updated in place.
    """
    if state.filled == state.blocked.shape[-1]:
        _add_bucket(model, state)
    state.blocked[..., state.filled] = False
    state.filled += 1
    state.position_ids[:, 1] += 1
    outputs = model(
        input_ids=token_ids,
        attention_mask=state.blocked,
        position_ids=state.position_ids,
        past_key_values=state.cache,
        use_cache=True,
        prefix_key_values=(),
    )
    return cast(Tensor, outputs.logits[:, -1])


def _whole_buckets(rows: int) -> int:
    return -(-rows // CACHE_BUCKET) * CACHE_BUCKET


def _add_bucket(model: "ChatGLMForConditionalGeneration", state: DecodingState) -> None:
    longer = StaticCache(config=model.config, max_cache_len=state.filled + CACHE_BUCKET)
    for i, layer in enumerate(state.cache.layers):
        filled = cast(StaticLayer, layer)
        longer.update(cast(Tensor, filled.keys), cast(Tensor, filled.values), i)
    state.cache = longer
    state.blocked = F.pad(state.blocked, (0, CACHE_BUCKET), value=True)


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
) -> Iterator[int]:
    """Yield the ids of the answer to one prompt, the last one included, the end token not.

    Args:
        model: in evaluation mode.
        input_ids: the prompt `[1, s]`.
        max_length: tokens in total, prompt and answer; never more than the model's `max_sequence_length`.
        temperature: at most 0.01: greedy.
        top_p: see `keep_top_p`.
        top_k: see `keep_top_k`.
        eos: end token or tokens; None: the model's own.
        generator: source of randomness, on the model's device.
        should_stop: asked before every token; true ends the answer.
        prefix_key_values: as in `prefill`.

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
    token_ids, state = input_ids.to(model.device), None
    for _ in range(longest - input_ids.shape[1]):
        if should_stop is not None and should_stop():
            return
        if state is None:
            logits, state = prefill(model, token_ids, prefix_key_values=prefix_key_values)
        else:
            logits = decode_one_token(model, token_ids, state)
        token_ids = choose_token(
            logits, temperature=temperature, top_p=top_p, top_k=top_k, generator=generator
        )
        token_id = int(token_ids)
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
