from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.question_bank.papers import BOOTS, FENCE, paper
from tests.repl.study.bench import NOW, StudyBench, later, piped
from xiaoan.question_bank.progress import Attempt, BookEntry
from xiaoan.question_bank.question import Question
from xiaoan.question_bank.session import PracticeSession
from xiaoan.repl.study.review_mode import comes_again
from xiaoan.repl.study.words import Mode


@pytest.fixture
def book(desk: StudyBench) -> StudyBench:
    """A desk whose person got two questions wrong yesterday."""
    yesterday = NOW - timedelta(days=1)
    desk.progress.record([wrong(BOOTS, yesterday), wrong(FENCE, yesterday)])
    return desk


def wrong(question: Question, at: datetime) -> Attempt:
    kind = str(question.question_type)
    return Attempt(question.id, question.profession, kind, "practice", "A", "wrong", 0.0, 5.0, False, at)


def test_after_each_answer_it_is_said_when_the_question_comes_again(book: StudyBench) -> None:
    book.practise(paper(BOOTS, FENCE), "A", "", "错", "", mode=Mode.REVIEW)
    assert (
        "✗ 错。\n  你的答案：A. 雨靴\n  正确答案：B. 绝缘靴\n  依据：变电安规 7.2\n下次复习：1 分钟后。\n"
        in book.shown
    )
    assert "  正确答案：错误\n  依据：变电安规 7.2\n下次复习：10 分钟后，已连对 1 次。\n" in book.shown


def test_the_round_ends_with_what_is_due_today(book: StudyBench) -> None:
    book.practise(paper(BOOTS), "B", "", mode=Mode.REVIEW)
    assert "\n这次复习\n答了 1 题，对 1 题\n" in book.shown
    assert "\n\n今天还要复习 2 题\n变电 2 题\n" in book.shown
    assert book.progress.unfinished() == []


def test_a_question_leaves_after_right_answers_in_a_row(book: StudyBench) -> None:
    for _ in range(2):
        book.practise_with(piped("B"), PracticeSession(paper(BOOTS)), Mode.REVIEW)
        assert "离开" not in book.shown
    book.practise(paper(BOOTS), "B", "", mode=Mode.REVIEW)
    assert "连着答对了，这题离开错题本。\n" in book.shown
    assert [entry.question_id for entry in book.progress.book()] == [FENCE.id]


def test_a_question_can_be_pinned_and_let_go(book: StudyBench) -> None:
    book.practise(paper(BOOTS), "收藏", "clear", "pin", "/收藏", "B", "", mode=Mode.REVIEW)
    pinned = "已收藏：答对几次都留在错题本里。\n"
    assert book.shown.count(pinned) == 3
    assert "不再收藏，连着答对就离开错题本。\n" in book.shown
    assert book.progress.is_pinned(BOOTS.id)


def test_leaving_needs_nothing_to_go_on_with(book: StudyBench) -> None:
    book.practise(paper(BOOTS, FENCE), "B", "exit", mode=Mode.REVIEW)
    assert "--resume" not in book.shown
    assert book.shown.endswith("今天还要复习 2 题\n变电 2 题\n")


@pytest.mark.parametrize(
    ("due", "said"),
    [
        (lambda: NOW, "现在就可以"),
        (lambda: later(minutes=10), "10 分钟后"),
        (lambda: later(hours=2), "今天 11:30"),
        (lambda: later(days=1), "明天"),
        (lambda: later(days=5), "3月9日（5 天后）"),
        (lambda: later(days=365), "2031年3月4日（365 天后）"),
    ],
)
def test_times_are_said_as_people_say_them(due: Callable[[], datetime], said: str) -> None:
    entry = BookEntry("x", "变电", "单选题", due(), 0, False, 1)
    assert comes_again(entry, NOW) == f"下次复习：{said}。"
