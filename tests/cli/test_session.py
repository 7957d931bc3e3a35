import io
import os
from pathlib import Path

from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from tests.cli.bench import CommandBench
from tests.fakes import KEYS
from xiaoan.cli.app import run
from xiaoan.cli.services import Services


def session(bench: CommandBench, *lines: str) -> tuple[int, str]:
    """Type `lines` into `xiaoan`; return the exit code and what was shown."""
    out = io.StringIO()
    with create_pipe_input() as keys:
        for line in lines:
            keys.send_text(line + "\r")
        services = Services(
            load_engine=bench.load_engine,
            environ=bench.environ,
            stdin=io.StringIO(),
            stdout=out,
            stderr=out,
            terminal_input=keys,
            terminal_output=DummyOutput(),
            width=80,
        )
        return run([], services), out.getvalue()


def test_the_session_answers_and_keeps_its_history_in_a_private_home(bench: CommandBench) -> None:
    bench.engine.enqueue("3")
    code, shown = session(bench, KEYS.stem, "exit")
    assert code == 0
    assert "✓ 与题库一致" in shown
    assert "小题库.xlsx（6 题）" in shown
    assert KEYS.stem in (bench.home / "history").read_text(encoding="utf-8")
    if os.name == "posix":
        assert bench.home.stat().st_mode & 0o777 == 0o700
    _, later = session(bench, "/history", "exit")
    assert f"  1.  {KEYS.stem}\n" in later


def test_a_home_that_cannot_be_written_is_said_and_the_session_goes_on(
    bench: CommandBench, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    bench.environ["XIAOAN_HOME"] = str(tmp_path / "file" / "home")
    bench.engine.enqueue("3")
    code, shown = session(bench, KEYS.stem, "exit")
    assert code == 0
    assert shown.startswith("! 建不了数据文件夹")
    assert "XIAOAN_HOME" in shown
    assert "✓ 与题库一致" in shown


def test_unexpected_failures_are_logged_in_the_home_folder_and_shown_in_one_line(bench: CommandBench) -> None:
    bench.engine.enqueue("绝", error=RuntimeError("boom"))
    _, shown = session(bench, KEYS.stem, "exit")
    assert "boom" in shown
    assert "Traceback" not in shown
    assert "Traceback" in (bench.home / "xiaoan.log").read_text(encoding="utf-8")


def test_practice_runs_inside_the_session_and_comes_back(study_bench: CommandBench) -> None:
    study_bench.engine.enqueue("4")
    code, shown = session(
        study_bench,
        "/练习 --type 判断题 --count 1",
        "对",
        "",
        "站内高压室发生接地故障，人员与故障点至少隔开（ ）m。",
        "exit",
    )
    assert code == 0
    assert "第 1/1 题" in shown
    assert "答了 1 题" in shown
    assert shown.index("答了 1 题") < shown.index("✓ 与题库一致")


def test_what_is_wrong_with_a_command_inside_the_session_is_said_and_it_goes_on(
    study_bench: CommandBench,
) -> None:
    code, shown = session(study_bench, "/quiz --count x", "/错题", "/practice --type 选择", "exit")
    assert code == 0
    assert "要写整数" in shown
    assert "错题本是空的" in shown
    assert "不认识题型“选择”" in shown


def test_a_command_inside_the_session_starts_from_its_settings_and_bot(study_bench: CommandBench) -> None:
    study_bench.environ["XIAOAN_USER"] = "李四"
    study_bench.engine.enqueue("1000")
    _, shown = session(
        study_bench,
        "/小安 on",
        "/练习 --clause 变电安规3",
        "A",
        "exit",
        "/统计",
        "/stats --user 王五",
        "exit",
    )
    assert "🤖 1000" in shown
    assert "学习情况：李四" in shown
    assert "王五" in shown
    assert len(study_bench.loaded_with) == 1


def test_a_paper_left_inside_the_session_says_how_to_go_on_there(study_bench: CommandBench) -> None:
    _, shown = session(study_bench, "/测验 --count 5", "A", "stop", "/quiz --resume", "stop", "exit")
    assert "接着做用 /quiz --resume" in shown
    assert shown.count("第 2/5 题") == 2
