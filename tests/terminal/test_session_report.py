from dataclasses import replace

import pytest

from tests.fakes import ALONE, KEYS, PERMIT_DISTRIBUTION, TOOLS, question
from tests.terminal.shown import shown
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.results import PaperResult, Tally
from xiaoan.question_bank.session import PracticeSession, QuizSession
from xiaoan.terminal.session_report import due_lines, practice_summary_lines, result_lines, tally_line

ITEMS = (
    PaperItem(ShownQuestion(KEYS, (2, 1, 0))),
    PaperItem(ShownQuestion(TOOLS, (2, 0, 1)), 2.0),
    PaperItem(ShownQuestion.as_stored(ALONE)),
    PaperItem(ShownQuestion.as_stored(PERMIT_DISTRIBUTION)),
)
PAPER = Paper("安规模拟卷", ITEMS, 123456, pass_percent=80.0, notes=("题库里多选题只有 1 道，少 14 道。",))


def quiz(*answers: str, paper: Paper = PAPER) -> PaperResult:
    """The paper handed in after 95 s, '' for a question left open."""
    session = QuizSession(paper).spend(95)
    for place, text in enumerate(answers):
        session = session.go_to(place)
        session = session.answer(text) if text else session.toggle_mark()
    return session.hand_in().result()


def result(found: PaperResult, width: int, *, plain: bool = False) -> str:
    return shown(result_lines(found, plain=plain, width=width), width, plain=plain)


def test_a_failed_paper_at_fifty_columns() -> None:
    assert result(quiz("B", "BC", "对", ""), 50) == (
        "安规模拟卷：成绩\n"
        "3 分，满分 5 分，得分率 60%\n"
        "✗ 不及格（80% 及格）\n"
        "对 2 题，错 1 题，未答 1 题\n"
        "用时 1 分 35 秒　卷号 123456\n"
        "题库里多选题只有 1 道，少 14 道。\n"
        "\n"
        "专业  题数  对  未答  得分\n"
        "变电     2   2     0   3/3\n"
        "配电     2   0     1   0/2\n"
        "\n"
        "题型    题数  对  未答  得分\n"
        "单选题     2   1     1   1/2\n"
        "多选题     1   1     0   2/2\n"
        "判断题     1   0     0   0/1\n"
        "\n"
        "错题 1 道，未答 1 道\n"
        "\n"
        "第 3 题　判断题　配电\n"
        "  单人操作时可以登杆。\n"
        "  你的答案：正确\n"
        "  正确答案：错误\n"
        "  依据：配电安规 7.2.6.13\n"
        "\n"
        "第 4 题　单选题　配电　已标记\n"
        "  停用防误闭锁装置应经（ ）批准。\n"
        "  未答\n"
        "  正确答案：A. 工区\n"
        "  依据：变电安规 5.2\n"
        "\n"
        "✗ 3 分，满分 5 分，不及格\n"
    )


def test_a_failed_paper_at_eighty_columns_has_the_same_lines() -> None:
    assert result(quiz("B", "BC", "对", ""), 80) == result(quiz("B", "BC", "对", ""), 50)


def test_a_result_for_listeners_says_its_tables_in_words() -> None:
    assert result(quiz("B", "BC", "对", "A"), 50, plain=True) == (
        "安规模拟卷：成绩\n"
        "4 分，满分 5 分，得分率 80%\n"
        "及格（80% 及格）\n"
        "对 3 题，错 1 题\n"
        "用时 1 分 35 秒\n"
        "卷号 123456\n"
        "题库里多选题只有 1 道，少 14 道。\n"
        "\n"
        "专业：\n"
        "变电：题数 2，对 2，未答 0，得分 3/3\n"
        "配电：题数 2，对 1，未答 0，得分 1/2\n"
        "\n"
        "题型：\n"
        "单选题：题数 2，对 2，未答 0，得分 2/2\n"
        "多选题：题数 1，对 1，未答 0，得分 2/2\n"
        "判断题：题数 1，对 0，未答 0，得分 0/1\n"
        "\n"
        "错题 1 道\n"
        "\n"
        "第 3 题，判断题，配电\n"
        "单人操作时可以登杆。\n"
        "你的答案：正确\n"
        "正确答案：错误\n"
        "依据：配电安规 7.2.6.13\n"
        "\n"
        "4 分，满分 5 分，及格\n"
    )


def test_a_passed_paper_without_mistakes() -> None:
    text = result(quiz("B", "BC", "错", "A"), 50)
    assert "5 分，满分 5 分，得分率 100%\n✓ 及格（80% 及格）\n对 4 题\n" in text
    assert text.endswith("\n\n✓ 没有错题。\n")


def test_a_paper_without_a_pass_mark_says_nothing_of_passing() -> None:
    text = result(quiz("B", "A", "错", "A", paper=replace(PAPER, pass_percent=None)), 80)
    assert "及格" not in text
    assert "错 1 题" in text


@pytest.mark.parametrize("width", [16, 24, 33, 50])
@pytest.mark.parametrize("plain", [True, False])
def test_a_result_fits_every_terminal(width: int, plain: bool) -> None:
    long = question("雷" * 60, "是" * 30, "乙", options=("是" * 30, "乙"), profession="输电线路（带电作业）")
    item = PaperItem(ShownQuestion(replace(long, question_type=QuestionType.MULTIPLE), (1, 0)))
    assert "你的答案" in result(quiz("A", paper=replace(PAPER, items=(item,))), width, plain=plain)


def test_a_short_answer_nobody_judged_is_named_and_noted() -> None:
    why = question("为什么要先验电？", "防止带电挂接地线", question_type=QuestionType.SHORT)
    text = result(quiz("防触电", paper=replace(PAPER, items=(PaperItem(ShownQuestion(why)),), notes=())), 80)
    assert "对 0 题，没有评判 1 题\n" in text
    assert "简答题 1 道按答到的要点估分" in text


def test_a_round_of_practice_counts_what_was_answered() -> None:
    session = PracticeSession(PAPER).spend(61).answer("B").next().answer("A").next().skip()
    lines = practice_summary_lines(session.result(), plain=False, width=50)
    assert shown(lines, 50) == (
        "这次练习\n"
        "答了 2 题，对 1 题，错 1 题\n"
        "正确率 50%　用时 1 分 1 秒\n"
        "\n"
        "题型    答题  答对    占\n"
        "单选题     1     1  100%\n"
        "多选题     1     0    0%\n"
    )


def test_what_was_looked_up_or_left_out_is_told_apart() -> None:
    found = PracticeSession(PAPER).answer("B").result()
    lines = practice_summary_lines(found, plain=True, title="这次复习", revealed=2, skipped=1)
    assert shown(lines, 50).startswith(
        "这次复习\n答了 1 题，对 1 题\n看了答案 2 题，跳过 1 题\n正确率 100%\n"
    )


def test_a_round_without_an_answer_has_no_figures() -> None:
    lines = practice_summary_lines(PracticeSession(PAPER).result(), plain=False)
    assert shown(lines, 50) == "这次练习\n没有作答\n"


def test_what_is_due_is_told_in_all_and_by_profession() -> None:
    due = {"变电": 8, "配电": 4, "": 1, "线路": 0}
    assert (
        shown(due_lines(due, plain=False), 50) == "今天要复习 13 题\n变电 8 题　配电 4 题　没有写专业 1 题\n"
    )
    assert shown(due_lines(due, plain=True), 50, plain=True).split("\n")[1:3] == ["变电 8 题", "配电 4 题"]
    assert shown(due_lines({}, plain=False), 50) == "今天没有要复习的题。\n"
    assert shown(due_lines({}, plain=False, reviewed=True), 50) == "今天要复习的都复习过了。\n"
    assert shown(due_lines({"变电": 2}, plain=False, reviewed=True), 50).startswith("今天还要复习 2 题\n")


def test_the_tally_of_the_bot_stands_beside_the_persons() -> None:
    person, bot = Tally(count=5, right=3, wrong=1, unanswered=1), Tally(count=4, right=4)
    assert shown([tally_line(person, bot, plain=False)], 50) == "对题：你 3/4　小安 4/4\n"
    assert (
        shown([tally_line(person, bot, plain=True)], 50) == "你答了 4 题，对 3 题；小安答了 4 题，对 4 题\n"
    )
