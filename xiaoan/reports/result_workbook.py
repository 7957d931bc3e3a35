"""A result as a workbook of three sheets; every text in it is text, whatever it begins with."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.figures import duration_text
from xiaoan.printable import printable
from xiaoan.reports.result_page import OUTCOME_WORDS
from xiaoan.whole_files import check_place, write_whole

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

    from xiaoan.question_bank.results import ItemResult, PaperResult, Tally

Cell = str | int | float | None

_CELL_LIMIT = 32_767
"""Longest text of a cell, in the units of UTF-16."""
_TALLY_COLUMNS = ("题数", "对", "部分对", "错", "待评阅", "未答", "得分", "满分", "正确率")
_ITEM_COLUMNS = {
    "题号": 6,
    "专业": 10,
    "题型": 8,
    "题目": 60,
    "选项": 40,
    "作答": 30,
    "正确答案": 30,
    "结果": 10,
    "得分": 8,
    "满分": 8,
    "用时（秒）": 10,
    "标记": 6,
    "依据": 24,
    "解析": 50,
}
_FORMULA_STARTS = ("=", "+", "-", "@")
"""What a spreadsheet program would take for a formula when the cell is edited."""
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
"""What a spreadsheet program would read as an escape for a character."""
_PERCENT_FORMAT, _POINTS_FORMAT = "0.0%", "0.##"


def write_result_workbook(
    result: "PaperResult", path: Path, *, when: datetime, user: str, bank: str, force: bool = False
) -> None:
    """Write the workbook with the sheets 成绩, 答题明细 and 错题.

    Raises UsageError for a folder or, without `force`, a file that is there; StorageError where it cannot be
    written. Then nothing is written.
    """
    check_place(path, force=force)
    write_whole(path, _workbook_bytes(result, when=when, user=user, bank=bank))


def _workbook_bytes(result: "PaperResult", *, when: datetime, user: str, bank: str) -> bytes:
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.properties.creator = "xiaoan"
    workbook.remove(workbook.active)
    _score_sheet(workbook.create_sheet("成绩"), _facts(result, when=when, user=user, bank=bank), result)
    _item_sheet(workbook.create_sheet("答题明细"), result.items)
    _item_sheet(workbook.create_sheet("错题"), result.mistakes)
    data = io.BytesIO()
    workbook.save(data)
    return data.getvalue()


def _facts(result: "PaperResult", *, when: datetime, user: str, bank: str) -> list[tuple[str, Cell]]:
    verdict = {True: "及格", False: "不及格", None: "没有及格线"}[result.passed]
    facts: list[tuple[str, Cell]] = [
        ("试卷", result.title),
        ("姓名", user),
        ("交卷时间", f"{when:%Y-%m-%d %H:%M}"),
        ("题库", bank),
        ("卷号", str(result.seed)),
        ("得分", result.earned),
        ("满分", result.points),
        ("结果", verdict),
        ("用时", duration_text(result.elapsed_s)),
    ]
    if result.pass_percent is not None:
        facts.insert(7, ("及格线（%）", result.pass_percent))
    return [*facts, *(("说明", note) for note in result.notes)]


def _score_sheet(sheet: "Worksheet", facts: Iterable[tuple[str, Cell]], result: "PaperResult") -> None:
    for fact in facts:
        _append(sheet, fact)
        _bold(sheet, sheet.max_row, columns=1)
    for heading, tallies in (
        ("专业", result.by_profession),
        ("题型", result.by_type),
        ("合计", {"全部": result.total}),
    ):
        _append_tallies(sheet, heading, tallies)
    for column, width in enumerate((16, 40, *[9] * len(_TALLY_COLUMNS[1:])), start=1):
        sheet.column_dimensions[sheet.cell(1, column).column_letter].width = width
    sheet.freeze_panes = "B1"
    _set_up_printing(sheet)


def _append_tallies(sheet: "Worksheet", heading: str, tallies: "Mapping[str, Tally]") -> None:
    start = sheet.max_row + 2
    _append(sheet, (heading, *_TALLY_COLUMNS), start)
    _bold(sheet, start, columns=len(_TALLY_COLUMNS) + 1)
    for row, (name, tally) in enumerate(tallies.items(), start=start + 1):
        counts = (tally.count, tally.right, tally.partly, tally.wrong, tally.open, tally.unanswered)
        _append(sheet, (name or "（未写）", *counts, tally.earned, tally.points, tally.accuracy), row)
        sheet.cell(row, len(_TALLY_COLUMNS) + 1).number_format = _PERCENT_FORMAT


def _item_sheet(sheet: "Worksheet", items: "Sequence[ItemResult]") -> None:
    _append(sheet, tuple(_ITEM_COLUMNS), 1)
    _bold(sheet, 1, columns=len(_ITEM_COLUMNS))
    for row, item in enumerate(items, start=2):
        _append(sheet, _item_cells(item), row)
    for column, width in enumerate(_ITEM_COLUMNS.values(), start=1):
        sheet.column_dimensions[sheet.cell(1, column).column_letter].width = width
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.print_title_rows = "1:1"
    _set_up_printing(sheet)


def _item_cells(item: "ItemResult") -> tuple[Cell, ...]:
    question = item.shown.question
    return (
        item.number,
        question.profession,
        question.question_type.value,
        question.stem,
        "\n".join(f"{option.label}. {option.text}" for option in item.shown.options),
        "\n".join(item.given_lines) or item.given,
        "\n".join(item.shown.answer_lines),
        OUTCOME_WORDS[item.outcome],
        item.earned,
        item.points,
        round(item.seconds, 1),
        "是" if item.marked else "",
        question.clause,
        item.shown.explanation,
    )


def _append(sheet: "Worksheet", values: Sequence[Cell], row: int | None = None) -> None:
    """Write one row, behind the others unless `row` says where; texts stay texts, also after an edit."""
    from openpyxl.styles import Alignment

    row = row if row is not None else (sheet.max_row + 1 if sheet.max_row > 1 or sheet["A1"].value else 1)
    wrapped = Alignment(vertical="top", wrap_text=True)
    for column, value in enumerate(values, start=1):
        cell = sheet.cell(row, column)
        cell.alignment = wrapped
        if isinstance(value, str):
            text = _fitting(printable(value, newlines=True, joiners=True))
            if text:
                cell.value = _LOOKS_ESCAPED.sub("_x005F_", text)
                cell.data_type = "s"
                cell.number_format = "@"
                cell.quotePrefix = text.startswith(_FORMULA_STARTS)
        elif value is not None:
            cell.value = value
            cell.number_format = _POINTS_FORMAT if isinstance(value, float) else "General"


def _fitting(text: str) -> str:
    """The text, cut where a cell would overflow; a character beyond the basic plane counts twice."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _CELL_LIMIT:
        return text
    return units[: 2 * (_CELL_LIMIT - 1)].decode("utf-16-le", errors="ignore") + "…"


def _bold(sheet: "Worksheet", row: int, *, columns: int) -> None:
    from openpyxl.styles import Font, PatternFill

    for column in range(1, columns + 1):
        sheet.cell(row, column).font = Font(bold=True)
        sheet.cell(row, column).fill = PatternFill("solid", fgColor="E8EFF3")


def _set_up_printing(sheet: "Worksheet") -> None:
    """A4 across, as many pages down as it takes, one page wide."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
