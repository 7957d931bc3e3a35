"""The child process in which files from outside are opened, and its keeper."""

import contextlib
import errno
import faulthandler
import gc
import json
import logging
import os
import queue
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from xiaoan.errors import BankError
from xiaoan.question_bank.cells.file_guard import MAX_FILE_BYTES
from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind, Sheet

MEMORY_LIMIT_BYTES = 4 * 2**30
"""Address space of the child: 217,000 rows of 13 columns take 2.0 GiB of it."""
TIMEOUT_S = 120.0

_LENGTH = struct.Struct("<Q")
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from xiaoan.question_bank.cells.reading_process import serve; serve(int(sys.argv[2]), float(sys.argv[3]))"
)
_GRACE_S = 5.0
_WAIT_S = 0.2

_REASONS = {
    errno.ENAMETOOLONG: "路径太长",
    errno.ELOOP: "链接绕成了圈",
    errno.ENOTDIR: "路径中间有一段不是文件夹",
    errno.EIO: "磁盘或网络读出错",
    errno.EMFILE: "打开的文件太多",
    errno.ENFILE: "打开的文件太多",
    errno.ENOMEM: "内存不够",
    errno.EAGAIN: "系统暂时开不了新进程",
}

logger = logging.getLogger(__name__)


class SheetReader:
    """Reads files in a child process whose memory and time are limited; a file can end the child, not us.

    The child starts with the first file, reads file after file, and is replaced when it dies. Use as a context
    manager. One thread at a time.
    """

    def __init__(self, *, memory_limit_bytes: int = MEMORY_LIMIT_BYTES, timeout_s: float = TIMEOUT_S) -> None:
        self._memory_limit_bytes = memory_limit_bytes
        self._timeout_s = timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, path: Path) -> list[Sheet]:
        """Return all sheets of the file. Raises BankError, which names `path`; nothing is half read.

        A file that changes while it is read is refused: its first half may be a whole table to a reader.
        """
        before = _stamp(path)
        sheets = self.read_data(path, read_bytes(path))
        if _stamp(path) != before:
            raise BankError(f"题库 {path} 在读的时候变了，可能正在保存；请等它保存好再试")
        return sheets

    def read_data(self, path: Path, data: bytes) -> list[Sheet]:
        """Return all sheets of the file at `path` whose bytes are `data`. Raises BankError as `read` does."""
        answer = self._asked(path, data)
        if "error" in answer:
            raise BankError(f"题库 {path} {answer['error']}")
        return [_sheet_of(stored) for stored in answer["sheets"]]

    def close(self) -> None:
        """End the child. Another `read` starts a new one."""
        child, self._child = self._child, None
        complaints, self._complaints = self._complaints, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    # What was not yet written may not be writable any more.
                    with contextlib.suppress(OSError):
                        pipe.close()
        if complaints is not None:
            complaints.close()

    def _asked(self, path: Path, data: bytes) -> dict[str, Any]:
        """The child's answer. Whatever ends this early (Ctrl-C too) ends the child, whose state is unknown."""
        child = self._running(path)
        answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        thread = threading.Thread(target=_exchange, args=(child, data, answers), daemon=True)
        thread.start()
        settled = False
        try:
            answer = self._awaited(answers)
            if answer is None:
                child.wait(_GRACE_S)
                raise BankError(
                    f"题库 {path} 读不了：打开它需要的内存超过 {self._memory_limit_bytes // 2**20} MiB，或者文件已损坏"
                    f"（读取进程退出，代码 {child.returncode}）；请用表格软件打开，删去空行空列和图片，另存为 .xlsx 后再试"
                )
            decoded: dict[str, Any] = json.loads(answer)
            settled = True
            return decoded
        except queue.Empty as error:
            raise BankError(
                f"题库 {path} 读了 {self._timeout_s:g} 秒还没有读完，已停止；文件可能损坏，或者太大，请拆成几个后再试"
            ) from error
        finally:
            if not settled:
                self._note_complaints()
                self.close()
            thread.join()

    def _awaited(self, answers: "queue.SimpleQueue[bytes | None]") -> bytes | None:
        """The answer, or queue.Empty when time is up; in short waits, as Windows lets no Ctrl-C into a long one."""
        end = time.monotonic() + self._timeout_s
        while True:
            with contextlib.suppress(queue.Empty):
                return answers.get(timeout=min(_WAIT_S, max(end - time.monotonic(), 0)))
            if time.monotonic() >= end:
                raise queue.Empty

    def _running(self, path: Path) -> "subprocess.Popen[bytes]":
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        limits = [str(self._memory_limit_bytes), str(self._timeout_s + _GRACE_S)]
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-X", "utf8", "-c", _CHILD, str(_PACKAGE_ROOT), *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise BankError(f"题库 {path} 读不了：起不了读取进程（{_reason(error)}）；请稍后再试") from error
        return self._child

    def _note_complaints(self) -> None:
        """What the libraries in the child wrote before it died; for the log, never for the terminal."""
        if self._complaints is not None:
            size = self._complaints.seek(0, os.SEEK_END)
            self._complaints.seek(max(size - 2_000, 0))
            logger.debug("reading process: %s", self._complaints.read().decode("utf-8", "replace"))


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of the last change; None where there is no file."""
    try:
        known = path.stat()
    except (OSError, ValueError):
        return None
    return known.st_size, known.st_mtime_ns


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file; a device or pipe is never waited for.

    Raises BankError, which names `path`, for what is missing, locked, no regular file, empty or too large.
    """
    if path.name.startswith("~$"):
        raise BankError(f"题库 {path} 是表格软件的临时锁文件，不是工作簿；请给出名字不带“~$”的那个文件")
    try:
        with _opened(path) as file:
            mode = os.fstat(file.fileno())
            if stat.S_ISDIR(mode.st_mode):
                raise IsADirectoryError
            if not stat.S_ISREG(mode.st_mode):
                raise _no_file(path)
            if mode.st_size > MAX_FILE_BYTES:
                raise _too_large(path, mode.st_size)
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise BankError(f"没有找到题库 {path}；请检查路径") from error
    except IsADirectoryError as error:
        raise BankError(f"题库 {path} 是文件夹，不是工作簿；请给出其中的工作簿") from error
    except PermissionError as error:
        if path.is_dir():  # what Windows says of folders
            raise BankError(f"题库 {path} 是文件夹，不是工作簿；请给出其中的工作簿") from error
        raise BankError(f"题库 {path} 没有权限读，或正被别的程序占用；请关闭该程序或改权限后再试") from error
    except (OSError, ValueError) as error:
        raise BankError(f"题库 {path} 读不了：{_reason(error)}") from error
    if len(data) > MAX_FILE_BYTES:
        raise _too_large(path, len(data))
    if not data:
        raise BankError(f"题库 {path} 是空文件（0 字节）；请重新导出或下载")
    return data


def serve(memory_limit_bytes: int, time_limit_s: float) -> None:
    """Answer requests on standard input until it ends; the child's whole life.

    A request is the length of a file and its bytes, an answer the length of a JSON text and the text. A file
    that takes longer than `time_limit_s` ends the process, even where its parent is no longer there to do so.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business, which ends this process
    _limit_memory(memory_limit_bytes)
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    gc.disable()  # millions of cells and no cycles among them: collecting doubles the time
    os.dup2(2, 1)  # a stray print of a library must not get between the answers
    with contextlib.suppress(BrokenPipeError), Path(os.devnull).open("wb") as nowhere:
        while head := requests.read(_LENGTH.size):
            faulthandler.dump_traceback_later(time_limit_s, exit=True, file=nowhere)
            data = requests.read(*_LENGTH.unpack(head))
            for piece in _answer(data):
                answers.write(piece)
            answers.flush()
            gc.collect()
            faulthandler.cancel_dump_traceback_later()


def _answer(data: bytes) -> tuple[bytes, bytes]:
    from xiaoan.question_bank.cells.workbook_cells import read_sheets
    from xiaoan.question_bank.rows.columns import text_columns

    answer: dict[str, object]
    try:
        answer = {"sheets": [_stored(sheet) for sheet in read_sheets(data, needs_formats=text_columns)]}
    except BankError as error:
        answer = {"error": error.message}
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return _LENGTH.pack(len(text)), text


def _stored(sheet: Sheet) -> dict[str, object]:
    return {
        "name": sheet.name,
        "rows": sheet.rows,
        "hidden": sheet.hidden,
        "hidden_rows": sorted(sheet.hidden_rows),
        "merged": [[r.first_row, r.first_column, r.last_row, r.last_column] for r in sheet.merged],
        "remarks": [[*place, remark.kind.value, remark.detail] for place, remark in sheet.remarks.items()],
    }


def _sheet_of(stored: dict[str, Any]) -> Sheet:
    return Sheet(
        stored["name"],
        stored["rows"],
        stored["hidden"],
        frozenset(stored["hidden_rows"]),
        tuple(MergedRange(*corners) for corners in stored["merged"]),
        {(row, column): Remark(RemarkKind(kind), detail) for row, column, kind, detail in stored["remarks"]},
    )


def _exchange(
    child: "subprocess.Popen[bytes]", data: bytes, answers: "queue.SimpleQueue[bytes | None]"
) -> None:
    """Send the file, wait for the answer; None where the child is gone. Runs in a thread, which may block."""
    assert child.stdin is not None
    assert child.stdout is not None
    answer: bytes | None = None
    try:
        child.stdin.write(_LENGTH.pack(len(data)))
        child.stdin.write(data)
        child.stdin.flush()
        head = child.stdout.read(_LENGTH.size)
        if len(head) == _LENGTH.size:
            (length,) = _LENGTH.unpack(head)
            body = child.stdout.read(length)
            answer = body if len(body) == length else None
    except (OSError, ValueError):
        answer = None  # a pipe that broke, or was closed because time was up
    finally:
        answers.put(answer)


def _limit_memory(limit_bytes: int) -> None:
    """Where the system has such limits; elsewhere only the checks before reading guard the memory."""
    try:
        import resource
    except ImportError:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open without waiting: opening a pipe for reading would block until someone writes."""
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    )
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise _no_file(path) from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _no_file(path: Path) -> BankError:
    return BankError(f"题库 {path} 是设备或管道，不是普通文件；请给出工作簿")


def _reason(error: OSError | ValueError) -> str:
    """Why the system refused, without its own words, which are English on many machines."""
    if isinstance(error, ValueError):
        return "路径里有不能用的字符"
    return _REASONS.get(error.errno or 0, f"系统错误 {error.errno}")


def _too_large(path: Path, size: int) -> BankError:
    return BankError(
        f"题库 {path} 有 {size // 2**20} MiB，最大 {MAX_FILE_BYTES // 2**20} MiB；请删去图片或拆成几个文件后再试"
    )
