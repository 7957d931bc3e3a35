"""Whole tuning runs: what is measured, what lies in the folder, and that nothing is lost or measured on the wrong model."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.training.tiny_base import PAIRS, base_folder, logits_of, tiny_base
from tests.training.tuning_runs import PREFIX, Listener, data_of, tuned
from xiaoan.chatglm.adapter_checkpoint import load_adapter
from xiaoan.chatglm.checkpoint import load_checkpoint
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.errors import StorageError, UsageError
from xiaoan.figures import Share
from xiaoan.training.data.pairs import Pair
from xiaoan.training.methods import Base, Method, ResultFacts
from xiaoan.training.methods.full import Full
from xiaoan.training.methods.lora import Lora
from xiaoan.training.methods.ptuning import PTuning
from xiaoan.training.run_card import Accuracy, read_run_card

METHODS = [PREFIX, Lora(rank=2), Full()]
PREFIX_FILES = {"prefix.safetensors", "prefix.json"}
ADAPTER_FILES = {"adapter_model.safetensors", "adapter_config.json"}
MODEL_FILES = {
    "model.safetensors",
    "config.json",
    "ice_text.model",
    "tokenizer_config.json",
    "model_card.json",
}


def exam_of_prefixes(model: ChatGLMForConditionalGeneration) -> Accuracy:
    """An exam that tells with what it was sat: 2 of 2 right with a prefix, none without."""
    right = 2 if model.transformer.prefix_encoder is not None else 0
    return Accuracy(Share(right, 2), {"单选题": Share(right, 2)})


def stop_after(steps: int, listener: Listener) -> Callable[[], bool]:
    return lambda: len(listener.steps) >= steps


@pytest.mark.parametrize(
    ("method", "files"), list(zip(METHODS, (PREFIX_FILES, ADAPTER_FILES, MODEL_FILES), strict=True))
)
def test_one_folder_holds_the_result_the_curve_and_the_card(
    method: Method, files: set[str], base_model: Path, tmp_path: Path
) -> None:
    result = tuned(base_model, tmp_path / "out", method=method)
    names = {file.name for file in (tmp_path / "out").rglob("*") if file.is_file()}
    assert names - {"lock"} == {*files, "run.json", "metrics.jsonl"}
    assert result.card == read_run_card(tmp_path / "out")
    assert result.card is not None
    assert (result.card.ending, result.card.step, result.card.forms) == ("done", 6, ("plain",))


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_and_continued_run_equals_an_uninterrupted_one(
    method: Method, base_model: Path, tmp_path: Path
) -> None:
    whole = tiny_base(base_model)
    tuned(whole, tmp_path / "whole", method=method)
    listener = Listener()
    parted = tuned(
        base_model, tmp_path / "parted", method=method, listener=listener, should_stop=stop_after(3, listener)
    )
    assert parted.card is None
    again = tiny_base(base_model)
    assert tuned(again, tmp_path / "parted", method=method, resume=True).card is not None
    assert torch.equal(logits_of(again), logits_of(whole))


def test_what_was_measured_before_is_that_of_the_untouched_base_after_a_resume_too(
    base_model: Path, tmp_path: Path
) -> None:
    listener = Listener()
    tuned(
        base_model,
        tmp_path,
        listener=listener,
        should_stop=stop_after(3, listener),
        evaluate=exam_of_prefixes,
    )
    sat = []

    def once_more(model: ChatGLMForConditionalGeneration) -> Accuracy:
        sat.append(model)
        return exam_of_prefixes(model)

    card = tuned(base_model, tmp_path, resume=True, evaluate=once_more).card
    assert card is not None
    assert len(sat) == 1
    assert card.before.accuracy == Accuracy(Share(0, 2), {"单选题": Share(0, 2)})
    assert card.after.accuracy == Accuracy(Share(2, 2), {"单选题": Share(2, 2)})
    assert card.started == "2026-11-21T09:00:00+08:00"


def test_forgetting_is_the_same_general_pairs_before_and_after(base_model: Path, tmp_path: Path) -> None:
    general = (Pair("续写:雷雨天气", "巡视"), Pair("问好", "你好", (("在吗", "在"),)))
    card = tuned(base_model, tmp_path, data=data_of(general=general)).card
    assert card is not None
    assert card.before.general is not None
    assert card.after.general is not None
    assert card.before.general.exact.asked == card.after.general.exact.asked == 2
    assert card.before.general.loss != card.after.general.loss


def test_a_bank_that_is_learnt_ends_the_run_early_and_the_card_says_so(
    base_model: Path, tmp_path: Path
) -> None:
    card = tuned(
        base_model,
        tmp_path,
        method=Full(),
        steps=300,
        batch_size=3,
        learning_rate=1e-2,
        evaluate_every=5,
        stop_at_exact=True,
        save_every=300,
    ).card
    assert card is not None
    assert (card.ending, card.exact_train, card.best_exact) == ("early", 1.0, 1.0)
    assert card.best_step <= card.step < card.steps
    document = json.loads((tmp_path / "model_card.json").read_text(encoding="utf-8"))
    assert document["metrics"]["exact"] == 1.0


def test_a_prefixs_card_keeps_probes_of_what_was_learnt_whole(base_model: Path, tmp_path: Path) -> None:
    long = Pair("绝缘手套" * 20, "戴")
    tuned(base_model, tmp_path, data=data_of([*PAIRS, long]), max_source_length=64)
    prefix = json.loads((tmp_path / "prefix.json").read_text(encoding="utf-8"))
    assert [probe["content"] for probe in prefix["probes"]] == [pair.content for pair in PAIRS]
    assert prefix["dtype"] == "float32"
    assert set(prefix["metrics"]) == {"exact", "training_s"}


def test_a_bank_of_one_question_trains(base_model: Path, tmp_path: Path) -> None:
    card = tuned(base_model, tmp_path, data=data_of(PAIRS[:1])).card
    assert card is not None
    assert (card.step, card.exact_held_out) == (6, None)


def test_answers_that_would_all_be_cut_are_refused_before_anything_is_written(
    base_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"全部 3 条回答.*“雷雨天巡视穿什么鞋\?”.*--max-target-length"):
        tuned(base_model, tmp_path / "out", max_target_length=3, data=data_of([*PAIRS[::2], PAIRS[0]]))
    assert not (tmp_path / "out").exists()


def test_answers_some_of_which_are_cut_are_counted_and_named(base_model: Path, tmp_path: Path) -> None:
    listener = Listener()
    card = tuned(base_model, tmp_path, listener=listener, max_target_length=4, max_source_length=9).card
    assert card is not None
    assert (card.targets_cut, card.sources_cut) == (2, 1)
    assert "1 条问题超过 9 个词元" in listener.notices[0]
    assert "2 条回答超过 4 个词元" in listener.notices[1]
    assert "“验电要戴什么?”" in listener.notices[1]


def test_an_unfinished_run_asks_for_resume_and_a_finished_one_is_left_alone(
    base_model: Path, tmp_path: Path
) -> None:
    listener = Listener()
    tuned(base_model, tmp_path, listener=listener, should_stop=stop_after(2, listener))
    with pytest.raises(UsageError, match="--resume"):
        tuned(base_model, tmp_path)
    tuned(base_model, tmp_path, resume=True)
    with pytest.raises(UsageError, match="已经有一次训练的结果"):
        tuned(base_model, tmp_path)
    before = (tmp_path / "run.json").read_bytes()
    again = tuned(base_model, tmp_path, resume=True, steps=99)
    assert again.already_finished
    assert (tmp_path / "run.json").read_bytes() == before


def test_resume_on_an_empty_folder_begins(base_model: Path, tmp_path: Path) -> None:
    assert tuned(base_model, tmp_path / "new", resume=True).card is not None


def test_resuming_on_another_base_or_other_data_is_refused_with_what_differs(
    base_model: Path, tmp_path: Path
) -> None:
    listener = Listener()
    tuned(base_model, tmp_path / "out", listener=listener, should_stop=stop_after(2, listener))
    with pytest.raises(UsageError, match=r"base\.sha256"):
        tuned(base_folder(tmp_path / "other", seed=2), tmp_path / "out", resume=True)
    with pytest.raises(UsageError, match=r"data\.sha256"):
        tuned(base_model, tmp_path / "out", resume=True, data=data_of(sha256="e" * 64))
    with pytest.raises(UsageError, match=r"method\.pre_seq_len：原来 4，这次 8"):
        tuned(base_model, tmp_path / "out", resume=True, method=PTuning(pre_seq_len=8, init_std=0.3))


def test_a_crash_while_the_result_is_written_leaves_a_run_that_can_be_resumed(
    base_model: Path, tmp_path: Path
) -> None:
    class FullDisk(PTuning):
        def save(self, base: Base, folder: Path, facts: ResultFacts) -> None:
            raise StorageError("磁盘满了")

    with pytest.raises(StorageError):
        tuned(base_model, tmp_path, method=FullDisk(pre_seq_len=4, init_std=0.3))
    listener = Listener()
    assert tuned(base_model, tmp_path, resume=True, listener=listener).card is not None
    assert listener.steps == []


def test_a_damaged_record_of_the_first_measurement_is_measured_again_on_the_untouched_base(
    base_model: Path, tmp_path: Path
) -> None:
    listener = Listener()
    tuned(
        base_model,
        tmp_path,
        listener=listener,
        should_stop=stop_after(2, listener),
        evaluate=exam_of_prefixes,
    )
    (tmp_path / "state" / "before.json").write_text("{}", encoding="utf-8")
    card = tuned(base_model, tmp_path, resume=True, listener=listener, evaluate=exam_of_prefixes).card
    assert card is not None
    assert card.before.accuracy == Accuracy(Share(0, 2), {"单选题": Share(0, 2)})
    assert any("重新量" in notice for notice in listener.notices)


def test_a_tuned_model_says_what_its_folder_says(base_model: Path, tmp_path: Path) -> None:
    prefix, adapter = tiny_base(base_model), tiny_base(base_model)
    tuned(prefix, tmp_path / "prefix")
    loaded = load_checkpoint(base_model, prefix=tmp_path / "prefix", device="cpu", dtype="float32")
    assert torch.equal(logits_of(Base(loaded.model, loaded.tokenizer, "", "")), logits_of(prefix))
    tuned(adapter, tmp_path / "adapter", method=Lora(rank=2))
    other = tiny_base(base_model)
    read = load_adapter(other.model, tmp_path / "adapter", base=other.name, base_sha256=other.sha256)
    assert read.card is not None
    assert read.card.forms == ("plain",)
    assert torch.equal(logits_of(other), logits_of(adapter))
    full = tiny_base(base_model)
    tuned(full, tmp_path / "full", method=Full(), learning_rate=1e-3)
    assert torch.equal(logits_of(tiny_base(tmp_path / "full")), logits_of(full))
