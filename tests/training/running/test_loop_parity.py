"""The real loop, from pairs to parameters, against training recorded from the published model and script."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from tests.recorded import Recorded, load_recorded
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.training.data.pairs import Pair
from xiaoan.training.running.answer_loss import answer_loss
from xiaoan.training.running.batches import Batch, collate, encode_pair, weighted_batch
from xiaoan.training.running.listening import SilentListener, StepReport
from xiaoan.training.running.loop import AnswerLoss, LoopSettings, TrainingRun

PREFIX_CASES = ("prefix8", "prefix8_proj")
ROUNDING = {"prefix8": 3e-5, "prefix8_proj": 2e-3}
"""How far six steps may lead from the recorded ones; see the note at the model's own test of the trace."""


class IdTexts:
    """A tokenizer whose texts are ids: "5 7" is [5, 7]; specials as the recorded models have them."""

    pad_token_id = 3
    bos_token_id = 194

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        return [int(word) for word in text.split()]

    def build_inputs_with_special_tokens(self, a: list[int], b: list[int]) -> list[int]:
        return [*a, 191, 194, *b, 195]


TOKENIZER = cast(PreTrainedTokenizerBase, IdTexts())


def pairs_of(input_ids: Tensor) -> list[Pair]:
    """The pairs that recorded rows were made of, as far as they were kept."""
    pairs = []
    for row in input_ids.tolist():
        sop, eop = row.index(194), row.index(195)
        pairs.append(Pair(written(row[: sop - 1]), written(row[sop + 1 : eop])))
    return pairs


def written(ids: Sequence[int]) -> str:
    return " ".join(str(i) for i in ids)


def prefix_model(recorded: Recorded) -> tuple[ChatGLMForConditionalGeneration, dict[str, nn.Parameter]]:
    """The recorded model with everything but its prefix frozen and nothing dropped."""
    model = recorded.model()  # the readable attention: rounding of the fused one grows tenfold in six steps
    model.requires_grad_(False)
    encoder = model.transformer.prefix_encoder
    assert encoder is not None
    encoder.requires_grad_(True)
    encoder.dropout.p = 0.0
    return model, {f"transformer.prefix_encoder.{name}": p for name, p in encoder.named_parameters()}


class Steps(SilentListener):
    """Keeps the steps."""

    def __init__(self) -> None:
        self.seen: list[StepReport] = []

    def on_step(self, report: StepReport) -> None:
        self.seen.append(report)


def six_steps(
    recorded: Recorded, folder: Path, **changes: Any
) -> tuple[list[StepReport], dict[str, nn.Parameter]]:
    """Train on the recorded rows as the published script does; return the steps and the parameters."""
    model, parameters = prefix_model(recorded)
    pairs = pairs_of(recorded["train.input_ids"])
    settings = LoopSettings(
        **{
            **{"steps": 6, "batch_size": 4, "learning_rate": 2e-2, "optimizer_epsilon": "published"},
            **{
                "max_source_length": 16,
                "max_target_length": 16,
                "autocast": "float32",
                "labels": "published",
            },
            **changes,
        }
    )
    steps = Steps()
    run = TrainingRun(
        model,
        TOKENIZER,
        parameters=parameters,
        pairs=lambda _: pairs,
        settings=settings,
        folder=folder,
        listener=steps,
    )
    run.run()
    return steps.seen, run.parameters


def test_lengths_layout_and_labels_are_the_published_ones(golden: Path) -> None:
    recorded = load_recorded("prefix8", golden)
    pairs = [Pair(written(row["a_ids"]), written(row["b_ids"])) for row in recorded.meta["train_raw"]]
    examples = [
        encode_pair(TOKENIZER, p, max_source_length=16, max_target_length=16, with_sop=True) for p in pairs
    ]
    batch = collate(examples, 3)
    width = batch.input_ids.shape[1]
    assert torch.equal(batch.input_ids, recorded["train.input_ids"][:, :width])
    assert torch.equal(batch.labels, recorded["train.labels"][:, :width])
    assert bool((recorded["train.labels"][:, width:] == -100).all())


def test_masks_and_positions_are_the_published_ones(golden: Path) -> None:
    recorded = load_recorded("prefix8", golden)
    model = recorded.model()
    examples = [
        encode_pair(TOKENIZER, pair, max_source_length=16, max_target_length=16, with_sop=True)
        for pair in pairs_of(recorded["train.input_ids"])
    ]
    batch = weighted_batch(examples, [1.0] * 4, [0] * 4, model.config)
    width = batch.input_ids.shape[1]
    assert torch.equal(batch.position_ids, recorded["train.position_ids"][..., :width])
    published = recorded["train.attention_mask"][..., :width, :width].expand_as(batch.attention_mask)
    assert torch.equal(batch.attention_mask, published)


@pytest.mark.parametrize("case", PREFIX_CASES)
def test_loss_and_gradients_over_answers_only_are_the_published_ones(case: str) -> None:
    recorded = load_recorded(case, None)
    model, prefix = prefix_model(recorded)
    batch = Batch(recorded["train.input_ids"], recorded["train.labels"])
    loss = answer_loss(model, batch)
    torch.testing.assert_close(loss, recorded["train.loss"][0], atol=1e-5, rtol=0)
    loss.backward()
    for name, parameter in prefix.items():
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, recorded[f"train.grad.{name}"], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("case", PREFIX_CASES)
def test_the_loops_weighted_batch_has_the_published_gradients(case: str) -> None:
    recorded = load_recorded(case, None)
    model, prefix = prefix_model(recorded)
    examples = [encode_pair(TOKENIZER, pair, with_sop=True) for pair in pairs_of(recorded["train.input_ids"])]
    tokens = sum(example.answer_tokens for example in examples)
    batch = weighted_batch(examples, [1 / tokens] * 4, [1, 2, 3, 4], model.config)
    AnswerLoss(model.train())(batch).backward()
    for name, parameter in prefix.items():
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, recorded[f"train.grad.{name}"], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("case", PREFIX_CASES)
def test_six_steps_of_the_loop_follow_the_published_trace(case: str, tmp_path: Path) -> None:
    recorded, rounding = load_recorded(case, None), ROUNDING[case]
    steps, parameters = six_steps(recorded, tmp_path)
    for step, trace in zip(steps, recorded.meta["optim_trace"], strict=True):
        assert step.learning_rate == pytest.approx(trace["lr"], rel=1e-12)
        assert step.step_loss == pytest.approx(trace["loss"], rel=2 * rounding)
        if step.step <= 4:
            assert step.gradient_norm == pytest.approx(trace["grad_norm_before_clip"], rel=10 * rounding)
    for name, parameter in parameters.items():
        torch.testing.assert_close(parameter.data, recorded[f"optim.final.{name}"], atol=rounding, rtol=0)


def test_torchs_own_epsilon_would_lead_elsewhere(tmp_path: Path) -> None:
    recorded = load_recorded("prefix8", None)
    _, parameters = six_steps(recorded, tmp_path, optimizer_epsilon="torch")
    off = max(
        float((p - recorded[f"optim.final.{name}"]).abs().max().detach()) for name, p in parameters.items()
    )
    assert off > 0.01


def test_checkpointing_follows_the_same_trace_bit_for_bit(tmp_path: Path) -> None:
    recorded = load_recorded("prefix8", None)
    kept, parameters = six_steps(recorded, tmp_path / "off", gradient_checkpointing="off")
    recomputed, others = six_steps(recorded, tmp_path / "on", gradient_checkpointing="on")
    assert [step.step_loss for step in kept] == [step.step_loss for step in recomputed]
    assert all(torch.equal(parameters[name], others[name]) for name in parameters)
