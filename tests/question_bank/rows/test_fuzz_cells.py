"""Cells of every kind, made by chance from a seed: whatever stands in them, each row is accounted for."""

import random
from collections.abc import Callable

import pytest

from tests.patience import does_not_hang
from tests.question_bank.made_sheets import HEADER, row, sheet_of
from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind, Sheet
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.rows.faults import Severity
from xiaoan.question_bank.rows.sheet_reader import read_sheet
from xiaoan.question_bank.rows.sheet_reading import SheetReading

CASES = 1_200
PIECES = [
    *(
        "A",
        "B",
        "C",
        "D",
        "a",
        "Ａ",
        "①",
        "1",
        "2",
        "0.75",
        "-",
        ".",
        "、",
        "：",
        "|",
        "｜",
        "丨",
        "**",
        "##",
        "$;$",
        "$|$",
    ),
    *(
        "，",
        ",",
        ";",
        "\n",
        " ",
        "\u3000",
        "（",
        "）",
        "(",
        ")",
        "____",
        "_(1)_",
        "停电",
        "验电",
        "接地",
        "正确",
        "错误",
    ),
    *(
        "√",
        "×",
        "T",
        "F",
        "\\",
        "/",
        "[图片]",
        "<img",
        '=DISPIMG("x",1)',
        "A-",
        "B-",
        "C-",
        "D-",
        "A.",
        "B.",
        "Fil|E-sep",
    ),
    *(
        "单选题",
        "多选题",
        "判断题",
        "填空题",
        "无序",
        "题干",
        "答案",
        "选项",
        "题目",
        "第一章",
        "一、单选题",
        "\x00",
        "\u202e",
    ),
    *(
        "\x1b[31m",
        "#N/A",
        "NA",
        "null",
        "None",
        "2009-05-01",
        "𠮷",
        "é",
        "\ufeff",
        "应为（B）",
        "dB(A)",
        "选项A",
        "（ ）。",
    ),
]
HEADERS = [
    HEADER,
    ["题目", "A", "B", "C", "D", "答案"],
    ["题型", "题干", "选项1", "选项2", "选项3", "参考答案"],
    ["题目（必填）", "答案A", "答案B", "答案C", "填空顺序", "正确答案"],
    ["题干", "答案"],
]


def any_cell(chance: random.Random) -> str:
    return "".join(chance.choice(PIECES) for _ in range(chance.choice([0, 1, 1, 2, 3, 5, 9])))


def random_rows(chance: random.Random) -> list[list[str]]:
    rows = [[any_cell(chance) for _ in range(6)] for _ in range(chance.randint(1, 6))]
    return [list(chance.choice(HEADERS)), *rows] if chance.random() < 0.8 else rows


def mutated_rows(chance: random.Random) -> list[list[str]]:
    return [HEADER, *([mutated(cell, chance) for cell in row()] for _ in range(4))]


def mutated(cell: str, chance: random.Random) -> str:
    for _ in range(chance.choice([0, 0, 1, 2])):
        start, end = sorted(chance.randrange(len(cell) + 1) for _ in range(2))
        middle = chance.choice(["", chance.choice(PIECES), cell[start:end] * 2, cell[start:end][::-1]])
        cell = cell[:start] + middle + cell[end:]
    return cell


def any_sheet(make: Callable[[random.Random], list[list[str]]], seed: int) -> Sheet:
    chance = random.Random(seed)
    rows = make(chance)
    places = [
        (chance.randint(1, len(rows)), chance.randint(1, 6)) for _ in range(chance.choice([0, 0, 1, 3]))
    ]
    remarks = {place: Remark(chance.choice(list(RemarkKind))) for place in places}
    corners = [sorted(chance.choices(range(1, 8), k=4)) for _ in range(chance.choice([0, 0, 1]))]
    merged = [MergedRange(a, chance.randint(1, 3), c, chance.randint(3, d + 3)) for a, _, c, d in corners]
    name = chance.choice(["Sheet1", "单选题", "判断题", "填空题", "任务分配"])
    return sheet_of(rows, name, hidden_rows=[2], merged=merged, remarks=remarks)


def assert_accounted_for(sheet: Sheet, reading: SheetReading) -> None:
    refused = {fault.row or 0 for fault in reading.faults if fault.severity is Severity.REFUSED}
    asked = {question.sources[0].row for question in reading.questions}
    skipped = {number for skipped in reading.skipped for number in skipped.rows}
    header = [] if reading.header_row is None else [reading.header_row]
    assert reading.rows == len(reading.questions) + reading.refused
    assert (len(refused), len(asked)) == (reading.refused, len(reading.questions))
    assert sorted([*refused, *asked, *skipped, *header]) == list(range(1, len(sheet.rows) + 1))
    for question in reading.questions:
        if question.options and question.question_type is not QuestionType.BLANK:
            assert set(question.answer) <= set(question.options)
            assert len(question.answer_letters) == len(question.answer)
        if question.question_type is QuestionType.JUDGE:
            assert question.answer in (("正确",), ("错误",))


@pytest.mark.parametrize("make", [random_rows, mutated_rows])
def test_no_cell_breaks_the_reader_and_no_row_is_lost(
    make: Callable[[random.Random], list[list[str]]],
) -> None:
    with does_not_hang(60):
        for seed in range(CASES):
            sheet = any_sheet(make, seed)
            assert_accounted_for(sheet, read_sheet(sheet, "题库.xlsx"))


@pytest.mark.parametrize(
    "piece", ["A", "A.", "A-|", "(", "（", "*", "#", "|", "A、", "\n", "停", "_", "a)", "$|$"]
)
def test_the_longest_cell_is_read_at_once(piece: str) -> None:
    long = (piece * 32_767)[:32_767]
    with does_not_hang():
        for column in ("题干", "选项", "答案"):
            read_sheet(sheet_of([HEADER, row(**{column: long})]), "题库.xlsx")
