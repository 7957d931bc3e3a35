"""The checkpoint that ships with the program, through the path that people use."""

import json
import random
import time
from pathlib import Path

import pytest

from xiaoan.assistant.answering import Assistant
from xiaoan.assistant.chatglm_engine import load_engine
from xiaoan.assistant.open_bank import OpenBank, open_bank
from xiaoan.chatglm.checkpoint import load_checkpoint
from xiaoan.chatglm.prefix_probe import measure_probes
from xiaoan.config import default_paths
from xiaoan.evaluation.exam import sit_exam
from xiaoan.training.data.bank_forms import plain_pairs
from xiaoan.training.pretraining.texts import read_field_texts

DEFAULTS = default_paths()
TEXTS = Path(__file__).resolve().parent.parent / "checkpoints" / "sources" / "安规语料.jsonl"


@pytest.fixture(scope="module")
def bank() -> OpenBank:
    opened = open_bank([DEFAULTS.bank])
    assert opened is not None
    return opened


@pytest.fixture(scope="module")
def assistant(bank: OpenBank) -> Assistant:
    return Assistant(load_engine(None, None, "cpu", "float32"), bank.matcher, clock=time.perf_counter)


def test_base_and_prefix_are_small_and_say_what_they_are(assistant: Assistant) -> None:
    assert sum(file.stat().st_size for file in DEFAULTS.model.iterdir()) <= 25e6
    card = json.loads((DEFAULTS.prefix / "prefix.json").read_text(encoding="utf-8"))
    assert card["metrics"]["exact"] >= 0.98
    assert assistant.engine.info.demo
    assert assistant.engine.info.prefix == "xiaoan-demo-prefix"


@pytest.mark.parametrize(("form", "least"), [("plain", 0.95), ("shuffled", 0.95), ("noisy", 0.85)])
def test_random_bank_questions_are_answered_right_and_verified(
    assistant: Assistant, bank: OpenBank, form: str, least: float
) -> None:
    questions = random.Random(form).sample(list(bank.bank), 40)
    report = sit_exam(assistant, questions, [form], seed=1)
    assert report.score(form).value >= least, report.wrong
    if form != "noisy":
        verified = [s for s in report.sittings if s.status == "match"]
        assert len(verified) == report.score(form).right
    assert report.wrongly_verified == ()


def test_options_decide_alike_in_every_order(assistant: Assistant, bank: OpenBank) -> None:
    random_source = random.Random(11)
    for question in random_source.sample([q for q in bank.bank if q.options], 10):
        chosen = set()
        for _ in range(3):
            options = random_source.sample(question.options, len(question.options))
            answer = assistant.answer(
                "\n".join(
                    [question.stem, *(f"{letter}、{o}" for letter, o in zip("ABCDE", options, strict=False))]
                )
            )
            chosen.add(frozenset(o.text for o in answer.asked.options if o.label in answer.selected))
        assert len(chosen) == 1, question.stem


def test_questions_in_other_words_than_the_banks_are_never_verified(assistant: Assistant) -> None:
    others = [
        text for record in read_field_texts(TEXTS) for text in (*record.questions, *record.false_statements)
    ]
    for text in random.Random(2).sample(others, 40):
        check = assistant.answer(text).check
        assert check is not None
        assert str(check.status) == "not_found", text


def test_an_answer_is_the_same_twice(assistant: Assistant, bank: OpenBank) -> None:
    text = next(iter(bank.bank)).stem
    assert assistant.answer(text).answer == assistant.answer(text).answer


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "least"), [("bfloat16", 0.99), ("int8", 0.99), ("int4", 0.98)])
def test_in_fewer_bits_the_prefix_keeps_its_answers(bank: OpenBank, dtype: str, least: float) -> None:
    loaded = load_checkpoint(DEFAULTS.model, prefix=DEFAULTS.prefix, device="cpu", dtype=dtype)
    exact = 0
    pairs = plain_pairs(tuple(bank.bank))
    for start in range(0, len(pairs), 64):
        batch = pairs[start : start + 64]
        exact += sum(probe.exact for probe in measure_probes(loaded.model, loaded.tokenizer, batch, limit=64))
    assert exact >= least * len(pairs)
