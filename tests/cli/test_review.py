import json
from datetime import datetime, timedelta

from tests.cli.bench import CommandBench
from tests.cli.study_bank import study_bank
from xiaoan.question_bank.progress import Attempt, Progress
from xiaoan.question_bank.question import QuestionType

JUDGE = [one for one in study_bank() if one.question_type is QuestionType.JUDGE]
WRONG_IF_CALLED_RIGHT = [one for one in JUDGE if one.answer == ("错误",)]


def call_everything_right(bench: CommandBench) -> None:
    """Practise the six 判断题, of which three are wrong statements, and answer 对 to all."""
    assert bench.run("practice", "--type", "判断", "--count", "6", stdin="对\n".encode() * 6).code == 0


def test_an_empty_book_says_how_it_fills(study_bench: CommandBench) -> None:
    result = study_bench.run("review")
    assert (result.code, result.err) == (0, "")
    assert "错题本是空的" in result.out


def test_what_was_wrong_is_due_the_same_day_and_is_put_again(study_bench: CommandBench) -> None:
    call_everything_right(study_bench)
    result = study_bench.run("错题", stdin="错\n".encode() * 3)
    assert result.code == 0
    assert all(one.stem in result.out for one in WRONG_IF_CALLED_RIGHT)
    assert "3 题" in result.out.splitlines()[0]
    assert "对 3 题" in result.out


def test_after_a_right_answer_a_question_is_not_due_that_day_but_all_asks_for_it(
    study_bench: CommandBench,
) -> None:
    call_everything_right(study_bench)
    for _ in range(2):
        study_bench.now += timedelta(minutes=20)
        study_bench.run("review", stdin="错\n".encode() * 3)
    result = study_bench.run("review")
    assert "今天没有到期的错题。错题本里有 3 题" in result.out
    assert "review --all" in result.out
    assert "第 1/3 题" in study_bench.run("review", "--all").out


def test_the_book_is_listed_with_when_each_is_due(study_bench: CommandBench) -> None:
    call_everything_right(study_bench)
    listed = study_bench.run("review", "--list").out
    assert all(one.stem in listed for one in WRONG_IF_CALLED_RIGHT)
    assert listed.count("今天到期，答错 1 次，连对 0/3 次") == 3


def test_json_is_one_document_and_counts_what_is_due(study_bench: CommandBench) -> None:
    call_everything_right(study_bench)
    document = json.loads(study_bench.run("review", "--json").out)
    assert list(document) == ["user", "due_today", "entries"]
    assert sum(document["due_today"].values()) == 3
    assert {row["stem"] for row in document["entries"]} == {one.stem for one in WRONG_IF_CALLED_RIGHT}


def test_listing_makes_no_folder_and_no_file(study_bench: CommandBench) -> None:
    study_bench.run("practice", "--no-save", "--count", "1")
    study_bench.run("review", "--list")
    assert not (study_bench.home / "progress.sqlite").exists()


def test_filters_choose_among_the_mistakes(study_bench: CommandBench) -> None:
    call_everything_right(study_bench)
    of_line = [one for one in WRONG_IF_CALLED_RIGHT if one.profession == "配电"]
    shown = study_bench.run("review", "--profession", "配电").out
    assert f"第 1/{len(of_line)} 题" in shown
    nothing = study_bench.run("review", "--type", "多选")
    assert nothing.code == 2
    assert "今天到期的错题里没有这样的题" in nothing.err


def test_questions_that_a_new_edition_dropped_are_counted_and_kept(study_bench: CommandBench) -> None:
    call_everything_right(study_bench)
    left = [one for one in study_bank() if one != WRONG_IF_CALLED_RIGHT[0]]
    study_bench.replace_bank(left)
    result = study_bench.run("review")
    assert "有 1 道题现在的题库里没有了" in result.out
    assert "第 1/2 题" in result.out
    assert "现在的题库里没有这道题了" in study_bench.run("review", "--list").out


def test_as_many_right_answers_as_set_take_a_question_out(study_bench: CommandBench) -> None:
    study_bench.environ["XIAOAN_LEAVE_AFTER"] = "1"
    call_everything_right(study_bench)
    study_bench.run("review", stdin="错\n".encode() * 3)
    assert "错题本是空的" in study_bench.run("review").out


def test_a_long_book_is_listed_in_part_and_whole_when_asked(study_bench: CommandBench) -> None:
    call_everything_right(study_bench)
    with Progress.open(study_bench.home / "progress.sqlite", "张三", now=lambda: study_bench.now) as progress:
        progress.record([wrong_attempt(f"{number:016x}", study_bench.now) for number in range(100)])
    listed = study_bench.run("review", "--list").out
    assert "还有 3 题没有列出，全部列出用 xiaoan review --list --all" in listed
    assert listed.count("连对 0/3 次") == 100
    assert study_bench.run("review", "--list", "--all").out.count("连对 0/3 次") == 103


def wrong_attempt(question_id: str, at: datetime) -> Attempt:
    return Attempt(
        question_id=question_id,
        profession="变电",
        question_type="判断题",
        mode="practice",
        given="对",
        verdict="wrong",
        credit=0.0,
        seconds=3.0,
        marked=False,
        at=at,
    )
