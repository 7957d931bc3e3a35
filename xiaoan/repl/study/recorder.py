"""Writes every step of a mode to the person's progress at once; what cannot be written is kept and tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from xiaoan.errors import StorageError
from xiaoan.repl.study.words import Mode

if TYPE_CHECKING:
    from datetime import datetime

    from xiaoan.question_bank.drawing.paper import Paper
    from xiaoan.question_bank.progress import Attempt, BookEntry, Progress
    from xiaoan.question_bank.results import ItemResult


_KEPT_AS: "Mapping[Mode, Literal['practice', 'quiz', 'review']]" = {
    Mode.PRACTICE: "practice",
    Mode.QUIZ: "quiz",
    Mode.REVIEW: "review",
}


@dataclass(frozen=True)
class _Step:
    """Where a session was when it was to be saved."""

    state: Mapping[str, Any]
    answered: int
    elapsed_s: float

    @property
    def answers(self) -> Mapping[str, Any]:
        answers: Mapping[str, Any] = self.state["answers"]
        return answers


def attempt_of(item: "ItemResult", mode: Mode, at: "datetime") -> "Attempt":
    """Return an answered question as progress keeps it; a 简答题 that nobody judged counts by its keywords."""
    from xiaoan.question_bank.progress import Attempt

    assert item.grade is not None, "only what was answered is an attempt"
    question = item.shown.question
    verdict = item.outcome
    if item.is_estimated:
        verdict = "right" if item.grade.credit >= 1 else "partly" if item.grade.credit else "wrong"
    return Attempt(
        question_id=question.id,
        profession=question.profession,
        question_type=str(question.question_type),
        mode=_KEPT_AS[mode],
        given=item.given,
        verdict=verdict,
        credit=item.grade.credit,
        seconds=item.seconds,
        marked=item.marked,
        at=at,
    )


class Recorder:
    """Keeps attempts and the session of one run of a mode. No method raises for a disk that fails.

    A review has no session to go back to: its attempts are all there is to keep.
    """

    def __init__(
        self, progress: "Progress", mode: Mode, *, session_id: str | None = None, kept: bool = True
    ) -> None:
        """Take the person's progress, the mode, the id of a resumed session, and whether anything stays on disk."""
        self.kept = kept
        self.mode = mode
        self._progress = progress
        self._session_id = session_id
        self._has_session = mode in (Mode.PRACTICE, Mode.QUIZ)
        self._paper: Paper | None = None
        self._waiting: list[Attempt] = []
        self._at_end: list[Attempt] = []
        self._step: _Step | None = None
        self._last_state: Mapping[str, Any] | None = None
        self._saved_answers: Mapping[str, Any] = {}
        self._finished = False
        self._failure: StorageError | None = None
        self._news: list[str] = []
        self._told = False

    def begin(self, paper: "Paper", state: Mapping[str, Any]) -> None:
        """Keep the session, unless it is a resumed one, whose `state` is what was saved last."""
        self._paper = paper
        if self._session_id is not None:
            self._saved_answers = dict(state["answers"])
        else:
            self.save(state, answered=0, elapsed_s=0.0)

    def save(
        self,
        state: Mapping[str, Any],
        *,
        answered: int,
        elapsed_s: float,
        attempts: "Sequence[Attempt]" = (),
    ) -> bool:
        """Write where the session is and the attempts that led there; return whether all of it is on disk."""
        before, self._step = self._step, _Step(state, answered, elapsed_s)
        if self._step == before and not attempts and self._failure is None:
            return True
        self._waiting.extend(attempts)
        return self._write()

    def finish(self, attempts: "Sequence[Attempt]" = (), *, state: "Mapping[str, Any] | None" = None) -> bool:
        """Write the last attempts and close the session; return whether all of it is on disk.

        With the last `state` of the session its paper stays, to be looked at again; without, nothing of it does.
        """
        self._at_end.extend(attempts)
        self._finished, self._last_state = True, state
        return self._write()

    def leave(self) -> None:
        """Try once more to write what could not be written, and let go of the session."""
        if self._failure is not None and not self._write() and not self.unsaved:
            self._news = [self._what_is_missing()]
        if not self._finished and self._session_id is not None:
            try:
                self._progress.release()
            except StorageError as error:
                self._fail(error)

    @property
    def unsaved(self) -> int:
        """How many answers are not on disk: neither counted nor in a session that can be gone on with."""
        if not self._has_session:
            return len(self._waiting) + len(self._at_end)
        answers = self._step.answers.items() if self._step is not None else ()
        return sum(self._saved_answers.get(place) != answer for place, answer in answers)

    @property
    def reason(self) -> str:
        """Why the last write failed, '' if it did not."""
        return self._failure.message if self._failure is not None else ""

    def take_news(self) -> str | None:
        """Return what the person should be told about saving and has not been told, once."""
        return self._news.pop(0) if self._news else None

    def entry(self, question_id: str) -> "BookEntry | None":
        """Return the question's line of the wrong-question book; None if it is not in it or cannot be read."""
        try:
            return self._progress.book_entry(question_id)
        except StorageError as error:
            self._fail(error)
            return None

    def due_today(self) -> Mapping[str, int]:
        """Return how many questions are due today by 专业; raises StorageError."""
        return self._progress.due_today()

    def is_pinned(self, question_id: str) -> bool:
        """Return whether the question is pinned; raises StorageError."""
        return self._progress.is_pinned(question_id)

    def pin(self, question_id: str, *, on: bool) -> None:
        """Pin the question or let it go; raises StorageError."""
        self._progress.pin(question_id, on)

    def _write(self) -> bool:
        try:
            self._write_all()
        except StorageError as error:
            self._fail(error)
            return False
        if self._told:
            self._news.append("先前没有存上的答案，现在都存上了。")
        self._failure, self._told = None, False
        self._waiting.clear()
        self._at_end.clear()
        if self._step is not None:
            self._saved_answers = dict(self._step.answers)
        return True

    def _what_is_missing(self) -> str:
        """What to say of a session whose answers are all kept, but not the last step."""
        reason = self.reason.rstrip("。")
        if not self._finished:
            return f"停在哪一题和用时没有存上：{reason}。答案都存着。"
        end = "交卷" if self.mode is Mode.QUIZ else "结束"
        return f"{end}没有记上：{reason}。答案都存着，之后用 --resume 打开，再{end}一次。"

    def _write_all(self) -> None:
        """Each write keeps attempts and session together: whichever comes last, both tell of the same answers."""
        everything = [*self._waiting, *self._at_end]
        if not self._has_session:
            if everything:
                self._progress.record(everything)
        elif self._session_id is None:
            if everything or not self._finished:
                self._begin_session()
                self._end_session(self._at_end)
        elif self._finished:
            self._end_session(everything)
        elif self._step is not None:
            step = self._step
            self._progress.save(
                self._session_id, step.state, step.answered, step.elapsed_s, list(self._waiting)
            )

    def _begin_session(self) -> None:
        """Keep the session as it is by now."""
        assert self._paper is not None, "begin() comes first"
        assert self._step is not None
        paper, step = self._paper, self._step
        self._session_id = self._progress.begin(
            _KEPT_AS[self.mode],
            paper.title,
            paper.to_document(),
            step.state,
            len(paper.items),
            answered=step.answered,
            elapsed_s=step.elapsed_s,
            attempts=list(self._waiting),
        )
        self._saved_answers = dict(step.answers)

    def _end_session(self, attempts: "Sequence[Attempt]") -> None:
        if self._finished:
            assert self._session_id is not None
            self._progress.finish(self._session_id, list(attempts), self._last_state)

    def _fail(self, error: StorageError) -> None:
        self._failure = error
        if not self._told:
            self._told = True
            reason = error.message.rstrip("。")
            self._news.append(f"没有存上：{reason}。答案先留着，之后每一步都会再存一次。")
