"""What a bench found, as lines of 80 cells and as sentences."""

import torch

from tests.measuring.small import CPU, small_shape
from tests.terminal.shown import shown
from xiaoan.measuring.benches import Bench, Measured
from xiaoan.measuring.comparison import Case, Comparison, Plan, Row
from xiaoan.measuring.machine_rates import MachineRates
from xiaoan.measuring.precision_loss import PrecisionLoss
from xiaoan.measuring.subjects import RandomSubject
from xiaoan.measuring.turns import Ratio
from xiaoan.measuring.variants import variant_named
from xiaoan.terminal.bench_report import bench_lines, machine_facts

RATES = MachineRates(31.5e9, 21.04e9, {"float32": 345.4e9, "bfloat16": 2358e9})


def row(name: str, batch: int, step_s: float, speedup: float | None) -> Row:
    ratio = None if speedup is None else Ratio(speedup, speedup, speedup)
    share = None if name == "float16" else 345e9
    return Row(
        name, "float32", Case(64, batch, 64, 5), 0.0789, step_s, 442_800_000, 31.5e9, 150e9, share, ratio
    )


def measured(*rows: Row) -> Measured:
    subject = RandomSubject(small_shape(), CPU)
    variants = [variant_named(name, torch.float32) for name in ("float32", "int4")]
    bench = Bench(
        "随机权重",
        subject,
        variants,
        Plan([]),
        {"bfloat16": "约需 27.1 GiB 内存，现在可用 20.0 GiB"},
        {"float32": 442_000_000, "int4": 90_600_000},
    )
    found = Comparison(
        list(rows),
        {"int4": PrecisionLoss(64, 60, 0.1166, 0.68)},
        "float32",
        {"float32": 436_000_000, "int4": 3_000_000},
        {"int8": "前缀在 int8 上不能用。"},
    )
    return Measured(RATES, [(bench, found)])


def test_the_table_fits_into_80_cells() -> None:
    lines = bench_lines(
        measured(
            row("reference", 1, 0.0232, 1.0),
            row("float32", 1, 0.02, 1.16),
            row("int4", 1, 0.00857, 2.7),
            row("int4", 8, 0.0231, None),
        ),
        width=80,
        plain=False,
    )
    assert shown(lines, 80).split("\n")[:13] == [
        "随机权重",
        "精度      题长×题数  首词ms  读题/s  算力  每步ms  词元/s  读存  倍数",
        "原版写法       64×1    78.9     811   43%    23.2    43.1   61%  1.00",
        "float32        64×1    78.9     811   43%    20.0    50.0   70%  1.16",
        "int4           64×1    78.9     811   43%    8.57     117  164%  2.70",
        "int4           64×8    78.9    6489   43%    23.1     346   61%     —",
        "准确：和 float32 比（逐个词元比打分，打分的标准差 0.68）：int4 最大差 0.117，64",
        "个词元里 60 个相同。",
        "权重：float32 442，int4 90.6 MB。",
        "装入后程序多占的内存：float32 436 MB。",
        "没有测 bfloat16：约需 27.1 GiB 内存，现在可用 20.0 GiB",
        "没有测 int8：前缀在 int8 上不能用。",
        "",
    ]


def test_without_the_reference_half_precision_is_the_measure() -> None:
    found = measured(row("float16", 1, 0.02, None), row("int4", 1, 0.01, None))
    text = shown(bench_lines(found, width=80, plain=False), 80)
    assert "float16       64×1    78.9     811     —    20.0    50.0   70%  1.00" in text
    assert text.splitlines()[3].endswith("2.00")
    assert "每步比半精度快几倍" in text


def test_listeners_hear_every_figure_by_its_name() -> None:
    found = measured(row("reference", 1, 0.0232, 1.0), row("float32", 1, 0.02, 1.16))
    text = shown(bench_lines(found, width=80, plain=True), 80, plain=True)
    assert "float32：题长×题数 64×1，首词ms 78.9" in text
    assert "倍数 1.16" in text


def test_the_machine_in_two_facts() -> None:
    assert machine_facts(RATES) == [
        ("读内存", "31.5 GB/s（大页；普通页 21.0）"),
        ("矩阵乘法", "float32 345，bfloat16 2358（每秒十亿次运算）"),
    ]
    assert machine_facts(MachineRates(4e12, None, {}))[0] == ("读内存", "4000.0 GB/s")
