"""The run's card: intervals that are known, and a document that reads back as it was written."""

import json
from pathlib import Path

import pytest

from tests.training.cards import CARD
from xiaoan.errors import UsageError
from xiaoan.figures import Share
from xiaoan.training.run_card import read_run_card, write_run_card


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (98, 100, 0.9300, 0.9945)],
)
def test_intervals_are_wilsons(right: int, asked: int, low: float, high: float) -> None:
    share = Share(right, asked)
    assert (share.low, share.high) == pytest.approx((low, high), abs=5e-5)
    assert share.value == right / asked


def test_nothing_asked_tells_nothing() -> None:
    assert (Share(0, 0).value, Share(0, 0).low, Share(0, 0).high) == (0.0, 0.0, 1.0)


def test_a_card_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_run_card(tmp_path, CARD)
    assert read_run_card(tmp_path) == CARD
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    by_type = document["after"]["accuracy"]["by_type"]
    assert by_type["单选题"] == {"right": 9, "asked": 10, "value": 0.9, "low": 0.59585, "high": 0.982124}


def test_a_folder_without_a_card_has_none(tmp_path: Path) -> None:
    assert read_run_card(tmp_path) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"method": "lora"}'])
def test_what_is_no_card_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"run\.json 不是小安写的训练记录"):
        read_run_card(tmp_path)
