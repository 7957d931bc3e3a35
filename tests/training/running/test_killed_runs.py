"""A run that is killed at any moment (SIGKILL) and gone on with equals one that was not."""

import json
import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch

from tests.training.runs import LOOP, prefix_run, shuffled_pairs, tokenizer_in
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.training.running.exactness import exact_share
from xiaoan.training.running.listening import EvaluationScores
from xiaoan.training.running.run_folder import RunFolder

SETTINGS = replace(LOOP, steps=6, save_every=2, evaluate_every=3, gradient_accumulation_steps=1)

pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


class Killer:
    """Counts the calls of Python functions, and kills the process at the `at`-th."""

    def __init__(self, at: int) -> None:
        self.calls = 0
        self.at = at

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            self.calls += 1
            if self.calls == self.at:
                os.kill(os.getpid(), signal.SIGKILL)


def _child(folder: Path, tokenizer: ChatGLMTokenizer, at: int) -> None:
    torch.set_num_threads(1)
    run = prefix_run(folder, tokenizer, SETTINGS)
    pairs = shuffled_pairs(random.Random(0))
    killer = Killer(at)
    sys.setprofile(killer)
    run.resume()
    run.run(evaluate=lambda: EvaluationScores(exact_share(run.model, tokenizer, pairs)))
    sys.setprofile(None)
    (folder / "calls").write_text(str(killer.calls), encoding="utf-8")


def killed(folder: Path, tokenizer: ChatGLMTokenizer, at: int) -> bool:
    """Go on with the run in another process until its `at`-th call; whether it was killed there."""
    process = multiprocessing.get_context("fork").Process(target=_child, args=(folder, tokenizer, at))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def what_is_left(folder: Path) -> Iterator[Any]:
    """All that a run leaves: its curve without times, and its state tensor by tensor."""
    beside = {"elapsed_s", "tokens_per_s", "peak_memory"}
    for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        yield {key: value for key, value in json.loads(line).items() if key not in beside}
    said: list[str] = []
    run_folder = RunFolder(folder)
    for state in (run_folder.load(said.append), run_folder.load_best()):
        assert state is not None
        yield from flat(state)
    assert not said


def flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from flat(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from flat(item)
    else:
        yield value.tolist() if isinstance(value, torch.Tensor) else value


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_a_run_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path: Path, seed: int) -> None:
    tokenizer = tokenizer_in(tmp_path / "tokenizer")
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    assert not killed(whole, tokenizer, at=-1)
    calls = int((whole / "calls").read_text(encoding="utf-8"))
    moments = random.Random(seed)
    times = 0
    while killed(parted, tokenizer, moments.randint(1, calls // 2)):
        times += 1
        assert times < 60
    assert times >= 2
    assert list(what_is_left(parted)) == list(what_is_left(whole))


@pytest.mark.slow
def test_a_run_killed_at_every_hundredth_moment_can_be_gone_on_with(tmp_path: Path) -> None:
    tokenizer = tokenizer_in(tmp_path / "tokenizer")
    whole = tmp_path / "whole"
    killed(whole, tokenizer, at=-1)
    calls = int((whole / "calls").read_text(encoding="utf-8"))
    expected = list(what_is_left(whole))
    for at in range(1, calls, max(calls // 40, 1)):
        folder = tmp_path / str(at)
        assert killed(folder, tokenizer, at)
        assert not killed(folder, tokenizer, -1)
        assert list(what_is_left(folder)) == expected
