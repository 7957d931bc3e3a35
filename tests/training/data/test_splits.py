import random
from dataclasses import replace

import pytest

from tests.question_bank.factory import single
from tests.question_bank.near_twins import twins_of
from tests.training.shipped import shipped_questions
from xiaoan.errors import UsageError
from xiaoan.training.data.near_twins import near_twin_groups
from xiaoan.training.data.pairs import Pair
from xiaoan.training.data.splits import Split, parse_split, split_pairs, split_questions

PAIRS = [Pair(f"第{name}件工具怎么保管", "放回原处") for name in "甲乙丙丁戊"]


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("group:0.1", Split("group", 0.1)),
        ("random：20%", Split("random", 0.2)),
        ("profession:0.3", Split("profession", 0.3)),
        ("profession:变电、配电", Split("profession", None, ("变电", "配电"))),
    ],
)
def test_a_split_is_read_as_people_write_it(text: str, split: Split) -> None:
    assert parse_split(text) == split


@pytest.mark.parametrize(
    "text", ["", "group", "group:", "group:1.5", "group:0", "random:一成", "file:0.1", "profession:,"]
)
def test_what_is_no_split_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match=r"写法：group:0\.1"):
        parse_split(text)


@pytest.mark.parametrize("kind", ["group", "random"])
def test_both_sides_together_are_the_bank_in_its_order(kind: str) -> None:
    questions = shipped_questions()
    parted = split_questions(questions, Split(kind, 0.1), seed=3)
    held = set(parted.held_out)
    assert (len(parted.held_out), len(parted.train)) == (44, 396)
    assert parted.train == tuple(question for question in questions if question not in held)
    assert parted.facts.held_out_items == tuple(question.id for question in parted.held_out)


def test_the_seed_decides_and_nothing_else() -> None:
    questions = shipped_questions()[:120]
    first = split_questions(questions, Split("group", 0.2), seed=1)
    assert split_questions(list(questions), Split("group", 0.2), seed=1) == first
    assert split_questions(questions, Split("group", 0.2), seed=2).held_out != first.held_out


@pytest.mark.parametrize("seed", range(3))
def test_no_near_twins_are_on_both_sides(seed: int) -> None:
    originals = random.Random(seed).sample(shipped_questions(), 60)
    twins = [twin for twin in twins_of(originals) if "wrong" not in twin.kind]
    every = [*originals, *(replace(twin.original, stem=twin.text) for twin in twins)]
    parted = split_questions(every, Split("group", 0.25), seed)
    held = {question.stem for question in parted.held_out}
    assert parted.train
    assert parted.held_out
    assert [twin for twin in twins if (twin.text in held) != (twin.original.stem in held)] == []
    assert parted.facts.groups == len(near_twin_groups(every))


def test_whole_professions_are_held_out_by_name_or_by_share() -> None:
    questions = shipped_questions()
    named = split_questions(questions, parse_split("profession:变电"), seed=0)
    assert {question.profession for question in named.held_out} == {"变电"}
    assert "变电" not in {question.profession for question in named.train}
    drawn = split_questions(questions, parse_split("profession:0.3"), seed=0)
    held = {question.profession for question in drawn.held_out}
    assert held.isdisjoint(question.profession for question in drawn.train)
    assert set(drawn.facts.professions) == held


def test_an_unknown_profession_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"没有专业「水电」；有：.*变电"):
        split_questions(shipped_questions(), parse_split("profession:水电"), seed=0)


@pytest.mark.parametrize(
    ("stems", "split", "why"),
    [
        (["接地线应装设在（ ）"], "random:0.5", "只有 1 题，分不成"),
        (["10 kV 的安全距离为（ ）", "20 kV 的安全距离为（ ）"], "group:0.5", "2 题里有 2 题互为近似题"),
        (
            ["雷雨天应穿（ ）巡视", *(f"{n} kV 的安全距离为（ ）" for n in range(30))],
            "group:0.2",
            "31 题里有 30 题互为近似题",
        ),
        (["接地线应装设在（ ）", "雷雨天应穿（ ）巡视"], "profession:0.5", "只有 1 个专业"),
        (["接地线应装设在（ ）", "雷雨天应穿（ ）巡视"], "profession:变电", "没有题可学"),
    ],
)
def test_no_side_is_ever_empty(stems: list[str], split: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        split_questions(list(map(single, stems)), parse_split(split), seed=0)


def test_a_small_share_holds_out_the_smallest_group() -> None:
    stems = ["接地线应装设在（ ）", "雷雨天应穿（ ）巡视", "操作票应由（ ）填写"]
    parted = split_questions(list(map(single, stems)), Split("group", 0.01), seed=0)
    assert (parted.facts.train, parted.facts.held_out) == (2, 1)


def test_equal_contents_of_a_file_stay_on_one_side() -> None:
    doubled = [*PAIRS, *PAIRS]
    for seed in range(5):
        parted = split_pairs(doubled, Split("random", 0.4), seed)
        assert len(parted.held_out) == 4
        assert {pair.content for pair in parted.held_out}.isdisjoint(pair.content for pair in parted.train)
    with pytest.raises(UsageError, match="训练文件里没有写专业"):
        split_pairs(PAIRS, parse_split("profession:变电"), 0)
