"""The real engine over a tiny random model: scores equal a plain forward pass, streams add up."""

import itertools
import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chatglm.conftest import SPECIAL_PIECES, train_pieces
from tests.tiny_models import talkative_model, tiny_config
from xiaoan.assistant.chatglm_engine import ChatGLMEngine, load_engine
from xiaoan.assistant.confidence import Calibration
from xiaoan.assistant.engine import Choice, ModelInfo, OptionQuestion, Piece
from xiaoan.chatglm.adapter_checkpoint import new_adapter, save_adapter
from xiaoan.chatglm.checkpoint import load_checkpoint, save_checkpoint
from xiaoan.chatglm.known_questions import KnownQuestions, save_confidence, trained_sha256
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.prefix_checkpoint import PrefixCard, save_prefix
from xiaoan.chatglm.prefix_encoder import PrefixEncoder
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.errors import CheckpointError, DeviceError, PrefixMismatchError, UsageError

STEM = "在高压设备上工作,应至少由___进行"
TEXTS = ("两人", "三人以上; 两人", "验电器")
INFO = ModelInfo("小", None, "cpu", "float64", demo=False)


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


STEMS = (STEM, "验电", "220 V", "应至少由两人进行。Is the 10 kV line dead?", "验电器")
OPTIONS = ("两人", "三人", "一人", "班组全体")


@pytest.fixture(scope="module")
def deciding(folder: Path) -> ChatGLMEngine:
    """An engine with a prefix whose scores are exact enough to be compared: float64."""
    loaded = load_checkpoint(folder, device="cpu", dtype="float32")
    model = talkative_model(tiny_config(tokenizer=loaded.tokenizer, max_sequence_length=64, pre_seq_len=4))
    engine = ChatGLMEngine(model, loaded.tokenizer, INFO)
    engine.know(KnownQuestions.of(engine.states_of(STEMS[:3])), Calibration(6, 5.9, -2.3))
    return engine


@torch.inference_mode()
def plain_score(engine: ChatGLMEngine, prompt: str, answer: str) -> float:
    model, tokenizer = engine._model, engine._tokenizer
    before = tokenizer.encode(prompt)
    ids = [*tokenizer.encode(answer, add_special_tokens=False), int(tokenizer.eos_token_id)]
    scores = torch.log_softmax(model(torch.tensor([before + ids]), use_cache=False).logits[0], dim=-1)
    return sum(float(scores[len(before) - 1 + i, token]) for i, token in enumerate(ids))


@pytest.mark.parametrize("separator", ["; ", "\n"])
@pytest.mark.parametrize("stem", STEMS[:2])
def test_choice_is_the_best_of_all_orders_of_all_sets_by_plain_forward_passes(
    deciding: ChatGLMEngine, stem: str, separator: str
) -> None:
    orders = [order for n in (1, 2, 3) for order in itertools.permutations(OPTIONS[:3], n)]
    scores = {order: plain_score(deciding, stem, separator.join(order)) for order in orders}
    best = max(orders, key=lambda order: scores[order])
    choice = deciding.choose_all([OptionQuestion(stem, OPTIONS[:3], separator)])[0]
    assert {OPTIONS[i] for i in choice.selected} == set(best)
    assert choice.log_probability == pytest.approx(scores[best], abs=1e-9)
    assert choice.proven
    single = max(OPTIONS[:3], key=lambda text: scores[(text,)])
    chosen = deciding.choose_all([OptionQuestion(stem, OPTIONS[:3], separator, only_one=True)])[0]
    assert OPTIONS[chosen.selected[0]] == single


def said(question: OptionQuestion, choice: Choice) -> tuple[frozenset[str], float, float, bool]:
    texts = frozenset(question.options[i] for i in choice.selected)
    assert choice.familiarity is not None
    return texts, round(choice.log_probability, 9), round(choice.familiarity, 5), choice.proven


ASKED = st.builds(
    OptionQuestion,
    prompt=st.sampled_from(STEMS),
    options=st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=4, unique=True).map(tuple),
    separator=st.sampled_from(["; ", "\n"]),
    only_one=st.booleans(),
)


@settings(max_examples=15)
@given(questions=st.lists(ASKED, max_size=5), source=st.randoms())
def test_a_choice_is_the_same_alone_in_a_batch_and_in_every_order(
    deciding: ChatGLMEngine, questions: list[OptionQuestion], source: random.Random
) -> None:
    alone = [said(question, deciding.choose_all([question])[0]) for question in questions]
    turned = [
        replace(question, options=tuple(source.sample(question.options, len(question.options))))
        for question in questions
    ]
    order = source.sample(range(len(turned)), len(turned))
    together = deciding.choose_all([turned[place] for place in order])
    for place, choice in zip(order, together, strict=True):
        assert said(turned[place], choice) == alone[place]


def test_the_same_question_shuffled_is_decided_once_and_exactly_alike(deciding: ChatGLMEngine) -> None:
    questions = [OptionQuestion(STEM, tuple(order)) for order in itertools.permutations(OPTIONS)]
    choices = deciding.choose_all(questions)
    assert len({choice.log_probability for choice in choices}) == 1
    assert len({said(*pair) for pair in zip(questions, choices, strict=True)}) == 1


def test_options_that_the_window_cannot_hold_are_an_error(deciding: ChatGLMEngine) -> None:
    with pytest.raises(UsageError, match="太长"):
        deciding.choose_all([OptionQuestion(STEM, ("鼎" * 30, "淼" * 30))])
    assert deciding.choose_all([OptionQuestion(STEM, ("两人", "淼" * 30))])[0].selected == (0,)
    assert deciding.choose_all([]) == []


def test_answers_written_in_a_batch_are_those_that_are_streamed(deciding: ChatGLMEngine) -> None:
    queries = [*STEMS, STEM]
    streamed = [list(deciding.stream(query)) for query in queries]
    expected = [Piece("".join(piece.text for piece in pieces), pieces[-1].tokens) for pieces in streamed]
    assert deciding.write_all(queries) == expected
    assert [piece.tokens for piece in deciding.write_all(queries, max_new_tokens=3)] == [
        min(3, piece.tokens) for piece in expected
    ]
    assert deciding.write_all([]) == []
    with pytest.raises(UsageError, match="问题太长"):
        deciding.write_all(["鼎" * 30])


def test_an_answer_weighs_the_same_alone_and_in_a_batch(deciding: ChatGLMEngine) -> None:
    written = [(stem, text) for stem in STEMS for text in ("两人", "验电器; 两人", "")]
    together = deciding.weigh_all(written)
    for pair, evidence in zip(written, together, strict=True):
        alone = deciding.weigh_all([pair])[0]
        assert evidence.log_probability == pytest.approx(alone.log_probability, abs=1e-9)
        assert evidence.familiarity == pytest.approx(alone.familiarity, abs=1e-5)
        if pair[1]:
            assert evidence.log_probability == pytest.approx(plain_score(deciding, *pair), abs=1e-9)
        else:
            assert evidence.log_probability == -math.inf


def test_familiar_are_the_questions_that_it_was_told_of(deciding: ChatGLMEngine) -> None:
    near = [evidence.familiarity for evidence in deciding.weigh_all([(stem, "两人") for stem in STEMS])]
    assert near[:3] == pytest.approx([1.0] * 3, abs=1e-3)
    assert max(value for value in near[3:] if value is not None) < 0.99
    known, calibration = deciding._known, deciding.info.calibration
    assert calibration == Calibration(6, 5.9, -2.3)
    deciding.know(None, None)
    assert deciding.weigh_all([(STEM, "两人")])[0].familiarity is None
    assert deciding.choose_all([OptionQuestion(STEM, OPTIONS)])[0].familiarity is None
    assert deciding.info.calibration is None
    deciding.know(known, calibration)


def test_a_prefix_brings_what_it_was_calibrated_with(folder: Path, prefixes: list[Path]) -> None:
    engine = load_engine(folder, prefixes[0], "cpu", "float32")
    assert engine.info.calibration is None
    known = KnownQuestions.of(engine.states_of(STEMS))
    path = save_confidence(
        prefixes[0],
        known,
        temperature=6.0,
        familiarity_weight=5.9,
        bias=-2.3,
        fitted_on={},
        answers_with=trained_sha256(prefixes[0]),
    )
    try:
        engine.use_prefix(prefixes[1])
        assert engine.info.calibration is None
        engine.use_prefix(prefixes[0])
        assert engine.info.calibration == Calibration(6, 5.9, -2.3)
        assert engine.weigh_all([(STEM, "")])[0].familiarity == pytest.approx(1, abs=1e-3)
        (prefixes[1] / path.name).write_bytes(path.read_bytes())
        other = load_engine(folder, prefixes[1], "cpu", "float32")
        assert (other.info.calibration, "另一份权重" in other.info.warnings[-1]) == (None, True)
    finally:
        path.unlink()
        (prefixes[1] / path.name).unlink(missing_ok=True)


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


def chosen(engine: ChatGLMEngine) -> Choice:
    return engine.choose_all([OptionQuestion(STEM, TEXTS)])[0]


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
        assert chosen(engine) == chosen(loaded)
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


def test_what_the_decoder_has_to_tell_is_among_the_warnings(folder: Path, prefixes: list[Path]) -> None:
    engine = load_engine(folder, prefixes[0], "cpu", "float32")
    engine._decoder.warnings.append("解码没能加速")
    assert engine.info.warnings[-1] == "解码没能加速"
    engine.use_prefix(None)  # another prefix, another decoder: nothing of the old one is left
    assert "解码没能加速" not in engine.info.warnings


def test_a_gpu_without_memory_is_said_in_words(
    folder: Path, prefixes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load_engine(folder, prefixes[0], device="cpu", dtype="float32")

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(engine._model.transformer, "forward", full)
    with pytest.raises(DeviceError, match="显存不够"):
        list(engine.stream("电"))


def test_questions_in_between_do_not_disturb_an_answer(folder: Path, prefixes: list[Path]) -> None:
    engine = load_engine(folder, prefixes[0], "cpu", "float32")
    alone = [piece.text for piece in engine.stream("验电")]
    open_one = engine.stream("验电")
    found = [next(open_one).text]
    assert answer(engine) == answer(engine)
    found.extend(piece.text for piece in open_one)
    assert found == alone


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
    assert chosen(tuned).log_probability != chosen(plain).log_probability
    tuned.use_prefix(prefixes[0])
    assert "一起用" in tuned.info.warnings[0]
