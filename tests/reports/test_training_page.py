"""The report of a run: what it says, what it does not claim, and that no card ends it."""

import json
import math
from typing import Any

import pytest

from tests.reports.page_reading import HOSTILE, Page
from xiaoan.figures import wilson_interval
from xiaoan.reports.training_page import training_page


def share(right: int, asked: int) -> dict[str, Any]:
    low, high = wilson_interval(right, asked)
    return {"right": right, "asked": asked, "value": right / asked, "low": low, "high": high}


def measured(right: int, general: int | None = None, loss: float = 1.0) -> dict[str, Any]:
    by_type = {"单选题": share(right // 2, 50), "多选题": share(right - right // 2, 50)}
    return {
        "accuracy": {"overall": share(right, 100), "by_type": by_type},
        "general": None if general is None else {"exact": share(general, 50), "loss": loss},
    }


def card(**changes: Any) -> dict[str, Any]:
    data = {
        "sha256": "ab" * 32,
        "sources": [{"name": "新题库.xlsx", "count": 100, "sha256": "cd" * 32}],
        "train": 100,
        "held_out": 100,
        "general": 50,
        "forms": ["plain", "options"],
        "recipe": {"forms": ["plain"], "slip_rate": 0.1, "slip_copies": 2, "unanswerable": 0.05},
        "split": None,
        "mix": [{"name": "通用.json", "count": 40, "share": 0.2, "sha256": "ef" * 32}],
        "seed": 7,
    }
    return {
        "method": "ptuning",
        "preset": "exam",
        "reasons": ["底座小，公开的学习率 0.02 动不了它"],
        "base": "xiaoan-demo",
        "settings": {"loop": {"steps": 3000, "learning_rate": 0.3}, "method": {"pre_seq_len": 128}},
        "data": data,
        "ending": "early",
        "steps": 3000,
        "step": 2200,
        "best_step": 2100,
        "exact_train": 1.0,
        "exact_held_out": 0.95,
        "before": measured(12, 40),
        "after": measured(98, 38, 1.3),
        "targets_cut": 0,
        "tokens": 1_200_000,
        "training_s": 250.0,
        "started": "2026-11-21T18:00:00+08:00",
        "hardware": "CPU，2 核",
        "versions": {"torch": "2.13.0"},
        **changes,
    }


def lines(steps: int = 300) -> list[str]:
    written = [
        json.dumps(
            {"step": s, "loss": 5 * math.exp(-s / 50), "learning_rate": 0.3 - s / 1000, "elapsed_s": s * 2.0}
        )
        for s in range(1, steps + 1)
    ]
    exact = {"exact_train": 1.0, "exact_held_out": 0.9}
    return [*written, json.dumps({"step": steps, "elapsed_s": steps * 2.0, **exact})]


def text_of(document: dict[str, Any], metrics: list[Any] | None = None) -> str:
    return Page(training_page(document, lines() if metrics is None else metrics)).text


def test_the_verdict_comes_first_and_each_type_has_its_interval() -> None:
    text = text_of(card())
    assert text.startswith("训练报告 训练后答对 98%，训练前 12%")
    assert "全部 100 12% （6–20%） 98% （92–100%） 变好" in text
    assert "单选题 50 12% " in text


@pytest.mark.parametrize(("after", "said"), [(98, "变好"), (16, "看不出差别"), (0, "变差")])
def test_only_what_the_intervals_allow_is_claimed(after: int, said: str) -> None:
    row = text_of(card(after=measured(after))).split("全部 100")[1].split("单选题")[0]
    assert row.strip().endswith(said)


def test_what_was_not_measured_is_said_to_be_so() -> None:
    nothing = {"accuracy": None, "general": None}
    text = text_of(card(before=nothing, after=nothing, exact_held_out=None))
    for said in (
        "没有考试：不知道训练有没有用",
        "没有测：没有给通用问答",
        "学过的题换个问法逐字答对 没有测（没有留出数据）",
    ):
        assert said in text
    assert "ROUGE" not in text
    before_only = text_of(card(before=nothing))
    assert "训练后答对 98%（训练前没有测）" in before_only
    assert "无从比较" in before_only


def test_learning_the_exam_itself_is_not_called_understanding() -> None:
    assert "考的就是学过的题" in text_of(card())
    assert "只抽了" not in text_of(card(exam={"forms": ["shuffled"], "limit": 500}))
    assert "问法：选项打乱换标号。 只抽了 100 题" in text_of(card(exam={"forms": ["shuffled"], "limit": 100}))
    split = {"kind": "group", "share": 0.1, "professions": [], "train": 90, "held_out": 10}
    held = text_of(card(data={**card()["data"], "split": split, "held_out": 10}))
    assert "考的就是学过的题" not in held
    assert "没学过的题逐字答对 95%" in held
    assert "10 条：按题组（近似的题在一起），这些题没有学" in held


def test_troubles_stand_in_a_box_of_their_own() -> None:
    broken = [*lines(), '{"step": 301, "loss": NaN}', '{"ste']
    page = Page(
        training_page(
            card(targets_cut=3, exact_train=0.9, exact_held_out=0.4, after=measured(98, 10)),
            broken,
            notices=["显存不够，打开了梯度检查点"],
        )
    )
    (box,) = page.all("ul", "warnings")
    for said in (
        "显存不够",
        "有 3 条答案超过长度",
        "还有 10% 没有逐字记住",
        "主要是记住了原句",
        "忘了原来会的",
    ):
        assert said in box.text
    assert "有 1 步的损失不是一个数" in box.text
    assert "有 1 行读不出" in box.text
    assert not Page(training_page(card(), lines())).all("ul", "warnings")


def test_generated_texts_have_their_scores() -> None:
    scores = {
        "asked": 20,
        "exact": 11,
        "rouge_1": 54.516,
        "rouge_2": 36.17,
        "rouge_l": 51.66,
        "bleu_4": 40.47,
    }
    text = text_of(card(text_scores=scores))
    assert "55% 54.52 36.17 51.66 40.47 验证文件 20 条" in text
    assert "55% 没有算 没有算" in text_of(card(text_scores={"asked": 20, "exact": 11}))


def test_settings_data_and_surroundings_are_all_there() -> None:
    text = text_of(card())
    for said in (
        "底座小，公开的学习率 0.02 动不了它",
        "学习率 0.3",
        "前缀长度 128",
        "新题库.xlsx 100 " + "cd" * 32,
        "通用.json 占 20%（40 条）",
        "每条另加 2 份，各漏掉约 10% 的字",
        "只有题干、题干带选项",
        "数据指纹 " + "ab" * 32,
        "硬件 CPU，2 核",
        "torch 2.13.0",
        "每秒 4,800 个",
        "2200 步（计划 3000 步），取第 2100 步的结果",
    ):
        assert said in text, said


def test_four_curves_with_names_of_their_own() -> None:
    page = Page(training_page(card(), lines()))
    names = [element.attributes["id"] for element in page.all("desc")]
    assert len(page.all("svg")) == 4
    assert len(set(names)) == 4
    assert "时间（分钟）" in page.text
    assert page.outside == []
    assert "://" not in page.source


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"before": 7, "after": [], "data": "x", "settings": None, "versions": [1], "reasons": 3},
        {"after": {"accuracy": {"overall": {"right": 1}, "by_type": {"单选题": None}}}, "started": "gestern"},
        {"exact_train": math.nan, "training_s": "long", "tokens": 5, "text_scores": {"asked": 0}},
        {"data": {"sources": [1, {"name": 5}], "mix": [{}], "split": {"kind": "?"}, "held_out": 3}},
    ],
)
@pytest.mark.parametrize("metrics", [[], ["{"], [None, {"step": 1}, {"step": 1, "loss": "x"}]])
def test_no_card_and_no_metrics_end_the_report(document: dict[str, Any], metrics: list[Any]) -> None:
    page = Page(training_page(document, metrics))
    assert "训练报告" in page.text
    assert "nan" not in page.text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_of_a_run_does_anything(text: str) -> None:
    hostile = card(
        base=text,
        method=text,
        preset=text,
        reasons=[text],
        hardware=text,
        versions={text: text},
        settings={"loop": {text: text}},
        after={"accuracy": {"overall": share(1, 2), "by_type": {text: share(1, 2)}}, "general": None},
        data={
            "sources": [{"name": text, "count": 1, "sha256": text}],
            "mix": [{"name": text}],
            "forms": [text],
        },
    )
    page = Page(training_page(hostile, lines(3), notices=[text]))
    assert page.outside == []
    page.source.encode()
