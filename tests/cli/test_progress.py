import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.bench import CommandBench
from xiaoan.question_bank.progress import Attempt, Progress

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
BOOTS = "0123456789abcdef"


def answer(bench: CommandBench, user: str = "张三", verdict: str = "wrong") -> Path:
    """Let somebody answer one question; return the file it is kept in."""
    path = bench.home / "progress.sqlite"
    made = Attempt(BOOTS, "变电", "单选题", "practice", "B", verdict, 0.0, 4.0, False, NOON)
    with Progress.open(path, user, now=lambda: NOON) as progress:
        progress.record([made])
    return path


def attempts(bench: CommandBench, user: str = "张三") -> int:
    path = bench.home / "progress.sqlite"
    with Progress.open(path, user, now=lambda: NOON, read_only=True) as progress:
        return progress.statistics().attempts


def test_a_backup_brings_everything_back(bench: CommandBench, tmp_path: Path) -> None:
    answer(bench)
    saved = tmp_path / "备份.sqlite"
    result = bench.run("progress", "backup", str(saved))
    assert (result.code, result.err, result.out.strip()) == (0, "", f"进度已备份到 {saved}")
    answer(bench)
    result = bench.run("progress", "restore", str(saved))
    assert (result.code, result.err) == (0, "")
    assert f"进度已从 {saved} 恢复" in result.out
    assert f"原来的进度留在 {bench.home / 'progress.sqlite.bak'}" in result.out
    assert attempts(bench) == 1


def test_a_backup_restored_on_a_new_machine_has_nothing_to_keep(bench: CommandBench, tmp_path: Path) -> None:
    answer(bench)
    bench.run("progress", "backup", str(tmp_path / "备份.sqlite"))
    bench.environ["XIAOAN_HOME"] = str(tmp_path / "新机器")
    result = bench.run("progress", "restore", str(tmp_path / "备份.sqlite"))
    assert (result.code, "原来的进度" in result.out) == (0, False)
    assert (tmp_path / "新机器" / "progress.sqlite").is_file()


def test_backup_without_progress_or_onto_a_file_says_what_to_do(bench: CommandBench, tmp_path: Path) -> None:
    nothing = bench.run("progress", "backup", str(tmp_path / "备份.sqlite"))
    assert (nothing.code, "还没有进度可以备份" in nothing.err) == (2, True)
    answer(bench)
    (tmp_path / "备份.sqlite").touch()
    there = bench.run("progress", "backup", str(tmp_path / "备份.sqlite"))
    assert (there.code, "加 --force 覆盖它" in there.err) == (2, True)
    assert bench.run("progress", "backup", "--force", str(tmp_path / "备份.sqlite")).code == 0


def test_an_export_is_of_the_person_named(bench: CommandBench, tmp_path: Path) -> None:
    answer(bench, "张三")
    answer(bench, "李四")
    target = tmp_path / "进度.json"
    assert bench.run("progress", "export", str(target), "--user", "李四").code == 0
    assert [user["name"] for user in json.loads(target.read_text(encoding="utf-8"))["users"]] == ["李四"]
    assert bench.run("progress", "export", str(target), "--all", "--force").code == 0
    assert len(json.loads(target.read_text(encoding="utf-8"))["users"]) == 2


def test_an_export_of_nobody_is_said(bench: CommandBench, tmp_path: Path) -> None:
    answer(bench)
    result = bench.run("progress", "export", str(tmp_path / "a.json"), "--user", "王五")
    assert (result.code, "没有 王五 这个人；有的是：张三" in result.err) == (2, True)
    both = bench.run("progress", "export", str(tmp_path / "a.json"), "--user", "张三", "--all")
    assert (both.code, "只写一个" in both.err) == (2, True)
    assert not (tmp_path / "a.json").exists()


def test_an_import_says_what_was_new_for_whom(bench: CommandBench, tmp_path: Path) -> None:
    answer(bench)
    bench.run("progress", "export", str(tmp_path / "a.json"), "--all")
    again = bench.run("progress", "import", str(tmp_path / "a.json"))
    assert (again.code, again.err) == (0, "")
    assert "新增 0 个回答，1 个已经有了" in again.out
    bench.environ["XIAOAN_HOME"] = str(tmp_path / "新机器")
    assert "张三  新增 1 个回答\n" in bench.run("progress", "import", str(tmp_path / "a.json")).out


@pytest.mark.parametrize("command", ["import", "restore"])
def test_a_file_that_is_not_there_or_is_none_is_said(
    bench: CommandBench, tmp_path: Path, command: str
) -> None:
    missing = bench.run("progress", command, str(tmp_path / "没有"))
    assert (missing.code, "没有找到" in missing.err) == (2, True)
    (tmp_path / "x").write_text("不是进度", encoding="utf-8")
    wrong = bench.run("progress", command, str(tmp_path / "x"))
    assert (wrong.code, "不是小安" in wrong.err) == (2, True)


def test_progress_alone_is_no_command(bench: CommandBench) -> None:
    result = bench.run("progress")
    assert (result.code, "少了命令" in result.err) == (2, True)


def test_the_help_names_each_command(bench: CommandBench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run("progress", "--help").code == 0
    helped = capsys.readouterr().out
    assert all(name in helped for name in ("backup", "restore", "export", "import"))
