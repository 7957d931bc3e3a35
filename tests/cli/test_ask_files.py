"""`xiaoan ask --input … --output …`: whole files, stopped and gone on with, and every place that is refused."""

import csv
import io
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.cli.bench import CommandBench, Result
from tests.fakes import ALONE, BOOTS, KEYS

HEADER = ["题型", "题目", "选项", "答案"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "题").mkdir()
    return tmp_path / "题"


def write_csv(path: Path, rows: Sequence[Sequence[str]], encoding: str = "gb18030") -> Path:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def ask(bench: CommandBench, source: Path, output: Path, *more: str) -> Result:
    return bench.run("ask", "--input", str(source), "--output", str(output), *more)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def statements(folder: Path, count: int) -> Path:
    path = folder / "题.txt"
    path.write_text(
        "\n".join(f"第 {number} 号开关可以单人操作吗？" for number in range(count)), encoding="utf-8"
    )
    return path


def test_a_file_is_answered_row_by_row(bench: CommandBench, folder: Path) -> None:
    source = write_csv(
        folder / "题.csv",
        [HEADER, ["", BOOTS.stem, "", "甲"], ["", "", "A-甲|B-乙", "A"], ["", KEYS.stem, "", ""]],
    )
    bench.engine.enqueue("绝缘靴").enqueue("4")
    result = ask(bench, source, folder / "答案.csv")
    assert result.code == 2
    assert result.out == (
        f"写好了 {folder / '答案.csv'}：3 题，与题库一致 1，与题库不一致，以题库答案为准 1。\n"
    )
    assert result.err == "! CSV 第 3 行没有问：题干是空的，或没有文字；请补上题干\n"
    rows = table(folder / "答案.csv")
    assert [row["小安的答案"] for row in rows] == ["绝缘靴", "", "4"]
    assert [row["核对"] for row in rows] == ["与题库一致", "没有问", "与题库不一致，以题库答案为准"]
    assert [row["题库答案"] for row in rows] == ["绝缘靴", "", "3"]
    assert [row["原表答案"] for row in rows] == ["甲", "A", ""]
    assert sorted(path.name for path in folder.iterdir()) == ["答案.csv", "题.csv"]
    assert "甲" not in "".join(bench.engine.queries)


@pytest.mark.parametrize("suffix", [".xlsx", ".jsonl"])
def test_the_suffix_says_what_is_written(bench: CommandBench, folder: Path, suffix: str) -> None:
    (folder / "题.txt").write_text(f"{BOOTS.stem}\n", encoding="utf-8")
    bench.engine.enqueue("绝缘靴")
    output = folder / f"答案{suffix}"
    assert ask(bench, folder / "题.txt", output).code == 0
    if suffix == ".xlsx":
        sheet = load_workbook(output).active
        assert sheet is not None
        assert (sheet.max_row, sheet["E2"].value, sheet["G2"].value) == (2, "绝缘靴", "与题库一致")
    else:
        document = json.loads(output.read_text(encoding="utf-8"))
        assert (document["number"], document["bank"]["status"]) == (1, "match")


def test_ctrl_c_keeps_what_was_answered_and_the_same_command_goes_on(
    bench: CommandBench, folder: Path
) -> None:
    source, output = statements(folder, 10), folder / "答案.csv"
    part = folder / "答案.csv.part.jsonl"
    for _ in range(8):
        bench.engine.enqueue("可以")
    bench.engine.enqueue(error=KeyboardInterrupt())
    stopped = ask(bench, source, output, "--no-resume")
    assert stopped.code == 130
    assert f"停下了。答完 8/10 题，都存在 {part}。" in stopped.err
    words = ["xiaoan", "ask", "--input", str(source), "--output", str(output)]
    assert shlex.split(stopped.err.splitlines()[-1]) == words
    assert (part.is_file(), output.exists()) == (True, False)
    asked = len(bench.engine.queries)
    bench.engine.enqueue("不可以").enqueue("不可以")
    resumed = ask(bench, source, output)
    assert resumed.code == 0
    assert "上次答了 8 题，接着答剩下的 2 题。" in resumed.err
    assert len(bench.engine.queries) == asked + 2
    assert [row["小安的答案"] for row in table(output)] == ["可以"] * 8 + ["不可以"] * 2
    assert not part.exists()


def test_a_file_that_has_changed_is_not_gone_on_with(bench: CommandBench, folder: Path) -> None:
    source, output = statements(folder, 9), folder / "答案.csv"
    for _ in range(8):
        bench.engine.enqueue("可以")
    bench.engine.enqueue(error=KeyboardInterrupt())
    ask(bench, source, output)
    statements(folder, 1)
    refused = ask(bench, source, output)
    assert refused.code == 2
    assert "题目文件和这次的不一样" in refused.err
    bench.engine.enqueue("可以")
    assert ask(bench, source, output, "--no-resume").code == 0


def test_where_the_answers_cannot_be_written_they_are_kept(bench: CommandBench, folder: Path) -> None:
    source, output = statements(folder, 1), folder / "答案.csv"

    class Occupying(list[str]):
        """Puts a file where the answers go, while the question is asked."""

        def append(self, query: str) -> None:
            output.write_text("别人的", encoding="utf-8")
            super().append(query)

    bench.engine.queries = Occupying()
    bench.engine.enqueue("可以")
    result = ask(bench, source, output)
    assert result.code == 2
    assert "1 题都答完了" in result.err
    assert output.read_text(encoding="utf-8") == "别人的"
    output.unlink()
    again = ask(bench, source, output)
    assert (again.code, len(table(output))) == (0, 1)
    assert "这就写出来" in again.err


def test_nothing_to_ask_needs_no_model(bench: CommandBench, folder: Path) -> None:
    source = write_csv(folder / "题.csv", [HEADER, ["", "", "A-甲|B-乙", "A"]])
    assert ask(bench, source, folder / "答案.csv").code == 2
    assert bench.loaded_with == []
    assert [row["核对"] for row in table(folder / "答案.csv")] == ["没有问"]


def test_without_a_bank_nothing_counts_as_checked(bench: CommandBench, folder: Path) -> None:
    bench.engine.enqueue("错误")
    source = write_csv(folder / "题.csv", [["题型", "题目"], ["判断题", ALONE.stem]])
    bench.engine.enqueue_choice(0)
    result = ask(bench, source, folder / "答案.csv", "--bank", "off")
    assert (result.code, result.out) == (0, f"写好了 {folder / '答案.csv'}：1 题，没有打开题库，没有核对。\n")
    assert [row["核对"] for row in table(folder / "答案.csv")] == ["没有打开题库，没有核对"]


def test_places_are_refused_before_the_model_is_loaded(bench: CommandBench, folder: Path) -> None:
    source = statements(folder, 1)
    there = folder / "有.csv"
    there.write_text("x", encoding="utf-8")
    link = folder / "链接.csv"
    link.symlink_to(source)
    cases: list[tuple[list[str], str]] = [
        (["--input", str(source)], "答案写到哪里"),
        (["--output", str(there)], "--input"),
        (["--input", str(link), "--output", str(link), "--force"], "就是要读的"),
        (["--input", str(source), "--output", str(link), "--force"], "就是要读的"),
        (["--input", str(source), "--output", str(bench.bank), "--force"], "就是要读的"),
        (["--input", str(source), "--output", str(there)], "已经有了"),
        (["--input", str(source), "--output", str(folder / "a.docx")], "什么格式"),
        (["--input", str(source), "--output", str(folder / "无" / "a.csv")], "不存在"),
        (["--input", str(folder / "无.csv"), "--output", str(folder / "a.csv")], "没有找到题目文件"),
        (["--input", str(source), "--output", str(folder / "a.csv"), "题目"], "不再写题目"),
        (["--input", str(source), "--output", str(folder / "a.csv"), "--json"], "--json"),
        (["--force", "题目"], "--input"),
    ]
    for arguments, said in cases:
        result = bench.run("ask", *arguments)
        assert result.code == 2
        assert said in result.err, result.err
    assert bench.loaded_with == []
    assert there.read_text(encoding="utf-8") == "x"


def test_a_bank_in_a_folder_is_not_written_over(bench: CommandBench, folder: Path) -> None:
    source, before = statements(folder, 1), bench.bank.read_bytes()
    result = ask(bench, source, bench.bank, "--force", "--bank", str(bench.bank.parent))
    assert result.code == 2
    assert bench.bank.read_bytes() == before
