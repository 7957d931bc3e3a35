"""One tiny model folder for all tests that only read it."""

from pathlib import Path

import pytest

from tests.training.tiny_base import base_folder


@pytest.fixture(scope="session")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("base"))
