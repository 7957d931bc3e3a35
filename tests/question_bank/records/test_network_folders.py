from pathlib import Path

import pytest

from xiaoan.question_bank.records.network_folders import (
    is_network_mount,
    is_network_name,
    lies_on_network,
    takes_log,
)

MOUNTS = r"""/dev/vda1 / ext4 rw,relatime 0 0
tmpfs /run tmpfs rw 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/vdb /home/local xfs rw 0 0
//server/share /mnt/共享\040盘 cifs rw 0 0
me@host:/ /mnt/ssh fuse.sshfs rw 0 0
/dev/sdb1 /mnt/usb fuseblk rw 0 0
C:\134 /mnt/c 9p rw 0 0
broken line
/dev/vdc /srv ext4 rw 0 0
server:/srv /srv nfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/root/.local/share/xiaoan", False),
        ("/home", True),
        ("/home/zhang/.local", True),
        ("/home/local/zhang", False),
        ("/homework", False),
        ("/mnt/共享 盘/小安", True),
        ("/mnt/ssh/a", True),
        ("/mnt/usb/a", False),
        ("/mnt/c/Users/zhang", True),
        ("/srv/data", True),
    ],
)
def test_the_nearest_mount_says_what_a_folder_is_on(path: str, network: bool) -> None:
    assert is_network_mount(path, MOUNTS) is network


def test_no_mounts_are_no_network() -> None:
    assert not is_network_mount("/home", "")


@pytest.mark.parametrize(
    ("path", "network"),
    [
        (r"\\server\share\小安", True),
        ("//server/share", True),
        (r"\\?\UNC\server\share", True),
        (r"\\?\C:\Users", False),
        (r"C:\Users\zhang", False),
        ("D:/小安", False),
    ],
)
def test_a_windows_name_that_starts_with_a_server_is_on_it(path: str, network: bool) -> None:
    assert is_network_name(path) is network


def test_a_folder_of_this_machine_can_be_asked_about(tmp_path: Path) -> None:
    assert lies_on_network(tmp_path) in (True, False)
    assert lies_on_network(tmp_path / "not there yet") == lies_on_network(tmp_path)


def test_a_log_is_tried_out_in_the_folder_and_leaves_nothing(tmp_path: Path) -> None:
    assert takes_log(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_with_a_folder_itself_is_for_sqlite_to_say(tmp_path: Path) -> None:
    assert takes_log(tmp_path / "没有")
