"""Doing something in another thread while a session runs, and waiting for what it shows."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 60.0


@contextmanager
def when(event: threading.Event, action: Callable[[], None]) -> Iterator[None]:
    """Do `action` in another thread once `event` is set."""

    def wait() -> None:
        assert event.wait(PATIENCE_S)
        action()

    with meanwhile(wait):
        yield


@contextmanager
def meanwhile(action: Callable[[], None]) -> Iterator[None]:
    """Do `action` in another thread."""
    thread = threading.Thread(target=action)
    thread.start()
    yield
    thread.join()


def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    for _ in range(int(PATIENCE_S / 0.01)):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)
