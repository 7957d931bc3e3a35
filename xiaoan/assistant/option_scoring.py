"""Which of the options does the model mean? Decided by content, never by letter or place.

A set of options is worth the log-probability of its texts, written one after the other in their most probable order,
and of the end after them. The search takes the options in the order of their texts, so the answer cannot change when
they are shuffled or relabelled.

The best set is found by best-first search over orders in which each option stands at most once: adding text can only
lower a log-probability, so the first finished answer that leaves the queue is the best of all, proven without trying
them. A search asks for what it wants scored next and takes the scores; many questions then search in step, and what
all of them want is one forward pass (`best_sets`).
"""

import heapq
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from xiaoan.assistant.engine import Choice, OptionQuestion
from xiaoan.errors import UsageError
from xiaoan.question_bank.normalization import normalize_text

LONGEST_SEARCH = 26
"""More options than letters are refused: nobody shows them, and the search would have no bound on its time."""

LARGEST_SEARCH = 1000
"""Texts that may be scored for one question; all 26 options in one sure order take 702."""

NEAR = 1.5
"""Unfinished sets whose bound is so near to the best one's, in nats, are continued in the same forward pass."""

Written = tuple[str, tuple[str, ...]]
"""A text of an answer, and ways in which the answer may go on behind it; without any, it ends there."""


class AnswerScorer(Protocol):
    """Scores texts as answers to several questions at once; `chatglm.answer_weighing.AnswerScorer` is one."""

    def log_probabilities(self, wanted: Mapping[int, Sequence[Written]]) -> dict[int, list[float]]:
        """Return log p(text | question) of every text asked for, by the question's number.

        A text that goes on is scored as far as any of its ways of going on leaves it as it is. A question that is left
        out once is not asked again.
        """
        ...


@dataclass(frozen=True)
class Found:
    """What a search ended with: places of texts in the order written, its log-probability, and whether none is better."""

    places: tuple[int, ...]
    log_probability: float
    proven: bool


Search = Generator[list[Written], list[float], Found]
"""Yields texts to be scored, takes their log-probabilities, returns the best."""


@dataclass(order=True)
class _Candidate:
    """An order of options on the queue, a finished one before others of its cost.

    `cost` is minus a log-probability that no continuation can exceed.
    """

    cost: float
    goes_on: bool
    places: tuple[int, ...]


def best_sets(scorer: AnswerScorer, questions: Sequence[OptionQuestion]) -> list[Choice]:
    """Return the most probable non-empty set of options (a single one if `only_one`) of each question.

    Options that are the same text once normalised count as one, the first. A result depends on the texts only, and not
    on the other questions.

    Raises:
        UsageError: a question without options, or with more than 26.
    """
    listed = [texts_of(question) for question in questions]
    searches = [
        search([text for text, _ in texts], question.separator, only_one=question.only_one)
        for question, texts in zip(questions, listed, strict=True)
    ]
    wanted = {number: next(one) for number, one in enumerate(searches)}
    found: dict[int, Found] = {}
    while wanted:
        scores = scorer.log_probabilities(wanted)
        wanted = {}
        for number, own in scores.items():
            try:
                wanted[number] = searches[number].send(own)
            except StopIteration as end:
                found[number] = end.value
    return [_choice(found[number], texts) for number, texts in enumerate(listed)]


def texts_of(question: OptionQuestion) -> list[tuple[str, int]]:
    """Return the different options of a question, sorted, each with its place among those given.

    Raises:
        UsageError: no options, or more than 26.
    """
    if not question.options or len(question.options) > LONGEST_SEARCH:
        raise UsageError(f"选项应有 1 到 {LONGEST_SEARCH} 个，这里有 {len(question.options)} 个。")
    spellings: dict[str, list[tuple[str, int]]] = {}
    for place, text in enumerate(question.options):
        spellings.setdefault(normalize_text(text), []).append((text, place))
    return sorted((min(own)[0], own[0][1]) for own in spellings.values())


def _choice(found: Found, texts: Sequence[tuple[str, int]]) -> Choice:
    selected = tuple(sorted(texts[place][1] for place in found.places))
    return Choice(selected, found.log_probability, proven=found.proven)


def search(texts: Sequence[str], separator: str, *, only_one: bool, budget: int = LARGEST_SEARCH) -> Search:
    """Search the best set of `texts`, all different, at least one; see the head of this file.

    Args:
        texts: in an order that depends on nothing but them: it decides between equal scores.
        separator: stands between two of them.
        only_one: no set of more than one.
        budget: after so many scored texts the best that was found is returned, unproven.
    """
    queue: list[_Candidate] = []
    opened: list[tuple[int, ...]] = [()]
    scored = 0
    while opened:
        orders = [(*order, i) for order in opened for i in range(len(texts)) if i not in order]
        longest = 1 if only_one else len(texts)
        candidates = [(goes_on, order) for order in orders for goes_on in (False, True)]
        candidates = [
            (goes_on, order) for goes_on, order in candidates if not goes_on or len(order) < longest
        ]
        scores = yield [_written(texts, separator, *candidate) for candidate in candidates]
        for candidate, score in zip(candidates, scores, strict=True):
            heapq.heappush(queue, _Candidate(-score, *candidate))
        scored += len(candidates)
        if scored >= budget and queue[0].goes_on:
            best = min(candidate for candidate in queue if not candidate.goes_on)
            return Found(best.places, -best.cost, proven=False)
        opened = _to_open(queue)
    return Found(queue[0].places, -queue[0].cost, proven=True)


def _written(texts: Sequence[str], separator: str, goes_on: bool, order: Sequence[int]) -> Written:
    text = separator.join(texts[i] for i in order)
    if not goes_on:
        return text, ()
    unused = next(i for i in range(len(texts)) if i not in order)
    return text, (separator, separator + texts[unused])


def _to_open(queue: list[_Candidate]) -> list[tuple[int, ...]]:
    """Take the unfinished candidates off the queue that come before every finished one and are near to the best."""
    best = queue[0].cost
    opened = []
    while queue and queue[0].goes_on and queue[0].cost <= best + NEAR:
        opened.append(heapq.heappop(queue).places)
    return opened
