"""No echo of keys while an answer streams, so that `^C` and what is typed ahead do not land in the text."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_keyboard(descriptor: int | None) -> Iterator[None]:
    """Switch the echo of a terminal off until the end of the block; keys typed meanwhile are kept.

    Does nothing where `descriptor` is None or no terminal, and on Windows: its console echoes when read.
    """
    if descriptor is None or sys.platform == "win32":
        yield
        return
    import termios

    try:
        before = termios.tcgetattr(descriptor)
    except termios.error:
        yield
        return
    quiet = [*before]
    # NOFLSH: Ctrl-C must not throw away what was typed ahead.
    quiet[3] = before[3] & ~termios.ECHO | termios.NOFLSH
    termios.tcsetattr(descriptor, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
