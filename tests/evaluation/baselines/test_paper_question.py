import pytest

from tests.evaluation.baselines.papers import judge, paper, several, single
from tests.fakes import KEYS, TOOLS
from xiaoan.evaluation.baselines.paper_question import PaperQuestion


def test_a_question_is_seen_in_the_one_spelling_as_it_was_asked() -> None:
    seen = paper([single("1. 高压室的钥匙，至少应有（　　）把。", "３", "２", "３")])[0]
    assert seen.stem == "高压室的钥匙,至少应有___把"
    assert seen.options == ("2", "3")
    assert not seen.judges


def test_a_set_of_options_is_marked_under_the_letters_shown() -> None:
    tools = paper([TOOLS])[0]
    half, whole, wrong = tools.choosing([0]), tools.choosing([1, 0, 1]), tools.choosing([0, 2])
    assert (half.chosen, half.right, half.credit) == (("A",), False, 0.5)
    assert (whole.chosen, whole.right, whole.credit) == (("A", "B"), True, 1.0)
    assert (wrong.right, wrong.credit) == (False, 0.0)
    assert whole.answer == "A. 护目镜; B. 绝缘手套"


@pytest.mark.parametrize("form", ["plain", "options", "shuffled"])
def test_a_verdict_is_given_in_words_or_by_the_option_that_says_it(form: str) -> None:
    for seed in range(4):
        asked = paper([judge("单人操作时可以登杆。", "错误")], form, seed=seed)[0]
        assert asked.judging("错误").right
        assert not asked.judging("正确").right


def test_no_answer_is_wrong_and_shows_nothing() -> None:
    for asked in paper([KEYS], "plain", "options"):
        for sat in (asked.silent(), asked.choosing([]), asked.saying([])):
            assert (sat.right, sat.credit, sat.answer, sat.chosen, sat.shown_right) == (
                False,
                0,
                "",
                (),
                False,
            )


def test_answers_without_options_are_marked_as_texts() -> None:
    asked = paper([several("装卸高压熔断器应使用（ ）。", "AB", "护目镜", "绝缘手套", "雨衣")], "plain")[0]
    assert asked.saying(["绝缘手套", "护目镜"]).right
    assert not asked.saying(["绝缘手套"]).right


def test_every_sitting_says_which_row_of_the_paper_it_is() -> None:
    asked: list[PaperQuestion] = paper([KEYS], "circular")
    assert [(one.silent().id, one.silent().form, one.silent().turn) for one in asked] == [
        (KEYS.id, "circular", turn) for turn in range(3)
    ]
