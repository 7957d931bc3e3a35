from pathlib import Path

import pytest

from tests.cli.bench import CommandBench


@pytest.fixture
def bench(tmp_path: Path) -> CommandBench:
    return CommandBench(tmp_path / "home")
