"""`xiaoan exam`: tables, the JSON document, files, the record, and who else answers."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.bench import CommandBench
from tests.cli.exam_bench import QUESTIONS, exam_bench
from tests.fakes import ALONE, BOOTS, KEYS, question
from tests.reports.page_reading import Page
from xiaoan.question_bank.canonical import write_canonical
from xiaoan.question_bank.question import QuestionBank


def document(bench: CommandBench, *arguments: str) -> dict[str, Any]:
    done = bench.run("exam", *arguments, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_the_document_has_every_figure(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home, BOOTS)
    found = document(bench, "--form", "options", "--no-others")
    assert list(found) == [
        *("bank", "questions", "model", "seed", "date", "accuracy", "shown_first", "wrongly_verified"),
        *("partial_credit", "circular", "letter_bias", "calibration", "confidence", "confusion", "speed"),
        *("unasked", "wrong", "sittings", "others", "comparison"),
    ]
    assert found["accuracy"]["overall"] == {"value": 0.75, "right": 3, "n": 4, "low": 0.3006, "high": 0.9544}
    assert found["accuracy"]["by_form"]["options"]["by_type"]["单选题"]["value"] == 0.5
    assert found["accuracy"]["by_profession"]["配电"]["n"] == 1
    assert found["shown_first"]["value"] == 1.0
    assert found["wrongly_verified"] == 0
    assert found["model"]["decode"] == "content"
    assert found["date"] == "2026-06-01T09:00:00+08:00"
    assert found["circular"] is None
    assert found["calibration"] is None


def test_every_wrong_answer_is_listed_with_what_was_asked(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home, BOOTS)
    assert document(bench, "--form", "options", "--no-others")["wrong"] == [
        {
            "id": BOOTS.id,
            "form": "options",
            "question": f"{BOOTS.stem}\nA. 绝缘鞋\nB. 绝缘靴\nC. 雨靴",
            "clause": "变电安规 5.2",
            "official": ["绝缘靴"],
            "answer": "A. 绝缘鞋",
            "confidence": None,
            "status": "mismatch",
        }
    ]


def test_others_answer_the_same_questions(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home)
    others = {one["name"]: one for one in document(bench, "--form", "plain", "--form", "options")["others"]}
    assert list(others)[:2] == ["小安，自由生成", "小安，不带前缀"]
    assert {one["forms"][0] for one in others.values()} == {"options"}
    assert others["小安，不带前缀"]["accuracy"]["overall"]["right"] == 0
    assert others["小安，不带前缀"]["against_xiaoan"]["only_a"] == len(QUESTIONS)
    assert others["只查题库，题干一字不差"]["accuracy"]["overall"]["value"] == 1.0
    assert "sittings" not in others["小安 + 题库"]


def test_an_adapter_is_compared_with_the_bare_base(exam_home: Path) -> None:
    bench, engine = exam_bench(exam_home)
    engine.info = replace(engine.info, lora="我的")
    found = document(bench, "--form", "options", "--model", "底座", "--lora", "我的")
    assert "小安，不带适配器" in [one["name"] for one in found["others"]]
    assert [(run.effective_lora, run.effective_prefix) for run in bench.loaded_with] == [
        ("我的", "off"),
        (None, "off"),
    ]


def test_without_others_one_model_is_loaded_and_keeps_its_prefix(exam_home: Path) -> None:
    bench, engine = exam_bench(exam_home)
    assert document(bench, "--form", "options", "--no-others")["others"] == []
    assert (len(bench.loaded_with), engine.prefixes) == (1, [])


def test_the_tables_are_shown(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home, ALONE)
    done = bench.run("exam", "--form", "options")
    assert done.code == 0, done.err
    assert "考试：小题库.xlsx（4 题）" in done.out
    assert "带选项  75%（30–96）" in done.out
    assert "小安 + 题库" in done.out
    assert "1. [带选项] 单人操作时可以登杆。　A. 正确　B. 错误" in done.out
    assert done.err == ""


def test_a_terminal_sees_how_far_it_is_and_keeps_no_line_of_it(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    err = Terminal()
    assert bench.run("exam", "--form", "options", "--no-others", err=err).code == 0
    assert "小安  0/4 次" in err.getvalue()
    assert "小安  读权重" in err.getvalue()
    assert err.getvalue().endswith("\x1b[1A\x1b[2K"), "the line is taken away"


def test_other_questions_than_the_banks_can_be_asked(exam_home: Path, tmp_path: Path) -> None:
    bench, engine = exam_bench(exam_home)
    reworded = question("雷雨天去看室外的高压设备，脚上要穿（ ）。", "绝缘靴", options=("绝缘鞋", "绝缘靴"))
    engine.questions = (*QUESTIONS, reworded)
    path = tmp_path / "改写题.xlsx"
    write_canonical(QuestionBank([reworded]), path)
    found = document(bench, "--form", "options", "--questions", str(path))
    assert found["questions"] == "改写题.xlsx（1 题）"
    assert found["bank"] == "小题库.xlsx（4 题）"
    assert found["sittings"][0]["status"] == "not_found"


def test_rows_that_were_not_read_are_told(exam_home: Path, tmp_path: Path) -> None:
    bench, _ = exam_bench(exam_home)
    broken = tmp_path / "缺答案.csv"
    broken.write_text(
        "题型,题目内容,选项,正确答案\n判断题,单人操作时可以登杆。,,错误\n单选题,没有答案的题是（ ）。,A.甲 B.乙,\n",
        "utf-8",
    )
    done = bench.run("exam", "--form", "options", "--no-others", "--questions", str(broken))
    assert done.code == 0
    assert "要考的题有 1 处问题" in done.err


def test_a_sample_keeps_every_type(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home)
    found = document(bench, "--form", "options", "--no-others", "--limit", "3")
    assert sorted(found["accuracy"]["by_type"]) == ["判断题", "单选题", "多选题"]
    assert found["questions"] == "小题库.xlsx（4 题），抽 3 题"


def test_page_and_workbook_are_written(exam_home: Path, tmp_path: Path) -> None:
    bench, _ = exam_bench(exam_home, BOOTS)
    page, book = tmp_path / "考试.html", tmp_path / "考试.xlsx"
    arguments = ["--form", "options", "--no-others", "--html", str(page), "--xlsx", str(book)]
    done = bench.run("exam", *arguments)
    assert done.code == 0, done.err
    assert f"网页写好了：{page}" in done.out
    assert "模型自己答对 75%" in Page(page.read_text(encoding="utf-8")).text
    assert book.stat().st_size > 1_000
    again = bench.run("exam", *arguments)
    assert again.code == 2
    assert "--force" in again.err
    assert len(bench.loaded_with) == 1, "refused before the work"


@pytest.mark.parametrize("flag", ["--xlsx", "--record"])
def test_what_is_read_is_never_written_over(exam_home: Path, tmp_path: Path, flag: str) -> None:
    bench, _ = exam_bench(exam_home)
    asked = tmp_path / "题.xlsx"
    write_canonical(QuestionBank([KEYS]), asked)
    for read in (asked, bench.bank):
        before = read.read_bytes()
        done = bench.run("exam", "--questions", str(asked), flag, str(read), "--force")
        assert (done.code, done.out) == (2, "")
        assert f"{flag} {read} 就是要读的" in done.err
        assert read.read_bytes() == before
    assert bench.loaded_with == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--form", "backwards"), "plain"),
        (("--html", "考试.txt"), ".html"),
        (("--xlsx", "考试.xls"), ".xlsx"),
        (("--record", "甲", "--resume", "乙"), "只能用一个"),
        (("--bank", "off"), "--questions"),
        (("--limit", "0"), "不能小于 1"),
    ],
)
def test_what_cannot_be_done_is_refused_before_a_model_is_loaded(
    exam_home: Path, arguments: tuple[str, ...], said: str
) -> None:
    bench, _ = exam_bench(exam_home)
    done = bench.run("exam", *arguments)
    assert done.code == 2
    assert said in done.err
    assert bench.loaded_with == []


def test_an_exam_that_was_stopped_goes_on_where_it_was(exam_home: Path, tmp_path: Path) -> None:
    bench, engine = exam_bench(exam_home)
    record = str(tmp_path / "记录.jsonl")
    engine.patience = 0
    stopped = bench.run("exam", "--form", "options", "--no-others", "--record", record)
    assert stopped.code == 130
    assert f"加 --resume {record}" in stopped.err
    engine.patience = 1_000
    assert (
        document(bench, "--form", "options", "--no-others", "--resume", record)["accuracy"]["overall"]["n"]
        == 4
    )
    engine.patience = 0  # everything is known: nothing is asked again
    assert (
        document(bench, "--form", "options", "--no-others", "--resume", record)["accuracy"]["overall"]["n"]
        == 4
    )


def test_without_a_record_ctrl_c_says_how_to_have_one(exam_home: Path) -> None:
    bench, engine = exam_bench(exam_home)
    engine.patience = 0
    done = bench.run("exam", "--form", "options")
    assert done.code == 130
    assert "--record" in done.err


def test_a_record_of_another_exam_is_not_gone_on_with(exam_home: Path, tmp_path: Path) -> None:
    bench, _ = exam_bench(exam_home)
    record = str(tmp_path / "记录.jsonl")
    document(bench, "--form", "options", "--no-others", "--record", record)
    done = bench.run("exam", "--form", "options", "--no-others", "--resume", record, "--seed", "9")
    assert done.code == 2
    assert "种子" in done.err


def test_a_record_is_gone_on_with_in_the_precision_it_began_with(exam_home: Path, tmp_path: Path) -> None:
    bench, engine = exam_bench(exam_home)
    record = str(tmp_path / "记录.jsonl")
    engine.info = replace(engine.info, dtype="bfloat16")
    document(bench, "--form", "options", "--no-others", "--record", record)
    document(bench, "--form", "options", "--no-others", "--resume", record)
    assert [settings.dtype for settings in bench.loaded_with] == ["auto", "bfloat16"]


def test_plain_words_have_no_columns(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home)
    done = bench.run("exam", "--form", "options", "--no-others", "--plain")
    assert "带选项：全部 100%（51–100），单选题 100%（34–100）" in done.out


def test_a_question_that_cannot_be_asked_is_named(exam_home: Path) -> None:
    bench, _ = exam_bench(exam_home)
    long = question("很长" * 1_500, "绝缘靴", options=("绝缘鞋", "绝缘靴"))
    bench.replace_bank([KEYS, long])
    done = bench.run("exam", "--form", "options", "--no-others")
    assert done.code == 0, done.err
    assert "有 1 次没法问" in done.out
