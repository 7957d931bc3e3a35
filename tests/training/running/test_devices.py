"""What a process knows of the others, of its memory, and of launchers; several processes have tests of their own."""

import json
import sys
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from tests.training.runs import prefix_run, tokenizer_in
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.errors import DeviceError, UsageError
from xiaoan.training.running.devices import (
    DeepSpeedDevices,
    Devices,
    launch_notice,
    memory_faults,
    open_devices,
    peak_memory,
)
from xiaoan.training.running.memory_need import (
    activation_need,
    calls_for_checkpointing,
    free_memory,
)

SIX_BILLION = ChatGLMConfig(pre_seq_len=128)


def test_without_a_launcher_there_is_one_process_and_no_group() -> None:
    devices = open_devices(environ={})
    assert type(devices) is Devices
    assert (devices.is_main, devices.num_processes, devices.device) == (True, 1, None)
    assert not torch.distributed.is_initialized()


def test_a_launcher_that_started_only_one_process_is_noticed() -> None:
    """`accelerate launch --cpu --num_processes 2` sets these, but no WORLD_SIZE."""
    alone = {"ACCELERATE_MIXED_PRECISION": "no", "MASTER_PORT": "29500", "MASTER_ADDR": "127.0.0.1"}
    notice = launch_notice(alone)
    assert notice is not None
    assert "torchrun" in notice
    assert launch_notice({**alone, "WORLD_SIZE": "2"}) is None
    assert launch_notice({}) is None


def test_a_state_is_copied_whole_onto_the_cpu() -> None:
    weight = torch.ones(3)
    state = {"step": 1, "nested": [{"w": weight}, (weight, "text")]}
    whole = Devices().whole(state)
    weight.zero_()
    assert whole["nested"][0]["w"].tolist() == [1, 1, 1]
    assert whole["nested"][1][1] == "text"


def test_peak_memory_is_plausible_or_unknown() -> None:
    peak = peak_memory(torch.device("cpu"))
    assert peak is None or 10**7 < peak < 10**13


def test_memory_errors_end_with_the_advice() -> None:
    with pytest.raises(DeviceError, match="改小"), memory_faults(lambda: "改小"):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_the_6b_with_published_lengths_keeps_its_activations_where_there_is_a_gigabyte() -> None:
    need = activation_need(
        SIX_BILLION, rows=1, length=128, answer_length=64, element_bytes=2, all_trained=False
    )
    assert 0.5e9 < need.kept < 1.5e9
    assert need.checkpointed < need.kept / 2
    assert not calls_for_checkpointing(need, 3_000_000_000)
    assert calls_for_checkpointing(need, 500_000_000)
    assert not calls_for_checkpointing(need, None)


def test_free_memory_is_plausible_or_unknown() -> None:
    free = free_memory(torch.device("cpu"))
    assert free is None or 0 < free < 10**14


def test_the_shipped_deepspeed_settings_are_whole_json() -> None:
    text = (resources.files("xiaoan.training.running") / "deepspeed_zero2.json").read_text(encoding="utf-8")
    settings = json.loads(text)
    assert settings["zero_optimization"]["stage"] == 2
    assert settings["gradient_clipping"] == 1.0


class FakeEngine(torch.nn.Module):
    """Does what DeepSpeed's engine is documented to do, in one process; tells what it was asked."""

    def __init__(self, module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        super().__init__()
        self.module, self.optimizer = module, optimizer
        self.heard: list[object] = []

    def forward(self, batch: object) -> torch.Tensor:
        found: torch.Tensor = self.module(batch)
        return found

    def set_gradient_accumulation_boundary(self, last: bool) -> None:
        self.heard.append(last)

    def backward(self, loss: torch.Tensor, *, scale_wrt_gas: bool) -> None:
        assert not scale_wrt_gas
        loss.backward()

    def step(self) -> None:
        self.norm = torch.nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimizer.step()

    def get_global_grad_norm(self) -> float:
        return float(self.norm)


class FakeDeepSpeed:
    """Its module, as far as it is used."""

    def initialize(
        self, *, model: torch.nn.Module, optimizer: torch.optim.Optimizer, config: dict[str, object]
    ) -> tuple[FakeEngine, torch.optim.Optimizer]:
        assert "_untried" not in config
        return FakeEngine(model, optimizer), optimizer


class OneOfOne:
    """An accelerator of one process."""

    process_index = 0
    num_processes = 1
    device = torch.device("cpu")

    def reduce(self, value: torch.Tensor, reduction: str) -> torch.Tensor:
        return value

    def wait_for_everyone(self) -> None:
        """Nobody else."""


def test_our_side_of_deepspeed_steps_as_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for its engine, since it is not installed: the real one is untried."""
    monkeypatch.setitem(sys.modules, "deepspeed", FakeDeepSpeed())
    tokenizer = tokenizer_in(tmp_path / "tokenizer")
    plain = prefix_run(tmp_path / "plain", tokenizer)
    devices = DeepSpeedDevices(OneOfOne(), {"_untried": "", "gradient_clipping": 1.0})
    sped = prefix_run(tmp_path / "sped", tokenizer, devices=devices)
    assert plain.run().final_loss == sped.run().final_loss
    weight = "embedding.weight"
    assert torch.equal(plain.parameters[weight], sped.parameters[weight])
    assert sped._module.heard[:4] == [False, True, False, True]  # type: ignore[index]
    with pytest.raises(UsageError, match="DeepSpeed"):
        prefix_run(tmp_path / "sped", tokenizer).resume()


@pytest.mark.skipif(find_spec("deepspeed") is not None, reason="it is installed")
def test_deepspeed_that_is_not_installed_is_said_before_anything_starts() -> None:
    with pytest.raises(UsageError, match=r"xiaoan\[deepspeed\]"):
        open_devices(environ={"WORLD_SIZE": "2", "ACCELERATE_USE_DEEPSPEED": "true"})
