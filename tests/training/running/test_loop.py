"""A run from its first step to its result: what is heard, kept, stopped, and gone on with."""

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.training.runs import LOOP, PAIRS, prefix_run, tokenizer_in
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.errors import DeviceError, UsageError
from xiaoan.training.running.batches import collate, encode_pair, length_sorted
from xiaoan.training.running.guards import GuardSettings, TrainingStopped
from xiaoan.training.running.listening import EvaluationReport, EvaluationScores, SilentListener, StepReport
from xiaoan.training.running.loop import LoopSettings, TrainingRun, answer_loss
from xiaoan.training.running.run_folder import RunFolder


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> ChatGLMTokenizer:
    return tokenizer_in(tmp_path_factory.mktemp("tokenizer"))


class Heard(SilentListener):
    """Keeps everything it hears."""

    def __init__(self) -> None:
        self.steps: list[StepReport] = []
        self.evaluations: list[EvaluationReport] = []
        self.saved: list[int] = []
        self.notices: list[str] = []

    def on_step(self, report: StepReport) -> None:
        self.steps.append(report)

    def on_evaluation(self, report: EvaluationReport) -> None:
        self.evaluations.append(report)

    def on_save(self, step: int, path: Path) -> None:
        assert path.is_file()
        self.saved.append(step)

    def on_notice(self, text: str) -> None:
        self.notices.append(text)


def ticking() -> Callable[[], float]:
    """A clock that shows one second more each time it is looked at."""
    ticks = count()
    return lambda: float(next(ticks))


def prefix_of(run: TrainingRun) -> Tensor:
    return run.parameters["embedding.weight"].detach().clone()


def scores(*held_out: float, train: float = 0.5) -> Callable[[], EvaluationScores]:
    """Measurements in this order."""
    values: Iterator[float] = iter(held_out)
    return lambda: EvaluationScores(train, next(values))


def test_the_listener_hears_every_step_and_state(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    heard = Heard()
    result = prefix_run(tmp_path, tokenizer, listener=heard, clock=ticking()).run()
    assert [step.step for step in heard.steps] == list(range(1, 9))
    assert heard.saved == [3, 6, 8]
    last = heard.steps[-1]
    assert last.loss == pytest.approx(sum(step.step_loss for step in heard.steps) / 8)
    assert last.tokens_per_s > 0
    assert last.remaining_s == 0
    assert heard.steps[3].remaining_s == pytest.approx(heard.steps[3].elapsed_s)
    assert (result.ending, result.step, result.best_step, result.best_exact) == ("done", 8, 8, None)


def test_the_curve_on_disk_holds_every_step(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    heard = Heard()
    run = prefix_run(tmp_path, tokenizer, replace(LOOP, evaluate_every=4), listener=heard)
    run.run(evaluate=scores(0.25, 0.5))
    lines = RunFolder(tmp_path).metrics()
    steps = [line for line in lines if "loss" in line]
    assert [line["loss"] for line in steps] == [step.step_loss for step in heard.steps]
    assert [line["gradient_norm"] for line in steps] == [step.gradient_norm for step in heard.steps]
    measured = [line for line in lines if "exact_train" in line]
    assert [(line["step"], line["exact_held_out"]) for line in measured] == [(4, 0.25), (8, 0.5)]


def test_only_what_is_trained_moves(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    run = prefix_run(tmp_path, tokenizer)
    before = {name: p.detach().clone() for name, p in run.model.named_parameters()}
    run.run()
    moved = {name for name, p in run.model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"transformer.prefix_encoder.embedding.weight"}


def test_accumulated_batches_step_as_the_mean_of_their_means(
    tokenizer: ChatGLMTokenizer, tmp_path: Path
) -> None:
    settings = replace(LOOP, steps=1, batch_size=4, gradient_accumulation_steps=2)
    run = prefix_run(tmp_path, tokenizer, settings)
    run.pairs = lambda _: PAIRS
    assert run.model.transformer.prefix_encoder is not None
    run.model.transformer.prefix_encoder.dropout.p = 0.0
    examples = [encode_pair(tokenizer, pair) for pair in PAIRS]
    batches = length_sorted(examples, 4, random.Random(f"{settings.seed}-0"))
    assert [len(batch) for batch in batches] in ([4, 3], [3, 4])
    mean = sum(0.5 * answer_loss(run.model, collate(batch, 3)) for batch in batches)
    assert isinstance(mean, Tensor)
    mean.backward()
    expected = run.parameters["embedding.weight"].grad
    assert expected is not None
    norm = float(expected.norm())
    heard = run.listener = Heard()
    run.run()
    assert heard.steps[0].step_loss == pytest.approx(float(mean.detach()), rel=1e-6)
    assert heard.steps[0].gradient_norm == pytest.approx(norm, rel=1e-4)


# -- stopping and going on --------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [1, 2, 3, 5, 11])
def test_a_stopped_and_continued_run_equals_an_uninterrupted_one(
    tokenizer: ChatGLMTokenizer, tmp_path: Path, asked: int
) -> None:
    """It is asked between batches, two of which make a step: some stops fall into the middle of one."""
    whole = prefix_run(tmp_path / "whole", tokenizer)
    whole.run()
    asking = count(1)
    first = prefix_run(tmp_path / "parted", tokenizer)
    assert first.run(lambda: next(asking) >= asked).ending == "stopped"
    second = prefix_run(tmp_path / "parted", tokenizer)
    assert second.resume()
    assert second.step == first.step < 8
    assert second.step == asked // 3
    second.run()
    assert torch.equal(prefix_of(second), prefix_of(whole))
    assert same_curve(tmp_path / "parted", tmp_path / "whole")


def same_curve(one: Path, other: Path) -> bool:
    """Whether two curves are the same but for times and memory."""
    return figures(one) == figures(other)


def figures(folder: Path) -> list[dict[str, Any]]:
    beside = {"elapsed_s", "tokens_per_s", "peak_memory"}
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in beside} for line in lines]


def test_a_stop_in_the_middle_of_a_step_drops_its_part(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    run = prefix_run(tmp_path, tokenizer)
    before = prefix_of(run)
    asking = count(1)
    assert run.run(lambda: next(asking) >= 2).step == 0
    assert torch.equal(prefix_of(run), before)
    assert run.parameters["embedding.weight"].grad is None


def test_settings_that_change_nothing_may_be_others(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    prefix_run(tmp_path, tokenizer).run(iter([False] * 8 + [True] * 9).__next__)
    other = prefix_run(tmp_path, tokenizer, replace(LOOP, save_every=1, gradient_checkpointing="on"))
    assert other.resume()
    with pytest.raises(UsageError, match=r"loop\.steps：原来 8，这次 9"):
        prefix_run(tmp_path, tokenizer, replace(LOOP, steps=9)).resume()


def test_a_run_is_not_gone_on_with_unasked(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    prefix_run(tmp_path, tokenizer).run()
    with pytest.raises(UsageError, match="--resume"):
        prefix_run(tmp_path, tokenizer).run()


def test_a_state_of_other_parameters_is_refused(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    prefix_run(tmp_path, tokenizer).run()
    other = prefix_run(tmp_path, tokenizer)
    other.parameters["another"] = other.parameters.pop("embedding.weight")
    with pytest.raises(UsageError, match="对不上"):
        other.resume()


def test_a_damaged_last_state_repeats_the_steps_since_the_one_before(
    tokenizer: ChatGLMTokenizer, tmp_path: Path
) -> None:
    whole = prefix_run(tmp_path / "run", tokenizer)
    whole.run()
    expected = figures(tmp_path / "run")
    (tmp_path / "run" / "state" / "step-000008.pt").write_bytes(b"PK")
    heard = Heard()
    again = prefix_run(tmp_path / "run", tokenizer, listener=heard)
    again.resume()
    assert again.step == 6
    assert "第 6 步" in heard.notices[0]
    again.run()
    assert torch.equal(prefix_of(again), prefix_of(whole))
    assert figures(tmp_path / "run") == expected


# -- the best state ---------------------------------------------------------------------------------------------


def test_the_result_is_the_state_with_the_highest_held_out_share(
    tokenizer: ChatGLMTokenizer, tmp_path: Path
) -> None:
    run = prefix_run(tmp_path, tokenizer, replace(LOOP, evaluate_every=2))
    seen: list[Tensor] = []
    measure = scores(0.2, 0.7, 0.4, 0.6)

    def evaluate() -> EvaluationScores:
        assert not run.model.training
        seen.append(prefix_of(run))
        return measure()

    result = run.run(evaluate=evaluate)
    assert (result.ending, result.best_step, result.best_exact, result.step) == ("done", 4, 0.7, 8)
    assert torch.equal(prefix_of(run), seen[1])


def test_of_equal_shares_the_lower_loss_is_the_best(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    heard = Heard()
    run = prefix_run(tmp_path, tokenizer, replace(LOOP, evaluate_every=1), listener=heard)
    result = run.run(evaluate=lambda: EvaluationScores(0.5))
    assert result.best_step == min(heard.steps, key=lambda step: step.loss).step


def test_a_run_ends_early_once_everything_is_learnt_and_held_out_rises_no_more(
    tokenizer: ChatGLMTokenizer, tmp_path: Path
) -> None:
    settings = replace(LOOP, evaluate_every=1, stop_at_exact=True, patience=2)
    run = prefix_run(tmp_path, tokenizer, settings)
    result = run.run(evaluate=scores(0.5, 0.6, 0.6, 0.6, 0.6, train=1.0))
    assert (result.ending, result.step, result.best_exact) == ("early", 4, 0.6)
    again = prefix_run(tmp_path, tokenizer, settings)
    again.resume()
    assert again.run(evaluate=scores()).ending == "early"


def test_a_run_does_not_end_early_before_everything_is_learnt(
    tokenizer: ChatGLMTokenizer, tmp_path: Path
) -> None:
    settings = replace(LOOP, evaluate_every=1, stop_at_exact=True, patience=1)
    result = prefix_run(tmp_path, tokenizer, settings).run(evaluate=scores(*[1.0] * 8, train=0.9))
    assert result.ending == "done"


# -- when something goes wrong ----------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_takes_no_step_and_keeps_the_last_state(
    tokenizer: ChatGLMTokenizer, tmp_path: Path
) -> None:
    run = prefix_run(tmp_path, tokenizer)
    kept: list[Tensor] = []

    class Spoil(SilentListener):
        def on_step(self, report: StepReport) -> None:
            if report.step == 4:
                kept.append(prefix_of(run))
                run.model.transformer.final_layernorm.weight.data.fill_(math.nan)

    run.listener = Spoil()
    with pytest.raises(TrainingStopped, match="第 5 步的损失不是数"):
        run.run()
    assert torch.equal(prefix_of(run), kept[0])
    again = prefix_run(tmp_path, tokenizer)
    assert again.resume()
    assert again.step == 3


def test_a_run_that_learns_nothing_is_stopped(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    guard = GuardSettings(window=2, patience=6)
    run = prefix_run(tmp_path, tokenizer, replace(LOOP, learning_rate=1e-9), guard=guard)
    with pytest.raises(TrainingStopped, match="没有下降"):
        run.run()


@pytest.mark.parametrize("error", [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
])  # fmt: skip
def test_memory_that_runs_out_is_said_with_what_to_lower_and_the_state_is_kept(
    tokenizer: ChatGLMTokenizer, tmp_path: Path, error: Exception
) -> None:
    run = prefix_run(tmp_path, tokenizer)

    def fail(*_: Any) -> None:
        if run.step == 4:
            raise error

    run.model.transformer.layers[0].register_forward_hook(fail)
    with pytest.raises(DeviceError) as caught:
        run.run()
    for words in ("--batch-size（现在 3）", "--gradient-checkpointing on", "int8", "第 3 步的状态还在"):
        assert words in caught.value.message
    again = prefix_run(tmp_path, tokenizer)
    assert again.resume()
    assert again.step == 3


def test_other_faults_are_not_taken_for_lack_of_memory(tokenizer: ChatGLMTokenizer, tmp_path: Path) -> None:
    run = prefix_run(tmp_path, tokenizer)

    def fail(*_: Any) -> None:
        raise RuntimeError("shapes differ")

    run.model.transformer.layers[0].register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        run.run()


# -- settings ---------------------------------------------------------------------------------------------------


def test_the_rate_warms_up_and_decays_to_zero() -> None:
    settings = LoopSettings(steps=10, batch_size=1, learning_rate=1.0, warmup_steps=2)
    assert [settings.rate_at(step) for step in (0, 1, 2, 6, 9)] == [0.5, 1.0, 1.0, 0.5, 0.125]


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", 0), ("batch_size", 0), ("learning_rate", 0.0), ("learning_rate", math.nan),
     ("learning_rate", math.inf), ("max_target_length", 2), ("autocast", "int8"),
     ("gradient_accumulation_steps", 0), ("optimizer_epsilon", "1e-8"), ("gradient_checkpointing", "yes")],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        replace(LOOP, **{name: value})  # type: ignore[arg-type]
