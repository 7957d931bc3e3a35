"""Papers drawn by a blueprint."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.question_bank.drawing.banks import many, many_questions
from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.blueprint import (
    DEFAULT_BLUEPRINT,
    Blueprint,
    Part,
    draw_paper,
    narrowed,
    scaled,
)
from xiaoan.question_bank.drawing.paper import Paper
from xiaoan.question_bank.drawing.selection import Wanted
from xiaoan.question_bank.grading import PartialCredit
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.statistics import clause_chapter
from xiaoan.question_bank.store.stored_bank import StoredBank

SINGLE, MULTIPLE, JUDGE = QuestionType.SINGLE, QuestionType.MULTIPLE, QuestionType.JUDGE
ALL = Wanted()
BANK = many()


def draw(
    *parts: Part, wanted: Wanted = ALL, seed: int = 1, bank: StoredBank = BANK, partial: str = "none"
) -> Paper:
    rng, credit = random.Random(seed), PartialCredit(partial)
    blueprint = Blueprint("月考", parts) if parts else DEFAULT_BLUEPRINT
    return draw_paper(bank, blueprint, wanted, rng=rng, seed=seed, partial_credit=credit)


def counted(paper: Paper) -> Counter[str]:
    return Counter(item.shown.question.profession for item in paper.items)


def test_the_default_paper_has_a_hundred_points() -> None:
    paper = draw(bank=many(4))
    assert (len(paper), paper.points, paper.limit_s, paper.pass_percent) == (85, 100.0, 5400.0, 80.0)
    types = [item.shown.question.question_type for item in paper.items]
    assert types == [SINGLE] * 40 + [MULTIPLE] * 15 + [JUDGE] * 30
    assert (paper.notes, paper.title) == ((), "模拟测验")


@given(st.integers(0, 2**32))
def test_a_seed_gives_the_same_paper_also_from_a_bank_in_another_order(seed: int) -> None:
    questions = many_questions()
    random.Random(seed).shuffle(questions)
    part = Part(SINGLE, 9, chapter_weights={"变电安规 7": 2, "配电安规 6": 1})
    first = draw(part, Part(MULTIPLE, 20), seed=seed)
    assert draw(part, Part(MULTIPLE, 20), seed=seed, bank=StoredBank.of(questions)) == first


@given(
    st.lists(st.builds(Part, st.sampled_from((SINGLE, JUDGE)), st.integers(1, 20)), min_size=1, max_size=5)
)
def test_no_question_comes_twice_and_points_add_up(parts: list[Part]) -> None:
    paper = draw(*parts)
    ids = [item.shown.question.id for item in paper.items]
    assert len(set(ids)) == len(ids)
    wanted = Counter(
        {kind: sum(p.count for p in parts if p.question_type is kind) for kind in (SINGLE, JUDGE)}
    )
    assert len(ids) == sum(min(30, count) for count in wanted.values())
    assert paper.points == len(ids)
    assert bool(paper.notes) is (max(wanted.values()) > 30)


def test_weights_split_by_largest_remainder() -> None:
    weights = {"变电": 2.0, "线路": 1.0, "配电": 1.0}
    assert counted(draw(Part(SINGLE, 10, profession_weights=weights))) == {"变电": 5, "线路": 3, "配电": 2}


def test_a_group_that_is_short_gives_its_rest_to_the_others() -> None:
    paper = draw(Part(SINGLE, 16, profession_weights={"变电": 9.0, "线路": 1.0, "火电": 9.0}))
    assert counted(paper) == {"变电": 10, "线路": 6}
    assert paper.notes == ()


def test_listed_names_without_a_weight_have_the_weight_one() -> None:
    part = Part(SINGLE, 8, professions=("变电", "线路"), profession_weights={"变电": 3.0})
    assert counted(draw(part)) == {"变电": 6, "线路": 2}


def test_the_number_of_a_chapter_stands_for_that_of_any_regulation() -> None:
    paper = draw(Part(SINGLE, 50, chapters=("变电安规 7", "5")))
    chapters = {clause_chapter(item.shown.question.clause) for item in paper.items}
    assert chapters == {"变电安规 7", "线路安规 5"}


def test_professions_and_chapters_only_narrow_without_weights() -> None:
    part = Part(SINGLE, 50, professions=("变电", "配电"), chapters=("变电安规 7", "线路安规5"))
    paper = draw(part)
    assert counted(paper) == {"变电": 6, "配电": 6}
    chapters = {clause_chapter(item.shown.question.clause) for item in paper.items}
    assert chapters == {"变电安规 7", "线路安规 5"}
    assert paper.notes == (
        "单选题（变电、配电、变电安规 7、线路安规5）要 50 道，题库里只有 12 道可出，少 38 道。",
    )


def test_both_kinds_of_weights_split_one_within_the_other() -> None:
    weights, chapters = {"变电": 1.0, "线路": 1.0}, {"变电安规 7": 3.0, "配电安规 6": 1.0}
    paper = draw(Part(SINGLE, 8, profession_weights=weights, chapter_weights=chapters))
    found = Counter(clause_chapter(item.shown.question.clause) for item in paper.items)
    assert (counted(paper), found) == ({"变电": 4, "线路": 4}, {"变电安规 7": 6, "配电安规 6": 2})


def test_a_wide_part_leaves_a_narrow_one_its_questions() -> None:
    for seed in range(20):
        paper = draw(Part(SINGLE, 26), Part(SINGLE, 4, points=2, chapters=("配电安规 6",)), seed=seed)
        assert (len(paper), paper.notes) == (30, ())
        assert {item.shown.question.clause for item in paper.items if item.points == 2} == {"配电安规 6"}


def test_what_is_wanted_narrows_every_part() -> None:
    paper = draw(wanted=Wanted(professions=("线路",), clause="7.3"))
    assert counted(paper) == {"线路": 12}
    assert [note.split("要")[0] for note in paper.notes] == ["单选题", "多选题", "判断题"]
    with pytest.raises(UsageError, match="没有这样的题：词 核电"):
        draw(wanted=Wanted(words="核电"))


def test_wanted_types_leave_the_other_parts_out_and_add_missing_ones() -> None:
    blueprint = narrowed(DEFAULT_BLUEPRINT, (JUDGE, QuestionType.BLANK))
    assert blueprint.parts == (Part(JUDGE, 30), Part(QuestionType.BLANK, 40))
    assert blueprint.minutes == 74
    assert narrowed(blueprint, (JUDGE, QuestionType.BLANK)) == blueprint
    paper = draw(wanted=Wanted(types=(JUDGE,)))
    assert (len(paper), paper.points, paper.limit_s) == (30, 30.0, 32 * 60)


def test_a_type_that_the_bank_does_not_have_says_so() -> None:
    with pytest.raises(UsageError, match="没有“模拟测验”要的题：填空题。"):
        draw(wanted=Wanted(types=(QuestionType.BLANK,)))


@given(st.integers(1, 300))
def test_scaling_keeps_proportion_and_number(count: int) -> None:
    blueprint = scaled(DEFAULT_BLUEPRINT, count)
    assert blueprint.count == count
    assert blueprint.minutes == max(1, round(90 * count / 85))
    for part in blueprint.parts:
        whole = next(p.count for p in DEFAULT_BLUEPRINT.parts if p.question_type is part.question_type)
        assert abs(part.count - whole * count / 85) < 1


def test_scaling_to_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="题数写的是 0，至少要 1 题"):
        scaled(DEFAULT_BLUEPRINT, 0)


def test_the_partial_credit_of_the_blueprint_goes_before_that_of_the_settings() -> None:
    assert draw(partial="half").partial_credit is PartialCredit.HALF
    blueprint = Blueprint("月考", (Part(SINGLE, 1),), partial_credit=PartialCredit.SHARE)
    rng = random.Random(1)
    paper = draw_paper(BANK, blueprint, ALL, rng=rng, seed=1, partial_credit=PartialCredit.HALF)
    assert (paper.partial_credit, paper.limit_s) == (PartialCredit.SHARE, None)
