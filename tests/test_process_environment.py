import os
import subprocess
import sys
from pathlib import Path

import pytest

from xiaoan.process_environment import available_cores, prepare_environment


def machine(root: Path, siblings: list[str]) -> Path:
    """A made-up system that says of each processor which ones share its core."""
    for processor, together in enumerate(siblings):
        topology = root / f"sys/devices/system/cpu/cpu{processor}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(together + "\n")
    (root / "proc/self").mkdir(parents=True)
    return root


def test_two_processors_of_one_core_count_once(tmp_path: Path) -> None:
    root = machine(tmp_path, ["0,2", "1,3", "0,2", "1,3"])
    assert available_cores(root, {0, 1, 2, 3}) == 2
    assert available_cores(root, {0, 2}) == 1
    assert available_cores(root, {1, 2}) == 2


def test_where_nothing_is_known_every_processor_counts(tmp_path: Path) -> None:
    assert available_cores(tmp_path, {4, 5, 6}) == 3


@pytest.mark.parametrize(
    ("limit", "cores"), [("max 100000", 4), ("250000 100000", 2), ("50000 100000", 1), ("gibberish", 4)]
)
def test_a_share_of_the_processors_is_heeded(limit: str, cores: int, tmp_path: Path) -> None:
    root = machine(tmp_path, ["0", "1", "2", "3"])
    (root / "proc/self/cgroup").write_text("0::/a/b\n")
    inside = root / "sys/fs/cgroup/a/b"
    inside.mkdir(parents=True)
    (inside / "cpu.max").write_text("max 100000\n")
    # The group around it is limited, not the one that the process is in.
    (inside.parent / "cpu.max").write_text(limit + "\n")
    assert available_cores(root, {0, 1, 2, 3}) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", 4), ("300000", 3)])
def test_a_share_by_the_older_control_groups_is_heeded(quota: str, cores: int, tmp_path: Path) -> None:
    root = machine(tmp_path, ["0", "1", "2", "3"])
    (root / "proc/self/cgroup").write_text("4:memory:/x\n2:cpu,cpuacct:/box\n0::/\n")
    inside = root / "sys/fs/cgroup/cpu,cpuacct/box"
    inside.mkdir(parents=True)
    (inside / "cpu.cfs_quota_us").write_text(quota + "\n")
    (inside / "cpu.cfs_period_us").write_text("100000\n")
    assert available_cores(root, {0, 1, 2, 3}) == cores


def test_an_empty_environment_is_told_everything() -> None:
    environ: dict[str, str] = {}
    prepare_environment(environ, platform="linux", cores=6)
    assert environ == {"GOMP_SPINCOUNT": "1000", "THP_MEM_ALLOC_ENABLE": "1", "OMP_NUM_THREADS": "6"}


@pytest.mark.parametrize(
    "own",
    [
        {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "3", "THP_MEM_ALLOC_ENABLE": "0"},
        {"GOMP_SPINCOUNT": "5", "MKL_NUM_THREADS": "3", "THP_MEM_ALLOC_ENABLE": ""},
        {"KMP_BLOCKTIME": "200", "OMP_NUM_THREADS": "", "THP_MEM_ALLOC_ENABLE": "0"},
    ],
)
def test_what_a_person_has_set_stays(own: dict[str, str]) -> None:
    environ = dict(own)
    prepare_environment(environ, platform="linux", cores=6)
    assert environ == own


@pytest.mark.parametrize(("beside", "threads"), [("2", "3"), ("8", "1"), ("0", "6"), ("many", "6")])
def test_processes_of_a_launcher_share_the_cores(beside: str, threads: str) -> None:
    environ = {"LOCAL_WORLD_SIZE": beside}
    prepare_environment(environ, platform="linux", cores=6)
    assert environ["OMP_NUM_THREADS"] == threads


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_only_the_waiting_is_settled(platform: str) -> None:
    environ: dict[str, str] = {}
    prepare_environment(environ, platform=platform)
    assert environ == {"KMP_BLOCKTIME": "1"}


def test_the_program_prepares_its_environment_and_remembers_the_persons(tmp_path: Path) -> None:
    code = (
        "import os, sys, xiaoan.cli.app as app; sys.argv = ['xiaoan', '--version']; seen = []\n"
        "app.Services = lambda of=app.Services: seen.append(of()) or seen[0]\n"
        "try: app.main()\n"
        "except SystemExit: print(os.environ['THP_MEM_ALLOC_ENABLE'], 'THP_MEM_ALLOC_ENABLE' in seen[0].environ)"
    )
    environ = {name: value for name, value in os.environ.items() if name != "THP_MEM_ALLOC_ENABLE"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**environ, "XIAOAN_HOME": str(tmp_path)},
    )
    assert done.stdout.splitlines()[-1] == "1 False"
