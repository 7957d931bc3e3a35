"""The search over options, on models that are functions of text."""

import hashlib
import itertools
import math
import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoan.assistant.engine import Choice, OptionQuestion
from xiaoan.assistant.option_scoring import LARGEST_SEARCH, Found, Written, best_sets, search
from xiaoan.errors import UsageError
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR

END = "\0"
OPTIONS = ("绝缘靴", "绝缘手套", "安全帽", "护目镜", "雨衣")


class CharacterModel:
    """Log-probabilities that depend on each character and all before it, the same for the same text."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.asked = 0
        self.rounds = 0

    def log_probabilities(self, wanted: Mapping[int, Sequence[Written]]) -> dict[int, list[float]]:
        self.rounds += 1
        self.asked += sum(map(len, wanted.values()))
        return {number: [self.score(written) for written in own] for number, own in wanted.items()}

    def score(self, written: Written) -> float:
        text, following = written
        if following:
            signs = itertools.takewhile(lambda ways: len(set(ways)) == 1, zip(*following, strict=False))
            text += "".join(sign for sign, *_ in signs)
        else:
            text += END
        return sum(self._one(text[: end + 1]) for end in range(len(text)))

    def _one(self, before: str) -> float:
        digest = hashlib.sha256(f"{self.seed}{before}".encode()).digest()
        return math.log((digest[0] + 1) / 257)


class Oracle(CharacterModel):
    """Nearly certain of one answer text."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer + END

    def _one(self, before: str) -> float:
        return math.log(0.99 if self.answer.startswith(before) else 0.001)


def best_set(model: CharacterModel, options: Sequence[str], *, only_one: bool = False) -> Choice:
    return best_sets(model, [OptionQuestion("题", tuple(options), only_one=only_one)])[0]


def best_by_enumeration(model: CharacterModel, texts: Sequence[str]) -> tuple[set[str], float]:
    orders = [order for n in range(1, len(texts) + 1) for order in itertools.permutations(texts, n)]
    scores = {order: model.score((ANSWER_SEPARATOR.join(order), ())) for order in orders}
    best = max(scores, key=lambda order: scores[order])
    return set(best), scores[best]


@pytest.mark.parametrize("seed", range(20))
def test_search_finds_what_trying_every_order_of_every_set_finds(seed: int) -> None:
    choice = best_set(CharacterModel(seed), OPTIONS)
    chosen, score = best_by_enumeration(CharacterModel(seed), OPTIONS)
    assert {OPTIONS[i] for i in choice.selected} == chosen
    assert choice.log_probability == score
    assert choice.proven


@settings(max_examples=60)
@given(st.permutations(OPTIONS), st.integers(0, 50), st.booleans())
def test_no_permutation_of_the_options_changes_the_answer(
    shown: list[str], seed: int, only_one: bool
) -> None:
    reference = best_set(CharacterModel(seed), OPTIONS, only_one=only_one)
    choice = best_set(CharacterModel(seed), shown, only_one=only_one)
    assert {shown[i] for i in choice.selected} == {OPTIONS[i] for i in reference.selected}
    assert choice.log_probability == reference.log_probability


@settings(max_examples=40)
@given(st.lists(st.tuples(st.permutations(OPTIONS), st.booleans(), st.integers(1, 5)), max_size=6))
def test_a_question_is_decided_among_others_as_alone(asked: list[tuple[list[str], bool, int]]) -> None:
    questions = [OptionQuestion("题", tuple(shown[:n]), only_one=one) for shown, one, n in asked]
    alone = [best_sets(CharacterModel(), [question])[0] for question in questions]
    assert best_sets(CharacterModel(), questions) == alone


@settings(max_examples=40)
@given(st.sets(st.sampled_from(OPTIONS), min_size=1), st.permutations(OPTIONS), st.randoms())
def test_the_set_that_the_model_is_sure_of_is_found_in_any_order_with_few_questions(
    right: set[str], shown: list[str], source: random.Random
) -> None:
    order = sorted(right)
    source.shuffle(order)
    oracle = Oracle(ANSWER_SEPARATOR.join(order))
    choice = best_set(oracle, shown)
    assert {shown[i] for i in choice.selected} == right
    assert oracle.rounds == len(right)
    assert oracle.asked <= 2 * 5 * len(right)


def test_many_questions_take_no_more_rounds_than_the_longest_of_them() -> None:
    oracle = Oracle(ANSWER_SEPARATOR.join(OPTIONS[:3]))
    questions = [
        OptionQuestion("题", OPTIONS),
        OptionQuestion("题", OPTIONS[3:]),
        OptionQuestion("题", OPTIONS),
    ]
    assert [choice.selected for choice in best_sets(oracle, questions)][::2] == [(0, 1, 2), (0, 1, 2)]
    assert oracle.rounds == 3


def test_only_one_is_exactly_one_and_takes_one_round() -> None:
    oracle = Oracle(ANSWER_SEPARATOR.join(OPTIONS[:2]))
    assert len(best_set(oracle, OPTIONS, only_one=True).selected) == 1
    assert (oracle.rounds, oracle.asked) == (1, len(OPTIONS))


def test_equal_scores_go_to_the_first_text_in_every_order() -> None:
    class Indifferent(CharacterModel):
        def _one(self, before: str) -> float:
            return -1.0

    for shown in itertools.permutations(["甲", "乙", "丙"]):
        assert [shown[i] for i in best_set(Indifferent(), shown).selected] == [
            "丙"
        ]  # U+4E19, before 乙 and 甲


def test_the_separator_is_the_question_s_own() -> None:
    oracle = Oracle("A. 甲\nC. 丙")
    question = OptionQuestion("题", ("A. 甲", "B. 乙", "C. 丙"), separator="\n")
    assert best_sets(oracle, [question])[0].selected == (0, 2)


def test_the_same_text_twice_counts_as_one_option_the_first() -> None:
    shown = ["绝缘靴", "安全帽", "绝缘靴 "]
    assert best_set(Oracle("绝缘靴"), shown).selected == (0,)
    assert best_set(Oracle("绝缘靴"), shown[::-1]).selected == (0,)


def test_all_of_26_options_are_found_within_the_budget() -> None:
    options = [f"选项{n:02}" for n in range(26)]
    random.Random(3).shuffle(options)
    oracle = Oracle(ANSWER_SEPARATOR.join(sorted(options)))
    choice = best_set(oracle, options)
    assert (len(choice.selected), choice.proven) == (26, True)
    assert oracle.asked <= LARGEST_SEARCH


def test_a_search_over_its_budget_gives_the_best_that_it_has_seen_and_says_so() -> None:
    oracle = Oracle(ANSWER_SEPARATOR.join(OPTIONS))
    searching = search(list(OPTIONS), ANSWER_SEPARATOR, only_one=False, budget=10)
    scores = [oracle.score(written) for written in next(searching)]
    with pytest.raises(StopIteration) as end:
        searching.send(scores)
    assert end.value.value == Found((0,), max(scores[::2]), proven=False)


@pytest.mark.parametrize("options", [(), tuple(map(str, range(27)))])
def test_no_options_and_too_many_are_errors(options: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="选项应有"):
        best_set(CharacterModel(), options)


def test_nothing_is_asked_where_there_is_no_question() -> None:
    model = CharacterModel()
    assert best_sets(model, []) == []
    assert model.rounds == 0
