"""What `xiaoan dataset check` shows: how long the pairs of a file are, and what in them would spoil training."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from xiaoan.terminal.verdict import AGREES, DIFFERS, PLAIN, QUIET, UNKNOWN, Line

if TYPE_CHECKING:
    from xiaoan.training.data.dataset_check import Across, DatasetCheck, FileCheck, Lengths
    from xiaoan.training.data.pair_files import PairFile

LABEL = "xiaoan.label"
TITLE = "xiaoan.title"

_EXAMPLES = 5
_SHOWN = 36
_NUMBERS = 8
_BAR_CELLS = 24
_BAR = "▇"

Found = TypeVar("Found")


def check_lines(check: "DatasetCheck", *, everything: bool, bars: bool) -> Iterator[Line]:
    """Yield everything that was found; of each kind some examples, or `everything`; histograms with `bars`."""
    for file in check.files:
        yield from _file_lines(file, everything=everything, bars=bars)
        yield Line("")
    if len(check.files) > 1:
        yield from _across_lines(check, everything=everything)
        yield Line("")
    yield _verdict(check)


def _file_lines(check: "FileCheck", *, everything: bool, bars: bool) -> Iterator[Line]:
    yield Line(f"{check.file.path}：{len(check.file.pairs)} 条", TITLE)
    for name, lengths in (("题目", check.source), ("答案", check.target)):
        yield from _length_lines(name, lengths, bars=bars)
    yield from _findings(check, everything=everything)


def _length_lines(name: str, lengths: "Lengths", *, bars: bool) -> Iterator[Line]:
    typical = f"一半不超过 {lengths.share_within(0.5)}，最长 {lengths.longest}"
    cut = f"，{lengths.cut} 条会被截断" if lengths.cut else ""
    style = DIFFERS if lengths.cut else PLAIN
    yield Line(f"{name}长度（词元）：{typical}；放得下 {lengths.limit}{cut}", style, indent=2)
    rows = lengths.histogram()
    most = max((count for _, _, count in rows), default=1) or 1
    names = [str(start) if start == end else f"{start}–{end}" for start, end, _ in rows]
    for label, (start, _, count) in zip(names, rows, strict=True):
        cells = max(round(_BAR_CELLS * count / most), 1) if count else 0
        text = f"{label:<{max(map(len, names))}}  {count:>{len(str(most))}}"
        yield Line(
            f"{text}  {_BAR * cells}".rstrip() if bars else text,
            DIFFERS if start > lengths.limit else QUIET,
            indent=4,
        )


def _findings(check: "FileCheck", *, everything: bool) -> Iterator[Line]:
    file = check.file
    if file.skipped:
        yield Line(f"空的 {len(file.skipped)} 条：没有题目或没有答案，训练时跳过", DIFFERS, indent=2)
        yield Line(_places(file, file.skipped, everything=everything), QUIET, "· ", 4)
    need = max(check.source.longest + 1, 2), max(check.target.longest + 2, 3)
    yield from _listed(
        f"截断 {len(check.cut)} 条：长出上限的部分学不到；"
        f"都放得下要 --max-source-length {need[0]} --max-target-length {need[1]}",
        check.cut,
        lambda one: f"{file.place(one.record)}：题目 {one.source} 个词元，答案 {one.target} 个",
        everything=everything,
    )
    yield from _listed(
        f"矛盾 {len(check.contradictions)} 处：同一题目有不同的答案，学不会",
        check.contradictions,
        lambda one: (
            f"{_short(one.content)}："
            + "；".join(
                f"{_places(file, records, everything=everything)}答“{_short(text)}”"
                for text, records in one.answers
            )
        ),
        everything=everything,
    )
    yield from _listed(
        f"答案不在选项里 {len(check.no_option)} 条",
        check.no_option,
        lambda one: f"{file.place(one.record)}：“{_short(one.summary)}”{one.why}",
        everything=everything,
    )
    yield from _listed(
        f"重复 {len(check.twice)} 处：题目和答案都一样，会多学几遍",
        check.twice,
        lambda one: f"{_places(file, one.records, everything=everything)}：{_short(one.content)}",
        everything=everything,
        style=UNKNOWN,
    )


def _across_lines(check: "DatasetCheck", *, everything: bool) -> Iterator[Line]:
    first, other = (one.file for one in check.files[:2])
    if not check.across:
        yield Line("两个文件没有相同的题目。", AGREES)
        return

    def shown(one: "Across") -> str:
        places = (_places(first, one.first, everything=False), _places(other, one.other, everything=False))
        return f"{first.path.name} {places[0]}、{other.path.name} {places[1]}：{_short(one.content)}"

    yield from _listed(
        f"两个文件里都有 {len(check.across)} 个题目：学过的题拿来考，看不出真会假会",
        check.across,
        shown,
        everything=everything,
        indent=0,
    )


def _listed(
    title: str,
    found: Sequence[Found],
    show: Callable[[Found], str],
    *,
    everything: bool,
    style: str = DIFFERS,
    indent: int = 2,
) -> Iterator[Line]:
    if not found:
        return
    yield Line(title, style, indent=indent)
    shown = found if everything else found[:_EXAMPLES]
    yield from (Line(show(one), QUIET, "· ", indent + 2) for one in shown)
    if len(found) > len(shown):
        yield Line(f"还有 {len(found) - len(shown)} 处，加 --all 全部列出", QUIET, "  ", indent + 2)


def _verdict(check: "DatasetCheck") -> Line:
    if check.spoilt:
        return Line("有会影响训练的问题；改好后再检查一次。", DIFFERS, "✗ ")
    if any(file.twice for file in check.files):
        return Line("可以训练；有重复的记录，请过目。", UNKNOWN, "! ")
    return Line("没有发现问题。", AGREES, "✓ ")


def _places(file: "PairFile", records: Sequence[int], *, everything: bool) -> str:
    shown = records if everything else records[:_NUMBERS]
    more = f" 等 {len(records)} 条" if len(records) > len(shown) else ""
    return f"第 {'、'.join(map(str, shown))} {'行' if file.by_line else '条'}{more}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
