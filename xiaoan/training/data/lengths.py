"""How long questions and answers are in tokens, and what a run's limits would cut off them."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from xiaoan.errors import UsageError
from xiaoan.training.data.pairs import Pair, prompt_of

SOURCE_MARKS = 1
"""Tokens of `max_source_length` that are not the question's: [gMASK], as published."""
TARGET_MARKS = 2
"""Tokens of `max_target_length` that are not the answer's: <sop> and <eop>."""
_SHOWN = 3
_SHOWN_CHARACTERS = 24


@dataclass(frozen=True)
class Lengths:
    """The smallest `max_source_length` and `max_target_length` that cut nothing off some pairs."""

    source: int
    target: int


@dataclass(frozen=True)
class Cut:
    """The pairs whose question or answer is longer than the run's limits."""

    sources: tuple[Pair, ...]
    targets: tuple[Pair, ...]
    whole: tuple[Pair, ...]


def source_length(tokenizer: PreTrainedTokenizerBase, pair: Pair) -> int:
    """Return the `max_source_length` that a pair needs."""
    return len(tokenizer.encode(prompt_of(pair), add_special_tokens=False)) + SOURCE_MARKS


def target_length(tokenizer: PreTrainedTokenizerBase, pair: Pair) -> int:
    """Return the `max_target_length` that a pair needs."""
    return len(tokenizer.encode(pair.summary, add_special_tokens=False)) + TARGET_MARKS


def longest(tokenizer: PreTrainedTokenizerBase, pairs: Sequence[Pair]) -> Lengths:
    """Return what the longest question and the longest answer need; the least possible without pairs."""
    return Lengths(
        max((source_length(tokenizer, pair) for pair in pairs), default=SOURCE_MARKS),
        max((target_length(tokenizer, pair) for pair in pairs), default=TARGET_MARKS),
    )


def cut_by(
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    *,
    max_source_length: int,
    max_target_length: int,
) -> Cut:
    """Return which of `pairs` the limits cut."""
    sources, targets, whole = [], [], []
    for pair in pairs:
        long_source = source_length(tokenizer, pair) > max_source_length
        long_target = target_length(tokenizer, pair) > max_target_length
        if long_source:
            sources.append(pair)
        if long_target:
            targets.append(pair)
        if not long_source and not long_target:
            whole.append(pair)
    return Cut(tuple(sources), tuple(targets), tuple(whole))


def cut_notices(cut: Cut, *, max_source_length: int, max_target_length: int) -> list[str]:
    """Return what the person should know about what is cut: how many, and which; nothing where nothing is."""
    notices = []
    if cut.sources:
        notices.append(
            f"{len(cut.sources)} 条问题超过 {max_source_length} 个词元，尾部会截掉"
            f"（--max-source-length 可以加大）：{_shown(cut.sources)}"
        )
    if cut.targets:
        notices.append(
            f"{len(cut.targets)} 条回答超过 {max_target_length} 个词元，只能学到截断的回答"
            f"（--max-target-length 可以加大）：{_shown(cut.targets)}"
        )
    return notices


def check_answers(cut: Cut, asked: int, *, max_target_length: int) -> None:
    """Refuse a run in which not one answer is learnt whole.

    Raises:
        UsageError: all `asked` answers are cut.
    """
    if asked and len(cut.targets) == asked:
        raise UsageError(
            f"全部 {asked} 条回答都超过 {max_target_length} 个词元，一条也学不完整：{_shown(cut.targets)}。"
            "请加大 --max-target-length。"
        )


def _shown(pairs: Sequence[Pair]) -> str:
    texts = [_short(pair.content) for pair in pairs[:_SHOWN]]
    return "、".join(f"“{text}”" for text in texts) + (" 等" if len(pairs) > _SHOWN else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 1] + "…"
