"""The paper to print: questions in parts, then the answer sheet, then the key, each on pages of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from xiaoan.figures import number_text
from xiaoan.printable import printable
from xiaoan.reports.environment import render
from xiaoan.reports.text_widths import cell_width

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.paper import Paper
    from xiaoan.question_bank.drawing.shuffling import ShownQuestion

_CHINESE_DIGITS = "零一二三四五六七八九"
_FOUR_ABREAST, _TWO_ABREAST = 16, 36
"""Widest option, in half-width columns, of which four or two stand side by side on A4."""
_BUBBLES_A_ROW = 24
_FEW_BUBBLES = 4
_SHORT_ANSWER_LINES = 8
_MOST_LINES = 20
_JUDGE_MARKS = {"正确": "√", "错误": "×"}
_PARTIAL_CREDIT = {
    "none": "少选、错选都不得分。",
    "half": "少选得一半分，错选不得分。",
    "share": "少选按选对的比例得分，错选不得分。",
}


@dataclass(frozen=True)
class PrintedItem:
    """A question on paper, with what its place on the sheet and in the key needs."""

    number: int
    shown: "ShownQuestion"
    points: float

    @property
    def is_judgement(self) -> bool:
        """Whether it is answered √ or ×: a 判断题 without options of its own."""
        return self.shown.question.question_type == "判断题" and not self.shown.question.options

    @property
    def prints_options(self) -> bool:
        """Whether the options stand below the stem."""
        return bool(self.shown.options) and not self.is_judgement

    @property
    def columns(self) -> str:
        """How many options fit side by side: `four`, `two` or `one`."""
        texts = [printable(option.text, newlines=True) for option in self.shown.options]
        widest = max(map(cell_width, texts), default=0)
        if any("\n" in text for text in texts) or widest > _TWO_ABREAST:
            return "one"
        return "two" if widest > _FOUR_ABREAST else "four"

    @property
    def bubbles(self) -> tuple[str, ...]:
        """What is there to be filled in on the sheet; nothing for an answer in words."""
        if self.is_judgement:
            return tuple(_JUDGE_MARKS.values())
        return tuple(option.label for option in self.shown.options)

    @property
    def lines(self) -> int:
        """How many lines an answer in words gets, none where there are bubbles."""
        if self.bubbles:
            return 0
        if self.shown.question.question_type == "简答题":
            return _SHORT_ANSWER_LINES
        return min(len(self.shown.question.answer), _MOST_LINES)

    @property
    def key(self) -> str:
        """The answer as the key has it: letters as printed, √ or ×, or the words."""
        if self.is_judgement:
            return "；".join(f"{_JUDGE_MARKS.get(text, '')} {text}" for text in self.shown.question.answer)
        return "".join(self.shown.answer_letters) or "\n".join(self.shown.answer_lines)


@dataclass(frozen=True)
class SheetRow:
    """Questions whose places on the answer sheet stand together: bubbles side by side, or one with lines."""

    items: tuple[PrintedItem, ...]

    @property
    def lines(self) -> int:
        """How many lines to write on; none for bubbles."""
        return self.items[0].lines

    @property
    def is_wide(self) -> bool:
        """Whether some question has so many bubbles that fewer fit side by side."""
        return any(len(item.bubbles) > _FEW_BUBBLES for item in self.items)


@dataclass(frozen=True)
class PrintedPart:
    """Questions of one 题型 and worth under one heading."""

    heading: str
    instruction: str
    items: tuple[PrintedItem, ...]

    @property
    def sheet_rows(self) -> tuple[SheetRow, ...]:
        """The part's rows of the answer sheet."""
        return tuple(_sheet_rows(self.items))


def paper_page(paper: "Paper", *, bank: str) -> str:
    """Return the whole page; `bank` is the bank's name for people, and stands with the key only."""
    return render("paper.html", paper=paper, bank=bank, parts=printed_parts(paper))


def printed_parts(paper: "Paper") -> list[PrintedPart]:
    """Return the paper's parts: neighbouring questions of the same 题型 and worth belong together."""
    items = [PrintedItem(number, item.shown, item.points) for number, item in enumerate(paper.items, start=1)]
    groups = groupby(items, key=lambda item: (item.shown.question.question_type.value, item.points))
    return [
        _part(place, kind, points, tuple(members), paper.partial_credit.value)
        for place, ((kind, points), members) in enumerate(groups, start=1)
    ]


def chinese_number(number: int) -> str:
    """Return a number from 1 to 99 in Chinese (十二, 四十), a greater one in figures."""
    tens, ones = divmod(number, 10)
    if not 1 <= number <= 99:
        return str(number)
    lead = "" if not tens else "十" if tens == 1 else f"{_CHINESE_DIGITS[tens]}十"
    return lead + (_CHINESE_DIGITS[ones] if ones else "")


def _part(
    place: int, kind: str, points: float, items: tuple[PrintedItem, ...], partial_credit: str
) -> PrintedPart:
    worth = f"每题 {number_text(points)} 分，共 {number_text(points * len(items))} 分"
    instruction = ""
    if kind == "多选题":
        instruction = f"每题有两个或更多选项正确。{_PARTIAL_CREDIT[partial_credit]}"
    elif any(item.is_judgement for item in items):
        instruction = "说法正确的选 √，错误的选 ×。"
    return PrintedPart(f"{chinese_number(place)}、{kind}（{worth}）", instruction, items)


def _sheet_rows(items: Sequence[PrintedItem]) -> Iterator[SheetRow]:
    """Yield bubbles in rows of so many that a page breaks between them, and each answer in words alone."""
    for has_bubbles, group in groupby(items, key=lambda item: bool(item.bubbles)):
        members = tuple(group)
        step = _BUBBLES_A_ROW if has_bubbles else 1
        for start in range(0, len(members), step):
            yield SheetRow(members[start : start + step])
