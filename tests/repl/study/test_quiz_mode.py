import io

import pytest

from tests.fakes import FakeClock
from tests.question_bank.papers import BOOTS, CLOTHES, EXAM, FENCE, ORDERS, STEPS, paper
from tests.repl.study.bench import StudyBench, Ticking, piped
from xiaoan.question_bank.drawing.paper import Paper
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.session import QuizSession
from xiaoan.repl.study.quiz_mode import echo
from xiaoan.repl.study.reader import LineReader
from xiaoan.terminal.wrapping import cell_width


def test_a_paper_from_the_first_question_to_the_result(desk: StudyBench) -> None:
    desk.sit(paper(BOOTS, FENCE, pass_percent=60), "b", "对", "-", "")
    assert desk.shown == (
        "第 1/2 题　单选题　变电　1 分\n"
        "雷雨天到室外高压设备旁巡视，脚上应穿（ ）。\n"
        "   A. 雨靴\n"
        "   B. 绝缘靴\n"
        "   C. 布鞋\n"
        "   D. 皮鞋\n"
        "已记下：B\n"
        "\n"
        "第 2/2 题　判断题　变电　1 分\n"
        "设备不带电时可以独自跨越遮栏。\n"
        "   A. 正确\n"
        "   B. 错误\n"
        "已记下：正确\n"
        "\n"
        "全部答完。Enter 交卷；上一题（-）回去检查。\n"
        "\n"
        "第 2/2 题　判断题　变电　1 分\n"
        "设备不带电时可以独自跨越遮栏。\n"
        "   A. 正确\n"
        "   B. 错误\n"
        "你的答案：正确\n"
        "\n"
        "全部答完。Enter 交卷；上一题（-）回去检查。\n"
        "没有交卷，已保存，已答 2/2 题。\n接着做用 xiaoan quiz --resume\n"
    )


def test_handing_in_shows_the_result_and_keeps_the_attempts(desk: StudyBench) -> None:
    session = desk.sit(paper(BOOTS, FENCE, pass_percent=60), "b", "对", "")
    assert session.handed_in
    result = desk.shown.split("Enter 交卷；上一题（-）回去检查。\n")[1]
    assert result.startswith(
        "\n模拟试卷：成绩\n1 分，满分 2 分，得分率 50%\n✗ 不及格（60% 及格）\n对 1 题，错 1 题\n"
    )
    assert result.endswith(
        "错题 1 道\n"
        "\n"
        "第 2 题　判断题　变电\n"
        "  设备不带电时可以独自跨越遮栏。\n"
        "  你的答案：正确\n"
        "  正确答案：错误\n"
        "  依据：变电安规 7.2\n"
        "\n"
        "✗ 1 分，满分 2 分，不及格\n"
        "再看或导出这份成绩用 xiaoan quiz --last\n"
        "复习错题用 xiaoan review\n"
    )
    assert desk.progress.statistics().attempts == 2
    assert desk.progress.unfinished() == []


def test_unanswered_questions_are_named_at_the_end_and_enter_goes_to_the_first(desk: StudyBench) -> None:
    session = desk.sit(paper(BOOTS, FENCE, EXAM), "", "", "错", "+", "", "B", "", "+", "交卷")
    assert "这题还没有作答。输入一个选项字母，如 B；再按一次 Enter 先跳过。" in desk.shown
    end = "到最后了，还有 2 道没有作答：第 1、3 题。Enter 去补答；输入“交卷”就交卷。\n\n第 1/3 题"
    assert end in desk.shown
    assert session.handed_in
    assert session.unanswered == (2,)


def test_handing_in_early_asks_once(desk: StudyBench) -> None:
    session = desk.sit(paper(BOOTS, FENCE, EXAM), "B", "交卷", "", "submit", "/交卷")
    asked = "还有 2 道没有作答：第 2、3 题。再输入一次“交卷”就交；Enter 去补答。\n"
    assert desk.shown.count(asked) == 2
    assert f"{asked}\n第 2/3 题" in desk.shown
    assert session.handed_in


def test_another_line_in_between_takes_the_question_back(desk: StudyBench) -> None:
    session = desk.sit(paper(BOOTS, FENCE, EXAM), "交卷", "B", "交卷", "help", "交卷", "exit")
    assert desk.shown.count("再输入一次“交卷”就交") == 3
    assert not session.handed_in


def test_an_answer_can_be_changed_until_the_end(desk: StudyBench) -> None:
    session = desk.sit(paper(BOOTS, CLOTHES), "A", "第1题", "B", "acd", "ab", "exit")
    assert "已记下：A\n" in desk.shown
    assert "你的答案：A\n已改为：B\n" in desk.shown
    assert "已记下：A、C、D\n" in desk.shown
    assert session.answers == {0: "B", 1: "ab"}


def test_marks_are_shown_and_named_at_the_end(desk: StudyBench) -> None:
    desk.sit(paper(BOOTS, FENCE), "*", "B", "错", "第1题", "exit")
    assert "已标记：第 1 题。" in desk.shown
    assert "标记过的：第 1 题。\n全部答完。" in desk.shown
    assert "第 1/2 题　单选题　变电　1 分　已标记\n" in desk.shown


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("第9题", "没有第 9 题，这里有第 1 到第 2 题，如：第1题"),
        ("goto x", "没有第 x 题"),
        ("?", "作答时不问小安"),
        ("小安 on", "作答时不问小安"),
        ("=", "测验里不能看答案，交卷之后一起看。"),
        ("收藏", "测验里不用“收藏”。"),
        ("-", "这是第一题，前面没有题了。"),
        ("对", "请输入一个选项字母，如 B"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(desk: StudyBench, typed: str, said: str) -> None:
    session = desk.sit(paper(BOOTS, FENCE), typed, "exit")
    assert said in desk.shown.replace("\n  ", "")
    assert (session.answers, session.position) == ({}, 0)


def test_an_answer_is_taken_back_where_one_is(desk: StudyBench) -> None:
    session = desk.sit(paper(BOOTS, FENCE), "B", "撤回", "-", "撤回", "exit")
    assert (dict(session.answers), session.position) == ({}, 0)
    assert "这题没有答案可以撤回" in desk.shown
    assert "已撤回：第 1 题没有答案了。" in desk.shown


def test_an_unanswered_paper_is_kept_for_a_person(desk: StudyBench) -> None:
    desk.sit(paper(BOOTS), "exit")
    assert "没有交卷，已保存，已答 0/1 题。\n接着做用 xiaoan quiz --resume" in desk.shown
    assert [kept.answered for kept in desk.progress.unfinished("quiz")] == [0]


def test_a_pipe_that_brings_no_answer_leaves_no_paper(desk: StudyBench) -> None:
    desk.sit_with(piped(), QuizSession(paper(BOOTS)))
    assert "没有读到答案，这份卷子没有留下；用同样的卷号可以再出一份一样的。" in desk.shown
    assert desk.progress.unfinished() == []


def test_a_paper_that_was_left_goes_on_at_the_same_question_with_the_same_clock(desk: StudyBench) -> None:
    left = desk.sit(paper(BOOTS, FENCE, EXAM, limit_s=60), "A", "*")
    kept = desk.progress.unfinished("quiz")[0]
    document, state = desk.progress.resume(kept.session_id)
    again = QuizSession.with_state(Paper.from_document(document), state)
    assert again == left
    desk.session_id = kept.session_id
    done = desk.sit_with(desk.reader("错", "B", ""), again)
    assert (done.handed_in, done.answers) == (True, {0: "A", 1: "错", 2: "B"})
    assert done.elapsed_s == left.elapsed_s + 6


def test_the_end_of_time_hands_in_while_the_prompt_waits(desk: StudyBench) -> None:
    desk.clock, desk.tick_s = Ticking(2.0), 0.01
    desk.keys.send_text("B\r对")  # typed, but never entered
    session = desk.sit(paper(BOOTS, FENCE, limit_s=20))
    assert "! 时间到，自动交卷。\n" in desk.shown
    assert session.answers == {0: "B"}
    assert session.elapsed_s >= 20
    assert desk.progress.statistics().attempts == 1


def test_an_answer_after_the_end_of_time_does_not_count(desk: StudyBench) -> None:
    clock = FakeClock()
    desk.clock = clock

    class LateStream:
        lines = iter(["B\n", "错\n"])

        def readline(self) -> str:
            clock.now_s += 15
            return next(self.lines)

        def fileno(self) -> int:
            raise OSError("no descriptor")

    session = desk.sit_with(LineReader(LateStream()), QuizSession(paper(BOOTS, FENCE, limit_s=20)))
    assert session.handed_in
    assert session.answers == {0: "B"}
    assert "时间到，自动交卷。" in desk.shown


def test_who_hears_the_screen_is_told_the_time_left_at_each_prompt(desk: StudyBench) -> None:
    desk.plain, prompts = True, list[str]()
    lines = LineReader(io.StringIO("B\n错\n"), show_prompt=prompts.append)
    desk.sit_with(lines, QuizSession(paper(BOOTS, FENCE, limit_s=600)))
    assert prompts[0] == "还剩 10 分 0 秒，作答："
    assert prompts[1].startswith("还剩 9 分 ")


def test_a_paper_resumed_without_time_left_is_handed_in_at_once(desk: StudyBench) -> None:
    session = QuizSession(paper(BOOTS, limit_s=20)).answer("B").spend(20)
    assert desk.sit_with(desk.reader(), session).handed_in
    assert desk.shown.startswith("! 时间到，自动交卷。\n\n模拟试卷：成绩\n")


@pytest.mark.parametrize(
    ("question", "typed", "shown"),
    [
        (CLOTHES, "ｄＣ a", "A、C、D"),
        (FENCE, "b", "错误"),
        (STEPS, "停电;验电", "停电；验电"),
        (ORDERS, "先拒绝\n再报告", "先拒绝；再报告"),
        (ORDERS, "长" * 100, "长" * 29 + "…"),
    ],
)
def test_an_answer_is_echoed_as_it_was_understood(question: object, typed: str, shown: str) -> None:
    asked = next(one for one in (CLOTHES, FENCE, STEPS, ORDERS) if one is question)
    assert echo(typed, ShownQuestion.as_stored(asked)) == shown


@pytest.mark.parametrize("width", [50, 80])
def test_no_line_is_wider_than_the_terminal(desk: StudyBench, width: int) -> None:
    desk.width = width
    typed = ["x", "A", "AB", "", "", "help", "*", "停电；送电", "拒绝", "交卷", "?", "B", "交卷"]
    desk.sit(paper(limit_s=600, pass_percent=80), *typed)
    assert "未答" in desk.shown
    assert max(cell_width(line) for line in desk.shown.splitlines()) <= width


def test_an_empty_line_behind_each_answer_of_a_pipe_skips_nothing(desk: StudyBench) -> None:
    session = desk.sit_with(piped("B", "", "错", "", "交卷"), QuizSession(paper(BOOTS, FENCE, EXAM)))
    assert (sorted(session.answers), session.handed_in) == ([0, 1], True)
    assert "还有 1 道没有作答：第 3 题。" in desk.shown


def test_a_pipe_is_asked_once_too_and_its_end_confirms(desk: StudyBench) -> None:
    fresh = QuizSession(paper(BOOTS, FENCE, EXAM))
    assert desk.sit_with(piped("B", "交卷", "交卷"), fresh).handed_in
    assert not desk.sit_with(piped("B", "交卷", "错"), fresh).handed_in
    assert desk.shown.count("还有 2 道没有作答：第 2、3 题。") == 2
