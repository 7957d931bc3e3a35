import io
import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.cli.bench import CommandBench, Result
from tests.fakes import ALONE, BOOTS, KEYS
from xiaoan.cli.app import run
from xiaoan.cli.services import Services
from xiaoan.question_bank.progress import Attempt, Progress
from xiaoan.question_bank.question import Question

NOW = datetime(2026, 3, 4, 20, 0, tzinfo=timezone(timedelta(hours=8)))


def attempt(question: Question, verdict: str, days_ago: int) -> Attempt:
    return Attempt(
        question_id=question.id,
        profession=question.profession,
        question_type=str(question.question_type),
        mode="practice",
        given="A",
        verdict=verdict,
        credit=float(verdict == "right"),
        seconds=30,
        marked=False,
        at=NOW - timedelta(days=days_ago, minutes=5),
    )


ATTEMPTS = (
    attempt(KEYS, "wrong", 2),
    attempt(BOOTS, "right", 2),
    attempt(KEYS, "right", 1),
    attempt(ALONE, "right", 0),
    attempt(BOOTS, "right", 0),
)


@pytest.fixture
def learned(bench: CommandBench) -> CommandBench:
    """A bench at which 张三 has answered on three days."""
    bench.home.mkdir()
    with Progress.open(bench.home / "progress.sqlite", "张三", now=lambda: NOW) as progress:
        progress.record(ATTEMPTS)
    return bench


def stats(bench: CommandBench, *arguments: str, width: int | None = None) -> Result:
    out, err = io.StringIO(), io.StringIO()
    services = Services(
        environ=bench.environ,
        stdin=io.StringIO(),
        stdout=out,
        stderr=err,
        now=lambda: NOW,
        login=lambda: "张三",
        width=width,
    )
    return Result(run(["stats", *arguments], services), out.getvalue(), err.getvalue())


def document(bench: CommandBench, *arguments: str) -> dict[str, object]:
    result = stats(bench, "--json", *arguments)
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    assert isinstance(found, dict)
    return found


def test_stats_at_fifty_columns(learned: CommandBench) -> None:
    assert stats(learned, width=50).out == (
        "学习情况：张三\n"
        "做过 3 题，答了 5 次\n"
        "答对 4 次，正确率 80%\n"
        "用时 2 分 30 秒\n"
        "\n"
        "专业  答题  答对  正确率\n"
        "变电     4     3     75%\n"
        "配电     1     1    100%\n"
        "\n"
        "题型    答题  答对  正确率\n"
        "单选题     4     3     75%\n"
        "判断题     1     1    100%\n"
        "\n"
        "日期        答题  答对  正确率\n"
        "2026-03-02     2     1     50%\n"
        "2026-03-03     1     1    100%\n"
        "2026-03-04     2     2    100%\n"
        "\n"
        "每天的正确率\n"
        "100%┤                    *************************\n"
        "    │              ******\n"
        " 75%┤         *****\n"
        "    │   ******\n"
        " 50%┤***\n"
        "    │\n"
        " 25%┤\n"
        "    │\n"
        "  0%┤\n"
        "    └┬─────────────────────┬─────────────────────┬\n"
        "     2026-03-02        2026-03-03       2026-03-04\n"
        "\n"
        "今天要复习 1 题\n"
        "变电 1 题\n"
    )


def test_stats_in_plain_words(learned: CommandBench) -> None:
    assert stats(learned, "--plain", "--days", "1", width=50).out == (
        "学习情况：张三，最近 1 天\n"
        "做过 2 题，答了 2 次\n"
        "答对 2 次，正确率 100%\n"
        "用时 1 分 0 秒\n"
        "\n"
        "专业：\n"
        "变电：答题 1，答对 1，正确率 100%\n"
        "配电：答题 1，答对 1，正确率 100%\n"
        "\n"
        "题型：\n"
        "判断题：答题 1，答对 1，正确率 100%\n"
        "单选题：答题 1，答对 1，正确率 100%\n"
        "\n"
        "日期：\n"
        "2026-03-04：答题 2，答对 2，正确率 100%\n"
        "\n"
        "2026-03-04 的正确率是 100%。练过两天以上就能看到变\n"
        "化。\n"
        "\n"
        "今天要复习 1 题\n"
        "变电 1 题\n"
    )


def test_the_json_has_the_keys_that_scripts_rely_on(learned: CommandBench) -> None:
    found = document(learned)
    assert (found["user"], found["days"], found["attempts"], found["right"]) == ("张三", None, 5, 4)
    assert (found["questions"], found["seconds"], found["accuracy"]) == (3, 150.0, 0.8)
    assert list(found["by_day"]) == ["2026-03-02", "2026-03-03", "2026-03-04"]  # type: ignore[call-overload]
    assert found["by_profession"] == {
        "变电": {"attempts": 4, "right": 3, "questions": 2, "seconds": 120.0, "accuracy": 0.75},
        "配电": {"attempts": 1, "right": 1, "questions": 1, "seconds": 30.0, "accuracy": 1.0},
    }
    assert set(found) == {
        *("user", "days", "attempts", "right", "questions", "seconds", "accuracy"),
        *("by_profession", "by_type", "by_day", "due_today"),
    }


def test_days_count_from_today(learned: CommandBench) -> None:
    found = document(learned, "--days", "2")
    assert (found["days"], found["attempts"]) == (2, 3)


def test_a_bank_is_counted_by_how_much_of_it_was_answered(learned: CommandBench) -> None:
    bank = ["--bank", str(learned.bank)]
    assert document(learned, *bank)["bank"] == {
        "变电": {"questions": 4, "answered": 2},
        "配电": {"questions": 2, "answered": 1},
    }
    assert "专业  题库里  做过   占\n变电       4     2  50%\n" in stats(learned, *bank).out


def test_everybody_has_figures_of_their_own(learned: CommandBench) -> None:
    assert document(learned, "--user", "李四")["attempts"] == 0
    assert stats(learned, "--user", "李四").out == (
        "学习情况：李四\n还没有作答记录。先做一次 xiaoan practice 或 xiaoan quiz。\n"
    )


def test_a_first_look_leaves_nothing_behind(bench: CommandBench) -> None:
    assert stats(bench).code == 0
    assert not bench.home.exists()


def test_the_page_is_written_and_opens_without_a_network(learned: CommandBench, tmp_path: Path) -> None:
    page = tmp_path / "学习情况.html"
    result = stats(learned, "--html", str(page))
    assert (result.code, result.out.endswith(f"网页写好了：{page}\n")) == (0, True)
    text = page.read_text(encoding="utf-8")
    assert "张三" in text
    assert "<svg" in text
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|<script""", text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--html", "页.txt"], ".html"),
        (["--html", "有.html"], "没有覆盖"),
        (["--html", "无/页.html"], "不存在"),
        (["--force"], "--html"),
        (["--days", "0"], "--days"),
        (["--user", " "], "名"),
        (["--bank", "无.xlsx"], "没有找到"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_shown(
    learned: CommandBench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: Sequence[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("有.html").write_text("x", encoding="utf-8")
    result = stats(learned, *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert Path("有.html").read_text(encoding="utf-8") == "x"


def test_a_page_is_overwritten_when_told_to(learned: CommandBench, tmp_path: Path) -> None:
    page = tmp_path / "页.html"
    page.write_text("x", encoding="utf-8")
    assert stats(learned, "--html", str(page), "--force", "--json").code == 0
    assert page.read_text(encoding="utf-8").startswith("<!")


def test_a_name_with_escape_sequences_does_not_reach_the_terminal(learned: CommandBench) -> None:
    with Progress.open(learned.home / "progress.sqlite", "张三", now=lambda: NOW) as progress:
        question = Question(BOOTS.stem, (), ("对",), "", "变\x1b[31m电\u202e", BOOTS.question_type)
        progress.record([attempt(question, "right", 0)])
    for result in (stats(learned), stats(learned, "--json")):
        assert not set(result.out) & set("\x1b\u202e")
