"""A prefix learns on a base in int8 or int4, and keeps what it learnt on the same base in other bits."""

from pathlib import Path

import pytest
import torch

from tests.training.tiny_base import PAIRS, base_folder, tiny_base
from tests.training.tuning_runs import data_of, tuned
from xiaoan.chatglm.checkpoint import load_checkpoint, save_checkpoint
from xiaoan.chatglm.prefix_probe import measure_probes
from xiaoan.chatglm.quantization import QUANTIZED_BITS
from xiaoan.errors import PrefixMismatchError
from xiaoan.training.methods.ptuning import PTuning
from xiaoan.training.run_card import read_run_card

LEARNT = PAIRS[:2]
LARGE = PTuning(pre_seq_len=64, init_std=1.0, dropout=0.0)
SMALL = PTuning(pre_seq_len=4, init_std=0.3, dropout=0.0)


@pytest.fixture(scope="module")
def wide_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base with random weights so large that a prefix can turn its answers round."""
    folder = tmp_path_factory.mktemp("wide")
    base = tiny_base(base_folder(folder))
    with torch.no_grad():
        for name, parameter in base.model.named_parameters():
            if name.endswith("weight") and "layernorm" not in name:
                parameter.mul_(20)
    save_checkpoint(base.model, base.tokenizer, folder / "wide")
    return folder / "wide"


@pytest.fixture(scope="module", params=["float32", *QUANTIZED_BITS])
def learnt(request: pytest.FixtureRequest, wide_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prefix that learnt two answers by heart; its folder is named by the precision of its base."""
    output = tmp_path_factory.mktemp("prefix") / str(request.param)
    base = tiny_base(wide_base, request.param)
    before = {name: value.clone() for name, value in base.model.state_dict().items()}
    tuned(base, output, data=data_of(LEARNT), method=LARGE, steps=60, learning_rate=1.0, save_every=60)
    after = base.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    return output


def test_a_prefix_learns_on_every_precision(learnt: Path, wide_base: Path) -> None:
    loaded = load_checkpoint(wide_base, prefix=learnt, device="cpu", dtype=learnt.name)
    measured = measure_probes(loaded.model, loaded.tokenizer, LEARNT)
    assert [probe.exact for probe in measured] == [True, True]
    assert loaded.card is not None
    assert (loaded.card.dtype, loaded.card.probes) == (learnt.name, measured)
    assert loaded.card.base_sha256 == loaded.base_sha256
    assert loaded.warnings == ()


@pytest.mark.parametrize("dtype", ["bfloat16", *QUANTIZED_BITS])
def test_on_another_precision_the_person_is_told_what_was_measured(
    learnt: Path, wide_base: Path, dtype: str
) -> None:
    loaded = load_checkpoint(wide_base, prefix=learnt, device="cpu", dtype=dtype)
    held = sum(probe.exact for probe in measure_probes(loaded.model, loaded.tokenizer, LEARNT))
    assert held >= 1
    if dtype in QUANTIZED_BITS and dtype != learnt.name:
        words = f"前缀在 {learnt.name} 上训练，现在是 {dtype}：抽查 2 题，{held} 题与训练时一致"
        assert loaded.warnings[0].startswith(words)


def test_a_learnt_prefix_is_refused_by_an_unrelated_base_of_the_same_shapes(
    learnt: Path, base_model: Path, tmp_path: Path
) -> None:
    quantised = load_checkpoint(base_model, device="cpu", dtype="int8")
    save_checkpoint(quantised.model, quantised.tokenizer, tmp_path / "int8")
    for folder in (base_model, tmp_path / "int8"):
        with pytest.raises(PrefixMismatchError, match=r"另一个底座|只有 0 题与训练时一致"):
            load_checkpoint(folder, prefix=learnt, device="cpu")


@pytest.mark.parametrize("autocast", ["float32", "bfloat16"])
def test_stored_quantised_weights_are_trained_on_as_they_are(
    wide_base: Path, tmp_path: Path, autocast: str
) -> None:
    quantised = load_checkpoint(wide_base, device="cpu", dtype="int4")
    save_checkpoint(quantised.model, quantised.tokenizer, tmp_path / "q")
    files = {path.name: path.read_bytes() for path in (tmp_path / "q").iterdir()}
    tuned(tiny_base(tmp_path / "q", "int4"), tmp_path / "p", method=SMALL, autocast=autocast)
    assert {path.name: path.read_bytes() for path in (tmp_path / "q").iterdir()} == files
    card = read_run_card(tmp_path / "p")
    assert card is not None
    assert 0 < card.final_loss < 100
    loaded = load_checkpoint(tmp_path / "q", prefix=tmp_path / "p", device="cpu")
    assert loaded.card is not None
    assert (loaded.card.dtype, loaded.stored_bits, loaded.warnings) == ("int4", 4, ())
