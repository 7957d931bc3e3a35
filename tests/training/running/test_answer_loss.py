"""The loss over the answers' tokens alone."""

from pathlib import Path

import pytest

from tests.training.tiny_base import tiny_base
from xiaoan.training.data.pairs import Pair
from xiaoan.training.running.answer_loss import answer_loss
from xiaoan.training.running.batches import collate, encode_pair


def test_the_loss_over_answers_only_is_the_loss_of_the_whole_forward(base_model: Path) -> None:
    base = tiny_base(base_model)
    pairs = [Pair("雷雨天巡视穿什么", "绝缘靴"), Pair("钥匙", "3把")]
    batch = collate([encode_pair(base.tokenizer, pair) for pair in pairs], 3)
    whole = base.model(batch.input_ids, labels=batch.labels, use_cache=False).loss
    assert answer_loss(base.model, batch).item() == pytest.approx(whole.item(), abs=1e-6)
