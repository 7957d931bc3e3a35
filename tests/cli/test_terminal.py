"""The study modes as people meet them: whole processes at a pseudo-terminal, killed, resized, out of disk."""

import ctypes
import json
import os
import re
import signal
import sqlite3
import sys

import pytest

from tests.cli.bench import CommandBench

if os.name != "posix":
    pytest.skip("pseudo-terminals are POSIX's", allow_module_level=True)

import resource

from tests.cli.terminal import Terminal, seconds_left, widest

PAPER = ("quiz", "--count", "6", "--seed", "3")


def answer_rest(terminal: Terminal, first: int, count: int) -> None:
    """Answer the questions from the `first` on, the first of which is on the screen already, and hand in."""
    for number in range(first, count + 1):
        if number > first:
            terminal.see(f"第 {number}/{count} 题")
        terminal.prompt()
        terminal.type("A")
    terminal.see("全部答完")
    terminal.prompt()
    terminal.type("")


def attempts_of(bench: CommandBench) -> int:
    """How many answers are recorded, whoever gave them last."""
    total = json.loads(bench.run("stats", "--json", "--user", "王五").out)["attempts"]
    assert isinstance(total, int)
    return total


@pytest.fixture
def study_bench(study_bench: CommandBench) -> CommandBench:
    study_bench.environ["XIAOAN_USER"] = "王五"
    return study_bench


@pytest.mark.parametrize("columns", [pytest.param(80, marks=pytest.mark.slow), 50])
def test_a_whole_quiz_fits_the_terminal(study_bench: CommandBench, columns: int) -> None:
    with Terminal(*PAPER, environ=study_bench.environ, columns=columns) as terminal:
        terminal.see("卷号 3", "第 1/6 题")
        answer_rest(terminal, 1, 6)
        terminal.see("成绩", "得分率", "错题")
        assert terminal.end() == 0
    assert widest(terminal.text) <= columns
    assert "Traceback" not in terminal.text
    assert attempts_of(study_bench) == 6


def test_chinese_answers_and_words_are_typed_at_a_real_terminal(study_bench: CommandBench) -> None:
    with Terminal("练习", "--type", "判断", "--count", "2", environ=study_bench.environ) as terminal:
        terminal.see("第 1/2 题")
        terminal.prompt()
        terminal.type("不知道")
        terminal.see("看不懂“不知道”")
        terminal.prompt()
        terminal.type("下一题")
        terminal.see("第 2/2 题")
        terminal.prompt()
        terminal.type("错误")
        terminal.see("依据：", "Enter 继续")
        terminal.type("退出")
        terminal.see("practice --resume")
        assert terminal.end() == 0


def test_ctrl_c_clears_the_line_and_twice_leaves_with_everything_saved(study_bench: CommandBench) -> None:
    with Terminal(*PAPER, environ=study_bench.environ) as terminal:
        terminal.see("第 1/6 题")
        terminal.prompt()
        terminal.type("A")
        terminal.see("第 2/6 题")
        terminal.prompt()
        terminal.press("B\x03")
        terminal.prompt()
        terminal.press("\x03\x03")
        terminal.see("已答 1/6 题", "xiaoan quiz --resume")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.text
    with Terminal("quiz", "--resume", environ=study_bench.environ) as terminal:
        terminal.see("第 2/6 题")


@pytest.mark.slow
def test_ctrl_d_leaves_with_everything_saved(study_bench: CommandBench) -> None:
    with Terminal(*PAPER, environ=study_bench.environ) as terminal:
        terminal.see("第 1/6 题")
        terminal.prompt()
        terminal.type("A")
        terminal.see("第 2/6 题")
        terminal.prompt()
        terminal.press("\x04")
        terminal.see("xiaoan quiz --resume")
        assert terminal.end() == 0
    with Terminal("quiz", "--resume", environ=study_bench.environ) as terminal:
        terminal.see("第 2/6 题")
        answer_rest(terminal, 2, 6)
        terminal.see("成绩")
        assert terminal.end() == 0


@pytest.mark.slow
def test_a_killed_quiz_goes_on_at_the_same_question_in_the_same_order_by_the_same_clock(
    study_bench: CommandBench,
) -> None:
    with Terminal(*PAPER, "--minutes", "10", environ=study_bench.environ) as terminal:
        terminal.see("第 1/6 题")
        terminal.prompt()
        left = 600
        while left > 597:
            # Each prompt is painted whole, so that its clock can be read.
            terminal.type("标记")
            terminal.see("标记")
            terminal.prompt()
            left = seconds_left(terminal.text)[-1]
        terminal.type("A")
        shown = terminal.see("第 2/6 题") + terminal.prompt()
        terminal.kill()
    with Terminal("quiz", "--resume", environ=study_bench.environ) as terminal:
        again = terminal.see("第 2/6 题") + terminal.prompt()
        terminal.type("标记")
        terminal.prompt()
        assert question_block(again) == question_block(shown)
        assert all(clock <= left for clock in seconds_left(terminal.text))
        answer_rest_after_mark(terminal)
        assert terminal.end() == 0
    assert attempts_of(study_bench) == 6


def answer_rest_after_mark(terminal: Terminal) -> None:
    """Answer the second question, at whose prompt one is, and the rest."""
    terminal.type("A")
    terminal.see("第 3/6 题")
    answer_rest(terminal, 3, 6)
    terminal.see("成绩")


def question_block(shown: str) -> list[str]:
    """The lines of the last question in `shown`, up to the prompt."""
    lines = shown[shown.rindex("第 ") :].split("🙋")[0].split("\n")
    return [line.rstrip() for line in lines if line.strip()]


def test_a_window_made_narrower_wraps_what_comes_next(study_bench: CommandBench) -> None:
    with Terminal("quiz", "--seed", "3", environ=study_bench.environ, columns=100) as terminal:
        terminal.see("第 1/18 题")
        terminal.prompt()
        terminal.resize(24)
        terminal.type("help")
        narrow = terminal.see("清屏") + terminal.prompt()
        terminal.type("A")
        narrow += terminal.see("第 2/18 题") + terminal.prompt()
        terminal.press("\x04")
        assert terminal.end() == 0
    after = narrow[narrow.index("里能输入的") :]
    assert widest(after.split("\n", 1)[1]) <= 24


def no_file_beyond(size: int) -> None:
    """Let this process write no file longer than `size` bytes; writing on fails as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_on_a_full_disk_it_is_said_once_answers_are_kept_and_the_code_tells(
    study_bench: CommandBench,
) -> None:
    study_bench.run("practice", "--count", "1", "--type", "判断", stdin="对\n".encode())
    size = max(file.stat().st_size for file in study_bench.home.rglob("*") if file.is_file())
    environ = study_bench.environ
    with Terminal("practice", environ=environ, before_start=lambda: no_file_beyond(size)) as terminal:
        answered = answer_until_the_disk_is_full(terminal)
        terminal.type("exit")
        terminal.see("有 ", " 个答案没有存上：")
        assert terminal.end() == 2
    assert terminal.text.count("答案先留着") == 1
    assert "Traceback" not in terminal.text
    lost = int(re.findall("有 (\\d+) 个答案没有存上", terminal.text)[0])
    assert attempts_of(study_bench) >= 1 + answered - lost


def answer_until_the_disk_is_full(terminal: Terminal) -> int:
    """Practise until it is said that an answer could not be kept, and one more; return how many were given."""
    answered, full = 0, False
    while not full:
        terminal.see("🙋")
        terminal.type("A")
        full = terminal.see_one_of("Enter 继续", "没有存上") == 1
        answered += 1
        if full:
            terminal.see("Enter 继续")
        terminal.type("")
    terminal.see("🙋")
    terminal.type("A")
    terminal.see("Enter 继续")
    return answered + 1


def drop_rights() -> None:
    """Let this process obey the rights of files even as root (Linux)."""
    if os.geteuid() == 0 and sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for capability in (1, 2, 3):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
            assert libc.prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


def test_a_database_that_may_only_be_read_is_said_at_once_and_at_the_end(study_bench: CommandBench) -> None:
    study_bench.run("practice", "--count", "1", stdin=b"A\n")
    database = study_bench.home / "progress.sqlite"
    before = database.read_bytes()
    database.chmod(0o444)
    with Terminal(*PAPER, environ=study_bench.environ, before_start=drop_rights) as terminal:
        terminal.see("没有存上", "第 1/6 题")
        terminal.prompt()
        terminal.type("A")
        terminal.see("第 2/6 题")
        terminal.prompt()
        terminal.press("\x04")
        terminal.see("有 1 个答案没有存上")
        assert terminal.end() == 2
    assert "progress.sqlite只能读" in "".join(terminal.text.split())
    assert "Traceback" not in terminal.text
    assert database.read_bytes() == before


def test_a_data_folder_that_may_only_be_read_is_said_with_a_way_out(study_bench: CommandBench) -> None:
    study_bench.home.mkdir(mode=0o500)
    with Terminal("quiz", environ=study_bench.environ, before_start=drop_rights) as terminal:
        terminal.see("没有写权限", "XIAOAN_HOME", "--no-save")
        assert terminal.end() == 2
    unsaved = (*PAPER, "--no-save")
    with Terminal(*unsaved, environ=study_bench.environ, before_start=drop_rights) as terminal:
        terminal.see("第 1/6 题")


def test_a_database_of_a_newer_version_is_left_alone(study_bench: CommandBench) -> None:
    study_bench.run("practice", "--count", "1", stdin=b"A\n")
    database = study_bench.home / "progress.sqlite"
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = database.read_bytes()
    with Terminal("practice", environ=study_bench.environ) as terminal:
        terminal.see("progress.sqlite")
        assert terminal.end() == 2
    assert re.search("新.*版", terminal.text)
    assert database.read_bytes() == before


@pytest.mark.slow
def test_two_terminals_at_once_both_keep_everything(study_bench: CommandBench) -> None:
    with (
        Terminal(*PAPER, environ=study_bench.environ) as one,
        Terminal("quiz", "--count", "6", "--seed", "4", environ=study_bench.environ) as other,
    ):
        for number in range(1, 7):
            for terminal in (one, other):
                terminal.see(f"第 {number}/6 题")
                terminal.prompt()
                terminal.type("A")
        for terminal in (one, other):
            terminal.see("全部答完")
            terminal.prompt()
            terminal.type("")
            terminal.see("成绩")
            assert terminal.end() == 0
    assert attempts_of(study_bench) == 12


def test_a_paper_that_another_terminal_holds_is_not_taken_from_it(study_bench: CommandBench) -> None:
    with Terminal(*PAPER, environ=study_bench.environ) as holder:
        holder.see("第 1/6 题")
        holder.prompt()
        holder.type("A")
        holder.see("第 2/6 题")
        holder.prompt()
        with Terminal("quiz", "--resume", environ=study_bench.environ) as second:
            second.see("另一个窗口")
            assert second.end() == 2
        holder.kill()
    with Terminal("quiz", "--resume", environ=study_bench.environ) as third:
        third.see("第 2/6 题")


@pytest.mark.parametrize(
    ("flags", "environ"), [(["--plain"], {}), ([], {"TERM": "dumb"}), ([], {"XIAOAN_PLAIN": "true"})]
)
def test_plain_mode_at_a_terminal_has_no_symbols_and_moves_no_cursor(
    study_bench: CommandBench, flags: list[str], environ: dict[str, str]
) -> None:
    with Terminal(
        "practice", *flags, "--count", "1", "--type", "判断", environ={**study_bench.environ, **environ}
    ) as terminal:
        terminal.see("第 1/1 题", "作答：")
        terminal.type("对")
        terminal.see("正确答案：", "按 Enter 继续：")
        terminal.press("\x04")
        terminal.see("\r\n这次练习")
        assert terminal.end() == 0
    assert "\x1b" not in terminal.raw
    assert not set(terminal.text) & set("🙋🤖✓✗")
