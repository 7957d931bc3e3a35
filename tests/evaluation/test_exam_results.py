"""An exam with everything counted."""

import pytest

from tests.exams import ALONE, BOOTS, result_of, sittings_of, small_exam
from xiaoan.errors import UsageError
from xiaoan.evaluation.exam_results import FORM_TITLES, compare, figures_of
from xiaoan.evaluation.forms import FORMS


def test_every_form_has_a_short_title() -> None:
    assert FORM_TITLES.keys() == FORMS.keys()
    assert max(map(len, FORM_TITLES.values())) <= 4


def test_every_figure_is_of_the_sittings() -> None:
    figures = figures_of(small_exam())
    assert (figures.accuracy.overall.right, figures.accuracy.overall.asked) == (24, 28)
    assert (figures.shown_first.right, figures.wrongly_verified) == (28, 0)
    assert figures.confusion == {("错误", "正确"): 2, ("错误", "错误"): 6}
    assert figures.speed.questions_per_second == pytest.approx(50)


def test_wrong_answers_and_types_are_in_their_order() -> None:
    result = result_of([*sittings_of(1, 1, ALONE), *sittings_of(1, 1)])
    assert [one.id for one in result.wrong] == ["b11", "a11"]
    assert result.question_types == ("单选题", "判断题")
    assert result.title_of("options") == "带选项"
    assert result.title_of("neu") == "neu"


def test_two_runs_are_paired_by_form_and_type() -> None:
    after = [*sittings_of(9, 1), *sittings_of(3, 1, ALONE)]
    before = [*sittings_of(5, 5), *sittings_of(4, 0, ALONE)]
    found = compare("前", before, "后", after)
    assert (found.overall.only_a, found.overall.only_b) == (1, 4)
    assert list(found.by_form["options"].by_type) == ["单选题", "判断题"]
    assert found.by_form["options"].by_type["判断题"].difference == -0.25
    assert found.asked_otherwise == 0


def test_runs_without_a_common_question_are_not_compared() -> None:
    with pytest.raises(UsageError):
        compare("前", sittings_of(1, 0, BOOTS), "后", sittings_of(1, 0, ALONE))
