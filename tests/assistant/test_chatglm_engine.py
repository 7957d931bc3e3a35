"""The real engine over a tiny random model: scores equal a plain forward pass, streams add up."""

from pathlib import Path

import pytest
import torch

from tests.chatglm.conftest import SPECIAL_PIECES, train_pieces
from tests.tiny_models import tiny_config
from xiaoan.assistant.chatglm_engine import load_engine
from xiaoan.assistant.engine import Piece
from xiaoan.assistant.option_scoring import ModelContinuations
from xiaoan.chatglm.checkpoint import load_checkpoint, save_checkpoint
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

STEM = "在高压设备上工作,应至少由___进行"
TEXTS = ["两人", "三人以上; 两人", "验电器"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vocab = tmp_path_factory.mktemp("vocab") / "ice_text.model"
    vocab.write_bytes(train_pieces(SPECIAL_PIECES))
    tokenizer = ChatGLMTokenizer(str(vocab))
    torch.manual_seed(3)
    target = tmp_path_factory.mktemp("model") / "tiny"
    save_checkpoint(
        ChatGLMForConditionalGeneration(tiny_config(tokenizer=tokenizer, max_sequence_length=64)),
        tokenizer,
        target,
    )
    return target


def reference_score(model: ChatGLMForConditionalGeneration, prompt: list[int], answer: list[int]) -> float:
    ids = torch.tensor([prompt + answer])
    with torch.inference_mode():
        log_probabilities = torch.log_softmax(model(ids, use_cache=False).logits[0].double(), dim=-1)
    places = range(len(prompt) - 1, len(prompt) + len(answer) - 1)
    return sum(float(log_probabilities[place, token]) for place, token in zip(places, answer, strict=True))


@pytest.mark.parametrize("finished", [True, False])
def test_scores_with_a_shared_prompt_equal_a_plain_forward_pass(folder: Path, finished: bool) -> None:
    loaded = load_checkpoint(folder, device="cpu", dtype="float32")
    tokenizer = loaded.tokenizer
    scores = ModelContinuations(loaded.model, tokenizer, STEM).log_probabilities(TEXTS, finished=finished)
    prompt = tokenizer.encode(STEM)
    for text, score in zip(TEXTS, scores, strict=True):
        answer = tokenizer.encode(text, add_special_tokens=False)
        end = [tokenizer.eos_token_id] if finished else []
        shared = answer if finished else answer[: shared_length(tokenizer, text)]
        assert score == pytest.approx(reference_score(loaded.model, prompt, shared + end), abs=1e-3)


def shared_length(tokenizer: ChatGLMTokenizer, text: str) -> int:
    short = tokenizer.encode(text, add_special_tokens=False)
    longer = tokenizer.encode(text + "; ", add_special_tokens=False)
    return next((i for i, (a, b) in enumerate(zip(short, longer, strict=False)) if a != b), len(short))


def test_choice_names_the_same_texts_in_any_order(folder: Path) -> None:
    engine = load_engine(folder, "off", "cpu", "float32")
    options = ["两人", "三人", "一人", "班组全体"]
    chosen = {options[i] for i in engine.choose(STEM, options).selected}
    turned = options[::-1]
    assert {turned[i] for i in engine.choose(STEM, turned).selected} == chosen


def test_streamed_pieces_count_tokens_and_stop_when_told(folder: Path) -> None:
    engine = load_engine(folder, "off", "cpu", "float32")
    pieces: list[Piece] = []
    for piece in engine.stream("验电", should_stop=lambda: len(pieces) >= 3):
        pieces.append(piece)
    assert [piece.tokens for piece in pieces] == sorted(piece.tokens for piece in pieces)
    assert len(pieces) <= 5
    assert engine.info.demo is False
    assert engine.info.forms == frozenset()
