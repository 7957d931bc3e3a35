"""The real engine over a tiny random model: scores equal a plain forward pass, streams add up."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.chatglm.conftest import SPECIAL_PIECES, train_pieces
from tests.tiny_models import tiny_config
from xiaoan.assistant.chatglm_engine import ChatGLMEngine, load_engine
from xiaoan.assistant.engine import ModelInfo, Piece
from xiaoan.assistant.option_scoring import ModelContinuations
from xiaoan.chatglm.adapter_checkpoint import new_adapter, save_adapter
from xiaoan.chatglm.checkpoint import load_checkpoint, save_checkpoint
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_checkpoint import PrefixCard, save_prefix
from xiaoan.chatglm.prefix_encoder import PrefixEncoder
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.errors import CheckpointError, PrefixMismatchError, UsageError

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


def save_random_prefix(folder: Path, target: Path, *, seed: int, length: int, sha256: str) -> Path:
    torch.manual_seed(seed)
    encoder = PrefixEncoder(tiny_config(pre_seq_len=length))
    torch.nn.init.normal_(encoder.embedding.weight, std=1.0)
    card = PrefixCard(folder.name, sha256, length, False, ("plain",), "", {}, seed)
    save_prefix(encoder, target, card)
    return target


def answer(engine: ChatGLMEngine) -> str:
    return "".join(piece.text for piece in engine.stream("在高压设备上工作", lambda: False))


@pytest.fixture(scope="module")
def prefixes(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    sha256 = load_checkpoint(folder, device="cpu", dtype="float32").base_sha256
    place = tmp_path_factory.mktemp("prefixes")
    return [
        save_random_prefix(folder, place / name, seed=seed, length=length, sha256=sha256)
        for name, seed, length in (("一", 1, 4), ("二", 2, 7))
    ]


def test_a_swapped_prefix_answers_as_one_that_was_loaded_with_the_base(
    folder: Path, prefixes: list[Path]
) -> None:
    engine = load_engine(folder, "off", "cpu", "float32")
    for path in [*prefixes, prefixes[0], None]:
        engine.use_prefix(path)
        loaded = load_engine(folder, path or "off", "cpu", "float32")
        assert answer(engine) == answer(loaded)
        assert engine.choose(STEM, TEXTS) == loaded.choose(STEM, TEXTS)
        assert replace(engine.info, load_s=0) == replace(loaded.info, load_s=0)


def test_a_prefix_that_does_not_fit_leaves_the_old_one_in_place(
    folder: Path, prefixes: list[Path], tmp_path: Path
) -> None:
    engine = load_engine(folder, prefixes[0], "cpu", "float32")
    before, said = engine.info, answer(engine)
    stranger = save_random_prefix(folder, tmp_path / "生人", seed=3, length=4, sha256="0" * 64)
    for path, error in ((stranger, PrefixMismatchError), (tmp_path / "没有", CheckpointError)):
        with pytest.raises(error):
            engine.use_prefix(path)
        assert (engine.info, answer(engine)) == (before, said)


def test_a_prefix_is_not_swapped_in_the_middle_of_an_answer(folder: Path, prefixes: list[Path]) -> None:
    engine = load_engine(folder, prefixes[0], "cpu", "float32")
    pieces = engine.stream("验电")
    next(pieces)
    with pytest.raises(UsageError, match="正在作答"):
        engine.use_prefix(None)
    del pieces
    engine.use_prefix(None)
    assert engine.info.prefix is None


def test_a_model_in_memory_answers_like_the_folder_it_came_from(folder: Path, prefixes: list[Path]) -> None:
    loaded = load_checkpoint(folder, prefix=prefixes[1], device="cpu", dtype="float32")
    info = ModelInfo("训练中", "二", "cpu", "float32", demo=False, forms=frozenset({"plain"}))
    engine = ChatGLMEngine(loaded.model, loaded.tokenizer, info)
    assert answer(engine) == answer(load_engine(folder, prefixes[1], "cpu", "float32"))
    with pytest.raises(UsageError, match="不能换前缀"):
        engine.use_prefix(None)


def test_an_adapter_answers_alone_and_is_said_beside_a_prefix(
    folder: Path, prefixes: list[Path], tmp_path: Path
) -> None:
    loaded = load_checkpoint(folder, device="cpu", dtype="float32")
    targets = ("query_key_value", "dense")
    for parameter in new_adapter(
        loaded.model, rank=2, alpha=8, dropout=0, targets=targets, base="tiny", seed=1
    ).values():
        torch.nn.init.normal_(parameter, std=0.5)
    save_adapter(loaded.model, tmp_path / "lora")
    tuned = load_engine(folder, "off", "cpu", "float32", lora=tmp_path / "lora")
    plain = load_engine(folder, "off", "cpu", "float32")
    assert (tuned.info.lora, plain.info.lora) == ("lora", None)
    assert tuned.choose(STEM, TEXTS).log_probability != plain.choose(STEM, TEXTS).log_probability
    tuned.use_prefix(prefixes[0])
    assert "一起用" in tuned.info.warnings[0]
