"""Training over a tiny model: what moves, what is saved, and that a stop in between changes nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.fakes import ALONE, BOOTS, KEYS, TOOLS
from xiaoan.chatglm.checkpoint import load_checkpoint
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.errors import UsageError
from xiaoan.training.pretraining.base import BaseShape, build_base, pretrain_base
from xiaoan.training.batches import collate, encode_pair
from xiaoan.training.loop import LoopSettings, answer_loss
from xiaoan.training.pairs import Pair
from xiaoan.training.ptuning import Base, PTuningSettings, attach_prefix, tune_prefix
from xiaoan.training.pretraining.texts import FieldText

TEXTS = [
    FieldText(
        ("雷雨天气巡视要穿绝缘靴。",), ("雷雨天气巡视要穿布鞋。",), ("雷雨天巡视穿什么鞋？",), ("绝缘靴",)
    ),
    FieldText(("钥匙至少配3把。",), ("钥匙至少配2把。",), ("钥匙至少几把？",), ("3",)),
]
SHAPE = BaseShape(
    hidden_size=32, num_layers=2, num_attention_heads=2, inner_hidden_size=64, max_sequence_length=128
)
LOOP = LoopSettings(steps=6, batch_size=4, learning_rate=1e-2, save_every=2, autocast="float32")
PREFIX = PTuningSettings(replace(LOOP, learning_rate=0.3), pre_seq_len=4)
QUESTIONS = (KEYS, BOOTS, TOOLS, ALONE)


def fresh_base(folder: Path) -> Base:
    model, tokenizer = build_base(TEXTS, SHAPE, folder, seed=1)
    return Base(model, tokenizer, "tiny", "0" * 64)


def prefix_of(model: ChatGLMForConditionalGeneration) -> torch.Tensor:
    assert model.transformer.prefix_encoder is not None
    return model.transformer.prefix_encoder.embedding.weight.detach().clone()


def test_the_loss_over_answers_only_is_the_loss_of_the_whole_forward(tmp_path: Path) -> None:
    base = fresh_base(tmp_path)
    pairs = [Pair("雷雨天巡视穿什么", "绝缘靴"), Pair("钥匙", "3把")]
    batch = collate([encode_pair(base.tokenizer, pair) for pair in pairs], 3)
    whole = base.model(batch.input_ids, labels=batch.labels, use_cache=False).loss
    assert answer_loss(base.model, batch).item() == pytest.approx(whole.item(), abs=1e-6)


def test_only_the_prefix_moves(tmp_path: Path) -> None:
    base = fresh_base(tmp_path / "run")
    before = {name: p.detach().clone() for name, p in base.model.named_parameters()}
    attach_prefix(base.model, PREFIX)
    start = prefix_of(base.model)
    tune_prefix(base, QUESTIONS, PREFIX, run_folder=tmp_path / "run", output=tmp_path / "prefix")
    assert all(torch.equal(p, before[name]) for name, p in base.model.named_parameters() if name in before)
    assert not torch.equal(prefix_of(base.model), start)


def test_a_stopped_and_continued_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, parted = fresh_base(tmp_path / "a"), fresh_base(tmp_path / "b")
    tune_prefix(whole, QUESTIONS, PREFIX, run_folder=tmp_path / "a", output=tmp_path / "pa")
    steps = 0

    def stop_after_three() -> bool:
        return steps >= 3

    def count(_: object) -> None:
        nonlocal steps
        steps += 1

    run, output = tmp_path / "b", tmp_path / "pb"
    assert not tune_prefix(
        parted, QUESTIONS, PREFIX, run_folder=run, output=output, on_step=count, should_stop=stop_after_three
    )
    assert not output.exists()
    again = fresh_base(tmp_path / "b")
    assert tune_prefix(again, QUESTIONS, PREFIX, run_folder=run, output=output)
    assert torch.equal(prefix_of(again.model), prefix_of(whole.model))


def test_a_run_folder_of_other_settings_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    tune_prefix(fresh_base(run), QUESTIONS, PREFIX, run_folder=run, output=tmp_path / "one")
    other = replace(PREFIX, loop=replace(PREFIX.loop, steps=7))
    with pytest.raises(UsageError, match="另一次训练"):
        tune_prefix(fresh_base(run), QUESTIONS, other, run_folder=run, output=tmp_path / "two")


def test_a_trained_base_and_prefix_load_as_a_checkpoint_with_cards(tmp_path: Path) -> None:
    model_folder, prefix_folder = tmp_path / "base", tmp_path / "prefix"
    assert pretrain_base(TEXTS, shape=SHAPE, settings=LOOP, run_folder=tmp_path / "run", output=model_folder)
    card = json.loads((model_folder / "model_card.json").read_text(encoding="utf-8"))
    assert card["demonstration"] is True
    assert card["forms"] == ["plain"]
    loaded = load_checkpoint(model_folder, device="cpu", dtype="float32")
    base = Base(loaded.model, loaded.tokenizer, loaded.name, loaded.base_sha256)
    tune_prefix(base, QUESTIONS, PREFIX, run_folder=tmp_path / "run-prefix", output=prefix_folder)
    again = load_checkpoint(model_folder, prefix=prefix_folder, device="cpu", dtype="float32")
    assert again.card is not None
    assert again.card.forms == ("plain",)
    assert torch.equal(prefix_of(again.model), prefix_of(loaded.model))


def test_the_rate_warms_up_and_decays_to_zero() -> None:
    settings = LoopSettings(steps=10, batch_size=1, learning_rate=1.0, warmup_steps=2)
    assert [settings.rate_at(step) for step in (0, 1, 2, 6, 9)] == [0.5, 1.0, 1.0, 0.5, 0.125]


def test_settings_that_train_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="steps=0"):
        LoopSettings(steps=0, batch_size=1, learning_rate=1.0)
