import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.bench import CommandBench
from tests.cli.study_bank import study_bank
from xiaoan.config import default_paths

PLACE = re.compile(r"第 (\d+)/(\d+) 题")


def test_a_paper_answered_from_a_pipe_is_handed_in_and_scored(study_bench: CommandBench) -> None:
    keys = "对\n" * 6 + "交卷\n交卷\n"
    result = study_bench.run("quiz", "--type", "判断", "--count", "6", stdin=keys.encode())
    assert (result.code, result.err) == (0, "")
    assert "模拟测验，6 题，卷号 123456\n6 分钟，满分 6 分，80% 及格\n" in result.out
    assert "3 分，满分 6 分，得分率 50%" in result.out
    assert "不及格（80% 及格）" in result.out


def test_the_end_of_the_input_leaves_the_paper_to_be_gone_on_with(study_bench: CommandBench) -> None:
    assert study_bench.run("测验", "--count", "5", stdin=b"A\n").code == 0
    again = study_bench.run("quiz", "--count", "5")
    assert "上次的测验还没做完（1/5 题）。\n接着做用 xiaoan quiz --resume" in again.out
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
        (("--minutes", "inf"), "不是分钟数；不限时写 0"),
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
    assert "班组小测，3 题" in result.out
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


HANDED_IN = ("对\n" * 6 + "交卷\n交卷\n").encode()
JUDGE_PAPER = ("quiz", "--type", "判断", "--count", "6")


def test_the_last_result_is_shown_again_as_it_was(study_bench: CommandBench) -> None:
    sat = study_bench.run(*JUDGE_PAPER, stdin=HANDED_IN).out
    assert "再看或导出这份成绩用 xiaoan quiz --last" in sat
    study_bench.bank.unlink()  # the paper holds its questions
    again = study_bench.run("测验", "--last")
    assert again.out.startswith("2026-06-01 09:00 交的卷。\n模拟测验：成绩\n3 分，满分 6 分，得分率 50%\n")
    assert again.out.split("交的卷。\n")[1].rstrip() in sat
    assert again.code == 0


def test_the_last_result_is_written_with_the_time_of_handing_in(
    study_bench: CommandBench, tmp_path: Path
) -> None:
    study_bench.run(*JUDGE_PAPER, stdin=HANDED_IN)
    study_bench.now += timedelta(days=2)
    file = tmp_path / "成绩.json"
    assert study_bench.run("quiz", "--last", "--export", str(file)).code == 0
    document = json.loads(file.read_text(encoding="utf-8"))
    assert (document["user"], document["earned"], document["when"]) == (
        "张三",
        3,
        "2026-06-01T09:00:00+08:00",
    )
    refused = study_bench.run("quiz", "--last", "--export", str(file))
    assert (refused.code, refused.out) == (2, "")
    assert study_bench.run("quiz", "--last", "--export", str(file), "--force").code == 0


def test_a_result_that_cannot_be_written_after_all_is_not_lost(
    study_bench: CommandBench, tmp_path: Path
) -> None:
    twice = [
        "--export",
        str(tmp_path / "成绩.html"),
    ] * 2  # free before the paper, taken by the first after it
    result = study_bench.run(*JUDGE_PAPER, *twice, stdin=HANDED_IN)
    assert result.code == 2
    assert "成绩没有丢，再导出用 xiaoan quiz --last --export 文件" in result.err
    assert "3 分，满分 6 分" in study_bench.run("quiz", "--last").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--last",), "张三 还没有交过卷"),
        (("--last", "--resume"), "--last 只看上次的成绩，不能再写 --resume。去掉它们，或去掉 --last。"),
        (("--last", "--count", "5", "--minutes", "0", "--no-save"), "--count、--minutes、--no-save"),
        (("--last", "--print", "a.html"), "--print 只写卷子"),
    ],
)
def test_the_last_result_leaves_nothing_to_choose(
    study_bench: CommandBench, arguments: tuple[str, ...], said: str
) -> None:
    result = study_bench.run("quiz", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_a_paper_that_was_not_saved_promises_no_second_look(study_bench: CommandBench) -> None:
    shown = study_bench.run(*JUDGE_PAPER, "--no-save", stdin=HANDED_IN).out
    assert "3 分，满分 6 分" in shown
    assert "--last" not in shown


def test_of_several_unfinished_papers_the_newest_is_gone_on_with_and_the_others_counted(
    study_bench: CommandBench,
) -> None:
    for seed in ("1", "2", "3"):
        study_bench.run("quiz", "--count", "5", "--seed", seed, stdin=b"A\n")
        study_bench.now += timedelta(minutes=1)
    shown = study_bench.sit("quiz", "--resume", keys="交卷\r交卷\r").out
    assert shown.startswith("接着做：模拟测验　5 题　卷号 3\n")
    assert "没做完的测验另外还有 2 份，做完这份再用 --resume 接着做。\n" in shown
    assert shown.endswith("上次的测验还没做完（1/5 题），另外还有 1 份。\n接着做用 xiaoan quiz --resume\n")
    assert "卷号 2\n" in study_bench.sit("quiz", "--resume", keys="\x04").out


def test_a_person_is_told_what_paper_it_is_and_what_to_press(study_bench: CommandBench) -> None:
    shown = study_bench.sit("quiz", "--count", "5", keys="exit\r").out
    assert shown.startswith(
        "模拟测验　5 题　卷号 123456\n5 分钟　满分 6 分　80% 及格\n"
        "输入答案，按 Enter。help 看还能输入什么，Ctrl-D 保存并离开。\n\n第 1/5 题"
    )
    assert "help" not in study_bench.run("quiz", "--count", "5").out


def test_a_paper_is_gone_on_with_though_its_bank_is_gone(study_bench: CommandBench) -> None:
    study_bench.run("quiz", "--count", "5", stdin=b"A\n")
    study_bench.bank.unlink()
    assert PLACE.findall(study_bench.run("quiz", "--resume").out)[0] == ("2", "5")


def test_the_blueprint_of_the_docs_draws_a_whole_paper_from_the_example_bank(
    study_bench: CommandBench, tmp_path: Path
) -> None:
    docs = Path(__file__).parents[2] / "docs" / "modes.md"
    plan = tmp_path / "班组.toml"
    plan.write_text(docs.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0], encoding="utf-8")
    bank = str(default_paths().bank)
    shown = study_bench.run("quiz", "--blueprint", str(plan), "--bank", bank, "--no-save").out
    assert shown.startswith("变电一班月考，18 题，卷号 123456\n30 分钟，满分 34 分，85% 及格\n")
