"""Pairs as tensors: lengths, labels, padding."""

import random
from pathlib import Path

import pytest

from tests.training.runs import PAIRS, tokenizer_in
from xiaoan.chatglm.generation import build_prompt
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.training.data.pairs import Pair
from xiaoan.training.running.batches import IGNORED, Example, collate, encode_pair, length_sorted


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> ChatGLMTokenizer:
    return tokenizer_in(tmp_path_factory.mktemp("tokenizer"))


def test_labels_are_the_answer_and_its_end(tokenizer: ChatGLMTokenizer) -> None:
    example = encode_pair(tokenizer, PAIRS[0])
    sop = example.input_ids.index(int(tokenizer.bos_token_id or 0))
    assert example.labels[: sop + 1] == [IGNORED] * (sop + 1)
    assert example.labels[sop + 1 :] == example.input_ids[sop + 1 :]
    assert example.labels[-1] == tokenizer.eos_token_id
    assert encode_pair(tokenizer, PAIRS[0], with_sop=True).answer_tokens == example.answer_tokens + 1


@pytest.mark.parametrize(("source", "target"), [(4, 3), (5, 6), (64, 64)])
def test_no_example_is_longer_than_allowed(tokenizer: ChatGLMTokenizer, source: int, target: int) -> None:
    long = Pair("验电" * 100, "接地" * 100)
    example = encode_pair(tokenizer, long, max_source_length=source, max_target_length=target)
    assert (
        len(example.input_ids) == source + target
    )  # [gMASK] counts with the source, <sop> and <eop> with the target
    assert example.input_ids[-1] == tokenizer.eos_token_id


def test_rounds_before_a_question_are_written_as_published(tokenizer: ChatGLMTokenizer) -> None:
    history = (("梯子夹角多少度", "60"),)
    plain = Pair(build_prompt("为什么", history), "稳固")
    assert encode_pair(tokenizer, Pair("为什么", "稳固", history)) == encode_pair(tokenizer, plain)


def test_a_batch_is_as_wide_as_its_longest_example() -> None:
    batch = collate([Example([1, 2, 3], [IGNORED, 2, 3]), Example([4], [4])], 9)
    assert batch.input_ids.tolist() == [[1, 2, 3], [4, 9, 9]]
    assert batch.labels.tolist() == [[IGNORED, 2, 3], [4, IGNORED, IGNORED]]


def test_sorted_batches_hold_every_example_once_and_little_padding(tmp_path: Path) -> None:
    random_source = random.Random(1)
    examples = [Example(list(range(random_source.randint(8, 70))), []) for _ in range(500)]
    batches = length_sorted(examples, 16, random_source)
    assert sorted(len(e.input_ids) for b in batches for e in b) == sorted(len(e.input_ids) for e in examples)
    filled = sum(len(e.input_ids) for e in examples)
    wide = sum(len(batch) * max(len(e.input_ids) for e in batch) for batch in batches)
    assert filled / wide > 0.9
