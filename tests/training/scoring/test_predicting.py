"""Predictions for pairs: the model's own answers, and the published file of them."""

import json
from pathlib import Path

import pytest
import torch

from tests.tiny_models import talkative_model, tiny_config
from tests.training.tiny_base import SHAPE, TEXTS
from xiaoan.chatglm.generation import build_prompt, stream_pieces, stream_token_ids
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.errors import UsageError
from xiaoan.training.data.pairs import Pair
from xiaoan.training.pretraining.base import build_base
from xiaoan.training.running.batches import encode_pair
from xiaoan.training.scoring.predicting import predict, write_predictions

PAIRS = [
    Pair("雷雨天气巡视要穿什么", "绝缘靴"),
    Pair("钥匙", "3"),
    Pair("再说一遍", "绝缘靴", history=(("雷雨天穿什么", "绝缘靴"), ("钥匙几把", "3把"))),
]


@pytest.fixture
def tokenizer(tmp_path: Path) -> ChatGLMTokenizer:
    return build_base(TEXTS, SHAPE, tmp_path / "vocabulary", seed=1)[1]


def streamed(model: ChatGLMForConditionalGeneration, tokenizer: ChatGLMTokenizer, pair: Pair) -> str:
    ids = tokenizer.encode(build_prompt(pair.content, pair.history))
    token_ids = stream_token_ids(
        model, torch.tensor([ids]), max_length=len(ids) + 10, eos=tokenizer.eos_token_id
    )
    return "".join(piece.text for piece in stream_pieces(tokenizer, token_ids))


def test_a_batch_says_what_the_stream_says_history_and_prefix_included(tokenizer: ChatGLMTokenizer) -> None:
    model = talkative_model(tiny_config(tokenizer=tokenizer, pre_seq_len=4))
    predictions = predict(model, tokenizer, PAIRS, max_new_tokens=10)
    assert predictions == [streamed(model, tokenizer, pair) for pair in PAIRS]
    assert len(set(predictions)) == 3


def test_a_long_prompt_is_cut_as_in_training(tokenizer: ChatGLMTokenizer) -> None:
    model = talkative_model(tiny_config(tokenizer=tokenizer))
    long, cut = "雷雨天气巡视要穿绝缘靴" * 4, 8
    ids = encode_pair(tokenizer, Pair(long, ""), max_source_length=cut).input_ids
    kept = str(tokenizer.decode(ids[: cut - 1]))
    found = predict(model, tokenizer, [Pair(long, "")], max_source_length=cut, max_new_tokens=6)
    assert found == predict(model, tokenizer, [Pair(kept, "")], max_new_tokens=6)
    assert found != predict(model, tokenizer, [Pair(long, "")], max_new_tokens=6)


def test_the_file_has_one_object_a_line_as_the_published_script_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "generated_predictions.txt"
    write_predictions(path, ["绝缘靴\n", "3"], [" 绝缘靴", '3"把\n共'])
    assert path.read_text(encoding="utf-8") == (
        '{"labels": "绝缘靴", "predict": "绝缘靴"}\n{"labels": "3", "predict": "3\\"把\\n共"}\n'
    )
    assert [json.loads(line)["labels"] for line in path.read_text(encoding="utf-8").splitlines()] == [
        "绝缘靴",
        "3",
    ]


def test_as_many_labels_as_predictions_are_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="预测有 1 条，标准答案有 2 条"):
        write_predictions(tmp_path / "x.txt", ["一", "二"], ["一"])
    assert not (tmp_path / "x.txt").exists()
