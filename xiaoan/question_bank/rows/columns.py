"""Which column of a sheet holds what, told by the words of its header row wherever that stands."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from xiaoan.question_bank.cells.sheets import Sheet
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import normalize_text


class Field(StrEnum):
    """What a column of the canonical workbook holds, by its heading, in its order."""

    PROFESSION = "专业"
    TYPE = "题型"
    STEM = "题目内容"
    CLAUSE = "题目依据条款"
    OPTIONS = "选项"
    ANSWER = "正确答案"


HEADER_WORDS: Mapping[Field, Sequence[str]] = {
    Field.PROFESSION: (
        "专业 一级纲要 作业种类 专业类别 专业名称 所属专业 适用专业 专业分类 考试专业 专业方向 "
        "作业类别 专业工种"
    ).split(),
    Field.TYPE: (
        "题型 题目类型 试题类型 考题类型 问题类型 题目题型 试题题型 题型类别 题型分类 题型名称 类型"
    ).split(),
    Field.STEM: (
        "题目内容 题干 题目 试题内容 题干内容 试题题干 题目题干 题目正文 题面 试题 试题题目 "
        "试题正文 考题内容 考题 题目描述 试题描述 问题内容 问题 题目名称 试题名称"
    ).split(),
    Field.CLAUSE: (
        "题目依据条款 题目依据 依据条款 试题依据 出题依据 命题依据 答案依据 条款依据 规程条款 "
        "安规条款 对应条款 规程依据 依据 条款 条款号 出处 题目出处 试题出处"
    ).split(),
    Field.OPTIONS: (
        "选项 题目选项 试题选项 备选项 选项内容 答案选项 备选答案 候选答案 候选项 可选项 可选答案 "
        "全部选项 所有选项"
    ).split(),
    Field.ANSWER: (
        "正确答案 答案 题目答案 试题答案 参考答案 标准答案 正确选项 答案内容 正确答案选项 "
        "参考答案内容 题目正确答案 试题正确答案"
    ).split(),
}
"""The words of headings, best first: where two columns bear words of one field, the better word counts."""

_EXPLANATION_WORDS = (
    "解析 试题解析 题目解析 答案解析 判断题解析 解析说明 答案说明 解释 答案解释 详解 试题详解 "
    "说明 题目说明 试题说明"
).split()
_BLANK_ORDER_WORDS = ("填空顺序", "填空题顺序", "答案顺序", "填空有无顺序", "是否有序")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CHINESE_FIGURES = "一二三四五六七八九十"
_PLACE = rf"(?:(?P<letter>[A-Za-z])|(?P<figure>[1-9]\d?)|(?P<chinese>[{_CHINESE_FIGURES}]))"
_OF_OPTION = "(?:内容|描述|文本|文字|正文)?"
_OPTION_HEADING = re.compile(
    rf"(?:(?:备选|候选|可选|题目|试题)?(?:选项|答案选项)|(?:备选|候选|可选)(?:答案|项)?){_OF_OPTION}{_PLACE}{_OF_OPTION}"
)
_LETTER_HEADING = re.compile(rf"(?P<letter>[A-Za-z])(?:(?:备选|候选|可选)?选?项{_OF_OPTION})?")
_ANSWER_HEADING = re.compile(
    rf"(?:填空)?(?:题目|正确|参考)?(?:答案|填空){_PLACE}|第?{_PLACE.replace('<', '<_')}空"
)
_PLACE_IN_BRACKETS = re.compile(
    rf"(?<=[选项])[(\[<] ?([A-Za-z]|\d{{1,2}}|[{_CHINESE_FIGURES}]) ?[)\]>]"
    r"|(?<=案)[(\[<] ?([A-Za-z]) ?[)\]>]|[(\[<] ?([A-Za-z]) ?[)\]>](?=(?:备选)?选?项)"
)
"""选项（A）: this is no note in brackets."""
_BRACKETED = re.compile(r"\(.*?\)|\[.*?\]|<.*?>")
_NOT_A_WORD = re.compile(r"[\W_]")
_HOW_TO_FILL = re.compile(r"[\n,;:。]|用|以|请|之间|多个|必填|选填|勿删")
_LONGEST_HEADING = 60


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in the rows of a sheet; columns are counted from 0.

    `options` are the columns of single options by their labels (`A`, or `1` where `numbered`), `answers` those
    of a 填空题's answers one by one, `blank_order` the one that may say 无序. `words` are all headings as read.
    """

    fields: Mapping[Field, int]
    options: tuple[tuple[str, int], ...] = ()
    numbered: bool = False
    answers: tuple[int, ...] = ()
    explanations: tuple[int, ...] = ()
    blank_order: int | None = None
    words: tuple[str, ...] = field(default=(), compare=False)

    def names(self) -> dict[str, str]:
        """Return the letters of the columns by the names that `--json` gives them."""
        places = {_JSON_NAMES[name]: place for name, place in self.fields.items()}
        places |= {f"option_{label}": place for label, place in self.options}
        places |= {f"answer_{_LETTERS[number]}": place for number, place in enumerate(self.answers)}
        for number, place in enumerate(self.explanations, start=1):
            places["explanation" if number == 1 else f"explanation_{number}"] = place
        if self.blank_order is not None:
            places["blank_order"] = self.blank_order
        return {name: place_letters(place) for name, place in places.items()}

    def texts(self) -> frozenset[int]:
        """Return the columns whose texts make the question: stem, options and answers."""
        wanted = (Field.STEM, Field.OPTIONS, Field.ANSWER)
        of_fields = (place for name, place in self.fields.items() if name in wanted)
        return frozenset([*of_fields, *self.answers, *(place for _, place in self.options)])

    def with_type(self, place: int) -> "Columns":
        """Return the same columns, the 题型 at `place`."""
        return replace(self, fields={**self.fields, Field.TYPE: place})


_JSON_NAMES = {
    Field.PROFESSION: "profession",
    Field.TYPE: "question_type",
    Field.STEM: "stem",
    Field.CLAUSE: "clause",
    Field.OPTIONS: "options",
    Field.ANSWER: "answer",
}


@dataclass(frozen=True, slots=True)
class HeaderRow:
    """A header at `row` (from 0), `height` rows high, and the columns that it names."""

    row: int
    height: int
    columns: Columns


def text_columns(sheet: Sheet) -> frozenset[int]:
    """Return the columns (from 0) in which numbers and dates must be as shown; without a header all of them."""
    found = [header.columns.texts() for header in headers(sheet.rows)]
    if found:
        return frozenset().union(*found)
    return frozenset(range(len(sheet.rows[0]))) if sheet.rows else frozenset()


def headers(rows: Sequence[Sequence[str]], *, stem_alone: bool = False) -> Iterator[HeaderRow]:
    """Yield every header row in order, the repeated ones too; `stem_alone` as in `read_columns`."""
    stem: int | None = None
    for number, row in enumerate(rows):
        if stem is not None and len(row[stem]) > _LONGEST_HEADING:
            continue
        if _may_be_header(row) and (found := _read_header_at(rows, number, stem_alone=stem_alone)):
            stem = found.columns.fields[Field.STEM]
            yield found


def _may_be_header(row: Sequence[str]) -> bool:
    """Every word for a stem has this character; asked of each row, so it must cost nothing."""
    return any("题" in cell and heading(cell) in _STEM_WORDS for cell in row if len(cell) <= _LONGEST_HEADING)


def _read_header_at(rows: Sequence[Sequence[str]], number: int, *, stem_alone: bool) -> HeaderRow | None:
    """The header at `number`; 选项 over A, B, C, D in the next row is one header of two rows."""
    columns = read_columns(rows[number], stem_alone=stem_alone)
    below = rows[number + 1] if number + 1 < len(rows) else ()
    letters = [place for place, cell in enumerate(below) if _names_option(heading(cell))]
    if len(letters) >= 2 and all(place in letters or not cell.strip() for place, cell in enumerate(below)):
        both = [
            lower if place in letters else upper
            for place, (upper, lower) in enumerate(zip(rows[number], below, strict=True))
        ]
        if (joined := read_columns(both)) is not None:
            return HeaderRow(number, 2, joined)
    return HeaderRow(number, 1, columns) if columns else None


def _names_option(word: str) -> bool:
    return bool(_LETTER_HEADING.fullmatch(word) or _OPTION_HEADING.fullmatch(word))


def read_columns(row: Sequence[str], *, stem_alone: bool = False) -> Columns | None:
    """Return what the headings in `row` name, or None for a row that is no header.

    A header names at least the stem, and the answer or the options; with `stem_alone` the stem will do.
    """
    words = tuple(heading(cell) for cell in row)
    fields = _fields(words)
    options, numbered = _option_columns(words)
    answers = _answer_columns(words)
    order = next((words.index(word) for word in _BLANK_ORDER_WORDS if word in words), None)
    if answers and Field.ANSWER in fields and order is None and not options and Field.OPTIONS not in fields:
        # 答案A … 答案D beside 正确答案: these are the options to choose from.
        options, answers = tuple((_LETTERS[number], place) for number, place in enumerate(answers)), ()
    told = stem_alone or Field.ANSWER in fields or Field.OPTIONS in fields or options or answers
    if Field.STEM not in fields or not told:
        return None
    explanations = tuple(words.index(word) for word in _EXPLANATION_WORDS if word in words)
    return Columns(fields, options, numbered, answers, explanations, order, words)


@lru_cache(maxsize=8192)
def heading(cell: str) -> str:
    """Return the bare word of a heading: no marks, no notes in brackets, no hint how to fill the column in."""
    if not cell or len(cell) > _LONGEST_HEADING:
        return ""
    text = normalize_text(cell.replace("\n", " \n"))
    if "(" in text or "[" in text or "<" in text:
        text = _PLACE_IN_BRACKETS.sub(lambda place: "".join(filter(None, place.groups())), text)
    bare = _NOT_A_WORD.sub("", _BRACKETED.sub("", text)) or _NOT_A_WORD.sub("", text)
    if bare in _ALL_WORDS:
        return bare
    # normalize_text has made spaces of line ends, so the hint is looked for in the text as it came.
    first = _NOT_A_WORD.sub("", normalize_text(_HOW_TO_FILL.split(cell.strip(), maxsplit=1)[0]))
    return first if first in _ALL_WORDS else bare


def _fields(words: Sequence[str]) -> dict[Field, int]:
    fields: dict[Field, int] = {}
    for name, known in HEADER_WORDS.items():
        found = next((words.index(word) for word in known if word in words), None)
        if found is not None:
            fields[name] = found
    return fields


def _option_columns(words: Sequence[str]) -> tuple[tuple[tuple[str, int], ...], bool]:
    """The columns of single options by label, and whether figures are the labels; () if there is but one."""
    spelled = _numbered(_OPTION_HEADING, words)
    found = spelled or _numbered(_LETTER_HEADING, words)
    if not found or (len(found) < 2 and not spelled) or 0 not in found:
        return (), False
    numbered = not any(re.search("[A-Za-z]", words[place]) for place in found.values())
    labels = {number: str(number + 1) if numbered else _LETTERS[number] for number in found}
    return tuple((labels[number], found[number]) for number in sorted(found)), numbered


def _answer_columns(words: Sequence[str]) -> tuple[int, ...]:
    """The columns 答案A, 答案B, … in order, as far as there is no gap."""
    found = _numbered(_ANSWER_HEADING, words)
    return tuple(found[number] for number in range(len(found)) if number in found)


def _numbered(pattern: re.Pattern[str], words: Sequence[str]) -> dict[int, int]:
    """The first column of each number (from 0) that `pattern` reads in a heading."""
    found: dict[int, int] = {}
    for place, word in enumerate(words):
        if match := pattern.fullmatch(word):
            name = next(group for group in match.groups() if group)
            found.setdefault(_number(name), place)
    return {number: place for number, place in found.items() if 0 <= number < len(_LETTERS)}


def _number(name: str) -> int:
    if name.isdigit():
        return int(name) - 1
    return _CHINESE_FIGURES.find(name) if name in _CHINESE_FIGURES else _LETTERS.find(name.upper())


_STEM_WORDS = frozenset(HEADER_WORDS[Field.STEM])
_ALL_WORDS = frozenset(
    [word for words in HEADER_WORDS.values() for word in words] + [*_EXPLANATION_WORDS, *_BLANK_ORDER_WORDS]
)
