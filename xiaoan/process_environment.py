"""What has to stand in the environment before torch is loaded: how threads wait, how many there are, large pages.

The libraries under torch read these variables once, when they are loaded, so every way to start (`xiaoan`, `python -m
xiaoan`, a launcher's processes, the benchmarks) calls `prepare_environment` first. What a person has set stays as it is.
The reasons, measured on 2 cores (benchmarks/bench_waiting.py, docs/log.md):

- `GOMP_SPINCOUNT`: libgomp's threads spin some 15 ms for more work before they sleep, and so take a processor away from
  the thread that has work when others are busy too. 1,000 rounds (about 50 µs) bridge the gap between two operators: as
  fast as the default on an idle machine, and tens of times faster beside busy neighbours.
- `OMP_NUM_THREADS`: torch counts neither a container's share of the processors nor, without MKL, hyperthreads.
- `THP_MEM_ALLOC_ENABLE`: torch's allocations of 2 MiB and more lie on huge pages: weights are read faster.
"""

import os
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

_SPIN_COUNT = "1000"
_BLOCK_TIME_MS = "1"
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_CGROUP_MEMBERSHIP = "proc/self/cgroup"
_CGROUPS = "sys/fs/cgroup"


def prepare_environment(
    environ: MutableMapping[str, str], *, platform: str = sys.platform, cores: int | None = None
) -> None:
    """Add to `environ` what is not decided there yet.

    Args:
        environ: `os.environ`, before torch is imported.
        platform: `sys.platform`. Other systems than Linux have another OpenMP, which waits by a time (not tried there),
            and torch counts their cores itself.
        cores: how many threads may compute; None looks for itself.
    """
    if not any(name in environ for name in _WAITING):
        if platform == "linux":
            environ["GOMP_SPINCOUNT"] = _SPIN_COUNT
        else:
            environ["KMP_BLOCKTIME"] = _BLOCK_TIME_MS
    if platform != "linux":
        return
    environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    if not any(name in environ for name in _THREADS):
        threads = cores or available_cores(Path("/"), os.sched_getaffinity(0))
        # Processes that a launcher started side by side share them.
        beside = environ.get("LOCAL_WORLD_SIZE", "")
        environ["OMP_NUM_THREADS"] = str(max(1, threads // max(1, int(beside if beside.isdecimal() else 1))))


def available_cores(root: Path, processors: set[int]) -> int:
    """Return how many physical cores this process may keep busy, at least one.

    Args:
        root: the system's root, above `proc` and `sys`.
        processors: those that it may run on; two of one core count once.
    """
    cores = {_core_of(root, processor) for processor in processors}
    shares = [int(share) for share in _processor_shares(root)]
    return max(1, min([len(cores), *shares]))


def _core_of(root: Path, processor: int) -> str:
    """Return a name that all processors of one core have in common; its own where nothing is known."""
    topology = root / f"sys/devices/system/cpu/cpu{processor}/topology"
    return _text(topology / "thread_siblings_list") or str(processor)


def _processor_shares(root: Path) -> Iterator[float]:
    """Yield for each control group with a limit how many processors' time it may use; containers are limited so."""
    for line in _text(root / _CGROUP_MEMBERSHIP).splitlines():
        _, controllers, path = line.split(":", 2)
        # Version 2 has no controllers in its line and one folder for all; version 1 a folder for each set of them.
        if not controllers:
            yield from _limits(root / _CGROUPS, path, "cpu.max")
        elif "cpu" in controllers.split(","):
            yield from _limits(root / _CGROUPS / controllers, path, "cpu.cfs_quota_us", "cpu.cfs_period_us")


def _limits(mount: Path, path: str, *names: str) -> Iterator[float]:
    """Yield the limits of the group at `path` and of those that it lies in: quota and period, in µs."""
    inside = mount / path.lstrip("/")
    for group in (inside, *inside.parents):
        values = " ".join(_text(group / name) for name in names).split()
        # No limit is "max" in version 2 and -1 in version 1.
        if len(values) == 2 and values[0].isdecimal() and values[1].isdecimal():
            yield int(values[0]) / int(values[1])
        if group == mount:
            return


def _text(path: Path) -> str:
    """Return what stands in a file of the system; nothing where there is none to be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
