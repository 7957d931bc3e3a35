"""How much memory this process holds, where the system says it."""

import os
from pathlib import Path

_PAGES = Path("/proc/self/statm")


def held_bytes() -> int | None:
    """Return the bytes of memory that the process holds now; None where the system does not say (Linux does)."""
    if not _PAGES.is_file():
        return None
    return int(_PAGES.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
