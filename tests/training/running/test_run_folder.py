"""The folder of a run through stops, full disks, damaged files and other people's runs."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
import torch

from xiaoan.errors import StorageError, UsageError
from xiaoan.training.running.run_folder import Condition, RunFolder

SETTINGS = {"loop": {"steps": 9, "learning_rate": 0.02}, "data": "abc"}


def state(step: int) -> dict[str, Any]:
    return {"step": step, "parameters": {"w": torch.full((500,), float(step))}}


def begun(path: Path, *steps: int) -> RunFolder:
    """A folder with a run that saved at these steps."""
    folder = RunFolder(path)
    with folder:
        folder.open(SETTINGS, resume=False)
        for step in steps:
            folder.save(state(step))
    return folder


def loaded(folder: RunFolder) -> tuple[int, list[str]]:
    said: list[str] = []
    found = folder.load(said.append)
    assert found is not None
    assert float(found["parameters"]["w"][0]) == found["step"]
    return found["step"], said


def no_room(_: Any, file: IO[bytes]) -> None:
    file.write(b"half of it")
    raise OSError(28, "No space left on device")


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """Let no file of this process grow beyond `limit` bytes, as a full disk would."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_the_last_state_is_loaded_and_two_are_kept(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 1, 2, 3)
    assert loaded(folder) == (3, [])
    assert sorted(file.name for file in folder.states.glob("*.pt")) == ["step-000002.pt", "step-000003.pt"]


def test_a_folder_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert RunFolder(path).condition() is Condition.EMPTY
    folder = begun(path)
    assert folder.condition() is Condition.UNFINISHED
    (path / "run.json").write_text("{}", encoding="utf-8")
    with folder:
        folder.remove_states()
        assert folder.condition() is Condition.FINISHED
    assert not folder.states.exists()
    (path / "run.json").rename(path / "notes.txt")
    assert folder.condition() is Condition.FOREIGN


def test_looking_into_a_new_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()


def test_an_unfinished_run_is_gone_on_with_only_when_asked(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 4)
    with pytest.raises(UsageError, match="--resume"):
        folder.open(SETTINGS, resume=False)
    assert folder.open(SETTINGS, resume=True)


def test_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 4)
    other = {"loop": {"steps": 9, "learning_rate": 0.01}, "data": "abc"}
    with pytest.raises(UsageError) as caught:
        folder.open(other, resume=True)
    assert "loop.learning_rate：原来 0.02，这次 0.01" in caught.value.message
    assert "steps" not in caught.value.message


@pytest.mark.parametrize("name", ["notes.txt", "run.json"])
def test_other_files_and_finished_runs_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="--output"), RunFolder(tmp_path) as folder:
        folder.open(SETTINGS, resume=True)


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with begun(tmp_path / "run", 1), pytest.raises(UsageError, match="正被另一个训练占用"):
        RunFolder(tmp_path / "run").__enter__()


def test_a_disk_that_fills_up_leaves_the_last_state(tmp_path: Path) -> None:
    begun(tmp_path / "run", 1, 2)
    full = RunFolder(tmp_path / "run", write=no_room)
    with full, pytest.raises(StorageError) as caught:
        full.save(state(3))
    assert "第 2 步的状态还在" in caught.value.message
    assert loaded(full) == (2, [])
    assert not list(full.states.glob(".xiaoan-*"))


def test_a_write_that_the_system_cuts_short_leaves_the_last_state(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 1)
    with folder, small_files(1024), pytest.raises(StorageError, match="第 3 步的训练状态没有存下"):
        folder.save(state(3))
    assert loaded(folder) == (1, [])


def damage_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:700])


def damage_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


def damage_kind(file: Path) -> None:
    torch.save([1, 2], file)


DAMAGE: list[Callable[[Path], Any]] = [
    damage_half, damage_bit, damage_kind, lambda file: file.write_bytes(b""), lambda file: file.write_text("no state"), Path.unlink,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_state_gives_way_to_the_one_before_it(
    tmp_path: Path, damage: Callable[[Path], Any]
) -> None:
    folder = begun(tmp_path / "run", 1, 2)
    damage(folder.states / "step-000002.pt")
    step, said = loaded(folder)
    assert step == 1
    assert "step-000002.pt" in said[0]
    assert "第 1 步" in said[0]


@pytest.mark.parametrize("damage", DAMAGE)
def test_where_no_state_is_whole_nothing_is_guessed(tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    folder = begun(tmp_path / "run", 1, 2)
    for file in folder.states.glob("*.pt"):
        damage(file)
    with pytest.raises(UsageError, match="续训状态损坏") as caught:
        folder.load(lambda _: None)
    assert "删除" in caught.value.message


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"step": 2}]'])
def test_a_damaged_index_costs_nothing(tmp_path: Path, content: str) -> None:
    folder = begun(tmp_path / "run", 1, 2)
    (folder.states / "states.json").write_text(content, encoding="utf-8")
    assert loaded(folder) == (2, [])


def test_with_a_damaged_index_the_best_state_is_still_known_after_the_next_save(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 1)
    with folder:
        folder.save(state(2), best=state(2))
    (folder.states / "states.json").write_text("{", encoding="utf-8")
    assert loaded(folder) == (2, [])
    with folder:
        folder.save(state(3))
    best = folder.load_best()
    assert best is not None
    assert best["step"] == 2


def test_settings_that_cannot_be_read_are_not_guessed(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 1)
    (folder.states / "settings.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="读不出来"):
        folder.open(SETTINGS, resume=True)


def test_the_best_state_outlives_later_ones_and_goes_with_its_states(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 1)
    with folder:
        folder.save(state(2), best=state(2))
        for step in (3, 4, 5):
            folder.save(state(step))
        best = folder.load_best()
        assert best is not None
        assert best["step"] == 2
        folder.save(state(6), best=state(6))
        folder.save(state(7))
    assert [file.name for file in folder.states.glob("best-*.pt")] == ["best-000006.pt"]


def test_a_damaged_best_state_sends_a_run_back_to_before_it(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 1)
    with folder:
        folder.save(state(2), best=state(2))
    damage_bit(folder.states / "best-000002.pt")
    assert loaded(folder)[0] == 1


def test_where_every_state_leans_on_a_damaged_best_one_the_best_alone_is_lost(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run")
    with folder:
        folder.save(state(2), best=state(2))
        folder.save(state(3))
    damage_bit(folder.states / "best-000002.pt")
    said: list[str] = []
    found = folder.load(said.append)
    assert found is not None
    assert (found["step"], found["best_lost"]) == (3, True)
    assert "重新比" in said[0]
    assert folder.load_best() is None


def test_an_unfinished_run_tells_what_it_began_with(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 1)
    assert folder.begun_with() == SETTINGS
    (folder.states / "settings.json").write_text("{", encoding="utf-8")
    assert folder.begun_with() is None
    assert RunFolder(tmp_path / "new").begun_with() is None


def test_the_curve_is_cut_to_the_state_and_loses_a_torn_line(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 1)
    with folder:
        for step in (1, 2, 3):
            folder.record({"step": step, "loss": 1 / step})
        with (folder.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write('{"step": 4, "lo')
        folder.cut_metrics(2)
    assert folder.metrics() == [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}]
    assert (
        json.loads((folder.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])["step"] == 2
    )


def test_a_folder_that_cannot_be_made_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="写不了训练文件夹"):
        RunFolder(tmp_path / "file" / "run").__enter__()


def test_too_little_room_is_said_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="GB"):
        RunFolder(tmp_path / "run").require_room(10**18)


def test_another_process_than_the_main_one_neither_locks_nor_writes(tmp_path: Path) -> None:
    with begun(tmp_path / "run", 1), RunFolder(tmp_path / "run", writes=False) as second:
        assert second.last_step() == 1
    with RunFolder(tmp_path / "new", writes=False) as folder:
        folder.open(SETTINGS, resume=False)
    assert not (tmp_path / "new").exists()
