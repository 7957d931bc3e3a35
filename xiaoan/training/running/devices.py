"""One process or several: who computes what, how gradients and states come together, and how much memory that took."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import Tensor, nn

from xiaoan.errors import DeviceError, UsageError, XiaoanError

if TYPE_CHECKING:
    from accelerate import Accelerator

T = TypeVar("T")

_MEMORY_WORDS = ("out of memory", "not enough memory", "can't allocate memory")


class Devices:
    """This process alone, without a process group; base of `LaunchedDevices`, which see for what the methods are for."""

    process_index = 0
    num_processes = 1

    @property
    def is_main(self) -> bool:
        """Whether this process prints and writes."""
        return self.process_index == 0

    @property
    def device(self) -> torch.device | None:
        """Where this process's model belongs; None: wherever the person wants it."""
        return None

    @property
    def shards(self) -> bool:
        """Whether the weights are spread over the processes."""
        return False

    def prepare(self, module: nn.Module, model: nn.Module) -> nn.Module:  # noqa: ARG002
        """Return `module` (whose forward gives the loss of `model`) so that gradients are means over the processes."""
        return module

    def together(self, module: nn.Module, *, last: bool) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return the context of one forward and backward; gradients are exchanged in the `last` of a step only."""
        return contextlib.nullcontext()

    @property
    def resumes(self) -> bool:
        """Whether the optimiser's state can be gathered, so that a stopped run can go on."""
        return True

    def adopt(self, module: nn.Module, optimizer: torch.optim.Optimizer) -> nn.Module:  # noqa: ARG002
        """Return the prepared `module` once its optimiser is there too."""
        return module

    def backward(self, module: nn.Module, loss: Tensor, *, last: bool) -> None:  # noqa: ARG002
        """Add the gradients of `loss`; what comes together is the mean over the processes, so it is multiplied first."""
        (loss * self.num_processes).backward()

    def take_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Let the optimiser step."""
        optimizer.step()

    def clip(self, parameters: Sequence[nn.Parameter], norm: float) -> Tensor:
        """Scale gradients down to a total of `norm`; return their norm before that."""
        return torch.nn.utils.clip_grad_norm_(parameters, norm)

    def total(self, value: Tensor) -> Tensor:
        """Return the sum of `value` over the processes."""
        return value

    def any_of(self, flag: bool) -> bool:
        """Return whether `flag` is true in any process."""
        return flag

    def from_main(self, value: Any) -> Any:
        """Return the main process's `value` in every process; plain values and tensors on the CPU."""
        return value

    def in_main(self, work: Callable[[], T]) -> T:
        """Return in every process what `work` gives in the main one, which alone does it; its XiaoanError too."""
        return work()

    def wait(self) -> None:
        """Wait until every process is here."""

    def whole(self, state: Any) -> Any:
        """Return `state` with every tensor whole on the CPU; elsewhere than in the main process only to be dropped."""
        return _mapped(state, lambda tensor: tensor.detach().cpu().clone())

    def spread(self, state: Any, like: Any) -> Any:  # noqa: ARG002
        """Return `state` with its tensors laid out over the processes as those at the same place of `like`."""
        return state

    def release(self, model: nn.Module) -> None:
        """Give every process the whole `model` again."""

    def close(self) -> None:
        """Leave the other processes."""


class LaunchedDevices(Devices):
    """One of several processes that a launcher started: `accelerate launch`, or `torchrun`.

    Args:
        accelerator: knows the process group and the devices.
        sharded: spread the weights (FSDP) instead of copying them (DDP).
    """

    def __init__(self, accelerator: "Accelerator", *, sharded: bool) -> None:
        self._accelerator = accelerator
        self._sharded = sharded
        self._plain: type[Any] = nn.Module
        self.process_index = accelerator.process_index
        self.num_processes = accelerator.num_processes

    @property
    def device(self) -> torch.device:
        """This process's own device."""
        return torch.device(self._accelerator.device)

    @property
    def shards(self) -> bool:
        """Whether the weights are spread over the processes (FSDP)."""
        return self._sharded

    def prepare(self, module: nn.Module, model: nn.Module) -> nn.Module:
        """Return `module` under DDP, or itself with `model` sharded in place, block by block."""
        if not self._sharded:
            from torch.nn.parallel import DistributedDataParallel

            on_gpu = self.device.type == "cuda"
            return DistributedDataParallel(
                module, device_ids=[self.device.index] if on_gpu else None, gradient_as_bucket_view=True
            )
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

        self._plain = type(model)
        mesh = init_device_mesh(self.device.type, (self.num_processes,))
        blocks = getattr(model, "_no_split_modules", None) or []
        for part in [m for m in model.modules() if type(m).__name__ in blocks]:
            fully_shard(part, mesh=mesh)
        fully_shard(model, mesh=mesh)
        register_fsdp_forward_method(model, "answer_logits")
        return module

    @contextlib.contextmanager
    def together(self, module: nn.Module, *, last: bool) -> Iterator[None]:
        """Exchange gradients in the last backward of a step only."""
        if self._sharded:
            for part in _sharded_parts(module):
                part.set_requires_gradient_sync(last, recurse=False)
            yield
        elif last:
            yield
        else:
            with cast("AbstractContextManager[None]", cast(Any, module).no_sync()):
                yield

    def clip(self, parameters: Sequence[nn.Parameter], norm: float) -> Tensor:
        """Scale gradients down to a total of `norm` over all shards; return their norm before that."""
        return _whole(super().clip(parameters, norm))

    def total(self, value: Tensor) -> Tensor:
        """Return the sum of `value` over the processes."""
        return cast(Tensor, self._accelerator.reduce(value, reduction="sum"))

    def any_of(self, flag: bool) -> bool:
        """Return whether `flag` is true in any process."""
        return bool(self.total(torch.tensor([int(flag)], device=self.device)).item())

    def from_main(self, value: Any) -> Any:
        """Return the main process's `value` in every process."""
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value if self.is_main else None])[0]

    def in_main(self, work: Callable[[], T]) -> T:
        """Return in every process what `work` gives in the main one, which alone does it; its XiaoanError too."""
        value, error = None, None
        if self.is_main:
            try:
                value = work()
            except XiaoanError as raised:
                error = raised
        value, error = self.from_main((value, error))
        if error is not None:
            raise error
        return cast(T, value)

    def wait(self) -> None:
        """Wait until every process is here."""
        self._accelerator.wait_for_everyone()

    def whole(self, state: Any) -> Any:
        """Gather the shards of every tensor; each process has to call this, in the same order."""
        return _mapped(state, lambda tensor: _whole(tensor).detach().cpu().clone())

    def spread(self, state: Any, like: Any) -> Any:
        """Return `state` with its tensors cut into shards where `like` has shards."""
        return _spread(state, like)

    def release(self, model: nn.Module) -> None:
        """Give every process the whole `model` again, without a trace of shards.

        There is no way back from a sharded module, so a fresh one with the gathered weights takes its place under
        its name: whoever holds `model` holds that.
        """
        if not self._sharded:
            return
        was_training, sharded = model.training, cast(Any, model)
        weights = {name: _whole(tensor).detach() for name, tensor in model.state_dict().items()}
        with torch.device("meta"):
            fresh = self._plain(sharded.config)
        fresh.load_state_dict(weights, assign=True)
        fresh.tie_weights()
        fresh.generation_config = sharded.generation_config
        model.__class__ = self._plain
        model.__dict__.clear()
        model.__dict__.update(fresh.__dict__)
        model.train(was_training)

    def close(self) -> None:
        """Leave the process group."""
        self._accelerator.end_training()
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


class DeepSpeedDevices(LaunchedDevices):
    """ZeRO through DeepSpeed, which has to be installed. Nobody has run it with this program yet (untried).

    Gradients and the optimiser's state are spread over the processes by DeepSpeed's own engine, which clips and steps
    in one go: a guard then sees a bad step only after it was taken, and a stopped run cannot be gone on with.
    """

    def __init__(self, accelerator: "Accelerator", settings: Mapping[str, Any]) -> None:
        super().__init__(accelerator, sharded=False)
        self._settings = {name: value for name, value in settings.items() if not name.startswith("_")}
        self._engine: Any = None

    @property
    def resumes(self) -> bool:
        """Never: every process keeps its own part of the optimiser."""
        return False

    def prepare(self, module: nn.Module, model: nn.Module) -> nn.Module:  # noqa: ARG002
        """Return `module` as it is: the engine needs the optimiser too."""
        return module

    def adopt(self, module: nn.Module, optimizer: torch.optim.Optimizer) -> nn.Module:
        """Return the engine around `module` and `optimizer`."""
        self._engine = _deepspeed().initialize(model=module, optimizer=optimizer, config=self._settings)[0]
        return cast(nn.Module, self._engine)

    @contextlib.contextmanager
    def together(self, module: nn.Module, *, last: bool) -> Iterator[None]:  # noqa: ARG002
        """Tell the engine whether the step ends with this backward."""
        self._engine.set_gradient_accumulation_boundary(last)
        yield

    def backward(self, module: nn.Module, loss: Tensor, *, last: bool) -> None:  # noqa: ARG002
        """Let the engine do it; the division by accumulated batches is in the loss already."""
        self._engine.backward(loss * self.num_processes, scale_wrt_gas=False)

    def clip(self, parameters: Sequence[nn.Parameter], norm: float) -> Tensor:  # noqa: ARG002
        """Let the engine clip (to its own setting) and step; return the norm that it found."""
        self._engine.step()
        return torch.as_tensor(float(self._engine.get_global_grad_norm() or 0.0))

    def take_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Nothing: the engine stepped when it clipped."""


def _deepspeed() -> Any:
    import importlib

    try:
        return importlib.import_module("deepspeed")
    except ImportError as error:
        raise UsageError(
            "没有装 DeepSpeed。请先运行 pip install 'xiaoan[deepspeed]'，或去掉 --use_deepspeed。"
        ) from error


def _deepspeed_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings that the launcher was given, or those shipped beside this file."""
    named = environ.get("ACCELERATE_DEEPSPEED_CONFIG_FILE")
    path = Path(named) if named and named != "none" else Path(__file__).with_name("deepspeed_zero2.json")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"DeepSpeed 设置文件 {path} 读不出来：{error}。") from error
    if not isinstance(settings, dict):
        raise UsageError(f"DeepSpeed 设置文件 {path} 里应当是一个 JSON 对象。")
    return settings


def open_devices(*, sharded: bool = False, environ: Mapping[str, str] = os.environ) -> Devices:
    """Return what a launcher gave this process; alone (nothing is imported or started) when there was none.

    `sharded` is for methods that train all weights: they are then spread over the processes.

    Raises:
        DeviceError: the processes do not find each other, or the device is not to be had.
        UsageError: DeepSpeed was asked for and is not installed, or its settings cannot be read.
    """
    if int(environ.get("WORLD_SIZE") or "1") < 2:
        return Devices()
    from accelerate import Accelerator

    if _wants_deepspeed(environ):
        _deepspeed()
    try:
        # Precision is the run's own affair, whatever the launcher's file of settings says. Left to itself accelerate
        # takes processes without a GPU that torchrun started for one process each.
        found = torch.accelerator.current_accelerator()
        alone = found is None or found.type == "mps" or not torch.accelerator.is_available()
        accelerator = Accelerator(mixed_precision="no", cpu=alone)
    except (RuntimeError, ValueError) as error:
        raise DeviceError(
            f"多进程训练起不来：{error}。请检查 accelerate launch 的进程数、端口（--main_process_port）和显卡。"
        ) from error
    if _wants_deepspeed(environ):
        return DeepSpeedDevices(accelerator, _deepspeed_settings(environ))
    return LaunchedDevices(accelerator, sharded=sharded)


def _wants_deepspeed(environ: Mapping[str, str]) -> bool:
    return environ.get("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true"


def launch_notice(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return what to tell someone whose launcher was asked for several processes but started one, or None.

    `accelerate launch --cpu --num_processes N` does that: it leaves starting the others to MPI.
    """
    if "ACCELERATE_MIXED_PRECISION" not in environ or "MASTER_PORT" not in environ or "WORLD_SIZE" in environ:
        return None
    return (
        "accelerate launch 在 CPU 上只起了一个进程，这次按单进程训练。"
        "要用多个进程，请改用：torchrun --nproc_per_node 2 -m xiaoan train …"
    )


def peak_memory(device: torch.device) -> int | None:
    """Return the most memory used so far, in bytes: of the GPU's tensors, or of the process; None where unknown."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@contextlib.contextmanager
def memory_faults(advice: Callable[[], str]) -> Iterator[None]:
    """Turn running out of memory, on a GPU or not, into a DeviceError that ends with `advice()`."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise DeviceError(f"内存（显存）不够，训练停下了。{advice()}") from error
    except RuntimeError as error:
        if not any(words in str(error).lower() for words in _MEMORY_WORDS):
            raise
        raise DeviceError(f"内存不够，训练停下了。{advice()}") from error


def _mapped(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """`state` with `change` applied to every tensor in it, in a fixed order."""
    if isinstance(state, Tensor):
        return change(state)
    if isinstance(state, dict):
        return {key: _mapped(value, change) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_mapped(value, change) for value in state)
    return state


def _sharded_parts(module: nn.Module) -> Iterator[Any]:
    """The modules that torch made shards of, which then have more methods than a type checker can know."""
    from torch.distributed.fsdp import FSDPModule

    return (part for part in module.modules() if isinstance(part, FSDPModule))


def _whole(tensor: Tensor) -> Tensor:
    """`tensor`, gathered where it is spread over the processes."""
    gather = getattr(tensor, "full_tensor", None)
    return tensor if gather is None else cast("Callable[[], Tensor]", gather)()


def _spread(state: Any, like: Any) -> Any:
    if isinstance(state, Tensor) and hasattr(like, "device_mesh"):
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(state.to(like.device), like.device_mesh, like.placements)
    if isinstance(state, dict) and isinstance(like, dict):
        return {key: _spread(value, like.get(key)) for key, value in state.items()}
    return state


def same_everywhere(devices: Devices, what: str, value: str) -> None:
    """Check that every process has the same `value`.

    Raises:
        UsageError: they differ, so that training would go astray.
    """
    if devices.any_of(devices.from_main(value) != value):
        raise UsageError(f"各进程的{what}不一样：请让所有机器用同样的数据文件、同样的设置和同样版本的程序。")


def parameters_by_name(
    module: nn.Module, wanted: Iterable[tuple[str, nn.Parameter]]
) -> Callable[[], dict[str, nn.Parameter]]:
    """Return what finds the `wanted` parameters in `module` again after sharding has put others in their places."""
    places = {id(parameter): place for place, parameter in module.named_parameters()}
    names = {name: places[id(parameter)] for name, parameter in wanted}

    def found() -> dict[str, nn.Parameter]:
        now = dict(module.named_parameters())
        return {name: now[place] for name, place in names.items()}

    return found
