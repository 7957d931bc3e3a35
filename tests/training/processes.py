"""Runs on several processes: forked, so that they need not import everything again; gloo carries what they exchange."""

import json
import multiprocessing
import os
import random
import socket
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState

from tests.training.runs import LOOP, PAIRS, model_with_prefix, shuffled_pairs, tokenizer_in, whole_model
from xiaoan.training.running.devices import open_devices
from xiaoan.training.running.exactness import exact_share
from xiaoan.training.running.listening import EvaluationScores, SilentListener, StepReport
from xiaoan.training.running.loop import TrainingRun
from xiaoan.training.running.run_folder import RunFolder


class Losses(SilentListener):
    """Keeps losses and gradient norms; wants the run to stop after `stop_after` steps."""

    def __init__(self, stop_after: int) -> None:
        self.seen: list[list[float]] = []
        self.stop_after = stop_after

    def on_step(self, report: StepReport) -> None:
        self.seen.append([report.step_loss, report.gradient_norm])

    def stopping(self) -> bool:
        return len(self.seen) >= self.stop_after


def train(
    folder: Path, what: str, *, resume: bool = False, stop_after: int = 1000, **changes: Any
) -> dict[str, Any] | None:
    """Train a prefix or everything in `folder`; return the curve, the ending and the parameters (main process)."""
    torch.set_num_threads(1)
    devices = open_devices(sharded=what == "full")
    tokenizer = tokenizer_in(folder / f"tokenizer-{devices.process_index}")
    model, parameters = model_with_prefix(tokenizer) if what == "prefix" else whole_model(tokenizer)
    losses = Losses(stop_after)
    with RunFolder(folder / "run", writes=devices.is_main) as run_folder:
        run = TrainingRun(
            model,
            tokenizer,
            parameters=parameters,
            pairs=shuffled_pairs,
            settings=replace(LOOP, learning_rate=0.05 if what == "prefix" else 0.005, **changes),
            folder=run_folder,
            devices=devices,
            listener=losses,
            clock=lambda: 0.0,
        )
        run.resume(allowed=resume)

        def evaluate() -> EvaluationScores:
            return EvaluationScores(exact_share(model, tokenizer, shuffled_pairs(random.Random(1))))

        result = run.run(losses.stopping, evaluate if changes.get("evaluate_every") else None)
    found = None
    if devices.is_main:  # the others need not come along: the model is whole again
        exact = exact_share(model, tokenizer, PAIRS)
        weights = model.state_dict()
        sums = {
            name: float(weights[name].double().sum())
            for name, p in model.named_parameters()
            if p.requires_grad
        }
        found = {"curve": losses.seen, "result": asdict(result), "sums": sums, "exact": exact}
    devices.wait()
    devices.close()
    return found


def _work(rank: int, count: int, port: int, answer: Path, request: Mapping[str, Any]) -> None:
    where = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": count,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "OMP_NUM_THREADS": 1,  # as torchrun sets it; where it is missing accelerate warns, depending on the machine
    }
    os.environ.update({name: str(value) for name, value in where.items()}, ACCELERATE_USE_CPU="true")
    # Whatever another test of the forked process asked accelerate for, this one starts afresh.
    AcceleratorState._reset_state(reset_partial_state=True)
    found = train(**request)
    if found is not None:
        answer.write_text(json.dumps(found), encoding="utf-8")


def trained_on(count: int, folder: Path, what: str, **request: Any) -> dict[str, Any]:
    """What `train` gives on `count` processes."""
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork on this system")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir(exist_ok=True)
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    context = multiprocessing.get_context("fork")
    whole = {"folder": folder, "what": what, **request}
    processes = [
        context.Process(target=_work, args=(rank, count, port, answer, whole)) for rank in range(count)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0] * count
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found
