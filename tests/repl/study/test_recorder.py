from collections.abc import Iterator

import pytest

from tests.question_bank.papers import BOOTS, EXAM, FENCE, paper
from tests.repl.study.bench import NOW
from tests.repl.study.full_disk import FullDisk
from xiaoan.question_bank.drawing.paper import Paper
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


def quiz_with(progress: FullDisk, *answers: str) -> tuple[Recorder, QuizSession]:
    """A quiz that was answered so far, and what records it."""
    recorder = Recorder(progress, Mode.QUIZ)
    session = QuizSession(paper(BOOTS, FENCE, EXAM))
    recorder.begin(session.paper, session.to_state())
    for place, text in enumerate(answers):
        session = session.go_to(place).answer(text)
        recorder.save(session.to_state(), answered=len(session.answers), elapsed_s=0)
    return recorder, session


def hand_in(recorder: Recorder, session: QuizSession) -> bool:
    session = session.hand_in()
    attempts = [attempt_of(item, Mode.QUIZ, NOW) for item in session.result().items if item.is_answered]
    return recorder.finish(attempts, state=session.to_state())


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


def test_a_paper_that_could_not_be_handed_in_stays_to_be_handed_in_later(progress: FullDisk) -> None:
    recorder, session = quiz_with(progress, "B")
    progress.is_full = True
    hand_in(recorder, session)
    recorder.leave()
    assert (recorder.unsaved, recorder.reason) == (0, "磁盘满了。腾出一些空间。")
    assert recorder.take_news() == (
        "交卷没有记上：磁盘满了。腾出一些空间。答案都存着，之后用 --resume 打开，再交卷一次。"
    )
    assert progress.statistics().attempts == 0

    progress.is_full = False
    left = progress.unfinished("quiz")[0]
    _, state = progress.resume(left.session_id)
    again = Recorder(progress, Mode.QUIZ, session_id=left.session_id)
    again.begin(session.paper, state)
    assert hand_in(again, QuizSession.with_state(session.paper, state))
    assert (progress.statistics().attempts, progress.unfinished()) == (1, [])


def test_where_only_the_place_could_not_be_kept_no_answer_is_said_to_be_missing(progress: FullDisk) -> None:
    recorder, session = quiz_with(progress, "B")
    progress.is_full = True
    recorder.save(session.next().to_state(), answered=1, elapsed_s=5)
    recorder.leave()
    assert recorder.unsaved == 0
    assert recorder.take_news() == "停在哪一题和用时没有存上：磁盘满了。腾出一些空间。答案都存着。"
    assert recorder.take_news() is None


def test_only_answers_that_the_session_does_not_have_are_missing_at_the_end(progress: FullDisk) -> None:
    recorder, session = quiz_with(progress, "B", "错")
    progress.is_full = True
    session = session.next().answer("B")
    recorder.save(session.to_state(), answered=3, elapsed_s=0)
    hand_in(recorder, session)
    recorder.leave()
    assert recorder.unsaved == 1
    assert progress.unfinished()[0].answered == 2


def test_a_paper_whose_session_could_not_be_begun_is_handed_in_with_everything(progress: FullDisk) -> None:
    progress.is_full = True
    recorder, session = quiz_with(progress, "B")
    progress.is_full = False
    assert hand_in(recorder, session)
    last = progress.last_finished("quiz")
    assert last is not None
    assert QuizSession.with_state(Paper.from_document(last.paper), last.state) == session.hand_in()
    assert (progress.statistics().attempts, progress.unfinished(), recorder.unsaved) == (1, [], 0)


def test_a_paper_whose_session_is_begun_at_the_very_end_can_at_least_be_gone_on_with(
    progress: FullDisk,
) -> None:
    progress.is_full = True
    recorder, session = quiz_with(progress, "B")
    progress.is_full, progress.writes_left = False, 1
    assert not hand_in(recorder, session)
    recorder.leave()
    assert (recorder.unsaved, progress.statistics().attempts) == (0, 0)
    assert progress.unfinished()[0].answered == 1


def test_a_session_begun_late_brings_its_answers_in_the_same_write(progress: FullDisk) -> None:
    progress.is_full = True
    practice = Practice(Recorder(progress, Mode.PRACTICE))
    practice.answer("A")
    progress.writes_left = 1
    progress.is_full = False
    assert practice.answer("错")
    assert progress.statistics().attempts == progress.unfinished()[0].answered == 2


def test_attempts_are_never_kept_without_the_session_that_can_be_gone_on_with(progress: FullDisk) -> None:
    recorder = Recorder(progress, Mode.PRACTICE)
    practice = Practice(recorder)
    practice.answer("A")
    progress.largest_state = 0
    practice.answer("错")
    recorder.leave()
    assert recorder.unsaved == 1
    assert progress.statistics().attempts == progress.unfinished()[0].answered == 1


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
