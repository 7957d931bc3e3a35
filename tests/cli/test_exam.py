"""`xiaoan exam`: tables and the JSON document, with and without the prefix."""

import json

from tests.cli.bench import CommandBench
from tests.fakes import PLAIN_INFO, small_bank


def enqueue_bank(bench: CommandBench, times: int) -> None:
    for _ in range(times):
        for question in small_bank():
            bench.engine.enqueue("; ".join(question.answer))


def test_exam_prints_one_document_with_and_without_prefix(bench: CommandBench) -> None:
    bench.engine.info = PLAIN_INFO
    enqueue_bank(bench, 2)
    done = bench.run("exam", "--form", "plain", "--json")
    assert done.code == 0, done.err
    with_prefix, without = json.loads(done.out)["runs"]
    assert with_prefix["accuracy"] == without["accuracy"]
    assert with_prefix["accuracy"]["plain"]["overall"] == {
        "value": 1.0,
        "right": len(small_bank()),
        "n": len(small_bank()),
        "low": 0.6097,
        "high": 1.0,
    }
    assert [settings.prefix for settings in bench.loaded_with] == [None, "off"]


def test_exam_without_comparison_loads_one_model(bench: CommandBench) -> None:
    enqueue_bank(bench, 1)
    done = bench.run("exam", "--form", "plain", "--no-compare-prefix")
    assert done.code == 0, done.err
    assert len(bench.loaded_with) == 1
    assert "plain" in done.out
    assert "100.0%" in done.out


def test_exam_refuses_an_unknown_form_before_loading(bench: CommandBench) -> None:
    done = bench.run("exam", "--form", "backwards")
    assert done.code == 2
    assert "plain" in done.err
    assert bench.loaded_with == []


def test_an_adapter_is_compared_with_the_bare_base(bench: CommandBench) -> None:
    for _ in range(2 * len(small_bank())):
        bench.engine.enqueue("3")
    done = bench.run("exam", "--form", "plain", "--model", "底座", "--lora", "我的")
    assert done.code == 0, done.err
    assert [(run.effective_lora, run.effective_prefix) for run in bench.loaded_with] == [
        ("我的", "off"),
        (None, "off"),
    ]
