"""`xiaoan exam --compare`: what the two words mean, and the paired difference."""

import json
from pathlib import Path

import pytest

from tests.cli.exam_bench import exam_bench
from tests.fakes import ALONE, BOOTS, question
from xiaoan.cli.exam_compare import side_of
from xiaoan.errors import UsageError

FORM = ("exam", "--form", "options")


def saved(tmp_path: Path, name: str, out: str) -> str:
    path = tmp_path / name
    path.write_text(out, encoding="utf-8")
    return str(path)


def test_a_word_is_the_settings_as_they_are_or_changed() -> None:
    assert side_of("now").changes == {}
    assert side_of("prefix=off").changes == {"prefix": "off"}
    assert side_of("dtype=int8,device=cpu").changes == {"dtype": "int8", "device": "cpu"}
    assert side_of("bank=甲,乙.xlsx,model=M").changes == {"bank": ["甲,乙.xlsx"], "model": "M"}


@pytest.mark.parametrize(
    ("word", "said"),
    [("昨天", "now"), ("没有.json", "找不到"), ("speed=1", "不认识“speed”"), ("", "看不懂")],
)
def test_a_word_that_means_nothing_is_refused(word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        side_of(word)


def test_before_and_after_are_compared_question_by_question(exam_home: Path, tmp_path: Path) -> None:
    bench, engine = exam_bench(exam_home, BOOTS, ALONE)
    before = saved(tmp_path, "训练前.json", bench.run(*FORM, "--no-others", "--json").out)
    engine.wrong = frozenset({ALONE.stem})
    done = bench.run(*FORM, "--compare", before, "now", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    overall = found["comparison"]["overall"]
    assert (overall["n"], overall["only_a"], overall["only_b"], overall["both"]) == (4, 0, 1, 2)
    assert overall["difference"] == 0.25
    assert overall["p_value"] == 1.0
    assert found["comparison"]["by_form"]["options"]["by_type"]["单选题"]["only_b"] == 1
    assert found["comparison"]["a"].startswith("训练前.json（fake，前缀 fake-prefix，float32，按内容选")
    assert found["others"] == []


def test_two_settings_are_both_sat(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home)
    done = bench.run(*FORM, "--compare", "decode=free", "prefix=off,dtype=int8")
    assert done.code == 0, done.err
    assert [(run.decode, run.prefix, run.dtype) for run in bench.loaded_with] == [
        ("free", None, "auto"),
        ("auto", "off", "int8"),
    ]
    assert "A：decode=free（" in done.out
    assert "B 减 A" in done.out


def test_what_auto_came_to_holds_for_both(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home)
    assert bench.run(*FORM, "--compare", "decode=free", "now").code == 0
    assert [run.dtype for run in bench.loaded_with] == ["auto", "float32"]


def test_beside_a_saved_exam_the_same_is_asked_again(exam_home: Path, tmp_path: Path) -> None:
    bench, _ = exam_bench(exam_home)
    sat = bench.run("exam", "--form", "shuffled", "--limit", "3", "--seed", "5", "--no-others", "--json").out
    found = json.loads(bench.run("exam", "--compare", saved(tmp_path, "甲.json", sat), "now", "--json").out)
    assert found["seed"] == 5
    assert (found["comparison"]["overall"]["n"], found["comparison"]["overall"]["unpaired_b"]) == (3, 0)
    assert found["comparison"]["asked_otherwise"] == 0


def test_other_questions_than_the_saved_ones_are_refused_before_the_work(
    exam_home: Path, tmp_path: Path
) -> None:
    bench, _ = exam_bench(exam_home)
    sat = saved(tmp_path, "甲.json", bench.run(*FORM, "--no-others", "--json").out)
    bench.loaded_with.clear()
    bench.replace_bank([question("雷雨天气应当（ ）。", "停工", options=("停工", "开工"))])
    done = bench.run("exam", "--compare", sat, "now")
    assert done.code == 2
    assert "没有一道题相同" in done.err
    assert bench.loaded_with == []


def test_two_saved_exams_need_no_model(exam_home: Path, tmp_path: Path) -> None:
    bench, _ = exam_bench(exam_home, BOOTS)
    one = saved(tmp_path, "甲.json", bench.run(*FORM, "--no-others", "--json").out)
    bench.loaded_with.clear()
    done = bench.run("exam", "--compare", one, one)
    assert done.code == 0, done.err
    assert "看不出差别" in done.out
    assert bench.loaded_with == []


def test_without_the_bank_the_same_questions_are_asked(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home)
    found = json.loads(bench.run(*FORM, "--compare", "now", "bank=off", "--json").out)
    assert found["bank"] is None
    assert found["comparison"]["overall"]["n"] == 4
    assert {one["status"] for one in found["sittings"]} == {None}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"model": {}, "sittings": [{"id": "1"}]}', "\udcff"])
def test_a_file_that_is_no_exam_is_refused(exam_home: Path, tmp_path: Path, text: str) -> None:
    bench, _ = exam_bench(exam_home)
    path = tmp_path / "坏.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = bench.run("exam", "--compare", str(path), "now")
    assert done.code == 2
    assert "--json" in done.err


def test_a_record_is_of_one_exam(exam_home: Path, tmp_path: Path) -> None:
    bench, _ = exam_bench(exam_home)
    done = bench.run(*FORM, "--compare", "now", "prefix=off", "--record", str(tmp_path / "r.jsonl"))
    assert done.code == 2
    assert "一次只能记一场" in done.err


def test_the_page_shows_the_comparison(exam_home: Path, tmp_path: Path) -> None:
    bench, _ = exam_bench(exam_home, BOOTS)
    path = tmp_path / "对照.html"
    done = bench.run(*FORM, "--compare", "decode=free", "now", "--html", str(path))
    assert done.code == 0, done.err
    assert "两次考试对照" in path.read_text(encoding="utf-8")
