"""Where SQLite's write-ahead log cannot work: on another machine, or where a folder does not let it."""

import os
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

_NETWORK_KINDS = frozenset(
    "9p acfs afs beegfs ceph cifs coda drvfs gfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs3 nfs4 ocfs2 orangefs "
    "smb smb2 smb3 smbfs".split()
)
_OCTAL = re.compile(r"\\([0-7]{3})")


def lies_on_network(folder: Path) -> bool:
    """Return whether `folder` is on a network drive, as far as this system tells; where it does not, False."""
    if sys.platform == "win32":
        return _is_remote_drive(os.path.realpath(folder))
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    return is_network_mount(os.path.realpath(folder), mounts)


def takes_log(folder: Path) -> bool:
    """Return whether a write-ahead log works in the folder: tried out on a file of its own, so that none is left halfway."""
    import tempfile

    try:
        with (
            tempfile.TemporaryDirectory(prefix=".xiaoan-", dir=folder, ignore_cleanup_errors=True) as trial,
            closing(sqlite3.connect(Path(trial) / "log.sqlite", isolation_level=None)) as connection,
        ):
            connection.execute("PRAGMA journal_mode = wal")
            connection.execute("CREATE TABLE trial (id)")
            return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")
    except sqlite3.OperationalError:
        return False
    except OSError:
        return True  # whatever is wrong with the folder, SQLite says it


def is_network_mount(path: str, mounts: str) -> bool:
    """Return whether `path` (absolute, links resolved) is below a network mount of `mounts`.

    `mounts` is the text of /proc/self/mounts: device, place, kind, options; of two on one place the last counts.
    FUSE counts as network but for local disks (`fuseblk`): nothing tells what is behind it.
    """
    nearest, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        place = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[1])
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(nearest):
            nearest, kind = place, fields[2]
    return kind in _NETWORK_KINDS or kind == "fuse" or kind.startswith("fuse.")


def is_network_name(path: str) -> bool:
    r"""Return whether a Windows path names another machine (`\\server\share`, `\\?\UNC\…`; not `\\?\C:\`)."""
    name = path.replace("/", "\\").upper()
    if name.startswith(("\\\\?\\", "\\\\.\\")):
        return name[4:].startswith("UNC\\")
    return name.startswith("\\\\")


def _is_remote_drive(path: str) -> bool:
    """Whether a Windows path names another machine, or a drive letter that stands for one."""
    if is_network_name(path):
        return True
    if sys.platform == "win32":
        import ctypes

        remote = 4
        return bool(ctypes.windll.kernel32.GetDriveTypeW(os.path.splitdrive(path)[0] + "\\") == remote)
    return False
