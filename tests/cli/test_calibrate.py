"""`xiaoan calibrate`: what is asked, what is written and shown, and what is refused before any work."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.cli.bench import CommandBench
from tests.fakes import BOOTS, PLAIN_INFO, FakeEngine, small_bank
from tests.training.cards import CARD
from xiaoan.assistant.confidence import Calibration
from xiaoan.assistant.engine import Choice, Evidence, OptionQuestion, Piece
from xiaoan.chatglm.known_questions import KnownQuestions, load_confidence
from xiaoan.question_bank.canonical import write_canonical
from xiaoan.training.run_card import write_run_card

STRANGE = tuple(
    replace(BOOTS, stem=f"{name}的花语是（ ）。", profession="", clause="") for name in ("兰", "菊", "荷")
)


class Knowing(FakeEngine):
    """Chooses the first, writes nothing to the point; every text has a state of its own."""

    known: KnownQuestions | None = None

    def choose_all(self, questions: Sequence[OptionQuestion]) -> list[Choice]:
        return [
            Choice((0,), found.log_probability, found.familiarity)
            for found in self.weigh_all([(question.prompt, "") for question in questions])
        ]

    def write_all(self, queries: Sequence[str], *, max_new_tokens: int | None = None) -> list[Piece]:
        return [Piece("不知道", 3) for _ in queries]

    def weigh_all(self, written: Sequence[tuple[str, str]]) -> list[Evidence]:
        assert self.known is not None
        familiarities = self.known.familiarity(self.states_of([query for query, _ in written]))
        return [Evidence(-0.1, familiarity) for familiarity in familiarities]

    def states_of(self, queries: Sequence[str]) -> Tensor:
        return torch.tensor([[float(len(query)), float(ord(query[0]) % 7), 1.0] for query in queries])

    def know(self, known: KnownQuestions | None, calibration: Calibration | None) -> None:
        self.known, self.info = known, replace(self.info, calibration=calibration)


@pytest.fixture
def bench(bench: CommandBench) -> CommandBench:
    bench.engine = Knowing(info=PLAIN_INFO)
    return bench


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    folder = tmp_path / "前缀"
    folder.mkdir()
    (folder / "prefix.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    write_canonical(STRANGE, tmp_path / "别处的题.xlsx")
    return tmp_path / "别处的题.xlsx"


def test_the_table_is_shown_and_the_file_lies_beside_the_weights(
    bench: CommandBench, prefix: Path, outside: Path
) -> None:
    done = bench.run("calibrate", "--prefix", str(prefix), "--outside", str(outside))
    assert done.code == 0, done.err
    for word in ("量把握：前缀", "小题库.xlsx（6 题）", "题库原题", "题库漏字", "题外题", "把握高"):
        assert word in done.out
    assert "像是没有学过" in done.out
    assert f"已写到 {prefix / 'confidence.safetensors'}" in done.out
    assert bench.loaded_with[0].prefix == str(prefix)
    stored = load_confidence(prefix)
    assert stored is not None
    assert set(stored.fitted_on) == {"题库原题", "题库漏字", "题外题"}


def test_json_is_what_was_fitted_and_on_what(bench: CommandBench, prefix: Path, outside: Path) -> None:
    words = ("calibrate", "--prefix", str(prefix), "--outside", str(outside), "--questions", str(outside))
    document = json.loads(bench.run(*words, "--limit", "2", "--json").out)
    assert document["file"] == str(prefix / "confidence.safetensors")
    assert document["temperature"] > 0
    # Of six questions a permit and its twin for another 专业 are asked in the same words.
    assert document["known"] == 5
    assert [(one["name"], one["asked"]) for one in document["sets"]] == [
        ("题库原题", 4),
        ("题库漏字", 4),
        ("别处的题", 4),
        ("题外题", 4),
    ]
    assert set(document["sets"][0]["levels"]) == {"high", "middle", "low"}


def test_what_the_run_held_out_was_not_learnt(bench: CommandBench, prefix: Path) -> None:
    split = {"held_out_items": [BOOTS.id]}
    write_run_card(prefix, replace(CARD, data={**CARD.data, "split": split}))
    done = bench.run("calibrate", "--prefix", str(prefix), "--outside", "off", "--json")
    assert [(one["name"], one["asked"]) for one in json.loads(done.out)["sets"]] == [
        ("题库原题", 10),
        ("题库漏字", 10),
        ("没学过的题", 2),
    ]


def test_without_strange_questions_that_is_said(bench: CommandBench, prefix: Path) -> None:
    done = bench.run("calibrate", "--prefix", str(prefix), "--outside", "off")
    assert "没有题外题" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--prefix", "off"), "没有前缀，也没有适配器"),
        (("--prefix", "{prefix}", "--lora", "{prefix}"), "前缀和适配器都写了"),
        (("--prefix", "{prefix}/没有"), "不是文件夹"),
        (("--prefix", "{prefix}", "--bank", "off"), "没有题可量把握"),
        (("--prefix", "{prefix}", "--outside", "没有.xlsx"), "没有.xlsx"),
    ],
)
def test_what_cannot_be_is_refused_before_a_model_is_loaded(
    bench: CommandBench, prefix: Path, words: Sequence[str], said: str
) -> None:
    done = bench.run("calibrate", *(word.format(prefix=prefix) for word in words))
    assert (done.code, bench.loaded_with) == (2, [])
    assert said in done.err


def test_an_adapter_has_its_own_file(bench: CommandBench, prefix: Path, outside: Path) -> None:
    (prefix / "prefix.safetensors").rename(prefix / "adapter_model.safetensors")
    done = bench.run("calibrate", "--lora", str(prefix), "--outside", str(outside))
    assert done.code == 0, done.err
    assert load_confidence(prefix) is not None


def test_the_banks_own_questions_are_none_of_elsewhere(
    bench: CommandBench, prefix: Path, tmp_path: Path
) -> None:
    write_canonical([*STRANGE, *small_bank()], tmp_path / "混.xlsx")
    words = ("calibrate", "--prefix", str(prefix), "--outside", str(tmp_path / "混.xlsx"), "--json")
    assert json.loads(bench.run(*words).out)["sets"][-1]["asked"] == 2 * len(STRANGE)
