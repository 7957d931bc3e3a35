import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.cli.bench import CommandBench
from xiaoan import __version__
from xiaoan.chatglm.prefix_checkpoint import PrefixCard, save_prefix
from xiaoan.config import KEYS

HEAVY = ("torch", "transformers", "pandas", "openpyxl", "numpy")


def test_the_version_is_one_line(bench: CommandBench) -> None:
    assert bench.run("--version").out == f"xiaoan {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("ask", "--help"),
        ("doctor", "--help"),
        ("bank", "check", "--help"),
        ("quiz", "--help"),
        ("train", "lora", "--help"),
    ],
)
def test_help_needs_no_heavy_library_and_is_chinese(arguments: tuple[str, ...], tmp_path: Path) -> None:
    program = (
        "import sys\nfrom xiaoan.cli.app import run\nfrom xiaoan.cli.services import Services\n"
        f"code = run({list(arguments)!r}, Services())\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)"
    )
    environ = {
        "PYTHONIOENCODING": "utf-8",
        "XIAOAN_HOME": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environ, encoding="utf-8", check=True
    )
    assert result.stdout.endswith("[] 0\n")
    assert result.stdout.startswith("用法：xiaoan")
    assert "Usage" not in result.stdout
    assert "Show this message" not in result.stdout


def test_every_setting_is_an_option_with_help_but_rules_that_stay_as_they_are(
    bench: CommandBench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run("--help").code == 0
    shown = capsys.readouterr().out
    named = {key for key in KEYS if re.search(f"--{key}[ 、]", shown)}
    assert set(KEYS) - named == {"compile", "partial_credit", "leave_after", "slow_s"}


@pytest.mark.parametrize("command", ["practice", "quiz", "review"])
def test_the_first_question_of_a_bank_read_before_needs_no_heavy_library(
    study_bench: CommandBench, command: str
) -> None:
    study_bench.run("practice", "--type", "判断", "--count", "6", stdin="对\n".encode() * 6)
    heavy = (*HEAVY, "pydantic", "fsrs", "jinja2", "plotext", "rapidfuzz")
    program = (
        "import sys\nfrom xiaoan.cli.app import run\nfrom xiaoan.cli.services import Services\n"
        f"code = run([{command!r}], Services())\n"
        f"print([name for name in {heavy!r} if name in sys.modules], code)"
    )
    environ = {
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "XIAOAN_USER": "张三",
        **study_bench.environ,
    }
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env=environ,
        encoding="utf-8",
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert "第 1/" in result.stdout
    assert result.stdout.endswith("[] 0\n")


@pytest.mark.parametrize("name", ["练习", "测验", "错题", "统计", "进度"])
def test_chinese_names_work_and_are_listed_once_by_their_english_ones(
    bench: CommandBench, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert bench.run(name, "--help").code == 0
    bench.run("--help")
    assert f"\n  {name} " not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--modle", "x"), "没有 --modle 这个选项。是不是"),
        (("高压室",), "没有 高压室 这个命令"),
        (("ask", "--model"), "--model"),
        (("ask", "--seed", "x", "题"), "--seed"),
        (("bank",), "少了命令"),
        (("doctor", "全部"), "后面多了 全部"),
        (("quiz", "--minutes", "x"), "要写数字"),
        (("quiz", "--count", "0"), "不能小于 1"),
        (("bank", "check"), "少了文件"),
        (("ask", "--device", "gpu", "题"), "cuda"),
    ],
)
def test_wrong_usage_is_one_chinese_line_with_code_two(
    bench: CommandBench, arguments: tuple[str, ...], said: str
) -> None:
    result = bench.run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.count("\n") == 1


def test_an_unknown_key_in_the_settings_file_is_an_error(bench: CommandBench, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("colour = 1", encoding="utf-8")
    result = bench.run("ask", "--config", str(tmp_path / "my.toml"), "题目是什么")
    assert result.code == 2
    assert "colour" in result.err


def test_doctor_says_what_is_found_and_missing(bench: CommandBench, tmp_path: Path) -> None:
    result = bench.run("doctor", "--json", "--model", str(tmp_path / "nowhere"))
    document = json.loads(result.out)
    found = {row["name"]: row for row in document["findings"]}
    assert list(document) == ["usable", "findings"]
    assert set(found) >= {"Python", "torch", "显卡", "内存", "模型", "前缀", "题库", "数据文件夹", "终端"}
    assert (result.code, document["usable"], found["模型"]["status"]) == (1, False, "missing")
    assert found["题库"] == {"name": "题库", "status": "ok", "found": "小题库.xlsx（6 题）", "advice": ""}


def test_doctor_ends_with_zero_when_everything_needed_is_there(bench: CommandBench) -> None:
    result = bench.run("doctor", "--model", "THUDM/chatglm-6b")
    assert result.code == 0
    assert result.out.endswith("可以使用。\n")
    assert not bench.home.exists()


def test_doctor_tells_a_model_of_another_generation(bench: CommandBench, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"multi_query_attention": true}', encoding="utf-8")
    result = bench.run("doctor", "--model", str(tmp_path / "model"))
    assert result.code == 1
    assert "ChatGLM2" in result.out


def test_doctor_looks_at_the_adapter_and_at_the_prefix_of_another_precision(
    bench: CommandBench, tmp_path: Path
) -> None:
    card = PrefixCard("小", "0" * 64, 2, False, ("plain",), "", {}, 1, dtype="float16")
    save_prefix({"embedding.weight": torch.zeros(2, 8)}, tmp_path / "p", card)
    flags = ("--lora", str(tmp_path / "无"), "--prefix", str(tmp_path / "p"), "--dtype", "int4")
    result = bench.run("doctor", "--json", *flags)
    found = {item["name"]: item for item in json.loads(result.out)["findings"]}
    assert (found["适配器"]["status"], found["前缀"]["status"]) == ("missing", "warning")
    assert "在 float16 上训练，现在设的是 int4" in found["前缀"]["found"]


def test_doctor_names_a_bank_that_cannot_be_read(bench: CommandBench) -> None:
    result = bench.run("doctor", "--bank", "nowhere.xlsx")
    assert result.code == 1
    assert "✗ 题库" in result.out


def test_of_several_processes_the_others_say_which_they_are(bench: CommandBench) -> None:
    bench.environ.update(WORLD_SIZE="2", RANK="1")
    assert bench.run("exam", "--form", "sung").err.startswith("xiaoan: 进程 1：没有「sung」")
    bench.environ.update(RANK="0")
    assert bench.run("exam", "--form", "sung").err.startswith("xiaoan: 没有「sung」")
