"""The exam's own correctness: examinees whose score arithmetic tells."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.evaluation.examinees import CALIBRATION, Examinee, Guesser, Oracle, Refusing, made_questions
from tests.fakes import ALONE, BOOTS, KEYS, PLAIN_INFO, TOOLS, question
from xiaoan.assistant.answering import Assistant
from xiaoan.assistant.engine import Engine
from xiaoan.errors import UsageError
from xiaoan.evaluation import scores
from xiaoan.evaluation.exam import ExamReport, sit_exam
from xiaoan.evaluation.forms import FORMS
from xiaoan.evaluation.sitting import Sitting
from xiaoan.figures import Share
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.question import Question, QuestionBank

QUESTIONS = (KEYS, BOOTS, TOOLS, ALONE)
EASY_FORMS = ["plain", "options", "shuffled", "marks", "circular"]


def assistant_with(
    engine: Engine, bank: Sequence[Question] | None = QUESTIONS, *, decode: str = "auto"
) -> Assistant:
    matcher = Matcher(QuestionBank(bank)) if bank is not None else None
    return Assistant(engine, matcher, clock=lambda: 0.0, decode=decode)


def content_figures(report: ExamReport) -> list[tuple[str, str, frozenset[str], bool]]:
    """What must not depend on any order, in an order of its own."""
    return sorted(
        (one.form, one.id, frozenset(scores.chosen_texts(one)), one.right) for one in report.sittings
    )


@pytest.mark.parametrize("form", EASY_FORMS)
def test_an_oracle_gets_everything_right(form: str) -> None:
    report = sit_exam(assistant_with(Oracle(questions=QUESTIONS)), QUESTIONS, [form])
    assert report.score(form).value == 1.0, report.wrong
    assert report.wrongly_verified == ()
    assert scores.partial_credit(report.sittings) == 1.0
    assert scores.shown_first(report.sittings).value == 1.0
    assert {one.status for one in report.sittings} == {"match"}


def test_known_errors_are_counted_by_type_and_listed() -> None:
    oracle = Oracle(questions=QUESTIONS, wrong=frozenset({BOOTS.id}))
    report = sit_exam(assistant_with(oracle), QUESTIONS, ["plain"])
    assert report.score("plain") == Share(3, 4)
    assert report.score("plain", "单选题") == Share(1, 2)
    assert report.score("plain", "判断题") == Share(1, 1)
    assert [sitting.id for sitting in report.wrong] == [BOOTS.id]
    assert report.wrong[0].status == "mismatch"
    assert report.wrongly_verified == ()
    assert scores.shown_first(report.sittings) == Share(4, 4)


@pytest.mark.parametrize("wrong", [0, 1, 7, 40])
def test_an_oracle_with_so_many_errors_has_so_many(wrong: int) -> None:
    asked = made_questions(40)
    ids = frozenset(one.id for one in random.Random(wrong).sample(asked, wrong))
    report = sit_exam(assistant_with(Oracle(questions=asked, wrong=ids), None), asked, ["options"])
    assert report.score("options") == Share(40 - wrong, 40)
    assert {sitting.id for sitting in report.wrong} == ids


def test_always_a_scores_where_the_right_option_stands_under_a() -> None:
    asked = made_questions(20)
    report = sit_exam(assistant_with(Examinee(), None, decode="free"), asked, ["options", "circular"])
    assert report.score("options") == Share(5, 20)
    assert report.score("circular") == Share(20, 80, independent=20)
    bias = scores.letter_bias([one for one in report.sittings if one.form == "options"])
    assert bias is not None
    assert {letter: share.value for letter, share in bias.recall.items()} == {"A": 1, "B": 0, "C": 0, "D": 0}
    assert bias.spread == 1.0
    turned = scores.circular(report.sittings)
    assert turned == scores.Circular(right_in_every=Share(0, 20), consistent=Share(0, 20))


def test_always_the_first_in_the_canonical_order_is_the_same_in_every_rotation() -> None:
    asked = made_questions(20)
    knows_options = replace(PLAIN_INFO, forms=frozenset({"options"}))
    report = sit_exam(assistant_with(Examinee(info=knows_options), None), asked, ["circular"])
    assert report.score("circular") == Share(20, 80, independent=20)
    assert scores.circular(report.sittings) == scores.Circular(Share(5, 20), Share(20, 20))
    bias = scores.letter_bias(report.sittings)
    assert bias is not None
    assert bias.spread == 0.0


def test_guessing_among_four_options_gets_a_quarter_right() -> None:
    asked = made_questions(200)
    report = sit_exam(assistant_with(Guesser(), None), asked, ["options"])
    assert report.score("options").low < 0.25 < report.score("options").high
    by_hand = sum(
        random.Random(f"0-{one.normal_stem}").choice(sorted(one.options)) == one.answer[0] for one in asked
    )
    assert report.score("options").right == by_hand


def test_permuting_a_bank_leaves_every_figure_of_content_unchanged() -> None:
    asked = [*made_questions(12), *QUESTIONS]
    source = random.Random(5)
    permuted = [replace(one, options=tuple(source.sample(one.options, len(one.options)))) for one in asked]
    source.shuffle(permuted)
    assert [one.options for one in permuted] != [one.options for one in asked]
    reports = [
        sit_exam(assistant_with(Guesser(), bank), bank, ["options", "shuffled", "circular"])
        for bank in (asked, permuted)
    ]
    assert content_figures(reports[0]) == content_figures(reports[1])
    one, other = (scores.accuracy(report.sittings) for report in reports)
    assert one == other
    assert scores.circular(reports[0].sittings) == scores.circular(reports[1].sittings)
    credits = [scores.partial_credit(report.sittings) for report in reports]
    assert credits[0] == pytest.approx(credits[1])


def test_a_part_of_a_set_earns_its_share_and_a_wrong_option_nothing() -> None:
    engine = Examinee(text="A")
    report = sit_exam(assistant_with(engine, None, decode="free"), [TOOLS], ["circular"])
    assert [(one.answer, one.credit) for one in report.sittings] == [
        ("A. 护目镜", 0.5),
        ("A. 绝缘手套", 0.5),
        ("A. 雨衣", 0.0),
    ]
    assert [one.right_labels for one in report.sittings] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert not any(one.right for one in report.sittings)


def test_confidence_is_that_of_the_answer_and_a_doubtful_one_is_still_what_is_shown() -> None:
    measured = replace(PLAIN_INFO, calibration=CALIBRATION)
    oracle = Oracle(info=measured, questions=QUESTIONS, log_probability=-2.0)
    alone = sit_exam(assistant_with(oracle, None), QUESTIONS, ["options"])
    assert [one.confidence for one in alone.sittings] == [pytest.approx(0.1353, abs=1e-4)] * 4
    assert scores.accuracy(alone.sittings).overall == Share(4, 4)
    assert {one.shown_from for one in alone.sittings} == {"none"}
    assert scores.shown_first(alone.sittings) == Share(4, 4)
    with_bank = sit_exam(assistant_with(oracle), QUESTIONS, ["options"])
    assert scores.shown_first(with_bank.sittings) == Share(4, 4)


def test_a_question_is_marked_by_its_own_answer_whatever_the_bank_says() -> None:
    misprinted = replace(KEYS, answer=("4",))
    oracle = Oracle(questions=[misprinted])
    report = sit_exam(assistant_with(oracle, [misprinted]), [KEYS], ["options"])
    assert [one.status for one in report.sittings] == ["match"]
    assert scores.shown_first(report.sittings) == Share(0, 1)
    assert report.wrongly_verified == report.wrong == report.sittings


def test_two_models_sit_the_same_exam_for_one_seed() -> None:
    one, other = Oracle(questions=QUESTIONS), Oracle(questions=QUESTIONS)
    for engine in (one, other):
        sit_exam(assistant_with(engine), QUESTIONS, EASY_FORMS, seed=7)
    assert one.asked == other.asked


def test_batches_change_nothing_but_their_number() -> None:
    engines = [Oracle(questions=QUESTIONS) for _ in range(2)]
    reports = [
        sit_exam(assistant_with(engine), QUESTIONS, EASY_FORMS, batch_size=size)
        for engine, size in zip(engines, (1, 64), strict=True)
    ]
    assert reports[0] == reports[1]
    assert max(engines[0].batches) == 1
    assert len(engines[1].batches) <= 2


def test_every_form_is_asked_and_progress_is_told_for_each_batch() -> None:
    told: list[tuple[int, int]] = []
    made: list[Sitting] = []
    report = sit_exam(
        assistant_with(Examinee()),
        QUESTIONS,
        FORMS,
        batch_size=10,
        on_sittings=made.extend,
        on_progress=lambda done, total: told.append((done, total)),
    )
    rotations = 3 + 3 + 3 + 2
    total = 4 * (len(FORMS) - 1) + rotations
    assert told == [(done, total) for done in (0, 10, 20, 30, total)]
    assert len(report.sittings) == total
    assert sorted(made, key=str) == sorted(report.sittings, key=str)
    assert report.forms == tuple(FORMS)


def test_an_exam_goes_on_where_it_ended() -> None:
    asked = made_questions(10)
    whole = sit_exam(assistant_with(Guesser(), None), asked, ["options", "plain"], seed=3)
    engine = Guesser()
    told: list[int] = []
    known = whole.sittings[4:13]
    resumed = sit_exam(
        assistant_with(engine, None),
        asked,
        ["options", "plain"],
        seed=3,
        known=known,
        on_progress=lambda done, _: told.append(done),
    )
    assert resumed == whole
    assert len(engine.asked) == 11
    assert told == [9, 20]


def test_what_was_asked_otherwise_is_asked_again() -> None:
    asked = made_questions(10)
    other = sit_exam(assistant_with(Guesser(), None), asked, ["shuffled", "plain"], seed=1)
    engine = Guesser()
    resumed = sit_exam(assistant_with(engine, None), asked, ["shuffled"], seed=2, known=other.sittings)
    assert resumed == sit_exam(assistant_with(Guesser(), None), asked, ["shuffled"], seed=2)
    assert len(engine.asked) >= 9


def test_equal_questions_are_asked_once() -> None:
    assert len(sit_exam(assistant_with(Examinee()), [KEYS, BOOTS, KEYS], ["plain"]).sittings) == 2


def test_a_question_too_long_to_be_asked_is_in_no_score() -> None:
    endless = question("停" * 3000 + "（ ）。", "电", options=("电", "水"))
    report = sit_exam(assistant_with(Oracle(questions=QUESTIONS)), (KEYS, endless), ["plain", "circular"])
    assert report.unasked == ((endless, "plain"), (endless, "circular"))
    assert report.score("plain") == Share(1, 1)


def test_what_the_engine_refuses_spoils_no_other_answer() -> None:
    long = question("停电" * 30 + "（ ）。", "电")
    asked = (KEYS, BOOTS, long, TOOLS)
    report = sit_exam(assistant_with(Refusing(questions=asked)), asked, ["plain"])
    assert report.unasked == ((long, "plain"),)
    assert report.score("plain") == Share(3, 3)


def test_an_unknown_form_ends_the_exam_before_it_begins() -> None:
    engine = Examinee()
    with pytest.raises(UsageError, match=r"backwards.*plain、options"):
        sit_exam(assistant_with(engine), QUESTIONS, ["plain", "backwards"])
    assert engine.asked == []
