"""What holds whatever a person does, in whatever order: a quiz and a practice against a simple account of them."""

import json
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.question_bank.papers import ALL, paper
from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.paper import Paper
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.expected_answers import UnreadableAnswerError
from xiaoan.question_bank.grading import PartialCredit, Verdict, grade
from xiaoan.question_bank.normalization import clean_text
from xiaoan.question_bank.results import PaperResult, Tally
from xiaoan.question_bank.session import PracticeSession, QuizSession

PLAIN = [
    "A",
    "b",
    "Ｃ",
    "D",
    "AC",
    "acd",
    "ＡＣＤ",
    "对",
    "错",
    "√",
    "×",
    "绝缘靴",
    "停电；验电",
    "停电；",
    "报告上级",
]
STRANGE = ["", " 　", "E", "AE", "A-D", "嗯", "1", "\x1b[2J", "；", "停电", "\ud800", "？"]
TYPED = st.sampled_from(PLAIN) | st.sampled_from(STRANGE) | st.text(max_size=6)
QUARTERS_S = st.integers(0, 400).map(lambda quarters: quarters / 4)  # add up exactly


@st.composite
def papers(draw: st.DrawFn, *, limited: bool = False) -> Paper:
    questions = draw(st.lists(st.sampled_from(ALL), min_size=1, unique=True))
    count = len(questions)
    return paper(
        *questions,
        points=draw(st.lists(st.sampled_from([0.5, 1.0, 2.0, 0.1]), min_size=count, max_size=count)),
        limit_s=draw(st.none() | st.sampled_from([30.0, 5400.0])) if limited else None,
        pass_percent=draw(st.none() | st.just(60.0)),
        partial_credit=draw(st.sampled_from(PartialCredit)),
        shuffled_by=random.Random(draw(st.integers(0, 99))),
    )


def seen(text: str) -> str:
    """What of `text` a person can see."""
    return clean_text(text, keep_newlines=True)


def is_readable(text: str, shown: ShownQuestion) -> bool:
    return grade(seen(text), shown.question, shown.options).verdict is not Verdict.UNREADABLE


def check_sums(result: PaperResult) -> None:
    """Points and counts are the same, however they are grouped."""
    for tallies in ([result.total], result.by_profession.values(), result.by_type.values()):
        assert sum(tally.count for tally in tallies) == len(result.items)
        assert sum(tally.earned for tally in tallies) == pytest.approx(result.earned, abs=1e-5)
        assert sum(tally.points for tally in tallies) == pytest.approx(result.points, abs=1e-5)
        for tally in tallies:
            parts = tally.right, tally.partly, tally.wrong, tally.open, tally.unanswered
            assert sum(parts) == tally.count
    assert sum(item.earned for item in result.items) == pytest.approx(result.earned, abs=1e-5)
    assert all(0 <= item.earned <= item.points for item in result.items)
    outcomes = Counter(item.outcome for item in result.items)
    assert len(result.mistakes) == len(result.items) - outcomes["right"] - outcomes["open"]
    assert 0 <= result.percent <= 100
    json.dumps(result.to_document(), allow_nan=False).encode()


class QuizMachine(RuleBasedStateMachine):
    """A quiz, one that is interrupted and resumed at will, and what a person with pencil and paper would note."""

    @initialize(drawn=papers(limited=True))
    def begin(self, drawn: Paper) -> None:
        self.quiz = self.resumed = QuizSession(drawn)
        self.answers: dict[int, str] = {}
        self.final: set[int] = set()
        self.marked: set[int] = set()
        self.spent: Counter[int] = Counter()
        self.place = 0

    @rule(text=TYPED)
    def answer(self, text: str) -> None:
        shown = self.quiz.current.shown
        try:
            self.quiz, self.resumed = self.quiz.answer(text), self.resumed.answer(text)
        except UnreadableAnswerError:
            assert not is_readable(text, shown)
        except UsageError:
            assert self.place in self.final or self.quiz.time_is_up
        else:
            assert self.place not in self.final
            assert is_readable(text, shown)
            self.answers[self.place] = seen(text)

    @rule()
    def withdraw(self) -> None:
        if self.place in self.final or self.quiz.time_is_up:
            with pytest.raises(UsageError):
                self.quiz.withdraw()
        else:
            self.quiz, self.resumed = self.quiz.withdraw(), self.resumed.withdraw()
            self.answers.pop(self.place, None)

    @rule()
    def settle(self) -> None:
        self.quiz, self.resumed = self.quiz.settle(), self.resumed.settle()
        self.final.add(self.place)

    @rule(place=st.integers(-2, 7))
    def go_to(self, place: int) -> None:
        if 0 <= place < len(self.quiz.paper.items):
            self.quiz, self.resumed, self.place = self.quiz.go_to(place), self.resumed.go_to(place), place
        else:
            with pytest.raises(UsageError, match="没有第"):
                self.quiz.go_to(place)

    @rule()
    def go_on(self) -> None:
        self.quiz, self.resumed = self.quiz.next(), self.resumed.next()
        self.place = min(self.place + 1, len(self.quiz.paper.items) - 1)

    @rule()
    def go_back(self) -> None:
        self.quiz, self.resumed = self.quiz.back(), self.resumed.back()
        self.place = max(self.place - 1, 0)

    @rule()
    def mark(self) -> None:
        before = self.quiz.hand_in().result()
        self.quiz, self.resumed = self.quiz.toggle_mark(), self.resumed.toggle_mark()
        self.marked ^= {self.place}
        assert self.quiz.hand_in().result().total == before.total

    @rule(seconds=QUARTERS_S)
    def spend(self, seconds: float) -> None:
        self.quiz, self.resumed = self.quiz.spend(seconds), self.resumed.spend(seconds)
        self.spent[self.place] += seconds  # type: ignore[assignment]

    @rule()
    def resume(self) -> None:
        document = json.loads(json.dumps(self.resumed.to_state(), ensure_ascii=False).encode())
        stored = Paper.from_document(json.loads(json.dumps(self.quiz.paper.to_document())))
        self.resumed = QuizSession.with_state(stored, document)

    @invariant()
    def the_account_is_right(self) -> None:
        quiz = self.quiz
        assert (quiz.position, dict(quiz.answers)) == (self.place, self.answers)
        assert set(quiz.marked) == self.marked
        assert set(quiz.final) == self.final
        assert quiz.elapsed_s == sum(self.spent.values())
        assert set(quiz.unanswered) == set(range(len(quiz.paper.items))) - set(self.answers)
        if quiz.paper.limit_s is not None:
            assert quiz.remaining_s == max(0, quiz.paper.limit_s - sum(self.spent.values()))

    @invariant()
    def an_interruption_changes_nothing(self) -> None:
        assert self.resumed == self.quiz
        assert self.resumed.to_state() == self.quiz.to_state()

    def teardown(self) -> None:
        if not hasattr(self, "quiz"):
            return
        result = self.quiz.hand_in().result()
        assert result == self.resumed.hand_in().result()
        check_sums(result)
        assert [item.number for item in result.items] == list(range(1, len(self.quiz.paper.items) + 1))
        assert result.elapsed_s == sum(item.seconds for item in result.items) == sum(self.spent.values())
        for item, drawn in zip(result.items, self.quiz.paper.items, strict=True):
            assert item.shown is drawn.shown
            assert item.given == self.answers.get(item.number - 1, "")
            assert item.is_answered is (item.number - 1 in self.answers)
            assert item.marked is (item.number - 1 in self.marked)


class PracticeMachine(RuleBasedStateMachine):
    """A practice and one that is interrupted and resumed at will; what was graded once stays as it is."""

    @initialize(drawn=papers())
    def begin(self, drawn: Paper) -> None:
        self.practice = self.resumed = PracticeSession(drawn)
        self.first: dict[int, str] = {}
        self.revealed: set[int] = set()
        self.skipped: set[int] = set()
        self.spent = 0.0

    @property
    def is_done(self) -> bool:
        return self.practice.position in self.first or self.practice.position in self.revealed

    @rule(text=TYPED)
    def answer(self, text: str) -> None:
        before = self.practice
        place, shown = before.position, before.current.shown
        try:
            self.practice, self.resumed = before.answer(text), self.resumed.answer(text)
        except UnreadableAnswerError:
            assert not is_readable(text, shown)
        except UsageError:
            assert self.is_done or before.finished
        else:
            assert not self.is_done
            answered = self.practice.answers[place]
            self.first[place] = answered.text
            assert answered.at_first is (place not in self.skipped)
            assert answered.seconds == before.seconds.get(place, 0)
            credit = before.paper.partial_credit
            graded = grade(seen(text), shown.question, shown.options, partial_credit=credit)
            assert (answered.text, answered.grade) == (seen(text), graded)
            self.skipped.discard(place)

    @rule(right=st.booleans())
    def judge(self, right: bool) -> None:
        if not self.practice.is_open:
            with pytest.raises(UsageError, match="自评"):
                self.practice.judge_self(right)
            return
        self.practice, self.resumed = self.practice.judge_self(right), self.resumed.judge_self(right)
        assert self.practice.answers[self.practice.position].grade.credit == float(right)

    @rule()
    def reveal(self) -> None:
        if not self.is_done and not self.practice.finished:
            self.revealed.add(self.practice.position)
            self.skipped.discard(self.practice.position)
        self.practice, self.resumed = self.practice.reveal(), self.resumed.reveal()

    @rule(skip=st.booleans())
    def go_on(self, skip: bool) -> None:
        if not self.is_done:
            self.skipped.add(self.practice.position)
        before = self.practice
        self.practice = before.skip() if skip else before.next()
        self.resumed = self.resumed.skip() if skip else self.resumed.next()
        assert self.practice.finished is before.is_last
        assert self.practice.position == before.position + (not before.is_last)

    @rule()
    def go_back(self) -> None:
        before = self.practice
        self.practice, self.resumed = before.back(), self.resumed.back()
        assert not self.practice.finished
        assert self.practice.answers == before.answers

    @rule()
    def mark(self) -> None:
        before = self.practice.tally
        self.practice, self.resumed = self.practice.toggle_mark(), self.resumed.toggle_mark()
        assert self.practice.tally == before

    @precondition(lambda self: not self.practice.finished)
    @rule(seconds=QUARTERS_S)
    def spend(self, seconds: float) -> None:
        self.practice, self.resumed = self.practice.spend(seconds), self.resumed.spend(seconds)
        self.spent += seconds

    @rule()
    def resume(self) -> None:
        document = json.loads(json.dumps(self.resumed.to_state(), ensure_ascii=False).encode())
        self.resumed = PracticeSession.with_state(self.practice.paper, document)

    @invariant()
    def the_account_is_right(self) -> None:
        practice = self.practice
        assert {place: one.text for place, one in practice.answers.items()} == self.first
        assert set(practice.revealed) == self.revealed
        assert set(practice.skipped) == self.skipped
        assert practice.elapsed_s == self.spent
        assert practice.tally.count == len({*self.first, *self.revealed, *self.skipped})
        assert practice.tally.unanswered == len(self.revealed | self.skipped)

    @invariant()
    def an_interruption_changes_nothing(self) -> None:
        assert self.resumed == self.practice
        assert self.resumed.to_state() == self.practice.to_state()

    def teardown(self) -> None:
        if hasattr(self, "practice"):
            check_sums(self.practice.result())
            assert self.practice.result().total == self.practice.tally


TestQuiz = QuizMachine.TestCase
TestQuiz.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestPractice = PracticeMachine.TestCase
TestPractice.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(papers(), st.data())
def test_every_question_is_asked_once_on_the_way_on(drawn: Paper, data: st.DataObject) -> None:
    practice = PracticeSession(drawn)
    asked = []
    while not practice.finished:
        asked.append(practice.current.shown.question.id)
        if data.draw(st.booleans()):
            practice = practice.reveal()
        practice = practice.next()
    assert asked == [item.shown.question.id for item in drawn.items]
    assert practice.tally == Tally.of(practice.result().items)
    assert practice.tally.count == len(drawn.items)


@given(papers(), st.data())
def test_going_back_changes_that_answer_only(drawn: Paper, data: st.DataObject) -> None:
    quiz = QuizSession(drawn)
    for place, item in enumerate(drawn.items):
        quiz = quiz.go_to(place).answer("；".join(item.shown.answer_letters or item.shown.question.answer))
    before = quiz.hand_in().result()
    assert before.total.wrong == before.total.partly == 0
    place = data.draw(st.integers(0, len(drawn.items) - 1))
    after = quiz.go_to(place).withdraw().hand_in().result()
    changed = [one.number for one, other in zip(before.items, after.items, strict=True) if one != other]
    assert changed == [place + 1]
    assert after.total.unanswered == 1


@given(papers(), st.text(max_size=12) | TYPED)
def test_whatever_is_typed_is_an_answer_or_refused(drawn: Paper, text: str) -> None:
    for place, item in enumerate(drawn.items):
        quiz = QuizSession(drawn, position=place)
        if not is_readable(text, item.shown):
            with pytest.raises(UnreadableAnswerError, match="请输入"):
                quiz.answer(text)
            continue
        result = quiz.answer(text).hand_in().result()
        assert result.items[place].is_answered
        assert result.items[place].given_lines
        check_sums(result)
