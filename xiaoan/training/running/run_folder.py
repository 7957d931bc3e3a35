"""The folder of a run: its lock, its settings, its curve, and states that are whole or not there at all."""

import contextlib
import dataclasses
import enum
import errno
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import torch

from xiaoan.errors import StorageError, UsageError
from xiaoan.whole_files import write_whole, written_whole

STATE_FOLDER = "state"
METRICS_FILE = "metrics.jsonl"
RESULT_CARD = "run.json"
SETTINGS_FILE = "settings.json"
_INDEX_FILE = "states.json"
_LOCK_FILE = "lock"
_DRAFTS = ".xiaoan-*"
_UNREADABLE = (
    OSError, RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, pickle.UnpicklingError,
)  # fmt: skip
"""What `torch.load` raises on files that are no whole states of ours."""

Write = Callable[[Any, IO[bytes]], None]


class Condition(enum.Enum):
    """What a folder holds."""

    EMPTY = "nothing"
    UNFINISHED = "a run that can be resumed"
    FINISHED = "a run's result"
    FOREIGN = "something else"


@dataclass(frozen=True)
class StoredState:
    """A state file as the index knows it; `best` is the file of the best state at that time, or ""."""

    step: int
    file: str
    sha256: str
    best: str = ""
    best_sha256: str = ""


class RunFolder:
    """A run on disk, to be used as a context: a second process is refused meanwhile.

    `state/` holds `settings.json`, the last two states and the best one, and `states.json`, which says which they are;
    it alone is ever replaced, so that a stop at any moment leaves a whole state behind. `metrics.jsonl` stands beside.

    Args:
        path: of the folder; made when it is first written to.
        writes: false in all but the main process: it then only answers questions.
        write: how a state is written into an open file.
    """

    def __init__(self, path: Path, *, writes: bool = True, write: Write = torch.save) -> None:
        self.path = path
        self.writes = writes
        self._write = write
        self._held = contextlib.ExitStack()
        self._depth = 0

    @property
    def states(self) -> Path:
        """Where the states are."""
        return self.path / STATE_FOLDER

    # -- holding it -----------------------------------------------------------------------------------------------

    def __enter__(self) -> "RunFolder":
        """Lock the folder; may be nested.

        Raises:
            UsageError: another process trains in it.
            StorageError: it cannot be written.
        """
        if self._depth == 0 and self.writes:
            self._lock()
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._held.close()

    def _lock(self) -> None:
        from filelock import FileLock, Timeout

        try:
            self.states.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.states / _LOCK_FILE, timeout=0)
            lock.acquire()
        except Timeout as error:
            raise UsageError(
                f"{self.path} 正被另一个训练占用。请等它结束，或换一个输出文件夹（--output）。"
            ) from error
        except OSError as error:
            raise StorageError(
                f"写不了训练文件夹 {self.path}：{error.strerror or error}。请检查权限和磁盘空间，或换一个 --output。"
            ) from error
        self._held.callback(self._leave_no_empty_folder)
        self._held.callback(lock.release)
        for draft in self.states.glob(_DRAFTS):  # of a process that was killed while it wrote
            shutil.rmtree(draft, ignore_errors=True)

    def _leave_no_empty_folder(self) -> None:
        if not (self.states / SETTINGS_FILE).exists():
            with contextlib.suppress(OSError):
                (self.states / _LOCK_FILE).unlink(missing_ok=True)
                self.states.rmdir()
                self.path.rmdir()  # only if nothing else is in it

    # -- what it is -----------------------------------------------------------------------------------------------

    def condition(self) -> Condition:
        """Return what the folder holds; hidden files and the lock do not count.

        Raises:
            StorageError: it cannot be read, or is no folder.
        """
        try:
            if (self.states / SETTINGS_FILE).is_file():
                return Condition.UNFINISHED
            if (self.path / RESULT_CARD).is_file():
                return Condition.FINISHED
            if not self.path.exists():
                return Condition.EMPTY
            found = [item for item in self.path.iterdir() if not item.name.startswith(".")]
            lock_only = [item for item in found if item != self.states or _other_than_lock(item)]
        except OSError as error:
            raise StorageError(f"读不了训练文件夹 {self.path}：{error.strerror or error}。") from error
        return Condition.FOREIGN if lock_only else Condition.EMPTY

    def open(self, settings: Mapping[str, Any], *, resume: bool, among_others: bool = False) -> bool:
        """Begin a run here, or go on with the one that is here; return whether it is the latter.

        Args:
            settings: what the run depends on, ready for JSON; kept, and compared with what was kept.
            resume: whether an unfinished run may be gone on with.
            among_others: whether files that are not of a run may lie here.

        Raises:
            UsageError: there is an unfinished run and `resume` is false, another run, a finished one, or other files.
            StorageError: the folder cannot be written.
        """
        condition = self.condition()
        if condition is Condition.UNFINISHED:
            if not resume:
                raise UsageError(
                    f"{self.path} 里有一次没有做完的训练。要接着练，请加 --resume；"
                    "要重新开始，请换一个 --output，或先删除这个文件夹。"
                )
            self._check_same_run(settings)
            return True
        if condition is Condition.FINISHED and not among_others:
            raise UsageError(
                f"{self.path} 里已经有一次训练的结果，不会覆盖。请换一个输出文件夹（--output）。"
            )
        if condition is Condition.FOREIGN and not among_others:
            raise UsageError(
                f"{self.path} 里已经有别的文件，训练结果不放进去。请换一个空的或不存在的文件夹（--output）。"
            )
        if self.writes:
            (self.path / METRICS_FILE).unlink(missing_ok=True)
            write_whole(self.states / SETTINGS_FILE, _document(settings).encode())
        return False

    def begun_with(self) -> Mapping[str, Any] | None:
        """Return the settings of the unfinished run that is here; None where there is none or they cannot be read."""
        try:
            kept = json.loads((self.states / SETTINGS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return kept if isinstance(kept, dict) else None

    def _check_same_run(self, settings: Mapping[str, Any]) -> None:
        file = self.states / SETTINGS_FILE
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"训练设置 {file} 读不出来（{error}），无法确认是不是同一次训练。请换一个 --output 重新训练。"
            ) from error
        differences = list(_differences(kept, json.loads(_document(settings))))
        if differences:
            raise UsageError(
                f"{self.path} 里是另一次训练，下面这些设置不同：\n"
                + "\n".join(f"  {line}" for line in differences)
                + "\n请用原来的设置续训，或换一个输出文件夹（--output）。"
            )

    # -- states ---------------------------------------------------------------------------------------------------

    def save(self, state: Mapping[str, Any], *, best: Mapping[str, Any] | None = None) -> Path:
        """Write `state` (with its "step") as the last one, with `best` as the best if there is a new one.

        The state before it stays as the previous one. Returns the state's file.

        Raises:
            StorageError: it cannot be written; the states that were there still are.
        """
        index = self._index()
        last = index[0] if index else None
        step = int(state["step"])
        try:
            best_file = (last.best, last.best_sha256) if last else ("", "")
            if best is not None:
                best_file = self._put(f"best-{int(best['step']):06d}.pt", best)
            file, sha256 = self._put(f"step-{step:06d}.pt", state)
            kept = [StoredState(step, file, sha256, *best_file), *(s for s in index if s.step < step)][:2]
            write_whole(self.states / _INDEX_FILE, json.dumps([vars(s) for s in kept]).encode())
            _sync_folder(self.states)
        except (StorageError, OSError) as error:
            raise self._not_saved(step, last, error) from error
        self._clear_but(kept)
        return self.states / file

    def load(self, say: Callable[[str], None]) -> dict[str, Any] | None:
        """Return the newest whole state; None when the run never got as far as one.

        A state that is damaged, or whose best state is, is passed over for the one before it, and `say` is told.
        Where only best states are damaged, the newest is taken with "best_lost" in it: what was best before has to
        be forgotten.

        Raises:
            UsageError: there are states, but none of them is whole.
        """
        listed = self._index()
        candidates = listed or self._unlisted()
        damaged: list[str] = []
        without_best: tuple[StoredState, dict[str, Any]] | None = None
        for stored in candidates:
            state, fault = self._read(stored.file, stored.sha256)
            if not fault and stored.best:
                fault = self._read(stored.best, stored.best_sha256)[1]
                if fault and state is not None and without_best is None:
                    without_best = stored, state
            if state is not None and not fault:
                if damaged:
                    say("；".join(damaged) + f"。改从前一个状态（第 {stored.step} 步）接着练。")
                if not listed:
                    self._list(stored)
                return state
            damaged.append(fault)
        if without_best is not None:
            stored, state = without_best
            say("；".join(damaged) + f"。从第 {stored.step} 步接着练，之前最好的状态不算了，重新比。")
            self._list(dataclasses.replace(stored, best=""))
            return {**state, "best_lost": True}
        if not damaged:
            return None
        raise UsageError(
            f"续训状态损坏：{'；'.join(damaged)}。没有完好的状态可用，请删除 {self.path} 后重新训练。"
        )

    def load_best(self) -> dict[str, Any] | None:
        """Return the best state of the run up to the last state, or None if nothing was measured.

        Raises:
            UsageError: it is damaged.
        """
        index = self._index()
        if not index or not index[0].best:
            return None
        state, fault = self._read(index[0].best, index[0].best_sha256)
        if state is None:
            raise UsageError(f"最好的状态损坏：{fault}。请加 --resume 重新进行最后几步。")
        return state

    def last_step(self) -> int:
        """Return the step of the last saved state; 0 when there is none."""
        index = self._index()
        return index[0].step if index else 0

    def remove_states(self) -> None:
        """Remove `state/` when the run is done and its result written; call it while holding the folder."""
        (self.states / SETTINGS_FILE).unlink(missing_ok=True)  # first: from here on it is no unfinished run
        for item in self.states.iterdir():
            if item.name != _LOCK_FILE:
                item.unlink()

    def require_room(self, needed: int) -> None:
        """Check that `needed` bytes are free.

        Raises:
            StorageError: they are not.
        """
        free = shutil.disk_usage(_existing(self.path)).free
        if free < needed:
            raise StorageError(
                f"{self.path} 所在的磁盘只剩 {free / 1e9:.2f} GB，保存训练状态约需 {needed / 1e9:.2f} GB。"
                "请腾出空间，或换一个输出文件夹（--output）。"
            )

    def _put(self, name: str, state: Mapping[str, Any]) -> tuple[str, str]:
        target = self.states / name
        with written_whole(target) as draft:
            with draft.open("wb") as file, _write_faults():
                self._write(dict(state), file)
            with draft.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return name, sha256

    def _read(self, name: str, sha256: str) -> tuple[dict[str, Any] | None, str]:
        """A state and "", or None and what is wrong with its file."""
        path = self.states / name
        try:
            with path.open("rb") as file:
                if sha256 and hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    return None, f"{path} 的内容与保存时不同"
            state = torch.load(path, weights_only=True, map_location="cpu")
        except FileNotFoundError:
            return None, f"{path} 不见了"
        except _UNREADABLE as error:
            return None, f"{path} 读不出来（{type(error).__name__}）"
        if not isinstance(state, dict) or "step" not in state or "parameters" not in state:
            return None, f"{path} 不是训练状态"
        return state, ""

    def _index(self) -> list[StoredState]:
        try:
            listed = json.loads((self.states / _INDEX_FILE).read_text(encoding="utf-8"))
            return [StoredState(**entry) for entry in listed]
        except (OSError, ValueError, TypeError):
            return []

    def _unlisted(self) -> list[StoredState]:
        """The states that lie there, newest first, where the index is lost: taken if they can be read."""
        files = sorted(self.states.glob("step-*.pt"), reverse=True)
        bests = sorted(self.states.glob("best-*.pt"), reverse=True)
        found = []
        for file in files:
            step = _step_of(file)
            best = next((b.name for b in bests if _step_of(b) <= step), "")
            found.append(StoredState(step, file.name, "", best))
        return found

    def _list(self, found: StoredState) -> None:
        """Write a lost index anew, so that the best state is still known when the next one is saved."""
        sums = (
            hashlib.sha256((self.states / name).read_bytes()).hexdigest() if name else ""
            for name in (found.file, found.best)
        )
        stored = StoredState(found.step, found.file, next(sums), found.best, next(sums))
        write_whole(self.states / _INDEX_FILE, json.dumps([vars(stored)]).encode())

    def _clear_but(self, kept: Sequence[StoredState]) -> None:
        names = {name for stored in kept for name in (stored.file, stored.best)}
        for file in self.states.glob("*.pt"):
            if file.name not in names:
                file.unlink(missing_ok=True)

    def _not_saved(self, step: int, last: StoredState | None, error: Exception) -> StorageError:
        reason = error.message if isinstance(error, StorageError) else str(error)
        kept = (
            f"第 {last.step} 步的状态还在，处理好后加 --resume 从那里接着练" if last else "还没有保存过状态"
        )
        return StorageError(f"第 {step} 步的训练状态没有存下：{reason}。{kept}。")

    # -- the curve ------------------------------------------------------------------------------------------------

    def record(self, figures: Mapping[str, Any]) -> None:
        """Add a line to `metrics.jsonl`.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            with (self.path / METRICS_FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(dict(figures), ensure_ascii=False) + "\n")
        except OSError as error:
            raise StorageError(
                f"写不了 {self.path / METRICS_FILE}：{error.strerror or error}。"
                f"请检查磁盘空间和权限；处理好后加 --resume，从第 {self.last_step()} 步接着练。"
            ) from error

    def sync_metrics(self) -> None:
        """Bring the curve onto the disk: a state must not outlive the steps that led to it."""
        file = self.path / METRICS_FILE
        if file.exists():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`; one that was cut off by a stop is left out."""
        try:
            lines = (self.path / METRICS_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return [figures for line in lines if (figures := _figures(line)) is not None]

    def cut_metrics(self, step: int) -> None:
        """Take away the lines of later steps than `step`, and one that was cut off."""
        kept = [figures for figures in self.metrics() if int(figures.get("step", 0)) <= step]
        lines = "".join(json.dumps(figures, ensure_ascii=False) + "\n" for figures in kept)
        write_whole(self.path / METRICS_FILE, lines.encode())


def _other_than_lock(folder: Path) -> bool:
    return not folder.is_dir() or any(
        item.name != _LOCK_FILE and not item.name.startswith(".") for item in folder.iterdir()
    )


@contextlib.contextmanager
def _write_faults() -> Iterator[None]:
    """Turn what torch's archive writer makes of a disk that takes no more back into the OSError that it was."""
    try:
        yield
    except RuntimeError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            raise cause from error
        raise OSError(errno.EIO, f"状态文件没有写完整（{error}），多半是磁盘满了") from error


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _step_of(file: Path) -> int:
    digits = file.stem.partition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def _document(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, ensure_ascii=False, sort_keys=True, indent=2) + "\n"


def _figures(line: str) -> dict[str, Any] | None:
    try:
        figures = json.loads(line)
    except ValueError:
        return None
    return figures if isinstance(figures, dict) and "step" in figures else None


def _differences(kept: Any, now: Any, name: str = "") -> Iterator[str]:
    if isinstance(kept, dict) and isinstance(now, dict):
        for key in sorted({*kept, *now}):
            yield from _differences(kept.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif kept != now:
        yield f"{name or '设置'}：原来 {_short(kept)}，这次 {_short(now)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _sync_folder(folder: Path) -> None:
    """Make renames in `folder` last through a power cut; where folders cannot be opened (Windows), nothing."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
