import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.bench import CommandBench
from tests.fakes import BOOTS, KEYS, small_bank
from xiaoan.question_bank.cells.reading_process import SheetReader
from xiaoan.question_bank.spreadsheet import read_file

HEADER = "专业,题型,题目内容,题目依据条款,选项,正确答案"
RIGHT = "变电,单选题,应先（ ）,变电安规 7.2,A. 停电|B. 验电,A"
WRONG = "变电,单选题,应先（ ）,变电安规 7.2,A. 停电|B. 验电,B"
REFUSED = "变电,单选题,应后（ ）,变电安规 7.2,A. 停电|B. 验电,C"
ESCAPES = "变电,单选题,应\x1b]0;x\x07后\u202e（ ）,,A. 停电|B. 验电,\x1b[31mD\x9b2J"


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join((HEADER, *lines)), encoding="utf-8")
    return str(path)


def ids_in(path: Path) -> list[str]:
    with SheetReader() as reader:
        return [question.id for sheet in read_file(path, reader).sheets for question in sheet.questions]


def test_check_of_a_sound_bank_counts_and_ends_with_zero(bench: CommandBench) -> None:
    result = bench.run("bank", "check", str(bench.bank))
    assert (result.code, result.err) == (0, "")
    assert "工作表“题库”：6 行，6 题" in result.out
    assert "题数    6" in result.out
    assert "变电    4" in result.out
    assert result.out.endswith("✓ 没有发现问题。\n")


def test_check_names_each_refused_row_by_kind_and_ends_with_one(bench: CommandBench, tmp_path: Path) -> None:
    result = bench.run("bank", "check", write(tmp_path / "坏.csv", RIGHT, *[REFUSED] * 5))
    assert result.code == 1
    assert "拒收 5 处（bad-answer）" in result.out
    assert "坏.csv 工作表“CSV” 第 3 行 F 列：" in result.out
    assert "第 7 行" not in result.out
    assert "还有 2 处，加 --all 全部列出" in result.out
    assert "第 7 行" in bench.run("bank", "check", "--all", str(tmp_path / "坏.csv")).out


def test_check_says_what_contradicts_itself_with_both_rows(bench: CommandBench, tmp_path: Path) -> None:
    result = bench.run("bank", "check", write(tmp_path / "a.csv", RIGHT, RIGHT, WRONG))
    assert result.code == 0
    assert "矛盾 1 题" in result.out
    assert "a.csv 工作表“CSV” 第 2 行：停电" in result.out
    assert "a.csv 工作表“CSV” 第 4 行：验电" in result.out
    assert "重复的行  1" in result.out


def test_the_json_of_check_has_the_keys_that_scripts_rely_on(bench: CommandBench, tmp_path: Path) -> None:
    name = write(tmp_path / "a.csv", RIGHT, RIGHT, WRONG, REFUSED)
    document = json.loads(bench.run("bank", "check", "--json", name).out)
    (file,) = document["files"]
    (sheet,) = file["sheets"]
    (fault,) = file["faults"]
    assert (document["duplicates"], file["file"]) == (1, name)
    assert [row["row"] for row in document["conflicts"][0]["rows"]] == [2, 3, 4]
    assert sheet["columns"]["stem"] == "C"
    assert (sheet["rows"], sheet["questions"], sheet["refused"], sheet["by_type"]) == (4, 3, 1, {"单选题": 3})
    assert {"sheet", "layout", "header_row", "warned", "skipped"} <= set(sheet)
    assert (fault["row"], fault["column"], fault["severity"], fault["value"]) == (5, "F", "refused", "C")
    assert set(fault) == {"sheet", "row", "column", "severity", "code", "value", "message"}


def test_a_file_that_cannot_be_read_ends_with_two_and_the_others_are_reported(
    bench: CommandBench, tmp_path: Path
) -> None:
    (tmp_path / "坏.xlsx").write_bytes(b"")
    names = [str(tmp_path / "坏.xlsx"), "无.xlsx", write(tmp_path / "a.csv", RIGHT)]
    plain, as_json = bench.run("bank", "check", *names), bench.run("bank", "check", "--json", *names)
    assert (plain.code, as_json.code) == (2, 2)
    assert "1 行，1 题" in plain.out
    assert "坏.xlsx" in plain.err
    assert "无.xlsx" in plain.err
    read, *unread = json.loads(as_json.out)["files"]
    assert read["sheets"][0]["questions"] == 1
    assert [file["file"] for file in unread] == names[:2]
    assert {file["faults"][0]["severity"] for file in unread} == {"error"}


def test_an_unreadable_file_alone_is_only_said_to_be_so(bench: CommandBench, tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"%PDF-1.7")
    result = bench.run("bank", "check", str(tmp_path / "x.xlsx"))
    assert (result.code, result.out) == (2, "")
    assert "x.xlsx" in result.err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_nothing_in_a_cell_reaches_the_terminal_as_an_order(
    bench: CommandBench, tmp_path: Path, form: list[str]
) -> None:
    result = bench.run("bank", "check", "--all", *form, write(tmp_path / "a.csv", RIGHT, ESCAPES))
    assert result.code == 1
    assert not set(result.out + result.err) & set("\x1b\x07\x9b\u202e")


def test_folders_and_patterns_are_taken_by_every_command(bench: CommandBench, tmp_path: Path) -> None:
    folder = tmp_path / "题库" / "下"
    folder.mkdir(parents=True)
    write(folder / "a.csv", RIGHT)
    write(folder / "b.csv", WRONG)
    pattern = str(tmp_path / "题库" / "*" / "*.csv")
    for name in (str(tmp_path / "题库"), pattern):
        assert "题数    2" in bench.run("bank", "check", name).out
        assert "2. 应先" in bench.run("bank", "search", "应先", "--bank", name).out
        assert "题库" in bench.run("doctor", "--bank", name).out
        assert "（2 题）" in bench.run("doctor", "--bank", name).out
    bench.engine.enqueue("停电")
    assert bench.run("ask", "--bank", pattern, "应先（ ）").code == 0


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_convert_writes_what_reads_back_as_the_same_questions(
    bench: CommandBench, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / "新" / f"新题库{suffix}"
    other = write(tmp_path / "a.csv", RIGHT, RIGHT, REFUSED)
    result = bench.run("bank", "convert", str(bench.bank), other, str(target))
    assert result.code == 0
    assert "：7 题" in result.out
    assert "1 行重复，没有再写" in result.out
    assert "1 行被拒收" in result.out
    assert ids_in(target) == [*(question.id for question in small_bank()), *ids_in(Path(other))[:1]]
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_convert_says_how_many_explanations_were_left_out(bench: CommandBench, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("题型,题目,A,B,答案,解析\n单选题,应先（ ）,停电,验电,A,先停电再验电\n", encoding="utf-8")
    result = bench.run("bank", "convert", str(path), str(tmp_path / "b.xlsx"))
    assert "1 题的解析写不进六列，没有写" in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.csv"], "少了文件"),
        (["a.csv", "b.xls"], "要以 .xlsx 或 .csv 结尾"),
        (["a.csv", "有.xlsx"], "已经存在"),
        (["a.csv", "./a.csv", "--force"], "不会写在原文件上"),
        ([".", "a.csv", "--force"], "不会写在原文件上"),
        (["空.csv", "b.xlsx"], "没有可以写的题"),
        (["a.csv", "a.csv/b.xlsx"], "写不了"),
        (["无.xlsx", "b.xlsx"], "没有找到"),
        (["--template", "a.csv", "b.xlsx"], "模板只写一个"),
        (["--template", "b.csv"], "模板只写一个"),
        (["--template", "有.xlsx"], "已经存在"),
    ],
)
def test_convert_never_writes_over_anything_that_it_was_not_told_to(
    bench: CommandBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write(Path("a.csv"), RIGHT)
    write(Path("空.csv"))
    Path("有.xlsx").write_bytes(Path(bench.bank).read_bytes())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = bench.run("bank", "convert", *arguments)
    assert (result.code, said in result.err, result.out) == (2, True, ""), result.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_convert_overwrites_when_told_to(bench: CommandBench, tmp_path: Path) -> None:
    target = write(tmp_path / "b.csv", WRONG)
    source = write(tmp_path / "a.csv", RIGHT)
    assert bench.run("bank", "convert", "--force", source, target).code == 0
    assert ids_in(Path(target)) == ids_in(Path(source))


def test_the_template_is_written_and_is_an_empty_bank(bench: CommandBench, tmp_path: Path) -> None:
    target = str(tmp_path / "模板.xlsx")
    assert bench.run("bank", "convert", "--template", target).code == 0
    checked = bench.run("bank", "check", target)
    assert checked.code == 0
    assert "题数  0" in checked.out


def test_stats_count_by_profession_type_chapter_and_answer(bench: CommandBench) -> None:
    result = bench.run("bank", "stats", str(bench.bank))
    document = json.loads(bench.run("bank", "stats", "--json", str(bench.bank)).out)
    assert result.code == 0
    assert result.out.startswith("共 6 题\n\n专业  题数   占比\n变电     4  66.7%\n配电     2  33.3%\n")
    assert "变电安规 5    " in result.out
    assert document["by_type"] == {"单选题": 4, "多选题": 1, "判断题": 1}
    assert document["single_letters"]["B"] == {"count": 3, "share": 0.75}


def test_search_finds_words_and_numbers_in_the_usual_bank(bench: CommandBench) -> None:
    result = bench.run("bank", "search", "雷雨", "绝缘靴")
    assert result.code == 0
    assert result.out == (
        f"1. {BOOTS.stem}（变电，单选题）\n     A. 绝缘鞋\n     B. 绝缘靴\n     C. 雨靴\n   答案：B\n"
        "   依据：变电安规 5.2\n   出处：小题库.xlsx:题库:3\n\n"
    )


def test_the_json_of_search_is_one_document(bench: CommandBench) -> None:
    document = json.loads(bench.run("bank", "search", "--json", "--limit", "1", "高压室", "3").out)
    (hit,) = document["hits"]
    assert document["words"] == ["高压室", "3"]
    assert (hit["id"], hit["stem"], hit["letters"]) == (KEYS.id, KEYS.stem, ["B"])
    assert hit["sources"] == ["小题库.xlsx:题库:2"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["没有的词"], 0, "6 题里没有一题有"),
        (["  "], 2, "没有要找的词"),
        (["x", "--bank", "off"], 2, "off"),
        (["x", "--limit", "0"], 2, "--limit"),
    ],
)
def test_a_search_that_finds_nothing_says_so(
    bench: CommandBench, arguments: list[str], code: int, said: str
) -> None:
    result = bench.run("bank", "search", *arguments)
    assert (result.code, said in result.out + result.err) == (code, True)


def modules_after(arguments: Sequence[str], home: Path) -> set[str]:
    program = (
        "import sys\nfrom xiaoan.cli.app import run\nfrom xiaoan.cli.services import Services\n"
        f"run({list(arguments)!r}, Services())\nprint()\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        check=True,
        env={
            "XIAOAN_HOME": str(home),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONIOENCODING": "utf-8",
        },
    )
    return set(done.stdout.split("\n")[-2].split())


def test_looking_after_banks_never_loads_a_model_library(bench: CommandBench, tmp_path: Path) -> None:
    bank = str(bench.bank)
    for arguments in (
        ["check", bank],
        ["convert", bank, str(tmp_path / "b.xlsx")],
        ["stats", bank],
        ["search", "绝缘", "--bank", bank],
    ):
        loaded = modules_after(["bank", *arguments], tmp_path / "home")
        assert not loaded & {"torch", "transformers", "pandas"}, arguments
