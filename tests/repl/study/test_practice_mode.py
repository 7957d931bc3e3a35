import pytest

from tests.question_bank.papers import ALL, BOOTS, CLOTHES, EXAM, FENCE, ORDERS, STEPS, paper
from tests.repl.study.bench import CTRL_D, StudyBench, pasted, piped
from xiaoan.question_bank.session import PracticeSession
from xiaoan.terminal.wrapping import cell_width

BOOTS_SHOWN = (
    "单选题　变电\n"
    "雷雨天到室外高压设备旁巡视，脚上应穿（ ）。\n"
    "   A. 雨靴\n"
    "   B. 绝缘靴\n"
    "   C. 布鞋\n"
    "   D. 皮鞋\n"
)
FENCE_SHOWN = "判断题　变电\n设备不带电时可以独自跨越遮栏。\n   A. 正确\n   B. 错误\n"
BOOTS_ANSWER = "  正确答案：B. 绝缘靴\n  依据：变电安规 7.2\n"
FENCE_ANSWER = "  正确答案：错误\n  依据：变电安规 7.2\n"


def test_a_round_from_the_first_question_to_the_summary(desk: StudyBench) -> None:
    desk.practise(paper(BOOTS, FENCE), "ｂ", "", "对", "")
    assert desk.shown == (
        f"第 1/2 题　{BOOTS_SHOWN}"
        f"✓ 对。\n{BOOTS_ANSWER}"
        "\n"
        f"第 2/2 题　{FENCE_SHOWN}"
        f"✗ 错。\n  你的答案：正确\n{FENCE_ANSWER}"
        "\n"
        "这次练习\n"
        "答了 2 题，对 1 题，错 1 题\n"
        "正确率 50%　用时 4 秒\n"
        "\n"
        "题型    答题  答对    占\n"
        "单选题     1     1  100%\n"
        "判断题     1     0    0%\n"
        "\n"
        "没答对的在错题本里，复习用 xiaoan review\n"
    )
    assert (desk.exit_code, desk.progress.unfinished()) == (0, [])


@pytest.mark.parametrize(
    ("question", "typed"),
    [
        (BOOTS, "绝缘靴"),
        (BOOTS, "Ｂ"),
        (CLOTHES, "d c a"),
        (CLOTHES, "Ａ，Ｃ，Ｄ"),
        (FENCE, "×"),
        (FENCE, "b"),
        (STEPS, "停电；验电"),
    ],
)
def test_answers_are_read_in_any_width_and_form(desk: StudyBench, question: object, typed: str) -> None:
    chosen = [one for one in ALL if one is question]
    desk.practise(paper(*chosen), typed, "")
    assert "✓ 对。" in desk.shown
    assert desk.progress.statistics().right == 1


def test_what_cannot_be_read_says_what_is_expected_and_costs_nothing(desk: StudyBench) -> None:
    session = desk.practise(
        paper(BOOTS), "E", "AB", pasted("\x1b[31m你好\x07"), pasted("一" * 10_000), "B", ""
    )
    assert "! 没有选项 E，这道题的选项是 A–D。请输入一个选项字母，如 B\n" in desk.shown
    assert "! 单选题只选一项，“AB”是 2 项，这道题的选项是 A–D。请输入一个选项字母，如 B" in desk.shown
    assert "\x1b" not in desk.shown
    assert len(desk.shown) < 1500
    assert desk.progress.statistics().attempts == 1
    assert session.tally.right == 1


def test_enter_without_an_answer_asks_before_it_skips(desk: StudyBench) -> None:
    session = desk.practise(paper(BOOTS, FENCE), "", "x", "", "", "错", "", "")
    asked = "这题还没有作答。输入一个选项字母，如 B；再按一次 Enter 先跳过。\n不会就输入“看答案”或 =。\n"
    assert f"{asked}! 没有选项 X" in desk.shown
    assert session.skipped == {0}
    assert desk.shown.count("还没有作答。输入") == 2


def test_skipped_questions_are_named_at_the_end_and_can_be_done(desk: StudyBench) -> None:
    session = desk.practise(
        paper(BOOTS, FENCE, EXAM), "+", "错", "", "跳过", "第1题", "B", "-", "第3题", "b", ""
    )
    assert (
        "题目过完了，跳过了 2 道：第 1、3 题。Enter 结束；要回去做，输入 第1题。\n"
        f"\n第 1/3 题　{BOOTS_SHOWN}✓ 对。\n" in desk.shown
    )
    assert "! 这是第一题，前面没有题了。" in desk.shown
    assert (session.tally.right, session.skipped) == (3, frozenset())


def test_going_back_shows_the_verdict_and_takes_no_second_answer(desk: StudyBench) -> None:
    session = desk.practise(paper(BOOTS, FENCE), "A", "", "-", "B", "", "错", "")
    again = desk.shown.split("第 1/2 题")[2]
    assert again.startswith(f"　{BOOTS_SHOWN}✗ 错。\n  你的答案：A. 雨靴\n{BOOTS_ANSWER}! 这道题已经答过了")
    assert session.answers[0].text == "A"


def test_revealing_shows_the_answer_and_counts_no_attempt(desk: StudyBench) -> None:
    desk.practise(paper(BOOTS), "=", "看答案", "B", "")
    assert desk.shown.startswith(
        f"第 1/1 题　{BOOTS_SHOWN}{BOOTS_ANSWER}"
        "! 答案已经在上面了，按 Enter 到下一题。\n"
        "! 这道题已经看过答案，不再作答，按 Enter 到下一题\n"
    )
    assert desk.progress.statistics().attempts == 0


def test_who_says_that_he_does_not_know_is_told_how_to_look_it_up(desk: StudyBench) -> None:
    desk.practise(paper(BOOTS), "不知道", "看答案", "")
    assert "请输入一个选项字母，如 B\n不会就输入“看答案”或 =。\n  正确答案：" in desk.shown
    assert "这次练习\n没有作答，看了答案 1 题\n" in desk.shown
    assert "错题本" not in desk.shown


def test_a_marked_question_comes_again_sooner(desk: StudyBench) -> None:
    session = desk.practise(paper(BOOTS), "*", "标记", "mark", "B", "")
    assert "已标记，答对了也会早些再来。\n标记取消了。\n已标记" in desk.shown
    assert session.marked == {0}


def test_a_short_answer_is_judged_by_the_person(desk: StudyBench) -> None:
    session = desk.practise(paper(ORDERS), "向领导报告", "也许", "", "对", "")
    assert "自己对照着判：答对了输入 对，没答对输入 错。\n! 这题已经答过了。" in desk.shown
    assert "再按一次 Enter 先不判。\n记下了：答对。\n" in desk.shown
    assert (session.tally.right, desk.progress.statistics().right) == (1, 1)


def test_words_help_and_clear_work_in_the_mode(desk: StudyBench) -> None:
    desk.practise(paper(BOOTS), "帮助", "clear", "交卷", "/foo", "exit")
    assert "练习里能输入的\n  + 下一题 跳过 next skip" in desk.shown
    assert "交卷，看成绩" not in desk.shown
    assert desk.shown.count("第 1/1 题") == 2
    assert "! 练习里不用“交卷”。输入 help 看这里能用什么。" in desk.shown
    assert "! 没有 /foo 这个命令。" in desk.shown


def test_a_short_answer_that_nobody_judged_counts_by_what_it_has(desk: StudyBench) -> None:
    desk.practise(paper(ORDERS, BOOTS), "拒绝执行", "", "", "B", "")
    assert desk.progress.unfinished() == []
    assert desk.progress.statistics().attempts == 2
    assert ORDERS.id in desk.progress.seen()


def test_a_round_cut_off_before_its_end_was_kept_can_be_ended(desk: StudyBench) -> None:
    session = PracticeSession(paper(BOOTS)).reveal().next()
    desk.practise_with(desk.reader(""), session)
    assert "题目都过完了。Enter 结束。\n" in desk.shown
    assert desk.progress.unfinished() == []


def test_leaving_saves_and_says_how_to_go_on(desk: StudyBench) -> None:
    desk.keys.send_text(f"B\r{CTRL_D}")
    desk.practise(paper(BOOTS, FENCE))
    assert desk.shown.endswith("已保存，停在第 1/2 题。\n接着做用 xiaoan practice --resume\n")
    left = desk.progress.unfinished("practice")[0]
    assert (left.answered, left.held) == (1, False)


def test_leaving_before_the_first_answer_leaves_nothing_behind(desk: StudyBench) -> None:
    desk.practise(paper(BOOTS), "exit")
    assert desk.shown.endswith("还没有作答，这次练习没有留下什么。\n")
    assert desk.progress.unfinished() == []


def test_a_resumed_round_goes_on_where_it_was_left(desk: StudyBench) -> None:
    left = desk.practise(paper(BOOTS, FENCE, EXAM), "B", "", "错")
    kept = desk.progress.unfinished()[0]
    document, state = desk.progress.resume(kept.session_id)
    again = PracticeSession.with_state(type(left.paper).from_document(document), state)
    assert again == left
    desk.session_id = kept.session_id
    done = desk.practise_with(desk.reader("", "B", ""), again)
    assert done.tally.right == 3
    assert (desk.progress.unfinished(), desk.progress.statistics().attempts) == ([], 3)


def test_a_run_that_is_not_kept_says_so(desk: StudyBench) -> None:
    desk.kept = False
    desk.practise(paper(BOOTS, FENCE), "B", "stop")
    assert desk.shown.endswith("这次没有保存（--no-save）。\n")


def test_only_the_time_until_the_answer_counts(desk: StudyBench) -> None:
    session = desk.practise(paper(BOOTS, FENCE), "看不懂", "B", "help", "", "错", "")
    assert session.seconds == {0: 4.0, 1: 2.0}
    assert desk.progress.statistics().seconds == 6.0


def test_lines_of_a_pipe_are_answers_one_after_the_other(desk: StudyBench) -> None:
    desk.plain = True
    desk.practise_with(piped("B", "对", "+", "停电；验电"), PracticeSession(paper(BOOTS, FENCE, EXAM, STEPS)))
    assert "第 2/4 题，判断题，变电\n设备不带电时可以独自跨越遮栏。\nA. 正确\nB. 错误\n错。\n" in desk.shown
    assert desk.shown.count("对。\n正确答案") == 2
    assert "答了 3 题，对 2 题，错 1 题" in desk.shown
    assert desk.progress.unfinished() == []


def test_the_end_of_a_pipe_saves(desk: StudyBench) -> None:
    desk.practise_with(piped("B"), PracticeSession(paper(BOOTS, FENCE)))
    assert desk.shown.endswith("接着做用 xiaoan practice --resume\n")
    assert desk.exit_code == 0


@pytest.mark.parametrize("width", [50, 80])
def test_no_line_is_wider_than_the_terminal(desk: StudyBench, width: int) -> None:
    desk.width = width
    typed = ["A", "", "ABC", "", "x", "help", "对", "", "停电；送电", "", "拒绝", "对", "", "b", "help", ""]
    desk.practise(paper(), *typed)
    assert "这次练习" in desk.shown
    assert max(cell_width(line) for line in desk.shown.splitlines()) <= width


def test_an_empty_line_behind_each_answer_of_a_pipe_skips_nothing(desk: StudyBench) -> None:
    session = desk.practise_with(piped("B", "", "错", ""), PracticeSession(paper(BOOTS, FENCE)))
    assert (sorted(session.answers), session.skipped) == ([0, 1], frozenset())
