"""Memory pages of mapped files: given back to the system as soon as what is on them has been copied.

A mapped file's pages count as this process's memory once they were read. Without giving them back, loading would hold
every weight twice at its end: in the file's pages and in the copy.
"""

import bisect
import ctypes
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

_MAPS = Path("/proc/self/maps")


class MappedFiles:
    """Where some files are mapped in this process's memory. Knows nothing, and does nothing, outside of Linux.

    Args:
        ranges: first address and the one behind the last, of each mapping.
    """

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._ranges = sorted(ranges)
        self._starts = [start for start, _ in self._ranges]

    @classmethod
    def of(cls, files: Sequence[Path], *, maps: Path = _MAPS) -> "MappedFiles":
        """Return where `files` are mapped now, as `maps` (the system's list of mappings) says."""
        wanted = {os.path.realpath(file) for file in files}
        try:
            lines = maps.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except OSError:
            return cls(())
        ranges = []
        for line in lines:
            fields = line.split(maxsplit=5)  # addresses, rights, offset, device, inode, path
            if len(fields) == 6 and fields[5] in wanted:
                start, _, end = fields[0].partition("-")
                ranges.append((int(start, 16), int(end, 16)))
        return cls(ranges)

    def range_of(self, tensor: Tensor) -> tuple[int, int] | None:
        """Return the addresses of the whole pages that `tensor` lies on, None where it is not in one of the files."""
        if not tensor.nbytes or tensor.device.type != "cpu" or not tensor.is_contiguous():
            return None
        first, end = tensor.data_ptr(), tensor.data_ptr() + tensor.nbytes
        place = bisect.bisect_right(self._starts, first) - 1
        if place < 0 or end > self._ranges[place][1]:
            return None
        page = mmap.PAGESIZE
        return first // page * page, min(-(-end // page) * page, self._ranges[place][1])

    def give_back(self, tensor: Tensor) -> None:
        """Let the system have the pages of a mapped tensor; whoever reads it again reads it from the file.

        Anything that is not mapped from one of the files stays as it is: its pages have no other home.
        """
        found = self.range_of(tensor)
        if found is not None:
            start, end = found
            _madvise(start, end - start, mmap.MADV_DONTNEED)


def _madvise(start: int, length: int, advice: int) -> None:
    """Tell the system about pages; a refusal changes nothing but the memory that is in use."""
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    advise(start, length, advice)
