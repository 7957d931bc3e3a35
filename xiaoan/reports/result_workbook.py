"""A result as a workbook of three sheets; every text in it is text, whatever it begins with."""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.figures import duration_text
from xiaoan.reports.result_page import OUTCOME_WORDS
from xiaoan.reports.sheet_cells import PERCENT_FORMAT, Cell, append_row, bold_row, set_up_printing
from xiaoan.whole_files import check_place, write_whole

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

    from xiaoan.question_bank.results import ItemResult, PaperResult, Tally

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
        append_row(sheet, fact)
        bold_row(sheet, sheet.max_row, columns=1)
    for heading, tallies in (
        ("专业", result.by_profession),
        ("题型", result.by_type),
        ("合计", {"全部": result.total}),
    ):
        _append_tallies(sheet, heading, tallies)
    for column, width in enumerate((16, 40, *[9] * len(_TALLY_COLUMNS[1:])), start=1):
        sheet.column_dimensions[sheet.cell(1, column).column_letter].width = width
    sheet.freeze_panes = "B1"
    set_up_printing(sheet)


def _append_tallies(sheet: "Worksheet", heading: str, tallies: "Mapping[str, Tally]") -> None:
    start = sheet.max_row + 2
    append_row(sheet, (heading, *_TALLY_COLUMNS), start)
    bold_row(sheet, start, columns=len(_TALLY_COLUMNS) + 1)
    for row, (name, tally) in enumerate(tallies.items(), start=start + 1):
        counts = (tally.count, tally.right, tally.partly, tally.wrong, tally.open, tally.unanswered)
        append_row(sheet, (name or "（未写）", *counts, tally.earned, tally.points, tally.accuracy), row)
        sheet.cell(row, len(_TALLY_COLUMNS) + 1).number_format = PERCENT_FORMAT


def _item_sheet(sheet: "Worksheet", items: "Sequence[ItemResult]") -> None:
    append_row(sheet, tuple(_ITEM_COLUMNS), 1)
    bold_row(sheet, 1, columns=len(_ITEM_COLUMNS))
    for row, item in enumerate(items, start=2):
        append_row(sheet, _item_cells(item), row)
    for column, width in enumerate(_ITEM_COLUMNS.values(), start=1):
        sheet.column_dimensions[sheet.cell(1, column).column_letter].width = width
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.print_title_rows = "1:1"
    set_up_printing(sheet)


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
