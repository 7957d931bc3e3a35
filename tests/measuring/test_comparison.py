"""Comparisons of a shape that is measured in milliseconds, by a clock that ticks."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.measuring.small import CPU, small_shape, ticking
from xiaoan.errors import PrefixMismatchError
from xiaoan.measuring.answer_loops import Ready
from xiaoan.measuring.comparison import REFERENCE, Case, Comparison, Plan, compare
from xiaoan.measuring.machine_rates import MachineRates, ReadingRate
from xiaoan.measuring.subjects import RandomSubject, Subject
from xiaoan.measuring.variants import Variant, variant_named

RATES = MachineRates(1e9, 1e9, {"float32": 1e6})
CASES = (Case(8, 1, 3, 2), Case(8, 2, 3, 1))


def compared(plan: Plan, *names: str, subject: Subject | None = None) -> Comparison:
    clock = ticking()
    variants = [variant_named(name, torch.float32) for name in names]
    reading = ReadingRate(CPU, clock, size=4096)
    subject = subject or RandomSubject(small_shape(), CPU)
    return compare(subject, variants, plan, RATES, reading=reading, clock=clock)


def test_every_precision_has_a_row_a_case_and_the_reference_one_where_one_prompt_is_asked() -> None:
    found = compared(Plan(CASES, loss_tokens=2), "float32", "int8")
    assert [(row.name, row.case.batch) for row in found.rows] == [
        (REFERENCE, 1),
        ("float32", 1),
        ("int8", 1),
        ("float32", 2),
        ("int8", 2),
    ]
    row = found.row("int8", prompt=8)
    assert row is not None
    assert row.speedup is not None
    assert row.speedup.median == 1.0  # every token takes one tick
    assert row.dtype == "float32"
    assert row.read_share == pytest.approx(row.read_bytes / 4096, rel=0.01)
    assert found.exact == "float32"
    assert list(found.losses) == ["int8"]
    assert found.has_reference


def test_one_after_the_other_without_the_reference() -> None:
    found = compared(Plan(CASES[:1], reference=False, together=False, loss_tokens=2), "float16", "int4")
    assert [row.name for row in found.rows] == ["float16", "int4"]
    assert found.exact == "float16"
    assert list(found.losses) == ["int4"]
    assert found.rows[1].speedup is None
    assert found.over_half_precision(found.rows[1]) == 1.0
    assert not found.has_reference


def test_a_document_has_what_is_compared() -> None:
    document = compared(Plan(CASES, loss_tokens=2), "float32", "float16").to_document()
    assert set(document) == {
        "rows",
        "accuracy_against",
        "accuracy",
        "model_memory_mb",
        "refused",
        "warnings",
    }
    rows = document["rows"]
    assert isinstance(rows, list)
    assert {"speedup", "speedup_least", "speedup_most", "share_of_read", "share_of_matrix_rate"} <= set(
        rows[1]
    )
    assert rows[-1]["throughput_over_single_stream"] == 2.0
    assert rows[-1]["speedup_over_half_precision"] == 1.0
    assert "share_of_matrix_rate" not in rows[-1]  # nobody measured products in float16


def test_a_prefix_that_does_not_hold_on_a_precision_leaves_the_others() -> None:
    class Choosy(RandomSubject):
        def ready(self, variant: Variant) -> Ready:
            if variant.precision == "int4":
                raise PrefixMismatchError("前缀在 int4 上不能用。")
            return super().ready(variant)

    subject = Choosy(small_shape(), CPU)
    found = compared(Plan(CASES[:1], loss_tokens=0), "float32", "int4", subject=subject)
    assert found.refused == {"int4": "前缀在 int4 上不能用。"}
    assert [row.name for row in found.rows] == [REFERENCE, "float32"]
    assert found.exact is None


def test_a_case_that_does_not_fit_into_memory_leaves_the_others() -> None:
    class Small(RandomSubject):
        def ready(self, variant: Variant) -> Ready:
            ready = super().ready(variant)
            head: Callable[[Tensor], Tensor] = ready.model.lm_head.forward

            def narrow(hidden: Tensor) -> Tensor:
                if len(hidden) > 1:
                    raise torch.OutOfMemoryError
                return head(hidden)

            ready.model.lm_head.forward = narrow
            return Ready(ready.model, ["慢一些"])

    found = compared(Plan(CASES, loss_tokens=0), "float32", subject=Small(small_shape(), CPU))
    assert [(row.name, row.case.batch) for row in found.rows] == [(REFERENCE, 1), ("float32", 1)]
    assert found.refused == {"float32 8×2": "显存不够"}
    assert found.warnings == {"float32": ["慢一些"]}
