"""Banks as workbooks: reads them from the bytes of files, writes the canonical six columns."""

import datetime
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.errors import BankError, StorageError
from xiaoan.question_bank.columns import Field, Header, column_letter, find_header, read_header
from xiaoan.question_bank.faults import Fault, FaultCode, Severity
from xiaoan.question_bank.normalization import clean_text
from xiaoan.question_bank.parsing import parse_options
from xiaoan.question_bank.question import (
    RIGHT,
    WRONG,
    Question,
    QuestionBank,
    QuestionType,
    Source,
    option_label,
)
from xiaoan.question_bank.row_reading import read_row

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["BankReading", "Fault", "read_bank", "write_canonical"]

_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
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
_OPTION_SEPARATORS = (",", "|", "\n")


@dataclass(frozen=True)
class BankReading:
    """The questions of all files in their order, and what was wrong with which row."""

    bank: QuestionBank
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The texts of one sheet: `rows[0]` is row 1, `rows[0][0]` is cell A1."""

    file: str
    name: str
    rows: list[list[str]]


def read_bank(paths: Sequence[Path]) -> BankReading:
    """Return the questions in the workbooks at `paths`.

    Every sheet with a header row is read; rows that are no questions are faults. Raises BankError for a file
    that cannot be read at all: missing, empty, locked, protected by a password, or not a workbook.
    """
    questions: list[Question] = []
    faults: list[Fault] = []
    for path in paths:
        for sheet in _read_sheets(path):
            found, wrong = _read_sheet(sheet)
            questions.extend(found)
            faults.extend(wrong)
    return BankReading(QuestionBank(questions), tuple(faults))


def write_canonical(questions: Iterable[Question], path: Path) -> None:
    """Write `questions` as the canonical workbook at `path`; equal questions give equal bytes.

    Raises BankError for a text that does not fit a cell, StorageError where `path` cannot be written.
    """
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.properties.created = _FIXED_TIME
    workbook.properties.creator = "xiaoan"
    sheet = workbook.active
    assert sheet is not None
    sheet.title = _SHEET_TITLE
    _write_rows(sheet, [[field.value for field in Field], *map(_canonical_row, questions)])
    _style(sheet)
    data = io.BytesIO()
    workbook.save(data)
    _replace_file(path, _with_fixed_times(data.getvalue()))


def _read_sheets(path: Path) -> Iterator[_Sheet]:
    """Yield the sheets of one file as texts; its bytes decide what kind of workbook it is, not its name."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, ZipError

    data = _read_bytes(path)
    if data.startswith(_OLE_MAGIC) and _ENCRYPTED in data:
        raise BankError(f"题库 {path} 有打开密码，读不了；请在表格软件里去掉密码，另存后再试")
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in workbook.sheet_names:
            values = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            yield _Sheet(path.name, name, [[_cell_text(value) for value in row] for row in values])
    except PasswordError as error:
        raise BankError(f"题库 {path} 有打开密码，读不了；请在表格软件里去掉密码，另存后再试") from error
    except (CalamineError, ZipError) as error:
        raise BankError(
            f"题库 {path} 不是能读的工作簿（需要 .xlsx 或 .xls，文件可能损坏或没有下载完整）：{error}"
        ) from error


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise BankError(f"没有找到题库 {path}；请检查路径") from error
    except IsADirectoryError as error:
        raise BankError(f"{path} 是文件夹，不是题库；请给出其中的工作簿") from error
    except PermissionError as error:
        raise BankError(f"没有权限读题库 {path}，或它正被别的程序占用；请关闭该程序或改权限后再试") from error
    except OSError as error:
        raise BankError(f"读不了题库 {path}：{error.strerror or error}") from error
    if not data:
        raise BankError(f"题库 {path} 是空文件（0 字节）；请重新导出或下载")
    return data


def _cell_text(value: object) -> str:
    """A cell's value as text: whole numbers without decimals, dates as ISO writes them."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _read_sheet(sheet: _Sheet) -> tuple[list[Question], list[Fault]]:
    """Return the questions of one sheet and its faults."""
    header = find_header(sheet.rows)
    if header is None:
        return [], [_sheet_fault(sheet)]
    questions: list[Question] = []
    faults: list[Fault] = []
    for number, row in enumerate(sheet.rows[header.row + 1 :], start=header.row + 2):
        if not any(cell.strip() for cell in row) or read_header(row) == header.columns:
            continue
        texts = {field: row[column] for field, column in header.columns.items()}
        reading = read_row(texts, Source(sheet.file, sheet.name, number))
        if reading.question is not None:
            questions.append(reading.question)
        for problem in reading.problems:
            value = texts.get(problem.field, "")
            column = _column_of(header, problem.field)
            place = (sheet.file, sheet.name, number, column)
            faults.append(Fault(*place, problem.severity, problem.code, value, problem.message))
    return questions, faults


def _column_of(header: Header, field: Field) -> str | None:
    index = header.columns.get(field)
    return None if index is None else column_letter(index)


def _sheet_fault(sheet: _Sheet) -> Fault:
    """A sheet without questions: nothing in it, or no header row that can be told."""
    empty = not any(cell.strip() for row in sheet.rows for cell in row)
    code = FaultCode.EMPTY_SHEET if empty else FaultCode.NO_HEADER
    message = (
        "空工作表，已跳过" if empty else "没有找到表头，已跳过；需要一行至少写着“题目内容”和“正确答案”的表头"
    )
    return Fault(sheet.file, sheet.name, None, None, Severity.WARNING, code, "", message)


def _canonical_row(question: Question) -> list[str]:
    options, answer = _options_and_answer(question)
    cells = {
        Field.PROFESSION: question.profession,
        Field.TYPE: question.question_type.value,
        Field.STEM: question.stem,
        Field.CLAUSE: question.clause,
        Field.OPTIONS: options,
        Field.ANSWER: answer,
    }
    return [_fitting(cells[field], field, question) for field in Field]


def _options_and_answer(question: Question) -> tuple[str, str]:
    """The two cells: `A. x,B. y` and `A. x`, with the first separator that reads back as the same options."""
    if question.question_type is QuestionType.JUDGE and not question.options:
        letter = "A" if question.answer == (RIGHT,) else "B"
        return f"A. {RIGHT},B. {WRONG}", f"{letter}. {question.answer[0]}"
    if not question.options:
        return "", ";".join(question.answer)
    labelled = [f"{option_label(place)}. {text}" for place, text in enumerate(question.options)]
    answer = ",".join(f"{letter}. {text}" for letter, text in _lettered_answer(question))
    for separator in _OPTION_SEPARATORS:
        cell = separator.join(labelled)
        if tuple(option.text for option in parse_options(cell)) == question.options:
            return cell, answer
    raise BankError(f"题目“{question.stem}”的选项写进一格后读不回来；请去掉选项里像“B.”这样的字母标号")


def _lettered_answer(question: Question) -> list[tuple[str, str]]:
    labels = {option_label(place): text for place, text in enumerate(question.options)}
    return [(letter, labels[letter]) for letter in question.answer_letters]


def _fitting(text: str, field: Field, question: Question) -> str:
    text = clean_text(text, keep_newlines=True)
    if len(text) > _CELL_LIMIT:
        raise BankError(
            f"题目“{question.stem[:30]}…”的“{field}”有 {len(text)} 字，一格最多 {_CELL_LIMIT} 字；请缩短"
        )
    return text


def _write_rows(sheet: "Worksheet", rows: Iterable[Sequence[str]]) -> None:
    """Write texts as texts: what begins with = stays text here and after an edit in a spreadsheet program."""
    for number, row in enumerate(rows, start=1):
        for column, text in enumerate(row, start=1):
            cell = sheet.cell(number, column, text or None)
            cell.number_format = "@"
            if text:
                cell.data_type = "s"
                cell.quotePrefix = text.startswith(("=", "+", "-", "@"))


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
        sheet.column_dimensions[column_letter(index)].width = _WIDTHS[field]
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


def _replace_file(path: Path, data: bytes) -> None:
    """Write beside `path`, then rename: whoever reads meanwhile sees the old file or the new one."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise StorageError(
            f"写不了 {path}：{error.strerror or error}；请换个位置或关闭占用它的程序"
        ) from error
