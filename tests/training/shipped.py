"""The shipped bank, read once for all tests of this area."""

from functools import cache
from pathlib import Path

from xiaoan.question_bank.question import Question
from xiaoan.question_bank.spreadsheet import read_bank

SHIPPED = Path(__file__).parents[2] / "question_banks" / "安规示例题库.xlsx"


@cache
def shipped_questions() -> tuple[Question, ...]:
    return read_bank([SHIPPED]).bank.questions
