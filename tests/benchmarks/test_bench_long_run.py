"""The benchmark of long runs on a tiny model; its figures are looked at for sense, never for speed."""

from itertools import count
from types import ModuleType
from typing import Any

import pytest

from tests.benchmarks.loading import benchmark
from tests.chatglm.conftest import SPECIAL_PIECES, train_pieces
from tests.tiny_models import talkative_model, tiny_config
from xiaoan.assistant.chatglm_engine import ChatGLMEngine
from xiaoan.assistant.engine import ModelInfo
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

QUESTIONS = ("验电", "在高压设备上工作")


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return benchmark("bench_long_run")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ChatGLMEngine:
    vocab = tmp_path_factory.mktemp("vocab") / "ice_text.model"
    vocab.write_bytes(train_pieces(SPECIAL_PIECES))
    tokenizer = ChatGLMTokenizer(str(vocab))
    model = talkative_model(tiny_config(tokenizer=tokenizer, max_sequence_length=24, attention="sdpa"))
    return ChatGLMEngine(model, tokenizer, ModelInfo("小", None, "cpu", "float64", demo=False))


def test_memory_is_told_at_every_mark_and_the_answers_repeat(
    bench: ModuleType, engine: ChatGLMEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = count(100)
    seen, differing = bench.answer_many(
        engine, QUESTIONS, 12, every=4, memory=lambda: float(next(sizes)), long=10
    )
    assert (seen, differing) == ([100.0, 101.0, 102.0, 103.0], 0)
    assert "12 answers" in capsys.readouterr().out


def test_answers_that_are_not_the_first_ones_are_counted(bench: ModuleType) -> None:
    class Forgetful:
        said = 0

        def stream(self, _: str) -> Any:
            from xiaoan.assistant.engine import Piece

            self.said += 1
            yield Piece(str(self.said), 1)

    assert bench.answer_many(Forgetful(), QUESTIONS, 8, every=9)[1] == 6


def test_every_token_is_timed_and_no_end_token_ends_it(bench: ModuleType, engine: ChatGLMEngine) -> None:
    ticks = count()
    assert bench.timed_tokens(engine, "验电", 7, clock=lambda: float(next(ticks))) == [1.0] * 7
