"""Banks as workbooks: reads them from the bytes of files, writes the canonical six columns."""

import datetime
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xiaoan.errors import BankError
from xiaoan.question_bank.canonical import write_canonical
from xiaoan.question_bank.columns import Field, Header, column_letter, find_header, read_header
from xiaoan.question_bank.faults import Fault, FaultCode, Severity
from xiaoan.question_bank.question import Question, QuestionBank, Source
from xiaoan.question_bank.row_reading import read_row

__all__ = ["BankReading", "Fault", "read_bank", "write_canonical"]

_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


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
