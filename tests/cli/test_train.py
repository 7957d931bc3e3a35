"""`xiaoan train`: a run from the command line, and what is refused before any work."""

import json
from pathlib import Path

from tests.cli.bench import CommandBench

RECORD = {
    "statements": ["雷雨天气巡视要穿绝缘靴。"],
    "false_statements": ["雷雨天气巡视要穿布鞋。"],
    "questions": ["雷雨天巡视穿什么鞋？"],
    "answer": ["绝缘靴"],
}


def write_texts(folder: Path) -> Path:
    path = folder / "语料.jsonl"
    path.write_text(json.dumps(RECORD, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def test_base_and_prefix_are_trained_by_two_commands(bench: CommandBench, tmp_path: Path) -> None:
    texts, base, prefix = write_texts(tmp_path), tmp_path / "base", tmp_path / "prefix"
    done = bench.run(
        *("train", "base", "--texts", str(texts), "--output", str(base)),
        *("--run-folder", str(tmp_path / "run-base"), "--max-steps", "1"),
    )
    assert done.code == 0, done.err
    assert "训练完成" in done.err
    done = bench.run(
        *("train", "ptuning", "--model", str(base), "--output", str(prefix), "--pre-seq-len", "4"),
        *("--run-folder", str(tmp_path / "run-prefix"), "--max-steps", "1"),
    )
    assert done.code == 0, done.err
    card = json.loads((prefix / "prefix.json").read_text(encoding="utf-8"))
    assert card["base"] == "base"
    assert card["pre_seq_len"] == 4


def test_an_output_folder_with_files_in_it_is_not_overwritten(bench: CommandBench, tmp_path: Path) -> None:
    texts = write_texts(tmp_path)
    done = bench.run("train", "base", "--texts", str(texts), "--output", str(tmp_path))
    assert done.code == 2
    assert "不会覆盖" in done.err


def test_a_prefix_is_not_overwritten_either(bench: CommandBench, tmp_path: Path) -> None:
    write_texts(tmp_path)
    done = bench.run("train", "ptuning", "--output", str(tmp_path))
    assert done.code == 2
    assert "不会覆盖" in done.err


def test_a_learning_rate_of_zero_is_refused_not_replaced(bench: CommandBench, tmp_path: Path) -> None:
    done = bench.run("train", "ptuning", "--output", str(tmp_path / "p"), "--learning-rate", "0")
    assert done.code == 2
    assert "learning_rate=0.0" in done.err


def test_a_broken_line_of_texts_is_named(bench: CommandBench, tmp_path: Path) -> None:
    texts = write_texts(tmp_path)
    texts.write_text(texts.read_text(encoding="utf-8") + '{"statements": []}\n', encoding="utf-8")
    done = bench.run("train", "base", "--texts", str(texts), "--output", str(tmp_path / "base"))
    assert done.code == 2
    assert "第 2 行" in done.err


def test_a_missing_bank_is_refused_before_the_model_is_read(bench: CommandBench, tmp_path: Path) -> None:
    missing = tmp_path / "没有.xlsx"
    done = bench.run("train", "ptuning", "--bank", str(missing), "--output", str(tmp_path / "p"))
    assert done.code == 2
    assert str(missing) in done.err
