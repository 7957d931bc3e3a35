"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest

GOLDEN_FOLDER = Path(os.environ.get("XIAOAN_GOLDEN") or Path(__file__).parents[2] / "shared" / "golden")


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of values recorded from the published model; where it is not, its tests are skipped."""
    if not (GOLDEN_FOLDER / "README.md").is_file():
        pytest.skip(f"no recorded values in {GOLDEN_FOLDER} (set XIAOAN_GOLDEN)")
    return GOLDEN_FOLDER
