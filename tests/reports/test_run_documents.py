import math

from xiaoan.reports.run_documents import Document, Share, read_metrics

LINES = """{"step": 1, "loss": 3.0, "elapsed_s": 1.0}
{"step": 2, "loss": NaN, "elapsed_s": 2.0}

{"step": 2, "exact_train": 0.5, "exact_held_out": null, "elapsed_s": 2.1}
not json
[1, 2]
{"step": "two", "loss": 1.0}
{"step": 3, "loss": 1.0, "elapsed_s": 3.0}
{"step": 3, "loss": 2.0, "elapsed_s": 3.5}
{"step": 4, "lo"""


def test_broken_lines_are_counted_and_the_last_of_a_step_holds() -> None:
    metrics = read_metrics(LINES)
    assert [line["step"] for line in metrics.steps] == [1, 2, 3]
    assert metrics.steps[2]["loss"] == 2.0
    assert len(metrics.measurements) == 1
    assert metrics.broken == 4


def test_a_curve_is_made_over_steps_or_time() -> None:
    metrics = read_metrics(LINES)
    (_, (_, gap), last) = metrics.series("损失", "loss").points
    assert math.isnan(gap)
    assert last == (3.0, 2.0)
    assert metrics.series("学过的", "exact_train", across="elapsed_s", unit=2.0).points == ((1.05, 0.5),)
    assert metrics.series("没有的", "nothing").points == ()


def test_lines_may_be_read_already() -> None:
    assert read_metrics([{"step": 1, "loss": 0.5}, None, 7]).broken == 2
    assert read_metrics("").steps == ()


def test_a_document_answers_whatever_it_is() -> None:
    kinds: tuple[object, ...] = ({}, None, [], "text", 7, {"a": {"b": [1]}, "n": "x", "list": 3})
    for data in kinds:
        document = Document(data)
        assert document.part("nothing").part("deeper").number("figure") is None
        assert document.texts("list") == []
        assert document.parts("a") == []
        assert document.number("n") is None
        assert not Share.of(document.part("a"))


def test_values_are_told_in_words() -> None:
    document = Document({"rate": 0.02, "on": True, "none": None, "names": ["甲", "乙"], "part": {"x": 1}})
    assert document.values() == [("rate", "0.02"), ("on", "是"), ("none", "不用"), ("names", "甲、乙")]
    assert list(document.named_parts()) == ["part"]


def test_a_share_has_the_cards_interval() -> None:
    share = Share.of(Document({"right": 49, "asked": 50, "value": 0.98, "low": 0.895, "high": 0.9965}))
    assert share == Share(49, 50, 0.98, 0.895, 0.9965)
    assert Share.of(Document({"right": 0, "asked": 0, "low": 0.0, "high": 1.0})) is None
