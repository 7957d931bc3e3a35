import hashlib
import itertools
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoan.assistant.option_scoring import best_set
from xiaoan.errors import UsageError
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR, normalize_text

OPTIONS = ("绝缘靴", "绝缘手套", "安全帽", "护目镜", "雨衣")


class CharacterModel:
    """Log-probabilities that depend on each character and all before it, the same for the same text."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.asked = 0

    def log_probabilities(self, texts: Sequence[str], *, finished: bool) -> list[float]:
        self.asked += len(texts)
        return [self.score(text, finished=finished) for text in texts]

    def score(self, text: str, *, finished: bool) -> float:
        written = text + ("\n" if finished else "")
        return sum(self._one(written[: end + 1]) for end in range(len(written)))

    def _one(self, before: str) -> float:
        digest = hashlib.sha256(f"{self.seed}{before}".encode()).digest()
        return math.log((digest[0] + 1) / 257)


class Oracle(CharacterModel):
    """Nearly certain of one answer text."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer + "\n"

    def _one(self, before: str) -> float:
        return math.log(0.99 if self.answer.startswith(before) else 0.001)


def best_by_enumeration(model: CharacterModel, options: Sequence[str]) -> set[str]:
    texts = sorted({normalize_text(option) for option in options})
    sets = [c for n in range(1, len(texts) + 1) for c in itertools.combinations(texts, n)]
    return set(max(sets, key=lambda chosen: model.score(ANSWER_SEPARATOR.join(chosen), finished=True)))


@pytest.mark.parametrize("seed", range(20))
def test_search_finds_what_trying_every_set_finds(seed: int) -> None:
    choice = best_set(CharacterModel(seed), OPTIONS)
    assert {OPTIONS[i] for i in choice.selected} == best_by_enumeration(CharacterModel(seed), OPTIONS)


@given(st.permutations(OPTIONS), st.integers(0, 50))
def test_no_permutation_of_the_options_changes_the_answer(shown: list[str], seed: int) -> None:
    reference = best_set(CharacterModel(seed), OPTIONS)
    choice = best_set(CharacterModel(seed), shown)
    assert {shown[i] for i in choice.selected} == {OPTIONS[i] for i in reference.selected}
    assert choice.log_probability == pytest.approx(reference.log_probability)


@given(st.sets(st.sampled_from(OPTIONS), min_size=1), st.permutations(OPTIONS))
def test_the_set_that_the_model_is_sure_of_is_found_with_few_questions(
    right: set[str], shown: list[str]
) -> None:
    oracle = Oracle(ANSWER_SEPARATOR.join(sorted(right)))
    choice = best_set(oracle, shown)
    assert {shown[i] for i in choice.selected} == right
    assert oracle.asked <= 5 + 5 * len(right)


def test_only_one_is_exactly_one() -> None:
    oracle = Oracle(ANSWER_SEPARATOR.join(sorted(OPTIONS[:2])))
    assert len(best_set(oracle, OPTIONS, only_one=True).selected) == 1


def test_the_same_text_twice_counts_as_one_option_the_first() -> None:
    shown = ["绝缘靴", "安全帽", "绝缘靴 "]
    assert best_set(Oracle("绝缘靴"), shown).selected == (0,)


def test_eight_options_are_searched() -> None:
    options = [f"选项{n}" for n in range(8)]
    random.Random(3).shuffle(options)
    assert len(best_set(Oracle(ANSWER_SEPARATOR.join(sorted(options))), options).selected) == 8


def test_no_options_is_an_error() -> None:
    with pytest.raises(UsageError, match="选项应有"):
        best_set(CharacterModel(), [])
