"""ROUGE and BLEU against what the published script's `compute_metrics` gave."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from xiaoan.errors import UsageError
from xiaoan.training.scoring import text_scores
from xiaoan.training.scoring.text_scores import (
    NOTHING,
    TextScores,
    check_scores_installed,
    score_pair,
    score_texts,
)

for _module in ("jieba", "rouge_chinese", "nltk"):
    pytest.importorskip(_module)

RECORDED = json.loads((Path(__file__).parent / "data" / "text_scores.json").read_text(encoding="utf-8"))


def recorded(scores: dict[str, Any]) -> TextScores:
    return TextScores(scores["rouge-1"], scores["rouge-2"], scores["rouge-l"], scores["bleu4"])


@pytest.mark.parametrize("pair", RECORDED["pairs"], ids=lambda pair: str(pair["pred"])[:12])
def test_a_pair_has_the_published_scores(pair: dict[str, Any]) -> None:
    assert score_pair(pair["pred"], pair["label"]) == recorded(pair)


def test_a_corpus_has_the_mean_of_its_pairs() -> None:
    pairs = RECORDED["pairs"]
    scores = score_texts([pair["pred"] for pair in pairs], [pair["label"] for pair in pairs])
    assert vars(scores) == pytest.approx(vars(recorded(RECORDED["mean"])), abs=1e-9)


@pytest.mark.parametrize("empty", ["", " ", "\n\t　"])
def test_an_empty_text_counts_zero_and_the_others_count_on(empty: str) -> None:
    assert score_pair(empty, "穿绝缘靴") == score_pair("穿绝缘靴", empty) == NOTHING
    half = score_texts(["穿绝缘靴", empty], ["穿绝缘靴", "戴绝缘手套"])
    assert half == TextScores(50.0, 50.0, 50.0, 50.0)


@pytest.mark.parametrize("text", ["。", "？？", "……", "\ud842", "<n>", "穿 绝缘靴\n\n戴。。手套", "靴" * 300])
def test_no_text_ends_the_scoring(text: str) -> None:
    scores = score_pair(text, "穿绝缘靴。戴手套。")
    assert all(0 <= value <= 100 for value in vars(scores).values())
    assert vars(score_pair("绝缘靴", text)).keys() == vars(scores).keys()


def test_the_first_score_is_silent_and_leaves_no_file_behind(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text_scores._segmenter.cache_clear()
    with monkeypatch.context() as nowhere:
        nowhere.setattr(tempfile, "tempdir", str(tmp_path / "只读"))
        assert score_pair("穿绝缘靴", "应穿绝缘靴").rouge_1 > 0
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_paired_is_refused() -> None:
    with pytest.raises(UsageError, match="预测有 1 条，标准答案有 2 条"):
        score_texts(["一"], ["一", "二"])
    with pytest.raises(UsageError, match="至少 1 条"):
        score_texts([], [])


def test_a_missing_library_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rouge_chinese", None)
    with pytest.raises(UsageError, match=r"rouge_chinese.*pip install 'xiaoan\[scores\]'"):
        check_scores_installed()


def test_the_numbers_here_are_the_recorded_ones(golden: Path) -> None:
    whole = json.loads((golden / "metrics" / "metrics.json").read_text(encoding="utf-8"))
    assert RECORDED["mean"] == whole["mean"]
    for pair, recorded_pair in zip(RECORDED["pairs"], whole["pairs"], strict=True):
        assert pair.items() <= recorded_pair.items()
