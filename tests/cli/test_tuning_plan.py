import pytest

from xiaoan.cli.tuning_flags import FullFlags, LoraFlags, PtuningFlags, TuningFlags
from xiaoan.cli.tuning_plan import check_flags, made_plan
from xiaoan.errors import UsageError
from xiaoan.training.methods.lora import Lora
from xiaoan.training.methods.ptuning import PTuning
from xiaoan.training.presets import METHODS, PRESETS, Sizes, choose

SIZES = Sizes(hidden_size=256, num_layers=6, parameters=5_800_000, pairs=40, examples=120)


@pytest.mark.parametrize("preset", list(PRESETS))
@pytest.mark.parametrize("method", METHODS)
def test_without_wishes_the_plan_is_the_presets(preset: str, method: str) -> None:
    plan = made_plan(method, TuningFlags(output="x", preset=preset), SIZES, seed=7)
    chosen = choose(preset, method, SIZES, seed=7)
    assert (plan.method, plan.loop, plan.reasons) == (chosen.method, chosen.loop, chosen.reasons)
    assert (plan.preset, plan.loop.seed) == (preset, 7)


def test_wishes_outrank_the_preset_and_are_told() -> None:
    flags = PtuningFlags(
        output="x", max_steps=9, learning_rate=0.5, early_stop=False, pre_seq_len=4, prefix_projection=True
    )
    plan = made_plan("ptuning", flags, SIZES, seed=None)
    assert isinstance(plan.method, PTuning)
    assert (plan.method.pre_seq_len, plan.method.prefix_projection) == (4, True)
    assert (plan.loop.steps, plan.loop.learning_rate, plan.loop.stop_at_exact) == (9, 0.5, False)
    assert plan.reasons[-1] == "按命令行改了：步数 9，学习率 0.5，提前结束 关，前缀长度 4，前缀网络 开"


def test_lora_takes_its_own_wishes() -> None:
    flags = LoraFlags(output="x", rank=3, alpha=6, lora_dropout=0.2, target=["dense", "query_key_value"])
    method = made_plan("lora", flags, SIZES, seed=None).method
    assert isinstance(method, Lora)
    assert (method.rank, method.alpha, method.dropout) == (3, 6, 0.2)
    assert set(method.targets) == {"dense", "query_key_value"}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (PtuningFlags(output="x", export="thudm"), "original"),
        (FullFlags(output="x", gradient_checkpointing="yes"), "auto、on、off"),
        (FullFlags(output="x", dtype="int8"), "压缩过的权重"),
    ],
)
def test_impossible_words_are_refused_before_anything_is_loaded(flags: TuningFlags, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_flags(flags)
