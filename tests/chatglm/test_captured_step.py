"""A captured step is the plain one over buffers that stay where they are: the same tokens, and nothing left over.

Captured here is nothing: a fake graph replays the step operator by operator. torch.compile is tried for real, slowly.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.recorded import Recorded
from tests.tiny_models import EOP, PAD, prompt, talkative_model, tiny_config, tiny_model
from xiaoan.chatglm.captured_step import (
    REHEARSALS,
    StaticStep,
    compiled,
    fetch_now,
    fused_step,
    replayed_eagerly,
    two_product_step,
)
from xiaoan.chatglm.decoder import CapturePlan, Decoder, FindKernels, usual_plan
from xiaoan.chatglm.generation import (
    best_tokens,
    decode_one_token,
    new_cache,
    prefill,
    stream_token_ids,
    working_dtype,
)
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.products.step_kernels import EagerSteps, StepKernels

Run = Callable[[], None]


class FakeGraphs:
    """Captures as a CUDA graph does: rehearsals first, and what is replayed counts. Fails when told to."""

    def __init__(self, *, works: int = 10**6) -> None:
        self.captured = 0
        self.replayed = 0
        self.works = works

    def __call__(self, run: Run) -> Run:
        if self.captured >= self.works:
            raise RuntimeError("no room for a graph\nand a long story")
        self.captured += 1
        for _ in range(REHEARSALS):
            run()

        def replay() -> None:
            self.replayed += 1
            run()

        return replay

    def plan(
        self,
        *,
        ahead: int = 0,
        without: CapturePlan | None = None,
        find_kernels: FindKernels | None = None,
    ) -> CapturePlan:
        return CapturePlan(self, "假图", lambda: fetch_now, ahead, without, find_kernels)


def fast_model(
    pre_seq_len: int | None = 5, *, window: int = 256, seed: int = 0
) -> ChatGLMForConditionalGeneration:
    """With the attention that answers fast; its answers vary."""
    config = tiny_config(pre_seq_len=pre_seq_len, attention="sdpa", max_sequence_length=window)
    return talkative_model(config, seed=seed)


def plainly(model: ChatGLMForConditionalGeneration, ids: Tensor, **options: Any) -> list[int]:
    return list(stream_token_ids(model, ids, eos=(), **options))


@pytest.mark.parametrize("form", ["fused attention", "two products", "fused steps"])
@pytest.mark.parametrize("pre_seq_len", [None, 5])
def test_a_static_step_gives_the_logits_of_a_plain_one(pre_seq_len: int | None, form: str) -> None:
    model = fast_model(pre_seq_len)
    prompts = [prompt(5), prompt(12)]
    ids = torch.cat([F.pad(row, (12 - row.shape[1], 0), value=PAD) for row in prompts])
    mask = (ids != PAD).long()
    logits, plain = prefill(model, ids, attention_mask=mask)
    with torch.inference_mode():
        cache = new_cache(model, model.transformer.prefix_key_values(torch.float64), batch_size=2, rows=48)
    kernels = EagerSteps() if form == "fused steps" else None
    step = StaticStep(model, cache, FakeGraphs(), kernels=kernels, two_products=form == "two products")
    _, state = prefill(model, ids, attention_mask=mask, cache=cache, cache_length=48)
    token_ids = best_tokens(logits)
    step.take(token_ids, state)
    for _ in range(10):
        logits = decode_one_token(model, token_ids, plain)
        step.advance()
        torch.testing.assert_close(step.logits, logits, atol=1e-9, rtol=0)
        token_ids = best_tokens(logits)
        assert torch.equal(step.token_ids, token_ids)
    assert step.cache.filled == plain.filled
    assert torch.equal(step.position_ids, plain.position_ids)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_attention_written_out_is_the_fused_one(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    query, key, value = (
        torch.randn(2, 3, rows, 8, generator=generator, dtype=torch.float64) for rows in (1, 20, 20)
    )
    mask = torch.zeros(2, 1, 1, 20, dtype=torch.float64).index_fill(3, torch.tensor([3, 19]), -10000.0)
    exact = fused_step(query, key, value, mask, 1)
    found = two_product_step(query.to(dtype), key.to(dtype), value.to(dtype), mask.to(dtype), 7)
    torch.testing.assert_close(found.double(), exact, atol=1e-9 if dtype == torch.float64 else 0.02, rtol=0)


@pytest.mark.parametrize("ahead", [0, 1])
def test_answers_of_captured_steps_are_the_plain_ones_through_several_buckets(ahead: int) -> None:
    model = fast_model(window=700)
    graphs = FakeGraphs()
    decoder = Decoder(model, graphs.plan(ahead=ahead))
    for length, room in ((9, 40), (30, 640), (9, 40)):
        ids = prompt(length)
        expected = plainly(model, ids, max_length=length + room)
        assert plainly(model, ids, max_length=length + room, decoder=decoder) == expected
        assert len(expected) == room
    # 256 and 512 rows, and all that prefix and window can fill, the smallest reused.
    assert (graphs.captured, decoder.warnings) == (3, [])


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_token_begun_past_the_end_is_dropped(ahead: int) -> None:
    model = fast_model()
    whole = plainly(model, prompt(9), max_length=60)
    end = whole[7]
    graphs = FakeGraphs()
    decoder = Decoder(model, graphs.plan(ahead=ahead))
    expected = whole[: whole.index(end)]
    assert list(stream_token_ids(model, prompt(9), max_length=60, eos=end, decoder=decoder)) == expected
    assert graphs.replayed == len(expected) + ahead
    assert plainly(model, prompt(9), max_length=60, decoder=decoder) == whole


def test_sampling_through_captured_steps_follows_its_generator() -> None:
    model = fast_model()
    decoder = Decoder(model, FakeGraphs().plan(ahead=1))

    def draw(seed: int, decoder: Decoder | None) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        return plainly(model, prompt(9), max_length=40, temperature=1.5, generator=generator, decoder=decoder)

    assert draw(1, decoder) == draw(1, None) != draw(2, None) == draw(2, decoder)


def test_what_a_broken_answer_left_does_not_reach_the_next() -> None:
    """A number that is none would pass through any mask."""
    model = fast_model()
    decoder = Decoder(model, FakeGraphs().plan())
    whole = plainly(model, prompt(9), max_length=60)
    assert plainly(model, prompt(9), max_length=60, decoder=decoder) == whole
    step = decoder.step_with(100)
    assert step is not None
    with torch.inference_mode():
        step.cache.pairs[..., 5:, :] = math.nan
    decoder.take_back(step)
    assert plainly(model, prompt(9), max_length=60, decoder=decoder) == whole


@pytest.mark.parametrize("works", [0, 1])
def test_a_capture_that_fails_is_announced_and_the_answer_is_the_same(works: int) -> None:
    """At once, and in the middle of an answer that outgrows its bucket."""
    model = fast_model(window=400)
    decoder = Decoder(model, FakeGraphs(works=works).plan(ahead=1))
    expected = plainly(model, prompt(9))
    assert plainly(model, prompt(9), decoder=decoder) == expected
    assert len(decoder.warnings) == 1
    assert "解码没能用假图加速（RuntimeError：no room for a graph），改为逐个算子执行" in decoder.warnings[0]
    assert plainly(model, prompt(9), decoder=decoder) == expected
    assert len(decoder.warnings) == 1


def test_idle_steps_give_way_to_one_that_finds_no_memory() -> None:
    model = fast_model(window=700)
    graphs = FakeGraphs()
    full = False

    def capture(run: Run) -> Run:
        nonlocal full
        if full:
            full = False
            raise torch.OutOfMemoryError
        return graphs(run)

    decoder = Decoder(model, CapturePlan(capture, "假图", lambda: fetch_now))
    assert plainly(model, prompt(9), max_length=60, decoder=decoder) == plainly(
        model, prompt(9), max_length=60
    )
    full = True
    ids = prompt(300)
    assert plainly(model, ids, max_length=340, decoder=decoder) == plainly(model, ids, max_length=340)
    assert (graphs.captured, decoder.warnings) == (2, [])


@pytest.mark.parametrize("fault", ["", "没有 C 编译器"])
def test_small_steps_in_few_launches_are_taken_or_it_is_said_why_not(fault: str) -> None:
    model = fast_model(window=400)
    asked: list[object] = []

    def find(model: ChatGLMForConditionalGeneration) -> tuple[StepKernels | None, str]:
        asked.append(model)
        return (None, fault) if fault else (EagerSteps(), "")

    decoder = Decoder(model, FakeGraphs().plan(find_kernels=find))
    for _ in range(2):
        assert plainly(model, prompt(9), decoder=decoder) == plainly(model, prompt(9))
    assert asked == [model]
    assert ["没有 C 编译器" in warning for warning in decoder.warnings] == ([True] if fault else [])


def test_a_second_way_of_capturing_takes_over() -> None:
    model = fast_model()
    second = FakeGraphs()
    decoder = Decoder(model, FakeGraphs(works=0).plan(without=second.plan()))
    assert plainly(model, prompt(9), decoder=decoder) == plainly(model, prompt(9))
    assert second.replayed > 100
    assert "改用假图" in decoder.warnings[0]


def test_the_readable_reference_is_never_captured() -> None:
    model = tiny_model(tiny_config(attention="eager"))
    graphs = FakeGraphs()
    assert plainly(model, prompt(9), decoder=Decoder(model, graphs.plan())) == plainly(model, prompt(9))
    assert graphs.captured == 0


def test_graphs_are_for_cuda_and_compiling_is_asked_for() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert usual_plan(cpu) is None
    graph, both, alone = (
        usual_plan(cuda),
        usual_plan(cuda, compile_step=True),
        usual_plan(cpu, compile_step=True),
    )
    assert graph is not None
    assert both is not None
    assert alone is not None
    assert (graph.name, graph.ahead, graph.without) == ("CUDA 图", 1, None)
    assert both.without is not None
    assert (both.name, both.without.name) == ("torch.compile", "CUDA 图")
    assert (alone.name, alone.ahead, alone.without) == ("torch.compile", 0, None)


def static_logits(model: ChatGLMForConditionalGeneration, ids: Tensor, answer: Tensor) -> Tensor:
    """Logits `[1, n, vocab]` after the prompt and after each token of `answer` `[1, n - 1]`, by static steps."""
    prefix = model.transformer.prefix_key_values(working_dtype(model))
    step = StaticStep(model, new_cache(model, prefix, batch_size=1, rows=128), replayed_eagerly)
    logits, state = prefill(model, ids, cache=step.cache)
    found = [logits]
    for i in range(answer.shape[1]):
        state.position_ids = step.position_ids.clone() if i else state.position_ids
        step.take(answer[:, i : i + 1], state)
        step.advance()
        found.append(step.logits)
    return torch.stack(found, dim=1)


def plain_logits(model: ChatGLMForConditionalGeneration, ids: Tensor, answer: Tensor) -> Tensor:
    """The same by plain steps."""
    logits, state = prefill(model, ids)
    found = [logits]
    for i in range(answer.shape[1]):
        found.append(decode_one_token(model, answer[:, i : i + 1], state))
    return torch.stack(found, dim=1)


def test_every_step_has_the_recorded_logits(recorded: Recorded) -> None:
    """Within 1.4e-4 measured, the readable path 1.2e-4: hidden states reach 156, whose last place is 1.5e-5."""
    for name in ("p1_len12", "p2_len40"):
        ids, whole = recorded[f"{name}.input_ids"], recorded[f"{name}.greedy_ids"]
        answer = whole[:, ids.shape[1] : -1]
        expected = recorded[f"{name}.greedy_step_logits"]
        for attention, logits in (("eager", plain_logits), ("sdpa", plain_logits), ("sdpa", static_logits)):
            found = logits(recorded.model(attention), ids, answer)
            torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_the_short_ways_err_no_more_than_the_readable_one(
    recorded: Recorded, dtype: torch.dtype
) -> None:
    ids, whole = recorded["p2_len40.input_ids"], recorded["p2_len40.greedy_ids"]
    answer = whole[:, ids.shape[1] : -1]
    exact = plain_logits(recorded.model("eager"), ids, answer)

    def error(attention: str, logits: Callable[..., Tensor]) -> float:
        return float((logits(recorded.model(attention, dtype), ids, answer).float() - exact).norm())

    readable = error("eager", plain_logits)
    assert error("sdpa", plain_logits) < 1.2 * readable
    assert error("sdpa", static_logits) < 1.2 * readable


# -- torch.compile, for real ----------------------------------------------------------------------------------------


@pytest.fixture
def _without_compile_threads() -> Iterator[None]:
    from torch._inductor import config

    with config.patch(compile_threads=1):
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("_without_compile_threads")
def test_a_compiled_step_gives_the_plain_answer() -> None:
    """Where there is no compiler the fallback is announced, which is as good."""
    model = fast_model(window=400)
    plan = usual_plan(torch.device("cpu"), compile_step=True)
    assert plan is not None
    assert plan.capture is compiled
    decoder = Decoder(model, plan)
    expected = plainly(model, prompt(9))
    assert plainly(model, prompt(9), decoder=decoder) == expected
    assert all("没能用torch.compile" in warning for warning in decoder.warnings)
    assert list(stream_token_ids(model, prompt(9), eos=EOP, decoder=decoder)) == list(
        stream_token_ids(model, prompt(9), eos=EOP)
    )


# -- CUDA graphs, where there is a GPU ------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_cuda_graph_gives_the_plain_answer_and_fetches_behind(dtype: torch.dtype) -> None:
    """Through two buckets, left in the middle and asked again; nothing falls back."""
    model = fast_model(window=400)
    torch.nn.Module.to(model, "cuda", dtype)
    plan = usual_plan(model.device)
    assert plan is not None
    decoder = Decoder(model, plan)
    expected = plainly(model, prompt(9))
    left = stream_token_ids(model, prompt(30), eos=(), decoder=decoder)
    next(left)
    found = plainly(model, prompt(9), decoder=decoder)
    del left
    assert decoder.warnings == []
    assert plainly(model, prompt(9), decoder=decoder) == found
    if dtype == torch.float32:
        assert found == expected
