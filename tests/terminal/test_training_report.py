"""The summary of a run on the screen."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.terminal.shown import shown
from xiaoan.figures import Share
from xiaoan.terminal.training_report import next_command, training_lines
from xiaoan.training.run_card import Accuracy, GeneralScore, Measured, RunCard

OUTPUT = Path("前缀")


def accuracy(right: int) -> Accuracy:
    return Accuracy(
        Share(right, 100), {"单选题": Share(right // 2, 50), "多选题": Share(right - right // 2, 50)}
    )


CARD = RunCard(
    method="ptuning",
    preset="exam",
    reasons=(),
    base="xiaoan-demo",
    base_sha256="0" * 64,
    base_dtype="float32",
    base_parameters=5_300_000,
    trained_parameters=393_216,
    settings={},
    forms=("plain",),
    data={},
    seed=1,
    ending="done",
    steps=300,
    step=300,
    best_step=280,
    best_exact=1.0,
    exact_train=1.0,
    exact_held_out=0.75,
    final_loss=0.01,
    before=Measured(accuracy(12), GeneralScore(Share(40, 50), 1.2)),
    after=Measured(accuracy(98), GeneralScore(Share(38, 50), 1.35)),
    targets_cut=0,
    sources_cut=0,
    tokens=1000,
    training_s=250.0,
    total_s=300.0,
    started="2026-11-21T18:00:00+08:00",
    hardware="CPU",
    processes=1,
    versions={},
)


def text_of(card: RunCard = CARD, width: int = 80, *, plain: bool = False) -> str:
    return shown(training_lines(card, OUTPUT, plain=plain, width=width), width, plain=plain)


def test_before_and_after_stand_side_by_side() -> None:
    assert text_of() == (
        "训练完成：P-Tuning v2\n"
        "300 步，用时 4 分 10 秒，取第 280 步的结果\n"
        "\n"
        "题型    题数        训练前          训练后\n"
        "全部     100  12%（6–20%）  98%（92–100%）\n"
        "单选题    50  12%（5–24%）  98%（89–100%）\n"
        "多选题    50  12%（5–24%）  98%（89–100%）\n"
        "括号里是 95% 置信区间：题少时很宽。\n"
        "训练有用：两个区间不重叠，不是碰巧。\n"
        "逐字答对：学过的 100%，没学过的数据 75%\n"
        "遗忘：通用问答 50 条，逐字答对 80% → 76%，损失 1.200 → 1.350\n"
        "\n"
        "结果在：前缀\n"
        "曲线和报告：前缀/report.html\n"
        "接着试试：xiaoan --prefix '前缀'\n"
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (100, 100, "训练前就全部答对了"),
        (90, 20, "反而答得更差，不要用"),
        (90, 88, "说不准是不是变差了"),
        (50, 50, "没有帮上忙"),
        (50, 55, "说不准是不是真的有用"),
        (12, 98, "训练有用"),
    ],
)
def test_only_what_the_intervals_allow_is_said(before: int, after: int, said: str) -> None:
    card = replace(CARD, before=Measured(accuracy(before)), after=Measured(accuracy(after)))
    assert said in text_of(card)


def test_what_was_held_out_is_named() -> None:
    assert "，换个问法 75%" in text_of(replace(CARD, data={"recipe": {"forms": ["plain"]}, "split": None}))
    assert "，没学过的题 75%" in text_of(replace(CARD, data={"recipe": {}, "split": {"kind": "group"}}))


@pytest.mark.parametrize("width", [20, 30, 50, 200])
def test_it_fits_every_width(width: int) -> None:
    assert "训练后" in text_of(width=width)


def test_a_command_begins_at_the_left_edge_where_it_would_be_broken() -> None:
    assert "接着试试：\nxiaoan --prefix '前缀'\n" in text_of(width=30)


def test_people_who_listen_get_sentences() -> None:
    text = text_of(plain=True)
    assert "单选题：题数 50，训练前 12%（5–24%），训练后 98%（89–100%）" in text
    assert "逐字答对 80%变为76%，损失 1.200变为1.350" in text
    assert not set("→✓✗") & set(text)


def test_what_was_not_measured_is_said_to_be_so() -> None:
    bare = replace(CARD, before=Measured(), after=Measured(), exact_held_out=None, ending="early")
    text = text_of(bare)
    assert "训练提前结束" in text
    assert "没有考试，所以不知道训练前后答对多少。" in text
    assert "没有测遗忘（用 --general 文件" in text
    assert "逐字答对：学过的 100%\n" in text
    assert "没有测  98%" in text_of(replace(CARD, before=Measured()))


@pytest.mark.parametrize(
    ("method", "model", "command"),
    [
        ("ptuning", None, "xiaoan --prefix '我的 前缀'"),
        ("ptuning", "chatglm-6b", "xiaoan --model chatglm-6b --prefix '我的 前缀'"),
        ("lora", None, "xiaoan --lora '我的 前缀'"),
        ("full", "chatglm-6b", "xiaoan --model '我的 前缀'"),
    ],
)
def test_the_next_command_loads_what_was_trained(method: str, model: str | None, command: str) -> None:
    assert next_command(method, Path("我的 前缀"), model=model) == command
