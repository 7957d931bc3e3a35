"""Lines of a plain text parted into questions: blocks between blank lines, numbered questions, else a line each.

An option's line, `答案：B` and `解析：…` belong to the question above them, wherever the blank lines are.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xiaoan.question_bank.normalization import clean_text
from xiaoan.question_bank.option_labels import half_width
from xiaoan.question_bank.rows.stem_cells import asks
from xiaoan.question_bank.rows.type_words import NO_TYPE, TypeWord, section_type

_OPTION = re.compile(
    r"\s*(?:[(\[] ?(?P<enclosed>[A-Za-z]) ?[)\]]|(?P<letter>[A-Za-z]) ?[.、:,)\]-]|(?P<bare>[A-Z]) +)\s*\S"
)
_SIGN = re.compile(r"\s*(?P<sign>[①-⑫⑴-⑿])")
_OPTIONS_HEADING = re.compile(r"\s*(?:备选|可选|答案)?选项(?:如下|有)?\s*(?::|$)")
_ANSWER = re.compile(r"\s*[(\[]?(?:正确|参考|标准)?答案\s*[)\]]?\s*[:为是]?\s*(?P<answer>.*)")
_KEY = re.compile(r"\s*(?:正确|参考|标准)?答案\s*:?\s*")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_NOTE = re.compile(r"\s*[(\[]?(?:试题|答案|题目)?(?:解析|依据|出处|难度|考点|考核点|分值|知识点)[)\]]?\s*:")
_NUMBER = re.compile(
    r"\s*(?:第\s*(?P<title>\d{1,6})\s*题|(?P<open>[(\[])? ?(?P<number>\d{1,6}) ?(?P<mark>[.、:)\]]))\s*(?=\D)"
)
_LONGEST_TITLE = 4
"""Lines above the first question."""
_ENDS = ("。", "？", "?", "！", "）", ")", "_", "．")


@dataclass
class Pasted:
    """One question of a text. `line` counts from 1, `told` is what the heading above says, `answer` what was written
    behind 答案; neither that nor an explanation is part of `text`.
    """

    line: int
    told: TypeWord
    lines: list[str] = field(default_factory=list)
    answer: str = ""
    labels: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The question with its options, line by line."""
        return "\n".join(self.lines)


def part_pasted(lines: Sequence[str]) -> tuple[list[Pasted], list[int]]:
    """Return the questions in `lines`, in their order, and the lines (from 1) that are titles or headings."""
    parting = _Parting(lines)
    questions = [one for part in parting.questions() for one in _parted_again(part)]
    return questions, parting.titles


class _Parting:
    """Goes through the lines once; where a question begins depends on how the whole text marks that."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = [clean_text(line) for line in lines]
        self._style, self._blocks = _number_style(self._lines), _has_blocks(self._lines)
        self.titles: list[int] = []
        self._found: list[Pasted] = []
        self._told = NO_TYPE
        self._number = 0
        self._parted = True
        self._below_key = False

    def questions(self) -> list[Pasted]:
        """Return the questions, and leave out headings."""
        for number, line in enumerate(self._lines, start=1):
            if not line:
                self._parted = True
            elif (said := section_type(line)) is not None:
                self._told = said if said.type or said.choice else self._told
                self._parted, self._number, self._below_key = True, 0, False
                self.titles.append(number)
                self._found.append(Pasted(number, self._told))
            else:
                self._take(number, line)
                self._parted = False
        return [one for one in self._found if one.lines]

    def _take(self, number: int, line: str) -> None:
        narrow = half_width(line)
        if _KEY.fullmatch(narrow) or (self._below_key and _CHINESE.search(narrow) is None):
            # The answers of all questions, together at the end: 参考答案, 1-5 BCADB.
            self._below_key = True
            self.titles.append(number)
            return
        current = self._found[-1] if self._found and self._found[-1].lines else None
        if current is not None and self._belongs(current, narrow):
            self._add(current, line, narrow)
        elif current is None and self._style is not None and _numbered(narrow, self._style) is None:
            self.titles.append(number)
            return
        elif current is None or self._begins(narrow):
            current = Pasted(number, self._told, [line])
            self._found.append(current)
        else:
            current.lines.append(line)
        if current.lines == [line]:
            self._number = _numbered(narrow, self._style) or self._number

    def _belongs(self, current: Pasted, narrow: str) -> bool:
        """Whether a line can only go with the question above: an option in its turn, its heading, an answer, a note."""
        if _OPTIONS_HEADING.match(narrow) or _NOTE.match(narrow) or _ANSWER.match(narrow):
            return True
        label = _label(narrow)
        if label is None:
            return False
        return label > current.labels[-1] if current.labels else label in ("A", "①", "⑴")

    def _add(self, current: Pasted, line: str, narrow: str) -> None:
        if (label := _label(narrow)) is not None:
            current.labels.append(label)
            current.lines.append(line)
        elif _OPTIONS_HEADING.match(narrow):
            current.lines.append(line)
        elif (answer := _ANSWER.match(narrow)) and not current.answer:
            current.answer = line[answer.start("answer") :].strip()

    def _begins(self, narrow: str) -> bool:
        """Whether a line that is none of an option begins the next question."""
        if self._style is not None:
            counted = _numbered(narrow, self._style)
            if counted is None:  # a question whose number was forgotten
                return self._parted
            return counted > self._number or self._parted
        if self._blocks:
            return self._parted
        return True


def _parted_again(one: Pasted) -> Iterator[Pasted]:
    """The lines of a block without options, where each ends as a sentence does, are questions of their own."""
    if one.labels or len(one.lines) < 2 or not all(line.endswith(_ENDS) for line in one.lines):
        yield one
        return
    for place, line in enumerate(one.lines):
        yield Pasted(one.line + place, one.told, [line], one.answer if place + 1 == len(one.lines) else "")


def is_option_line(narrow: str) -> bool:
    """Return whether a half-width line may be an option: `A. …`, `(b) …`, `①…`."""
    return _label(narrow) is not None


def _label(narrow: str) -> str | None:
    found = _OPTION.match(narrow)
    if found is not None:
        return (found["enclosed"] or found["letter"] or found["bare"]).upper()
    sign = _SIGN.match(narrow)
    return sign["sign"] if sign else None


def _number_style(lines: Sequence[str]) -> str | None:
    """How the questions are numbered: as one of the first lines is, where others are too."""
    filled = [half_width(line) for line in lines if line and section_type(line) is None]
    first = next((place for place, line in enumerate(filled) if _style_of(line)), len(filled))
    titles = filled[:first]
    if first == len(filled) or len(titles) > _LONGEST_TITLE or any(map(_seems_question, titles)):
        return None
    style = _style_of(filled[first])
    return style if sum(_numbered(line, style) is not None for line in filled) >= 2 else None


def _seems_question(narrow: str) -> bool:
    return asks(narrow) or narrow.endswith((".", "。", ":"))


def _style_of(narrow: str) -> str | None:
    found = _NUMBER.match(narrow)
    if found is None:
        return None
    # 2. and 3、 stand in one list, as a word processor and a person number it.
    return "第" if found["title"] else f"{found['open'] or ''}{found['mark'].replace('、', '.')}"


def _numbered(narrow: str, style: str | None) -> int | None:
    """The number in front of a line, if it is written in this style."""
    if style is None or _style_of(narrow) != style:
        return None
    found = _NUMBER.match(narrow)
    return int(found["title"] or found["number"]) if found else None


def _has_blocks(lines: Sequence[str]) -> bool:
    """Whether blank lines part questions: those beside a heading, before an option or an answer do not."""
    before = ""
    blank = False
    for line in lines:
        if not line:
            blank = True
            continue
        narrow = half_width(line)
        belongs = (
            _label(narrow) or _ANSWER.match(narrow) or _NOTE.match(narrow) or _OPTIONS_HEADING.match(narrow)
        )
        if blank and before and section_type(before) is None and section_type(line) is None and not belongs:
            return True
        before, blank = line, False
    return False
