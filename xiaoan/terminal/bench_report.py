"""What `xiaoan bench` found: the machine, a table of precisions, what they cost in accuracy, what they take of memory."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xiaoan.terminal.tables import fitted_table
from xiaoan.terminal.verdict import QUIET, UNKNOWN, Line

if TYPE_CHECKING:
    from xiaoan.measuring.benches import Bench, Measured
    from xiaoan.measuring.comparison import Comparison, Row
    from xiaoan.measuring.machine_rates import MachineRates

_HEADER = ("精度", "题长×题数", "首词ms", "读题/s", "算力", "每步ms", "词元/s", "读存", "倍数")
_REFERENCE = "原版写法"
_TITLE = "xiaoan.title"
_TOLD_BYTES = 10**8
"""Less than this cannot be told from what the program takes and gives back anyway."""


def machine_facts(rates: "MachineRates") -> list[tuple[str, str]]:
    """Return what the machine can do, as names with values."""
    read = f"{rates.read / 1e9:.1f} GB/s"
    if rates.read_ordinary is not None:
        read += f"（大页；普通页 {rates.read_ordinary / 1e9:.1f}）"
    products = "，".join(f"{name} {rate / 1e9:.0f}" for name, rate in rates.multiplied.items())
    return [("读内存", read), ("矩阵乘法", f"{products}（每秒十亿次运算）")]


def bench_lines(measured: "Measured", *, width: int, plain: bool) -> Iterator[Line]:
    """Yield for each model its table and what belongs to it, then how to read them."""
    for bench, found in measured.comparisons:
        yield Line(bench.title, _TITLE)
        rows = [_cells(row, found) for row in found.rows]
        yield from fitted_table(_HEADER, rows, width=width, plain=plain)
        yield from _accuracy_lines(found)
        yield from _memory_lines(bench, found)
        yield from _left_out_lines(bench, found)
        yield Line("")
    yield from _legend(measured)


def _cells(row: "Row", found: "Comparison") -> list[str]:
    return [
        _name(row.name),
        f"{row.case.prompt}×{row.case.batch}",
        _figure(1000 * row.first_s),
        _figure(row.case.batch * row.case.prompt / row.first_s),
        "—" if row.multiply_share is None else _percent(row.multiply_share),
        _figure(1000 * row.step_s),
        _figure(row.tokens_per_s),
        _percent(row.read_share),
        "—" if (ratio := _ratio(row, found)) is None else f"{ratio:.2f}",
    ]


def _ratio(row: "Row", found: "Comparison") -> float | None:
    """Against the published way where that took its turns, else against half precision."""
    if not found.has_reference:
        return found.over_half_precision(row)
    return None if row.speedup is None else row.speedup.median


def _name(name: str) -> str:
    return _REFERENCE if name == "reference" else name


def _figure(number: float) -> str:
    """Three digits, as many of them behind the point as a small number needs."""
    return f"{number:.0f}" if number >= 99.95 else f"{number:.1f}" if number >= 9.995 else f"{number:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _accuracy_lines(found: "Comparison") -> Iterator[Line]:
    if not found.losses:
        return
    parts = [
        f"{name} 最大差 {loss.largest_difference:.3g}，{loss.tokens} 个词元里 {loss.same} 个相同"
        for name, loss in found.losses.items()
    ]
    spread = next(iter(found.losses.values())).spread
    yield Line(
        f"准确：和 {found.exact} 比（逐个词元比打分，打分的标准差 {spread:.3g}）：" + "；".join(parts) + "。"
    )


def _memory_lines(bench: "Bench", found: "Comparison") -> Iterator[Line]:
    measured = [row.name for row in found.rows]
    weights = [f"{name} {_figure(size / 1e6)}" for name, size in bench.sizes.items() if name in measured]
    yield Line(f"权重：{'，'.join(weights)} MB。")
    held = [f"{name} {size / 1e6:.0f}" for name, size in found.held.items() if size and size > _TOLD_BYTES]
    if held:
        yield Line(f"装入后程序多占的内存：{'，'.join(held)} MB。")


def _left_out_lines(bench: "Bench", found: "Comparison") -> Iterator[Line]:
    for name, why in {**bench.left_out, **found.refused}.items():
        yield Line(f"没有测 {name}：{why}", UNKNOWN)
    for name, told in found.warnings.items():
        yield from (Line(f"{name}：{warning}", UNKNOWN) for warning in told)


def _legend(measured: "Measured") -> Iterator[Line]:
    with_reference = any(found.has_reference for _, found in measured.comparisons)
    base = f"{_REFERENCE}（float32，逐步拼接缓存）" if with_reference else "半精度"
    yield Line("首词：从给出题到第一个词元；读题：这期间每秒读的词元；每步：其后每个词元的时间。", QUIET)
    yield Line(f"算力、读存：占本机实测上限的比例；倍数：每步比{base}快几倍，同一轮里比。", QUIET)
