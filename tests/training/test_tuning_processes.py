"""Whole tuning runs on two processes: one of them measures and writes, and the result is that of one process."""

import multiprocessing
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.tiny_base import PAIRS
from tests.training.tuning_runs import PREFIX, data_of, tuned
from xiaoan.figures import Share
from xiaoan.training.methods import Method
from xiaoan.training.methods.full import Full
from xiaoan.training.methods.lora import Lora
from xiaoan.training.run_card import Accuracy, read_run_card
from xiaoan.training.running.devices import open_devices

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")]


def tune_once(base: Path, output: Path, method: Method, measured: Path) -> None:
    torch.set_num_threads(1)
    devices = open_devices(sharded=method.name == "full")

    def exam(_: object) -> Accuracy:
        with measured.open("a", encoding="utf-8") as file:
            file.write(f"{devices.process_index}\n")
        return Accuracy(Share(1, 2))

    result = tuned(
        base,
        output,
        method=method,
        devices=devices,
        data=data_of(PAIRS, general=PAIRS[:1]),
        evaluate=exam,
        learning_rate=0.01,
    )
    assert result.card is not None
    assert result.card.processes == devices.num_processes
    devices.close()


def in_processes(count: int, work: Callable[[], None]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    def start(rank: int) -> None:
        os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count))
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, ACCELERATE_USE_CPU="true")
        work()

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=start, args=(rank,)) for rank in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
    assert [process.exitcode for process in processes] == [0] * count


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
@pytest.mark.parametrize(
    ("method", "weights"),
    [
        (PREFIX, "prefix.safetensors"),
        (Lora(rank=2), "adapter_model.safetensors"),
        (Full(), "model.safetensors"),
    ],
)
def test_two_processes_write_once_what_one_writes(
    method: Method, weights: str, base_model: Path, tmp_path: Path
) -> None:
    for count in (1, 2):
        measured = tmp_path / f"measured-{count}"
        in_processes(count, partial(tune_once, base_model, tmp_path / str(count), method, measured))
        assert measured.read_text(encoding="utf-8").split() == ["0", "0"]
    one, two = (load_file(tmp_path / str(count) / weights) for count in (1, 2))
    assert set(one) == set(two)
    for name, tensor in one.items():
        torch.testing.assert_close(two[name].float(), tensor.float(), atol=2e-3, rtol=2e-3)
    cards = [read_run_card(tmp_path / str(count)) for count in (1, 2)]
    assert cards[0] is not None
    assert cards[1] is not None
    assert cards[1].final_loss == pytest.approx(cards[0].final_loss, rel=1e-5)
    assert not (tmp_path / "2" / "state" / "settings.json").exists()
