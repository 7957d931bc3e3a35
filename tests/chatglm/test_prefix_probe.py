"""A prefix on another precision of its base: measured, told, and refused when it gives gibberish."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.chatglm.test_checkpoint import quantize_files, rewrite
from xiaoan.chatglm.checkpoint import LoadedCheckpoint, load_checkpoint, save_checkpoint
from xiaoan.chatglm.prefix_checkpoint import PrefixCard, Probe, load_prefix, save_prefix
from xiaoan.chatglm.prefix_encoder import PrefixEncoder
from xiaoan.chatglm.prefix_probe import chosen_probes, holds, measure_probes
from xiaoan.chatglm.prefix_swap import ReadEncoder, place_encoder, read_encoder
from xiaoan.errors import PrefixMismatchError

PAIRS = [
    Probe("验电时", "应使用验电器", 0.0, False),
    Probe("在高压设备上", "两人", 0.0, False),
    Probe("工作", "至少由两人进行", 0.0, False),
]


def with_prefix(loaded: LoadedCheckpoint) -> PrefixEncoder:
    """Give the model a prefix of four positions that is not trained."""
    loaded.model.config.pre_seq_len = 4
    torch.manual_seed(1)
    encoder = PrefixEncoder(loaded.model.config).train(False)
    place_encoder(loaded.model, encoder)
    return encoder


def save(
    loaded: LoadedCheckpoint, folder: Path, *, probes: tuple[Probe, ...] | None = None, dtype: str = "float32"
) -> PrefixCard:
    """Write a prefix whose card says what this base gives with it."""
    encoder = with_prefix(loaded)
    card = PrefixCard(
        base=loaded.name,
        base_sha256=loaded.base_sha256,
        pre_seq_len=4,
        prefix_projection=False,
        forms=("plain",),
        data_sha256="0" * 64,
        metrics={},
        seed=1,
        dtype=dtype,
        probes=measure_probes(loaded.model, loaded.tokenizer, PAIRS) if probes is None else probes,
    )
    save_prefix(encoder, folder, card)
    return card


@pytest.fixture
def base(tiny_folder: Path) -> LoadedCheckpoint:
    return load_checkpoint(tiny_folder, device="cpu", dtype="float32")


def test_probes_say_how_likely_each_answer_is_and_whether_greedy_decoding_gives_it(
    base: LoadedCheckpoint,
) -> None:
    with_prefix(base)
    measured = measure_probes(base.model, base.tokenizer, PAIRS)
    for pair, probe in zip(PAIRS, measured, strict=True):
        source, target = (
            base.tokenizer.encode(text, add_special_tokens=False) for text in (pair.content, pair.summary)
        )
        ids = torch.tensor([base.tokenizer.build_inputs_with_special_tokens(source, target)])
        with torch.inference_mode():
            logits = base.model(ids, use_cache=False).logits[0, len(source) + 1 : -1]
        answer = ids[0, len(source) + 2 :]
        mean = logits.log_softmax(-1).gather(1, answer[:, None]).mean()
        assert probe.log_probability == pytest.approx(float(mean), abs=1e-5)
        assert probe.exact == bool((logits.argmax(-1) == answer).all())
        assert (probe.content, probe.summary) == (pair.content, pair.summary)


def test_measuring_leaves_a_model_in_training_in_training(base: LoadedCheckpoint) -> None:
    with_prefix(base)
    expected = measure_probes(base.model, base.tokenizer, PAIRS)
    base.model.train()
    assert measure_probes(base.model, base.tokenizer, PAIRS) == expected
    assert base.model.training
    assert measure_probes(base.model, base.tokenizer, []) == ()


def test_at_most_eight_pairs_are_chosen_evenly() -> None:
    many = [replace(PAIRS[0], content=str(number)) for number in range(80)]
    assert [pair.content for pair in chosen_probes(many)] == [str(number) for number in range(0, 80, 10)]
    assert chosen_probes(many[:3]) == many[:3]


@pytest.mark.parametrize(
    ("before", "now", "held"),
    [
        ((-0.01, True), (-0.3, True), True),
        ((-0.01, True), (-0.05, False), False),
        ((-2.0, False), (-2.9, False), True),
        ((-2.0, False), (-3.1, False), False),
        ((-2.0, False), (float("nan"), False), False),
    ],
)
def test_exact_has_to_stay_exact_and_the_rest_about_as_likely(
    before: tuple[float, bool], now: tuple[float, bool], held: bool
) -> None:
    assert holds(Probe("", "", *before), Probe("", "", *now)) is held


def test_nothing_is_said_on_the_precision_of_the_training(
    base: LoadedCheckpoint, tiny_folder: Path, tmp_path: Path
) -> None:
    save(base, tmp_path / "p", probes=(replace(PAIRS[0], exact=True),))
    loaded = load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu", dtype="float32")
    assert loaded.warnings == ()
    assert loaded.card is not None
    assert loaded.card.probes == (replace(PAIRS[0], exact=True),)


@pytest.mark.parametrize("dtype", ["int8", "int4"])
def test_a_prefix_of_a_float_base_is_measured_on_the_quantised_base(
    base: LoadedCheckpoint, tiny_folder: Path, tmp_path: Path, dtype: str
) -> None:
    save(base, tmp_path / "p")
    loaded = load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu", dtype=dtype)
    assert loaded.warnings == (f"前缀在 float32 上训练，现在是 {dtype}：抽查 3 题，3 题与训练时一致。",)


def test_between_half_and_single_precision_only_a_difference_is_told(
    base: LoadedCheckpoint, tiny_folder: Path, tmp_path: Path
) -> None:
    card = save(base, tmp_path / "p")
    assert load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu", dtype="bfloat16").warnings == ()
    save(base, tmp_path / "p", probes=(*card.probes, replace(PAIRS[0], exact=True)))
    loaded = load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu", dtype="bfloat16")
    assert len(loaded.warnings) == 1
    assert "抽查 4 题，3 题与训练时一致；要和训练时一样，请" in loaded.warnings[0]


def test_a_quantised_copy_of_the_base_has_another_hash_and_is_measured(
    base: LoadedCheckpoint, tiny_folder: Path, tmp_path: Path
) -> None:
    save(base, tmp_path / "p")
    quantize_files(tiny_folder, 8)
    loaded = load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu")
    assert loaded.base_sha256 != base.base_sha256
    assert "底座文件也不是训练时的那一份：抽查 3 题，3 题" in loaded.warnings[0]


def test_a_prefix_of_a_quantised_copy_is_measured_on_the_float_base(
    tiny_folder: Path, tmp_path: Path
) -> None:
    quantised = load_checkpoint(tiny_folder, device="cpu", dtype="int8")
    save_checkpoint(quantised.model, quantised.tokenizer, tmp_path / "q")
    stored = load_checkpoint(tmp_path / "q", device="cpu")
    save(stored, tmp_path / "p", dtype=stored.dtype_name)
    loaded = load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu", dtype="float32")
    assert loaded.warnings[0].startswith("前缀在 int8 上训练，现在是 float32，底座文件也不是训练时的那一份")
    assert load_checkpoint(tmp_path / "q", prefix=tmp_path / "p", device="cpu").warnings == ()


def test_gibberish_is_refused_with_what_was_measured(
    base: LoadedCheckpoint, tiny_folder: Path, tmp_path: Path
) -> None:
    learnt = tuple(replace(pair, log_probability=-0.01, exact=True) for pair in PAIRS)
    save(base, tmp_path / "p", probes=learnt)
    with pytest.raises(PrefixMismatchError, match="抽查 3 题，只有 0 题与训练时一致") as caught:
        load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu", dtype="int4")
    assert "平均对数概率从 -0.01 变成 -" in caught.value.message
    assert "前缀训练时：tiny，float32\n  现在：int4" in caught.value.message


@pytest.mark.parametrize("dtype", ["float32", "int8", "int4"])
def test_another_base_of_the_same_shapes_is_refused(
    base: LoadedCheckpoint, tiny_folder: Path, tmp_path: Path, dtype: str
) -> None:
    learnt = tuple(replace(pair, log_probability=-0.01, exact=True) for pair in PAIRS)
    save(base, tmp_path / "p", probes=learnt)
    rewrite(tiny_folder, lambda weights: weights.update({key: 0.5 * weights[key] for key in weights}))
    with pytest.raises(PrefixMismatchError, match="另一个底座"):
        load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu", dtype=dtype)
    quantize_files(tiny_folder, 8)
    with pytest.raises(PrefixMismatchError, match="只有 0 题与训练时一致"):
        load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu")


def test_without_probes_a_quantised_copy_of_the_base_is_another_base(
    base: LoadedCheckpoint, tiny_folder: Path, tmp_path: Path
) -> None:
    save(base, tmp_path / "p", probes=(), dtype="")
    loaded = load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu", dtype="int8")
    assert loaded.warnings == ("这个前缀的说明里没有抽查题，底座现在是 int8：量化后答案可能和训练时不同。",)
    quantize_files(tiny_folder, 8)
    with pytest.raises(PrefixMismatchError, match="另一个底座"):
        load_checkpoint(tiny_folder, prefix=tmp_path / "p", device="cpu")


def test_a_published_prefix_on_a_quantised_base_comes_with_a_note(
    base: LoadedCheckpoint, tiny_folder: Path, tmp_path: Path
) -> None:
    state = {f"transformer.prefix_encoder.{k}": v for k, v in with_prefix(base).state_dict().items()}
    torch.save(state, tmp_path / "pytorch_model.bin")
    load = {"prefix": tmp_path / "pytorch_model.bin", "device": "cpu"}
    assert load_checkpoint(tiny_folder, dtype="float32", **load).warnings == ()  # type: ignore[arg-type]
    noted = load_checkpoint(tiny_folder, dtype="int4", **load).warnings  # type: ignore[arg-type]
    assert noted[0].startswith("这个前缀没有训练说明（官方格式），底座现在是 int4")


def test_a_prefix_that_is_swapped_in_is_measured_too(
    base: LoadedCheckpoint, tiny_folder: Path, tmp_path: Path
) -> None:
    save(base, tmp_path / "good")
    learnt = tuple(replace(pair, log_probability=-0.01, exact=True) for pair in PAIRS)
    save(base, tmp_path / "bad", probes=learnt)
    running = load_checkpoint(tiny_folder, device="cpu", dtype="int4")

    def read_for_it(path: Path) -> ReadEncoder:
        return read_encoder(
            running.model, running.tokenizer, path, base=running.name, base_sha256=running.base_sha256
        )

    read = read_for_it(tmp_path / "good")
    assert read.warnings == ("前缀在 float32 上训练，现在是 int4：抽查 3 题，3 题与训练时一致。",)
    with pytest.raises(PrefixMismatchError, match="只有 0 题"):
        read_for_it(tmp_path / "bad")
    assert running.model.transformer.prefix_encoder is None


def test_a_card_keeps_its_probes(base: LoadedCheckpoint, tmp_path: Path) -> None:
    written = save(base, tmp_path / "p")
    read = load_prefix(tmp_path / "p").card
    assert read is not None
    assert (read.dtype, read.probes) == ("float32", written.probes)
