import errno
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.bench import CommandBench
from tests.fakes import ALONE, BOOTS, KEYS
from xiaoan.cli.app import run
from xiaoan.cli.services import Services
from xiaoan.errors import CheckpointError


def test_a_question_is_answered_in_plain_text_without_colours(bench: CommandBench) -> None:
    bench.engine.enqueue("绝缘靴")
    result = bench.run("ask", BOOTS.stem)
    assert result.code == 0
    assert result.err == ""
    assert result.out == (
        "🙋 雷雨天气巡视室外高压设备应穿（ ）。\n"
        "🤖 绝缘靴\n"
        "✓ 与题库一致\n"
        "  题干：雷雨天气巡视室外高压设备应穿（ ）。\n"
        "  专业：变电　题型：单选题\n"
        "  依据：变电安规 5.2\n"
        "\n"
    )


def test_a_wrong_answer_is_shown_behind_the_banks(bench: CommandBench) -> None:
    bench.engine.enqueue("绝缘鞋")
    lines = bench.run("ask", BOOTS.stem).out.splitlines()
    assert lines[1:4] == [
        "🤖 绝缘靴（题库答案）",
        "   小安的回答：绝缘鞋",
        "✗ 与题库不一致，以题库答案为准。",
    ]


def test_json_of_one_question_is_an_object_and_nothing_else(bench: CommandBench) -> None:
    bench.engine.enqueue("绝缘靴")
    result = bench.run("ask", "--json", BOOTS.stem)
    document = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert list(document) == [
        "question", "options", "answer", "selected", "shown_from", "bank", "similar", "model", "timing",
        "type", "confidence", "needs_options", "remarks",
    ]  # fmt: skip
    assert document["bank"]["status"] == "match"
    assert document["bank"]["source"] == "小题库.xlsx:题库:3"
    assert document["bank"]["id"] == BOOTS.id


def test_json_of_several_questions_is_one_array(bench: CommandBench) -> None:
    bench.engine.enqueue("绝缘靴").enqueue("4")
    documents = json.loads(bench.run("ask", "--json", BOOTS.stem, KEYS.stem).out)
    assert [document["bank"]["status"] for document in documents] == ["match", "mismatch"]


def test_standard_input_is_one_question_a_line_and_jsonl_a_document_a_line(bench: CommandBench) -> None:
    bench.engine.enqueue("3").enqueue("错误")
    result = bench.run("ask", "--jsonl", stdin=f"{KEYS.stem}\r\n\n{ALONE.stem}".encode())
    documents = [json.loads(line) for line in result.out.splitlines()]
    assert [document["question"] for document in documents] == [KEYS.stem, ALONE.stem]
    assert all(document["bank"]["status"] == "match" for document in documents)
    assert len(bench.loaded_with) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_standard_input_in_other_encodings_is_read(bench: CommandBench, encoding: str) -> None:
    bench.engine.enqueue("3")
    result = bench.run("ask", "--json", stdin=KEYS.stem.encode(encoding))
    assert json.loads(result.out)["question"] == KEYS.stem


def test_where_the_output_is_not_utf8_json_loses_nothing(bench: CommandBench) -> None:
    bench.encoding = "ascii"
    bench.engine.enqueue("3")
    assert json.loads(bench.run("ask", "--json", KEYS.stem).out)["question"] == KEYS.stem


def test_where_the_output_is_not_utf8_plain_text_still_ends_well(bench: CommandBench) -> None:
    bench.encoding = "gb18030"
    bench.engine.enqueue("3")
    assert "与题库一致" in bench.run("ask", KEYS.stem).out


@pytest.mark.parametrize(
    "arguments", [("ask",), ("ask", ""), ("ask", "  ", "\n"), ("ask", "--json", "--jsonl", "x")]
)
def test_nothing_to_ask_is_a_usage_error_and_loads_nothing(
    bench: CommandBench, arguments: tuple[str, ...]
) -> None:
    result = bench.run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("xiaoan: ")
    assert result.err.count("\n") == 1
    assert bench.loaded_with == []


def test_a_line_that_is_no_question_is_named_and_the_others_are_answered(bench: CommandBench) -> None:
    bench.engine.enqueue("3")
    result = bench.run("ask", "--jsonl", "A. 2; B. 3", KEYS.stem, "高" * 10_000)
    assert result.code == 2
    assert len(result.out.splitlines()) == 1
    assert "第 1 题" in result.err
    assert "第 3 题" in result.err


@pytest.mark.parametrize(
    "text", ["\x1b[31m高压室\x1b[0m的钥匙", "What is a switch?", "坏\udcff字节是什么", "🙋 高压室？"]
)
def test_odd_questions_are_answered_and_come_back_clean(bench: CommandBench, text: str) -> None:
    bench.engine.enqueue("\x1b]0;x\x07答案")
    plain = bench.run("ask", text)
    assert plain.code == 0
    assert "\x1b" not in plain.out
    assert "🤖 答案" in plain.out


def test_flags_reach_the_loader_before_and_behind_the_command(bench: CommandBench) -> None:
    bench.engine.enqueue("3")
    bench.run("--device", "cpu", "--seed", "1", "ask", "--seed", "7", "--prefix", "off", KEYS.stem)
    settings = bench.loaded_with[0]
    assert (settings.device, settings.seed, settings.prefix) == ("cpu", 7, "off")


def test_bank_off_answers_without_checking(bench: CommandBench) -> None:
    bench.engine.enqueue("3")
    assert "没有打开题库" in bench.run("ask", "--bank", "off", KEYS.stem).out


def test_a_missing_bank_or_model_is_one_line_and_code_two(bench: CommandBench) -> None:
    missing = bench.run("ask", "--bank", "nowhere.xlsx", KEYS.stem)
    bench.load_error = CheckpointError("没有权重。重新下载。")
    broken = bench.run("ask", KEYS.stem)
    for result in (missing, broken):
        assert (result.code, result.out) == (2, "")
        assert result.err.count("\n") == 1
    assert "nowhere.xlsx" in missing.err


def test_an_interrupt_ends_with_130_and_no_traceback(bench: CommandBench) -> None:
    bench.engine.enqueue("3", error=KeyboardInterrupt())
    assert bench.run("ask", KEYS.stem).code == 130


def test_what_was_answered_before_an_interrupt_is_not_lost(bench: CommandBench) -> None:
    bench.engine.enqueue("3").enqueue("绝缘", error=KeyboardInterrupt())
    result = bench.run("ask", "--json", KEYS.stem, BOOTS.stem)
    assert result.code == 130
    assert [document["answer"] for document in json.loads(result.out)] == ["3"]


class ClosedPipe(io.StringIO):
    """A standard output whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_closed_pipe_ends_quietly(bench: CommandBench) -> None:
    bench.engine.enqueue("3")
    err = io.StringIO()
    services = Services(
        load_engine=bench.load_engine,
        environ=bench.environ,
        stdin=io.StringIO(),
        stdout=ClosedPipe(),
        stderr=err,
    )
    assert run(["ask", "--jsonl", KEYS.stem], services) == 0
    assert err.getvalue() == ""


def test_without_a_command_a_pipe_is_answered_as_ask_does(bench: CommandBench) -> None:
    bench.engine.enqueue("3")
    result = bench.run(stdin=KEYS.stem.encode())
    assert result.code == 0
    assert "✓ 与题库一致" in result.out
    assert [path.name for path in Path(bench.environ["XIAOAN_HOME"]).iterdir()] == ["cache"]


def test_without_a_command_an_empty_pipe_is_a_usage_error(bench: CommandBench) -> None:
    assert bench.run().code == 2


def test_the_form_of_json_follows_from_what_was_asked_not_from_what_was_answered(bench: CommandBench) -> None:
    bench.engine.enqueue("绝缘靴")
    result = bench.run("ask", "--json", "A. 2; B. 4", BOOTS.stem)
    assert result.code == 2
    assert [document["answer"] for document in json.loads(result.out)] == ["绝缘靴"]


@pytest.mark.parametrize("form", [[], ["--json"], ["--jsonl"]])
@pytest.mark.parametrize(("number", "code"), [(errno.EPIPE, 0), (errno.ENOSPC, 2)])
def test_an_output_that_takes_nothing_more_ends_without_a_traceback(
    bench: CommandBench, form: list[str], number: int, code: int
) -> None:
    class Refusing(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(number, "refused")

    bench.engine.enqueue("绝缘靴")
    err = io.StringIO()
    services = Services(
        load_engine=bench.load_engine,
        environ=bench.environ,
        stdin=io.StringIO(),
        stdout=Refusing(),
        stderr=err,
    )
    assert run(["ask", *form, BOOTS.stem], services) == code
    assert ("refused" in err.getvalue()) is (code == 2)


def test_a_number_that_is_none_is_named_in_chinese(bench: CommandBench) -> None:
    result = bench.run("ask", "--seed", "abc", BOOTS.stem)
    assert (result.code, "要写整数" in result.err) == (2, True)


def test_warnings_about_the_model_go_to_standard_error(bench: CommandBench) -> None:
    bench.engine.info = replace(bench.engine.info, warnings=("前缀在 float16 上训练，现在是 int4",))
    bench.engine.enqueue("绝缘靴")
    result = bench.run("ask", "--json", "--lora", "我的", BOOTS.stem)
    assert "前缀在 float16 上训练，现在是 int4" in result.err
    assert json.loads(result.out)["answer"] == "绝缘靴"
    assert bench.loaded_with[0].effective_lora == "我的"
