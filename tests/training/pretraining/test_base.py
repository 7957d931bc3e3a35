"""Pre-training of a tiny base: a model folder with a card, and a run that can be gone on with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.tiny_base import SHAPE, TEXTS, logits_of, tiny_base
from xiaoan.errors import UsageError
from xiaoan.training.pretraining.base import pretrain_base
from xiaoan.training.running.loop import LoopSettings

LOOP = LoopSettings(
    steps=6,
    batch_size=4,
    learning_rate=1e-2,
    save_every=2,
    autocast="float32",
    gradient_checkpointing="off",
)


def test_a_base_loads_as_a_model_and_its_card_says_what_it_is(tmp_path: Path) -> None:
    assert pretrain_base(
        TEXTS, shape=SHAPE, settings=LOOP, run_folder=tmp_path / "run", output=tmp_path / "base"
    )
    card = json.loads((tmp_path / "base" / "model_card.json").read_text(encoding="utf-8"))
    assert (card["demonstration"], card["forms"], card["records"]) == (True, ["plain"], 2)
    assert tiny_base(tmp_path / "base").model.config.hidden_size == 32


def test_a_stopped_run_is_gone_on_with_by_the_same_call(tmp_path: Path) -> None:
    def trained(name: str, stop_at: int = 99) -> bool:
        steps: list[int] = []
        return pretrain_base(
            TEXTS,
            shape=SHAPE,
            settings=LOOP,
            run_folder=tmp_path / f"run-{name}",
            output=tmp_path / name,
            on_step=lambda report: steps.append(report.step),
            should_stop=lambda: len(steps) >= stop_at,
        )

    assert not trained("parted", stop_at=3)
    assert not (tmp_path / "parted").exists()
    assert trained("parted")
    assert trained("whole")
    assert torch.equal(logits_of(tiny_base(tmp_path / "whole")), logits_of(tiny_base(tmp_path / "parted")))


def test_a_run_folder_of_other_settings_is_refused(tmp_path: Path) -> None:
    pretrain_base(TEXTS, shape=SHAPE, settings=LOOP, run_folder=tmp_path / "run", output=tmp_path / "one")
    with pytest.raises(UsageError, match=r"loop\.steps：原来 6，这次 7"):
        pretrain_base(
            TEXTS,
            shape=SHAPE,
            settings=replace(LOOP, steps=7),
            run_folder=tmp_path / "run",
            output=tmp_path / "two",
        )
