"""The canonical six columns: questions into the one workbook or CSV that we write, and always read back the same."""

import csv
import datetime
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.errors import BankError
from xiaoan.question_bank.cells.csv_cells import FORMULA_STARTS
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import clean_text, normalize_text
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType, Source
from xiaoan.question_bank.rows.columns import Field
from xiaoan.question_bank.rows.row_reading import read_row
from xiaoan.whole_files import write_whole, written_whole

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_WIDTHS = {
    Field.PROFESSION: 10,
    Field.TYPE: 10,
    Field.STEM: 60,
    Field.CLAUSE: 24,
    Field.OPTIONS: 60,
    Field.ANSWER: 30,
}
_CELL_LIMIT = 32_767
_SHEET_TITLE = "题库"
_FIXED_TIME = datetime.datetime(2025, 1, 1)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
_OPTION_SEPARATORS = (",", "|", "\n", "**", "$;$", "##")
_ANSWER_SEPARATORS = (";", "\n", "|", "$;$")
_ANY_ORDER = "（无序）"
_INSTRUCTIONS = (
    "怎样填写",
    "一题一行，写在“题库”这张表里；表头那一行不要改。填好后用 xiaoan bank check 检查。",
    "专业：如 变电、配电、线路；各专业都适用的写 通用。可以不写。",
    "题型：从下拉列表里选。",
    "题目内容：题干。要填的地方写（　　）或 ____。",
    "题目依据条款：规程名称和条款号，如 变电安规 7.2。可以不写。",
    "选项：写在一格里，每项前面写字母，如 A. 停电,B. 验电,C. 装设接地线。判断题、填空题和简答题不写选项。",
    "正确答案：单选题写一个字母，多选题写几个字母，如 ABD；判断题写 正确 或 错误。",
    "填空题有几个空就写几个答案，用分号隔开，如 停电;验电；各空不分先后的，末尾加（无序）。",
)
_NAMED_AT_MOST = 5
_TEMPLATE_ROWS = 10_000


def write_canonical(
    questions: Iterable[Question],
    path: Path,
    *,
    read_back: Callable[[Path], Sequence[Question]] | None = None,
    leave_out: Callable[[str], None] | None = None,
) -> None:
    """Write `questions` at `path`, as CSV if it ends in .csv, else as a workbook; equal questions, equal bytes.

    Explanations have no column. Every row is tried on the reader of rows; with `read_back` the whole file is
    read as well before it takes its name. `leave_out` is told of each question that cannot be written so that
    it reads back the same; without it these are a BankError. Raises StorageError where `path` cannot be
    written. After an error nothing is written.
    """
    written, rows, faults = _canonical_rows(questions)
    if faults and (leave_out is None or not written):
        more = f"\n还有 {len(faults) - _NAMED_AT_MOST} 道" if len(faults) > _NAMED_AT_MOST else ""
        raise BankError("\n".join(faults[:_NAMED_AT_MOST]) + more)
    if leave_out is not None:
        for fault in faults:
            leave_out(fault)
    cells = [[field.value for field in Field], *rows]
    is_csv = path.suffix.lower() == ".csv"
    data = _csv(cells) if is_csv else _workbook_bytes([_question_sheet(cells)])
    with written_whole(path) as draft:
        draft.write_bytes(data)
        if read_back is not None:
            _compare(written, read_back(draft))


def write_template(path: Path) -> None:
    """Write the workbook without questions, with a drop-down for 题型 and a sheet that says what goes where.

    Raises StorageError where `path` cannot be written.
    """
    write_whole(path, _workbook_bytes([_template_sheet, _instructions]))


def _canonical_rows(questions: Iterable[Question]) -> tuple[list[Question], list[list[str]], list[str]]:
    """The questions that can be written, their rows, and why the others cannot."""
    written: list[Question] = []
    rows: list[list[str]] = []
    faults: list[str] = []
    for question in questions:
        try:
            rows.append(_canonical_row(question))
            written.append(question)
        except BankError as error:
            faults.append(error.message)
    return written, rows, faults


def _canonical_row(question: Question) -> list[str]:
    """The six cells, written in the first way that is read back the same, if possible without a warning."""
    cells = {
        Field.PROFESSION: question.profession,
        Field.TYPE: question.question_type.value,
        Field.STEM: question.stem,
        Field.CLAUSE: question.clause,
    }
    second_best: list[str] | None = None
    for options, answer in _ways_to_write(question):
        written = {**cells, Field.OPTIONS: options, Field.ANSWER: answer}
        fitting = {field: _fitting(written[field], field, question) for field in Field}
        reading = read_row(fitting, Source("", "", 2))
        if _same(reading.question, question):
            row = [fitting[field] for field in Field]
            if not reading.problems:
                return row
            second_best = second_best or row
    if second_best:
        return second_best
    raise BankError(
        f"题目“{question.stem[:40]}”写进六列后读不回原样；请去掉选项里像“B.”这样的字母标号、"
        "只有一个标点的选项，或答案里的分号和换行"
    )


def _ways_to_write(question: Question) -> Iterator[tuple[str, str]]:
    """Yield the two cells: `A. x,B. y` and `A. x`, then with other separators, then the letters alone."""
    labelled = [f"{place_letters(place)}. {text}" for place, text in enumerate(question.options)]
    if question.question_type is QuestionType.JUDGE and not question.options:
        letter = "A" if question.answer == (RIGHT,) else "B"
        yield f"A. {RIGHT},B. {WRONG}", f"{letter}. {question.answer[0]}"
    elif question.question_type in (QuestionType.SINGLE, QuestionType.MULTIPLE) and question.options:
        chosen = {place_letters(place): text for place, text in enumerate(question.options)}
        answer = ",".join(f"{letter}. {chosen[letter]}" for letter in question.answer_letters)
        for separator in _OPTION_SEPARATORS:
            yield separator.join(labelled), answer
            yield separator.join(labelled), "".join(question.answer_letters)
    else:
        order = _ANY_ORDER if question.any_order else ""
        for separator in _ANSWER_SEPARATORS:
            yield ",".join(labelled), separator.join(question.answer) + order
        numbered = "".join(f"({number}){text}" for number, text in enumerate(question.answer, start=1))
        yield ",".join(labelled), numbered + order


def _same(read: Question | None, written: Question) -> bool:
    """Whether nothing was altered on the way but line ends; a 多选题's answers may stand in the options' order."""
    return (
        read is not None
        and read.id == written.id
        and _normalized(read.options) == _normalized(written.options)
        and sorted(_normalized(read.answer)) == sorted(_normalized(written.answer))
        and (read.profession, read.clause) == (clean_text(written.profession), clean_text(written.clause))
        and read.any_order == written.any_order
    )


def _normalized(texts: Sequence[str]) -> list[str]:
    return [normalize_text(text) for text in texts]


def _compare(written: Sequence[Question], read: Sequence[Question]) -> None:
    """Raise BankError if the file does not say what it was to say."""
    for expected, found in zip(written, read, strict=False):
        if not _same(found, expected):
            raise BankError(f"题目“{expected.stem[:40]}”写进新文件后读不回原样，没有写")
    if len(read) != len(written):
        raise BankError(f"写了 {len(written)} 题，读回来 {len(read)} 题，没有写新文件")


def _fitting(text: str, field: Field, question: Question) -> str:
    text = clean_text(text, keep_newlines=True)
    if len(text) > _CELL_LIMIT:
        raise BankError(
            f"题目“{question.stem[:30]}…”的“{field}”有 {len(text)} 字，一格最多 {_CELL_LIMIT} 字；请缩短"
        )
    return text


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    """The rows as spreadsheet programs take them: UTF-8 with a mark, and nothing that looks like a formula."""
    text = io.StringIO()
    guarded = ([f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell for cell in row] for row in rows)
    csv.writer(text, lineterminator="\r\n").writerows(guarded)
    return text.getvalue().encode("utf-8-sig")


def _workbook_bytes(fillers: Sequence[Callable[["Worksheet"], None]]) -> bytes:
    """The workbook whose sheets, in order, these functions fill."""
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.properties.created = _FIXED_TIME
    workbook.properties.creator = "xiaoan"
    workbook.remove(workbook.active)
    for fill in fillers:
        fill(workbook.create_sheet())
    data = io.BytesIO()
    workbook.save(data)
    return _with_fixed_times(data.getvalue())


def _question_sheet(rows: Sequence[Sequence[str]]) -> Callable[["Worksheet"], None]:
    def fill(sheet: "Worksheet") -> None:
        sheet.title = _SHEET_TITLE
        _write_rows(sheet, rows)
        _style(sheet)

    return fill


def _template_sheet(sheet: "Worksheet") -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    _question_sheet([[field.value for field in Field]])(sheet)
    choices = DataValidation(
        type="list",
        formula1='"' + ",".join(QuestionType) + '"',
        allow_blank=True,
        errorTitle="题型",
        error="请从下拉列表里选一种题型",
    )
    sheet.add_data_validation(choices)
    letter = place_letters(list(Field).index(Field.TYPE))
    choices.add(f"{letter}2:{letter}{_TEMPLATE_ROWS}")


def _instructions(sheet: "Worksheet") -> None:
    from openpyxl.styles import Alignment, Font

    sheet.title = "说明"
    for number, line in enumerate(_INSTRUCTIONS, start=1):
        cell = sheet.cell(number, 1, line)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet["A1"].font = Font(bold=True)
    sheet.column_dimensions["A"].width = 100


def _write_rows(sheet: "Worksheet", rows: Iterable[Sequence[str]]) -> None:
    """Write texts as texts: what begins with = stays text here and after an edit in a spreadsheet program."""
    for number, row in enumerate(rows, start=1):
        for column, text in enumerate(row, start=1):
            cell = sheet.cell(number, column, text or None)
            cell.number_format = "@"
            if text:
                cell.data_type = "s"
                cell.quotePrefix = text.startswith(FORMULA_STARTS)


def _style(sheet: "Worksheet") -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    wrapped = Alignment(vertical="top", wrap_text=True)
    for row in sheet.iter_rows():
        for cell in row:
            cell.alignment = wrapped
    for cell in sheet[1]:
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="1F5C7A")
        cell.alignment = Alignment(horizontal="center", vertical="center")
    for index, field in enumerate(Field):
        sheet.column_dimensions[place_letters(index)].width = _WIDTHS[field]
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions


def _with_fixed_times(workbook: bytes) -> bytes:
    """The same workbook with the clock taken out, so that a bank written twice is the same file."""
    modified = rb"\g<1>" + f"{_FIXED_TIME.isoformat()}Z".encode()
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, date_time=_FIXED_TIME.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0  # the same on every system
            target.writestr(entry, _MODIFIED.sub(modified, source.read(name)))
    return written.getvalue()
