import json
import random
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.fakes import small_bank
from tests.training.shipped import shipped_questions
from xiaoan.errors import UsageError
from xiaoan.training.data.bank_forms import BankRecipe, plain_pairs
from xiaoan.training.data.pairs import Pair
from xiaoan.training.data.splits import parse_split
from xiaoan.training.data.unanswerable import NOT_IN_BANK
from xiaoan.training.dataset import Mix, bank_data, file_data, source_facts, written_out

OWN = [Pair(f"自己的第{name}题", "答") for name in "甲乙丙丁戊己庚辛壬癸"]
TALK = tuple(Pair(f"第{number}句闲话", "好") for number in range(100))


def test_without_a_split_other_wordings_of_the_same_questions_are_held_out() -> None:
    questions = shipped_questions()[:40]
    data = bank_data(questions, BankRecipe(), seed=1)
    assert data.fixed_train == tuple(plain_pairs(questions))
    held = {pair.content for pair in data.held_out}
    assert len(held) > 35
    for seed in range(5):
        assert held.isdisjoint(pair.content for pair in data.train(random.Random(seed)))


def test_with_a_split_other_questions_are_held_out() -> None:
    questions = shipped_questions()
    data = bank_data(questions, BankRecipe(), split=parse_split("group:0.1"), seed=1)
    stems = {pair.content for pair in data.fixed_train}
    assert (len(data.fixed_train), len(data.held_out)) == (396, 44)
    assert stems.isdisjoint(pair.content for pair in data.held_out)
    assert {pair.summary for pair in data.train(random.Random(0))} == {
        pair.summary for pair in data.fixed_train
    }
    assert data.facts.split is not None
    assert (data.facts.split.kind, data.facts.split.held_out) == ("group", 44)


def test_every_pair_that_exactness_is_measured_on_stands_once() -> None:
    question = shipped_questions()[0]
    elsewhere = replace(question, profession="另一个专业")
    assert len(bank_data([question, elsewhere], BankRecipe()).fixed_train) == 1


def test_the_same_bank_and_seed_are_the_same_data_whatever_the_file_is_called(tmp_path: Path) -> None:
    questions = list(small_bank())
    for name in ("a.xlsx", "b.csv"):
        (tmp_path / name).write_bytes(name.encode())
    one, other = (
        bank_data(questions, BankRecipe(), seed=4, sources=[source_facts(tmp_path / name, 6)])
        for name in ("a.xlsx", "b.csv")
    )
    assert one.facts.sources != other.facts.sources
    assert one.facts.sources[0].name == "a.xlsx"
    assert one.facts.sha256 == other.facts.sha256
    changed = [bank_data(questions[:-1], BankRecipe(), seed=4), bank_data(questions, BankRecipe(), seed=5)]
    changed.append(bank_data(questions, BankRecipe(("plain", "options")), seed=4))
    assert len({data.facts.sha256 for data in (one, *changed)}) == 4


def test_the_facts_are_json() -> None:
    mix = [Mix("闲话.json", TALK, 0.2)]
    data = bank_data(
        list(small_bank()), BankRecipe(), split=parse_split("random:0.4"), mix=mix, general=TALK[:3], seed=2
    )
    facts = json.loads(json.dumps(asdict(data.facts)))
    assert (facts["mix"][0]["name"], facts["mix"][0]["share"], facts["general"]) == ("闲话.json", 0.2, 3)
    assert (facts["forms"], facts["recipe"]["slip_copies"], facts["seed"]) == (["plain"], 0.25, 2)
    assert facts["split"]["held_out"] == len(data.held_out)


@pytest.mark.parametrize(("share", "own", "others"), [(0.2, 10, 2), (0.5, 10, 10), (0.95, 10, 190)])
def test_a_file_mixed_in_makes_its_share_of_every_epoch(share: float, own: int, others: int) -> None:
    data = file_data(OWN, mix=[Mix("闲话.json", TALK, share)])
    for seed in (1, 2):
        epoch = data.train(random.Random(seed))
        count = Counter(pair in TALK for pair in epoch)
        assert (count[False], count[True]) == (own, others)
        assert max(Counter(pair for pair in epoch if pair in TALK).values()) <= -(-others // len(TALK))
    assert data.train(random.Random(1)) != data.train(random.Random(2))
    assert data.fixed_train == tuple(OWN)


def test_shares_of_several_files_add_up() -> None:
    data = file_data(OWN, mix=[Mix("a", TALK[:50], 0.25), Mix("b", TALK[50:], 0.25)])
    epoch = data.train(random.Random(0))
    assert len(epoch) == 20
    assert sum(pair in TALK[:50] for pair in epoch) == sum(pair in TALK[50:] for pair in epoch) == 5
    for mix in ([Mix("a", TALK, 0.5), Mix("b", TALK, 0.5)], [Mix("a", (), 0.2)]):
        with pytest.raises(UsageError, match=r"应小于 1|没有一条可学"):
            file_data(OWN, mix=mix)


def test_a_file_of_its_own_is_held_out_or_a_part_of_the_training_file() -> None:
    given = file_data(OWN, TALK[:5])
    assert (given.fixed_train, given.held_out) == (tuple(OWN), TALK[:5])
    parted = file_data(OWN, split=parse_split("random:0.3"), seed=1)
    assert (len(parted.fixed_train), len(parted.held_out)) == (7, 3)
    assert file_data(OWN).held_out == ()
    with pytest.raises(UsageError, match="不能再写 --split"):
        file_data(OWN, TALK, split=parse_split("random:0.3"))


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(UsageError, match="没有题可学"):
        bank_data([], BankRecipe())
    with pytest.raises(UsageError, match="没有一条可学的记录"):
        file_data([])
    with pytest.raises(UsageError, match="只有 1 题，分不成"):
        bank_data(shipped_questions()[:1], BankRecipe(), split=parse_split("group:0.1"))


def test_one_question_is_a_bank_too() -> None:
    data = bank_data(shipped_questions()[:1], BankRecipe())
    assert len(data.fixed_train) == 1
    assert len(data.train(random.Random(0))) == 2


def test_a_file_has_every_order_of_options_once() -> None:
    questions = shipped_questions()[:30]
    recipe = BankRecipe(("plain", "options"), unanswerable=0.1)
    once, thrice = (written_out(questions, recipe, known=questions, copies=n, seed=1) for n in (1, 3))
    assert once == thrice[: len(once)]
    assert len(set(thrice)) == len(thrice) > len(once)
    assert sum("\n" not in pair.content and pair.summary != NOT_IN_BANK for pair in thrice) == 30
