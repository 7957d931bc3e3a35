from pathlib import Path

import pytest

from tests.cli.bench import CommandBench
from tests.cli.study_bank import study_bank


@pytest.fixture
def bench(tmp_path: Path) -> CommandBench:
    return CommandBench(tmp_path / "home")


@pytest.fixture
def study_bench(tmp_path: Path) -> CommandBench:
    """A bench whose bank has enough questions to practise on."""
    return CommandBench(tmp_path / "home", questions=study_bank())


@pytest.fixture(scope="session")
def exam_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder that exams share: their bank is read once."""
    return tmp_path_factory.mktemp("exams") / "home"
