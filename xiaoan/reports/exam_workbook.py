"""An exam as a workbook: the figures, what else answered, and every answer for sorting and filtering."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.errors import UsageError
from xiaoan.reports.exam_page import DECODE_WORDS, LEVEL_NAMES, STATUS_WORDS
from xiaoan.reports.sheet_cells import PERCENT_FORMAT, Cell, append_row, bold_row, set_up_printing
from xiaoan.whole_files import check_place, write_whole

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

    from xiaoan.evaluation.comparing import Paired
    from xiaoan.evaluation.exam_results import ExamResult, Figures
    from xiaoan.evaluation.sitting import Sitting
    from xiaoan.figures import Share

_SUFFIX = ".xlsx"
_SHARE_COLUMNS = ("次数", "对", "正确率", "区间下限", "区间上限")
_PAIRED_COLUMNS = ("差", "差的下限", "差的上限", "只 A 对", "只 B 对", "p")
_SHOWN_FROM = {"bank": "题库", "model": "小安", "none": "没有把握"}
_SITTING_COLUMNS = {
    "题型": 8,
    "专业": 10,
    "问法": 10,
    "轮次": 6,
    "题目": 60,
    "问的原文": 60,
    "小安的答案": 34,
    "正确答案": 34,
    "对错": 6,
    "得分": 8,
    "把握": 8,
    "核对": 18,
    "屏幕先看到": 10,
    "屏幕先看到对错": 10,
    "依据": 24,
    "用时（秒）": 10,
    "词元": 8,
    "题目编号": 18,
}


def check_workbook_place(path: Path, *, force: bool = False) -> None:
    """Raise what writing a workbook at this path would raise, before there is one.

    Raises UsageError for another suffix, a folder, or, without `force`, a file that is there; StorageError where the
    folder is missing or takes no new files.
    """
    if path.suffix.lower() != _SUFFIX:
        raise UsageError(f"工作簿的文件名应以 {_SUFFIX} 结尾，写的是 {path.name}。")
    check_place(path, force=force)


def write_exam_workbook(result: "ExamResult", path: Path, *, force: bool = False) -> None:
    """Write the workbook with the sheets 成绩, 错题, 全部作答, and 对照 and 别的办法 where there are such.

    Raises what `check_workbook_place` raises; then nothing is written.
    """
    check_workbook_place(path, force=force)
    write_whole(path, _workbook_bytes(result))


def _workbook_bytes(result: "ExamResult") -> bytes:
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.properties.creator = "xiaoan"
    workbook.remove(workbook.active)
    _score_sheet(workbook.create_sheet("成绩"), result)
    if result.comparison is not None:
        _comparison_sheet(workbook.create_sheet("对照"), result)
    if result.others:
        _others_sheet(workbook.create_sheet("别的办法"), result)
    _sittings_sheet(workbook.create_sheet("错题"), result, result.wrong)
    _sittings_sheet(workbook.create_sheet("全部作答"), result, result.sittings)
    data = io.BytesIO()
    workbook.save(data)
    return data.getvalue()


def _score_sheet(sheet: "Worksheet", result: "ExamResult") -> None:
    for fact in _facts(result):
        append_row(sheet, fact)
        bold_row(sheet, sheet.max_row, columns=1)
    found = result.figures.accuracy
    by_form = {
        f"{result.title_of(form)}　{kind}": share
        for form, own in found.by_form.items()
        for kind, share in {"全部": own.overall, **own.by_type}.items()
    }
    groups: list[tuple[str, Mapping[str, Share]]] = [
        ("合计", {"全部": found.overall, "屏幕先看到的": result.figures.shown_first}),
        ("题型", found.by_type),
        ("专业", found.by_profession),
        ("问法", by_form),
    ]
    levels = result.figures.levels
    if levels is not None:
        groups.append(("把握", {LEVEL_NAMES.get(name, name): one.right for name, one in levels.items()}))
    for heading, shares in groups:
        _append_shares(sheet, heading, shares)
    _append_bins(sheet, result)
    _append_confusion(sheet, result)
    _set_widths(sheet, (24, 40, *[11] * 4))
    sheet.freeze_panes = "B1"
    set_up_printing(sheet)


def _facts(result: "ExamResult") -> Iterator[tuple[str, Cell]]:
    model, figures = result.model, result.figures
    yield "题目", result.questions
    yield "对照题库", result.bank or "没有"
    yield "模型", model.name
    yield "前缀", model.prefix or "没有"
    yield "适配器", model.lora or "没有"
    yield "设备和精度", f"{model.device}，{model.dtype}"
    yield "带选项的题", DECODE_WORDS.get(model.decode, model.decode)
    yield "种子", str(result.seed)
    yield "时间", f"{result.date:%Y-%m-%d %H:%M}"
    yield "答错却显示与题库一致（次）", figures.wrongly_verified
    yield "少选给分的平均得分", round(figures.partial_credit, 4)
    if figures.calibration is not None:
        yield "把握的误差（ECE）", round(figures.calibration.ece, 4)
        yield "Brier", round(figures.calibration.brier, 4)
    yield "每题用时（秒）", round(figures.speed.seconds_per_question, 6)
    if result.unasked:
        yield "没法问的（次）", len(result.unasked)


def _append_shares(sheet: "Worksheet", heading: str, shares: "Mapping[str, Share]") -> None:
    start = sheet.max_row + 2
    append_row(sheet, (heading, *_SHARE_COLUMNS), start)
    bold_row(sheet, start, columns=len(_SHARE_COLUMNS) + 1)
    for row, (name, share) in enumerate(shares.items(), start=start + 1):
        append_row(sheet, (name, *_share_cells(share)), row)
        _as_percents(sheet, row, range(4, 7))


def _share_cells(share: "Share") -> tuple[Cell, ...]:
    if not share.asked:
        return 0, 0, None, None, None
    return share.asked, share.right, share.value, share.low, share.high


def _append_bins(sheet: "Worksheet", result: "ExamResult") -> None:
    found = result.figures.calibration
    if found is None:
        return
    start = sheet.max_row + 2
    append_row(sheet, ("把握从", "到", "次数", "对", "平均把握", "正确率"), start)
    bold_row(sheet, start, columns=6)
    for row, one in enumerate(found.bins, start=start + 1):
        cells = (one.low, one.high, one.count, one.right, one.mean_confidence, one.right / one.count)
        append_row(sheet, cells, row)
        _as_percents(sheet, row, (1, 2, 5, 6))


def _append_confusion(sheet: "Worksheet", result: "ExamResult") -> None:
    if not result.figures.confusion:
        return
    start = sheet.max_row + 2
    append_row(sheet, ("判断题应为", "小安答", "次数"), start)
    bold_row(sheet, start, columns=3)
    for row, ((official, given), count) in enumerate(result.figures.confusion.items(), start=start + 1):
        append_row(sheet, (official, given, count), row)


def _comparison_sheet(sheet: "Worksheet", result: "ExamResult") -> None:
    compared = result.comparison
    assert compared is not None
    append_row(sheet, ("A", compared.a))
    append_row(sheet, ("B", compared.b))
    start = 4
    header = ("问法", "题型", "次数", "A 对", "B 对", *_PAIRED_COLUMNS)
    append_row(sheet, header, start)
    bold_row(sheet, start, columns=len(header))
    rows: list[tuple[str, str, Paired]] = [
        (result.title_of(form), kind, one)
        for form, found in compared.by_form.items()
        for kind, one in {"全部": found.overall, **found.by_type}.items()
    ]
    rows += [("合计", "全部", compared.overall), ("屏幕上先看到的", "全部", compared.shown_first)]
    for row, (form, kind, one) in enumerate(rows, start=start + 1):
        shares = ((one.both + one.only_a) / one.n, (one.both + one.only_b) / one.n)
        append_row(sheet, (form, kind, one.n, *shares, *_paired_cells(one)), row)
        _as_percents(sheet, row, range(4, 9))
        sheet.cell(row, 11).number_format = "0.0000"
    _set_widths(sheet, (14, 40, *[11] * 9))
    sheet.freeze_panes = f"A{start + 1}"
    set_up_printing(sheet)


def _others_sheet(sheet: "Worksheet", result: "ExamResult") -> None:
    kinds = result.question_types
    forms = "、".join(map(result.title_of, result.others_forms))
    append_row(sheet, ("问法", forms))
    start = 3
    header = ("办法", "全部", "区间下限", "区间上限", *kinds, *_PAIRED_COLUMNS, "说明")
    append_row(sheet, header, start)
    bold_row(sheet, start, columns=len(header))
    runs = [("小安", result.beside_others, None, ""), *_others(result)]
    for row, (name, figures, against, note) in enumerate(runs, start=start + 1):
        cells: list[Cell] = [None] * (3 + len(kinds))
        if figures is not None:
            found = figures.accuracy
            by_type = [found.by_type[kind].value if kind in found.by_type else None for kind in kinds]
            cells = [found.overall.value, found.overall.low, found.overall.high, *by_type]
        paired: Sequence[Cell] = [None] * len(_PAIRED_COLUMNS) if against is None else _paired_cells(against)
        append_row(sheet, (name, *cells, *paired, note), row)
        _as_percents(sheet, row, range(2, 8 + len(kinds)))
        sheet.cell(row, 10 + len(kinds)).number_format = "0.0000"
    append_row(sheet, ("A 是小安，B 是这种办法；差是 B 减 A。",), sheet.max_row + 2)
    _set_widths(sheet, (30, *[11] * (len(header) - 2), 40))
    sheet.freeze_panes = f"B{start + 1}"
    set_up_printing(sheet)


def _others(result: "ExamResult") -> "Iterator[tuple[str, Figures | None, Paired | None, str]]":
    for one in result.others:
        yield one.name, one.figures, one.paired, one.note


def _paired_cells(one: "Paired") -> tuple[Cell, ...]:
    return one.difference, one.low, one.high, one.only_a, one.only_b, one.p_value


def _sittings_sheet(sheet: "Worksheet", result: "ExamResult", sittings: "Sequence[Sitting]") -> None:
    append_row(sheet, tuple(_SITTING_COLUMNS), 1)
    bold_row(sheet, 1, columns=len(_SITTING_COLUMNS))
    for row, sitting in enumerate(sittings, start=2):
        append_row(sheet, _sitting_cells(sitting, result), row)
        _as_percents(sheet, row, (11,))
    _set_widths(sheet, _SITTING_COLUMNS.values())
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.print_title_rows = "1:1"
    set_up_printing(sheet)


def _sitting_cells(sitting: "Sitting", result: "ExamResult") -> tuple[Cell, ...]:
    return (
        sitting.question_type,
        sitting.profession,
        result.title_of(sitting.form),
        sitting.turn,
        sitting.stem,
        sitting.asked,
        sitting.answer,
        "\n".join(sitting.official),
        "对" if sitting.right else "错",
        sitting.credit,
        sitting.confidence,
        STATUS_WORDS.get(sitting.status, sitting.status or ""),
        _SHOWN_FROM.get(sitting.shown_from, sitting.shown_from),
        "对" if sitting.shown_right else "错",
        sitting.clause,
        round(sitting.seconds, 4),
        sitting.tokens,
        sitting.id,
    )


def _as_percents(sheet: "Worksheet", row: int, columns: Iterable[int]) -> None:
    for column in columns:
        cell = sheet.cell(row, column)
        if isinstance(cell.value, int | float):
            cell.number_format = PERCENT_FORMAT


def _set_widths(sheet: "Worksheet", widths: Iterable[float]) -> None:
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[sheet.cell(1, column).column_letter].width = width
