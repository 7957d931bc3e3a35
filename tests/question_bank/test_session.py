"""A quiz and a practice, step by step."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.question_bank.papers import ALL, BOOTS, CLOTHES, EXAM, FENCE, ORDERS, STEPS, paper
from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.paper import Paper
from xiaoan.question_bank.expected_answers import UnreadableAnswerError
from xiaoan.question_bank.grading import PartialCredit, Verdict
from xiaoan.question_bank.session import PracticeSession, QuizSession


def test_a_quiz_is_walked_answered_and_handed_in() -> None:
    quiz = QuizSession(paper(BOOTS, FENCE, EXAM))
    quiz = quiz.spend(5).answer("b").next().spend(7).answer("对").next()
    assert quiz.is_last
    assert quiz.unanswered == (2,)
    assert quiz.current.shown.question == EXAM
    result = quiz.hand_in().result()
    assert [item.outcome for item in result.items] == ["right", "wrong", "unanswered"]
    assert (result.earned, result.points, result.elapsed_s) == (1, 3, 12)


def test_a_quiz_keeps_the_last_answer_to_a_question() -> None:
    quiz = QuizSession(paper(BOOTS)).answer("a").answer("B")
    assert dict(quiz.answers) == {0: "B"}
    assert quiz.withdraw().unanswered == (0,)
    assert quiz.withdraw().withdraw() == quiz.withdraw()


def test_moving_stops_at_both_ends() -> None:
    quiz = QuizSession(paper(BOOTS, FENCE))
    assert quiz.back() == quiz
    assert quiz.next().next() == quiz.next()
    assert quiz.go_to(1).position == 1
    for place, number in ((2, 3), (-1, 0)):
        with pytest.raises(UsageError, match=f"没有第 {number} 题，这份卷子有第 1 到第 2 题"):
            quiz.go_to(place)


def test_time_runs_out_and_is_never_less_than_none() -> None:
    quiz = QuizSession(paper(BOOTS, limit_s=60)).spend(59.5)
    assert quiz.remaining_s == 0.5
    late = quiz.answer("A").spend(2)
    assert (late.remaining_s, late.time_is_up, late.elapsed_s) == (0, True, 61.5)
    with pytest.raises(UsageError, match="时间到了"):
        late.answer("B")
    assert late.hand_in().result().items[0].given == "A"


def test_a_paper_without_a_limit_has_no_end() -> None:
    quiz = QuizSession(paper(BOOTS)).spend(1e6)
    assert quiz.remaining_s is None
    assert not quiz.time_is_up


def test_a_final_answer_is_not_changed() -> None:
    quiz = QuizSession(paper(BOOTS, FENCE)).answer("A").settle()
    with pytest.raises(UsageError, match="小安已经答过"):
        quiz.answer("B")
    with pytest.raises(UsageError, match="小安已经答过"):
        quiz.withdraw()
    assert quiz.next().answer("错").answers[1] == "错"


def test_a_quiz_handed_in_stays_as_it_is() -> None:
    quiz = QuizSession(paper(BOOTS)).answer("A").hand_in()
    assert quiz.spend(5) == quiz.toggle_mark() == quiz.settle() == quiz.hand_in() == quiz
    with pytest.raises(UsageError, match="已经交卷"):
        quiz.answer("B")
    with pytest.raises(UsageError, match="已经交卷"):
        quiz.withdraw()


def test_a_quiz_has_no_result_before_it_is_handed_in() -> None:
    with pytest.raises(ValueError, match="handed in"):
        QuizSession(paper(BOOTS)).result()


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf])
def test_impossible_times_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        QuizSession(paper(BOOTS)).spend(seconds)
    with pytest.raises(ValueError, match="seconds"):
        PracticeSession(paper(BOOTS), seconds={0: seconds})


def test_a_session_cannot_be_changed_from_outside() -> None:
    answers = {0: "A"}
    quiz = QuizSession(paper(BOOTS), answers=answers)
    answers[0] = "B"
    assert quiz.answers[0] == "A"
    with pytest.raises(TypeError):
        quiz.answers[0] = "B"  # type: ignore[index]


def test_a_paper_without_questions_is_no_session() -> None:
    empty = Paper(title="空卷", items=(), seed=1)
    for kind in (QuizSession, PracticeSession):
        with pytest.raises(ValueError, match="0 questions"):
            kind(empty)


def test_an_unreadable_answer_leaves_the_question_open() -> None:
    practice = PracticeSession(paper(BOOTS))
    with pytest.raises(UnreadableAnswerError, match="没有选项 X"):
        practice.answer("X")
    assert practice.answer("b").answers[0].grade.verdict is Verdict.RIGHT


def test_a_practice_grades_at_once_and_keeps_the_time_it_took() -> None:
    practice = PracticeSession(paper(BOOTS)).spend(4).answer("ａ").spend(9)
    answered = practice.answers[0]
    assert (answered.text, answered.grade.verdict, answered.seconds) == ("ａ", Verdict.WRONG, 4)
    assert practice.elapsed_s == 13


def test_a_question_of_a_practice_is_answered_once() -> None:
    practice = PracticeSession(paper(BOOTS, FENCE)).answer("A")
    with pytest.raises(UsageError, match="已经答过"):
        practice.answer("B")
    with pytest.raises(UsageError, match="看过答案"):
        practice.next().reveal().answer("错")
    assert practice.reveal() == practice


def test_a_skipped_question_may_be_answered_later_but_not_at_first() -> None:
    practice = PracticeSession(paper(BOOTS, FENCE)).skip()
    assert practice.skipped == {0}
    later = practice.back().answer("B")
    assert later.skipped == frozenset()
    assert not later.answers[0].at_first
    assert later.next().answer("错").answers[1].at_first


def test_going_on_behind_the_last_question_finishes_a_practice() -> None:
    practice = PracticeSession(paper(BOOTS, FENCE)).answer("B").next().answer("错")
    assert not practice.finished
    over = practice.next()
    assert over.finished
    assert over.next() == over.spend(3) == over.toggle_mark() == over.reveal() == over
    assert over.back() == practice
    with pytest.raises(UsageError, match="已经结束"):
        over.answer("对")


def test_a_person_judges_a_short_answer_once() -> None:
    practice = PracticeSession(paper(ORDERS)).answer("拒绝执行")
    assert practice.is_open
    assert practice.tally.open == 1
    right, wrong = practice.judge_self(True), practice.judge_self(False)
    assert (right.tally.right, right.tally.earned) == (1, 1)
    assert (wrong.tally.wrong, wrong.tally.earned) == (1, 0)
    assert right.answers[0].grade.found == practice.answers[0].grade.found == ("拒绝执行",)
    with pytest.raises(UsageError, match="自评"):
        right.judge_self(False)


def test_only_short_answers_are_judged_by_the_person() -> None:
    practice = PracticeSession(paper(BOOTS))
    for session in (practice, practice.answer("A"), practice.reveal()):
        with pytest.raises(UsageError, match="自评"):
            session.judge_self(True)


def test_a_practice_counts_what_was_gone_through() -> None:
    practice = PracticeSession(paper()).answer("B").next().answer("AC").next().skip().reveal()
    tally = practice.tally
    assert (tally.count, tally.right, tally.wrong, tally.unanswered) == (4, 1, 1, 2)
    assert tally.accuracy == 0.5
    assert [item.number for item in practice.result().mistakes] == [2, 3, 4]


def test_partial_credit_of_the_paper_counts_in_both_kinds() -> None:
    drawn = paper(CLOTHES, STEPS, partial_credit=PartialCredit.SHARE)
    practice = PracticeSession(drawn).answer("AC").next().answer("停电；")
    quiz = QuizSession(drawn).answer("AC").next().answer("停电；").hand_in()
    for result in (practice.result(), quiz.result()):
        assert [item.outcome for item in result.items] == ["partly", "partly"]
        assert result.earned == pytest.approx(2 / 3 + 1 / 2)


def some_quiz() -> QuizSession:
    quiz = QuizSession(paper(limit_s=600)).spend(0.1).answer("B").toggle_mark().settle().next().spend(1 / 3)
    return quiz.answer("ACD").go_to(4).answer("拒绝\n执行")


def some_practice() -> PracticeSession:
    practice = PracticeSession(paper()).spend(0.1).answer("B").toggle_mark().next().skip().reveal().next()
    return practice.spend(1 / 3).answer("停电；").next().answer("拒绝执行").judge_self(True)


@pytest.mark.parametrize("session", [some_quiz(), some_practice()])
def test_a_session_comes_back_from_its_state(session: QuizSession | PracticeSession) -> None:
    document = json.loads(json.dumps(session.to_state(), ensure_ascii=False).encode())
    again = type(session).with_state(session.paper, document)
    assert again == session
    assert again.to_state() == document


Change = Callable[[dict[str, Any]], object]
MISFITS: list[Change] = [
    lambda state: state.clear(),
    lambda state: state.update(kind="exam"),
    lambda state: state.update(seed=21),
    lambda state: state.update(questions=5),
    lambda state: state.update(more=1),
    lambda state: state.pop("answers"),
    lambda state: state.update(position=6),
    lambda state: state.update(position=-1),
    lambda state: state.update(position=1.0),
    lambda state: state.update(position=True),
    lambda state: state.update(marked=[0, 0]),
    lambda state: state.update(marked=[6]),
    lambda state: state.update(marked="0"),
    lambda state: state.update(seconds={"0": -1}),
    lambda state: state.update(seconds={"0": math.nan}),
    lambda state: state.update(seconds={"0": 10**400}),
    lambda state: state.update(seconds={"0": "1"}),
    lambda state: state.update(seconds={"00": 1}),
    lambda state: state.update(seconds={"٠": 1}),
    lambda state: state.update(seconds=[1]),
    lambda state: state["answers"].update({"1": state["answers"]["0"]}),
    lambda state: state["answers"].update({"99": state["answers"]["0"]}),
    lambda state: state["answers"]["0"].update(text=None),
    lambda state: state["answers"]["0"].pop("text"),
    lambda state: state["answers"].update({"0": "B"}),
]


@pytest.mark.parametrize("session", [some_quiz(), some_practice()])
@pytest.mark.parametrize("change", MISFITS)
def test_a_state_that_does_not_fit_is_refused(session: QuizSession | PracticeSession, change: Change) -> None:
    state = json.loads(json.dumps(session.to_state()))
    change(state)
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        type(session).with_state(session.paper, state)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.update(final=[6]),
        lambda state: state.update(final=[-1]),
        lambda state: state.update(handed_in=1),
    ],
)
def test_a_quiz_with_impossible_places_is_refused(change: Change) -> None:
    quiz = some_quiz()
    state = json.loads(json.dumps(quiz.to_state()))
    change(state)
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        QuizSession.with_state(quiz.paper, state)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.update(over=True),
        lambda state: state.update(over=0),
        lambda state: state.update(skipped=[0]),
        lambda state: state.update(revealed=[0]),
        lambda state: state["answers"]["0"].update(seconds=-1),
        lambda state: state["answers"]["0"].update(at_first=1),
        lambda state: state["answers"]["0"].update(grade=None),
        lambda state: state["answers"]["0"]["grade"].update(verdict="unreadable"),
        lambda state: state["answers"]["0"]["grade"].update(verdict="good"),
        lambda state: state["answers"]["0"]["grade"].update(credit=2),
        lambda state: state["answers"]["0"]["grade"].update(found="绝缘靴"),
        lambda state: state["answers"]["0"]["grade"].update(blanks=[1]),
    ],
)
def test_a_practice_with_impossible_answers_is_refused(change: Change) -> None:
    practice = some_practice()
    state = json.loads(json.dumps(practice.to_state()))
    change(state)
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        PracticeSession.with_state(practice.paper, state)


def test_a_state_of_another_paper_is_refused() -> None:
    other = paper(*reversed(ALL))
    with pytest.raises(ValueError, match="place 0"):
        QuizSession.with_state(other, some_quiz().to_state())
    with pytest.raises(ValueError, match="keys"):
        PracticeSession.with_state(some_quiz().paper, some_quiz().to_state())


def test_a_session_goes_on_over_a_paper_that_was_stored() -> None:
    quiz = some_quiz()
    stored = Paper.from_document(json.loads(json.dumps(quiz.paper.to_document())))
    again = QuizSession.with_state(stored, quiz.to_state())
    assert again.hand_in().result() == quiz.hand_in().result()
