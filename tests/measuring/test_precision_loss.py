import pytest
import torch

from tests.measuring.small import CPU, small_shape
from xiaoan.measuring.precision_loss import exact_answers, precision_loss
from xiaoan.measuring.subjects import RandomSubject
from xiaoan.measuring.variants import variant_named


@pytest.fixture(scope="module")
def subject() -> RandomSubject:
    return RandomSubject(small_shape(), CPU)


def test_a_model_loses_nothing_against_itself(subject: RandomSubject) -> None:
    exact = subject.ready(variant_named("float32", torch.float32))
    answers = exact_answers(exact, subject.questions()[:2], new_tokens=5)
    loss = precision_loss(exact, answers)
    assert (loss.tokens, loss.same, loss.largest_difference) == (10, 10, 0.0)
    assert loss.spread > 0


def test_fewer_bits_lose_more(subject: RandomSubject) -> None:
    exact = subject.ready(variant_named("float32", torch.float32))
    answers = exact_answers(exact, subject.questions()[:2], new_tokens=5)
    found = [
        precision_loss(subject.ready(variant_named(name, torch.float32)), answers).largest_difference
        for name in ("float16", "int8", "int4")
    ]
    assert 0 < found[0] < found[1] < found[2]


def test_an_answer_ends_with_its_end_token(subject: RandomSubject) -> None:
    exact = subject.ready(variant_named("float32", torch.float32))
    prompt = subject.questions()[0]
    whole = exact_answers(exact, [prompt], new_tokens=6)[0].token_ids
    assert exact_answers(exact, [prompt], new_tokens=6, eos=whole[0])[0].token_ids == whole[:1]
