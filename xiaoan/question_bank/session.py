"""A paper in a person's hands, as immutable values: what was answered, marked, skipped and how long it took.

No clock inside: the seconds come in by `spend`. Places count from 0. Every method that changes something returns
a new session; what cannot be done raises an error and leaves everything as it was.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.json_values import read_flag, read_number, read_text, read_whole
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.expected_answers import read_answer
from xiaoan.question_bank.grading import Grade, Verdict, grade
from xiaoan.question_bank.results import ItemResult, PaperResult, Tally, item_result, paper_result
from xiaoan.question_bank.session_state import (
    answer_document,
    check_document,
    grade_document,
    read_answers,
    read_by_place,
    read_grade,
    read_places,
)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer in a practice: as typed, graded, after how many seconds.

    `at_first` says that the question had not been skipped before.
    """

    text: str
    grade: Grade
    seconds: float
    at_first: bool = True


@dataclass(frozen=True)
class _Sitting:
    """What a quiz and a practice have in common: the paper, where one is in it, the marks, the time."""

    paper: Paper
    position: int = 0
    marked: frozenset[int] = frozenset()
    seconds: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", MappingProxyType(dict(self.seconds)))
        self._check_places([self.position, *self.marked, *self.seconds])
        if not all(math.isfinite(spent) and spent >= 0 for spent in self.seconds.values()):
            raise ValueError(f"seconds are finite and not negative, not {dict(self.seconds)}")

    @property
    def current(self) -> PaperItem:
        """The question one is at."""
        return self.paper.items[self.position]

    @property
    def is_last(self) -> bool:
        """Whether the current question is the paper's last."""
        return self.position == len(self.paper.items) - 1

    @property
    def elapsed_s(self) -> float:
        """The seconds spent on all questions."""
        return math.fsum(self.seconds.values())

    @property
    def _is_over(self) -> bool:
        """Whether answers, marks and times stay as they are."""
        raise NotImplementedError

    def spend(self, seconds: float) -> Self:
        """Return the session with `seconds` more spent on the current question; the same one once it is over.

        Raises ValueError for a time that is negative or not finite.
        """
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"seconds are finite and not negative, not {seconds}")
        if self._is_over or not seconds:
            return self
        spent = self.seconds.get(self.position, 0.0) + seconds
        return replace(self, seconds={**self.seconds, self.position: spent})

    def toggle_mark(self) -> Self:
        """Return the session with the current question marked, or no longer so; the same one once it is over."""
        return self if self._is_over else replace(self, marked=self.marked ^ {self.position})

    def _at(self, place: int) -> Self:
        return replace(self, position=place)

    def _check_places(self, places: list[int]) -> None:
        count = len(self.paper.items)
        if strange := [place for place in places if not 0 <= place < count]:
            raise ValueError(f"places {strange} in a paper of {count} questions")

    def _shared_state(self, kind: str) -> dict[str, Any]:
        return {
            "kind": kind,
            "seed": self.paper.seed,
            "questions": len(self.paper.items),
            "position": self.position,
            "marked": sorted(self.marked),
            "seconds": {str(place): spent for place, spent in self.seconds.items()},
        }

    @staticmethod
    def _shared_fields(
        paper: Paper, state: Mapping[str, Any], kind: str, names: Collection[str]
    ) -> dict[str, Any]:
        check_document(state, kind, paper, names)
        return {
            "paper": paper,
            "position": read_whole(state["position"]),
            "marked": read_places(state["marked"]),
            "seconds": {
                place: read_number(spent) for place, spent in read_by_place(state["seconds"]).items()
            },
        }


@dataclass(frozen=True)
class QuizSession(_Sitting):
    """A paper that is graded when it is handed in; until then answers may change, unless they are `final`."""

    answers: Mapping[int, str] = field(default_factory=dict)
    final: frozenset[int] = frozenset()
    handed_in: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "answers", MappingProxyType(dict(self.answers)))
        self._check_places([*self.answers, *self.final])

    @property
    def remaining_s(self) -> float | None:
        """The seconds left, never less than 0; None for a paper without a limit."""
        limit = self.paper.limit_s
        return None if limit is None else max(0.0, limit - self.elapsed_s)

    @property
    def time_is_up(self) -> bool:
        """Whether the limit is reached: answers are no longer taken, and the paper is to be handed in."""
        return self.remaining_s == 0.0

    @property
    def unanswered(self) -> tuple[int, ...]:
        """The places of the questions without an answer, ascending."""
        return tuple(place for place in range(len(self.paper.items)) if place not in self.answers)

    @property
    def _is_over(self) -> bool:
        return self.handed_in

    def answer(self, text: str) -> "QuizSession":
        """Return the session with `text` as the current question's answer, in place of one given before.

        Raises UnreadableAnswerError for what is no answer to it, and UsageError where it may not change any
        more: it is final, the time is up, or the paper is handed in.
        """
        self._check_open()
        given, _ = read_answer(text, self.current.shown)
        return replace(self, answers={**self.answers, self.position: given})

    def withdraw(self) -> "QuizSession":
        """Return the session without an answer to the current question; raises UsageError as `answer` does."""
        self._check_open()
        return replace(self, answers={at: text for at, text in self.answers.items() if at != self.position})

    def settle(self) -> "QuizSession":
        """Return the session in which the current question's answer is final."""
        return self if self.handed_in else replace(self, final=self.final | {self.position})

    def go_to(self, place: int) -> "QuizSession":
        """Return the session at the question of `place`; raises UsageError where there is none."""
        count = len(self.paper.items)
        if not 0 <= place < count:
            raise UsageError(f"没有第 {place + 1} 题，这份卷子有第 1 到第 {count} 题")
        return self._at(place)

    def next(self) -> "QuizSession":
        """Return the session at the next question; at the last one the same session."""
        return self if self.is_last else self._at(self.position + 1)

    def back(self) -> "QuizSession":
        """Return the session at the question before; at the first one the same session."""
        return self._at(self.position - 1) if self.position else self

    def hand_in(self) -> "QuizSession":
        """Return the session handed in: graded, and never changed again."""
        return self if self.handed_in else replace(self, handed_in=True)

    def result(self) -> PaperResult:
        """Return what the paper came to; raises ValueError before it is handed in."""
        if not self.handed_in:
            raise ValueError("a paper has a result when it is handed in")
        items = [self._item_result(place, item) for place, item in enumerate(self.paper.items)]
        return paper_result(self.paper, items, elapsed_s=self.elapsed_s)

    def to_state(self) -> dict[str, Any]:
        """Return everything but the paper as JSON knows it, for `with_state`."""
        return {
            **self._shared_state("quiz"),
            "answers": {
                str(place): answer_document(self.paper, place, text=given)
                for place, given in self.answers.items()
            },
            "final": sorted(self.final),
            "handed_in": self.handed_in,
        }

    @classmethod
    def with_state(cls, paper: Paper, state: Mapping[str, Any]) -> "QuizSession":
        """Return the session over `paper` that `to_state` wrote; raises ValueError where the two do not fit."""
        fields = cls._shared_fields(paper, state, "quiz", ("answers", "final", "handed_in"))
        return cls(
            **fields,
            answers=read_answers(state["answers"], paper, ("text",), lambda one: read_text(one["text"])),
            final=read_places(state["final"]),
            handed_in=read_flag(state["handed_in"]),
        )

    def _item_result(self, place: int, item: PaperItem) -> ItemResult:
        text = self.answers.get(place)
        given = None
        if text is not None:
            partial_credit = self.paper.partial_credit
            shown = item.shown
            given = text, grade(text, shown.question, shown.options, partial_credit=partial_credit)
        return item_result(
            place, item, given, seconds=self.seconds.get(place, 0.0), marked=place in self.marked
        )

    def _check_open(self) -> None:
        if self.handed_in:
            raise UsageError("已经交卷，答案不能再改")
        if self.time_is_up:
            raise UsageError("时间到了，不能再作答，请交卷")
        if self.position in self.final:
            raise UsageError("小安已经答过这道题，答案不能再改")


@dataclass(frozen=True)
class PracticeSession(_Sitting):
    """A round of questions, each graded the moment it is answered, once.

    A question is done when it is answered or revealed; one left undone on the way on is skipped, and may be
    answered later by going back to it. `over` is set by going on behind the last one.
    """

    answers: Mapping[int, Answered] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()
    revealed: frozenset[int] = frozenset()
    over: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "answers", MappingProxyType(dict(self.answers)))
        self._check_places([*self.answers, *self.skipped, *self.revealed])
        done = [*self.answers, *self.revealed]
        if len(set(done)) < len(done) or not self.skipped.isdisjoint(done):
            raise ValueError("a question of a practice is answered, revealed or skipped, only one of them")
        if self.over and not self.is_last:
            raise ValueError("a practice is over behind its last question")

    @property
    def finished(self) -> bool:
        """Whether one has gone on behind the last question; answering that one alone does not finish."""
        return self.over

    @property
    def is_done(self) -> bool:
        """Whether the current question is answered or revealed, so that it takes no answer any more."""
        return self.position in self.answers or self.position in self.revealed

    @property
    def is_open(self) -> bool:
        """Whether the current question is an answered 简答题 that waits for `judge_self`."""
        answered = self.answers.get(self.position)
        return answered is not None and answered.grade.verdict is Verdict.OPEN

    @property
    def tally(self) -> Tally:
        """The counts of the questions gone through so far: answered, revealed or skipped."""
        return Tally.of(self._item_results())

    @property
    def _is_over(self) -> bool:
        return self.over

    def answer(self, text: str) -> "PracticeSession":
        """Return the session with `text` as the current question's answer, graded: `answers[position].grade`.

        Raises UnreadableAnswerError for what is no answer to it, and UsageError for a question that was
        answered or revealed before, and when the round is over.
        """
        self._check_undone()
        given, graded = read_answer(text, self.current.shown, partial_credit=self.paper.partial_credit)
        spent = self.seconds.get(self.position, 0.0)
        answered = Answered(given, graded, spent, at_first=self.position not in self.skipped)
        answers = {**self.answers, self.position: answered}
        return replace(self, answers=answers, skipped=self.skipped - {self.position})

    def judge_self(self, right: bool) -> "PracticeSession":
        """Return the session in which the person has judged the answer to the current 简答题.

        Raises UsageError unless `is_open`.
        """
        if not self.is_open:
            raise UsageError("只有答过、还没有自评的简答题才由自己判对错")
        answered = self.answers[self.position]
        verdict, credit = (Verdict.RIGHT, 1.0) if right else (Verdict.WRONG, 0.0)
        judged = replace(answered, grade=replace(answered.grade, verdict=verdict, credit=credit))
        return replace(self, answers={**self.answers, self.position: judged})

    def reveal(self) -> "PracticeSession":
        """Return the session in which the current question's answer was shown; once done it stays as it is."""
        if self.is_done or self.over:
            return self
        here = {self.position}
        return replace(self, revealed=self.revealed | here, skipped=self.skipped - here)

    def next(self) -> "PracticeSession":
        """Return the session at the next question, the current one skipped if undone; behind the last, over."""
        skipped = self.skipped if self.is_done else self.skipped | {self.position}
        if self.is_last:
            return replace(self, skipped=skipped, over=True)
        return replace(self, skipped=skipped, position=self.position + 1)

    def skip(self) -> "PracticeSession":
        """Return the session at the next question; the same as `next`."""
        return self.next()

    def back(self) -> "PracticeSession":
        """Return the session at the question before; when the round is over, at its last question again."""
        if self.over:
            return replace(self, over=False)
        return self._at(self.position - 1) if self.position else self

    def result(self) -> PaperResult:
        """Return what came of the questions gone through, at any time; others are no part of it."""
        return paper_result(self.paper, self._item_results(), elapsed_s=self.elapsed_s)

    def to_state(self) -> dict[str, Any]:
        """Return everything but the paper as JSON knows it, for `with_state`."""
        return {
            **self._shared_state("practice"),
            "answers": {
                str(place): answer_document(
                    self.paper,
                    place,
                    text=answered.text,
                    grade=grade_document(answered.grade),
                    seconds=answered.seconds,
                    at_first=answered.at_first,
                )
                for place, answered in self.answers.items()
            },
            "skipped": sorted(self.skipped),
            "revealed": sorted(self.revealed),
            "over": self.over,
        }

    @classmethod
    def with_state(cls, paper: Paper, state: Mapping[str, Any]) -> "PracticeSession":
        """Return the session over `paper` that `to_state` wrote; raises ValueError where the two do not fit."""
        fields = cls._shared_fields(paper, state, "practice", ("answers", "skipped", "revealed", "over"))
        names = ("text", "grade", "seconds", "at_first")
        return cls(
            **fields,
            answers=read_answers(state["answers"], paper, names, _answered),
            skipped=read_places(state["skipped"]),
            revealed=read_places(state["revealed"]),
            over=read_flag(state["over"]),
        )

    def _item_results(self) -> list[ItemResult]:
        gone_through = sorted({*self.answers, *self.skipped, *self.revealed})
        return [self._item_result(place) for place in gone_through]

    def _item_result(self, place: int) -> ItemResult:
        answered = self.answers.get(place)
        given = (answered.text, answered.grade) if answered else None
        return item_result(
            place,
            self.paper.items[place],
            given,
            seconds=self.seconds.get(place, 0.0),
            marked=place in self.marked,
        )

    def _check_undone(self) -> None:
        if self.over:
            raise UsageError("这一轮已经结束，不能再作答")
        if self.position in self.answers:
            raise UsageError("这道题已经答过了，按 Enter 到下一题")
        if self.position in self.revealed:
            raise UsageError("这道题已经看过答案，不再作答，按 Enter 到下一题")


def _answered(document: Mapping[str, Any]) -> Answered:
    return Answered(
        read_text(document["text"]),
        read_grade(document["grade"]),
        read_number(document["seconds"]),
        at_first=read_flag(document["at_first"]),
    )
