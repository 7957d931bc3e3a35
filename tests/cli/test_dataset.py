import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.bench import CommandBench
from xiaoan.training.data.pair_files import read_pairs

HEADER = "专业,题型,题目内容,题目依据条款,选项,正确答案"
TEMPLATE = Path(__file__).parents[2] / "question_banks" / "templates" / "现场点巡检.toml"


def build(bench: CommandBench, out: Path, *arguments: str) -> Path:
    result = bench.run("dataset", "build", "--out", str(out), *arguments)
    assert (result.code, result.err) == (0, "")
    return out


def test_a_bank_becomes_a_file_of_pairs_and_the_page_says_what_stands_in_it(
    bench: CommandBench, tmp_path: Path
) -> None:
    out = tmp_path / "数据.json"
    result = bench.run("dataset", "build", "--out", str(out), "--form", "options", "--form", "plain")
    assert result.code == 0
    assert f"已写到 {out}：12 条" in result.out
    assert "形式    plain、options" in result.out
    assert "个题目有不同的答案（如不同专业的同一道题），学不会" in result.out
    assert len(read_pairs(out)) == 12


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_the_same_questions_and_seed_are_the_same_bytes(
    bench: CommandBench, tmp_path: Path, name: str
) -> None:
    arguments = ("--form", "all", "--unanswerable", "0.2", "--copies", "3", "--seed", "5")
    first = build(bench, tmp_path / name, *arguments).read_bytes()
    moved = tmp_path / "另一处" / "另名.xlsx"
    moved.parent.mkdir()
    moved.write_bytes(bench.bank.read_bytes())
    again = build(bench, tmp_path / f"again-{name}", *arguments, "--bank", str(moved)).read_bytes()
    assert again == first
    assert build(bench, tmp_path / f"other-{name}", *arguments[:-1], "6").read_bytes() != first


def test_the_hash_seed_of_a_process_changes_no_byte(bench: CommandBench, tmp_path: Path) -> None:
    words = ["dataset", "build", "--form", "all", "--unanswerable", "0.3", "--split", "group:0.3", "--out"]
    assert bench.run(*words, str(tmp_path / "here.json")).code == 0
    subprocess.run(
        [sys.executable, "-m", "xiaoan", *words, str(tmp_path / "there.json")],
        env={**os.environ, **bench.environ, "PYTHONHASHSEED": "77"},
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
        timeout=120,
    )
    for part in ("train", "validation"):
        here, there = ((tmp_path / f"{name}-{part}.json").read_bytes() for name in ("here", "there"))
        assert here == there


def test_a_split_writes_two_files_and_the_json_tells_what_was_held_out(
    bench: CommandBench, tmp_path: Path
) -> None:
    arguments = ("--split", "profession:配电", "--json", "--seed", "3")
    result = bench.run("dataset", "build", "--out", str(tmp_path / "a.jsonl"), *arguments)
    document = json.loads(result.out)
    train, validation = document["files"]
    assert (Path(train["file"]).name, Path(validation["file"]).name) == (
        "a-train.jsonl",
        "a-validation.jsonl",
    )
    assert (train["pairs"], validation["pairs"], document["questions"]) == (4, 2, 6)
    assert document["split"]["professions"] == ["配电"]
    assert (document["split"]["train"], document["split"]["held_out"], document["seed"]) == (4, 2, 3)
    assert not (tmp_path / "a.jsonl").exists()


def test_a_file_that_is_there_is_kept_unless_forced(bench: CommandBench, tmp_path: Path) -> None:
    out = build(bench, tmp_path / "a.json")
    out.write_text("别动", encoding="utf-8")
    result = bench.run("dataset", "build", "--out", str(out))
    assert result.code == 2
    assert "已经有了，没有覆盖" in result.err
    assert out.read_text(encoding="utf-8") == "别动"
    (tmp_path / "b-validation.json").write_text("别动", encoding="utf-8")
    assert bench.run("dataset", "build", "--out", str(tmp_path / "b.json"), "--split", "random:0.3").code == 2
    assert not (tmp_path / "b-train.json").exists()
    build(bench, out, "--force")
    assert len(read_pairs(out)) == 6


def test_rows_without_an_answer_are_left_out_and_counted(bench: CommandBench, tmp_path: Path) -> None:
    rows = [
        HEADER,
        "变电,填空题,应先（ ）后接地,,,验电",
        "变电,填空题,应先（ ）后拆除,,,",
        "变电,简答题,怎样验电,,,先试后验",
    ]
    bank = tmp_path / "b.csv"
    bank.write_text("\n".join(rows), encoding="utf-8")
    out = tmp_path / "a.json"
    result = bench.run("dataset", "build", "--bank", str(bank), "--form", "all", "--out", str(out))
    assert "1 行被拒收（没有答案等），没有写" in result.out
    assert "2 题没有选项或是填空、简答题，只按 plain 写" in result.out
    assert [pair.summary for pair in read_pairs(out)] == ["验电", "先试后验"]
    bank.write_text("\n".join([HEADER, "变电,填空题,应先（ ）后接地,,,"]), encoding="utf-8")
    empty = bench.run("dataset", "build", "--bank", str(bank), "--out", str(tmp_path / "b.json"))
    assert (empty.code, "没有一道题" in empty.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "a.csv"), "要以 .json 或 .jsonl 结尾"),
        (("--out", "a.json", "--form", "口语"), "没有「口语」这种形式"),
        (("--out", "a.json", "--split", "一成"), "看不懂 --split"),
        (("--out", "a.json", "--unanswerable", "0.9"), "占 0 到 0.5"),
        (("--out", "a.json", "--count", "5"), "--count 要和 --template 一起用"),
        (("--out", "a.json", "--template", "t.toml", "--form", "all"), "不能再写"),
        (("--out", "a.json", "--bank", "off"), "题库用 off 关掉了"),
        (("--out", "无此夹/a.json"), "文件夹 .*无此夹 不存在"),
        ((), "少了文件"),
    ],
)
def test_a_wrong_order_is_refused_before_anything_is_written(
    bench: CommandBench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = bench.run("dataset", "build", *arguments)
    assert result.code == 2
    assert message.split(" .*")[0] in result.err
    assert not list(tmp_path.glob("a*"))


def test_a_template_makes_pairs_and_may_be_split(bench: CommandBench, tmp_path: Path) -> None:
    arguments = ("--template", str(TEMPLATE), "--count", "60", "--split", "random:0.2")
    out = tmp_path / "t.json"
    result = bench.run("dataset", "build", *arguments, "--out", str(out))
    assert (result.code, "留出 12 条（20.0%），学 48 条" in result.out) == (0, True)
    first = (tmp_path / "t-train.json").read_bytes()
    assert bench.run("dataset", "build", *arguments, "--out", str(out), "--force").code == 0
    assert (tmp_path / "t-train.json").read_bytes() == first


def test_a_sound_file_passes_and_a_spoilt_one_ends_with_one(bench: CommandBench, tmp_path: Path) -> None:
    sound = tmp_path / "好.jsonl"
    sound.write_text('{"content": "钥匙几把", "summary": "3"}\n', encoding="utf-8")
    result = bench.run("dataset", "check", str(sound))
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("✓ 没有发现问题。\n")
    spoilt = tmp_path / "坏.jsonl"
    records = [{"content": "钥匙几把", "summary": "3" * 80}, {"content": "谁保管", "summary": ""}]
    spoilt.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    result = bench.run("dataset", "check", str(sound), str(spoilt))
    assert result.code == 1
    for words in (
        "截断 1 条",
        "第 1 行：题目",
        "空的 1 条",
        "两个文件里都有 1 个题目",
        "✗ 有会影响训练的问题",
    ):
        assert words in result.out


def test_the_json_of_a_check_has_the_keys_that_scripts_rely_on(bench: CommandBench, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"q": "钥匙几把", "a": "3"}, {"q": "钥匙几把", "a": "5"}]', encoding="utf-8")
    columns = ("--prompt-column", "q", "--response-column", "a", "--max-source-length", "4")
    result = bench.run("dataset", "check", str(path), *columns, "--json")
    document = json.loads(result.out)
    (file,) = document["files"]
    assert (result.code, document["spoilt"], document["across"]) == (1, True, [])
    assert (file["pairs"], file["records_are_lines"], file["empty"], file["duplicates"]) == (2, False, [], [])
    assert [answer["records"] for answer in file["contradictions"][0]["answers"]] == [[1], [2]]
    assert (file["source"]["limit"], file["source"]["cut"], file["cut"][0]["record"]) == (3, 2, 1)
    assert sum(bucket["count"] for bucket in file["target"]["histogram"]) == 2


def test_a_file_that_is_no_data_ends_with_two(bench: CommandBench, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes('{"content": "题", "summary": "答"}'.encode("gbk"))
    assert bench.run("dataset", "check", str(tmp_path / "a.json")).code == 2
    assert "看起来是 GBK" in bench.run("dataset", "check", str(tmp_path / "a.json")).err
    three = bench.run("dataset", "check", "a.json", "b.json", "c.json")
    assert (three.code, "现在写了 3 个" in three.err) == (2, True)
