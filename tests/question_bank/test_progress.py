import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.question_bank.records.made_progress import (
    BEIJING,
    BOOTS,
    KEYS,
    MORNING,
    TOOLS,
    Learner,
    attempt,
    derived,
    learner,
    worked_out_anew,
)
from xiaoan.errors import StorageError, UsageError
from xiaoan.question_bank.progress import Count, Mode, Progress, ReviewRules
from xiaoan.question_bank.records.database import Database
from xiaoan.question_bank.records.transfer import back_up, restore


@pytest.fixture
def person() -> Iterator[Learner]:
    made = learner()
    with made.progress:
        yield made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.sqlite"


def test_what_is_recorded_is_there_when_opened_again(path: Path) -> None:
    with learner(path).progress as progress:
        progress.record([attempt("wrong"), attempt("right", KEYS)])
    with learner(path).progress as again:
        assert again.seen() == {BOOTS: MORNING, KEYS: MORNING}
        assert again.statistics().attempts == 2
        assert [entry.question_id for entry in again.book()] == [BOOTS]


def test_in_memory_works_the_same_and_leaves_nothing(person: Learner, tmp_path: Path) -> None:
    person.answer("wrong")
    session_id = person.progress.begin("quiz", "模拟卷", {"seed": 7}, {"at": 1}, 85)
    assert person.progress.unfinished("quiz")[0].held
    assert person.progress.resume(session_id) == ({"seed": 7}, {"at": 1})
    assert list(tmp_path.iterdir()) == []


def test_nothing_recorded_writes_nothing(person: Learner) -> None:
    person.progress.record([])
    assert person.progress.users() == []


def test_people_do_not_see_each_other(path: Path) -> None:
    with learner(path, "张三").progress as one, learner(path, "李四").progress as other:
        one.record([attempt("wrong")])
        one.pin(KEYS, on=True)
        one.begin("quiz", "模拟卷", {}, {}, 85)
        assert (other.seen(), other.book(), other.unfinished(), other.is_pinned(KEYS)) == ({}, [], [], False)
        assert other.statistics().attempts == 0
        assert one.users() == ["张三"]


def test_a_wrong_answer_enters_the_book_and_three_right_ones_in_a_row_leave_it(person: Learner) -> None:
    person.answer("wrong")
    for verdict, streak in (("right", 1), ("right", 2), ("wrong", 0), ("right", 1), ("right", 2)):
        person.answer(verdict)
        assert [(entry.streak, entry.wrong > 0) for entry in person.progress.book()] == [(streak, True)]
    person.answer("right", mode="quiz")
    assert person.progress.book() == []


def test_a_question_that_left_the_book_comes_back_when_wrong_again(person: Learner) -> None:
    for verdict in ("wrong", "right", "right", "right"):
        person.answer(verdict)
    person.answer("partly")
    assert [(entry.streak, entry.wrong) for entry in person.progress.book()] == [(0, 2)]


def test_a_question_always_right_is_never_in_the_book(person: Learner) -> None:
    person.answer("right")
    assert person.progress.book() == []
    assert person.progress.due_today() == {}


def test_how_many_right_answers_leave_the_book_is_a_rule() -> None:
    person = learner(rules=ReviewRules(leave_after=1))
    with person.progress:
        person.answer("wrong")
        person.answer("right")
        assert person.progress.book() == []


def test_another_rule_holds_at_once_for_what_was_answered_before(path: Path) -> None:
    strict = learner(path, rules=ReviewRules(leave_after=3))
    with strict.progress:
        for verdict in ("wrong", "right", "right"):
            strict.answer(verdict)
        assert strict.in_book() == [BOOTS]
    with learner(path, rules=ReviewRules(leave_after=2)).progress as mild:
        assert mild.book() == []


def test_a_pinned_question_stays_in_the_book(person: Learner) -> None:
    person.answer("right")
    person.progress.pin(BOOTS, on=True)
    for _ in range(4):
        person.answer("right")
    assert [(entry.pinned, entry.streak) for entry in person.progress.book()] == [(True, 5)]
    person.progress.pin(BOOTS, on=False)
    assert person.progress.book() == []


def test_a_pin_counts_at_once_even_if_the_clock_stands_or_goes_back(person: Learner) -> None:
    for on in (True, False, True):
        person.progress.pin(KEYS, on=on)
        person.calendar.wait(hours=-1)
        assert person.progress.is_pinned(KEYS) is on


def test_a_question_pinned_before_its_first_answer_is_in_the_book_from_then_on(person: Learner) -> None:
    person.progress.pin(KEYS, on=True)
    assert person.progress.book() == []
    person.answer("right", KEYS)
    assert person.in_book() == [KEYS]


def test_the_book_shows_due_questions_first_longest_due_first(person: Learner) -> None:
    person.answer("wrong", KEYS)
    person.answer("wrong", BOOTS)
    person.calendar.wait(hours=2)
    person.answer("wrong", TOOLS)
    assert person.in_book() == [KEYS, BOOTS, TOOLS]
    due = [entry.due <= person.calendar.time for entry in person.progress.book()]
    assert due == [True, True, False]


def test_one_line_of_the_book_is_that_of_the_whole_book(person: Learner) -> None:
    person.answer("wrong", KEYS)
    person.answer("right", TOOLS)
    person.progress.pin(TOOLS, on=True)
    person.answer("right", BOOTS)
    book = {entry.question_id: entry for entry in person.progress.book()}
    assert set(book) == {KEYS, TOOLS}
    for question_id in (KEYS, TOOLS, BOOTS, "none"):
        assert person.progress.book_entry(question_id) == book.get(question_id)


def test_due_today_counts_until_the_local_midnight_per_profession(person: Learner) -> None:
    person.calendar.time = datetime(2026, 3, 2, 23, 58, tzinfo=BEIJING)
    for question_id, profession in ((BOOTS, "变电"), (KEYS, "变电"), (TOOLS, "配电")):
        person.answer("wrong", question_id, profession=profession)
    assert person.progress.due_today() == {"变电": 2, "配电": 1}
    person.calendar.time = datetime(2026, 3, 2, 23, 59, 30, tzinfo=BEIJING)
    person.answer("wrong", BOOTS)
    assert person.progress.due_today() == {"变电": 1, "配电": 1}


def test_a_right_answer_puts_a_question_off_and_a_slow_one_less(person: Learner) -> None:
    for question_id in (BOOTS, KEYS, TOOLS):
        person.answer("wrong", question_id)
    person.calendar.wait(days=1)
    person.progress.record(
        [
            attempt("right", BOOTS, at=person.calendar.time),
            attempt("right", KEYS, at=person.calendar.time, seconds=61),
            attempt("right", TOOLS, at=person.calendar.time, marked=True),
        ]
    )
    due = {entry.question_id: entry.due for entry in person.progress.book()}
    assert due[KEYS] == due[TOOLS] < due[BOOTS]


def test_a_clock_that_was_ahead_hides_no_question(person: Learner) -> None:
    person.calendar.time = MORNING + timedelta(days=3650)
    person.answer("wrong")
    for _ in range(2):
        person.answer("right")
        person.calendar.wait(days=30)
    person.calendar.time = MORNING
    assert [entry.due for entry in person.progress.book()] == [MORNING]
    person.answer("right")
    assert person.progress.book() == []


def test_answers_count_in_the_order_given_when_the_clock_goes_back(person: Learner) -> None:
    person.answer("right")
    person.calendar.wait(days=-2)
    person.answer("wrong")
    assert [entry.streak for entry in person.progress.book()] == [0]
    assert person.progress.seen() == {BOOTS: MORNING}


def test_the_same_attempt_recorded_twice_counts_once(person: Learner) -> None:
    made = person.answer("wrong")
    person.progress.record([made])
    person.progress.record([made, made])
    assert person.progress.statistics().attempts == 1
    assert person.progress.book()[0].wrong == 1


def test_two_answers_of_the_same_moment_are_two(person: Learner) -> None:
    person.progress.record([attempt("wrong"), attempt("wrong")])
    assert person.progress.book()[0].wrong == 2


def test_attempts_are_kept_all_or_none(person: Learner) -> None:
    broken = attempt("right", KEYS)
    object.__setattr__(broken, "verdict", "great")
    with pytest.raises(StorageError):
        person.progress.record([attempt("wrong"), broken])
    assert (person.progress.seen(), person.progress.statistics().attempts) == ({}, 0)


def test_text_that_is_no_text_is_kept_with_question_marks(person: Learner) -> None:
    person.answer("wrong", given="A\udcff\x00\U0001f64b", profession="变\ud800电")
    assert person.progress.book()[0].profession == "变?电"


def test_statistics_split_by_profession_type_and_day(person: Learner) -> None:
    person.answer("right", seconds=2)
    person.answer("wrong", KEYS, profession="配电", question_type="判断题", seconds=3)
    person.calendar.wait(days=1)
    person.answer("right", seconds=5)
    found = person.progress.statistics()
    assert (found.attempts, found.right, found.questions, found.seconds) == (3, 2, 2, 10.0)
    assert found.by_profession == {"变电": Count(2, 2, 1, 7.0), "配电": Count(1, 0, 1, 3.0)}
    assert found.by_type == {"单选题": Count(2, 2, 1, 7.0), "判断题": Count(1, 0, 1, 3.0)}
    assert found.by_day == ((date(2026, 3, 2), Count(2, 1, 2, 5.0)), (date(2026, 3, 3), Count(1, 1, 1, 5.0)))


def test_statistics_of_some_days_leave_out_what_was_before(person: Learner) -> None:
    person.answer("wrong", KEYS)
    person.calendar.wait(days=6)
    person.answer("right")
    week, six = person.progress.statistics(days=7), person.progress.statistics(days=6)
    assert (week.attempts, week.questions, len(week.by_day)) == (2, 2, 2)
    assert (six.attempts, six.questions, len(six.by_day)) == (1, 1, 1)
    assert person.progress.statistics(days=1).by_type == {"单选题": Count(1, 1, 1, 4.0)}


def test_nothing_answered_has_no_accuracy(person: Learner) -> None:
    found = person.progress.statistics()
    assert (found.attempts, found.accuracy, found.by_day) == (0, None, ())


def test_a_day_is_the_persons_own(person: Learner) -> None:
    late = datetime(2026, 3, 2, 23, 59, 59, tzinfo=BEIJING)
    person.progress.record([attempt("right", at=late), attempt("right", at=late + timedelta(seconds=1))])
    person.progress.record([attempt("right", at=late.astimezone(UTC))])
    days = [(day, count.attempts, count.questions) for day, count in person.progress.statistics().by_day]
    assert days == [(date(2026, 3, 2), 2, 1), (date(2026, 3, 3), 1, 1)]


def test_a_day_ends_at_midnight_where_clocks_change(path: Path) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    person = learner(path, time=datetime(2026, 3, 29, 0, 30, tzinfo=berlin))
    with person.progress:
        person.answer("wrong", BOOTS)
        person.calendar.time = datetime(2026, 3, 29, 23, 58, tzinfo=berlin)
        person.answer("wrong", KEYS)
        assert person.progress.due_today() == {"变电": 2}
        person.calendar.time = datetime(2026, 3, 29, 23, 59, 30, tzinfo=berlin)
        person.answer("wrong", KEYS)
        assert person.progress.due_today() == {"变电": 1}
        assert [day for day, _ in person.progress.statistics().by_day] == [date(2026, 3, 29)]


def test_the_hour_that_comes_twice_in_autumn_is_two_hours(person: Learner) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    person.progress.record([attempt("right", at=first), attempt("right", KEYS, at=first.replace(fold=1))])
    seen = person.progress.seen()
    assert seen[KEYS] - seen[BOOTS] == timedelta(hours=1)


@pytest.mark.parametrize("name", ["", " \t", "x" * 65, "张\x1b三", "a\u202eb", "张\ud800"])
def test_a_name_that_is_none_is_refused(name: str, path: Path) -> None:
    with pytest.raises(UsageError, match="用户名"):
        Progress.open(path, name, now=learner().calendar)
    assert not path.exists()


def test_a_name_is_kept_in_one_spelling(path: Path) -> None:
    with learner(path, "  张　三 ").progress as progress:
        progress.record([attempt()])
        assert (progress.user, progress.users()) == ("张 三", ["张 三"])
    with learner(path, "Zoe\u0308").progress as composed:
        assert composed.user == "Zo\u00eb"


def test_a_session_goes_on_where_it_was_saved_last(path: Path) -> None:
    paper = {"题": ["雷雨天气巡视应穿（ ）\ud83d", "\x00"], "seed": 7}
    with learner(path).progress as progress:
        session_id = progress.begin("quiz", "模拟卷", paper, {"position": 0}, 85)
        progress.save(session_id, {"position": 12}, 11, 95.5)
    with learner(path).progress as again:
        (left,) = again.unfinished("quiz")
        assert (left.session_id, left.title, left.answered, left.total) == (session_id, "模拟卷", 11, 85)
        assert (left.elapsed_s, left.started_at, left.held) == (95.5, MORNING, False)
        assert again.resume(session_id) == (paper, {"position": 12})
        assert again.unfinished("practice") == []


def test_a_finished_session_is_gone_and_its_answers_are_counted_once(path: Path) -> None:
    answers = [attempt("wrong", mode="quiz"), attempt("right", KEYS, mode="quiz")]
    with learner(path).progress as progress:
        session_id = progress.begin("quiz", "模拟卷", {}, {}, 2)
        progress.finish(session_id, answers)
        progress.finish(session_id, answers)
        assert progress.unfinished() == []
        assert progress.statistics().attempts == 2
        with pytest.raises(StorageError, match="已经结束"):
            progress.resume(session_id)
    assert list((path.parent / "locks").iterdir()) == []


def test_a_paper_that_was_handed_in_can_be_looked_at_again(path: Path) -> None:
    made = learner(path)
    with made.progress as progress:
        session_id = progress.begin("quiz", "模拟卷", {"seed": 7}, {"at": 0}, 2)
        made.calendar.wait(minutes=5)
        progress.finish(session_id, [attempt("wrong")], {"handed_in": True})
        progress.finish(session_id, [], {"handed_in": False})
    with learner(path, read_only=True).progress as again:
        last = again.last_finished("quiz")
        assert last is not None
        assert (last.session_id, last.mode, last.title) == (session_id, "quiz", "模拟卷")
        assert (last.started_at, last.finished_at) == (MORNING, MORNING + timedelta(minutes=5))
        assert (last.paper, last.state) == ({"seed": 7}, {"handed_in": True})
        assert again.last_finished("practice") is None


def test_the_paper_handed_in_last_is_the_last_whatever_the_clock_says(person: Learner) -> None:
    for number in range(3):
        person.progress.finish(person.progress.begin("quiz", str(number), {}, {}, 1), [], {"number": number})
        person.calendar.wait(days=-400)
    last = person.progress.last_finished("quiz")
    assert last is not None
    assert last.state == {"number": 2}


def test_the_last_twenty_papers_of_each_person_and_mode_are_kept(path: Path) -> None:
    sittings: list[tuple[str, Mode, int]] = [
        ("张三", "quiz", 23),
        ("张三", "practice", 2),
        ("李四", "quiz", 1),
    ]
    for user, mode, count in sittings:
        with learner(path, user).progress as progress:
            for number in range(count):
                progress.finish(progress.begin(mode, "", {}, {}, 1), [], {"number": number})
    with Database.open(path, read_only=True) as database, database.reading() as connection:
        kept = connection.execute("SELECT user_id, mode, state FROM finished ORDER BY id").fetchall()
    assert [json.loads(state)["number"] for user, mode, state in kept if (user, mode) == (1, "quiz")] == [
        *range(3, 23)
    ]
    assert len(kept) == 20 + 2 + 1


def test_a_session_without_a_last_state_leaves_nothing_to_look_at(person: Learner) -> None:
    person.progress.finish(person.progress.begin("quiz", "模拟卷", {}, {}, 1))
    assert person.progress.last_finished("quiz") is None


@pytest.mark.parametrize("ends", [False, True])
def test_answers_of_an_open_session_stay_where_an_older_file_is_restored(path: Path, ends: bool) -> None:
    with learner(path, "李四").progress as other:
        other.record([attempt("right", TOOLS)])
    back_up(path, path.with_name("old.sqlite"))
    with learner(path).progress as progress:
        session_id = progress.begin("practice", "练习", {}, {}, 3)
        progress.save(session_id, {}, 1, 1.0, [attempt("wrong", BOOTS)])
        restore(path, path.with_name("old.sqlite"))
        progress.save(session_id, {}, 2, 2.0, [attempt("right", KEYS)])
        restore(path, path.with_name("old.sqlite"))
        if ends:
            progress.finish(session_id)
        else:
            progress.save(session_id, {}, 2, 3.0)
        assert set(progress.seen()) == {BOOTS, KEYS}
        assert progress.statistics().attempts == 2


def test_the_session_last_worked_on_comes_first(path: Path) -> None:
    person = learner(path)
    with person.progress as progress:
        first = progress.begin("quiz", "一", {}, {}, 5)
        second = progress.begin("quiz", "二", {}, {}, 5)
        assert [each.session_id for each in progress.unfinished()] == [second, first]
        person.calendar.wait(minutes=1)
        progress.save(first, {}, 1, 3.0)
        assert [each.session_id for each in progress.unfinished()] == [first, second]


def test_the_session_last_worked_on_comes_first_even_if_the_clock_went_back(person: Learner) -> None:
    first = person.progress.begin("quiz", "一", {}, {}, 5)
    person.calendar.wait(days=-400)
    second = person.progress.begin("quiz", "二", {}, {}, 5)
    person.calendar.wait(days=-1)
    assert [each.session_id for each in person.progress.unfinished()] == [second, first]
    person.progress.save(first, {}, 1, 3.0)
    assert [each.session_id for each in person.progress.unfinished()] == [first, second]


def test_answers_and_the_place_in_the_session_are_kept_together(path: Path) -> None:
    with learner(path).progress as progress:
        session_id = progress.begin("practice", "练习", {}, {"at": 0}, 5)
        made = attempt("right")
        progress.save(session_id, {"at": 1}, 1, 4.0, [made])
        progress.save(session_id, {"at": 1}, 1, 4.0, [made])
        assert progress.statistics().attempts == 1
        assert progress.resume(session_id)[1] == {"at": 1}


def test_a_session_that_another_has_open_cannot_be_resumed(path: Path) -> None:
    with learner(path).progress as one, learner(path).progress as other:
        session_id = one.begin("quiz", "模拟卷", {}, {}, 85)
        assert [each.held for each in other.unfinished()] == [True]
        with pytest.raises(StorageError, match="另一个窗口"):
            other.resume(session_id)
        one.release()
        assert [each.held for each in other.unfinished()] == [False]
        assert other.resume(session_id) == ({}, {})
        assert [each.held for each in one.unfinished()] == [True]


def test_a_session_of_somebody_else_is_not_to_be_had(path: Path) -> None:
    with learner(path, "张三").progress as one, learner(path, "李四").progress as other:
        session_id = one.begin("quiz", "模拟卷", {"p": 1}, {}, 85)
        one.release()
        with pytest.raises(StorageError, match="不在这份进度里"):
            other.resume(session_id)
        other.finish(session_id)
        assert one.resume(session_id) == ({"p": 1}, {})


def test_reading_only_changes_nothing_and_says_so(path: Path) -> None:
    with learner(path).progress as progress:
        progress.record([attempt("wrong")])
    before = path.read_bytes()
    with learner(path, read_only=True).progress as reader:
        assert reader.statistics().attempts == 1
        with pytest.raises(StorageError, match="只能读"):
            reader.record([attempt("right")])
    assert path.read_bytes() == before


def test_reading_only_what_is_not_there_finds_nothing_and_makes_nothing(path: Path) -> None:
    with learner(path, read_only=True).progress as reader:
        assert (reader.seen(), reader.book(), reader.unfinished(), reader.users()) == ({}, [], [], [])
    assert list(path.parent.iterdir()) == []


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    listing = "import sys, xiaoan.question_bank.progress; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"fsrs", "filelock", "torch", "pandas", "numpy", "openpyxl"}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([BOOTS, KEYS, TOOLS]),
            st.sampled_from(["right", "partly", "wrong"]),
            st.integers(1, 200_000),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_what_is_kept_in_step_equals_what_the_attempts_say(
    tmp_path_factory: pytest.TempPathFactory, answers: list[tuple[str, str, int, bool]]
) -> None:
    path = tmp_path_factory.mktemp("step") / "progress.sqlite"
    person = learner(path)
    with person.progress:
        for question_id, verdict, pause_s, marked in answers:
            person.answer(verdict, question_id, marked=marked)
            person.calendar.wait(seconds=pause_s)
    kept = derived(path)
    assert worked_out_anew(path, [BOOTS, KEYS, TOOLS]) == kept
