import sys
from itertools import count

import pytest

from tests.fakes import ALONE, BOOTS, KEYS, TOOLS, question
from xiaoan.evaluation.baselines.catalogue import BOT_AND_BANK, TFIDF, TITLES, sit_baselines
from xiaoan.evaluation.comparing import paired
from xiaoan.evaluation.marking import mark_text
from xiaoan.evaluation.paper import write_paper

BANK = [KEYS, BOOTS, TOOLS, ALONE]
PAPER = write_paper([*BANK, question("停" * 3000 + "（ ）。", "电")], ["options", "plain"])
BOT = [mark_text(item, "不知道") for item in PAPER if len(item.text) < 2000]


@pytest.fixture
def no_sklearn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)


@pytest.mark.usefixtures("no_sklearn")
def test_every_baseline_sits_what_the_bot_sat_and_nothing_else() -> None:
    found = sit_baselines(PAPER, BANK, BOT, clock=lambda: 0.0)
    assert [one.name for one in found] == list(TITLES)
    for one in found:
        if one.name != TFIDF:
            compared = paired(BOT, one.sittings)
            assert (compared.n, compared.unpaired_a, compared.unpaired_b) == (8, 0, 0), one.name
            assert {sat.status for sat in one.sittings} == {None}
            assert not any(sat.wrongly_verified for sat in one.sittings)
    right = {one.name: sum(sat.right for sat in one.sittings) for one in found}
    assert right["exact_lookup"] == right["nearest_lookup"] == 8
    assert right[BOT_AND_BANK] == 0


@pytest.mark.usefixtures("no_sklearn")
def test_an_exam_goes_on_without_scikit_learn() -> None:
    left_out = next(one for one in sit_baselines(PAPER, BANK, BOT, clock=lambda: 0.0) if one.name == TFIDF)
    assert left_out.sittings == ()
    assert "pip install 'xiaoan[baselines]'" in left_out.note


@pytest.mark.usefixtures("no_sklearn")
def test_each_answer_has_its_share_of_the_time() -> None:
    ticks = count(0, 16)
    found = sit_baselines(PAPER, BANK, BOT, clock=lambda: float(next(ticks)))
    assert {sat.seconds for one in found if one.name == "majority_letter" for sat in one.sittings} == {2.0}


def test_an_exam_of_nothing_has_nothing_to_answer() -> None:
    assert all(one.sittings == () for one in sit_baselines([], BANK, [], clock=lambda: 0.0))
