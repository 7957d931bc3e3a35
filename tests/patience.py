"""Guards against code that never ends on some input. They measure no speed: that is what benchmarks/ is for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

HANGING_S = 20.0
"""CPU seconds that nothing a test does takes on any machine, and that what never ends soon exceeds."""


@contextmanager
def does_not_hang(limit_s: float = HANGING_S) -> Iterator[None]:
    """Fail if the block took more CPU time of this thread than `limit_s`; a busy machine does not count."""
    started = time.thread_time()
    yield
    assert time.thread_time() - started < limit_s
