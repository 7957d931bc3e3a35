"""Figures of sittings that were computed by hand."""

from dataclasses import replace

import pytest

from tests.evaluation.sittings import lettered, sitting
from xiaoan.evaluation import scores
from xiaoan.evaluation.sitting import Sitting
from xiaoan.figures import Share, wilson_interval


def test_accuracy_is_told_overall_and_by_type_profession_and_form() -> None:
    given = [
        sitting(1),
        sitting(2, right=False),
        sitting(3, question_type="判断题", profession="配电"),
        sitting(4, profession=""),
    ]
    found = scores.accuracy(given)
    assert found.overall == Share(3, 4)
    assert found.by_type == {"单选题": Share(2, 3), "判断题": Share(1, 1)}
    assert found.by_profession == {"变电": Share(1, 2), "配电": Share(1, 1), "未注明": Share(1, 1)}
    assert found.by_form == {"plain": scores.FormAccuracy(found.overall, found.by_type)}


def test_answers_to_one_question_make_an_interval_no_narrower() -> None:
    once = [sitting(number, right=number > 0) for number in range(10)]
    thrice = [sitting(int(one.id), right=one.right, form=form) for one in once for form in ("a", "b", "c")]
    found = scores.accuracy(thrice)
    assert found.overall == Share(27, 30, independent=10)
    assert (found.overall.low, found.overall.high) == pytest.approx(wilson_interval(9, 10))
    assert found.by_form["b"].overall == Share(9, 10)
    assert found.overall.value == 0.9


def test_all_right_in_several_forms_is_still_bounded_by_one() -> None:
    assert Share(30, 30, independent=10).high == 1.0
    assert Share(0, 30, independent=10).low == 0.0


def test_nothing_asked_gives_empty_figures() -> None:
    assert scores.accuracy([]) == scores.Accuracy(Share(0, 0), {}, {}, {})
    assert scores.partial_credit([]) == 0.0
    assert scores.circular([]) is None
    assert scores.letter_bias([]) is None
    assert scores.calibration([]) is None
    assert scores.levels([]) is None
    assert scores.confusion([]) == {}
    assert scores.speed([]) == scores.Speed(0.0, None)


def test_shown_first_and_partial_credit() -> None:
    given = [sitting(1, right=False, shown_right=True, credit=0.5), sitting(2), sitting(3, right=False)]
    assert scores.shown_first(given) == Share(2, 3)
    assert scores.partial_credit(given) == 0.5


def test_circular_counts_questions_right_in_every_rotation_and_answered_alike() -> None:
    options = ("甲", "乙", "丙")

    def turned(number: int, *answers: str) -> list[Sitting]:
        """Rotation `turn` of a question whose right answer is 甲."""
        return [
            lettered(number, "ACB"[turn], answer, options[turn:] + options[:turn], form="circular", turn=turn)
            for turn, answer in enumerate(answers)
        ]

    always_right = turned(1, "A", "C", "B")
    always_a = turned(2, "A", "A", "A")
    always_yi = turned(3, "B", "A", "C")
    elsewhere = [lettered(4, "A", "B", form="options")]
    found = scores.circular([*always_right, *always_a, *always_yi, *elsewhere])
    assert found == scores.Circular(right_in_every=Share(1, 3), consistent=Share(2, 3))


def test_free_texts_are_consistent_when_they_say_the_same() -> None:
    turns = [
        sitting(1, right=False, form="circular", turn=turn, answer=text) for turn, text in enumerate("哦哦")
    ]
    assert scores.circular(turns) == scores.Circular(Share(0, 1), Share(1, 1))
    turns[1] = sitting(1, right=False, form="circular", turn=1, answer="啊")
    assert scores.circular(turns) == scores.Circular(Share(0, 1), Share(0, 1))


def test_letter_bias_is_the_spread_of_the_recall_of_single_choices() -> None:
    given = [
        *(lettered(number, "A", "A") for number in range(4)),
        lettered(10, "B", "A"),
        lettered(11, "B", "B"),
        replace(lettered(12, "B", "B"), right_labels=("②",), chosen=("②",)),
        lettered(20, "C", "A"),
        lettered(30, "AB", "A", question_type="多选题"),
        lettered(31, "A", "B", question_type="判断题"),
    ]
    found = scores.letter_bias(given)
    assert found is not None
    assert found.recall == {"A": Share(4, 4), "B": Share(2, 3), "C": Share(0, 1)}
    assert found.spread == 1.0


def test_calibration_bins_errors_and_brier_score() -> None:
    given = [
        *(sitting(number, confidence=0.95) for number in range(3)),
        sitting(3, right=False, confidence=0.95),
        sitting(4, right=False, confidence=0.32),
        sitting(5, confidence=1.0),
        sitting(6),
    ]
    found = scores.calibration(given)
    assert found is not None
    low, high = found.bins
    assert (low.low, low.high, low.count, low.mean_confidence, low.right) == (0.3, 0.4, 1, 0.32, 0)
    assert (high.low, high.high, high.count, high.right, high.accuracy) == (0.9, 1.0, 5, 4, 0.8)
    assert high.mean_confidence == pytest.approx((4 * 0.95 + 1) / 5)
    assert found.ece == pytest.approx((0.32 + 5 * abs(0.8 - 0.96)) / 6)
    assert found.brier == pytest.approx((3 * 0.05**2 + 0.95**2 + 0.32**2 + 0.0) / 6)


def test_a_perfectly_calibrated_bin_has_no_calibration_error() -> None:
    found = scores.calibration([sitting(number, right=number < 3, confidence=0.75) for number in range(4)])
    assert found is not None
    assert found.ece == 0.0
    assert found.brier == pytest.approx((3 * 0.0625 + 0.5625) / 4)


def test_levels_say_how_many_are_right_at_each_and_how_many_there_are() -> None:
    given = [
        sitting(1, confidence=0.9),
        sitting(2, confidence=0.99, right=False),
        sitting(3, confidence=0.6),
        sitting(4, confidence=0.1, right=False),
        sitting(5),
    ]
    assert scores.levels(given) == {
        "high": scores.LevelScore(Share(1, 2), Share(2, 4)),
        "middle": scores.LevelScore(Share(1, 1), Share(1, 4)),
        "low": scores.LevelScore(Share(0, 1), Share(1, 4)),
    }


def test_confusion_reads_verdicts_from_options_and_from_words() -> None:
    def judged(number: int, official: str, **fields: object) -> Sitting:
        given = {"question_type": "判断题", "official": (official,), **fields}
        return sitting(number, **given)  # type: ignore[arg-type]

    verdicts = ("对", "错")
    given = [
        judged(1, "正确", answer="正确"),
        judged(2, "错误", answer="对", right=False),
        judged(3, "错误", answer="不知道", right=False),
        judged(4, "正确", options=verdicts, chosen=("②",), answer="②. 错", right=False),
        judged(5, "正确", options=verdicts, chosen=(), answer="看情况", right=False),
        judged(6, "正确", options=verdicts, chosen=("A", "B"), answer="A. 对; B. 错", right=False),
        sitting(7),
    ]
    assert list(scores.confusion(given).items()) == [
        (("正确", "正确"), 1),
        (("正确", "错误"), 1),
        (("正确", "读不出"), 2),
        (("错误", "正确"), 1),
        (("错误", "读不出"), 1),
    ]


def test_speed_counts_tokens_of_what_was_decoded_only() -> None:
    given = [sitting(1, seconds=0.5), sitting(2, seconds=1.0, tokens=10), sitting(3, seconds=1.5, tokens=40)]
    found = scores.speed(given)
    assert found == scores.Speed(seconds_per_question=1.0, tokens_per_second=20.0)
    assert found.questions_per_second == 1.0
    assert scores.speed([sitting(1)]).questions_per_second is None
