"""Everything that is shown to a person: banner, streamed pieces, verdicts, pages and messages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from xiaoan.printable import printable
from xiaoan.terminal.verdict import Line, ShowAnswer, lookup_lines, verdict_lines
from xiaoan.terminal.wrapping import cell_width, wrap

if TYPE_CHECKING:
    from xiaoan.assistant.answering import Answer
    from xiaoan.assistant.bank_check import BankCheck

ANSWER_MARK = "🤖 "
_NARROWEST_COLUMN = 24
_NARROWEST_HANGING = 8


@dataclass(frozen=True)
class Fact:
    """A name with its value, a line of the banner or of a page."""

    name: str
    value: str


@dataclass(frozen=True)
class Check:
    """One thing looked at: `status` is `ok`, `warning` or `missing`; `advice` may be empty."""

    name: str
    status: str
    found: str
    advice: str = ""


_PLAIN_MARKS = {
    **dict.fromkeys(("✓ ", "✗ ", "? ", "⏹ ", "→ ", "· "), ""),
    "! ": "注意：",
    "🙋 ": "问：",
    ANSWER_MARK: "小安：",
}
"""What is said in place of a symbol; behind ✓ and ✗ the words say it already."""
_PLAIN_CHECKS = {"ok": "好", "warning": "注意", "missing": "缺"}
_CHECK_MARKS = {
    "ok": ("✓", "xiaoan.agrees"),
    "warning": ("!", "xiaoan.unknown"),
    "missing": ("✗", "xiaoan.differs"),
}


class Screen:
    """Prints plain lines with hanging indents to one console. The only holder of rich objects."""

    def __init__(self, console: Console, *, wraps: bool = True, plain: bool = False) -> None:
        """Take the console; `wraps` off leaves long lines whole, for pipes and files.

        `plain` is for people who listen: no symbols, no colours, nothing in columns, no indents.
        """
        self._console = console
        self._wraps = wraps
        self._plain = plain
        self._at_line_start = True

    @property
    def plain(self) -> bool:
        """Whether words stand for symbols here."""
        return self._plain

    @property
    def width(self) -> int:
        """How many cells a line has at this moment; 80 where lines are never broken."""
        return self._console.width if self._wraps else 80

    def banner(self, version: str, facts: Sequence[Fact], *, demo: bool) -> None:
        """Show who answers what, with which model and bank, and the words to know."""
        kind = "（演示模型）" if demo else ""
        banner_mark = "" if self._plain else ANSWER_MARK
        self.lines(
            [
                Line(f"小安 {version}{kind}　电力安规考试问答", "xiaoan.title", banner_mark),
                Line("能答单选题、多选题、判断题。直接输入题干，或连同选项一起粘贴。", indent=3),
            ]
        )
        self.facts(facts, indent=3)
        self.lines(
            [
                Line("clear 清屏　stop 或 exit 退出　/help 帮助", "xiaoan.quiet", indent=3),
                Line("Ctrl-C 停止回答　Ctrl-D 退出", "xiaoan.quiet", indent=3),
                Line(""),
            ]
        )

    def facts(self, facts: Iterable[Fact], *, indent: int = 0) -> None:
        """Show names with their values, the values aligned; on a narrow terminal each below its name."""
        rows = list(facts)
        if self._plain:
            self.lines(Line(row.value, "", f"{row.name}：") for row in rows)
            return
        widest = max((cell_width(row.name) for row in rows), default=0)
        if self._wraps and self._console.width - indent - widest < _NARROWEST_COLUMN:
            for row in rows:
                self._print(Line(row.name, "xiaoan.label", indent=indent))
                self._print(Line(row.value, indent=indent + 4))
            return
        for row in rows:
            mark = row.name + " " * (widest - cell_width(row.name) + 2)
            self._print(Line(row.value, "", mark, indent), mark_style="xiaoan.label")

    def lines(self, lines: Iterable[Line]) -> None:
        """Show lines, wrapped at the width."""
        for line in lines:
            self._print(line)

    def begin_answer(self) -> None:
        """Put the mark in front of an answer that will be streamed."""
        self._write(_PLAIN_MARKS[ANSWER_MARK] if self._plain else ANSWER_MARK)
        self._at_line_start = False

    def piece(self, text: str) -> None:
        """Append a piece of the answer; what is on the screen is never rewritten."""
        shown = printable(text, newlines=True)
        if shown:
            self._write(shown)
            self._at_line_start = shown.endswith("\n")

    def end_answer(self, answer: "Answer", streamed: str) -> None:
        """Close the streamed line and show what the bank says.

        When the finished answer names options that the streamed text only hinted at, it gets a line of its
        own.
        """
        self.close_line()
        if answer.selected and not answer.refusal and not streamed.strip().endswith(answer.answer.strip()):
            self._print(Line(answer.answer, "", "即：", 3))
        self.lines(verdict_lines(answer))
        self.lines([Line("")])

    def close_line(self) -> None:
        """End a half-written line, if there is one."""
        if not self._at_line_start:
            self._write("\n")
            self._at_line_start = True

    def notice(self, message: str) -> None:
        """Show a remark; not dimmed, for it may say what to press next."""
        self.close_line()
        self._print(Line(message))

    def warning(self, message: str) -> None:
        """Show something that a person should know but that stops nothing."""
        self.close_line()
        self._print(Line(message, "xiaoan.unknown", "! "))

    def error(self, message: str) -> None:
        """Show what went wrong and what to do."""
        self.close_line()
        self._print(Line(message, "xiaoan.error", "出错：" if self._plain else "✗ "))

    def clear(self) -> None:
        """Empty the screen of a terminal; elsewhere nothing happens."""
        self._console.clear()

    def page(self, title: str, facts: Sequence[Fact] = (), notes: Sequence[str] = ()) -> None:
        """Show a titled page: names with values, then remarks."""
        self._print(Line(title, "xiaoan.title"))
        self.facts(facts, indent=2)
        self.lines([*(Line(note, "xiaoan.quiet", indent=2) for note in notes), Line("")])

    def checklist(self, checks: Sequence[Check], conclusion: str) -> None:
        """Show things looked at: mark, name, what was found, and below it what to do."""
        if self._plain:
            for check in checks:
                self.facts([Fact(f"{check.name}，{_PLAIN_CHECKS[check.status]}", check.found)])
                self.lines([Line(check.advice)] if check.advice else [])
            self.lines([Line(conclusion)])
            return
        widest = max((cell_width(check.name) for check in checks), default=0)
        for check in checks:
            sign, style = _CHECK_MARKS[check.status]
            mark = f"{sign} {check.name}{' ' * (widest - cell_width(check.name))}  "
            self._print(Line(check.found, "", mark), mark_style=style)
            if check.advice:
                self._print(Line(check.advice, "xiaoan.quiet", "→ ", cell_width(mark)))
        self.lines([Line(conclusion, "xiaoan.title")])

    def bank_only(self, found: "BankCheck", official: ShowAnswer) -> None:
        """Show what the bank says about a question that no model answered."""
        self.lines([*lookup_lines(found, official), Line("")])

    def plain_answer(self, answer: "Answer", *, numbered: int | None = None) -> None:
        """Show question, answer and verdict of a finished answer; the bank's answer first when it differs."""
        question = f"{numbered}. {answer.asked.text}" if numbered else answer.asked.text
        found = answer.check
        lines = [Line(question, "xiaoan.label", "🙋 ")]
        if found is not None and found.question is not None and found.status == "mismatch":
            official = answer.bank_answer(found.question)
            right = "正确（空里填的是题库答案）" if answer.judges_filling else f"{official}（题库答案）"
            lines.append(Line(right, "xiaoan.agrees", ANSWER_MARK))
            lines.append(Line(answer.answer, "xiaoan.quiet", "小安的回答：", 3))
        else:
            lines.append(Line(answer.shown or "（没有回答）", "", ANSWER_MARK))
        self.lines([*lines, *verdict_lines(answer), Line("")])

    def _print(self, line: Line, *, mark_style: str | None = None) -> None:
        if self._plain:
            line, mark_style = _in_words(line), None
        if self._wraps and self._console.width - line.indent - cell_width(line.mark) < _NARROWEST_HANGING:
            line = _without_hanging(line)
        prefix = " " * line.indent + line.mark
        text, found = _printable_line(line, newlines=self._wraps)
        hanging = cell_width(prefix)
        rows = wrap(text, max(self._console.width - hanging, 1)) if self._wraps else [text]
        shown = Text(prefix, style=line.style if mark_style is None else mark_style)
        body = Text(("\n" + " " * hanging).join(rows), style=line.style)
        for place in _places(text, body.plain, found):
            body.stylize("xiaoan.found", place, place + 1)
        shown.append_text(body)
        self._console.print(shown, soft_wrap=True, style=None)

    def _write(self, text: str) -> None:
        self._console.print(Text(text), end="", soft_wrap=True)


def _in_words(line: Line) -> Line:
    """The line as it is read aloud: its mark in words before the text, no style, no indent."""
    return Line(_PLAIN_MARKS.get(line.mark, line.mark.lstrip()) + line.text)


def _without_hanging(line: Line) -> Line:
    """The line for a terminal with no room beside its mark: the mark runs into the text."""
    mark = line.mark.lstrip()
    found = tuple((start + len(mark), end + len(mark)) for start, end in line.found)
    return Line(mark + line.text, line.style, found=found)


def _printable_line(line: Line, *, newlines: bool) -> tuple[str, list[tuple[int, int]]]:
    """The line's text as it may be shown, and where in that the places found are."""
    text, found, position = "", [], 0
    for start, end in line.found:
        text += printable(line.text[position:start], newlines=newlines)
        piece = printable(line.text[start:end], newlines=newlines)
        found.append((len(text), len(text) + len(piece)))
        text += piece
        position = end
    return text + printable(line.text[position:], newlines=newlines), found


def _places(text: str, wrapped: str, found: Sequence[tuple[int, int]]) -> Iterator[int]:
    """Yield where in `wrapped` the characters of `text` that are found stand; wrapping moves only spaces."""
    wanted = {place for start, end in found for place in range(start, end) if not text[place].isspace()}
    if not wanted:
        return
    position = 0
    for place, character in enumerate(text):
        if character.isspace():
            continue
        position = wrapped.index(character, position)
        if place in wanted:
            yield position
        position += 1
