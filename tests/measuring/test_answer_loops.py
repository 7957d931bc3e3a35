import torch

from tests.measuring.small import CPU, small_shape
from xiaoan.measuring.answer_loops import BatchLoop, Ready, StreamLoop, answer_loop
from xiaoan.measuring.shapes import random_prompts
from xiaoan.measuring.subjects import RandomSubject
from xiaoan.measuring.turns import take_turn
from xiaoan.measuring.variants import variant_named


def ready() -> Ready:
    return RandomSubject(small_shape(), CPU).ready(variant_named("float32", torch.float32))


def test_an_answer_as_it_is_streamed_has_the_ids_of_the_batch() -> None:
    one = ready()
    prompt = random_prompts(small_shape(), length=10)
    streamed = take_turn(StreamLoop(one), prompt, new_tokens=12, clock=lambda: 0.0)
    assert streamed.token_ids == take_turn(BatchLoop(one), prompt, new_tokens=12, clock=lambda: 0.0).token_ids


def test_an_answer_left_in_the_middle_does_not_touch_the_next() -> None:
    loop = StreamLoop(ready())
    prompts = [random_prompts(small_shape(), length=10, seed=seed) for seed in (1, 2)]
    whole = take_turn(loop, prompts[0], new_tokens=8, clock=lambda: 0.0).token_ids
    loop.first(prompts[1])
    assert take_turn(loop, prompts[0], new_tokens=8, clock=lambda: 0.0).token_ids == whole


def test_one_prompt_is_streamed_and_several_go_in_step() -> None:
    one = ready()
    assert isinstance(answer_loop(one, batch=1), StreamLoop)
    assert isinstance(answer_loop(one, batch=2), BatchLoop)
    assert one.dtype == torch.float32
