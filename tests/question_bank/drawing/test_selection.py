"""Which questions are asked for, and in which order practice brings them."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes import KEYS, TOOLS, small_bank
from tests.question_bank.drawing.banks import many, many_questions
from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.paper import Paper
from xiaoan.question_bank.drawing.selection import Wanted, draw_known, draw_round, select
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.store.stored_bank import StoredBank

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def small() -> StoredBank:
    return StoredBank.of(small_bank())


def clauses(wanted: Wanted) -> set[str]:
    bank = many()
    return {question.clause for question in bank.questions_of(select(bank, wanted))}


def draw(
    bank: StoredBank,
    wanted: Wanted = Wanted(),  # noqa: B008 - frozen
    count: int | None = None,
    seen: Mapping[str, datetime] | None = None,
    seed: int = 1,
) -> Paper:
    return draw_round(bank, wanted, count=count, seen=seen or {}, rng=random.Random(seed), seed=seed)


def ids_of(paper: Paper) -> list[str]:
    return [item.shown.question.id for item in paper.items]


def test_nothing_asked_for_is_everything_in_the_order_of_the_bank() -> None:
    assert select(small(), Wanted()) == [question.id for question in small_bank()]


def test_professions_and_types_narrow_together() -> None:
    wanted = Wanted(professions=(" 配电 ", "变电"), types=(QuestionType.MULTIPLE,))
    assert select(small(), wanted) == [TOOLS.id]


@pytest.mark.parametrize(
    ("clause", "found"),
    [
        ("7.3", {"变电安规 7.3.4", "线路安规 5.3.1；线路安规 7.3"}),
        ("变电安规 7.3", {"变电安规 7.3.4"}),
        ("线路安规 7", {"线路安规 5.3.1；线路安规 7.3"}),
        ("线路安规 第５章", {"线路安规 5.3.1；线路安规 7.3"}),
        ("变电安规第7.3条", {"变电安规 7.3.4"}),
        ("变电安规", {"变电安规 7.3.4", "变电安规 7.30"}),
        ("7.30", {"变电安规 7.30"}),
    ],
)
def test_a_clause_stands_for_what_it_contains(clause: str, found: set[str]) -> None:
    assert clauses(Wanted(clause=clause)) == found


def test_a_name_and_a_number_of_two_different_clauses_are_no_clause() -> None:
    with pytest.raises(UsageError, match=r"没有这样的题：条款 变电安规 5\.3"):
        select(many(), Wanted(clause="变电安规 5.3"))


def test_all_words_have_to_occur() -> None:
    assert select(small(), Wanted(words="高压 钥匙")) == [KEYS.id]
    with pytest.raises(UsageError, match="没有这样的题：词 钥匙 登杆。放宽"):
        select(small(), Wanted(words="钥匙 登杆"))


def test_an_unknown_profession_says_which_there_are() -> None:
    with pytest.raises(UsageError, match="没有专业“调度”。题库里的专业：变电、配电。"):
        select(small(), Wanted(professions=("变电", "调度")))


def test_what_was_never_seen_comes_first_then_what_was_seen_longest_ago() -> None:
    bank = many(1)
    ids = bank.ids()
    seen = {one: NOON - timedelta(days=place % 5, seconds=place) for place, one in enumerate(ids[:20])}
    drawn = ids_of(draw(bank, seen=seen))
    assert set(drawn[: len(ids) - 20]) == set(ids[20:])
    assert drawn[len(ids) - 20 :] == sorted(seen, key=lambda one: seen[one])


def test_a_round_is_the_same_again_also_from_a_bank_in_another_order() -> None:
    turned = StoredBank.of(reversed(many_questions()))
    first = draw(many(), count=12, seed=5)
    assert first == draw(many(), count=12, seed=5) == draw(turned, count=12, seed=5)
    assert ids_of(first) != ids_of(draw(many(), count=12, seed=6))
    assert (len(first), first.seed, len(set(ids_of(first)))) == (12, 5, 12)


def test_a_round_shuffles_options_unless_told_not_to() -> None:
    rng = random.Random(1)
    plain = draw_round(many(), Wanted(), count=9, seen={}, rng=rng, seed=1, shuffle=False)
    assert all(list(item.shown.order) == sorted(item.shown.order) for item in plain.items)
    assert any(list(item.shown.order) != sorted(item.shown.order) for item in draw(many(), count=30).items)


def test_a_bank_that_is_short_says_so() -> None:
    paper = draw(small(), Wanted(professions=("配电",)), count=9)
    assert (len(paper), paper.notes) == (2, ("这样的题只有 2 道，不到 9 道。",))
    with pytest.raises(UsageError, match="题数写的是 0，至少要 1 题"):
        draw(small(), count=0)


def test_known_questions_come_in_their_order_and_lost_ones_are_counted() -> None:
    ids = [TOOLS.id, "0" * 16, KEYS.id, TOOLS.id, "no id"]
    paper = draw_known(small(), ids, random.Random(1), 1)
    assert ids_of(paper) == [TOOLS.id, KEYS.id]
    assert paper.notes == ("有 2 道题现在的题库里没有了，这次不出。",)
    assert draw_known(small(), [], random.Random(1), 1).items == ()
