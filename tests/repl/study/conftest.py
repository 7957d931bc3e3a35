"""The desk as a fixture."""

from collections.abc import Iterator

import pytest

from tests.repl.study.bench import StudyBench, study_bench


@pytest.fixture
def desk() -> Iterator[StudyBench]:
    with study_bench() as bench:
        yield bench
