import re

import pytest

from tests.cli.bench import CommandBench
from tests.cli.study_bank import study_bank
from xiaoan.question_bank.question import QuestionType

PLACE = re.compile(r"第 (\d+)/(\d+) 题")


def stems(shown: str) -> list[str]:
    """The stems of the study bank in the order in which they stand in `shown`, each once."""
    found = {one.stem: shown.find(one.stem) for one in study_bank()}
    return sorted((stem for stem in found if found[stem] >= 0), key=lambda stem: found[stem])


def test_answers_from_a_pipe_are_judged_and_the_end_leaves_and_saves(study_bench: CommandBench) -> None:
    result = study_bench.run("practice", "--type", "judge", "--count", "2", stdin="对\n错\n".encode())
    assert (result.code, result.err) == (0, "")
    assert PLACE.findall(result.out) == [("1", "2"), ("2", "2")]
    assert "卷号 123456" in result.out
    assert "答了 2 题" in result.out
    assert "\x1b" not in result.out


def test_answers_from_a_pipe_may_be_gb18030(study_bench: CommandBench) -> None:
    result = study_bench.run("练习", "--type", "判断题", "--count", "1", stdin="错误\n".encode("gb18030"))
    assert "答了 1 题" in result.out


def test_the_same_number_draws_the_same_questions_in_the_same_order(study_bench: CommandBench) -> None:
    first = study_bench.run("practice", "--seed", "7", "--count", "5", "--no-save")
    again = study_bench.run("practice", "--seed", "7", "--count", "5", "--no-save")
    other = study_bench.run("practice", "--seed", "8", "--count", "5", "--no-save")
    assert first.out == again.out
    assert first.out != other.out


def test_questions_never_seen_come_first(study_bench: CommandBench) -> None:
    judge = [one.stem for one in study_bank() if one.question_type is QuestionType.JUDGE]
    keys = "对\n" * 3
    first = study_bench.run("practice", "--type", "判断", "--count", "3", stdin=keys.encode())
    second = study_bench.run("practice", "--type", "判断", "--count", "3", "--seed", "2", stdin=keys.encode())
    assert sorted(stems(first.out) + stems(second.out)) == sorted(judge)


def test_a_round_left_in_the_middle_is_gone_on_with(study_bench: CommandBench) -> None:
    left = study_bench.sit("practice", "--count", "3", "--type", "判断", keys="对\r\rexit\r")
    assert left.code == 0
    assert "practice --resume" in left.out
    resumed = study_bench.sit("practice", "--resume", keys="\x04")
    assert PLACE.findall(resumed.out)[0] == ("2", "3")
    assert stems(resumed.out)[0] == stems(left.out)[1]


def test_without_anything_unfinished_resuming_says_so(study_bench: CommandBench) -> None:
    result = study_bench.run("practice", "--resume")
    assert result.code == 2
    assert "没有可以接着做的练习" in result.err


def test_resuming_takes_no_other_questions(study_bench: CommandBench) -> None:
    result = study_bench.run("practice", "--resume", "--count", "3", "--type", "判断")
    assert result.code == 2
    assert "--type、--count" in result.err


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (("单选",), {"单选题"}),
        (("single", "Multiple"), {"单选题", "多选题"}),
        (("判断题、多选",), {"判断题", "多选题"}),
        (("ＪＵＤＧＥ",), {"判断题"}),
    ],
)
def test_kinds_of_question_have_many_names(
    study_bench: CommandBench, words: tuple[str, ...], kinds: set[str]
) -> None:
    options = [part for word in words for part in ("--type", word)]
    result = study_bench.run("practice", "--answers", *options, stdin=b"\n" * 30)
    by_stem = {one.stem: one.question_type.value for one in study_bank()}
    assert {by_stem[stem] for stem in stems(result.out)} == kinds


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--type", "选择"), "单选题、多选题、判断题"),
        (("--profession", "水电"), "变电、配电"),
        (("--clause", "99.9"), "99.9"),
        (("--count", "0"), "不能小于 1"),
        (("变电",), "后面多了 变电"),
        (("--bank", "off"), "--bank"),
        (("--answers", "--resume"), "--resume"),
    ],
)
def test_what_cannot_be_drawn_says_what_is_possible(
    study_bench: CommandBench, arguments: tuple[str, ...], said: str
) -> None:
    result = study_bench.run("practice", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


@pytest.mark.parametrize("command", ["practice", "quiz", "review"])
def test_a_slip_on_the_command_line_leaves_nothing_on_the_disk(
    study_bench: CommandBench, command: str
) -> None:
    assert study_bench.run(command, "--type", "选择").code == 2
    assert not study_bench.home.exists()


def test_reciting_shows_the_answers_and_keeps_nothing(study_bench: CommandBench) -> None:
    result = study_bench.run("practice", "--answers", "--clause", "变电安规 3", stdin=b"\n")
    assert "1000" in result.out
    assert "变电安规 3" in result.out
    assert not (study_bench.home / "progress.sqlite").exists()


def test_without_saving_nothing_is_kept(study_bench: CommandBench) -> None:
    study_bench.run("practice", "--no-save", "--count", "1", stdin=b"A\n")
    assert not (study_bench.home / "progress.sqlite").exists()


def test_two_people_have_two_books(study_bench: CommandBench) -> None:
    everything = ("--type", "判断", "--count", "6", "--user", "李四")
    study_bench.run("practice", *everything, stdin="对\n".encode() * 6)
    assert '"entries": []' in study_bench.run("review", "--json").out
    assert '"entries": []' not in study_bench.run("review", "--json", "--user", "李四").out


def test_the_bot_answers_along_when_asked_to(study_bench: CommandBench) -> None:
    study_bench.engine.enqueue("1000")
    keys = "A\rexit\r"
    shown = study_bench.sit("practice", "--clause", "变电安规 3", "--with-bot", keys=keys).out
    assert "🤖 1000" in shown
    assert "小安" in shown
    assert len(study_bench.loaded_with) == 1


def test_without_the_bot_no_model_is_loaded(study_bench: CommandBench) -> None:
    assert study_bench.sit("practice", "--count", "1", keys="A\rexit\r").code == 0
    assert study_bench.loaded_with == []


def test_a_person_is_told_what_to_press_first_of_all(study_bench: CommandBench) -> None:
    shown = study_bench.sit("practice", "--count", "2", "--no-save", keys="exit\r").out
    assert "卷号 123456\n输入答案，按 Enter。help 看还能输入什么，Ctrl-D 离开。\n\n第 1/2 题" in shown
    read = study_bench.sit("practice", "--answers", "--count", "2", keys="exit\r").out
    assert read.startswith("背题　2 题　卷号 123456\n只看不答，Enter 到下一题。help")
