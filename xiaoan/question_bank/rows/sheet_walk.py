"""All rows of a sheet, one by one: titles, headings and repeated headers told from data, whatever data is read into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from xiaoan.question_bank.cells.sheets import Remark, RemarkKind, Sheet
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.question import Source
from xiaoan.question_bank.rows.columns import Columns, Field, HeaderRow
from xiaoan.question_bank.rows.faults import Fault, FaultCode, Severity
from xiaoan.question_bank.rows.inferred_columns import find_type_column, looks_like_answer
from xiaoan.question_bank.rows.markup import may_hold_markup, without_markup
from xiaoan.question_bank.rows.merged_cells import merges_of
from xiaoan.question_bank.rows.row_cells import Habits, Problem
from xiaoan.question_bank.rows.sheet_habits import learned_habits
from xiaoan.question_bank.rows.sheet_reading import (
    BLANK_ROW,
    HEADING_LENGTH,
    Skipped,
    is_filled,
    skipped_rows,
)
from xiaoan.question_bank.rows.stem_cells import has_any_blank
from xiaoan.question_bank.rows.stem_numbers import find_serials, has_unclear_number, numbers_to_cut
from xiaoan.question_bank.rows.type_words import read_type, section_type

_LONGEST_MESSAGE = 400
_KEPT_OF_MESSAGE = 150

_REPEATED_HEADER = "重复的表头"
_OTHER_HEADER = "新的表头，下面按它读"
_SECOND_HEADER_ROW = "表头的第二行"
_ABOVE_HEADER = "表头上方的标题或说明"
_TITLE = "标题或说明"
_NUMBER_ONLY = "只有序号，没有题目"
_PREPARED = "没有题干、选项和答案"
_UNKNOWN_HEADER = "像表头，但文字不认识"
_NO_REMARKS: Mapping[int, Remark] = {}
_NOTHING_FILLED: frozenset[int] = frozenset()

Found = TypeVar("Found")
Found_co = TypeVar("Found_co", covariant=True)


class RowReader(Protocol[Found_co]):
    """Makes of a row's cells what the walk is made for; None for a row that is refused, with its problems."""

    def __call__(
        self,
        columns: Columns,
        texts: Sequence[str],
        source: Source,
        *,
        habits: Habits,
        remarks: Mapping[int, Remark],
        filled: frozenset[int],
        above_header: bool,
    ) -> tuple[Found_co | None, tuple[Problem, ...]]:
        """Arguments as in `row_reading.read_cells`; `above_header`: None also for a title or an instruction."""
        ...


@dataclass(frozen=True)
class Walked(Generic[Found]):
    """What was found in the rows of a sheet, the names of the columns of its first header, and all that is to be said.

    `warned` counts what was found with a problem, `hidden` the data rows that are hidden in the workbook.
    """

    found: tuple[Found, ...]
    columns: Mapping[str, str]
    refused: int
    warned: int
    hidden: int
    skipped: tuple[Skipped, ...]
    faults: tuple[Fault, ...]


def with_type_column(columns: Columns, rows: Sequence[Sequence[str]]) -> Columns:
    """Return the same columns, and a 题型 under a heading that is not known (题目分类) if all its cells are such."""
    if Field.TYPE in columns.fields:
        return columns
    place = find_type_column(columns, rows)
    return columns if place is None else columns.with_type(place)


class SheetWalk(Generic[Found]):
    """Goes through the rows of one sheet and keeps count."""

    def __init__(
        self,
        sheet: Sheet,
        file: str,
        columns: Columns,
        found: Sequence[HeaderRow],
        read_row: RowReader[Found],
    ) -> None:
        """Take the sheet, its file's name, its first columns, all its headers (none: `columns` were inferred)."""
        self._sheet = sheet
        self._file = file
        self._read_row = read_row
        self._use(columns)
        self._first_columns = columns
        self._headers = {header.row + 1: header for header in found}
        self._first_header = found[0].row + 1 if found else 0
        self._merges = merges_of(sheet)
        self._remarks: dict[int, dict[int, Remark]] = {}
        for (row, column), remark in sheet.remarks.items():
            self._remarks.setdefault(row, {})[column - 1] = remark
        self._habits = Habits(read_type(sheet.name))
        self._numbers: Mapping[int, int] = {}
        self._found: list[Found] = []
        self._faults: list[Fault] = []
        self._skipped: dict[str, list[int]] = {}
        self._joined_until = 0
        self._refused = self._warned = self._hidden = 0

    def walk(self) -> Walked[Found]:
        """Return what the whole sheet holds."""
        if not self._headers:
            self._say_inferred()
        self._learn(self._first_header)
        for number, row in enumerate(self._sheet.rows, start=1):
            self._take(number, row)
        return Walked(
            tuple(self._found),
            self._first_columns.names(),
            self._refused,
            self._warned,
            self._hidden,
            skipped_rows(self._skipped),
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
        said = "，".join(f"{place_letters(place)} 列是{places[place]}" for place in sorted(places))
        message = f"没有表头，按单元格的内容推断：{said}；请核对，最好加上表头"
        fault = Fault(
            self._file, self._sheet.name, None, None, Severity.WARNING, FaultCode.HEADER_INFERRED, "", message
        )
        self._faults.append(fault)

    def _learn(self, header: int) -> None:
        """What can only be told from all rows below the header in row `header` (0 if there is none)."""
        rows = self._sheet.rows[header:]
        self._numbers = self._numbers_in_front(rows, header)
        self._habits = learned_habits(self._habits, self._columns, rows)

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
        elif not row[self._stem].strip() and not is_filled(row) and not self._shows_something(number):
            self._skip(number, BLANK_ROW)
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
            columns = with_type_column(header.columns, rows)
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
        found, problems = self._read_row(
            self._columns,
            row,
            self._source(number),
            habits=self._habits,
            remarks=_NO_REMARKS,
            filled=_NOTHING_FILLED,
            above_header=True,
        )
        if found is None or number in self._merges.across:
            self._skip(number, _ABOVE_HEADER)
            return
        message = "这一行在表头上方，已按下面的表头读；请核对"
        warning = Problem(None, Severity.WARNING, FaultCode.ABOVE_HEADER, message)
        self._keep(number, row, found, (warning, *problems))

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
        plain, repaired = self._without_markup(row)
        if number in self._numbers and plain is row:
            plain = [*row]
            plain[self._stem] = row[self._stem][self._numbers[number] :]
        found, problems = self._read_row(
            self._columns,
            plain,
            self._source(number),
            habits=self._habits,
            remarks=remarks,
            filled=filled,
            above_header=False,
        )
        self._keep(number, row, found, (*repaired, *problems))

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
        if self._first_header or self._found or self._refused:
            return False
        answer = self._columns.fields.get(Field.ANSWER)
        written = "" if answer is None else row[answer].strip()
        headed = all(len(cell) <= HEADING_LENGTH and not cell.strip().isdigit() for cell in row)
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
            if is_filled(self._sheet.rows[skipped - 1]):
                self._skip(skipped, f"与第 {number} 行合并成一题")
        return [
            "\n".join(filter(None, (text, *(other[place].strip() for other in below))))
            for place, text in enumerate(row)
        ]

    def _keep(
        self, number: int, row: Sequence[str], found: Found | None, problems: Sequence[Problem]
    ) -> None:
        self._hidden += self._sheet.hidden or number in self._sheet.hidden_rows
        if found is None:
            self._refused += 1
        else:
            self._found.append(found)
            self._warned += bool(problems)
        for problem in problems:
            column = None if problem.column is None else place_letters(problem.column)
            value = "" if problem.column is None else row[problem.column]
            place = (self._file, self._sheet.name, number, column)
            message = _clipped(problem.message)
            self._faults.append(Fault(*place, problem.severity, problem.code, value, message))


def _clipped(message: str) -> str:
    """The message with the middle left out where it quotes a cell of thousands of characters."""
    too_long = len(message) > _LONGEST_MESSAGE
    return f"{message[:_KEPT_OF_MESSAGE]}…{message[-_KEPT_OF_MESSAGE:]}" if too_long else message
