"""Does a prefix still give its answers on a base in another precision? Measured on a few of its training pairs.

A prefix is trained to the rounding of its base. On the same base in other bits most of it holds; how much depends on
both, so it is measured where it can be: at training a few pairs are written on the prefix's card with what the model
gave, and at loading the same pairs are asked again in one batched forward pass.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_checkpoint import PrefixCard, Probe
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues
from xiaoan.chatglm.quantization import QUANTIZED_BITS, precision_name
from xiaoan.errors import PrefixMismatchError

PROBES = 8
NOT_ANSWER = -100
LARGEST_FALL = 1.0
"""A pair that was not exact in training holds if its log-probability a token falls by no more than this."""
LEAST_HELD = 0.5
"""A prefix is refused where fewer than this share of its probes hold: an unrelated base holds none."""


class Asked(Protocol):
    """What a probe is measured on: a training pair without history, or an earlier probe."""

    @property
    def content(self) -> str:
        """What is asked."""
        ...

    @property
    def summary(self) -> str:
        """The answer that was learnt."""
        ...


def chosen_probes(pairs: Sequence[Asked], limit: int = PROBES) -> list[Asked]:
    """Return at most `limit` of `pairs`, evenly spread: always the same ones."""
    count = min(limit, len(pairs))
    return [pairs[i * len(pairs) // count] for i in range(count)]


@torch.inference_mode()
def measure_probes(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Asked],
    *,
    limit: int = PROBES,
    prefix_key_values: PrefixKeyValues | None = None,
) -> tuple[Probe, ...]:
    """Return at most `limit` of `pairs` with what the model gives: one forward pass over the right answers.

    Args:
        model: with the prefix in place; is in evaluation mode meanwhile, and then as it was.
        tokenizer: the model's.
        pairs: without history; evenly spread ones are chosen.
        limit: how many.
        prefix_key_values: of another prefix than the model's own.
    """
    chosen = chosen_probes(pairs, limit)
    if not chosen:
        return ()
    input_ids, labels = _encoded(tokenizer, chosen)
    was_training = model.training
    model.train(False)
    try:
        hidden = model.transformer(
            input_ids.to(model.device), use_cache=False, prefix_key_values=prefix_key_values
        ).last_hidden_state[:, :-1]
    finally:
        model.train(was_training)
    targets = labels[:, 1:].to(model.device)
    wanted = targets != NOT_ANSWER
    scores = model.lm_head(hidden[wanted]).float().log_softmax(dim=-1)
    right = targets[wanted]
    lengths = wanted.sum(dim=1).tolist()
    log_probabilities = scores.gather(1, right[:, None]).squeeze(1).split(lengths)
    hits = (scores.argmax(dim=-1) == right).split(lengths)
    return tuple(
        Probe(pair.content, pair.summary, round(float(found.mean()), 6), bool(hit.all()))
        for pair, found, hit in zip(chosen, log_probabilities, hits, strict=True)
    )


def _encoded(tokenizer: PreTrainedTokenizerBase, pairs: Sequence[Asked]) -> tuple[Tensor, Tensor]:
    """Return ids and labels `[b, s]` in the published layout, padded on the right; -100 up to `<sop>`."""
    rows, answers = [], []
    for pair in pairs:
        source = tokenizer.encode(pair.content, add_special_tokens=False)
        target = tokenizer.encode(pair.summary, add_special_tokens=False)
        ids = tokenizer.build_inputs_with_special_tokens(source, target)
        context = len(source) + 2
        rows.append(torch.tensor(ids))
        answers.append(torch.tensor([NOT_ANSWER] * context + ids[context:]))
    pad = int(tokenizer.pad_token_id)
    input_ids = pad_sequence(rows, batch_first=True, padding_value=pad)
    return input_ids, pad_sequence(answers, batch_first=True, padding_value=NOT_ANSWER)


def holds(before: Probe, now: Probe) -> bool:
    """Return whether a probe is answered as in training: exactly again, or about as likely where it was not exact."""
    if before.exact:
        return now.exact
    return now.log_probability >= before.log_probability - LARGEST_FALL


def measurable(card: PrefixCard, *, stored_bits: int) -> bool:
    """Return whether measuring may decide about a base whose files have another hash than the card says.

    It may where one of the two is in other bits: then the same base has another hash. Two bases in floating point with
    different hashes are different bases.
    """
    return bool(card.probes) and (stored_bits > 0 or card.dtype in QUANTIZED_BITS)


def probe_warnings(
    card: PrefixCard | None,
    model: ChatGLMForConditionalGeneration,
    tokenizer: Callable[[], PreTrainedTokenizerBase],
    *,
    prefix: str,
    base_sha256: str,
    prefix_key_values: PrefixKeyValues | None = None,
) -> tuple[str, ...]:
    """Return what the person should know about a prefix on this base, empty where nothing differs from its training.

    Nothing is measured where precision and base are those of the training. Of two precisions in floating point only a
    difference is told.

    Args:
        card: of the prefix, None for a published one.
        model: with the prefix in place unless its keys and values are given.
        tokenizer: gives the model's, asked only when something is measured.
        prefix: its path, for messages.
        base_sha256: of the base's stored weights.
        prefix_key_values: of the prefix if it is not yet in place.

    Raises:
        PrefixMismatchError: fewer than half of the probes hold.
    """
    precision = precision_name(model)
    quantised = precision in QUANTIZED_BITS
    if card is None or not card.probes or not card.dtype:
        return (
            (_unmeasured(card, precision),) if quantised and (card is None or card.dtype != precision) else ()
        )
    same_base = card.base_sha256 == base_sha256
    if same_base and card.dtype == precision:
        return ()
    now = measure_probes(
        model, tokenizer(), card.probes, limit=len(card.probes), prefix_key_values=prefix_key_values
    )
    held = sum(holds(*pair) for pair in zip(card.probes, now, strict=True))
    if held < LEAST_HELD * len(now):
        raise _gibberish(card, now, held, prefix, precision)
    if held == len(now) and same_base and not quantised and card.dtype not in QUANTIZED_BITS:
        return ()
    return (_measured(card, now, held, precision, same_base=same_base),)


def _unmeasured(card: PrefixCard | None, precision: str) -> str:
    if card is None:
        return (
            f"这个前缀没有训练说明（官方格式），底座现在是 {precision}：量化后答案可能和原来不同，没法抽查。"
        )
    return f"这个前缀的说明里没有抽查题，底座现在是 {precision}：量化后答案可能和训练时不同。"


def _measured(card: PrefixCard, now: Sequence[Probe], held: int, precision: str, *, same_base: bool) -> str:
    where = f"前缀在 {card.dtype} 上训练，现在是 {precision}"
    if not same_base:
        where += "，底座文件也不是训练时的那一份"
    result = f"抽查 {len(now)} 题，{held} 题与训练时一致"
    advice = "" if held == len(now) else "；要和训练时一样，请在现在的精度上重新训练，或用训练时的精度"
    return f"{where}：{result}{advice}。"


def _gibberish(
    card: PrefixCard, now: Sequence[Probe], held: int, prefix: str, precision: str
) -> PrefixMismatchError:
    before_mean = sum(probe.log_probability for probe in card.probes) / len(card.probes)
    now_mean = sum(probe.log_probability for probe in now) / len(now)
    return PrefixMismatchError(
        f"前缀 {prefix} 在这个底座上答不出训练过的题：抽查 {len(now)} 题，只有 {held} 题与训练时一致，"
        f"每个字词的平均对数概率从 {before_mean:.2f} 变成 {now_mean:.2f}。\n"
        f"  前缀训练时：{card.base}，{card.dtype}\n"
        f"  现在：{precision}\n"
        "请换回训练时的底座和精度，或在现在的底座上重新训练前缀；也可以用 --prefix off。"
    )
