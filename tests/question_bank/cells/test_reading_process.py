import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.question_bank.workbooks import text_cell, worksheet, write_csv, write_xlsx, xlsx
from xiaoan.errors import BankError
from xiaoan.question_bank.cells.file_guard import MAX_FILE_BYTES
from xiaoan.question_bank.cells.reading_process import SheetReader, read_bytes
from xiaoan.question_bank.cells.sheets import MergedRange, RemarkKind, Sheet

ROWS: list[list[object]] = [["题干", "选项", "答案"], ["限值为（ ）", "A-75%|B-50%", 0.75]]
GIB = 2**30


def test_sheets_come_back_whole(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "题库.xlsx", ROWS, formats={"C2": "0%"}, hidden_rows=[2], merged=["A3:B3"])
    with SheetReader() as reader:
        (sheet,) = reader.read(path)
    assert (sheet.name, sheet.hidden, sheet.hidden_rows) == ("题库", False, frozenset({2}))
    assert sheet.rows[1] == ["限值为（ ）", "A-75%|B-50%", "75%"]
    assert sheet.merged == (MergedRange(3, 1, 3, 2),)
    assert sheet.remarks[2, 3].kind is RemarkKind.NUMBER_AS_SHOWN


def test_one_child_reads_file_after_file(tmp_path: Path) -> None:
    good, bad = write_xlsx(tmp_path / "a.xlsx", ROWS), write_csv(tmp_path / "b.csv", [["甲"]])
    with SheetReader() as reader:
        first = reader.read(good)
        child = reader._child
        with pytest.raises(BankError, match=f"^题库 {bad} 不是能读的工作簿"):
            reader.read(bad)
        assert reader.read(good) == first
        assert reader._child is child
    assert child is not None
    assert child.returncode is not None


def test_any_character_survives_the_way(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("题干,答案\n甲\x00\x1b\u2028\U0001f50c,'=1\n".encode())
    with SheetReader() as reader:
        assert reader.read(path)[0].rows[1] == ["甲\x00\x1b\u2028\U0001f50c", "=1"]


class WhileItGrows(SheetReader):
    def read_data(self, path: Path, data: bytes) -> list[Sheet]:
        with path.open("ab") as file:
            file.write("又一行,正确\n".encode())
        return super().read_data(path, data)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "b.csv", [["题干", "答案"], ["应先验电。", "正确"]])
    with WhileItGrows() as reader, pytest.raises(BankError, match="在读的时候变了"):
        reader.read(path)


@pytest.mark.skipif(sys.platform == "win32", reason="memory limits are POSIX")
def test_a_file_that_needs_too_much_memory_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{n}">{text_cell(f"A{n}", "安" * 2000)}</row>' for n in range(1, 9000))
    huge = tmp_path / "大.xlsx"
    huge.write_bytes(xlsx(worksheet(rows)))
    good = write_xlsx(tmp_path / "好.xlsx", ROWS)
    with SheetReader(memory_limit_bytes=GIB // 8) as reader:
        with pytest.raises(BankError, match=f"^题库 {huge} 读不了：.*内存超过 128 MiB"):
            reader.read(huge)
        assert len(reader.read(good)) == 1


def test_a_file_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", ROWS)
    with SheetReader(timeout_s=0.001) as reader:
        with pytest.raises(BankError, match=f"^题库 {path} 读了 0.001 秒还没有读完"):
            reader.read(path)
        assert reader._child is None


def test_a_child_that_dies_between_files_is_replaced(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", ROWS)
    with SheetReader() as reader:
        reader.read(path)
        assert reader._child is not None
        reader._child.kill()
        reader._child.wait()
        assert len(reader.read(path)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_ends_the_child_and_says_nothing(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", ROWS)
    code = (
        "import sys; from pathlib import Path\n"
        "from xiaoan.question_bank.cells.reading_process import SheetReader\n"
        "path = Path(sys.argv[1])\n"
        "with SheetReader() as reader:\n"
        "    reader.read(path); print(reader._child.pid, flush=True); sys.stdin.readline()\n"
        "    try:\n        print('reading', flush=True); reader.read(path)\n"
        "    except KeyboardInterrupt:\n        print('stopped', reader._child, flush=True)\n"
    )
    pipe = subprocess.PIPE
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    child = int(parent.stdout.readline())
    os.kill(child, signal.SIGSTOP)  # it will not answer
    parent.stdin.write("\n")
    parent.stdin.flush()
    parent.stdout.readline()
    time.sleep(1)
    parent.send_signal(signal.SIGINT)
    out, err = parent.communicate(timeout=20)
    assert (out.strip(), err) == ("stopped None", "")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("没有.xlsx", "^没有找到题库 "),
        (".", "^题库 .* 是文件夹"),
        ("~$a.xlsx", r"^题库 .*~\$a.xlsx 是表格软件的临时锁文件"),
        ("空.xlsx", r"^题库 .* 是空文件（0 字节）"),
        ("x\0y", "^题库 .* 读不了"),
    ],
)
def test_what_cannot_be_opened_is_explained(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "空.xlsx").touch()
    with pytest.raises(BankError, match=words):
        read_bytes(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.xlsx")
    for path in (tmp_path / "a.xlsx", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(BankError, match="是设备或管道"):
            read_bytes(path)


def test_a_file_of_many_megabytes_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 2**20)
    with pytest.raises(BankError, match=r"有 201 MiB，最大 200 MiB"):
        read_bytes(path)


def test_the_child_starts_without_heavy_libraries(tmp_path: Path) -> None:
    code = (
        "import xiaoan.question_bank.cells.reading_process as p, xiaoan.question_bank.rows.columns, sys\n"
        "import xiaoan.question_bank.cells.workbook_cells\n"
        "print({'numpy', 'openpyxl', 'pandas', 'torch', 'xlrd', 'python_calamine'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(("name", "words"), [("题" * 200, "路径太长"), ("题\0库", "路径里有不能用的字符")])
def test_a_refusal_of_the_system_is_said_in_chinese(name: str, words: str) -> None:
    with pytest.raises(BankError, match=words) as caught:
        read_bytes(Path(name))
    assert "name too long" not in caught.value.message
