"""The canonical six columns: questions into the one workbook that we write, and always read back the same."""

import datetime
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.errors import BankError, StorageError
from xiaoan.question_bank.columns import Field, column_letter
from xiaoan.question_bank.normalization import clean_text
from xiaoan.question_bank.parsing import parse_options
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType, option_label

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
_OPTION_SEPARATORS = (",", "|", "\n")


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
