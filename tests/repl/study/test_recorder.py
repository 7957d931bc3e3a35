from collections.abc import Iterator

import pytest

from tests.question_bank.papers import BOOTS, EXAM, FENCE, paper
from tests.repl.study.bench import NOW
from tests.repl.study.full_disk import FullDisk
from xiaoan.question_bank.progress import Attempt
from xiaoan.question_bank.session import PracticeSession, QuizSession
from xiaoan.repl.study.recorder import Recorder, attempt_of
from xiaoan.repl.study.words import Mode


@pytest.fixture
def progress() -> Iterator[FullDisk]:
    with FullDisk.open(None, "张三", now=lambda: NOW) as opened:
        yield opened


class Practice:
    """A round of practice whose every answer goes to a recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.session = PracticeSession(paper(BOOTS, FENCE, EXAM))
        recorder.begin(self.session.paper, self.session.to_state())

    def answer(self, text: str) -> bool:
        self.session = self.session.spend(7).answer(text)
        item = self.session.result().items[-1]
        saved = self.recorder.save(
            self.session.to_state(),
            answered=len(self.session.answers),
            elapsed_s=self.session.elapsed_s,
            attempts=[attempt_of(item, self.recorder.mode, NOW)],
        )
        self.session = self.session.next()
        return saved


def test_an_answer_is_written_with_the_session_that_led_to_it(progress: FullDisk) -> None:
    practice = Practice(Recorder(progress, Mode.PRACTICE))
    assert practice.answer("A")
    left = progress.unfinished("practice")[0]
    assert (left.answered, left.total, left.elapsed_s) == (1, 3, 7)
    assert list(progress.seen()) == [BOOTS.id]
    assert [entry.question_id for entry in progress.book()] == [BOOTS.id]


def test_what_an_attempt_is_made_of() -> None:
    session = PracticeSession(paper(BOOTS)).spend(61.5).toggle_mark().answer("b")
    attempt = attempt_of(session.result().items[0], Mode.REVIEW, NOW)
    assert attempt == Attempt(BOOTS.id, "变电", "单选题", "review", "b", "right", 1.0, 61.5, True, NOW)


def test_a_failed_write_is_told_once_and_made_up_for(progress: FullDisk) -> None:
    recorder = Recorder(progress, Mode.PRACTICE)
    practice = Practice(recorder)
    progress.is_full = True
    assert not practice.answer("A")
    assert not practice.answer("对")
    assert recorder.take_news() == "没有存上：磁盘满了。腾出一些空间。答案先留着，之后每一步都会再存一次。"
    assert recorder.take_news() is None
    assert recorder.unsaved == 2
    progress.is_full = False
    assert practice.answer("B")
    assert recorder.take_news() == "先前没有存上的答案，现在都存上了。"
    assert (recorder.unsaved, progress.statistics().attempts) == (0, 3)


def test_a_session_that_could_not_be_begun_is_begun_later(progress: FullDisk) -> None:
    progress.is_full = True
    recorder = Recorder(progress, Mode.PRACTICE)
    practice = Practice(recorder)
    practice.answer("A")
    progress.is_full = False
    practice.answer("错")
    assert progress.unfinished()[0].answered == 2
    assert progress.statistics().attempts == 2


def test_leaving_tries_once_more_and_says_how_many_are_lost(progress: FullDisk) -> None:
    recorder = Recorder(progress, Mode.PRACTICE)
    practice = Practice(recorder)
    progress.is_full = True
    practice.answer("A")
    recorder.leave()
    assert (recorder.unsaved, recorder.reason) == (1, "磁盘满了。腾出一些空间。")


def test_leaving_makes_up_for_what_failed_before(progress: FullDisk) -> None:
    recorder = Recorder(progress, Mode.PRACTICE)
    practice = Practice(recorder)
    progress.is_full = True
    practice.answer("A")
    progress.is_full = False
    recorder.leave()
    assert (recorder.unsaved, recorder.reason) == (0, "")
    assert progress.statistics().attempts == 1


def test_answers_of_a_quiz_that_are_not_on_disk_are_counted(progress: FullDisk) -> None:
    recorder = Recorder(progress, Mode.QUIZ)
    session = QuizSession(paper(BOOTS, FENCE, EXAM))
    recorder.begin(session.paper, session.to_state())
    session = session.answer("A")
    recorder.save(session.to_state(), answered=1, elapsed_s=0)
    progress.is_full = True
    session = session.answer("B").next().answer("对")
    recorder.save(session.to_state(), answered=2, elapsed_s=0)
    assert recorder.unsaved == 2
    assert progress.statistics().attempts == 0


def test_a_finished_session_is_closed_and_its_attempts_are_kept(progress: FullDisk) -> None:
    recorder = Recorder(progress, Mode.QUIZ)
    session = QuizSession(paper(BOOTS))
    recorder.begin(session.paper, session.to_state())
    result = session.answer("B").hand_in().result()
    assert recorder.finish([attempt_of(item, Mode.QUIZ, NOW) for item in result.items])
    recorder.leave()
    assert progress.unfinished() == []
    assert progress.statistics().right == 1


def test_a_review_keeps_attempts_and_no_session(progress: FullDisk) -> None:
    practice = Practice(Recorder(progress, Mode.REVIEW))
    practice.answer("A")
    assert progress.unfinished() == []
    assert progress.statistics().attempts == 1


def test_a_session_that_was_left_can_be_resumed(progress: FullDisk) -> None:
    recorder = Recorder(progress, Mode.PRACTICE)
    practice = Practice(recorder)
    practice.answer("A")
    assert progress.unfinished()[0].held
    recorder.leave()
    left = progress.unfinished()[0]
    assert not left.held
    _, state = progress.resume(left.session_id)
    again = Recorder(progress, Mode.PRACTICE, session_id=left.session_id)
    again.begin(practice.session.paper, state)
    assert again.unsaved == 0
    assert len(progress.unfinished()) == 1
