import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from xiaoan.errors import StorageError, UsageError
from xiaoan.whole_files import check_place, write_whole, written_whole

TOO_LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from xiaoan.errors import StorageError
from xiaoan.whole_files import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(Path(sys.argv[1]), bytes(5000))
except StorageError as error:
    print(error.message)
"""
POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="permissions and limits of POSIX")


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "新" / "成绩.html"
    with written_whole(target) as draft:
        draft.write_bytes(b"new")
        draft.with_name("beside").write_bytes(b"a library's own")
        assert not target.exists()
        assert draft.suffix == ".html"
    assert files_in(target.parent) == {"成绩.html": b"new"}


def test_what_ends_in_an_error_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    target = tmp_path / "成绩.html"
    target.write_bytes(b"old")
    with suppress(KeyError), written_whole(target) as draft:
        draft.write_bytes(b"half")
        raise KeyError
    with pytest.raises(StorageError, match="写不了"), written_whole(target):
        pass  # nothing was written
    assert files_in(tmp_path) == {"成绩.html": b"old"}


@POSIX_ONLY
def test_a_full_disk_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    path = tmp_path / "成绩.html"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", TOO_LITTLE_ROOM, str(path)], capture_output=True, text=True, check=True
    )
    assert "什么也没有写下" in done.stdout
    assert files_in(tmp_path) == {"成绩.html": b"old"}


def test_behind_a_link_the_file_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "真.html").write_bytes(b"old")
    (tmp_path / "链接.html").symlink_to(tmp_path / "真.html")
    write_whole(tmp_path / "链接.html", b"new")
    assert (tmp_path / "链接.html").is_symlink()
    assert (tmp_path / "真.html").read_bytes() == b"new"


@POSIX_ONLY
def test_a_file_that_is_replaced_hands_on_its_permissions_and_a_new_one_has_the_usual_ones(
    tmp_path: Path,
) -> None:
    (usual := tmp_path / "平常").touch()
    (shared := tmp_path / "共用").touch()
    shared.chmod(0o664)
    write_whole(shared, b"new")
    write_whole(tmp_path / "新", b"new")
    assert shared.stat().st_mode & 0o777 == 0o664
    assert (tmp_path / "新").stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize("name", ["长" * 200 + ".html", "坏\x00名.html", "文件/成绩.html"])
def test_a_name_that_no_folder_takes_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "文件").write_bytes(b"")
    with pytest.raises(StorageError, match="写不了"):
        write_whole(tmp_path / name, b"new")
    assert files_in(tmp_path) == {"文件": b""}


def test_a_file_that_is_there_is_no_place_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "成绩.html"
    check_place(path)
    path.touch()
    with pytest.raises(UsageError, match=r"已经有了，没有覆盖；请换个文件名，或加 --force"):
        check_place(path)
    check_place(path, force=True)


@pytest.mark.parametrize(
    ("place", "error", "said"),
    [
        (lambda folder: folder, UsageError, "是文件夹，应写文件名"),
        (lambda _: Path(os.devnull), UsageError, "不是普通文件"),
        (lambda folder: folder / "没有" / "a.html", StorageError, r"文件夹 .*没有.* 不存在；请先建好它"),
        (lambda folder: folder / "文件" / "a.html", StorageError, "不是文件夹"),
    ],
)
def test_a_place_that_takes_no_file_is_told_before_any_work(
    tmp_path: Path, place: Callable[[Path], Path], error: type[Exception], said: str
) -> None:
    (tmp_path / "文件").touch()
    with pytest.raises(error, match=said):
        check_place(place(tmp_path), force=True)
