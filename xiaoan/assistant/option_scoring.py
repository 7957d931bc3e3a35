"""Which of the options does the model mean? Decided by content, never by letter or place.

An option, or a set of options, is worth the log-probability of its text after the stem alone; letters and the order on
the screen are never shown to the model. A set has one spelling, its texts sorted and joined by `; ` (the order that
the prefix was trained with), so the answer cannot change when options are shuffled or relabelled.

The best set is found by best-first search over sorted sets: adding text can only lower a log-probability, so the first
finished answer that leaves the queue is the best of all 2^n - 1, proven without trying them.
"""

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from xiaoan.assistant.engine import Choice
from xiaoan.errors import UsageError
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR, normalize_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from transformers.cache_utils import Cache

    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.chatglm.prefix_encoder import PrefixKeyValues

LONGEST_SEARCH = 26
"""More options than letters are refused: nobody shows them, and the search would have no bound on its time."""


class ContinuationScorer(Protocol):
    """Scores texts as continuations of one prompt."""

    def log_probabilities(self, texts: Sequence[str], *, finished: bool) -> list[float]:
        """Return log p(text | prompt) of each text; with `finished`, of the text and the end after it."""
        ...


@dataclass(order=True)
class _Candidate:
    """A sorted set on the queue. `cost` is minus a log-probability that no continuation can exceed."""

    cost: float
    tie: int
    places: tuple[int, ...] = field(compare=False)
    finished: bool = field(compare=False)


def best_set(scorer: ContinuationScorer, options: Sequence[str], *, only_one: bool = False) -> Choice:
    """Return the most probable non-empty set of `options` (a single one if `only_one`).

    Options that are the same text once normalised count as one, the first. The result depends on the texts only.

    Raises:
        UsageError: no options, or more than 26.
    """
    if not options or len(options) > LONGEST_SEARCH:
        raise UsageError(f"选项应有 1 到 {LONGEST_SEARCH} 个，这里有 {len(options)} 个。")
    first_place: dict[str, int] = {}
    for place, text in enumerate(options):
        first_place.setdefault(normalize_text(text), place)
    texts = sorted(first_place)
    winner = _search(scorer, texts, only_one)
    return Choice(tuple(sorted(first_place[texts[i]] for i in winner.places)), -winner.cost)


def _search(scorer: ContinuationScorer, texts: Sequence[str], only_one: bool) -> _Candidate:
    counter = itertools.count()
    queue: list[_Candidate] = []

    def push(sets: Sequence[tuple[int, ...]], *, finished: bool) -> None:
        written = [ANSWER_SEPARATOR.join(texts[i] for i in places) for places in sets]
        for places, score in zip(sets, scorer.log_probabilities(written, finished=finished), strict=True):
            heapq.heappush(queue, _Candidate(-score, next(counter), places, finished))

    singles = [(i,) for i in range(len(texts))]
    push(singles, finished=only_one)
    while not queue[0].finished:
        opened = heapq.heappop(queue)
        push([opened.places], finished=True)
        longer = [(*opened.places, i) for i in range(opened.places[-1] + 1, len(texts))]
        if longer:
            push(longer, finished=False)
    return queue[0]


class ModelContinuations:
    """Scores continuations of one prompt with a ChatGLM model; the prompt's keys and values are computed once."""

    def __init__(
        self,
        model: "ChatGLMForConditionalGeneration",
        tokenizer: "PreTrainedTokenizerBase",
        prompt: str,
        prefix_key_values: "PrefixKeyValues | None" = None,
    ) -> None:
        import torch

        self.model = model
        self.tokenizer = tokenizer
        ids = tokenizer.build_inputs_with_special_tokens(tokenizer.encode(prompt, add_special_tokens=False))
        self.place = ids.index(tokenizer.gmask_token_id)
        input_ids = torch.tensor([ids], device=model.device)
        with torch.inference_mode():
            outputs = model(input_ids, use_cache=True, logits_to_keep=1, prefix_key_values=prefix_key_values)
        self.keys_and_values = [(layer.keys, layer.values) for layer in outputs.past_key_values.layers]
        self.first = torch.log_softmax(outputs.logits[0, -1].float(), dim=-1)

    def log_probabilities(self, texts: Sequence[str], *, finished: bool) -> list[float]:
        """See `ContinuationScorer`. An unfinished text is scored up to the last token that more text cannot change."""
        import torch

        rows = [self._token_ids(text, finished) for text in texts]
        width = max(1, *(len(row) for row in rows))
        pad = int(self.tokenizer.pad_token_id)
        ids = torch.tensor([row + [pad] * (width - len(row)) for row in rows], device=self.model.device)
        steps = torch.arange(2, width + 2, device=ids.device)
        positions = torch.stack((torch.full_like(steps, self.place), steps)).expand(len(rows), -1, -1)
        with torch.inference_mode():
            logits = self.model(
                ids, position_ids=positions, past_key_values=self._copied_cache(len(rows))
            ).logits
        following = torch.log_softmax(logits[:, :-1].float(), dim=-1)
        later = following.gather(-1, ids[:, 1:, None]).squeeze(-1)
        scores = torch.cat((self.first[ids[:, :1]], later), dim=1)  # [texts, width]
        return [float(score[: len(row)].double().sum()) for score, row in zip(scores, rows, strict=True)]

    def _copied_cache(self, rows: int) -> "Cache":
        """A fresh cache with the prompt's keys and values, once for each row."""
        from transformers.cache_utils import DynamicCache

        cache = DynamicCache(config=self.model.config)
        for i, (keys, values) in enumerate(self.keys_and_values):
            cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), i)
        return cache

    def _token_ids(self, text: str, finished: bool) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        if finished:
            return [*ids, int(self.tokenizer.eos_token_id)]
        longer = self.tokenizer.encode(text + ANSWER_SEPARATOR, add_special_tokens=False)
        shared = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(ids, longer, strict=False))
        return [first for first, _ in shared]
