"""How probable are texts as answers? From queries and texts to the token ids that `continuations` scores.

A finished answer is weighed as the model would have written it: its tokens and the end token after them.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xiaoan.chatglm.continuations import Continuations, batches
from xiaoan.chatglm.prefix_encoder import PrefixKeyValues
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
    from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

Written = tuple[str, tuple[str, ...]]
"""A text of an answer, and ways in which the answer may go on behind it; without any, it ends there."""


def encode_prompt(tokenizer: "ChatGLMTokenizer", query: str, window: int) -> list[int]:
    """Return the ids of `query`, [gMASK] and `<sop>`.

    Raises:
        UsageError: they leave no room for an answer in the model's `window`.
    """
    ids: list[int] = tokenizer.encode(query)
    if len(ids) >= window:
        raise UsageError(
            f"问题太长：有 {len(ids)} 个词元，问题和答案合计最多 {window} 个。\n请缩短问题，一次只问一道题。"
        )
    return ids


class AnswerScorer:
    """Scores texts as answers to the queries of one batch.

    Args:
        model: in evaluation mode.
        tokenizer: the model's.
        queries: what is asked.
        prefix_key_values: the prefix's keys and values if already computed; None lets the model compute them.
        once: `log_probabilities` will be called no more than once, which is faster.

    Raises:
        UsageError: a query leaves no room for an answer.
    """

    def __init__(
        self,
        model: "ChatGLMForConditionalGeneration",
        tokenizer: "ChatGLMTokenizer",
        queries: Sequence[str],
        prefix_key_values: PrefixKeyValues | None = None,
        *,
        once: bool = False,
    ) -> None:
        self._tokenizer = tokenizer
        self._window = int(model.config.max_sequence_length)
        self._encoded: dict[str, list[int]] = {}
        self._prompts = [encode_prompt(tokenizer, query, self._window) for query in queries]
        self._continuations = Continuations(model, self._prompts, prefix_key_values, once=once)

    @property
    def states(self) -> Tensor:
        """The queries' states `[queries, hidden]`, float32 on the CPU; there once something was scored."""
        return self._continuations.states

    def log_probabilities(self, wanted: Mapping[int, Sequence[Written]]) -> dict[int, list[float]]:
        """Return log p(text | query) of every text asked for, by the query's number; -inf where the window ends before it.

        A finished text is scored with the end behind it, any other up to the last token that all its ways of going on
        share. A query that is left out once may not be asked again.
        """
        paths = {
            query: [self._answer_ids(written) for written in texts] for query, texts in sorted(wanted.items())
        }
        fitting = {
            query: [ids for ids in found if len(ids) <= self._window - len(self._prompts[query])]
            for query, found in paths.items()
        }
        scores = self._continuations.log_probabilities(fitting)
        return {
            query: [
                scores[query].pop(0) if len(ids) <= self._window - len(self._prompts[query]) else -math.inf
                for ids in found
            ]
            for query, found in paths.items()
        }

    def _answer_ids(self, written: Written) -> list[int]:
        text, following = written
        if not following:
            return [*self._ids(text), int(self._tokenizer.eos_token_id)]
        ways = zip(*(self._ids(text + more) for more in following), strict=False)
        return [way[0] for way in takewhile(lambda way: len(set(way)) == 1, ways)]

    def _ids(self, text: str) -> list[int]:
        if text not in self._encoded:
            self._encoded[text] = self._tokenizer.encode(text, add_special_tokens=False)
        return self._encoded[text]


def weigh_answers(
    model: "ChatGLMForConditionalGeneration",
    tokenizer: "ChatGLMTokenizer",
    written: Sequence[tuple[str, str]],
    prefix_key_values: PrefixKeyValues | None = None,
) -> tuple[list[float], Tensor]:
    """Return log p(answer and end | query) of each (query, answer), and each query's state `[n, hidden]`.

    An empty answer has -inf: what is not there speaks for nothing. Arguments and errors as `AnswerScorer`.
    """
    answers: dict[str, dict[str, float]] = {}
    for query, answer in written:
        answers.setdefault(query, {})[answer] = -math.inf
    asked = list(answers)
    states = torch.zeros(len(asked), int(model.config.hidden_size))
    for places in batches(model, [columns_of(query, list(answers[query])) for query in asked]):
        scorer = AnswerScorer(
            model, tokenizer, [asked[place] for place in places], prefix_key_values, once=True
        )
        texts = [[text for text in answers[asked[place]] if text] for place in places]
        scores = scorer.log_probabilities({i: [(text, ()) for text in own] for i, own in enumerate(texts)})
        states[places] = scorer.states
        for i, place in enumerate(places):
            answers[asked[place]].update(zip(texts[i], scores[i], strict=True))
    rows = {query: row for row, query in enumerate(asked)}
    own_states = states[[rows[query] for query, _ in written]]
    return [answers[query][answer] for query, answer in written], own_states


def columns_of(query: str, texts: Sequence[str]) -> int:
    """Return about how many tokens a query and texts that answer it have.

    A Chinese character is one at most, or three bytes where the vocabulary lacks it, which is rare.
    """
    return len(query) + sum(len(text) + 1 for text in texts)
