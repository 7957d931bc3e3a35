"""An exam as JSON: what stands in it, and that it comes back as it was."""

import json
from dataclasses import replace
from pathlib import Path

from tests.exams import BOOTS, result_of, small_exam, with_comparison, with_others
from tests.reports.page_reading import HOSTILE
from xiaoan.cli.exam_documents import exam_document, read_saved_exam
from xiaoan.evaluation.exam_results import figures_of


def test_confidence_is_told_by_level_and_by_bin() -> None:
    document = exam_document(result_of())
    assert document["confidence"]["high"] == {
        "value": 1.0,
        "right": 24,
        "n": 24,
        "low": 0.7575,
        "high": 1.0,
        "share_of_all": 0.8571,
    }
    assert document["confidence"]["middle"]["n"] == 0
    assert document["calibration"]["bins"][-1] == {
        "low": 0.9,
        "high": 1.0,
        "count": 24,
        "mean_confidence": 0.97,
        "right": 24,
    }
    assert document["calibration"]["ece"] == 0.0757
    assert document["confusion"] == [
        {"official": "错误", "given": "正确", "count": 2},
        {"official": "错误", "given": "错误", "count": 6},
    ]
    assert document["speed"] == {
        "seconds_per_question": 0.02,
        "questions_per_second": 50.0,
        "tokens_per_second": None,
    }


def test_others_and_comparison_stand_at_the_end() -> None:
    document = exam_document(with_comparison(with_others(result_of()), small_exam()))
    lazy, missing = document["others"]
    assert (lazy["name"], lazy["forms"], lazy["accuracy"]["overall"]["right"]) == (
        "总选最长的选项",
        ["options"],
        0,
    )
    assert lazy["against_xiaoan"]["difference"] == -0.8571
    assert missing == {
        "name": "TF-IDF + 逻辑回归",
        "forms": ["options"],
        "note": "还缺程序库",
        "against_xiaoan": None,
    }
    assert document["comparison"]["overall"]["p_value"] == 1.0
    assert list(document["comparison"]["by_form"]) == ["options", "noisy"]


def test_a_saved_exam_comes_back_with_the_same_figures(tmp_path: Path) -> None:
    path = tmp_path / "考试.json"
    path.write_text(json.dumps(exam_document(result_of()), ensure_ascii=False), encoding="utf-8")
    kept = read_saved_exam(path)
    assert kept.sittings == tuple(small_exam())
    assert figures_of(kept.sittings) == result_of().figures
    assert (kept.name, kept.seed) == ("考试.json（2026-11-21）", 7)


def test_any_text_of_a_bank_can_be_kept(tmp_path: Path) -> None:
    sat = [replace(BOOTS, id=name, stem=text, answer=text) for name, text in HOSTILE.items()]
    path = tmp_path / "考试.json"
    path.write_text(json.dumps(exam_document(result_of(sat))), encoding="utf-8")
    assert read_saved_exam(path).sittings == tuple(sat)
