"""How much memory this process holds, where the system says it."""

import os
from pathlib import Path

import torch

_PAGES = Path("/proc/self/statm")


def held_bytes(device: torch.device) -> int | None:
    """Return the bytes that the process holds now, on a GPU of its memory; None where the system does not say (Linux does)."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    if not _PAGES.is_file():
        return None
    return int(_PAGES.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
