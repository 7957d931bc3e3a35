"""The prefix as a method: what moves, in which precision, and that what was saved is what was trained."""

from pathlib import Path

import pytest
import torch

from tests.training.tiny_base import FACTS, PAIRS, logits_of, stir, tiny_base
from tests.training.tuning_runs import tuned
from xiaoan.chatglm.checkpoint import load_checkpoint
from xiaoan.errors import UsageError
from xiaoan.training.data.pairs import Pair
from xiaoan.training.methods import Base
from xiaoan.training.methods.full import Full
from xiaoan.training.methods.ptuning import PTuning
from xiaoan.training.running.exactness import exact_share


def test_a_float32_prefix_alone_is_trained_on_a_half_precision_base(base_model: Path) -> None:
    base = tiny_base(base_model, "bfloat16")
    parameters = PTuning(pre_seq_len=4).attach(base, seed=1)
    trained = {name: p.dtype for name, p in base.model.named_parameters() if p.requires_grad}
    assert trained == dict.fromkeys(parameters, torch.float32)
    assert list(parameters) == ["transformer.prefix_encoder.embedding.weight"]
    assert next(iter(parameters.values())).shape == (4, 2 * 2 * 32)


def test_initial_values_follow_from_seed_and_std_and_leave_the_global_generator_alone(
    base_model: Path,
) -> None:
    base = tiny_base(base_model)
    before = torch.random.get_rng_state()
    first = dict(PTuning(pre_seq_len=64, init_std=0.3).attach(base, seed=1))
    again = PTuning(pre_seq_len=64, init_std=0.3).attach(base, seed=1)
    (name,) = first
    assert torch.equal(first[name], again[name])
    assert float(again[name].detach().std()) == pytest.approx(0.3, rel=0.05)
    assert torch.equal(torch.random.get_rng_state(), before)


def of_the_question(base: Base, pair: Pair) -> torch.Tensor:
    """Keys and values that the base computes for each token of a question: `[tokens, layers * 2 * hidden]`."""
    base.model.transformer.prefix_encoder = None
    layers = base.model(
        torch.tensor([base.tokenizer.encode(pair.content)]), use_cache=True
    ).past_key_values.layers
    seen = torch.cat([states for layer in layers for states in (layer.keys, layer.values)])
    return seen.transpose(1, 2).transpose(0, 1).flatten(1).detach()


def test_a_prefix_may_begin_as_the_bases_own_keys_and_values_of_the_questions(base_model: Path) -> None:
    base = tiny_base(base_model)
    parameters = PTuning(pre_seq_len=5, init_std=None).attach(base, seed=3, pairs=PAIRS[:1])
    rows = next(iter(parameters.values())).detach()
    distances = torch.cdist(rows, of_the_question(base, PAIRS[0]))
    assert float(distances.min(dim=1).values.max()) < 1e-4


def test_its_keys_are_halved_where_the_base_answers_most_of_the_questions_already(
    base_model: Path, tmp_path: Path
) -> None:
    base = tiny_base(base_model)
    tuned(
        base,
        tmp_path,
        method=Full(),
        stop_at_exact=True,
        steps=300,
        batch_size=3,
        learning_rate=1e-2,
        evaluate_every=10,
        save_every=300,
    )
    assert exact_share(base.model, base.tokenizer, PAIRS) == 1.0
    parameters = PTuning(pre_seq_len=5, init_std=None).attach(base, seed=3, pairs=PAIRS[:1])
    rows = next(iter(parameters.values())).detach()
    halved = of_the_question(base, PAIRS[0]).unflatten(-1, (4, 32)) * torch.tensor([0.5, 1, 0.5, 1])[:, None]
    assert float(torch.cdist(rows, halved.flatten(1)).min(dim=1).values.max()) < 1e-4


def test_a_prefix_with_projection_or_without_questions_begins_as_published(base_model: Path) -> None:
    for projection, pairs in ((True, PAIRS), (False, ())):
        method = PTuning(pre_seq_len=64, init_std=None, prefix_projection=projection)
        parameters = method.attach(tiny_base(base_model), seed=3, pairs=pairs)
        weight = parameters["transformer.prefix_encoder.embedding.weight"].detach()
        assert float(weight.std()) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("projection", [False, True])
def test_a_saved_prefix_loads_onto_its_base_and_says_the_same(
    projection: bool, base_model: Path, tmp_path: Path
) -> None:
    base = tiny_base(base_model)
    method = PTuning(pre_seq_len=4, prefix_projection=projection)
    stir(method.attach(base, seed=1))
    method.save(base, tmp_path, FACTS)
    loaded = load_checkpoint(base_model, prefix=tmp_path, device="cpu", dtype="float32")
    assert torch.equal(logits_of(Base(loaded.model, loaded.tokenizer, "", "")), logits_of(base))
    assert loaded.card is not None
    assert (loaded.card.forms, loaded.card.dtype) == (("plain",), "float32")


def test_without_the_prefix_the_base_is_as_before(base_model: Path) -> None:
    base = tiny_base(base_model)
    before = logits_of(base)
    method = PTuning(pre_seq_len=4)
    method.attach(base, seed=1)
    assert not torch.equal(logits_of(base), before)
    method.detach(base)
    assert torch.equal(logits_of(base), before)
    assert base.model.config.pre_seq_len is None


@pytest.mark.parametrize(
    "wrong", [{"pre_seq_len": 0}, {"init_std": 0.0}, {"init_std": float("nan")}, {"dropout": 1.0}]
)
def test_settings_that_make_no_prefix_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="前缀设置不对"):
        PTuning(**wrong)  # type: ignore[arg-type]
