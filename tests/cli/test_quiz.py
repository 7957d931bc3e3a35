import json
import re
from pathlib import Path

import pytest

from tests.cli.bench import CommandBench
from tests.cli.study_bank import study_bank

PLACE = re.compile(r"第 (\d+)/(\d+) 题")


def test_a_paper_answered_from_a_pipe_is_handed_in_and_scored(study_bench: CommandBench) -> None:
    keys = "对\n" * 6 + "交卷\n交卷\n"
    result = study_bench.run("quiz", "--type", "判断", "--count", "6", stdin=keys.encode())
    assert (result.code, result.err) == (0, "")
    assert "模拟测验　6 题　卷号 123456" in result.out
    assert "3 分，满分 6 分，得分率 50%" in result.out
    assert "不及格（80% 及格）" in result.out


def test_the_end_of_the_input_leaves_the_paper_to_be_gone_on_with(study_bench: CommandBench) -> None:
    assert study_bench.run("测验", "--count", "5", stdin=b"A\n").code == 0
    again = study_bench.run("quiz", "--count", "5")
    assert "上次的测验还没做完（1/5 题），接着做用 xiaoan quiz --resume" in again.out
    resumed = study_bench.run("quiz", "--resume")
    assert PLACE.findall(resumed.out)[0] == ("2", "5")


def test_the_same_number_is_the_same_paper_letter_by_letter(study_bench: CommandBench) -> None:
    first, again = (study_bench.run("quiz", "--seed", "9", "--no-save", stdin=b"+\n" * 18) for _ in range(2))
    assert first.out == again.out
    assert len(set(PLACE.findall(first.out))) == 18


def test_what_the_bank_is_short_of_is_said_at_the_beginning(study_bench: CommandBench) -> None:
    shown = study_bench.run("quiz", "--no-save").out
    assert shown.index("多选题") < shown.index("第 1/18 题")
    assert "4 道" in shown


def test_a_kind_of_question_takes_the_whole_count(study_bench: CommandBench) -> None:
    shown = study_bench.run("quiz", "--type", "single", "--count", "8", "--no-save").out
    assert "第 1/8 题" in shown


def test_minutes_end_the_paper_and_none_is_without_end(study_bench: CommandBench) -> None:
    study_bench.run("quiz", "--count", "5", "--minutes", "30", stdin=b"A\n")
    state = study_bench.sit("quiz", "--resume", keys="交卷\r交卷\r")
    assert "成绩" in state.out
    unlimited = study_bench.run("quiz", "--count", "5", "--minutes", "0", stdin=b"A\n")
    assert unlimited.code == 0


def test_results_are_written_in_every_format_named(study_bench: CommandBench, tmp_path: Path) -> None:
    files = [tmp_path / f"成绩.{suffix}" for suffix in ("xlsx", "json", "html")]
    options = [part for file in files for part in ("--export", str(file))]
    keys = "对\n" * 6 + "交卷\n交卷\n"
    result = study_bench.run("quiz", "--type", "判断", "--count", "6", *options, stdin=keys.encode())
    assert result.code == 0
    assert all(f"成绩写好了：{file}" in result.out for file in files)
    document = json.loads(files[1].read_text(encoding="utf-8"))
    assert (document["user"], document["earned"], document["points"]) == ("张三", 3, 6)
    assert document["when"] == "2026-06-01T09:00:00+08:00"


@pytest.mark.parametrize(
    ("name", "said"), [("成绩.pdf", ".xlsx"), ("没有/成绩.html", "不存在"), ("小题库.xlsx", "--force")]
)
def test_a_result_that_could_not_be_written_is_said_before_the_paper_is_sat(
    study_bench: CommandBench, tmp_path: Path, name: str, said: str
) -> None:
    result = study_bench.run("quiz", "--export", str(tmp_path / name))
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_a_paper_that_is_not_handed_in_writes_no_result(study_bench: CommandBench, tmp_path: Path) -> None:
    study_bench.run("quiz", "--count", "5", "--export", str(tmp_path / "成绩.html"), stdin=b"A\n")
    assert not (tmp_path / "成绩.html").exists()


def test_a_paper_is_printed_with_its_number_and_not_sat(study_bench: CommandBench, tmp_path: Path) -> None:
    page = tmp_path / "试卷.html"
    result = study_bench.run("quiz", "--count", "5", "--print", str(page))
    assert result.code == 0
    assert "5 题，卷号 123456" in result.out
    assert "答题卡" in page.read_text(encoding="utf-8")
    assert not (study_bench.home / "progress.sqlite").exists()


def test_the_printed_paper_is_the_one_that_is_sat(study_bench: CommandBench, tmp_path: Path) -> None:
    page = tmp_path / "试卷.html"
    study_bench.run("quiz", "--count", "5", "--seed", "4", "--print", str(page))
    sat = study_bench.run("quiz", "--count", "5", "--seed", "4", "--no-save", stdin=b"+\n" * 5).out
    printed = page.read_text(encoding="utf-8")
    stems = [one.stem for one in study_bank() if one.stem in sat]
    assert len(stems) == 5
    assert sorted(stems, key=sat.index) == sorted(stems, key=printed.index)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--print", "a.html", "--resume"), "--print"),
        (("--print", "a.xlsx"), ".html"),
        (("--resume", "--minutes", "5"), "--minutes"),
        (("--resume", "--seed", "0"), "--seed"),
        (("--blueprint", "nowhere.toml"), "nowhere.toml"),
        (("--minutes", "-1"), "不能小于 0"),
        (("--seed", "-1"), "不能小于 0"),
        (("--resume",), "没有可以接着做的测验"),
    ],
)
def test_what_cannot_be_done_is_one_message_with_code_two(
    study_bench: CommandBench, arguments: tuple[str, ...], said: str
) -> None:
    result = study_bench.run("quiz", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_a_blueprint_of_ones_own_makes_the_paper(study_bench: CommandBench, tmp_path: Path) -> None:
    plan = tmp_path / "班组.toml"
    plan.write_text(
        'title = "班组小测"\nminutes = 5\npass_percent = 60\n[[parts]]\ntype = "判断题"\ncount = 3\npoints = 2\n',
        encoding="utf-8",
    )
    keys = "对\n" * 3 + "交卷\n交卷\n"
    result = study_bench.run("quiz", "--blueprint", str(plan), stdin=keys.encode())
    assert "班组小测　3 题" in result.out
    assert "满分 6 分" in result.out
    assert "60% 及格" in result.out


def test_part_of_the_right_options_earns_what_the_setting_says(study_bench: CommandBench) -> None:
    paper = ("quiz", "--search", "避雷器", "--type", "多选", "--count", "1")
    keys = "避雷针\n交卷\n交卷\n".encode()
    assert "0 分，满分 2 分" in study_bench.run(*paper, stdin=keys).out
    study_bench.environ["XIAOAN_PARTIAL_CREDIT"] = "half"
    assert "1 分，满分 2 分" in study_bench.run(*paper, stdin=keys).out


def test_the_bot_sits_the_paper_too(study_bench: CommandBench) -> None:
    study_bench.engine.enqueue("1000")
    result = study_bench.sit(
        "quiz",
        "--search",
        "低压 交流",
        "--type",
        "单选",
        "--count",
        "1",
        "--with-bot",
        keys="A\r\r交卷\r交卷\r",
    )
    assert "🤖 1000" in result.out
    assert result.code == 0


def test_without_the_bot_it_is_not_asked_in_an_exam(study_bench: CommandBench) -> None:
    result = study_bench.sit("quiz", "--count", "5", keys="?\rA\rexit\r")
    assert "--with-bot" in result.out
    assert study_bench.loaded_with == []


def test_a_question_is_shown_in_the_middle_of_a_narrow_terminal(study_bench: CommandBench) -> None:
    result = study_bench.sit("quiz", "--count", "5", keys="A\rexit\r", width=50)
    assert result.code == 0
    assert "第 1/5 题" in result.out
