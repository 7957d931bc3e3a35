"""Python's cycle collector kept from going through a million objects that libraries make while they are imported."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting_collector() -> Iterator[None]:
    """Let no collection run inside the block, and what the block left behind be in none later.

    Importing torch and transformers makes objects that live as long as the process; looking for garbage among them takes
    a sixth of the time. Meant for imports alone: what becomes garbage inside in cycles stays.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
