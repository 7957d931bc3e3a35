from dataclasses import replace

import pytest
import torch

from tests.measuring.small import CPU, small_shape, ticking
from xiaoan.chatglm.device import Machine
from xiaoan.errors import DeviceError
from xiaoan.measuring.benches import cases_for, plan_bench, run_benches
from xiaoan.measuring.comparison import REFERENCE, Case
from xiaoan.measuring.shapes import cpu_shape, six_billion_shape
from xiaoan.measuring.subjects import RandomSubject
from xiaoan.measuring.variants import PRECISIONS

GIB = 2**30


def machine(free: int | None) -> Machine:
    return Machine(available_memory=lambda _: free, clock=ticking())


class Unmade(RandomSubject):
    """A shape of which nothing can be made."""

    def __init__(self) -> None:
        self._config = six_billion_shape()


@pytest.mark.parametrize(
    ("free_gib", "names", "left_out"),
    [
        (20, list(PRECISIONS[1:]), ["float32"]),
        (6, ["int4", "int4+head"], list(PRECISIONS[:5])),
    ],
)
def test_what_there_is_no_room_for_is_left_out_and_said(
    free_gib: int, names: list[str], left_out: list[str]
) -> None:
    # What is not quantised is in half precision, as the fastest of a machine with such memory would be.
    own = replace(machine(free_gib * GIB), clock=lambda: 0.0)
    bench = plan_bench("6B", Unmade(), torch.device("cuda"), own)
    assert [variant.name for variant in bench.variants] == names
    assert list(bench.left_out) == left_out
    assert "GiB" in bench.left_out["float32"]
    assert not bench.plan.together
    assert not bench.plan.reference


def test_without_room_for_anything_it_is_refused_before_anything_is_made() -> None:
    with pytest.raises(DeviceError, match="int4"):
        plan_bench("6B", Unmade(), torch.device("cuda"), machine(2 * GIB))


def test_cases_fit_into_the_window_and_are_few_when_they_have_to_be() -> None:
    config = cpu_shape(8192)
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert {(case.prompt, case.batch) for case in cases_for(config, cpu, quick=False)} == {
        (64, 1),
        (1024, 1),
        (64, 8),
        (64, 64),
    }
    assert Case(64, 1, 256, 5) in cases_for(config, gpu, quick=False)
    assert all(case.rounds == 1 for case in cases_for(config, cpu, quick=True))
    assert max(case.new_tokens for case in cases_for(six_billion_shape(), cpu, quick=False)) == 16
    assert [case.batch for case in cases_for(six_billion_shape(), cpu, quick=True)] == [1]
    config.max_sequence_length = 200
    assert {case.prompt for case in cases_for(config, cpu, quick=False)} == {64}


def test_a_whole_run_measures_the_machine_and_every_precision() -> None:
    told: list[str] = []
    own = machine(None)
    subject = RandomSubject(small_shape(), CPU)
    bench = plan_bench("小", subject, CPU, own, precisions=("float32", "int4"), quick=True)
    bench = replace(bench, plan=replace(bench.plan, cases=(Case(8, 1, 3, 1),), loss_tokens=2))
    measured = run_benches(
        [bench], CPU, clock=ticking(), quick=True, tell=told.append, read_bytes=2**12, side=8
    )
    ((same, found),) = measured.comparisons
    assert same is bench
    assert [row.name for row in found.rows] == [REFERENCE, "float32", "int4"]
    assert "float32" in measured.rates.multiplied
    assert "小：int4" in told
    document = bench.to_document(found)
    assert document["name"] == "小"
    assert set(PRECISIONS) > set(bench.sizes)
