"""Fixtures for all tests, and how many processes run them."""

import os
from pathlib import Path

import pytest

from xiaoan.process_environment import prepare_environment

GOLDEN_FOLDER = Path(os.environ.get("XIAOAN_GOLDEN") or Path(__file__).parents[2] / "shared" / "golden")
MOST_WORKERS = 8
"""Each loads torch and what it needs for itself: about 1 GiB."""

# Read when torch is imported, which tests do later.
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers side by side: one thread each, also in the programs they start.
    os.environ["OMP_NUM_THREADS"] = "1"
prepare_environment(os.environ)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process per processor for the whole suite; named tests and those of a GPU run in this very process."""
    if config.args_source is pytest.Config.ArgsSource.ARGS or config.option.markexpr == "gpu":
        return 0
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, MOST_WORKERS) if processors > 1 else 0


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of values recorded from the published model; where it is not, its tests are skipped."""
    if not (GOLDEN_FOLDER / "README.md").is_file():
        pytest.skip(f"no recorded values in {GOLDEN_FOLDER} (set XIAOAN_GOLDEN)")
    return GOLDEN_FOLDER
