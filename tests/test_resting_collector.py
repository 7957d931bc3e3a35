import gc
from collections.abc import Iterator

import pytest

from xiaoan.resting_collector import resting_collector


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_nothing_is_collected_inside_and_what_is_there_is_left_alone_later() -> None:
    frozen = gc.get_freeze_count()
    with resting_collector():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen


def test_an_error_inside_wakes_the_collector_too() -> None:
    with pytest.raises(ImportError), resting_collector():
        raise ImportError("no such library")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with resting_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
