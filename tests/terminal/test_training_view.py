"""A run on the screen: one block in place on a terminal, a line now and then elsewhere."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from tests.fakes import FakeClock
from xiaoan.terminal.console import THEME, make_console
from xiaoan.terminal.training_view import TrainingView, block_lines
from xiaoan.terminal.wrapping import cell_width
from xiaoan.training.running.loop import EvaluationReport, StepReport

MEASURED = EvaluationReport(100, 0.805, 0.75, 11.0)


def step(number: int, steps: int = 2000, **changes: object) -> StepReport:
    known = {
        "loss": 0.12345,
        "learning_rate": 0.0975,
        "gradient_norm": 0.9,
        "tokens_per_s": 1240.0,
        "peak_memory": 1_350_000_000,
        "elapsed_s": number * 0.1,
        "remaining_s": (steps - number) * 0.1,
    }
    return StepReport(step=number, steps=steps, **{**known, **changes})  # type: ignore[arg-type]


def block(width: int, *, saved: int | None = 100) -> str:
    return "\n".join(line.text for line in block_lines(step(120), MEASURED, saved, width=width))


def test_the_block_at_eighty_columns() -> None:
    assert block(80) == (
        "第 120/2000 步  ━━──────────────────────────────────────    6%\n"
        "损失 0.1235　学习率 0.0975　1,240 词元/秒　内存 1.4 GB　已用 12 秒\n"
        "还要约 3 分 8 秒\n"
        "第 100 步测得逐字答对：学过的 80.5%　留出的 75%\n"
        "已保存到第 100 步；Ctrl-C 可以停下"
    )


def test_the_block_at_fifty_columns() -> None:
    assert block(50) == (
        "第 120/2000 步  ━━──────────────────────────    6%\n"
        "损失 0.1235　学习率 0.0975　1,240 词元/秒\n"
        "内存 1.4 GB　已用 12 秒　还要约 3 分 8 秒\n"
        "第 100 步测得逐字答对：学过的 80.5%　留出的 75%\n"
        "已保存到第 100 步；Ctrl-C 可以停下"
    )


@pytest.mark.parametrize("width", [1, 2, 8, 13, 20, 27, 33, 50, 79, 200])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    rows = block(width).split("\n")
    assert all(cell_width(row) <= max(width, 2) for row in rows), rows


def test_what_is_not_known_is_left_out() -> None:
    bare = step(1, tokens_per_s=0.0, peak_memory=None, remaining_s=None, loss=float("nan"))
    text = "\n".join(line.text for line in block_lines(bare, None, None, width=80))
    assert text.endswith("损失 不是数　学习率 0.0975　已用 0 秒")
    alone = block_lines(None, EvaluationReport(0, 0.5, None, 0.0), None, width=80)
    assert [line.text for line in alone] == ["第 0 步测得逐字答对：学过的 50%"]
    finished = block_lines(step(2000), None, 2000, width=80)
    assert finished[-1].text == "已保存到第 2000 步"
    assert not any("还要约" in line.text for line in finished)


def piped(*, plain: bool) -> str:
    out, clock = io.StringIO(), FakeClock()
    with TrainingView(make_console(out), clock=clock, plain=plain, wraps=False) as view:
        view.on_notice("先考一遍没训练过的底座")
        for number in range(1, 301):
            clock.now_s = number * 0.1
            view.on_step(step(number, 300))
            if number == 100:
                view.on_save(100, Path("x"))
                view.on_evaluation(MEASURED)
        view.on_evaluation(EvaluationReport(300, 1.0, None, 30.0))
    return out.getvalue()


def test_a_pipe_gets_a_line_every_ten_seconds_and_each_measurement() -> None:
    lines = piped(plain=False).splitlines()
    assert lines[0] == "先考一遍没训练过的底座"
    counts = [re.match(r"第 (\d+)/300 步　", line) for line in lines[1:-1]]
    assert [found and int(found[1]) for found in counts] == [1, 100, 200, 300]
    assert lines[2].endswith("第 100 步测得逐字答对：学过的 80.5%　留出的 75%　已保存到第 100 步")
    assert lines[-1] == "第 300 步测得逐字答对：学过的 100%"


def test_plain_lines_are_words_and_commas() -> None:
    text = piped(plain=True)
    assert (
        "第 1/300 步，损失 0.1235，学习率 0.0975，1,240 词元/秒，内存 1.4 GB，已用 0 秒，还要约 29 秒" in text
    )
    assert not set("━─　✓→") & set(text)


def terminal(width: int) -> tuple[io.StringIO, Console]:
    out = io.StringIO()
    return out, Console(
        file=out, theme=THEME, force_terminal=True, width=width, height=24, legacy_windows=False, _environ={}
    )


def test_a_terminal_is_redrawn_at_most_four_times_a_second() -> None:
    out, console = terminal(80)
    clock = FakeClock()
    with TrainingView(console, clock=clock) as view:
        for number in range(1, 1001):
            clock.now_s = number * 0.01
            view.on_step(step(number, 1000))
    drawn = out.getvalue().count("步  ")
    assert 40 <= drawn <= 44
    assert out.getvalue().count("\x1b[?25l") == out.getvalue().count("\x1b[?25h") == 1
    assert "第 1000/1000 步" in out.getvalue()


def test_the_cursor_comes_back_when_the_run_is_broken_off() -> None:
    out, console = terminal(50)
    view = TrainingView(console, clock=FakeClock())

    def run() -> None:
        with view:
            view.on_step(step(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert out.getvalue().endswith("\x1b[?25h")
    view.close()


def test_a_remark_stands_above_the_block() -> None:
    out, console = terminal(50)
    with TrainingView(console, clock=FakeClock()) as view:
        view.on_step(step(1))
        view.on_notice("显存不够，打开了\x1b[2J梯度检查点")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert text.rindex("显存不够，打开了梯度检查点") < text.rindex("第 1/2000 步")
    assert "\x1b[2J" not in out.getvalue()


def test_a_remark_after_the_last_step_stands_below_the_block() -> None:
    out, console = terminal(50)
    with TrainingView(console, clock=FakeClock()) as view:
        view.on_step(step(2000))
        view.on_notice("再考一遍")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert text.rindex("再考一遍") > text.rindex("第 2000/2000 步")


def test_a_terminal_that_cannot_move_its_cursor_gets_lines() -> None:
    out = io.StringIO()
    console = Console(file=out, theme=THEME, force_terminal=True, width=200, _environ={"TERM": "dumb"})
    with TrainingView(console, clock=FakeClock()) as view:
        view.on_step(step(1))
        view.on_step(step(2))
    assert out.getvalue().count("步　") == 1
    assert "\x1b[?25l" not in out.getvalue()
