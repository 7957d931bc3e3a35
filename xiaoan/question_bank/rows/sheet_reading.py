"""One sheet into questions, with every row accounted for: read, refused, or skipped with a reason."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xiaoan.question_bank.cells.sheets import MergedRange, Remark, RemarkKind, Sheet, column_letter
from xiaoan.question_bank.question import WRONG, Question, Source, judge_word
from xiaoan.question_bank.rows.answer_cells import plain_verdict
from xiaoan.question_bank.rows.columns import Columns, Field, HeaderRow, headers
from xiaoan.question_bank.rows.faults import Fault, FaultCode, Severity
from xiaoan.question_bank.rows.figure_answers import meaning_of_figures
from xiaoan.question_bank.rows.inferred_columns import (
    find_type_column,
    infer_columns,
    looks_like_answer,
    seem_questions,
)
from xiaoan.question_bank.rows.layouts import Layout, layout_of
from xiaoan.question_bank.rows.markup import may_hold_markup, without_markup
from xiaoan.question_bank.rows.option_cells import read_options
from xiaoan.question_bank.rows.row_cells import Habits, Problem
from xiaoan.question_bank.rows.row_reading import read_cells
from xiaoan.question_bank.rows.stem_cells import asks, has_any_blank
from xiaoan.question_bank.rows.stem_numbers import find_serials, has_unclear_number, numbers_to_cut
from xiaoan.question_bank.rows.type_words import read_type, section_type

_BLANK_ROW = "空行"
_REPEATED_HEADER = "重复的表头"
_OTHER_HEADER = "新的表头，下面按它读"
_SECOND_HEADER_ROW = "表头的第二行"
_ABOVE_HEADER = "表头上方的标题或说明"
_TITLE = "标题或说明"
_NUMBER_ONLY = "只有序号，没有题目"
_PREPARED = "没有题干、选项和答案"
_UNKNOWN_HEADER = "像表头，但文字不认识"
_LEFT_ALONE = "不是题目的工作表"
_NOTES = "说明，不是题目的工作表"
_NOTES_NAME = re.compile(r"说明|须知|封面|指南|注意事项|readme", re.IGNORECASE)
_JUDGING_PAIRS = (
    frozenset(["0", "1"]),
    frozenset(["是", "否"]),
    frozenset(["Y", "N"]),
    frozenset(["YES", "NO"]),
)
"""Answers that are verdicts only where a sheet has no others."""
_HEADING_LENGTH = 12
_LONGEST_WORD = 20
_LONGEST_VERDICT = 5
_LONGEST_MESSAGE = 400
_KEPT_OF_MESSAGE = 150
_LETTERS = re.compile("[A-EG-H]+", re.IGNORECASE)
"""Letters of options; F may be false."""
_NO_REMARKS: Mapping[int, Remark] = {}
_NOTHING_FILLED: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Skipped:
    """Rows (from 1) that are no data rows, and why."""

    rows: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class SheetReading:
    """What one sheet holds.

    `header_row` counts from 1 (the first header; None without one), `columns` are letters by field name.
    `questions` are one per question row, duplicates included, in row order. `warned` counts questions with a
    warning, `hidden` the data rows that are hidden in the workbook, with a hidden sheet all of them.
    """

    sheet: str
    layout: str
    header_row: int | None
    columns: Mapping[str, str]
    questions: tuple[Question, ...] = ()
    refused: int = 0
    warned: int = 0
    hidden: int = 0
    skipped: tuple[Skipped, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def rows(self) -> int:
        """How many data rows there are: questions and refused ones."""
        return len(self.questions) + self.refused


def read_sheet(sheet: Sheet, file: str) -> SheetReading:
    """Return the questions of `sheet` and what became of each other row; `file` is the name to report."""
    found = list(headers(sheet.rows))
    if found:
        columns = _with_type_column(found[0].columns, sheet.rows[found[0].row + found[0].height :])
        found[0] = replace(found[0], columns=columns)
        typed_by_sheet = read_type(sheet.name).type is not None
        layout = layout_of(columns, typed_by_sheet=typed_by_sheet)
        return _Reader(sheet, file, columns, found).read(layout, found[0].row + 1)
    inferred = infer_columns(sheet.rows, sheet.name)
    if inferred is not None:
        return _Reader(sheet, file, inferred, []).read(Layout.NO_HEADER, None)
    return _left_alone(sheet, file)


def _with_type_column(columns: Columns, rows: Sequence[Sequence[str]]) -> Columns:
    """The same columns, and a 题型 under a heading that is not known (题目分类) if all its cells are such."""
    if Field.TYPE in columns.fields:
        return columns
    place = find_type_column(columns, rows)
    return columns if place is None else columns.with_type(place)


def no_question_fault(sheets: Iterable[SheetReading], file: str) -> Fault | None:
    """Return the fault of a file in which no row is a question; None if one is, or if it is a form to fill in."""
    below_header = False
    for sheet in sheets:
        if sheet.rows or (
            sheet.header_row is not None and not any(one.why != _BLANK_ROW for one in sheet.skipped)
        ):
            return None
        below_header = below_header or sheet.header_row is not None
    found = "找到了表头，下面却没有一行是题目" if below_header else "没有找到题目"
    message = f"整个文件{found}；请核对是不是拿错了文件，或者给题目加一行写着“题目内容”“正确答案”的表头"
    return Fault(file, "", None, None, Severity.WARNING, FaultCode.NO_QUESTIONS, "", message)


def _left_alone(sheet: Sheet, file: str) -> SheetReading:
    """A sheet whose questions cannot be told, or without any: nothing in it, notes, lists behind drop-downs."""
    blank: list[int] = []
    filled: list[int] = []
    for number, row in enumerate(sheet.rows, start=1):
        (filled if _is_filled(row) else blank).append(number)
    unread = [place + 1 for place in seem_questions(sheet.rows)]
    if unread:
        return _columns_unknown(sheet, file, unread, sorted(set(filled) - set(unread)), blank)
    why, faults = _LEFT_ALONE, []
    if not filled:
        layout, code, message = Layout.EMPTY, FaultCode.EMPTY_SHEET, "空工作表，已跳过"
    else:
        layout = Layout.LISTS if _is_list_of_types(sheet, filled) else Layout.NOTES
        found = "像是下拉选项的清单" if layout is Layout.LISTS else "没有找到表头，也看不出题目"
        code = FaultCode.NO_HEADER
        message = f"{found}，已跳过；若有题目，需要一行至少写着“题目内容”和“正确答案”的表头"
    if layout is Layout.NOTES and _NOTES_NAME.search(sheet.name):
        why = _NOTES
    else:
        faults = [Fault(file, sheet.name, None, None, Severity.WARNING, code, "", message)]
    skipped = _skipped({why: filled, _BLANK_ROW: blank})
    return SheetReading(sheet.name, layout, None, {}, skipped=skipped, faults=tuple(faults))


def _columns_unknown(
    sheet: Sheet, file: str, unread: Sequence[int], others: Sequence[int], blank: Sequence[int]
) -> SheetReading:
    """Rows that look like questions are refused one by one: they are not to be lost without notice."""
    message = (
        f"有 {len(unread)} 行像题目，却没有认识的表头，也分不清哪一列是题干、哪一列是答案；"
        "请加一行写着“题目内容”“正确答案”的表头"
    )
    faults = [
        Fault(file, sheet.name, row, None, Severity.REFUSED, FaultCode.COLUMNS_UNKNOWN, "", message)
        for row in unread
    ]
    return SheetReading(
        sheet.name,
        Layout.NO_HEADER,
        None,
        {},
        refused=len(unread),
        hidden=len(unread) if sheet.hidden else len(sheet.hidden_rows.intersection(unread)),
        skipped=_skipped({_LEFT_ALONE: others, _BLANK_ROW: blank}),
        faults=tuple(faults),
    )


def _is_list_of_types(sheet: Sheet, filled: Sequence[int]) -> bool:
    """Whether all cells are words, and two or more of them those of a 题型."""
    words = 0
    for number in filled:
        for cell in sheet.rows[number - 1]:
            if len(cell) > _LONGEST_WORD and len(cell.strip()) > _LONGEST_WORD:
                return False
            words += 2 <= len(cell) <= _HEADING_LENGTH and read_type(cell).type is not None
    return words >= 2


def _skipped(rows: Mapping[str, Sequence[int]]) -> tuple[Skipped, ...]:
    return tuple(Skipped(tuple(numbers), why) for why, numbers in rows.items() if numbers)


def _is_filled(row: Sequence[str]) -> bool:
    return any(row) and not "".join(row).isspace()


@dataclass(slots=True)
class _Merges:
    """The merged ranges of a sheet, by row from 1: cells to be filled from above, and titles across."""

    filled: dict[int, dict[int, int]] = field(default_factory=dict)
    """Row → column (from 0) → row of the text."""
    across: dict[int, list[MergedRange]] = field(default_factory=dict)
    downwards: dict[tuple[int, int], int] = field(default_factory=dict)
    """First row and column (from 0) → last row."""


def _merges(sheet: Sheet) -> _Merges:
    merges = _Merges()
    budget = sum(
        map(len, sheet.rows)
    )  # ranges that overlap are damaged; they must not cost more than the cells
    for merged in sheet.merged:
        last = min(merged.last_row, len(sheet.rows))
        budget -= max(last - merged.first_row, 0) + 1
        if budget < 0 or merged.first_row < 1:
            break
        if merged.first_column != merged.last_column:
            for row in range(merged.first_row, last + 1):
                merges.across.setdefault(row, []).append(merged)
        elif last > merged.first_row:
            column = merged.first_column - 1
            merges.downwards[merged.first_row, column] = last
            for row in range(merged.first_row + 1, last + 1):
                merges.filled.setdefault(row, {})[column] = merged.first_row
    return merges


class _Reader:
    """Goes through the rows of one sheet and keeps count."""

    def __init__(self, sheet: Sheet, file: str, columns: Columns, found: Sequence[HeaderRow]) -> None:
        self._sheet = sheet
        self._file = file
        self._use(columns)
        self._first_columns = columns
        self._headers = {header.row + 1: header for header in found}
        self._first_header = found[0].row + 1 if found else 0
        self._merges = _merges(sheet)
        self._remarks: dict[int, dict[int, Remark]] = {}
        for (row, column), remark in sheet.remarks.items():
            self._remarks.setdefault(row, {})[column - 1] = remark
        self._habits = Habits(read_type(sheet.name))
        self._numbers: Mapping[int, int] = {}
        self._questions: list[Question] = []
        self._faults: list[Fault] = []
        self._skipped: dict[str, list[int]] = {}
        self._joined_until = 0
        self._refused = self._warned = self._hidden = 0

    def read(self, layout: Layout, header_row: int | None) -> SheetReading:
        """Return the whole sheet's reading."""
        if layout is Layout.NO_HEADER:
            self._say_inferred()
        self._learn(self._first_header)
        for number, row in enumerate(self._sheet.rows, start=1):
            self._take(number, row)
        return SheetReading(
            self._sheet.name,
            layout,
            header_row,
            self._first_columns.names(),
            tuple(self._questions),
            self._refused,
            self._warned,
            self._hidden,
            _skipped(self._skipped),
            tuple(self._faults),
        )

    def _use(self, columns: Columns) -> None:
        self._columns = columns
        self._stem = columns.fields[Field.STEM]
        self._shown = tuple(sorted({*columns.texts(), *columns.explanations}))
        self._beside_stem = tuple(sorted(columns.texts() - {self._stem}, reverse=True))

    def _say_inferred(self) -> None:
        columns = self._first_columns
        places = {place: field.value for field, place in columns.fields.items()}
        places |= {place: f"选项 {label}" for label, place in columns.options}
        said = "，".join(f"{column_letter(place)} 列是{places[place]}" for place in sorted(places))
        message = f"没有表头，按单元格的内容推断：{said}；请核对，最好加上表头"
        fault = Fault(
            self._file, self._sheet.name, None, None, Severity.WARNING, FaultCode.HEADER_INFERRED, "", message
        )
        self._faults.append(fault)

    def _learn(self, header: int) -> None:
        """What can only be told from all rows below the header in row `header` (0 if there is none)."""
        rows = self._sheet.rows[header:]
        self._numbers = self._numbers_in_front(rows, header)
        answer = self._columns.fields.get(Field.ANSWER)
        answers = {row[answer] for row in rows} if answer is not None else set()
        written = {text.strip().upper() for text in answers} - {""}
        judging = bool(written) and any(written <= pair for pair in _JUDGING_PAIRS)
        self._habits = replace(
            self._habits,
            pair_judges=judging,
            words_judge=not judging and _short_words_judge(self._columns, rows, written),
            letters_unclear=_some_begin_with_wrong(self._columns, rows),
            figures=meaning_of_figures(self._columns, rows),
        )

    def _numbers_in_front(self, rows: Sequence[Sequence[str]], header: int) -> Mapping[int, int]:
        """How many characters of the stem in a row (from 1) are a number that the rows around it show."""
        stem = self._stem
        if not has_unclear_number([row[stem] for row in rows]):
            return {}
        stems: list[str | None] = []
        places: list[int] = []
        for place, row in enumerate(rows):
            filled = sum(bool(cell.strip()) for cell in row)
            title = filled == 1 and section_type(row[stem].strip()) is not None
            if filled and place + header + 1 not in self._headers:
                stems.append(None if title else row[stem])
                places.append(place)
        serial = find_serials(rows, self._columns.texts())
        serials = None if serial is None else [rows[place][serial] for place in places]
        cuts = numbers_to_cut(stems, serials)
        return {places[place] + header + 1: cut for place, cut in cuts.items()}

    def _take(self, number: int, row: Sequence[str]) -> None:
        if number in self._headers:
            self._take_header(number, self._headers[number])
        elif not row[self._stem].strip() and not _is_filled(row) and not self._shows_something(number):
            self._skip(number, _BLANK_ROW)
        elif number <= self._joined_until:
            return
        elif number < self._first_header:
            self._take_above_header(number, row)
        elif (why := self._why_no_data(number, row)) is not None:
            self._skip(number, why)
        elif self._is_unknown_header(row):
            self._skip(number, _UNKNOWN_HEADER)
        else:
            self._take_data(number, row)

    def _skip(self, number: int, why: str) -> None:
        self._skipped.setdefault(why, []).append(number)

    def _take_header(self, number: int, header: HeaderRow) -> None:
        if number != self._first_header:
            rows = self._sheet.rows[number - 1 + header.height :]
            columns = _with_type_column(header.columns, rows)
            self._skip(number, _REPEATED_HEADER if columns == self._columns else _OTHER_HEADER)
            if columns != self._columns:
                self._use(columns)
                self._learn(number)
        if header.height == 2:
            self._skip(number + 1, _SECOND_HEADER_ROW)
            self._joined_until = number + 1

    def _shows_something(self, number: int) -> bool:
        """Whether a row without texts has an error, a value never stored, or a picture for its stem."""
        remarks = self._remarks.get(number)
        if remarks is None:
            return False
        question = self._columns.texts()
        missing = (RemarkKind.ERROR, RemarkKind.NO_VALUE)
        return any(
            (column in question and remark.kind in missing)
            or (column == self._stem and remark.kind is RemarkKind.PICTURE)
            for column, remark in remarks.items()
        )

    def _take_above_header(self, number: int, row: Sequence[str]) -> None:
        """A first block of rows may stand above the header; a title or an instruction reads as no question."""
        reading = read_cells(self._columns, row, self._source(number), habits=self._habits)
        if reading.question is None or number in self._merges.across:
            self._skip(number, _ABOVE_HEADER)
            return
        message = "这一行在表头上方，已按下面的表头读；请核对"
        warning = Problem(None, Severity.WARNING, FaultCode.ABOVE_HEADER, message)
        self._keep(number, row, reading.question, (warning, *reading.problems))

    def _why_no_data(self, number: int, row: Sequence[str]) -> str | None:
        """Why a filled row is none of data: a title, a heading between the rows, a number alone; None if it is."""
        stem = self._stem
        for column in self._beside_stem:
            if row[column] and not row[column].isspace():
                return None
        if self._shows_something(number):
            return None
        filled = [cell.strip() for cell in row if cell.strip()]
        if not row[stem].strip():
            self._heed_heading(filled[0])
            if all(cell.replace(".", "").isdigit() for cell in filled):
                return _NUMBER_ONLY
            return _TITLE if len(filled) == 1 or number in self._merges.across else _PREPARED
        if len(filled) == 1 and self._heed_heading(filled[0]):
            return _TITLE
        title = any(
            merged.first_column <= stem + 1 <= merged.last_column
            for merged in self._merges.across.get(number, ())
        )
        return _TITLE if title and len(filled) == 1 else None

    def _heed_heading(self, text: str) -> bool:
        """Whether `text` heads the rows below; a 题型 that it names is that of these rows."""
        said = section_type(text)
        if said is None:
            return False
        if said.type or said.choice:
            self._habits = replace(self._habits, told=said)
        return True

    def _take_data(self, number: int, row: Sequence[str]) -> None:
        filled = _NOTHING_FILLED
        if number in self._merges.filled:
            row, filled = self._fill(number, row)
        last = self._merges.downwards.get((number, self._stem))
        if last is not None:
            row = self._join(number, last, row)
        remarks = self._remarks.get(number, _NO_REMARKS)
        plain, problems = self._without_markup(row)
        if number in self._numbers and plain is row:
            plain = [*row]
            plain[self._stem] = row[self._stem][self._numbers[number] :]
        reading = read_cells(
            self._columns, plain, self._source(number), habits=self._habits, remarks=remarks, filled=filled
        )
        self._keep(number, row, reading.question, (*problems, *reading.problems))

    def _without_markup(self, row: Sequence[str]) -> tuple[Sequence[str], tuple[Problem, ...]]:
        """The row as a browser would show it, and a warning if that is not as it is written."""
        changed = {}
        for column in self._shown:
            if ("<" in row[column] or "&" in row[column]) and may_hold_markup(row[column]):
                text = without_markup(row[column])
                if text != row[column]:
                    changed[column] = text
        if not changed:
            return row, ()
        message = "单元格里有网页的标记，例如 <p>、&nbsp;，已去掉；请核对文字"
        warning = Problem(min(changed), Severity.WARNING, FaultCode.MARKUP, message)
        return [changed.get(column, text) for column, text in enumerate(row)], (warning,)

    def _is_unknown_header(self, row: Sequence[str]) -> bool:
        """Whether the first row of a sheet without a known header looks like a header in other words."""
        if self._first_header or self._questions or self._refused:
            return False
        answer = self._columns.fields.get(Field.ANSWER)
        written = "" if answer is None else row[answer].strip()
        headed = all(len(cell) <= _HEADING_LENGTH and not cell.strip().isdigit() for cell in row)
        return headed and not looks_like_answer(written) and not has_any_blank(row[self._stem])

    def _source(self, number: int) -> Source:
        return Source(self._file, self._sheet.name, number)

    def _fill(self, number: int, row: Sequence[str]) -> tuple[Sequence[str], frozenset[int]]:
        """The row with the texts of cells merged downwards into it, and which columns these are."""
        texts = list(row)
        filled = set()
        for column, source in self._merges.filled[number].items():
            if column < len(texts) and not texts[column].strip():
                texts[column] = self._sheet.rows[source - 1][column]
                filled.add(column)
        return texts, frozenset(filled)

    def _join(self, number: int, last: int, row: Sequence[str]) -> Sequence[str]:
        """A stem merged over several rows is one question; its options stand in these rows one below another."""
        self._joined_until = last
        below = self._sheet.rows[number:last]
        for skipped in range(number + 1, last + 1):
            if _is_filled(self._sheet.rows[skipped - 1]):
                self._skip(skipped, f"与第 {number} 行合并成一题")
        return [
            "\n".join(filter(None, (text, *(other[place].strip() for other in below))))
            for place, text in enumerate(row)
        ]

    def _keep(
        self, number: int, row: Sequence[str], question: Question | None, problems: Sequence[Problem]
    ) -> None:
        self._hidden += self._sheet.hidden or number in self._sheet.hidden_rows
        if question is None:
            self._refused += 1
        else:
            self._questions.append(question)
            self._warned += bool(problems)
        for problem in problems:
            column = None if problem.column is None else column_letter(problem.column)
            value = "" if problem.column is None else row[problem.column]
            place = (self._file, self._sheet.name, number, column)
            message = _clipped(problem.message)
            self._faults.append(Fault(*place, problem.severity, problem.code, value, message))


def _clipped(message: str) -> str:
    """The message with the middle left out where it quotes a cell of thousands of characters."""
    too_long = len(message) > _LONGEST_MESSAGE
    return f"{message[:_KEPT_OF_MESSAGE]}…{message[-_KEPT_OF_MESSAGE:]}" if too_long else message


def _some_begin_with_wrong(columns: Columns, rows: Sequence[Sequence[str]]) -> bool:
    """Whether the options of some 判断题 are 错误 and 正确, in this order."""
    if columns.options:
        first = columns.options[0][1]
        cells = {row[first] for row in rows if 0 < len(row[first]) <= 4}
        return any(judge_word(cell) == WRONG for cell in cells)
    column = columns.fields.get(Field.OPTIONS)
    if column is None:
        return False
    short = {row[column] for row in rows if 3 <= len(row[column]) <= 20}
    readings = (
        read_options(cell).options for cell in short if any(word in cell for word in ("错", "×", "不", "否"))
    )
    return any(len(options) == 2 and judge_word(options[0].text) == WRONG for options in readings)


def _short_words_judge(columns: Columns, rows: Sequence[Sequence[str]], written: Iterable[str]) -> bool:
    """Whether 是, N or 0 beside a statement without options is a verdict, as it is for the statements around."""
    answer = columns.fields.get(Field.ANSWER)
    # Most sheets say the 题型, or have no such answers: then there is nothing to look for.
    if answer is None or Field.TYPE in columns.fields or not any(map(_may_be_verdict, written)):
        return False
    places = [place for _, place in columns.options]
    if Field.OPTIONS in columns.fields:
        places.append(columns.fields[Field.OPTIONS])
    stem = columns.fields[Field.STEM]
    short = [
        text
        for row in rows
        if 0 < len(text := row[answer].strip()) <= _LONGEST_VERDICT
        and _LETTERS.fullmatch(text) is None
        and not any(row[place].strip() for place in places)
        and not asks(row[stem])
    ]
    verdicts = {text.upper() for text in short if judge_word(text)}
    return len(verdicts) > 1 and sum(text.upper() in verdicts for text in short) >= 0.8 * len(short)


def _may_be_verdict(text: str) -> bool:
    return len(text) <= _LONGEST_VERDICT and judge_word(text) is not None and plain_verdict(text) is None
