from itertools import pairwise

import pytest

from tests.question_bank.papers import BOOTS, EXAM, FENCE, paper
from tests.repl.study.bench import CTRL_C, NOW, StudyBench, Ticking, piped
from tests.repl.study.full_disk import FullDisk, full_disk
from xiaoan.question_bank.progress import BookEntry
from xiaoan.question_bank.session import PracticeSession, QuizSession
from xiaoan.repl.study.desk import HEARTBEAT_S
from xiaoan.repl.study.reader import LineReader
from xiaoan.repl.study.words import Mode

HINT = "（再按一次 Ctrl-C 或输入 exit 保存并离开）\n"


@pytest.mark.parametrize("word", ["stop", "EXIT", "ｑｕｉｔ", "退出", "/exit", "／退出"])
def test_words_that_leave_save(desk: StudyBench, word: str) -> None:
    desk.sit(paper(BOOTS, FENCE), "B", word)
    assert desk.progress.unfinished("quiz")[0].answered == 1
    assert desk.exit_code == 0


def test_ctrl_c_clears_the_line_and_nothing_else(desk: StudyBench) -> None:
    desk.keys.send_text(f"A{CTRL_C}B\r")
    session = desk.sit(paper(BOOTS, FENCE), "错", "")
    assert session.answers == {0: "B", 1: "错"}
    assert HINT not in desk.shown


def test_ctrl_c_on_an_empty_line_says_how_to_leave(desk: StudyBench) -> None:
    desk.keys.send_text(f"{CTRL_C}{CTRL_C}")
    session = desk.practise(paper(BOOTS), "B", "")
    assert desk.shown.count(HINT) == 2
    assert session.finished


def test_ctrl_c_twice_within_a_second_saves_and_leaves(desk: StudyBench) -> None:
    desk.clock = lambda: 0.0
    desk.keys.send_text(f"B\r{CTRL_C}{CTRL_C}")
    desk.sit(paper(BOOTS, FENCE))
    assert desk.exit_code == 130
    assert desk.progress.unfinished("quiz")[0].answered == 1
    assert desk.shown.endswith(f"{HINT}没有交卷，已保存，已答 1/2 题。\n接着做用 xiaoan quiz --resume\n")


def test_the_time_spent_is_saved_while_the_person_thinks(desk: StudyBench) -> None:
    desk.clock, desk.tick_s = Ticking(1.0), 0.01
    with full_disk() as progress:
        desk.progress = progress
        desk.sit(paper(BOOTS, limit_s=30))
    assert progress.saved_s[-1] >= 25
    # Every look at this clock takes a second, so a saving takes one, and five go by without any.
    assert max(after - before for before, after in pairwise(progress.saved_s)) <= HEARTBEAT_S + 5


def test_what_could_not_be_saved_is_told_once_and_at_the_end(desk: StudyBench) -> None:
    with full_disk() as progress:
        desk.progress = progress
        progress.is_full = True
        desk.practise(paper(BOOTS, FENCE, EXAM), "B", "", "错", "", "exit")
    told = "没有存上：磁盘满了。腾出一些空间。答案先留着，之后每一步都会再存一次。"
    assert desk.shown.count(told[:20]) == 1
    assert desk.shown.endswith("✗ 有 2 个答案没有存上：磁盘满了。腾出一些空间。\n")
    assert "已保存" not in desk.shown
    assert desk.exit_code == 2


def test_the_failure_is_told_before_the_verdict(desk: StudyBench) -> None:
    with full_disk() as progress:
        desk.progress = progress
        desk.practise_with(LineReader(_FillsTheDisk(progress, "B")), PracticeSession(paper(BOOTS)))
    assert desk.shown.index("没有存上") < desk.shown.index("✓ 对。")
    assert desk.exit_code == 2


def test_a_paper_that_cannot_be_handed_in_is_no_lost_answer_but_no_success_either(desk: StudyBench) -> None:
    with full_disk() as progress:
        desk.progress = progress
        desk.sit_with(LineReader(_FillsTheDisk(progress, "B", "交卷")), QuizSession(paper(BOOTS)))
        assert progress.unfinished("quiz")[0].answered == 1
    assert "交卷没有记上：磁盘满了。腾出一些空间。答案都存着" in desk.shown.replace("\n  ", "")
    assert "个答案没有存上" not in desk.shown
    assert desk.exit_code == 2


class _FillsTheDisk:
    """A stream of answers, before the last of which the disk runs full."""

    def __init__(self, progress: FullDisk, *lines: str) -> None:
        self._progress = progress
        self._lines = [f"{line}\n" for line in lines]

    def readline(self) -> str:
        self._progress.is_full = len(self._lines) <= 1
        return self._lines.pop(0) if self._lines else ""

    def fileno(self) -> int:
        raise OSError("no descriptor")


class _Broken(FullDisk):
    def book(self) -> list[BookEntry]:
        raise RuntimeError("kaputt")


def test_an_unexpected_failure_is_one_line_and_the_mode_goes_on(
    desk: StudyBench, caplog: pytest.LogCaptureFixture
) -> None:
    with _Broken.open(None, "张三", now=lambda: NOW) as progress:
        desk.progress = progress
        session = desk.practise(paper(BOOTS, FENCE), "B", "", "错", "exit", mode=Mode.REVIEW)
    assert "✗ 出了意外：RuntimeError: kaputt。可以接着做；答过的题都在。\n" in desk.shown
    assert session.tally.right == 2
    assert "Traceback" not in desk.shown
    assert "Traceback" in caplog.text


def test_help_fits_the_mode_and_names_the_keys(desk: StudyBench) -> None:
    desk.sit(paper(BOOTS), "/帮助", "exit")
    assert "测验里能输入的\n  + 下一题 跳过 next skip" in desk.shown
    assert "交卷 submit handin" in desk.shown
    assert "收藏" not in desk.shown
    assert "问小安" not in desk.shown  # a paper begun without the bot goes on without it
    assert "  Enter 到下一题。Ctrl-D 保存并离开。\n" in desk.shown


def test_plain_output_has_no_symbols_and_no_free_lines(desk: StudyBench) -> None:
    desk.plain = True
    desk.engine.enqueue("B")
    desk.practise_with(piped("x", "B", "?", "错"), PracticeSession(paper(BOOTS, FENCE)))
    assert not set("✓✗🙋🤖⏹·") & set(desk.shown)
    assert desk.shown.startswith(
        "第 1/2 题，单选题，变电\n雷雨天到室外高压设备旁巡视，脚上应穿（ ）。\nA. 雨靴\nB. 绝缘靴\nC. 布鞋\nD. 皮鞋\n"
        "注意：没有选项 X，这道题的选项是 A–D。请输入一个选项字母，如 B\n对。\n"
    )


def test_a_quiz_goes_on_over_two_runs_as_if_it_had_been_one(desk: StudyBench) -> None:
    whole = desk.sit_with(piped("B", "错", "b", ""), QuizSession(paper(BOOTS, FENCE, EXAM)))
    first = desk.sit_with(piped("B", "错"), QuizSession(paper(BOOTS, FENCE, EXAM)))
    desk.session_id = desk.progress.unfinished("quiz")[0].session_id
    _, state = desk.progress.resume(desk.session_id)
    second = desk.sit_with(piped("b", ""), QuizSession.with_state(first.paper, state))
    assert second.result().to_document()["total"] == whole.result().to_document()["total"]
    assert second.answers == whole.answers
