"""`xiaoan train`: a run from the command line, and what is refused before any work."""

import errno
import io
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.cli.bench import CommandBench
from tests.fakes import BOOTS
from tests.training.tiny_base import base_folder
from xiaoan.assistant.chatglm_engine import load_engine
from xiaoan.chatglm.checkpoint import load_checkpoint
from xiaoan.errors import PrefixMismatchError
from xiaoan.training.data.pair_files import write_pairs
from xiaoan.training.data.pairs import Pair

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


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("base"))


def tuning(base: Path, output: Path, *more: str, method: str = "ptuning", steps: int = 3) -> tuple[str, ...]:
    own = ("--pre-seq-len", "4") if method == "ptuning" else ()
    own = (*own, "--no-calibrate") if method != "full" else own
    words = ("train", method, "--model", str(base), "--output", str(output), "--max-steps", str(steps))
    return (*words, "--batch-size", "4", "--device", "cpu", *own, *more)


def test_a_base_is_trained_by_one_command(bench: CommandBench, tmp_path: Path) -> None:
    done = bench.run(
        *("train", "base", "--texts", str(write_texts(tmp_path)), "--output", str(tmp_path / "base")),
        *("--run-folder", str(tmp_path / "run-base"), "--max-steps", "1"),
    )
    assert done.code == 0, done.err
    assert "训练完成" in done.err


def test_a_prefix_is_trained_on_a_bank_and_answers(bench: CommandBench, base: Path, tmp_path: Path) -> None:
    done = bench.run(*tuning(base, tmp_path / "p", "--calibrate"))
    assert done.code == 0, done.err
    assert "6 题（单选题 4、多选题 1、判断题 1）" in done.err
    assert "按命令行改了：步数 3" in done.err
    for word in ("训练前", "训练后", "95% 置信区间", "单选题", f"--prefix {tmp_path / 'p'}"):
        assert word in done.out
    card = json.loads((tmp_path / "p" / "prefix.json").read_text(encoding="utf-8"))
    assert (card["base"], card["pre_seq_len"], card["forms"]) == ("base", 4, ["plain"])
    names = {path.name for path in (tmp_path / "p").iterdir()}
    assert names >= {"prefix.safetensors", "run.json", "metrics.jsonl", "report.html"}
    assert "state" not in names
    run_card = json.loads((tmp_path / "p" / "run.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in run_card["confidence"]["sets"]] == ["题库原题", "题库漏字", "题外题"]
    engine = load_engine(base, tmp_path / "p", "cpu")
    assert engine.info.calibration is not None
    assert engine.info.warnings == ()
    assert "把握：学过的题" in done.err


def test_json_is_the_run_card_and_nothing_else(bench: CommandBench, base: Path, tmp_path: Path) -> None:
    words = tuning(base, tmp_path / "p", "--json", "--form", "all", "--split", "random:0.3")
    done = bench.run(*words)
    document = json.loads(done.out)
    assert document == json.loads((tmp_path / "p" / "run.json").read_text(encoding="utf-8"))
    assert document["forms"] == ["plain", "options", "spoken"]
    held_out = len(document["data"]["split"]["held_out_items"])
    assert document["after"]["accuracy"]["by_type"]["没学过的题"]["asked"] == held_out > 0
    again = bench.run(*words, "--resume")
    assert (again.code, json.loads(again.out)) == (0, document)
    assert "早已做完" in again.err


def test_an_adapter_is_trained_used_and_merged(bench: CommandBench, base: Path, tmp_path: Path) -> None:
    done = bench.run(*tuning(base, tmp_path / "a", "--rank", "2", "--merge", method="lora"))
    assert done.code == 0, done.err
    assert f"--lora {tmp_path / 'a'}" in done.out
    load_checkpoint(tmp_path / "a" / "merged", device="cpu")
    engine = load_engine(base, "off", "cpu", lora=tmp_path / "a")
    assert (engine.info.lora, engine.info.forms) == ("a", frozenset({"plain"}))


def test_a_whole_model_is_trained(bench: CommandBench, base: Path, tmp_path: Path) -> None:
    done = bench.run(*tuning(base, tmp_path / "m", method="full"))
    assert done.code == 0, done.err
    assert load_checkpoint(tmp_path / "m", device="cpu").model_card["forms"] == ["plain"]


def test_files_are_learnt_predicted_and_exported(bench: CommandBench, base: Path, tmp_path: Path) -> None:
    data = tmp_path / "数据.jsonl"
    write_pairs(data, [Pair("雷雨天巡视穿什么鞋?", "绝缘靴"), Pair("钥匙至少几把?", "3")])
    files = ("--train-file", str(data), "--validation-file", str(data), "--export", "original")
    done = bench.run(*tuning(base, tmp_path / "p", *files))
    assert done.code == 0, done.err
    assert "没学过的数据" in done.out
    assert "验证文件 2 条：逐字相同" in done.out
    lines = (tmp_path / "p" / "generated_predictions.txt").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["labels"] for line in lines] == ["绝缘靴", "3"]
    load_checkpoint(base, prefix=tmp_path / "p" / "original", device="cpu")


class Interrupting(io.StringIO):
    """A stream that presses Ctrl-C, once for each time that `mark` is to be seen first."""

    def __init__(self, *marks: str) -> None:
        super().__init__()
        self.marks = list(marks)

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.marks and self.marks[0] in text:
            self.marks.pop(0)
            os.kill(os.getpid(), signal.SIGINT)
        return written


def test_ctrl_c_saves_and_names_the_command_that_goes_on(
    bench: CommandBench, base: Path, tmp_path: Path
) -> None:
    words = tuning(base, tmp_path / "名 字", steps=30)
    stopped = bench.run(*words, err=Interrupting("第 1/30 步"))
    assert stopped.code == 130
    assert "这就停下：做完这一步就保存" in stopped.err
    command = stopped.err.splitlines()[-1].strip()
    assert shlex.split(command) == ["xiaoan", *words, "--resume"]
    assert "没有做完的训练" in bench.run(*words).err
    assert bench.run(*shlex.split(command)[1:]).code == 0


class Vanishing(Interrupting):
    """As `| tee`: Ctrl-C ends who is at the other end of the pipe too."""

    def write(self, text: str) -> int:
        if not self.marks:
            raise BrokenPipeError(errno.EPIPE, "closed pipe")
        return super().write(text)


def test_a_reader_that_ctrl_c_ends_too_costs_no_progress(
    bench: CommandBench, base: Path, tmp_path: Path
) -> None:
    words = tuning(base, tmp_path / "p", steps=30)
    assert bench.run(*words, err=Vanishing("第 1/30 步")).code == 130
    assert list((tmp_path / "p" / "state").glob("step-*.pt"))
    assert "步接着训练" in bench.run(*words, "--resume").err


def test_a_second_ctrl_c_stops_at_once(bench: CommandBench, base: Path, tmp_path: Path) -> None:
    stopped = bench.run(*tuning(base, tmp_path / "p", steps=30), err=Interrupting("第 1/30 步", "这就停下"))
    assert stopped.code == 130
    assert "立即停下了。还没有保存过进度" in stopped.err


def test_ctrl_c_in_the_exam_before_training_is_heeded(
    bench: CommandBench, base: Path, tmp_path: Path
) -> None:
    stopped = bench.run(*tuning(base, tmp_path / "p"), err=Interrupting("考一遍"))
    assert stopped.code == 130
    assert "考到一半停下了" in stopped.err


def test_an_output_folder_with_files_in_it_is_not_overwritten(bench: CommandBench, tmp_path: Path) -> None:
    texts = write_texts(tmp_path)
    done = bench.run("train", "base", "--texts", str(texts), "--output", str(tmp_path))
    assert done.code == 2
    assert "不会覆盖" in done.err


def test_a_prefix_is_not_overwritten_either(bench: CommandBench, tmp_path: Path) -> None:
    write_texts(tmp_path)
    done = bench.run("train", "ptuning", "--output", str(tmp_path))
    assert done.code == 2
    assert "已经有别的文件" in done.err


def test_a_learning_rate_of_zero_is_refused_not_replaced(
    bench: CommandBench, base: Path, tmp_path: Path
) -> None:
    done = bench.run(*tuning(base, tmp_path / "p", "--learning-rate", "0"))
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


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--train-file", "a.jsonl", "--template", "b.toml"), "只能用一个"),
        (("--train-file", "a.jsonl", "--form", "plain"), "--form 只用于题库"),
        (("--form", "sung"), "没有「sung」这种问法"),
        (("--mix", "a.jsonl"), "应写成 文件:份额"),
        (("--mix", "a.jsonl:1.5"), "份额在 0 和 1 之间"),
        (("--bank", "off"), "没有题可学"),
        (("--count", "5"), "--template"),
        (("--gradient-checkpointing", "yes"), "auto、on、off"),
        (("--max-steps", "0"), "不能小于 1"),
    ],
)
def test_wrong_words_are_refused_before_the_model_is_read(
    bench: CommandBench, tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    done = bench.run("train", "ptuning", "--model", "没有", "--output", str(tmp_path / "p"), *more)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "p").exists()


def test_a_bank_without_a_single_answer_says_why_no_question_is_left(
    bench: CommandBench, tmp_path: Path
) -> None:
    workbook = Workbook()
    assert workbook.active is not None
    workbook.active.append(["专业", "题型", "题目内容", "题目依据条款", "选项", "正确答案"])
    for number in range(3):
        workbook.active.append(["变电", "单选题", f"第 {number} 号柜有（ ）层。", "", "A. 1,B. 2", ""])
    workbook.save(tmp_path / "空.xlsx")
    done = bench.run("train", "lora", "--bank", str(tmp_path / "空.xlsx"), "--output", str(tmp_path / "p"))
    assert done.code == 2
    assert "没有题可学" in done.err
    assert "没有答案 3 行" in done.err


def test_one_question_can_be_learnt_and_is_said_to_prove_nothing(
    bench: CommandBench, base: Path, tmp_path: Path
) -> None:
    bench.replace_bank([BOOTS])
    done = bench.run(*tuning(base, tmp_path / "p"))
    assert done.code == 0, done.err
    assert "只有 1 条可学" in done.err


def test_a_prefix_of_another_base_is_refused(bench: CommandBench, base: Path, tmp_path: Path) -> None:
    assert bench.run(*tuning(base, tmp_path / "p", steps=1)).code == 0
    other = base_folder(tmp_path / "other", seed=2)
    with pytest.raises(PrefixMismatchError, match="另一个底座"):
        load_engine(other, tmp_path / "p", "cpu")


@pytest.mark.slow
def test_two_processes_train_as_one_and_only_the_first_speaks(base: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "XIAOAN_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    program = (sys.executable, "-m")
    launcher = (*program, "torch.distributed.run", "--nproc_per_node", "2", "-m", "xiaoan")
    printed = [
        subprocess.run(
            [*start, *tuning(base, tmp_path / name, "--json")],
            capture_output=True, check=True, text=True, encoding="utf-8", env=environ,
        )
        for name, start in (("one", (*program, "xiaoan")), ("two", launcher))
    ]  # fmt: skip
    one, two = (json.loads(done.stdout) for done in printed)
    assert (one["processes"], two["processes"]) == (1, 2)
    assert two["final_loss"] == pytest.approx(one["final_loss"], rel=1e-4)
    assert printed[1].stderr.count("读入底座") == 1
