"""Known questions: near and far, kept in a file that belongs to its weights."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from xiaoan.chatglm.known_questions import (
    FILE_NAME,
    LARGEST_WIDTH,
    KnownQuestions,
    confidence_beside,
    load_confidence,
    save_confidence,
    trained_sha256,
)
from xiaoan.errors import CheckpointError

FITTED = {"temperature": 6.0, "familiarity_weight": 5.9, "bias": -2.3}
CHOSEN = {"temperature": 3.0, "familiarity_weight": 4.0, "bias": 0.5}


def states(count: int = 20, hidden: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, hidden, generator=torch.Generator().manual_seed(seed)) * 3 + 7


def saved(folder: Path, known: KnownQuestions | None = None, *, content: bytes = b"weights") -> Path:
    (folder / "prefix.safetensors").write_bytes(content)
    return save_confidence(
        folder,
        known or KnownQuestions.of(states()),
        temperature=6.0,
        familiarity_weight=5.9,
        bias=-2.3,
        fitted_on={"题库": 20},
        answers_with=trained_sha256(folder),
        kinds={"chosen": CHOSEN},
    )


@pytest.mark.parametrize("hidden", [32, 256, 300])
def test_a_known_question_is_as_near_as_can_be_and_a_strange_one_is_not(hidden: int) -> None:
    known = KnownQuestions.of(states(hidden=hidden))
    assert known.states.shape == (20, min(hidden, LARGEST_WIDTH))
    assert known.familiarity(states(hidden=hidden)) == pytest.approx([1.0] * 20, abs=1e-3)
    strange = known.familiarity(states(seed=1, hidden=hidden))
    assert max(strange) < 0.8
    assert all(cosine <= 1 for cosine in known.familiarity(states(hidden=hidden)))


def test_familiarity_is_the_same_alone_and_among_others() -> None:
    known, asked = KnownQuestions.of(states()), states(seed=2)
    alone = [known.familiarity(one[None])[0] for one in asked]
    assert known.familiarity(asked) == pytest.approx(alone, abs=1e-6)
    assert known.familiarity(asked[:0]) == []


def test_projection_keeps_cosines() -> None:
    wide = states(count=2, hidden=4096) - 7
    narrow = KnownQuestions.of(wide[:1]).familiarity(wide[1:])[0]
    assert narrow == pytest.approx(float(torch.cosine_similarity(wide[0], wide[1], dim=0)), abs=0.2)


def test_one_question_and_a_value_that_never_varies_are_no_reason_for_nan() -> None:
    one = states(count=1)
    assert KnownQuestions.of(one).familiarity(one) == pytest.approx([1.0], abs=1e-3)
    flat = states()
    flat[:, 3] = 1.0
    assert KnownQuestions.of(flat).familiarity(flat) == pytest.approx([1.0] * 20, abs=1e-3)


def test_what_was_saved_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    known = KnownQuestions.of(states())
    assert saved(tmp_path, known) == tmp_path / FILE_NAME
    stored = load_confidence(tmp_path)
    assert stored is not None
    for name in ("mean", "scale", "states"):
        assert torch.equal(getattr(stored.known, name), getattr(known, name))
    assert (stored.numbers, stored.kinds) == (FITTED, {"chosen": CHOSEN})
    assert stored.fitted_on == {"题库": 20}
    assert load_file(tmp_path / FILE_NAME)["states"].dtype == torch.float16
    assert stored.known.familiarity(states(seed=1)) == known.familiarity(states(seed=1))


def test_no_file_is_no_knowledge(tmp_path: Path) -> None:
    assert load_confidence(tmp_path) is None
    assert confidence_beside(tmp_path, 32) is None


def test_a_file_counts_only_beside_the_weights_that_it_was_made_for(tmp_path: Path) -> None:
    saved(tmp_path)
    for weights in (tmp_path, tmp_path / "prefix.safetensors"):
        assert confidence_beside(weights, 32) is not None
    with pytest.raises(CheckpointError, match="应当有 64 个"):
        confidence_beside(tmp_path, 64)
    (tmp_path / "prefix.safetensors").write_bytes(b"other weights")
    with pytest.raises(CheckpointError, match="另一份权重"):
        confidence_beside(tmp_path, 32)


@pytest.mark.parametrize("name", ["prefix.safetensors", "adapter_model.safetensors", "pytorch_model.bin"])
def test_the_weights_of_a_folder_are_those_that_were_trained(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"weights")
    assert trained_sha256(tmp_path) == trained_sha256(tmp_path / name)


def test_a_broken_file_says_what_is_wrong(tmp_path: Path) -> None:
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="不完整或已损坏"):
        load_confidence(tmp_path)


def rewritten(folder: Path, tensors: dict[str, torch.Tensor], **described: object) -> None:
    stated = {**FITTED, "fitted_on": {}, "answers_with": "0", **described}
    metadata = {name: json.dumps(value) for name, value in stated.items()}
    save_file(tensors, folder / FILE_NAME, metadata=metadata)


def test_contents_that_make_no_sense_are_all_listed(tmp_path: Path) -> None:
    tensors = {"mean": torch.zeros(4), "scale": torch.ones(4), "states": torch.ones(3, 4)}
    rewritten(tmp_path, tensors)
    assert load_confidence(tmp_path) is not None
    for wrong, described, found in (
        ({}, {"temperature": 0.0}, "temperature 应当大于 0"),
        ({}, {"bias": "低", "answers_with": 3}, "bias 应当是数；缺少 answers_with"),
        ({"mean": torch.zeros(5)}, {}, "形状对不上"),
        ({"states": torch.full((3, 4), float("nan"))}, {}, "有不是数的值"),
    ):
        rewritten(tmp_path, tensors | wrong, **described)
        with pytest.raises(CheckpointError, match=found):
            load_confidence(tmp_path)
    rewritten(tmp_path, {"mean": torch.zeros(4)})
    with pytest.raises(CheckpointError, match="缺少 scale；缺少 states"):
        load_confidence(tmp_path)
